"""Small ONNX models for the tests of the Python package."""

import numpy as np
import onnx
from onnx import TensorProto, helper


def value(name, element_type, shape):
    return helper.make_tensor_value_info(name, element_type, shape)


def model(nodes, inputs, outputs, initializers=(), metadata=None):
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(initializers))
    result = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    if metadata:
        helper.set_model_props(result, metadata)
    onnx.checker.check_model(result)
    return result


def add(element_type=TensorProto.FLOAT):
    """sum = x + y, both [batch, 4]."""
    tensors = [value(name, element_type, ["batch", 4]) for name in ("x", "y", "sum")]
    return model([helper.make_node("Add", ["x", "y"], ["sum"], name="/add")], tensors[:2], tensors[2:])


def identity_like(operator, element_type, out_type=None):
    """y = operator(x), [n]."""
    return model(
        [helper.make_node(operator, ["x"], ["y"])],
        [value("x", element_type, ["n"])],
        [value("y", out_type or element_type, ["n"])],
    )


def cast(from_type, to_type):
    """y = x in another element type, [n]."""
    return model(
        [helper.make_node("Cast", ["x"], ["y"], to=to_type)],
        [value("x", from_type, ["n"])],
        [value("y", to_type, ["n"])],
    )


def two_outputs():
    """a = -x, b = |x|."""
    return model(
        [helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Abs", ["x"], ["b"])],
        [value("x", TensorProto.FLOAT, ["n"])],
        [value("a", TensorProto.FLOAT, ["n"]), value("b", TensorProto.FLOAT, ["n"])],
    )


def unsupported():
    """A node that no compiler knows."""
    node = helper.make_node("Mystery", ["x"], ["y"], name="/layers.3/mystery", domain="com.example")
    graph = helper.make_graph(
        [node], "test", [value("x", TensorProto.FLOAT, [4])], [value("y", TensorProto.FLOAT, [4])]
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.example", 1)], ir_version=10
    )


def counter():
    """total' = total + x, a state that is replaced as a whole; y = -total'."""
    tensors = {name: value(name, TensorProto.FLOAT, [4]) for name in ("x", "total", "total_next", "y")}
    return model(
        [helper.make_node("Add", ["x", "total"], ["total_next"]), helper.make_node("Neg", ["total_next"], ["y"])],
        [tensors["x"], tensors["total"]],
        [tensors["y"], tensors["total_next"]],
        metadata={"hgf.state": "total=total_next"},
    )


def matmul(size=64):
    """y = x W with a constant W of integers, [n, size] x [size, size]; gives the model and W."""
    weights = np.random.default_rng(0).integers(-3, 4, (size, size)).astype(np.float32)
    proto = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [value("x", TensorProto.FLOAT, ["n", size])],
        [value("y", TensorProto.FLOAT, ["n", size])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    return proto, weights
