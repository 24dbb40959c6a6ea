"""Writes `hgf` model-local functions and INT2 weights into ONNX models, with NumPy and `onnx` alone.

The functions are specified in docs/ModelFormat.md. Their bodies are the formulas in standard operators, so that any ONNX runtime
with opset 25 runs the models; the compiler matches the functions by name, parameters and attributes instead.
"""
import dataclasses

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 25  # the first with INT2
IR_VERSION = 13
VERSION = 1  # of the hgf functions
SMALLEST_MAXIMUM = 1e-5


def pack_int2(codes):
    """int array of any shape, values -2..1 -> its INT2 bytes: row-major, four per byte, the first in the lowest bits."""
    flat = numpy.asarray(codes).astype(numpy.int8).reshape(-1)
    if flat.size and (flat.min() < -2 or flat.max() > 1):
        raise ValueError(f"expected codes from -2 to 1 but got {flat.min()} to {flat.max()}")
    padded = numpy.concatenate([flat, numpy.zeros(-flat.size % 4, numpy.int8)]).view(numpy.uint8).reshape(-1, 4) & 3
    return (padded << numpy.array([0, 2, 4, 6], numpy.uint8)).sum(axis=1, dtype=numpy.uint8).tobytes()


def int2_tensor(name, codes):
    return TensorProto(name=name, data_type=TensorProto.INT2, dims=codes.shape, raw_data=pack_int2(codes))


def quantize_absmean(weight):
    """float [N, K] -> (int8 [N, K] in {-1, 0, 1}, float32 scale) as BitNet b1.58 does."""
    weight = numpy.asarray(weight, numpy.float32)
    scale = numpy.abs(weight).mean(dtype=numpy.float32)
    return numpy.clip(numpy.round(weight / max(scale, SMALLEST_MAXIMUM)), -1, 1).astype(numpy.int8), numpy.float32(scale)


class Builder:
    """Collects nodes and initializers; every method returns the name of a value."""

    def __init__(self, prefix=""):
        self.nodes, self.initializers, self.prefix, self.count = [], [], prefix, 0

    def fresh(self, stem):
        self.count += 1
        return f"{self.prefix}{stem}_{self.count}"

    def node(self, op, inputs, output=None, outputs=1, name=None, **attributes):
        made = helper.make_node(op, inputs, [], name=name or self.fresh(op), **attributes)
        names = [output] if output else [f"{made.name}.out{i if outputs > 1 else ''}" for i in range(outputs)]
        made.output.extend(names)
        self.nodes.append(made)
        return names[0] if outputs == 1 else names

    def tensor(self, name, value):
        self.initializers.append(numpy_helper.from_array(numpy.asarray(value), name))
        return name

    def constant(self, value, name=None):
        """A Constant node: the only form of constant that a function body may hold."""
        name = name or self.fresh("constant")
        self.nodes.append(helper.make_node("Constant", [], [name], name=name, value=numpy_helper.from_array(numpy.asarray(value))))
        return name


@dataclasses.dataclass(frozen=True)
class Linear:
    """One variant of hgf::Linear. `overload` tells variants of one model apart."""

    activation_quantization: str = "int8_per_token"  # or "none"
    rounding_order: str = "reciprocal"  # q = round(x·(127/a)); "division": q = round(x/(a/127))
    group: int = 0  # inputs per scale; 0: scale is [] or [N]
    correction: bool = False
    correction_int8: bool = False  # A and B are int8 with one scale per rank
    correction_activation: str = "silu"  # or "identity"
    correction_input: str = "x"  # or "quantized"
    gate_kind: str = "none"  # "tanh", "sigmoid_input", "sigmoid_output"
    bias: bool = False
    residual: bool = False
    overload: str = ""

    def parameters(self):
        names = ["x", "weight", "scale"]
        if self.correction:
            names += ["correction_a", "correction_b"]
        if self.correction and self.correction_int8:
            names += ["correction_a_scale", "correction_b_scale"]
        if self.gate_kind == "tanh":
            names.append("gate")
        if self.gate_kind.startswith("sigmoid"):
            names += ["gate_weight", "gate_bias"]
        return names + ["bias"] * self.bias + ["residual"] * self.residual

    def attributes(self):
        return {
            "version": VERSION,
            "activation_quantization": self.activation_quantization,
            "rounding_order": self.rounding_order,
            "correction_activation": self.correction_activation,
            "correction_input": self.correction_input,
            "gate_kind": self.gate_kind,
        }

    def function(self):
        b = Builder()
        float_type = dict(to=TensorProto.FLOAT)
        quantized, factor = "x", None
        if self.activation_quantization == "int8_per_token":
            largest = b.node("ReduceMax", [b.node("Abs", ["x"]), b.constant(numpy.array([-1]))], keepdims=1)
            largest = b.node("Max", [largest, b.constant(numpy.float32(SMALLEST_MAXIMUM))])
            steps = b.constant(numpy.float32(127))
            factor = b.node("Div", [largest, steps])
            if self.rounding_order == "reciprocal":
                scaled = b.node("Mul", ["x", b.node("Div", [steps, largest])])
            else:
                scaled = b.node("Div", ["x", factor])
            limits = [b.constant(numpy.float32(-128)), b.constant(numpy.float32(127))]
            quantized = b.node("Clip", [b.node("Round", [scaled]), *limits])
        # q and T meet unscaled: their product is an exact integer.
        if self.group:
            weight = b.node("DequantizeLinear", ["weight", "scale"], axis=1, block_size=self.group)
        else:
            weight = b.node("Cast", ["weight"], **float_type)
        y = b.node("MatMul", [quantized, b.node("Transpose", [weight], perm=[1, 0])])
        if factor:
            y = b.node("Mul", [y, factor])
        if not self.group:
            y = b.node("Mul", [y, "scale"])
        if self.correction:
            source = "x"
            if factor and self.correction_input == "quantized":
                source = b.node("Mul", [quantized, factor])
            y = b.node("Add", [y, self.gated(b, self.low_rank(b, source), y)])
        if self.bias:
            y = b.node("Add", [y, "bias"])
        if self.residual:
            y = b.node("Add", [y, "residual"])
        b.nodes[-1].output[0] = "y"
        made = helper.make_function("hgf", "Linear", self.parameters(), ["y"], b.nodes, [helper.make_opsetid("", OPSET)],
                                    attribute_protos=[helper.make_attribute(k, v) for k, v in self.attributes().items()])
        made.overload = self.overload
        return made

    def low_rank(self, b, source):
        factors = []
        for name, axis in (("correction_a", [1]), ("correction_b", [0])):
            value = b.node("Cast", [name], to=TensorProto.FLOAT)
            if self.correction_int8:
                value = b.node("Mul", [value, b.node("Unsqueeze", [f"{name}_scale", b.constant(numpy.array(axis))])])
            factors.append(b.node("Transpose", [value], perm=[1, 0]))
        hidden = b.node("MatMul", [source, factors[0]])
        if self.correction_activation == "silu":
            hidden = b.node("Mul", [hidden, b.node("Sigmoid", [hidden])])
        return b.node("MatMul", [hidden, factors[1]])

    def gated(self, b, correction, backbone):
        if self.gate_kind == "none":
            return correction
        if self.gate_kind == "tanh":
            return b.node("Mul", [correction, b.node("Tanh", ["gate"])])
        source = "x" if self.gate_kind == "sigmoid_input" else backbone
        logit = b.node("MatMul", [source, b.node("Transpose", ["gate_weight"], perm=[1, 0])])
        return b.node("Mul", [correction, b.node("Sigmoid", [b.node("Add", [logit, "gate_bias"])])])


def one_bit_linear(overload=""):
    """hgf::OneBitLinear(x, weight, u, v): y = ((x ⊙ u) Sᵀ) ⊙ v."""
    b = Builder()
    u, v, sign = (b.node("Cast", [name], to=TensorProto.FLOAT) for name in ("u", "v", "weight"))
    product = b.node("MatMul", [b.node("Mul", ["x", u]), b.node("Transpose", [sign], perm=[1, 0])])
    b.node("Mul", [product, v], output="y")
    made = helper.make_function("hgf", "OneBitLinear", ["x", "weight", "u", "v"], ["y"], b.nodes, [helper.make_opsetid("", OPSET)],
                                attribute_protos=[helper.make_attribute("version", VERSION)])
    made.overload = overload
    return made


def make_model(builder, name, inputs, outputs, functions=(), metadata=None, opsets=()):
    """inputs, outputs: lists of (name, TensorProto type, shape)."""
    values = lambda rows: [helper.make_tensor_value_info(*row) for row in rows]
    graph = helper.make_graph(builder.nodes, name, values(inputs), values(outputs), builder.initializers)
    opsets = [helper.make_opsetid("", OPSET), *opsets] + [helper.make_opsetid("hgf", VERSION)] * bool(functions)
    model = helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=IR_VERSION, producer_name="hgf")
    helper.set_model_props(model, metadata or {})
    onnx.checker.check_model(model, full_check=True)
    return model
