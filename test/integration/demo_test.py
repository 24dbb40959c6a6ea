"""The demo model: one executable, compared with ONNX Runtime running the same file."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import harness
from machines import ARM_MACHINES, GPUS, NATIVE, has_gpu

EXAMPLE = harness.ROOT / "examples" / "shakespeare"
MODEL = EXAMPLE / "model.onnx"
sys.path.insert(0, str(EXAMPLE))
import oracle  # noqa: E402

PROMPT = (EXAMPLE / "prompt.txt").read_bytes()
TEXT = (EXAMPLE / "continuation.txt").read_bytes()[:100]


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """compile(name, *flags) -> path, each only once."""
    folder = tmp_path_factory.mktemp("demo")

    def compile_once(name, *flags):
        path = folder / name
        if not path.exists():
            harness.compile_file(MODEL, path, *flags)
        return path

    return compile_once


def generate(executable, *arguments, prefix=()):
    run = subprocess.run([*prefix, executable, "--prompt", PROMPT, "--tokens", "100", "--temperature", "0", *arguments],
                         capture_output=True, check=True, timeout=300)
    return run.stdout


def test_needs_libc_and_libm_alone(build):
    libraries = subprocess.run(["ldd", build("demo")], capture_output=True, text=True, check=True).stdout.split("\n")
    names = {line.split()[0].split("/")[-1].split(".")[0] for line in libraries if line.strip()}
    assert names <= {"linux-vdso", "libc", "libm", "ld-linux-x86-64"}, names


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_greedy_text_is_onnx_runtimes_for_any_number_of_threads(build, threads):
    assert TEXT in generate(build("demo"), "--threads", str(threads))


@pytest.mark.parametrize("cpu", ARM_MACHINES)
def test_same_text_on_aarch64(build, cpu):
    executable = build("demo-arm", "--target=aarch64-linux-gnu")
    assert TEXT in generate(executable, prefix=ARM_MACHINES[cpu].emulator)


def test_same_text_without_avx2(build):
    assert TEXT in generate(build("demo"), prefix=["qemu-x86_64", "-cpu", "Nehalem"])


@pytest.mark.parametrize("machine", [pytest.param(NATIVE, id="cpu"), *GPUS])
def test_logits_agree_teacher_forced(build, machine):
    model = machine.load(build("demo" + "".join(machine.flags) + ".so", *machine.flags), threads=2)
    expected, actual = [], []
    for feeds, results in oracle.Oracle().calls(PROMPT[:120]):
        got = model(feeds)
        expected.append(results["logits"][0])
        actual.append(got["logits"][0])
        np.testing.assert_array_equal(got["present_ids"], results["present_ids"])
    agrees, facts = oracle.compare(np.concatenate(expected), np.concatenate(actual))
    assert agrees, facts


def write(executable, *arguments, **variables):
    """A short text of the likeliest bytes."""
    run = subprocess.run([executable, "--prompt", PROMPT[:20], "--tokens", "14", "--temperature", "0", *arguments],
                         capture_output=True, timeout=300, env={**os.environ, **variables})
    assert run.returncode == 0, run.stderr
    return run.stdout


# How the simulated GPU works, and whether the steps become a graph.
WAYS = {"graphs": {}, "launches": {"HGF_GPU_GRAPH": "0"}, "late": {"HGF_GPUSIM_LATE": "1", "HGF_GPUSIM_SEED": "3"}}


@pytest.mark.parametrize("way", WAYS)
def test_same_text_on_a_simulated_gpu(build, tmp_path, way):
    trace, stats = tmp_path / "trace", tmp_path / "stats"
    text = write(build("demo-gpu", "--gpu=sm_80"), "--device=sim", HGF_GPUSIM_CHIP="80", HGF_GPUSIM_TRACE=str(trace),
                 HGF_GPUSIM_STATS=str(stats), **WAYS[way])
    assert text == write(build("demo")) and len(text) >= 14
    # The prompt takes the kernels for many tokens; once two steps were alike, the rest of them is one launch each.
    kernels = {json.loads(line)["kernel"].split("_")[1] for line in stats.read_text().splitlines()}
    assert {"prologue", "prefill", "decode", "head"} <= kernels, kernels
    graphs = trace.read_text().split().count("cuGraphLaunch")
    assert graphs >= 10 if way != "launches" else graphs == 0, graphs


@pytest.mark.skipif(not has_gpu(), reason="no NVIDIA GPU is here")
@pytest.mark.parametrize("graphs", ["0", "1"])
def test_same_text_on_a_real_gpu(build, graphs):
    executable = build("demo-gpu-real", "--gpu=sm_80,sm_90")
    assert write(executable, "--device=gpu", HGF_GPU_GRAPH=graphs) == write(build("demo"))


def test_report_tells_each_linear_and_totals(build):
    run = subprocess.run([harness.HGF_COMPILE, MODEL, "--emit=mlir", "--compile-to=packing", "-o", "/dev/null",
                          "--report=json"], capture_output=True, text=True, check=True)
    report = json.loads(run.stdout)
    # Q, K, V are one, gate and up are one: four linears in each of four layers.
    assert report["totals"]["linears"] == 16 and report["totals"]["missed"] == 0
    assert all(line["form"] == "f" and line["encoding"] for line in report["linears"])
    assert 2 < report["totals"]["effective_bits"] < 3
    assert report["totals"]["density_against_16_bits"] > 5


def test_hgf_opt_runs_the_same_pipeline(tmp_path):
    """hgf-opt --hgf-pipeline on the imported module gives what hgf-compile gives."""
    tools = harness.BUILD / "bin"
    imported, by_opt, by_compile = (tmp_path / name for name in ("imported.mlirbc", "opt.mlir", "compile.mlir"))
    subprocess.run([tools / "hgf-opt", "--emit-bytecode", "-o", imported], check=True, stdin=subprocess.Popen(
        [tools / "hgf-translate", "--import-onnx", "--mlir-print-debuginfo", MODEL], stdout=subprocess.PIPE).stdout)
    subprocess.run([tools / "hgf-opt", "--hgf-pipeline", imported, "-o", by_opt], check=True)
    harness.compile_file(MODEL, by_compile, "--emit=mlir")
    assert by_opt.read_text().split("{-#")[0].rstrip() == by_compile.read_text().split("{-#")[0].rstrip()


def test_dumps_one_file_per_phase_that_compiles_on(tmp_path):
    phases = tmp_path / "phases"
    harness.compile_file(MODEL, tmp_path / "demo.so", f"--dump-phases-to={phases}")
    names = sorted(path.name for path in phases.iterdir())
    assert names == ["1.legalization.mlir", "2.fusion.mlir", "3.packing.mlir", "4.tiling.mlir", "5.bufferization.mlir",
                     "6.cpu.mlir"]
    again = harness.compile_file(phases / "3.packing.mlir", tmp_path / "again.so", "--compile-from=tiling")
    feeds, results = next(oracle.Oracle().calls(PROMPT[:8]))
    agrees, facts = oracle.compare(results["logits"][0], harness.Model(again)(feeds)["logits"][0])
    assert agrees, facts
