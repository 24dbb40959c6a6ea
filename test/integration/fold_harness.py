"""Runs one ONNX node on constants through onnx-fold-constants and through ONNX Runtime, and compares."""

import re
import subprocess

import numpy as np
import onnx
import onnxruntime
from harness import BUILD
from onnx import TensorProto, helper, numpy_helper

STORED = {"f16": np.uint16, "bf16": np.uint16, "f32": np.uint32, "f64": np.uint64, "i1": np.uint8, "i8": np.int8, "ui8": np.uint8,
          "i16": np.int16, "i32": np.int32, "i64": np.int64, "ui16": np.uint16, "ui32": np.uint32, "ui64": np.uint64}
PACKED = {"i2": 2, "ui2": 2, "i4": 4, "ui4": 4}


def node_model(op, inputs, outputs=1, opset=24, **attributes):
    """A model whose one node reads only initializers; None stands for an omitted input."""
    names = ["" if value is None else f"in{i}" for i, value in enumerate(inputs)]
    results = [f"out{i}" for i in range(outputs)]
    initializers = []
    for name, value in zip(names, inputs):
        if value is not None:
            tensor = onnx.TensorProto()
            tensor.CopyFrom(value if isinstance(value, TensorProto) else numpy_helper.from_array(np.asarray(value)))
            tensor.name = name
            initializers.append(tensor)
    node = helper.make_node(op, names, results, name="n", **attributes)
    graph = helper.make_graph([node], "g", [], [helper.make_empty_tensor_value_info(name) for name in results], initializers)
    # Types of the outputs, which ONNX Runtime demands.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10 if opset < 25 else 13)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    return inferred


def decode(text, resources):
    """The constant that an operation's text holds, as an array of stored bits (and its shape)."""
    match = re.match(r'onnx.constant (dense<(.*)>|dense_resource<"?([^">]*)"?>) : tensor<([^>]*)> -> tensor<([^>]*)>', text)
    assert match, text
    element = match[5].split("x")[-1]
    shape = [int(length) for length in match[5].split("x")[:-1]]
    stored_type = match[4].split("x")[-1]
    stored_shape = [int(length) for length in match[4].split("x")[:-1]]
    count = int(np.prod(stored_shape))
    width = np.dtype(STORED[stored_type])
    if match[3]:
        data = np.frombuffer(bytes.fromhex(resources[match[3]][2:])[4:], width)
    elif count == 0:
        data = np.zeros(0, width)
    elif match[2].startswith('"0x'):
        data = np.frombuffer(bytes.fromhex(match[2][3:-1]), width)
        if stored_type == "i1":
            data = np.unpackbits(data, bitorder="little")[:count] if len(data) != count else data
    elif match[2].startswith("0x"):
        data = np.array([int(match[2], 16)], width)
    elif stored_type == "i1":
        data = np.array([match[2] == "true"], width)
    elif stored_type.startswith("f") or stored_type == "bf16":
        value = float(match[2])
        data = {"f32": np.float32, "f64": np.float64, "f16": np.float16}.get(stored_type, np.float32)(value).reshape(1)
        data = (data.view(np.uint32) >> 16).astype(np.uint16) if stored_type == "bf16" else data.view(width)
    else:
        data = np.array([int(match[2])]).astype(width)
    if len(data) == 1 and count > 1:
        data = np.repeat(data, count)
    if element in PACKED:
        bits = PACKED[element]
        codes = (data.view(np.uint8)[:, None] >> np.arange(0, 8, bits, dtype=np.uint8)) & ((1 << bits) - 1)
        data = codes.reshape(-1)[: int(np.prod(shape))]
    return element, data.reshape(shape)


def fold(model, path):
    path.write_bytes(model.SerializeToString())
    imported = subprocess.run([BUILD / "bin" / "hgf-translate", "--import-onnx", path], capture_output=True, text=True)
    assert imported.returncode == 0, imported.stderr
    folded = subprocess.run([BUILD / "bin" / "hgf-opt", "--onnx-fold-constants", "--mlir-print-elementsattrs-with-hex-if-larger=1"],
                            input=imported.stdout, capture_output=True, text=True)
    assert folded.returncode == 0, folded.stderr
    assert "onnx.node" not in folded.stdout, folded.stdout
    resources = dict(re.findall(r'^\s+"?([\w.]+)"?: "(0x[0-9A-F]*)"', folded.stdout, re.M))
    constants = dict(re.findall(r"^\s+(%\d+) = (onnx.constant .*)$", folded.stdout, re.M))
    names = re.search(r"return (.*) :", folded.stdout)[1].split(", ")
    return [decode(constants[name], resources) for name in names]


def to_float(element, bits):
    if element == "bf16":
        return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return bits.view({"f16": np.float16, "f32": np.float32, "f64": np.float64}[element]).astype(np.float64)


def check(tmp_path, op, inputs, tolerance=0.0, **options):
    model = node_model(op, inputs, **options)
    session_options = onnxruntime.SessionOptions()
    session_options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), session_options, providers=["CPUExecutionProvider"])
    expected = session.run(None, {})
    for (element, bits), wanted in zip(fold(model, tmp_path / "m.onnx"), expected):
        wanted = np.asarray(wanted)
        assert bits.shape == wanted.shape
        if wanted.dtype.kind != "f":
            np.testing.assert_array_equal(bits.astype(np.int64) if wanted.dtype != np.uint64 else bits, wanted.astype(
                np.uint64 if wanted.dtype == np.uint64 else np.int64))
            continue
        got = to_float(element, bits)
        if tolerance:
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=1e-30)
        else:
            np.testing.assert_array_equal(got, wanted.astype(np.float64))
            assert (np.signbit(got) == np.signbit(wanted))[~np.isnan(got)].all()
