"""onnx-fold-constants against ONNX Runtime: each operator on random constants."""

import numpy as np
import pytest
from fold_harness import PACKED, check, fold, node_model
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(11)


def floats(*shape, dtype=np.float32):
    return (RNG.standard_normal(shape) * 3).astype(dtype)


def integers(*shape, dtype=np.int64, low=-100, high=100):
    return RNG.integers(max(low, 0) if np.dtype(dtype).kind == "u" else low, high, shape).astype(dtype)


def bools(*shape):
    return RNG.integers(0, 2, shape).astype(bool)


I64 = lambda *values: np.array(values, np.int64)
HALF = floats(4, 5) * 2 // 1 / 2  # many ties


@pytest.mark.parametrize("op", ["Abs", "Neg", "Sqrt", "Reciprocal", "Sign", "Relu", "Floor", "Ceil"])
def test_exact_unary(tmp_path, op):
    check(tmp_path, op, [np.abs(floats(7, 9)) if op == "Sqrt" else floats(7, 9)])


@pytest.mark.parametrize("op", ["Exp", "Tanh", "Sigmoid", "Log", "Sin", "Cos", "Erf"])
def test_transcendental(tmp_path, op):
    check(tmp_path, op, [np.abs(floats(7, 9)) + 0.1], tolerance=2e-6)


def test_round_half_to_even(tmp_path):
    check(tmp_path, "Round", [HALF])


@pytest.mark.parametrize("op", ["Abs", "Neg", "Sign"])
@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_integer_unary(tmp_path, op, dtype):
    check(tmp_path, op, [integers(30, dtype=dtype)])


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int32, np.int64, np.uint8, np.int8])
def test_arithmetic(tmp_path, op, dtype):
    if np.dtype(dtype).kind == "f":
        check(tmp_path, op, [floats(3, 1, 5, dtype=dtype), floats(4, 1, dtype=dtype)])
    else:
        check(tmp_path, op, [integers(3, 1, 5, dtype=dtype), integers(4, 1, dtype=dtype, low=1)])


def test_arithmetic_wraps(tmp_path):
    check(tmp_path, "Mul", [integers(40, dtype=np.int32, low=-(2**31), high=2**31), integers(40, dtype=np.int32, low=-(2**31), high=2**31)])
    check(tmp_path, "Add", [integers(40, dtype=np.int64, low=2**62, high=2**63 - 1), integers(40, dtype=np.int64, low=2**62, high=2**63 - 1)])


def test_pow(tmp_path):
    check(tmp_path, "Pow", [np.abs(floats(20)), floats(20)], tolerance=2e-6)
    check(tmp_path, "Pow", [integers(20, low=-9, high=9), integers(20, low=0, high=8)])


@pytest.mark.parametrize("op", ["Max", "Min"])
def test_extremes(tmp_path, op):
    check(tmp_path, op, [floats(3, 5), floats(5), floats(3, 1)])
    check(tmp_path, op, [integers(3, 5), integers(5)])


def test_clip(tmp_path):
    check(tmp_path, "Clip", [floats(30), np.float32(-1), np.float32(2)])
    check(tmp_path, "Clip", [floats(30), np.float32(1e-5), None])
    check(tmp_path, "Clip", [floats(30), None, np.float32(1)])
    check(tmp_path, "Clip", [integers(30, dtype=np.int8), np.int8(-3), np.int8(4)])


@pytest.mark.parametrize("op", ["Less", "Greater", "Equal", "LessOrEqual", "GreaterOrEqual"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_comparison(tmp_path, op, dtype):
    check(tmp_path, op, [integers(5, 40, low=-2, high=3).astype(dtype), integers(40, low=-2, high=3).astype(dtype)])


@pytest.mark.parametrize("count", [10, 100])
def test_logic(tmp_path, count):
    for op in ["And", "Or", "Xor"]:
        check(tmp_path, op, [bools(3, count), bools(count)])
    check(tmp_path, "Not", [bools(count)])
    check(tmp_path, "Where", [bools(3, count), floats(count), floats(3, 1)])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.uint64])
def test_bits(tmp_path, dtype):
    values = integers(40, dtype=dtype, high=256)
    amounts = integers(40, dtype=dtype, high=8)
    check(tmp_path, "BitShift", [values, amounts], direction="RIGHT")
    check(tmp_path, "BitShift", [values, amounts], direction="LEFT")
    check(tmp_path, "BitwiseAnd", [values, dtype(12)])
    check(tmp_path, "BitwiseOr", [values, dtype(12)])
    check(tmp_path, "BitwiseNot", [values])


@pytest.mark.parametrize("target", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.INT8, TensorProto.INT32,
                                    TensorProto.INT64, TensorProto.UINT8, TensorProto.BOOL])
def test_cast(tmp_path, target):
    check(tmp_path, "Cast", [floats(40)], to=target) if target != TensorProto.UINT8 else None
    check(tmp_path, "Cast", [integers(40, dtype=np.int32)], to=target)
    check(tmp_path, "Cast", [integers(40, dtype=np.uint8)], to=target)
    check(tmp_path, "Cast", [bools(40)], to=target)
    check(tmp_path, "Cast", [floats(40, dtype=np.float16)], to=target) if target != TensorProto.UINT8 else None


def test_cast_to_bfloat16_and_back(tmp_path):
    bits = RNG.integers(0, 2**16, 60).astype(np.uint16)
    bits[(bits & 0x7F80) == 0x7F80] = 0
    source = helper.make_tensor("", TensorProto.BFLOAT16, [60], bits.tobytes(), raw=True)
    check(tmp_path, "Cast", [source], to=TensorProto.FLOAT)
    check(tmp_path, "CastLike", [source, np.float32(0)])
    values = floats(60)
    (element, got), = fold(node_model("Cast", [values], to=TensorProto.BFLOAT16), tmp_path / "b.onnx")
    wide = values.view(np.uint32).astype(np.uint64)
    assert element == "bf16"
    np.testing.assert_array_equal(got, (wide + 0x7FFF + ((wide >> 16) & 1)) >> 16)


@pytest.mark.parametrize("kind,bits", [(TensorProto.INT4, 4), (TensorProto.UINT4, 4), (TensorProto.INT2, 2), (TensorProto.UINT2, 2)])
def test_packed(tmp_path, kind, bits):
    count = 33 * 7
    data = RNG.integers(0, 256, (count * bits + 7) // 8).astype(np.uint8)
    source = helper.make_tensor("", kind, [33, 7], data.tobytes(), raw=True)
    codes = ((data[:, None] >> np.arange(0, 8, bits, dtype=np.uint8)) & ((1 << bits) - 1)).reshape(-1)[:count].reshape(33, 7)
    check(tmp_path, "Cast", [source], to=TensorProto.FLOAT, opset=25)
    check(tmp_path, "DequantizeLinear", [source, floats(7)], axis=1, opset=25)
    for op, inputs, wanted, attributes in [
            ("Transpose", [source], codes.T, {}), ("Reshape", [source, I64(7, 33)], codes.reshape(7, 33), {}),
            ("Unsqueeze", [source, I64(0)], codes[None], {}),
            ("Slice", [source, I64(3), I64(30), I64(0), I64(2)], codes[3:30:2], {})]:
        (element, got), = fold(node_model(op, inputs, opset=25, **attributes), tmp_path / "p.onnx")
        assert element in PACKED
        np.testing.assert_array_equal(got, wanted)


def test_layout(tmp_path):
    x = floats(2, 3, 4)
    check(tmp_path, "Transpose", [x], perm=[2, 0, 1])
    check(tmp_path, "Transpose", [x])
    check(tmp_path, "Reshape", [x, I64(0, -1)])
    check(tmp_path, "Unsqueeze", [x, I64(0, -1)])
    check(tmp_path, "Squeeze", [floats(1, 3, 1), I64(-1)])
    check(tmp_path, "Squeeze", [floats(1, 3, 1)])
    check(tmp_path, "Flatten", [x], axis=2)
    check(tmp_path, "Concat", [x, floats(2, 1, 4)], axis=-2)
    check(tmp_path, "Expand", [floats(3, 1), I64(2, 3, 4)])
    check(tmp_path, "Tile", [floats(2, 3), I64(2, 3)])
    check(tmp_path, "Identity", [x])


@pytest.mark.parametrize("start,end,step", [(0, 5, 1), (-3, 2**63 - 1, 1), (5, -(2**63), -1), (1, 6, 2), (-1, 0, -2), (4, 2, 1), (9, 20, 1)])
def test_slice(tmp_path, start, end, step):
    check(tmp_path, "Slice", [floats(7, 3), I64(start), I64(end), I64(0), I64(step)])


def test_split(tmp_path):
    check(tmp_path, "Split", [floats(7, 3)], outputs=3, num_outputs=3)
    check(tmp_path, "Split", [floats(2, 7), I64(4, 3)], outputs=2, axis=1)


def test_indexing(tmp_path):
    check(tmp_path, "Gather", [floats(5, 6), I64(-1, 0, 3)], axis=1)
    check(tmp_path, "Gather", [floats(5, 6), np.array([[1, 2], [3, 4]], np.int32)])
    check(tmp_path, "ScatterND", [floats(5, 6), np.array([[1], [4]]), floats(2, 6)])
    check(tmp_path, "ScatterND", [floats(5, 6), np.array([[1, 1], [4, -1]]), floats(2)])
    for mode in ["constant", "edge", "reflect", "wrap"]:
        check(tmp_path, "Pad", [floats(4, 5), I64(1, 2, 0, 3), *([np.float32(7)] if mode == "constant" else [])], mode=mode)
    check(tmp_path, "Pad", [floats(4, 5), I64(1, -2), None, I64(1)])


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"])
def test_reduction(tmp_path, op):
    x = floats(3, 4, 5)
    check(tmp_path, op, [x, I64(-1)], tolerance=1e-4)
    check(tmp_path, op, [x, I64(0, 2)], keepdims=0, tolerance=1e-4)
    check(tmp_path, op, [x], keepdims=0, tolerance=1e-4)
    if op not in ("ReduceMean", "ReduceL2", "ReduceL1"):
        check(tmp_path, op, [integers(3, 4, low=-5, high=5), I64(1)])


def test_reduction_with_attribute(tmp_path):
    check(tmp_path, "ReduceMean", [floats(3, 4)], axes=[1], opset=13, tolerance=1e-6)
    check(tmp_path, "ReduceSum", [floats(3, 4), I64()], noop_with_empty_axes=0, tolerance=1e-4)


def test_creation(tmp_path):
    check(tmp_path, "ConstantOfShape", [I64(3, 30)])
    check(tmp_path, "ConstantOfShape", [I64(3)], value=numpy_helper.from_array(np.array([7], np.int64)))
    check(tmp_path, "Range", [np.int64(3), np.int64(40), np.int64(4)])
    check(tmp_path, "Range", [np.float32(3), np.float32(-2), np.float32(-0.5)])
    check(tmp_path, "Shape", [floats(3, 4, 5)], start=-2)
    check(tmp_path, "Size", [floats(3, 4, 5)])
    check(tmp_path, "Constant", [], value_floats=[1.5, 2.5])
    check(tmp_path, "Constant", [], value_int=7)


def test_quantization(tmp_path):
    x, scale = floats(6, 8), np.abs(floats(8)) / 50 + 0.01
    check(tmp_path, "QuantizeLinear", [x, np.float32(0.05), np.int8(3)])
    check(tmp_path, "QuantizeLinear", [x, np.float32(0.05)])
    check(tmp_path, "QuantizeLinear", [x, scale, integers(8, dtype=np.uint8, high=200)], axis=1)
    check(tmp_path, "DequantizeLinear", [integers(6, 8, dtype=np.int8), np.float32(0.1), np.int8(-4)])
    check(tmp_path, "DequantizeLinear", [integers(6, 8, dtype=np.uint8), scale, integers(8, dtype=np.uint8)], axis=1)
    check(tmp_path, "DequantizeLinear", [integers(6, 8, dtype=np.int32), np.float32(0.1)])
    for axis, shape in [(0, (2, 8)), (1, (6, 2))]:
        size = 3 if axis == 0 else 4
        check(tmp_path, "DequantizeLinear", [integers(6, 8, dtype=np.int8), floats(*shape), integers(*shape, dtype=np.int8)], axis=axis,
              block_size=size)
