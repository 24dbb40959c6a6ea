"""The kernels for many tokens: every level x scales x encodings of the codes x awkward shapes x tokens x threads, from one
token on, so that every size of a group of tokens runs."""

import numpy as np
import pytest

import harness
from kernel_layers import PACKING, Layer, make_inputs, module
from kernels_levels_test import MACHINES
from machines import ARM_MACHINES, FEATURES, NATIVE, has_level, shared_source

TOKENS = [1, 2, 3, 4, 5, 6, 9, 23, 24, 25, 64, 130]
MOST = 300  # more than one call takes

EXACT = [Layer(n, k, scale) for n, k, scale in [
    (1, 1, "tensor"), (3, 3, "row"), (640, 3, "row"), (640, 1, "tensor"), (3, 3200, "row"), (1, 8640, "tensor"),
    (640, 3200, "row"), (8, 256, "row"), (65, 257, "row"), (33, 515, "tensor"), (129, 100, "row")]]
EXACT += [Layer(9, k, "row", levels=levels) for k, levels in [(515, "odd"), (300, "signed")]]
CLOSE = [Layer(n, k, str(group)) for group, n, k in [(32, 24, 3200), (64, 11, 344), (128, 65, 640), (256, 5, 768), (32, 1, 3)]]
CLOSE += [Layer(70, 300, "256", levels="odd"), Layer(11, 344, "64", levels="signed")]
CLOSE += [Layer(23, 64, rank=7, gate="row", bias=True, residual=True, segments=(10, 1, 12), ranks=(3, 0, 4)),
          Layer(13, 344, rank=6, factor="i8", gate="sigmoid_input", bias=True, activation="silu"),
          Layer(24, 100, rank=4, factor="bf16", phi="identity", gate="sigmoid_output", residual=True),
          Layer(9, 40, "row", bias=True), Layer(9, 40, "row", activation="relu_squared"), Layer(9, 40, residual=True)]
LAYERS = EXACT + CLOSE


@pytest.fixture(scope="module")
def expected():
    """The inputs of as many tokens as any test takes, and what the layers make of them; tokens do not see each other."""
    feeds = make_inputs(LAYERS, MOST, seed=11)
    return feeds, [layer.reference(feeds[f"x{i}"], feeds.get(f"r{i}")) for i, layer in enumerate(LAYERS)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return shared_source(tmp_path_factory, "prefill.mlir", module(LAYERS))


def compare(layer, got, reference, tokens):
    close, exact = reference
    if exact is not None:
        np.testing.assert_array_equal(got, exact[:tokens], err_msg=f"{layer} of {tokens} tokens")
    magnitude = max(np.abs(close[:tokens]).max(), 1e-3)
    np.testing.assert_allclose(got / magnitude, close[:tokens] / magnitude, rtol=0, atol=4e-6, err_msg=repr(layer))


def check(expected, model, tokens):
    feeds, references = expected
    outputs = model({name: value[:tokens] for name, value in feeds.items()})
    for i, (layer, reference) in enumerate(zip(LAYERS, references)):
        compare(layer, outputs[f"y{i}"], reference, tokens)


@pytest.mark.parametrize("name", MACHINES)
def test_every_level(source, expected, name):
    machine = MACHINES[name]
    path = machine.compile(source, PACKING, "--prefill-from=1")
    native = name in FEATURES
    for threads in [1, 2, 3] if native else [2]:
        model = machine.load(path, threads)
        assert model.level == machine.level
        for tokens in TOKENS + [MOST] if native or name in ARM_MACHINES else [1, 5, 25, 130]:
            check(expected, model, tokens)
        model.close()


def test_codes_that_do_not_keep_their_lanes(tmp_path, expected):
    """Three trits in five bits are unpacked row by row, then transposed."""
    layers = [layer for layer in LAYERS if not layer.grouped and layer.levels == "ternary"]
    feeds, references = expected
    source = tmp_path / "trits.mlir"
    source.write_text(module(layers))
    lowering = "native" if has_level("avx512vbmi") else "portable"
    model = harness.Model(harness.compile_file(source, tmp_path / "trits.so", PACKING, "--cpu=znver4", "--level=avx512vbmi",
                                               f"--dot-lowering={lowering}", "--encoding=trits3in5", "--prefill-from=1"), 2)
    for tokens in [1, 5, 25, 130]:
        numbers = [LAYERS.index(layer) for layer in layers]
        outputs = model({f"{name}{i}": feeds[f"{name}{number}"][:tokens] for i, number in enumerate(numbers)
                         for name in ["x", "r"] if f"{name}{number}" in feeds})
        for i, number in enumerate(numbers):
            compare(LAYERS[number], outputs[f"y{i}"], references[number], tokens)
    model.close()


@pytest.mark.parametrize("name", ["native", *ARM_MACHINES])
def test_portable_binaries_switch_where_their_level_says(source, expected, name):
    """On both sides of every level's crossover."""
    machine = ARM_MACHINES.get(name, NATIVE)
    model = machine.load(machine.compile(source, PACKING), 2)
    for tokens in [15, 16, 23, 24, 127, 128] if machine.emulated else [*range(1, 33), 47, 48, 191, 192]:
        check(expected, model, tokens)
    model.close()


@pytest.mark.parametrize("tokens", [9, 24, 130])
def test_known_numbers_of_tokens(tmp_path, expected, tokens):
    source = tmp_path / "known.mlir"
    source.write_text(module(LAYERS, tokens))
    model = harness.Model(harness.compile_file(source, tmp_path / "known.so", PACKING, "--cpu=native", "--prefill-from=9"))
    check(expected, model, tokens)
    model.close()
