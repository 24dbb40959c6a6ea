"""hgf.head against NumPy: storages x awkward sizes x tokens x threads x instruction levels, outputs poisoned."""

import json
import subprocess

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import harness
from harness import argument, result
from machines import ARM_MACHINES, GPUS, NATIVE, shared_source

FLOATS = {"f16": np.float16, "i8": np.int8}
# (N, K): one row, one column, tails of both blocks, and whole ones.
SIZES = [(1, 1), (3, 100), (1000, 3), (100, 3200), (16, 32), (1000, 40)]
TOKENS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 64]


def elements(array, kind):
    shape = "".join(f"{size}x" for size in array.shape)
    return f'dense<"0x{np.ascontiguousarray(array).tobytes().hex().upper()}"> : tensor<{shape}{kind}>'


def packed(weight):
    """[N/8, K/16, 8, 16], padded with zeros."""
    n, k = weight.shape
    padded = np.pad(weight, ((0, -n % 8), (0, -k % 16)))
    return padded.reshape(-1, 8, padded.shape[1] // 16, 16).transpose(0, 2, 1, 3)


def layer(index, n, k, kind, bias, tokens="?"):
    """(operations, weight as float64, bias)"""
    rng = np.random.default_rng(n * 10000 + k)
    if kind == "i8":
        weight = rng.integers(-127, 128, (n, k)).astype(np.int8)
    else:
        weight = rng.standard_normal((n, k)).astype(np.float16)
        weight[0, 0] = 6e-8  # a subnormal
    rows = -n % 8 + n
    # What stands behind the last row must not matter.
    scales = np.pad(rng.uniform(0.5, 2, n).astype(np.float32), (0, rows - n), constant_values=np.nan)
    biases = np.pad(rng.standard_normal(n).astype(np.float32), (0, rows - n), constant_values=np.nan)
    blocks = packed(weight)
    shape = "x".join(map(str, blocks.shape))
    lines = [f"%w{index} = arith.constant {elements(blocks, kind)}",
             f"%m{index} = tensor.dim %x{index}, %zero : tensor<{tokens}x{k}xf32>",
             f"%init{index} = tensor.empty(%m{index}) : tensor<{tokens}x{n}xf32>"]
    parts = ""
    if kind == "i8":
        lines.append(f"%s{index} = arith.constant {elements(scales, 'f32')}")
        parts += f" scales(%s{index} : tensor<{rows}xf32>)"
    if bias:
        lines.append(f"%b{index} = arith.constant {elements(biases, 'f32')}")
        parts += f" bias(%b{index} : tensor<{rows}xf32>)"
    lines.append(f"%y{index} = hgf.head ins(%x{index} : tensor<{tokens}x{k}xf32>) weight(%w{index} : tensor<{shape}x{kind}>)"
                 f"{parts} outs(%init{index} : tensor<{tokens}x{n}xf32>) -> tensor<{tokens}x{n}xf32>")
    dense = weight.astype(np.float64) * (scales[:n, None] if kind == "i8" else 1)
    return "\n".join(lines), dense, biases[:n] if bias else 0


def module(cases):
    arguments = ", ".join(argument(f"x{i}", (-1, k)) for i, (_, k, _, _) in enumerate(cases))
    results = ", ".join(result(f"y{i}", (-1, n)) for i, (n, _, _, _) in enumerate(cases))
    layers = [layer(i, *case) for i, case in enumerate(cases)]
    values = ", ".join(f"%y{i}" for i in range(len(cases)))
    types = ", ".join(f"tensor<?x{n}xf32>" for n, _, _, _ in cases)
    text = (f"func.func @main({arguments}) -> ({results}) {{\n%zero = arith.constant 0 : index\n"
            + "\n".join(lines for lines, _, _ in layers) + f"\nreturn {values} : {types}\n}}")
    return text, [(dense, bias) for _, dense, bias in layers]


def check(model, references, tokens):
    rng = np.random.default_rng(tokens)
    feeds = {f"x{i}": rng.standard_normal((tokens, dense.shape[1])).astype(np.float32)
             for i, (dense, _) in enumerate(references)}
    results = model(feeds)
    for i, (dense, bias) in enumerate(references):
        expected = feeds[f"x{i}"] @ dense.T + bias
        # float32 sums in any order.
        bound = 1e-6 * (np.abs(feeds[f"x{i}"]) @ np.abs(dense).T + np.abs(bias))
        assert (np.abs(results[f"y{i}"] - expected) <= bound + 1e-30).all(), (tokens, dense.shape)


CASES = [(n, k, kind, (n + k) % 2 == (kind == "i8")) for n, k in SIZES for kind in FLOATS]


@pytest.mark.parametrize("name, cpu", [("native", "portable"), ("native", "x86-64"), ("native", "x86-64-v3"),
                                       *((name, "portable") for name in ARM_MACHINES)])
def test_heads(name, cpu, tmp_path_factory):
    machine = ARM_MACHINES.get(name, NATIVE)
    text, references = module(CASES)
    source = shared_source(tmp_path_factory, "heads.mlir", text)
    library = machine.compile(source, "--compile-from=packing", f"--cpu={cpu}")
    for threads in (2,) if machine.emulated else (1, 2, 3):
        model = machine.load(library, threads)
        for tokens in TOKENS:
            check(model, references, tokens)
        model.close()


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("tokens", [1, 3, 8])
def test_heads_on_a_gpu(gpu, tokens, tmp_path_factory):
    text, references = module(CASES)
    source = shared_source(tmp_path_factory, "gpu_heads.mlir", text)
    model = gpu.load(gpu.compile(source, "--compile-from=gpu-packing"))
    check(model, references, tokens)
    model.close()


class Graph:
    """ids -> embedding -> logits, over one table [N, K] or two."""

    def __init__(self, storage, product, tied, table_type):
        rng = np.random.default_rng(5)
        n, k = 700, 100
        self.table = rng.standard_normal((n, k)).astype(table_type)
        self.head = self.table if tied else rng.standard_normal((n, k)).astype(table_type)
        self.bias = rng.standard_normal(n).astype(np.float32)
        self.rounded = self.round(self.head, storage)
        self.rows = self.rounded if tied and storage != "keep" else self.table.astype(np.float32)
        tensors = {"table": self.table, "bias": self.bias}
        if not tied:
            tensors["head"] = self.head
        name = "table" if tied else "head"
        nodes = [helper.make_node("Gather", ["table", "ids"], ["row"]), helper.make_node("Cast", ["row"], ["x"], to=1)]
        if product == "gemm":
            nodes += [helper.make_node("Cast", [name], ["w"], to=1),
                      helper.make_node("Gemm", ["x", "w", "bias"], ["y"], transB=1)]
        else:
            nodes += [helper.make_node("Transpose", [name], ["t"], perm=[1, 0]), helper.make_node("Cast", ["t"], ["w"], to=1),
                      helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "bias"], ["y"])]
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes, "g", [info("ids", onnx.TensorProto.INT64, ["t"])],
            [info("y", onnx.TensorProto.FLOAT, ["t", n]), info("x", onnx.TensorProto.FLOAT, ["t", k])],
            [numpy_helper.from_array(value, name) for name, value in tensors.items()])
        self.model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)

    @staticmethod
    def round(weight, storage):
        weight = weight.astype(np.float32)
        if storage == "int8":
            scales = np.abs(weight).max(1, keepdims=True) / np.float32(127)
            return np.rint(weight / scales) * scales
        return weight.astype(np.float16).astype(np.float32) if storage == "f16" else weight


@pytest.mark.parametrize("storage", ["f16", "int8", "keep"])
@pytest.mark.parametrize("product, tied, table_type", [
    ("matmul", True, np.float32), ("gemm", True, np.float16), ("gemm", False, np.float32)])
def test_recognised(storage, product, tied, table_type, tmp_path):
    graph = Graph(storage, product, tied, table_type)
    onnx.save(graph.model, tmp_path / "model.onnx")
    run = subprocess.run([harness.HGF_COMPILE, tmp_path / "model.onnx", "-o", tmp_path / "model.so", f"--head={storage}",
                          "--report=json"], capture_output=True, text=True, check=True)
    heads = json.loads(run.stdout)["heads"]
    assert len(heads) == (storage != "keep")
    if heads:
        error = np.sqrt(((graph.rounded - graph.head) ** 2).sum() / (graph.head.astype(np.float64) ** 2).sum())
        assert heads[0]["rounding_error"] == pytest.approx(error, rel=0.02, abs=1e-9)
        # What is done to a small constant is computed, and the table is then another one.
        assert heads[0]["embedding"] == (tied and product == "gemm" and table_type == np.float32)
    ids = np.array([0, 699, 5, -1, 1], np.int64)
    results = harness.Model(tmp_path / "model.so", 2)({"ids": ids})
    rows = results["x"]
    assert np.array_equal(rows, graph.table[ids].astype(np.float32)) or np.array_equal(rows, graph.rounded[ids])
    expected = rows.astype(np.float64) @ graph.rounded.T + graph.bias
    assert np.abs(results["y"] - expected).max() < 1e-4
