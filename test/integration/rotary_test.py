"""Rotary embedding written out in graphs, against ONNX Runtime."""

import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import harness

RNG = np.random.default_rng(11)
INTEGERS = {"zero": [0], "half": [4], "end": [2**63 - 1], "last": [-1]}


def build(form, table_width):
    """x [batch, 3, tokens, 8] turned by tables [tokens, table_width]."""
    constants = [onnx.numpy_helper.from_array(np.array(value, np.int64), name) for name, value in INTEGERS.items()]
    parts = {
        "split": [("Split", ["x"], ["x1", "x2"], {"axis": -1, "num_outputs": 2})],
        "slices": [("Slice", ["x", "zero", "half", "last"], ["x1"], {}), ("Slice", ["x", "half", "end", "last"], ["x2"], {})],
    }[form.split("_")[0]]
    if form.endswith("whole"):
        nodes = parts + [("Neg", ["x2"], ["n"], {}), ("Concat", ["n", "x1"], ["r"], {"axis": -1}),
                         ("Mul", ["x", "c"], ["a"], {}), ("Mul", ["r", "s"], ["b"], {}), ("Add", ["a", "b"], ["y"], {})]
    else:
        nodes = parts + [("Mul", ["x1", "c"], ["a"], {}), ("Mul", ["x2", "s"], ["b"], {}), ("Sub", ["a", "b"], ["y1"], {}),
                         ("Mul", ["x2", "c"], ["d"], {}), ("Mul", ["x1", "s"], ["e"], {}), ("Add", ["d", "e"], ["y2"], {}),
                         ("Concat", ["y1", "y2"], ["y"], {"axis": -1})]
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        [helper.make_node(op, inputs, outputs, name="/" + outputs[0], **attributes) for op, inputs, outputs, attributes in nodes],
        "rotary", [value("x", ["batch", 3, "tokens", 8]), value("c", ["tokens", table_width]), value("s", ["tokens", table_width])],
        [value("y", ["batch", 3, "tokens", 8])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize("form, width", [("split_whole", 8), ("slices_whole", 8), ("slices_whole", 1), ("split_halves", 4),
                                         ("slices_halves", 4), ("slices_halves", 1)])
def test_rotary_agrees_with_onnx_runtime(tmp_path, form, width):
    source = tmp_path / "rotary.onnx"
    onnx.save(build(form, width), source)
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    model = harness.Model(harness.compile_file(source, tmp_path / "rotary.so"))
    for batch, tokens in [(1, 1), (2, 7)]:
        feeds = {"x": RNG.standard_normal((batch, 3, tokens, 8)).astype(np.float32)}
        feeds |= {name: RNG.standard_normal((tokens, width)).astype(np.float32) for name in "cs"}
        np.testing.assert_allclose(model(feeds)["y"], session.run(None, feeds)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", ["split_whole", "slices_halves"])
def test_rotary_is_recognised(tmp_path, form):

    source = tmp_path / "rotary.onnx"
    onnx.save(build(form, 8 if form.endswith("whole") else 4), source)
    tools = harness.BUILD / "bin"
    module = subprocess.run([tools / "hgf-translate", "--import-onnx", source], capture_output=True, text=True, check=True).stdout
    found = subprocess.run([tools / "hgf-opt", "--recognise-rotary"], input=module, capture_output=True, text=True, check=True).stdout
    assert found.count('"hgf" "Rotary"') == 1 and "Concat" not in found
