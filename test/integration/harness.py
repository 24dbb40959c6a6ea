"""Compiles small models and runs them through the C ABI, for tests that compare values.

    run(text, {"x": array}) compiles the MLIR text of a module, runs @main, returns {name: array}."""

import ctypes
import os
import pathlib
import subprocess
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / os.environ.get("HGF_PRESET", "dev")
HGF_COMPILE = BUILD / "bin" / "hgf-compile"
# The program is Python, so libraries do not find the simulator beside it.
os.environ.setdefault("HGF_GPUSIM_LIBRARY", str(BUILD / "lib" / "hgf" / "libhgf_gpusim.so"))

# ONNX TensorProto.DataType of each NumPy type.
DTYPES = {
    np.dtype(np.float32): 1, np.dtype(np.uint8): 2, np.dtype(np.int8): 3, np.dtype(np.uint16): 4,
    np.dtype(np.int16): 5, np.dtype(np.int32): 6, np.dtype(np.int64): 7, np.dtype(np.bool_): 9,
    np.dtype(np.float16): 10, np.dtype(np.float64): 11, np.dtype(np.uint32): 12, np.dtype(np.uint64): 13,
}
NUMPY_TYPES = {number: dtype for dtype, number in DTYPES.items()}
POISON = 0xA5


class CompileError(Exception):
    """What hgf-compile said."""


def compile_file(source, output=None, *flags):
    """Compiles `source` (.mlir or .onnx) into a shared library and returns its path."""
    if output is None:
        handle, output = tempfile.mkstemp(suffix=".so")
        os.close(handle)
    run = subprocess.run([HGF_COMPILE, str(source), "-o", str(output), *flags], capture_output=True, text=True)
    if run.returncode:
        raise CompileError(run.stderr)
    return output


class _Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int32), ("max_context", ctypes.c_int64),
                ("weights", ctypes.c_char_p), ("device", ctypes.c_char_p)]


class Model:
    """A compiled shared library and one session on it, on `device` ("sim": the simulated GPU)."""

    def __init__(self, path, threads=1, device=None):
        self.library = library = ctypes.CDLL(str(path))
        self.descriptor = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(library, "hgf_model")))
        for name, result in [("hgf_tensor_count", ctypes.c_int32), ("hgf_tensor_name", ctypes.c_char_p),
                             ("hgf_tensor_dtype", ctypes.c_int32), ("hgf_tensor_rank", ctypes.c_int32),
                             ("hgf_session_error", ctypes.c_char_p), ("hgf_session_level", ctypes.c_char_p)]:
            getattr(library, name).restype = result
        options = _Options()
        library.hgf_session_options_init_sized(ctypes.byref(options), ctypes.c_size_t(ctypes.sizeof(options)))
        options.threads = threads
        options.device = device.encode() if device else None
        self.session = ctypes.c_void_p()
        error = ctypes.create_string_buffer(512)
        if library.hgf_session_create(self.descriptor, ctypes.byref(options), ctypes.byref(self.session), error,
                                      ctypes.c_size_t(512)):
            raise RuntimeError(error.value.decode())

    def close(self):
        if self.session:
            self.library.hgf_session_free(self.session)
            self.session = ctypes.c_void_p()

    def __del__(self):
        if hasattr(self, "session"):
            self.close()

    def _check(self, status):
        if status:
            raise RuntimeError(self.library.hgf_session_error(self.session).decode())

    def names(self, kind):
        return [self.library.hgf_tensor_name(self.descriptor, kind, index).decode()
                for index in range(self.library.hgf_tensor_count(self.descriptor, kind))]

    def __call__(self, feeds):
        """Runs once; outputs start out as poison, so what is not written shows."""
        keep = []
        for name, array in feeds.items():
            array = np.ascontiguousarray(array).reshape(np.shape(array))
            dims = (ctypes.c_int64 * max(array.ndim, 1))(*array.shape)
            keep.append((array, dims))
            self._check(self.library.hgf_session_bind_input_by_name(
                self.session, name.encode(), DTYPES[array.dtype], array.ndim, dims, ctypes.c_void_p(array.ctypes.data),
                ctypes.c_size_t(array.nbytes)))
        outputs = {}
        for index, name in enumerate(self.names(1)):
            rank = self.library.hgf_tensor_rank(self.descriptor, 1, index)
            dims = (ctypes.c_int64 * max(rank, 1))()
            self._check(self.library.hgf_session_output_dims(self.session, index, dims))
            dtype = NUMPY_TYPES[self.library.hgf_tensor_dtype(self.descriptor, 1, index)]
            array = np.empty(tuple(dims[:rank]), dtype)
            array.reshape(-1).view(np.uint8)[:] = POISON
            outputs[name] = array
            self._check(self.library.hgf_session_bind_output(
                self.session, index, DTYPES[dtype], ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)))
        self._check(self.library.hgf_session_run(self.session))
        return outputs


def run(text, feeds, *flags, threads=1, device=None):
    """Compiles the MLIR text of a module and runs it once."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "model.mlir"
        source.write_text(text)
        model = Model(compile_file(source, pathlib.Path(folder) / "model.so", *flags), threads, device)
        result = model(feeds)
        model.close()
        return result


def argument(name, shape, dtype=1, element="f32"):
    """An argument of @main: a negative size is dynamic and named after its position."""
    dims = "".join("?x" if size < 0 else f"{size}x" for size in shape)
    names = ", ".join(f'"{name}_{axis}"' if size < 0 else '""' for axis, size in enumerate(shape))
    return f'%{name}: tensor<{dims}{element}> {{onnx.name = "{name}", onnx.dims = [{names}], onnx.dtype = {dtype} : i32}}'


def result(name, shape, dtype=1, element="f32"):
    """A result type of @main."""
    dims = "".join("?x" if size < 0 else f"{size}x" for size in shape)
    return f'tensor<{dims}{element}> {{onnx.name = "{name}", onnx.dtype = {dtype} : i32}}'
