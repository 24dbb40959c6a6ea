"""Attention in one pass on the simulated GPU: shapes x masks x strides, against NumPy in float64."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import zlib

import numpy as np
import pytest

import harness
from harness import argument, result
from machines import GPU, shared_source

LOWEST = np.finfo(np.float32).min


@dataclasses.dataclass(frozen=True)
class Attention:
    """One attention of a module. Negative sizes are dynamic."""

    heads: int
    groups: int
    depth: int
    width: int
    causal: bool = False
    mask: tuple = None  # of "b", "h", "s", "t" and 1
    differential: bool = False
    view: str = "dense"  # or a part of larger tensors: padded, shifted, every (second element)
    batch: int = -1
    queries: int = -1
    keys: int = -1

    def shapes(self):
        query = (self.batch, self.heads, self.queries, self.depth)
        key = (self.batch, self.groups, self.keys, self.depth)
        value = (self.batch, self.groups, self.keys, self.width)
        shapes = {"q": query, "k": key, "v": value}
        if self.differential:
            shapes |= {"q2": query, "k2": key, "l": ()}
        if self.mask:
            sizes = {"b": self.batch, "h": self.heads, "s": self.queries, "t": self.keys, 1: 1}
            shapes["m"] = tuple(sizes[size] for size in self.mask)
        return shapes

    def stored(self, shape):
        """The shape of the tensor that `shape` is a part of, its first element and the distance of two along the last axis."""
        if self.view == "dense" or len(shape) != 4:
            return shape, 0, 1
        extra, first, step = {"padded": (4, 4, 1), "shifted": (3, 1, 1), "every": (shape[-1], 1, 2)}[self.view]
        return (*shape[:-1], shape[-1] + extra), first, step

    def make(self, rng, batch, queries, keys):
        """Inputs by name, as they are stored."""
        def known(shape, sizes):
            return tuple(size if size >= 0 else sizes[axis] for axis, size in enumerate(shape))
        feeds = {}
        for name, shape in self.shapes().items():
            rows = queries if name.startswith("q") else keys
            if name == "m":
                sizes = [{"b": batch, "h": self.heads, "s": queries, "t": keys, 1: 1}[size] for size in self.mask]
                feeds[name] = rng.standard_normal(sizes).astype(np.float32)
                feeds[name][rng.random(sizes) < 0.4] = rng.choice([-np.inf, LOWEST, -1e4])
                continue
            feeds[name] = rng.standard_normal(known(self.stored(shape)[0], (batch, 0, rows, 0))).astype(np.float32)
        if self.differential:
            feeds["l"] = np.float32(rng.uniform(0.2, 0.8))
        return feeds

    def text(self, index):
        """Operations that compute %yINDEX."""
        lines, types, names = [], {}, {}
        for name, shape in self.shapes().items():
            types[name] = "tensor<" + "".join(f"{'?' if size < 0 else size}x" for size in shape) + "f32>"
            names[name] = f"%{name}_{index}"
            stored, first, step = self.stored(shape)
            if stored == shape:
                continue
            source = "tensor<" + "".join(f"{'?' if size < 0 else size}x" for size in stored) + "f32>"
            sizes = []
            for axis, size in enumerate(shape):
                sizes.append(str(size))
                if size < 0:
                    lines.append(f"%{name}_{index}_{axis} = tensor.dim %{name}_{index}, %c{axis} : {source}")
                    sizes[-1] = f"%{name}_{index}_{axis}"
            names[name] += "_part"
            lines.append(f"{names[name]} = tensor.extract_slice %{name}_{index}[0, 0, 0, {first}] [{', '.join(sizes)}] "
                         f"[1, 1, 1, {step}] : {source} to {types[name]}")
        y = "tensor<" + "".join(f"{'?' if size < 0 else size}x" for size in self.result()) + "f32>"
        mask = f"mask {names['m']} " if self.mask else ""
        mask_type = f", {types['m']}" if self.mask else ""
        causal = " causal" if self.causal else ""
        if self.differential:
            lines.append(f"%y_{index} = hgf.differential_attention {names['q']}, {names['k']}, {names['q2']}, {names['k2']}, "
                         f"{names['v']} lambda {names['l']} {mask}scale 0.3{causal} : {types['q']}, {types['k']}, {types['v']}, "
                         f"{types['l']}{mask_type} -> {y}")
        else:
            lines.append(f"%y_{index} = hgf.attention {names['q']}, {names['k']}, {names['v']} {mask}scale 0.3{causal} : "
                         f"{types['q']}, {types['k']}, {types['v']}{mask_type} -> {y}")
        return "\n".join("  " + line for line in lines)

    def result(self):
        return self.batch, self.heads, self.queries, self.width

    def reference(self, feeds):
        parts = {}
        for name, shape in self.shapes().items():
            _, first, step = self.stored(shape)
            array = feeds[name].astype(np.float64)
            parts[name] = array[..., first:first + step * shape[-1]:step] if len(shape) == 4 and name != "m" else array

        def weights(query, key):
            scores = 0.3 * query @ np.repeat(key, self.heads // self.groups, 1).swapaxes(2, 3)
            if self.mask:
                with np.errstate(over="ignore"):  # as float32 does
                    scores = (scores + parts["m"]).astype(np.float32).astype(np.float64)
            rows, keys = scores.shape[2:]
            if self.causal:
                scores = np.where(np.arange(keys) <= np.arange(rows)[:, None] + keys - rows, scores, -np.inf)
            if not keys:
                return scores
            largest = scores.max(-1, keepdims=True)
            powers = np.exp(scores - np.where(np.isinf(largest), 0, largest))
            total = powers.sum(-1, keepdims=True)
            return np.where(total == 0, 0, powers / np.where(total == 0, 1, total))

        w = weights(parts["q"], parts["k"])
        if self.differential:
            w = w - parts["l"] * weights(parts["q2"], parts["k2"])
        return w @ np.repeat(parts["v"], self.heads // self.groups, 1)


def module(attentions):
    arguments, results, types = [], [], []
    for index, attention in enumerate(attentions):
        for name, shape in attention.shapes().items():
            stored = attention.stored(shape)[0] if name != "m" else shape
            arguments.append(argument(f"{name}_{index}", stored))
        results.append(result(f"y_{index}", attention.result()))
        types.append("tensor<" + "".join(f"{'?' if size < 0 else size}x" for size in attention.result()) + "f32>")
    constants = "\n".join(f"  %c{axis} = arith.constant {axis} : index" for axis in range(4))
    body = "\n".join(attention.text(index) for index, attention in enumerate(attentions))
    values = ", ".join(f"%y_{index}" for index in range(len(attentions)))
    return (f"func.func @main({', '.join(arguments)}) -> ({', '.join(results)}) {{\n{constants}\n{body}\n"
            f"  return {values} : {', '.join(types)}\n}}\n")


def load(factory, name, attentions):
    return GPU.load(GPU.compile(shared_source(factory, f"attention_{name}.mlir", module(attentions)), "--compile-from=gpu-packing"))


def check(model, attentions, sizes, seed=0):
    """Runs all attentions with one (batch, queries, keys) each."""
    rng = np.random.default_rng(zlib.crc32(repr((sizes, seed)).encode()))
    feeds, expected = {}, []
    for index, (attention, size) in enumerate(zip(attentions, sizes)):
        made = attention.make(rng, *size)
        feeds |= {f"{name}_{index}": array for name, array in made.items()}
        expected.append(attention.reference(made))
    got = model(feeds)
    for index, (attention, size) in enumerate(zip(attentions, sizes)):
        y = got[f"y_{index}"]
        assert y.shape == expected[index].shape
        np.testing.assert_allclose(y, expected[index], rtol=2e-5, atol=1e-5, err_msg=f"{attention} {size}")


FORMS = [
    Attention(2, 1, 64, 64, causal=True),
    Attention(4, 2, 128, 128, causal=True),
    Attention(8, 2, 80, 80),
    Attention(5, 1, 8, 8, causal=True, mask=("s", "t")),
    Attention(3, 3, 64, 80, mask=("b", 1, 1, "t")),
    Attention(6, 2, 8, 128, causal=True, mask=("b", "h", "s", "t")),
    Attention(1, 1, 256, 256, causal=True, mask=("t",)),
    Attention(2, 1, 5, 7, mask=("h", 1, "t")),
    Attention(4, 2, 64, 64, causal=True, differential=True),
    Attention(2, 2, 80, 128, mask=("s", "t"), differential=True),
    Attention(1, 1, 33, 3, causal=True, differential=True),
]
VIEWS = [Attention(4, 2, 64, 32, causal=True, view=view, mask=mask, differential=mask is None)
         for view in ("padded", "shifted", "every") for mask in (None, ("s", "t"))]

KNOWN = [Attention(4, 2, 64, 64, causal=True, batch=1, queries=1, keys=40),
         Attention(4, 4, 64, 64, batch=2, queries=3, keys=300, mask=("t",)),
         Attention(6, 2, 16, 16, causal=True, batch=1, queries=130, keys=150),
         Attention(2, 1, 128, 128, batch=1, queries=33, keys=31, differential=True)]


def random_sizes(count, queries, keys, seed):
    rng = np.random.default_rng(seed)
    return [(int(rng.integers(1, 3)), int(rng.integers(*queries)), int(rng.integers(*keys))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_few_queries(tmp_path_factory, seed):
    model = load(tmp_path_factory, "forms", FORMS)
    check(model, FORMS, random_sizes(len(FORMS), (1, 9), (1, 131), seed))
    model.close()


@pytest.mark.parametrize("seed", range(3))
def test_many_queries(tmp_path_factory, seed):
    model = load(tmp_path_factory, "forms", FORMS)
    check(model, FORMS, random_sizes(len(FORMS), (9, 71), (1, 131), seed))
    model.close()


@pytest.mark.parametrize("queries", [(1, 9), (9, 71)])
def test_views_are_read_where_they_are(tmp_path_factory, queries):
    model = load(tmp_path_factory, "views", VIEWS)
    check(model, VIEWS, random_sizes(len(VIEWS), queries, (1, 131), queries[0]))
    model.close()


def test_known_sizes(tmp_path_factory):
    model = load(tmp_path_factory, "known", KNOWN)
    check(model, KNOWN, [(attention.batch, attention.queries, attention.keys) for attention in KNOWN])
    model.close()


@pytest.mark.parametrize("queries", [1, 8, 9])
def test_no_key_and_no_batch(tmp_path_factory, queries):
    model = load(tmp_path_factory, "forms", FORMS)
    check(model, FORMS, [(1, queries, 0)] * len(FORMS))
    check(model, FORMS, [(0, queries, 3)] * len(FORMS))
    check(model, FORMS, [(2, queries, 1)] * len(FORMS))
    model.close()


CACHE = """module attributes {onnx.metadata = {hgf.max_context = "96"}} {
  func.func @main(%q: tensor<1x4x?x64xf32> {onnx.name = "q", onnx.dims = ["", "", "s", ""], onnx.dtype = 1 : i32},
      %k: tensor<1x2x?x64xf32> {onnx.name = "k", onnx.dims = ["", "", "s", ""], onnx.dtype = 1 : i32},
      %v: tensor<1x2x?x64xf32> {onnx.name = "v", onnx.dims = ["", "", "s", ""], onnx.dtype = 1 : i32},
      %past_k: tensor<1x2x?x64xf32> {onnx.name = "past_k", onnx.dims = ["", "", "t", ""], onnx.dtype = 1 : i32,
                                     hgf.state_axis = 2 : i32, hgf.state_result = 1 : i32},
      %past_v: tensor<1x2x?x64xf32> {onnx.name = "past_v", onnx.dims = ["", "", "t", ""], onnx.dtype = 1 : i32,
                                     hgf.state_axis = 2 : i32, hgf.state_result = 2 : i32})
      -> (tensor<1x4x?x64xf32> {onnx.name = "y", onnx.dtype = 1 : i32},
          tensor<1x2x?x64xf32> {onnx.name = "next_k", onnx.dtype = 1 : i32},
          tensor<1x2x?x64xf32> {onnx.name = "next_v", onnx.dtype = 1 : i32}) {
    %next_k = hgf.cache_append %past_k, %k axis 2 : tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32> -> tensor<1x2x?x64xf32>
    %next_v = hgf.cache_append %past_v, %v axis 2 : tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32> -> tensor<1x2x?x64xf32>
    %y = hgf.attention %q, %next_k, %next_v scale 0.3 causal
      : tensor<1x4x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32> -> tensor<1x4x?x64xf32>
    return %y, %next_k, %next_v : tensor<1x4x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>
  }
}
"""


def compile_cache(factory):
    return GPU.compile(shared_source(factory, "attention_cache.mlir", CACHE), "--compile-from=gpu-packing")


def test_cache(tmp_path_factory):
    """Keys and values lie in a session's cache, whose heads are further apart than they are long."""
    model = GPU.load(compile_cache(tmp_path_factory))
    rng = np.random.default_rng(4)
    keys, values = np.zeros((2, 1, 2, 0, 64), np.float32)
    for tokens in (20, 1, 1, 3, 1, 40, 1, 1, 1, 7, 1):
        q, k, v = (rng.standard_normal((1, heads, tokens, 64)).astype(np.float32) for heads in (4, 2, 2))
        keys, values = np.concatenate([keys, k], 2), np.concatenate([values, v], 2)
        got = model({"q": q, "k": k, "v": v})
        expected = Attention(4, 2, 64, 64, causal=True).reference({"q": q, "k": keys, "v": values})
        np.testing.assert_allclose(got["y"], expected, rtol=2e-5, atol=1e-5, err_msg=f"{keys.shape[2]} keys")
        np.testing.assert_array_equal(got["next_k"], keys)
    model.close()


def test_one_graph_serves_every_length(tmp_path_factory):
    trace = tmp_path_factory.mktemp("graphs") / "trace"
    program = """import sys
import numpy as np
from machines import GPU
model = GPU.load(sys.argv[1])
for _ in range(12):
    model({name: np.ones((1, heads, 1, 64), np.float32) for name, heads in (("q", 4), ("k", 2), ("v", 2))})
model.close()
"""
    model = compile_cache(tmp_path_factory)
    subprocess.run([sys.executable, "-c", program, str(model)], check=True, cwd=pathlib.Path(__file__).parent,
                   env={**os.environ, "HGF_GPUSIM_TRACE": str(trace)})
    calls = trace.read_text().split()
    assert calls.count("cuGraphInstantiateWithFlags") == 1
    assert calls.count("cuGraphLaunch") >= 9


@pytest.mark.parametrize("chip", ["sm_80", "sm_90"])
def test_nothing_is_spilled(tmp_path_factory, chip):
    source = shared_source(tmp_path_factory, "attention_forms.mlir", module(FORMS))
    run = subprocess.run([harness.HGF_COMPILE, source, "-o", source.with_suffix(f".{chip}.so"), "--emit=shared", f"--gpu={chip}",
                          "--compile-from=gpu-packing", "--report=json"], check=True, capture_output=True, text=True)
    kernels = json.loads(run.stdout)["gpu"][0]["kernels"]
    assert len(kernels) == 3 * len(FORMS)
    assert [kernel for kernel in kernels if kernel["spill_bytes"] or kernel["registers"] > 224] == []
