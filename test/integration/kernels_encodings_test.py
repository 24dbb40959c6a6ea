"""Every encoding of weights over shapes that fill no block, all granularities of scales and all numbers of tokens."""

import itertools

import pytest

import harness
from kernels_levels_test import TOKENS, lowering_of
from kernel_layers import FORMS, PACKING, Layer, check, make_inputs, module, references

SHAPES = [(640, 3200), (8, 8640), (1, 344), (3, 100), (7, 3), (640, 1), (16, 192), (1, 1), (33, 193), (9, 191), (17, 1111)]
# Each granularity with a column less than a block and one more than two.
LAYERS = [Layer(n, k, scale) for (n, k), scale in zip(SHAPES, itertools.cycle(["row", "tensor", "64"]))]
LAYERS += [Layer(11, k, scale) for scale in ["32", "64", "128", "256"] for k in [191, 385]]
LAYERS += [Layer(13, 344, scale, "none") for scale in ["row", "64"]]
LAYERS += [Layer(9, 344, "row", levels="odd"), FORMS[0]]

# The lowering of plain vectors compiles slowly: one shape of each kind.
FEW = [Layer(9, 385, "row"), Layer(11, 191, "64"), Layer(13, 344, "row", "none")]

CASES = [("trits3in5", "portable", FEW)]
if lowering_of("avx512vbmi") == "native":
    CASES += [("planes2", "native", LAYERS), ("trits3in5", "native", LAYERS)]


@pytest.mark.parametrize("encoding, lowering, layers", CASES, ids=[f"{encoding}-{lowering}" for encoding, lowering, _ in CASES])
def test_an_encoding(tmp_path, encoding, lowering, layers):
    source = tmp_path / "layers.mlir"
    source.write_text(module(layers))
    path = harness.compile_file(source, tmp_path / "layers.so", PACKING, "--target=x86_64-linux-gnu", "--level=avx512vbmi",
                                f"--dot-lowering={lowering}", f"--encoding={encoding}")
    models = [harness.Model(path, threads) for threads in [1, 3]]
    for tokens in TOKENS:
        feeds = make_inputs(layers, tokens, seed=tokens)
        expectations = references(layers, feeds)
        for model in models:
            check(layers, feeds, model(feeds), expectations)
    for model in models:
        model.close()
