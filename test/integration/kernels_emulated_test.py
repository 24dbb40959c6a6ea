"""Ternary kernels on processors that this machine is not: the levels of a portable binary, and AArch64, under qemu."""

import subprocess

import numpy as np
import pytest

import harness
from kernel_layers import FLOATS, FORMS, GROUPS, PACKING, SEGMENTS, SHAPES, check, make_inputs, module

LAYERS = SHAPES[2:] + [layer for layer in GROUPS if layer.columns < 1000] + FLOATS + FORMS[::3] + SEGMENTS

X86 = "x86_64-linux-gnu"
SSE2 = ["qemu-x86_64", "-cpu", "qemu64"]
PORTABLE = "--dot-lowering=portable"
# Target, emulator, the level that must run, flags. qemu64 has SSE2 only, Conroe SSSE3; qemu's "max" has AVX2, but neither
# AVX-VNNI nor AVX-512: the schedules of these levels run with portable dot products (VBMI's is VNNI's).
MACHINES = {
    "sse2": (X86, SSE2, "baseline"),
    "ssse3": (X86, ["qemu-x86_64", "-cpu", "Conroe"], "ssse3"),
    "avx2": (X86, ["qemu-x86_64", "-cpu", "max"], "avx2"),
    "avxvnni": (X86, SSE2, "avxvnni", "--level=avxvnni", PORTABLE),
    "avx512vnni": (X86, SSE2, "avx512vnni", "--level=avx512vnni", PORTABLE),
    "cortex-a53": ("aarch64-linux-gnu", ["qemu-aarch64", "-cpu", "cortex-a53", "-L", "/usr/aarch64-linux-gnu"], "neon"),
}


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    """One executable per target and flags."""
    folder = tmp_path_factory.mktemp("emulated")
    known = {}

    def compile_for(target, *flags):
        key = (target, *flags)
        if key not in known:
            source = folder / f"{len(known)}.mlir"
            source.write_text(module(LAYERS))
            known[key] = harness.compile_file(source, source.with_suffix(""), PACKING, f"--target={target}", "--emit=exe",
                                              *flags)
        return known[key]

    return compile_for


@pytest.mark.parametrize("machine", MACHINES)
def test_every_level_computes_the_same(binaries, tmp_path, machine):
    target, emulator, level, *flags = MACHINES[machine]
    feeds = make_inputs(LAYERS, 7, seed=5)
    np.savez(tmp_path / "inputs.npz", **feeds)
    run = subprocess.run([*emulator, binaries(target, *flags), "--inputs", tmp_path / "inputs.npz", "--outputs",
                          tmp_path / "outputs.npz", "--threads", "2", "--json"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert level in run.stdout
    with np.load(tmp_path / "outputs.npz") as outputs:
        check(LAYERS, feeds, dict(outputs))
