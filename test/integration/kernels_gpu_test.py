"""Ternary kernels on the simulated GPU: every layer form x scales x gates x corrections x awkward shapes."""

import pytest

from kernel_layers import ALL, FORMS, GROUPS, SEGMENTS, SHAPES, check, make_inputs, module
from machines import GPU, shared_source

PACKING = "--compile-from=gpu-packing"


def load(factory, name, layers, tokens=-1):
    source = shared_source(factory, f"gpu_{name}{tokens}.mlir", module(layers, tokens))
    return GPU.load(GPU.compile(source, PACKING))


@pytest.mark.parametrize("tokens", [1, 2, 7, 19, 70])
def test_every_form(tmp_path_factory, tokens):
    model = load(tmp_path_factory, "all", ALL)
    assert model.level == "sm_80"
    feeds = make_inputs(ALL, tokens, seed=tokens)
    check(ALL, feeds, model(feeds))
    model.close()


@pytest.mark.parametrize("tokens", [1, 5, 15])
def test_known_numbers_of_tokens(tmp_path_factory, tokens):
    layers = SHAPES[:3] + GROUPS[:2] + FORMS[:5] + SEGMENTS
    model = load(tmp_path_factory, "static", layers, tokens)
    feeds = make_inputs(layers, tokens, seed=1)
    check(layers, feeds, model(feeds))
    model.close()
