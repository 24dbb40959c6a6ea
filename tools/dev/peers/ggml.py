"""llama.cpp's ggml and ik_llama's fork of it, called through their public C interface."""

import ctypes
import pathlib

import numpy as np

F32 = 0


class _InitParams(ctypes.Structure):
    _fields_ = [("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


class Library:
    """One build of ggml: `paths` are its shared objects, the first with the base functions."""

    def __init__(self, paths):
        self.objects = [ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL) for path in paths]
        size, pointer, long, integer = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int
        for name, result, arguments in [
            ("ggml_init", pointer, [_InitParams]), ("ggml_free", None, [pointer]),
            ("ggml_new_tensor_2d", pointer, [pointer, integer, long, long]), ("ggml_get_data", pointer, [pointer]),
            ("ggml_mul_mat", pointer, [pointer, pointer, pointer]), ("ggml_row_size", size, [integer, long]),
            ("ggml_blck_size", long, [integer]), ("ggml_tensor_overhead", size, []), ("ggml_graph_overhead_custom", size, [size, ctypes.c_bool]),
            ("ggml_new_graph_custom", pointer, [pointer, size, ctypes.c_bool]),
            ("ggml_build_forward_expand", None, [pointer, pointer]),
            ("ggml_quantize_chunk", size, [integer, pointer, pointer, long, long, long, pointer]),
            ("ggml_backend_cpu_init", pointer, []), ("ggml_backend_cpu_set_n_threads", None, [pointer, integer]),
            ("ggml_backend_graph_compute", integer, [pointer, pointer]), ("ggml_backend_free", None, [pointer]),
        ]:
            function = self._find(name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name[len("ggml_"):], function)

    def _find(self, name):
        for library in self.objects:
            if hasattr(library, name):
                return getattr(library, name)
        raise AttributeError(f"{name} is in none of the shared objects")

    def quantize(self, kind, weights):
        """float32 [N, K] -> uint8 [N, bytes of a row]."""
        rows, columns = weights.shape
        weights = np.ascontiguousarray(weights, np.float32)
        packed = np.empty((rows, self.row_size(kind, columns)), np.uint8)
        self.quantize_chunk(kind, weights.ctypes.data, packed.ctypes.data, 0, rows, columns, None)
        return packed


class MatMuls:
    """A graph of independent products: weight i with input i. Weights and inputs live in the graph's own memory."""

    def __init__(self, library, kind, rows, columns, tokens, copies, threads):
        self.library = library
        nodes = copies * 3 + 16
        overhead = library.tensor_overhead() * nodes + library.graph_overhead_custom(nodes, False)
        data = copies * (library.row_size(kind, columns) * rows + 4 * tokens * (rows + columns) + 256)
        # NumPy asks for huge pages, which the allocation of ggml itself does not.
        self.memory = np.zeros(overhead + data + (1 << 20), np.uint8)
        self.context = library.init(_InitParams(self.memory.nbytes, self.memory.ctypes.data, False))
        if not self.context:
            raise MemoryError("ggml_init")
        self.graph = library.new_graph_custom(self.context, nodes, False)
        self.backend = library.backend_cpu_init()
        self.threads(threads)
        self.weights, self.inputs, self.outputs = [], [], []
        for _ in range(copies):
            weight = library.new_tensor_2d(self.context, kind, columns, rows)
            source = library.new_tensor_2d(self.context, F32, columns, tokens)
            product = library.mul_mat(self.context, weight, source)
            library.build_forward_expand(self.graph, product)
            self.weights.append(self._view(weight, np.uint8, (rows, library.row_size(kind, columns))))
            self.inputs.append(self._view(source, np.float32, (tokens, columns)))
            self.outputs.append(self._view(product, np.float32, (tokens, rows)))

    def _view(self, tensor, dtype, shape):
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = (ctypes.c_uint8 * count).from_address(self.library.get_data(tensor))
        return np.frombuffer(memory, dtype).reshape(shape)

    def threads(self, count):
        self.library.backend_cpu_set_n_threads(self.backend, count)

    def run(self):
        if self.library.backend_graph_compute(self.backend, self.graph):
            raise RuntimeError("ggml_backend_graph_compute failed")

    def close(self):
        self.weights = self.inputs = self.outputs = ()
        self.library.backend_free(self.backend)
        self.library.free(self.context)
        self.memory = None
