"""Every instruction level's kernels: natively where this processor has the level, and with portable dot products anywhere."""

import pytest

import numpy as np

from kernel_layers import FLOATS, FORMS, GROUPS, PACKING, SEGMENTS, SHAPES, Layer, check, make_inputs, module, references
from machines import ARM_MACHINES, ARM_SCHEDULES, FEATURES, PORTABLE, X86, Machine, has_level, shared_source

# Several chunks of columns, one, and less than a block; rows that fill no tile.
LAYERS = SHAPES + GROUPS + FLOATS[:3] + FORMS[:1] + SEGMENTS[:1] + [
    Layer(24, 8640, "64", "reciprocal"), Layer(9, 3200, "row", "reciprocal", bias=True)]
TOKENS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 130]



def make_machines():
    """Each level natively where this processor has it, and its schedule with portable dot products; AArch64's under qemu."""
    machines = {}
    for level in FEATURES:
        if has_level(level):
            machines[level] = Machine(level, X86, flags=(f"--level={level}",))
        if not has_level(level) or level != "baseline":
            machines[f"{level}-portable"] = Machine(level, X86, flags=(f"--level={level}", PORTABLE))
    return {**machines, **ARM_MACHINES, **ARM_SCHEDULES}


MACHINES = make_machines()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return shared_source(tmp_path_factory, "levels.mlir", module(LAYERS))


@pytest.fixture(scope="module")
def cases():
    """Inputs, ordinary ones, some near the largest float, and denormal ones, with what is expected of them."""
    feeds = [make_inputs(LAYERS, tokens, seed=tokens) for tokens in TOKENS]
    for magnitude in [1e33, 1e-41]:
        feeds.append({name: (x * np.float32(magnitude)).astype(np.float32)
                      for name, x in make_inputs(LAYERS, 3, seed=11).items()})
    return [(feed, references(LAYERS, feed)) for feed in feeds]


@pytest.mark.parametrize("name", MACHINES)
def test_a_level(source, cases, name):
    machine = MACHINES[name]
    path = machine.compile(source, PACKING)
    for threads in [1, 2, 3] if name in FEATURES else [2]:
        model = machine.load(path, threads)
        assert model.level == machine.level
        for feeds, expectations in cases:
            check(LAYERS, feeds, model(feeds), expectations)
        model.close()
