"""Bytes that a ternary layer and its low-rank correction move on a GPU: every weight and every factor is read once.

Counted in two ways: hgf-bench counts each sector that a launch touches once, as memory sees it behind a cache; the simulator
counts every request of a compiled model."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import harness
from kernel_layers import Layer, check, make_inputs, module
from machines import GPU, shared_source

ROWS, COLUMNS, RANK = 2560, 2560, 32
SECTOR = 32
# What has to be moved for one token: packed weights, both factors, one scale, activations in and out, all as they are stored.
WEIGHTS = ROWS * COLUMNS // 4
FACTORS = 2 * RANK * (ROWS + COLUMNS)
NEEDED = WEIGHTS + FACTORS + 4 + 4 * (COLUMNS + ROWS)
LAYER = Layer(ROWS, COLUMNS, "tensor", rank=RANK)

PROGRAM = """import sys
import numpy as np
import harness
from machines import GPU
model = GPU.load(sys.argv[1])
with np.load(sys.argv[2]) as feeds:
    np.savez(sys.argv[3], **model(dict(feeds)))
model.close()
"""


def count_launches(folder, path, feeds):
    """Lines of the simulator's counts for one run of a model, and its outputs."""
    counts, inputs, outputs = (folder / name for name in ("counts.json", "inputs.npz", "outputs.npz"))
    np.savez(inputs, **feeds)
    subprocess.run([sys.executable, "-c", PROGRAM, path, inputs, outputs], check=True, cwd=pathlib.Path(__file__).parent,
                   env={**os.environ, "HGF_GPUSIM_STATS": str(counts)})
    with np.load(outputs) as loaded:
        return [json.loads(line) for line in counts.read_text().splitlines()], dict(loaded)


def test_a_step_reads_weights_and_factors_once(tmp_path, tmp_path_factory):
    path = GPU.compile(shared_source(tmp_path_factory, "bytes.mlir", module([LAYER], 1)), "--compile-from=gpu-packing")
    feeds = make_inputs([LAYER], 1, seed=0)
    launches, outputs = count_launches(tmp_path, path, feeds)
    check([LAYER], feeds, outputs)
    # The correction has no launch of its own.
    assert [launch["kernel"].split("_")[1] for launch in launches] == ["prologue", "decode"]
    prologue, decode = launches
    # Caches serve what is the same for all: a block of the prologue reads the token; a warp of the other kernel its codes and
    # their step, what the first factor gave, and the scale.
    blocks = prologue["grid"][0]
    warps = decode["grid"][0] * -(-decode["block"][0] // 32)
    shared = blocks * 4 * COLUMNS + warps * (COLUMNS + 4 * RANK + 2 * SECTOR)
    moved = SECTOR * sum(launch["globalSectors"] for launch in launches)
    assert moved - shared <= 1.03 * NEEDED, (moved, shared, NEEDED)


@pytest.mark.parametrize("chip", ["sm_80", "sm_90"])
def test_memory_moves_what_is_needed(chip):
    run = subprocess.run([harness.BUILD / "bin" / "hgf-bench", "--static", f"--gpu={chip}", f"--shape={ROWS}x{COLUMNS}",
                          f"--rank={RANK}", "--json"], capture_output=True, text=True)
    if "expected the program" in run.stderr:
        pytest.skip(run.stderr)
    assert run.returncode == 0, run.stderr
    line = json.loads(run.stdout)
    assert NEEDED <= 1.001 * line["bytes_needed"] and line["bytes_needed"] <= 1.001 * NEEDED, (line["bytes_needed"], NEEDED)
    assert line["bytes_moved"] <= 1.03 * NEEDED, line["bytes_moved"] / NEEDED
    # What a kernel for the weights and kernels for the correction would move.
    assert line["bytes_moved"] < line["bytes_separate"]
