"""Compiles a large generated model and measures the compiler; called by tools/dev/compile-large."""

import argparse
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

# The linears of BitNet-b1.58-2B-4T, as the MatMul's [K, N].
WIDTH, KEYS, HIDDEN = 2560, 640, 6912
SHAPES = {"q": (WIDTH, WIDTH), "k": (WIDTH, KEYS), "v": (WIDTH, KEYS), "o": (WIDTH, WIDTH), "gate": (WIDTH, HIDDEN),
          "up": (WIDTH, HIDDEN), "down": (HIDDEN, WIDTH)}
DATA = "large.data"
# One page of 4 KB in so many holds values that are not zero.
SPARSE_PAGES = 8
# What the machine must stay below: seconds and bytes.
LIMITS = (90, 3e9)


def scale_of(layer, name):
    """A power of two times something exact, so that float32 sums tell errors from rounding."""
    return np.float32((1 + len(name) / 8 + layer % 3 / 4) / 64)


class Weights:
    """The tensors of the external data file, one behind the other."""

    def __init__(self, path, layers):
        self.path = path
        self.places, offset = {}, 0
        for layer in range(layers):
            for name, (rows, columns) in SHAPES.items():
                self.places[layer, name] = offset
                offset += rows * columns * 4
        self.size = offset

    def write(self, dense):
        """Every tensor is a template of one row more than it needs, from another start."""
        rng = np.random.default_rng(1)
        floats = 1 << 24
        template = rng.integers(-1, 2, floats).astype(np.float32)
        pages = template.reshape(-1, 1024)
        if not dense:
            pages[rng.random(len(pages)) >= 1 / SPARSE_PAGES] = 0
        with open(self.path, "wb") as file:
            file.truncate(self.size)
            for (layer, name), offset in self.places.items():
                values = template * scale_of(layer, name)
                rows, columns = SHAPES[name]
                written, at = 0, 1024 * int(rng.integers(len(pages)))
                while written < rows * columns:
                    part = values[at:at + min(rows * columns - written, floats - at)]
                    self.write_part(file, offset + 4 * written, part, dense)
                    written += len(part)
                    at = 0

    @staticmethod
    def write_part(file, offset, part, dense):
        if dense:
            file.seek(offset)
            file.write(memoryview(part))
            return
        # Zeros stay holes: only runs of other pages are written.
        for start in range(0, len(part), 1024):
            page = part[start:start + 1024]
            if page.any():
                file.seek(offset + 4 * start)
                file.write(memoryview(page))

    def __getitem__(self, key):
        shape = SHAPES[key[1]]
        return np.memmap(self.path, np.float32, "r", self.places[key], shape)


def make_model(folder, layers):
    """A decoder without attention: every linear of it, with the activation quantizer before each."""
    weights = Weights(folder / DATA, layers)
    nodes, initializers = [], []

    def tensor(name, values):
        initializers.append(onnx.numpy_helper.from_array(np.asarray(values), name))

    def node(kind, inputs, name, **attributes):
        nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    for name, value in [("epsilon", np.float32(1e-5)), ("most", np.float32(127)), ("least", np.float32(-128)),
                        ("last", np.array([-1], np.int64)), ("half", np.float32(0.5))]:
        tensor(name, value)
    tensor("ones", np.ones(WIDTH, np.float32))

    def quantized(x):
        largest = node("Clip", [node("ReduceMax", [node("Abs", [x], f"{x}.abs"), "last"], f"{x}.max", keepdims=1),
                                "epsilon"], f"{x}.largest")
        factor = node("Div", ["most", largest], f"{x}.factor")
        rounded = node("Round", [node("Mul", [x, factor], f"{x}.scaled")], f"{x}.rounded")
        codes = node("Clip", [rounded, "least", "most"], f"{x}.codes")
        return node("Div", [codes, factor], f"{x}.quantized")

    def linear(layer, name, x):
        tensor_name = f"{layer}.{name}.weight"
        rows, columns = SHAPES[name]
        weight = TensorProto(name=tensor_name, data_type=TensorProto.FLOAT, dims=[rows, columns],
                             data_location=TensorProto.EXTERNAL)
        for key, value in [("location", DATA), ("offset", weights.places[layer, name]), ("length", 4 * rows * columns)]:
            weight.external_data.add(key=key, value=str(value))
        initializers.append(weight)
        return node("MatMul", [x, tensor_name], f"{layer}.{name}")

    def normalized(layer, name, x):
        return node("RMSNormalization", [x, "ones"], f"{layer}.{name}", axis=-1)

    h = "x"
    for layer in range(layers):
        x = quantized(normalized(layer, "norm1", h))
        q, k, v = (linear(layer, name, x) for name in "qkv")
        mixed = node("Mul", [q, node("Concat", [k, v, k, v], f"{layer}.kv", axis=-1)], f"{layer}.mixed")
        o = linear(layer, "o", quantized(normalized(layer, "norm2", mixed)))
        h = node("Add", [h, o], f"{layer}.attended")
        x = quantized(normalized(layer, "norm3", h))
        gate = node("Relu", [linear(layer, "gate", x)], f"{layer}.relu")
        product = node("Mul", [gate, linear(layer, "up", x)], f"{layer}.product")
        down = linear(layer, "down", quantized(product))
        h = node("Add", [h, node("Mul", [down, "half"], f"{layer}.damped")], f"{layer}.hidden")
    # The last layer can be checked alone, from what it reads.
    outputs = [f"{layers - 2}.hidden" if layers > 1 else "x", h]
    if layers == 1:
        outputs = [h]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["tokens", WIDTH])
    graph = helper.make_graph(nodes, "large", [value("x")], [value(name) for name in outputs], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    (folder / "large.onnx").write_bytes(model.SerializeToString())
    return weights, outputs


def reference(weights, layer, h):
    """One layer in float64, its integer products exact."""
    def norm(x):
        return (x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)).astype(np.float32)

    def linear(name, x):
        factor = np.float32(127) / np.maximum(np.abs(x).max(-1, keepdims=True), np.float32(1e-5))
        codes = np.clip(np.rint(x * factor), -128, 127)
        signs = np.sign(weights[layer, name])
        return (codes @ signs * np.float64(scale_of(layer, name)) / factor).astype(np.float32)

    x = norm(h)
    q, k, v = (linear(name, x) for name in "qkv")
    h = h + linear("o", norm(q * np.concatenate([k, v, k, v], -1)))
    x = norm(h)
    return h + linear("down", np.maximum(linear("gate", x), 0) * linear("up", x)) * np.float32(0.5)


def compile_measured(command):
    """(seconds, peak bytes) of the command."""
    start = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if status:
        sys.exit(f"compile-large: {command[0]} failed")
    return seconds, usage.ru_maxrss * 1024


def compare(weights, layers, outputs, executable, folder):
    """The largest error of the last layer relative to its largest value, for three tokens."""
    x = np.random.default_rng(2).standard_normal((3, WIDTH)).astype(np.float32)
    np.savez(folder / "in.npz", x=x)
    subprocess.run([executable, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz"], check=True,
                   capture_output=True)
    results = np.load(folder / "out.npz")
    expected = reference(weights, layers - 1, results[outputs[0]] if layers > 1 else x)
    actual = results[outputs[-1]]
    return float(np.abs(expected - actual).max() / np.abs(expected).max())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--weights", default="embed", choices=["embed", "side"])
    parser.add_argument("--keep", action="store_true")
    options, flags = parser.parse_known_args()
    folder, executable = options.folder, options.folder / "large"
    folder.mkdir(parents=True, exist_ok=True)
    weights, outputs = make_model(folder, options.layers)
    parameters = sum(rows * columns for rows, columns in SHAPES.values()) * options.layers
    print(f"writing {parameters / 1e9:.2f} G parameters, {weights.size / 1e9:.2f} GB of float32", flush=True)
    weights.write(options.dense)
    seconds, peak = compile_measured([options.compiler, folder / "large.onnx", "-o", executable,
                                      f"--weights={options.weights}", *flags])
    size = sum(path.stat().st_size for path in folder.glob("large*") if path.suffix in ("", ".weights"))
    print(f"compiled in {seconds:.1f} s with at most {peak / 1e9:.2f} GB of memory into {size / 1e6:.0f} MB")
    error = compare(weights, options.layers, outputs, executable, folder)
    print(f"largest error of the last layer: {error:.1e} of its largest value")
    if not options.keep:
        for path in folder.iterdir():
            path.unlink()
    # A step of the activation quantizer may fall to the other side.
    return 0 if error < 2e-2 and seconds < LIMITS[0] and peak < LIMITS[1] else 1


if __name__ == "__main__":
    sys.exit(main())
