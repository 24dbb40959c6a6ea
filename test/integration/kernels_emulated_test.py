"""Ternary kernels on processors that this machine is not: the levels of a portable binary, and AArch64, under qemu."""

import subprocess

import numpy as np
import pytest

import harness
from kernels_test import FLOATS, FORMS, GROUPS, PACKING, SEGMENTS, SHAPES, check, make_inputs, module

LAYERS = SHAPES[2:] + [layer for layer in GROUPS if layer.columns < 1000] + FLOATS + FORMS[::3] + SEGMENTS

# qemu64 has SSE2 only; qemu's "max" has AVX2.
MACHINES = {
    "sse2": ("x86_64-linux-gnu", ["qemu-x86_64", "-cpu", "qemu64"], "baseline"),
    "avx2": ("x86_64-linux-gnu", ["qemu-x86_64", "-cpu", "max"], "avx2"),
    "cortex-a53": ("aarch64-linux-gnu", ["qemu-aarch64", "-cpu", "cortex-a53", "-L", "/usr/aarch64-linux-gnu"], "neon"),
}


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    """One executable per target."""
    folder = tmp_path_factory.mktemp("emulated")
    known = {}

    def compile_for(target):
        if target not in known:
            source = folder / f"{target}.mlir"
            source.write_text(module(LAYERS))
            known[target] = harness.compile_file(source, folder / target, PACKING, f"--target={target}", "--emit=exe")
        return known[target]

    return compile_for


@pytest.mark.parametrize("machine", MACHINES)
def test_every_level_computes_the_same(binaries, tmp_path, machine):
    target, emulator, level = MACHINES[machine]
    feeds = make_inputs(LAYERS, 7, seed=5)
    np.savez(tmp_path / "inputs.npz", **feeds)
    run = subprocess.run([*emulator, binaries(target), "--inputs", tmp_path / "inputs.npz", "--outputs",
                          tmp_path / "outputs.npz", "--threads", "2", "--json"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert level in run.stdout
    with np.load(tmp_path / "outputs.npz") as outputs:
        check(LAYERS, feeds, dict(outputs))
