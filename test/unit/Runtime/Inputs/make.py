#!/usr/bin/env python3
"""Writes the files beside it with NumPy and onnx; run by hand when a case is added."""
import pathlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

here = pathlib.Path(__file__).parent
arrays = {
    "float32": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3)),
    "scalar": np.float64(2.5),
    "empty": np.zeros((0, 4), np.float32),
    "half": np.array([1, -2], np.float16),
    "flags": np.array([True, False, True]),
    "bytes": np.arange(5, dtype=np.uint8),
    "folder/name": np.array([7], np.int32),
}
np.savez(here / "numpy.npz", **arrays)
np.save(here / "small.npy", arrays["fortran"])
np.savez_compressed(here / "compressed.npz", x=np.zeros(100))
np.savez(here / "objects.npz", x=np.array([{}], dtype=object))
np.savez(here / "big-endian.npz", x=np.zeros(2, ">f4"))
values = np.array([[1, 2, 3]], np.float32)
tensors = {
    "raw": numpy_helper.from_array(values, "raw"),
    "floats": helper.make_tensor("floats", onnx.TensorProto.FLOAT, [1, 3], [1, 2, 3]),
    "longs": helper.make_tensor("longs", onnx.TensorProto.INT64, [2], [-1, 1 << 40]),
    "shorts": helper.make_tensor("shorts", onnx.TensorProto.INT16, [2], [-3, 4]),
    "bfloat": helper.make_tensor("bfloat", onnx.TensorProto.BFLOAT16, [2], [1.0, -2.0]),
    "doubles": helper.make_tensor("doubles", onnx.TensorProto.DOUBLE, [1], [0.25]),
    "unsigned": helper.make_tensor("unsigned", onnx.TensorProto.UINT32, [1], [4000000000]),
    "strings": helper.make_tensor("strings", onnx.TensorProto.STRING, [1], [b"x"]),
}
for name, tensor in tensors.items():
    folder = here if name == "strings" else here / "tensors"
    (folder / f"{name}.pb").write_bytes(tensor.SerializeToString())
