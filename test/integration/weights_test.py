"""How compiled models hold their weights: mapped from a file, and untouched until a layer reads them."""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import harness

# Prints how much of the mappings of the file argv[2] is in the process's memory, after loading argv[1] and after a run.
PROGRAM = """
import pathlib, sys
import numpy as np
import harness

def resident():
    total, counts = 0, False
    for line in pathlib.Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0]:
            counts = words[-1] == sys.argv[2]
        elif counts and words[0] == "Rss:":
            total += int(words[1]) * 1024
    return total

model = harness.Model(sys.argv[1])
before = resident()
model({"x": np.ones((1, 1024), np.float32)})
print(before, resident())
"""


@pytest.mark.parametrize("place", ["embed", "side"])
def test_loading_touches_no_weights(place, tmp_path):
    weight = np.random.default_rng(1).standard_normal((1024, 4096)).astype(np.float32)
    info = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
                              [info("x", onnx.TensorProto.FLOAT, [1, 1024])], [info("y", onnx.TensorProto.FLOAT, [1, 4096])],
                              [numpy_helper.from_array(weight, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "model.onnx")
    library = pathlib.Path(harness.compile_file(tmp_path / "model.onnx", tmp_path / "model.so", f"--weights={place}"))
    holder = library if place == "embed" else tmp_path / "model.so.weights"
    run = subprocess.run([sys.executable, "-c", PROGRAM, library, holder], cwd=pathlib.Path(__file__).parent, check=True,
                         capture_output=True, text=True)
    before, after = map(int, run.stdout.split())
    size = weight.size * 2
    # The system maps some pages around each that is touched, such as those of the symbols.
    assert before < size / 8
    assert after >= size
