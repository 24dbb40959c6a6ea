"""Our own kernels: hgf::Linear layers compiled by hgf-compile into a shared object, called through the C interface."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "test" / "integration")]
import harness  # noqa: E402
import hgf_onnx  # noqa: E402

PAUSE = 0.001  # seconds; threads of a session spin for a third of it


def write_model(folder, ternary, scale, copies):
    """A model of `copies` independent layers; layer i has the rows of `ternary` rotated by i. Returns its path."""
    rows, columns = ternary.shape
    packed = np.frombuffer(hgf_onnx.pack_int2(ternary), np.uint8).reshape(rows, columns // 4)
    builder = hgf_onnx.Builder()
    scaling = builder.tensor("scale", np.float32(scale))
    inputs, outputs = [], []
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "weights.bin", "wb") as file:
        for i in range(copies):
            tensor = TensorProto(name=f"w{i}", data_type=TensorProto.INT2, dims=(rows, columns), data_location=TensorProto.EXTERNAL)
            for key, value in [("location", "weights.bin"), ("offset", file.tell()), ("length", packed.nbytes)]:
                tensor.external_data.add(key=key, value=str(value))
            file.write(np.roll(packed, i, axis=0).data)
            builder.initializers.append(tensor)
            builder.nodes.append(helper.make_node("Linear", [f"x{i}", f"w{i}", scaling], [f"y{i}"], name=f"layer{i}", domain="hgf"))
            inputs.append(helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, ["tokens", columns]))
            outputs.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, ["tokens", rows]))
    graph = helper.make_graph(builder.nodes, "layers", inputs, outputs, builder.initializers)
    opsets = [helper.make_opsetid("", hgf_onnx.OPSET), helper.make_opsetid("hgf", hgf_onnx.VERSION)]
    model = helper.make_model(graph, opset_imports=opsets, functions=[hgf_onnx.Linear().function()], ir_version=hgf_onnx.IR_VERSION)
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def compile_model(model, cpu, count):
    """Compiles the model and returns the paths of `count` equal libraries, whose weights lie in memory of their own."""
    output = model.with_name(f"libmodel-{cpu}.so")
    run = subprocess.run([harness.HGF_COMPILE, model, "-o", output, f"--cpu={cpu}"], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip())
    copies = [output.with_name(f"libmodel-{cpu}-{i}.so") for i in range(1, count)]
    for copy in copies:
        shutil.copyfile(output, copy)
    for library in [output, *copies]:
        forget(library)
    return [output, *copies]


def forget(path):
    """Has the system write the file and drop it: pages that it reads again may be huge ones, as where a model is deployed."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


class MatMuls:
    """Sessions on such libraries, which run after each other, with inputs and outputs bound once."""

    def __init__(self, libraries, threads, x):
        self.models = [harness.Model(library, threads) for library in libraries]
        self.feeds = {name: x for name in self.models[0].names(0)}
        # The memory of outputs must live as long as they are bound.
        self.outputs = [list(model(self.feeds).values()) for model in self.models]

    def run(self):
        """Returns the seconds that the runs took. Between two, threads of the first session go to sleep: sessions leave CPUs to each other."""
        seconds = 0.0
        for index, model in enumerate(self.models):
            if index:
                time.sleep(PAUSE)
            start = time.perf_counter()
            status = model.library.hgf_session_run(model.session)
            seconds += time.perf_counter() - start
            model._check(status)
        return seconds

    def level(self):
        return self.models[0].library.hgf_session_level(self.models[0].session).decode()

    def close(self):
        for model in self.models:
            model.close()
            # The next piece's library may have the same path.
            ctypes.CDLL(None).dlclose(ctypes.c_void_p(model.library._handle))
