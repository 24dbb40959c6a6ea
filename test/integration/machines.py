"""Where kernels are tested: this machine, and processors that qemu plays. One list; a test that takes a machine from it runs on
all of them.

    model = MACHINES["cortex-a76"].load(path, threads=2)
    outputs = model({"x": array})"""

import ctypes
import dataclasses
import fcntl
import os
import pathlib
import platform
import subprocess
import tempfile

import numpy as np
import pytest

import harness

X86 = "x86_64-linux-gnu"
ARM = "aarch64-linux-gnu"
SYSROOT = "/usr/aarch64-linux-gnu"
# Memory that programs get is filled with this, so that what is not written shows.
POISON = ["-E", f"GLIBC_TUNABLES=glibc.malloc.perturb={harness.POISON}"]

# What /proc/cpuinfo calls that which each level needs.
FEATURES = {
    "baseline": set(), "ssse3": {"ssse3"}, "avx2": {"avx2", "fma", "f16c"}, "avxvnni": {"avx2", "fma", "f16c", "avx_vnni"},
    "avx512vnni": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni"},
    "avx512vbmi": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni", "avx512vbmi"},
}


def processor_features():
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("flags"):
                return set(line.split(":")[1].split())
    return set()


def has_level(level):
    """Whether this processor can run an x86 level's instructions."""
    return platform.machine() == "x86_64" and FEATURES[level] <= processor_features()


def shared_source(factory, name, text):
    """A file called `name` with `text`, one for all processes of a test run; `factory` is pytest's tmp_path_factory."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / name
    own = path.with_suffix(f".{os.getpid()}")
    own.write_text(text)
    own.rename(path)
    return path


class EmulatedModel:
    """An executable that qemu runs, once per call."""

    def __init__(self, path, threads, emulator):
        self.command = [*emulator, str(path), "--threads", str(threads)]
        described = subprocess.run([*self.command, "--describe"], capture_output=True, text=True)
        if described.returncode:
            raise RuntimeError(described.stderr)
        self.level = next(line.split()[1].rstrip(",") for line in described.stdout.splitlines() if line.startswith("kernels:"))

    def __call__(self, feeds):
        with tempfile.TemporaryDirectory() as folder:
            inputs, outputs = pathlib.Path(folder) / "inputs.npz", pathlib.Path(folder) / "outputs.npz"
            np.savez(inputs, **feeds)
            run = subprocess.run([*self.command, "--inputs", inputs, "--outputs", outputs], capture_output=True, text=True)
            if run.returncode:
                raise RuntimeError(f"status {run.returncode}: {run.stderr}")
            with np.load(outputs) as loaded:
                return dict(loaded)

    def close(self):
        pass


class NativeModel(harness.Model):
    @property
    def level(self):
        return self.library.hgf_session_level(self.session).decode()


@dataclasses.dataclass(frozen=True)
class Machine:
    """A processor and the level whose kernels a portable binary takes there. `emulator`: the command that plays it; none: it is
    this one. `flags`: of the compiler. `device`: of the session."""

    level: str
    target: str = X86
    emulator: tuple = ()
    flags: tuple = ()
    device: str = None

    @property
    def emulated(self):
        return bool(self.emulator)

    def compile(self, source, *flags):
        """Compiles `source` into a file beside it: what load() takes. Machines with one target and the same flags share it, and
        so do the processes of a test run."""
        words = [self.target.split("-")[0], *self.flags, *flags]
        path = source.with_name("_".join([source.stem, *words]).replace("--", "") + (".exe" if self.emulated else ".so"))
        with open(path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                kind = ["--emit=exe"] if self.emulated else ["--emit=shared"]
                made = path.with_suffix(".made")
                harness.compile_file(source, made, f"--target={self.target}", *kind, *self.flags, *flags)
                made.rename(path)
        return path

    def load(self, path, threads=1):
        return EmulatedModel(path, threads, self.emulator) if self.emulated else NativeModel(path, threads, self.device)


def qemu(architecture, cpu):
    sysroot = ["-L", SYSROOT] if architecture == "aarch64" else []
    return (f"qemu-{architecture}", "-cpu", cpu, *sysroot, *POISON)


# The three levels of AArch64, as processors that have no more: one without dot products, one with, one with products of
# matrices.
ARM_MACHINES = {cpu: Machine(level, ARM, qemu("aarch64", cpu))
                for cpu, level in [("cortex-a53", "neon"), ("cortex-a76", "dotprod"), ("max", "i8mm")]}
# qemu64 has SSE2 only, Conroe SSSE3; qemu's "max" of x86 has AVX2, but neither AVX-VNNI nor AVX-512: the schedules of these
# levels run with portable dot products (VBMI's is VNNI's).
PORTABLE = "--dot-lowering=portable"
X86_MACHINES = {
    "sse2": Machine("baseline", X86, qemu("x86_64", "qemu64")),
    "ssse3": Machine("ssse3", X86, qemu("x86_64", "Conroe")),
    "avx2": Machine("avx2", X86, qemu("x86_64", "max")),
    "avxvnni": Machine("avxvnni", X86, qemu("x86_64", "qemu64"), ("--level=avxvnni", PORTABLE)),
    "avx512vnni": Machine("avx512vnni", X86, qemu("x86_64", "qemu64"), ("--level=avx512vnni", PORTABLE)),
}

# The schedules of AArch64's levels, too, in instructions that every AArch64 has.
ARM_SCHEDULES = {f"{machine.level}-portable": Machine(machine.level, ARM, qemu("aarch64", "cortex-a53"),
                                                      (f"--level={machine.level}", PORTABLE))
                 for machine in ARM_MACHINES.values()}
# This machine, with what its processor has.
NATIVE = Machine("", X86)
# A simulated GPU: it executes the PTX and finds races, reads of what nobody wrote, and accesses out of bounds.
GPU = Machine("sm_80", X86, flags=("--gpu=sm_80",), device="sim")


def has_gpu():
    """Whether the NVIDIA driver is there and sees a GPU."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


# For @pytest.mark.parametrize("gpu", GPUS): the simulated GPU, and a real one where there is one.
GPUS = [pytest.param(GPU, id="simulated"),
        pytest.param(Machine("", X86, flags=("--gpu=sm_80,sm_90",), device="gpu"), id="real",
                     marks=pytest.mark.skipif(not has_gpu(), reason="no NVIDIA GPU is here"))]
