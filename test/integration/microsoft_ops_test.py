"""Operators that ONNX's node tests do not cover, against ONNX Runtime: com.microsoft's, and packed constants."""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402

RNG = np.random.default_rng(3)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def check(tmp_path, nodes, feeds, constants=(), outputs=1, opset=21, atol=2e-5):
    """Compiles with a symbolic first dimension of every input, runs, compares."""
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype),
                                            [f"{name}_0", *array.shape[1:]] if array.ndim > 1 else array.shape)
              for name, array in feeds.items()]
    initializers = [value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value, name)
                    for name, value in dict(constants).items()]
    results = [helper.make_empty_tensor_value_info(name) for name in nodes[-1].output if name][:outputs]
    graph = helper.make_graph(nodes, "graph", inputs, results, initializers)
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])
    # Its optimizer quantizes the activations of products by packed weights, a percent off.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    expected = session.run(None, feeds)
    # The compiler wants outputs with element types; ONNX Runtime has inferred them.
    types = {"tensor(float)": TensorProto.FLOAT, "tensor(int32)": TensorProto.INT32}
    for info, result in zip(model.graph.output, session.get_outputs()):
        info.CopyFrom(helper.make_tensor_value_info(result.name, types[result.type], [None] * len(result.shape)))
    onnx.save(model, tmp_path / "model.onnx")
    got = harness.Model(harness.compile_file(tmp_path / "model.onnx", tmp_path / "model.so"))(feeds)
    for ours, theirs in zip(got.values(), expected):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=atol)


def node(operator, inputs, outputs=("y",), domain="com.microsoft", **attributes):
    return helper.make_node(operator, inputs, list(outputs), domain=domain, name=f"/{operator}", **attributes)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("inner", [64, 100])
@pytest.mark.parametrize("points", [False, True])
def test_matmul_nbits(tmp_path, bits, inner, points):
    if bits == 2 and not points and inner == 100:
        inner = 96
    columns, block = 24, 32
    blocks = -(-inner // block)
    packed = RNG.integers(0, 256, (columns, blocks, block * bits // 8)).astype(np.uint8)
    constants = {"w": packed, "s": floats(columns, blocks)}
    names = ["x", "w", "s"]
    if points:
        constants["z"] = RNG.integers(0, 256, (columns, -(-blocks * bits // 8))).astype(np.uint8)
        names.append("z")
    check(tmp_path, [node("MatMulNBits", names, K=inner, N=columns, bits=bits, block_size=block)],
          {"x": floats(5, inner)}, constants, atol=2e-2 if bits == 8 else 2e-3)


def test_skip_simplified_layer_normalization(tmp_path):
    check(tmp_path, [node("SkipSimplifiedLayerNormalization", ["x", "skip", "g"], ["y", "", "", "sum"], epsilon=1e-6)],
          {"x": floats(2, 3, 16), "skip": floats(2, 3, 16)}, {"g": floats(16)}, outputs=2)


def test_skip_layer_normalization(tmp_path):
    check(tmp_path, [node("SkipLayerNormalization", ["x", "skip", "g", "b", "bias"], epsilon=1e-6)],
          {"x": floats(2, 3, 16), "skip": floats(2, 3, 16)}, {"g": floats(16), "b": floats(16), "bias": floats(16)})


def test_simplified_layer_normalization(tmp_path):
    check(tmp_path, [node("SimplifiedLayerNormalization", ["x", "g"], domain="", axis=-1, epsilon=1e-6)],
          {"x": floats(4, 16)}, {"g": floats(16)})


@pytest.mark.parametrize("transposed", [0, 1])
def test_fused_matmul(tmp_path, transposed):
    right = floats(2, 7, 5) if transposed else floats(2, 5, 7)
    check(tmp_path, [node("FusedMatMul", ["x", "w"], transB=transposed, alpha=0.25)], {"x": floats(2, 3, 5)}, {"w": right})


@pytest.mark.parametrize("interleaved", [0, 1])
def test_rotary_embedding(tmp_path, interleaved):
    angles = np.outer(np.arange(16), 1.0 / 100 ** (np.arange(4) / 4)).astype(np.float32)
    check(tmp_path, [node("RotaryEmbedding", ["x", "p", "cos", "sin"], interleaved=interleaved)],
          {"x": floats(2, 5, 24), "p": np.array([[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]])},
          {"cos": np.cos(angles), "sin": np.sin(angles)})


@pytest.mark.parametrize("operator", ["QuickGelu", "FastGelu", "Gelu"])
def test_gelus(tmp_path, operator):
    check(tmp_path, [node(operator, ["x"])], {"x": 4 * floats(5, 7)}, atol=1e-4)


def test_bias_gelu(tmp_path):
    check(tmp_path, [node("BiasGelu", ["x", "b"])], {"x": floats(5, 8)}, {"b": floats(8)})


def test_dynamic_quantization(tmp_path):
    weight = RNG.integers(-128, 128, (12, 9)).astype(np.int8)
    nodes = [node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], domain=""),
             node("MatMulInteger", ["q", "w", "z"], ["i"], domain=""),
             node("Cast", ["i"], ["f"], domain="", to=TensorProto.FLOAT), node("Mul", ["f", "s"], domain="")]
    check(tmp_path, nodes, {"x": floats(5, 12)}, {"w": weight}, atol=1e-3)


@pytest.mark.parametrize("kind", [TensorProto.INT4, TensorProto.UINT4])
@pytest.mark.parametrize("block", [0, 16])
def test_packed_weights(tmp_path, kind, block):
    low, high = (-8, 8) if kind == TensorProto.INT4 else (0, 16)
    codes = RNG.integers(low, high, (32, 6))
    weight = helper.make_tensor("w", kind, codes.shape, codes.flatten())
    scale = floats(2, 6) if block else floats(6)
    attributes = {"axis": 0, "block_size": block} if block else {"axis": 1}
    nodes = [node("DequantizeLinear", ["w", "s"], ["d"], domain="", **attributes), node("MatMul", ["x", "d"], domain="")]
    check(tmp_path, nodes, {"x": floats(3, 32)}, {"w": weight, "s": scale}, atol=1e-3)
