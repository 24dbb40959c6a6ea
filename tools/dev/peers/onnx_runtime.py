"""ONNX Runtime's MatMulNBits with 2 bits and accuracy level 4 (int8 activations)."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

ZERO = 2  # the code of weight 0: without a zero point, MatMulNBits takes 2^(bits-1)


def pack(ternary, block):
    """int8 [N, K] of -1, 0, 1 -> uint8 [N, blocks, block/4], four codes a byte, the first in the lowest bits."""
    rows, columns = ternary.shape
    codes = np.pad(ternary + ZERO, ((0, 0), (0, -columns % block)), constant_values=ZERO).astype(np.uint8)
    codes = codes.reshape(rows, -1, block // 4, 4)
    return codes[..., 0] | codes[..., 1] << 2 | codes[..., 2] << 4 | codes[..., 3] << 6


def write_model(folder, packed, scale, shape, block, tokens, copies):
    """A model of `copies` independent products; copy i has the rows of `packed` rotated by i. Returns its path."""
    rows, columns = shape
    folder.mkdir(parents=True, exist_ok=True)
    nodes, tensors, inputs, outputs = [], [], [], []
    scales = np.full(packed.shape[:2], scale, np.float32)
    with open(folder / "weights.bin", "wb") as file:

        def external(name, array, kind):
            tensor = TensorProto(name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
            file.seek(-file.tell() % 4096, 1)
            for key, value in [("location", "weights.bin"), ("offset", file.tell()), ("length", array.nbytes)]:
                tensor.external_data.add(key=key, value=str(value))
            file.write(array.data)
            tensors.append(tensor)
            return name

        for i in range(copies):
            weight = external(f"w{i}", np.roll(packed, i, axis=0), TensorProto.UINT8)
            scaling = external(f"s{i}", scales, TensorProto.FLOAT)
            nodes.append(helper.make_node("MatMulNBits", [f"x{i}", weight, scaling], [f"y{i}"], domain="com.microsoft",
                                          K=columns, N=rows, bits=2, block_size=block, accuracy_level=4))
            inputs.append(helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, [tokens, columns]))
            outputs.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [tokens, rows]))
    graph = helper.make_graph(nodes, "products", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10)
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


class MatMuls:
    """A session on such a model, with inputs and outputs bound once."""

    def __init__(self, path, threads, x):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Its threads must not spin while others are measured.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.outputs = []
        for value in self.session.get_inputs():
            self.binding.bind_cpu_input(value.name, x)
        for value in self.session.get_outputs():
            output = np.zeros(value.shape, np.float32)
            self.binding.bind_output(value.name, "cpu", 0, np.float32, value.shape, output.ctypes.data)
            self.outputs.append(output)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def close(self):
        self.session = self.binding = None
