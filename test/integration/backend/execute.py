"""Compiles a module with hgf-compile and runs the shared library through the C ABI."""

import ctypes
import os
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("HGF_BUILD", ROOT / "build" / "dev"))

DTYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32,
    7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64,
}
NUMBERS = {np.dtype(dtype): number for number, dtype in DTYPES.items()}


class SessionOptions(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("threads", ctypes.c_int32),
        ("max_context", ctypes.c_int64),
        ("weights", ctypes.c_char_p),
    ]


def compile_module(text, output, *options):
    """Writes `text` beside `output` and compiles it; returns the compiler's stdout."""
    source = Path(output).with_suffix(".input.mlir")
    source.write_text(text)
    result = subprocess.run(
        [BUILD / "bin" / "hgf-compile", source, "-o", output,
         "--compile-from=tiling", *options],
        capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(result.stderr)
    return result.stdout


class Model:
    """A loaded model with one session."""

    def __init__(self, path, threads=1, max_context=0):
        self.library = ctypes.CDLL(str(path))
        self.library.hgf_session_error.restype = ctypes.c_char_p
        self.library.hgf_tensor_name.restype = ctypes.c_char_p
        self.library.hgf_tensor_dims.restype = ctypes.POINTER(ctypes.c_int64)
        self.library.hgf_session_free.argtypes = [ctypes.c_void_p]
        self.model = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(self.library, "hgf_model")))
        options = SessionOptions(ctypes.sizeof(SessionOptions), threads, max_context, None)
        self.session = ctypes.c_void_p()
        error = ctypes.create_string_buffer(512)
        if self.library.hgf_session_create(
                self.model, ctypes.byref(options), ctypes.byref(self.session), error,
                ctypes.c_size_t(len(error))):
            raise RuntimeError(error.value.decode())

    def __del__(self):
        if getattr(self, "session", None):
            self.library.hgf_session_free(self.session)

    def check(self, status):
        if status:
            raise RuntimeError(self.library.hgf_session_error(self.session).decode())

    def __call__(self, *inputs, **named):
        """Runs the model; inputs by position or by name; returns a list of arrays."""
        named = dict(named)
        for index, value in enumerate(inputs):
            named[self.library.hgf_tensor_name(self.model, 0, index).decode()] = value
        keep = []
        for name, value in named.items():
            array = np.ascontiguousarray(value)
            dims = (ctypes.c_int64 * max(1, array.ndim))(*array.shape)
            keep.append((array, dims))
            self.check(self.library.hgf_session_bind_input_by_name(
                self.session, name.encode(), NUMBERS[array.dtype], array.ndim, dims,
                ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)))
        self.check(self.library.hgf_session_run(self.session))
        return [self.output(index) for index in range(self.library.hgf_tensor_count(self.model, 1))]

    def output(self, index):
        rank = self.library.hgf_tensor_rank(self.model, 1, index)
        dims = (ctypes.c_int64 * max(1, rank))()
        self.check(self.library.hgf_session_output_dims(self.session, index, dims))
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        self.check(self.library.hgf_session_output_data(
            self.session, index, ctypes.byref(data), ctypes.byref(size)))
        dtype = DTYPES[self.library.hgf_tensor_dtype(self.model, 1, index)]
        result = np.empty(tuple(dims[:rank]), dtype)
        assert result.nbytes == size.value
        ctypes.memmove(result.ctypes.data, data, size.value)
        return result
