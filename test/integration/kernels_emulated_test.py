"""Ternary kernels on processors that this machine is not, under qemu: all levels compute the same."""

import pytest

from kernel_layers import FLOATS, FORMS, GROUPS, HALVES, PACKING, SEGMENTS, SHAPES, check, make_inputs, module
from machines import ARM_MACHINES, X86_MACHINES, shared_source

LAYERS = SHAPES[2:] + [layer for layer in GROUPS if layer.columns < 1000] + FLOATS + FORMS[::3] + HALVES + SEGMENTS
MACHINES = {**X86_MACHINES, **ARM_MACHINES}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return shared_source(tmp_path_factory, "emulated.mlir", module(LAYERS))


@pytest.mark.parametrize("name", MACHINES)
def test_every_level_computes_the_same(source, name):
    machine = MACHINES[name]
    model = machine.load(machine.compile(source, PACKING), threads=2)
    assert model.level == machine.level
    feeds = make_inputs(LAYERS, 7, seed=5)
    check(LAYERS, feeds, model(feeds))
