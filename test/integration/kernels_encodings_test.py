"""Every encoding of weights over shapes that fill no block, all granularities of scales and all numbers of tokens."""

import itertools

import pytest

from kernel_layers import FORMS, PACKING, Layer, check, make_inputs, module, references
from kernels_levels_test import TOKENS
from machines import ARM_MACHINES, PORTABLE, X86, Machine, has_level, shared_source

SHAPES = [(640, 3200), (8, 8640), (1, 344), (3, 100), (7, 3), (640, 1), (16, 192), (1, 1), (33, 193), (9, 191), (17, 1111)]
# Each granularity with a column less than a block and one more than two.
LAYERS = [Layer(n, k, scale) for (n, k), scale in zip(SHAPES, itertools.cycle(["row", "tensor", "64"]))]
LAYERS += [Layer(11, k, scale) for scale in ["32", "64", "128", "256"] for k in [191, 385]]
LAYERS += [Layer(13, 344, scale, "none") for scale in ["row", "64"]]
LAYERS += [Layer(9, 344, "row", levels="odd"), FORMS[0]]

# The lowering of plain vectors compiles slowly: one shape of each kind.
FEW = [Layer(9, 385, "row"), Layer(11, 191, "64"), Layer(13, 344, "row", "none")]

VBMI = ("--level=avx512vbmi",)
CASES = {"trits3in5-portable": ("trits3in5", Machine("avx512vbmi", X86, flags=(*VBMI, PORTABLE)), FEW)}
if has_level("avx512vbmi"):
    CASES |= {encoding: (encoding, Machine("avx512vbmi", X86, flags=VBMI), LAYERS) for encoding in ["planes2", "trits3in5"]}
CASES |= {f"{encoding}-{name}": (encoding, machine, LAYERS) for encoding in ["planes2", "rowplanes2", "tritplanes"]
          for name, machine in ARM_MACHINES.items()}


@pytest.mark.parametrize("case", CASES)
def test_an_encoding(tmp_path_factory, case):
    encoding, machine, layers = CASES[case]
    source = shared_source(tmp_path_factory, f"encodings{len(layers)}.mlir", module(layers))
    path = machine.compile(source, PACKING, f"--encoding={encoding}")
    models = [machine.load(path, threads) for threads in ([2] if machine.emulated else [1, 3])]
    for tokens in TOKENS:
        feeds = make_inputs(layers, tokens, seed=tokens)
        expectations = references(layers, feeds)
        for model in models:
            check(layers, feeds, model(feeds), expectations)
    for model in models:
        model.close()
