"""Ternary kernels against NumPy: every layer form x scales x gates x corrections x awkward shapes, in few modules."""

import numpy as np
import pytest

import harness
from kernel_layers import ALL, FORMS, GROUPS, PACKING, SEGMENTS, SHAPES, check, make_inputs, module

TOKENS = [1, 2, 7, 130]


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Compiles the module of `layers` once per set of flags."""
    folder = tmp_path_factory.mktemp("kernels")
    known = {}

    def compile_layers(name, layers, *flags, tokens=-1):
        key = (name, tokens, flags)
        if key not in known:
            source = folder / f"{len(known)}.mlir"
            source.write_text(module(layers, tokens))
            known[key] = harness.compile_file(source, source.with_suffix(".so"), PACKING, *flags)
        return known[key]

    return compile_layers


@pytest.mark.parametrize("cpu", ["portable", "x86-64"])
def test_every_form(build, cpu):
    path = build("all", ALL, f"--cpu={cpu}")
    for threads in [1, 2, 3] if cpu == "portable" else [1]:
        model = harness.Model(path, threads)
        for tokens in TOKENS if cpu == "portable" else TOKENS[:3]:
            feeds = make_inputs(ALL, tokens, seed=tokens)
            check(ALL, feeds, model(feeds))
        model.close()


def test_threads_do_not_change_a_bit(build):
    path = build("all", ALL, "--cpu=portable")
    feeds = make_inputs(ALL, 7, seed=3)
    outputs = []
    for threads in [1, 2, 3]:
        model = harness.Model(path, threads)
        outputs.append(model(feeds))
        model.close()
    for other in outputs[1:]:
        for name, value in outputs[0].items():
            np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("tokens", [1, 5, 15])
def test_known_numbers_of_tokens(build, tokens):
    layers = SHAPES[:3] + GROUPS[:2] + FORMS[:5] + SEGMENTS
    model = harness.Model(build("static", layers, "--cpu=native", tokens=tokens))
    feeds = make_inputs(layers, tokens, seed=1)
    check(layers, feeds, model(feeds))
    model.close()
