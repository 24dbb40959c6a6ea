"""Ternary kernels against NumPy: every layer form x scales x gates x corrections x awkward shapes, in few modules."""

import numpy as np
import pytest

from kernel_layers import ALL, FORMS, GROUPS, PACKING, SEGMENTS, SHAPES, check, make_inputs, module
from machines import ARM_MACHINES, NATIVE, shared_source

TOKENS = [1, 2, 7, 130]
MACHINES = {"native": NATIVE, **ARM_MACHINES}


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Compiles the module of `layers` once per target and set of flags."""
    def compile_layers(machine, name, layers, *flags, tokens=-1):
        source = shared_source(tmp_path_factory, f"kernels_{name}{tokens}.mlir", module(layers, tokens))
        return machine.compile(source, PACKING, *flags)

    return compile_layers


@pytest.mark.parametrize("name, cpu", [("native", "portable"), ("native", "x86-64"), *((name, "portable") for name in ARM_MACHINES)])
def test_every_form(build, name, cpu):
    machine = MACHINES[name]
    path = build(machine, "all", ALL, f"--cpu={cpu}")
    for threads in [1, 2, 3] if name == "native" and cpu == "portable" else [2]:
        model = machine.load(path, threads)
        for tokens in TOKENS if cpu == "portable" else TOKENS[:3]:
            feeds = make_inputs(ALL, tokens, seed=tokens)
            check(ALL, feeds, model(feeds))
        model.close()


@pytest.mark.parametrize("name", MACHINES)
def test_threads_do_not_change_a_bit(build, name):
    machine = MACHINES[name]
    path = build(machine, "all", ALL, "--cpu=portable")
    feeds = make_inputs(ALL, 7, seed=3)
    outputs = []
    for threads in [1, 2, 3]:
        model = machine.load(path, threads)
        outputs.append(model(feeds))
        model.close()
    for other in outputs[1:]:
        for name, value in outputs[0].items():
            np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("name, cpu", [("native", "native"), ("cortex-a76", "cortex-a76"), ("max", "neoverse-v1")])
@pytest.mark.parametrize("tokens", [1, 5, 15])
def test_known_numbers_of_tokens(build, name, cpu, tokens):
    machine = MACHINES[name]
    layers = SHAPES[:3] + GROUPS[:2] + FORMS[:5] + SEGMENTS
    model = machine.load(build(machine, "static", layers, f"--cpu={cpu}", tokens=tokens))
    feeds = make_inputs(layers, tokens, seed=1)
    check(layers, feeds, model(feeds))
    model.close()
