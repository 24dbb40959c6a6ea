"""Ternary kernels on GPUs: every layer form x scales x gates x corrections x awkward shapes."""

import pytest

from kernel_layers import ALL, FORMS, GROUPS, SEGMENTS, SHAPES, check, make_inputs, module
from machines import GPUS, shared_source

PACKING = "--compile-from=gpu-packing"


def load(gpu, factory, name, layers, tokens=-1):
    source = shared_source(factory, f"gpu_{name}{tokens}.mlir", module(layers, tokens))
    return gpu.load(gpu.compile(source, PACKING))


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("tokens", [1, 2, 7, 19, 70])
def test_every_form(gpu, tmp_path_factory, tokens):
    model = load(gpu, tmp_path_factory, "all", ALL)
    assert model.level.startswith("sm_")
    feeds = make_inputs(ALL, tokens, seed=tokens)
    check(ALL, feeds, model(feeds))
    model.close()


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("tokens", [1, 5, 15])
def test_known_numbers_of_tokens(gpu, tmp_path_factory, tokens):
    layers = SHAPES[:3] + GROUPS[:2] + FORMS[:5] + SEGMENTS
    model = load(gpu, tmp_path_factory, "static", layers, tokens)
    feeds = make_inputs(layers, tokens, seed=1)
    check(layers, feeds, model(feeds))
    model.close()
