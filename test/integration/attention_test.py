"""Attention and layer norms, written out and as ONNX's own operator, against ONNX Runtime or NumPy."""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402

RNG = np.random.default_rng(11)
SIZES = [(1, 1, 7), (1, 7, 7), (2, 1, 9), (2, 7, 9)]
HEADS, DEPTH = 4, 8
DIMS = {"q": ["b", HEADS, "s", DEPTH], "k": ["b", HEADS, "t", DEPTH], "v": ["b", HEADS, "t", DEPTH], "m": ["s", "t"]}


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs, [output], name=f"/{output}", **attributes)


def check(tmp_path, nodes, feeds, dims, constants=(), shape=("b", HEADS, "s", DEPTH)):
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), dims[name])
              for name, array in feeds.items()]
    graph = helper.make_graph(nodes, "graph", inputs,
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, list(shape))],
                              [numpy_helper.from_array(value, name) for name, value in dict(constants).items()])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 23)])
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    expected = onnxruntime.InferenceSession(path).run(None, feeds)[0]
    got = harness.Model(harness.compile_file(path, tmp_path / "model.so"))(feeds)["y"]
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-5)


def tensors(batch, rows, keys, groups=HEADS):
    return {"q": floats(batch, HEADS, rows, DEPTH), "k": floats(batch, groups, keys, DEPTH),
            "v": floats(batch, groups, keys, DEPTH)}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("scale", ["none", "multiplied", "divided", "folded"])
@pytest.mark.parametrize("mask", ["none", "added", "chosen"])
def test_written_out(tmp_path, sizes, scale, mask):
    batch, rows, keys = sizes
    feeds = tensors(*sizes)
    constants = {"c": np.float32(0.35), "d": np.float32(2.8), "r": np.float32(0.6),
                 "low": np.float32(np.finfo(np.float32).min)}
    nodes = [node("Transpose", ["k"], "t", perm=[0, 1, 3, 2])]
    query, key, scores = "q", "t", "s"
    if scale == "folded":
        nodes += [node("Mul", ["q", "r"], "qr"), node("Mul", ["t", "r"], "tr")]
        query, key = "qr", "tr"
    nodes.append(node("MatMul", [query, key], "s"))
    if scale in ("multiplied", "divided"):
        nodes.append(node(*(("Mul", ["c", "s"]) if scale == "multiplied" else ("Div", ["s", "d"])), "z"))
        scores = "z"
    if mask != "none":
        visible = RNG.random((rows, keys)) < 0.6
        visible[:, 0] = True
        if mask == "added":
            feeds["m"] = np.where(visible, floats(rows, keys), -np.inf).astype(np.float32)
            nodes.append(node("Add", [scores, "m"], "a"))
        else:
            feeds["m"] = visible
            nodes.append(node("Where", ["m", scores, "low"], "a"))
        scores = "a"
    nodes += [node("Softmax", [scores], "p", axis=-1), node("MatMul", ["p", "v"], "y")]
    check(tmp_path, nodes, feeds, DIMS, constants)


def test_written_out_with_broadcast_batch_and_mask(tmp_path):
    """What hgf.attention cannot say is computed as it is written."""
    feeds = {"q": floats(2, 4, 3, 8), "k": floats(1, 1, 5, 8), "v": floats(2, 1, 5, 8), "m": floats(2, 1, 1, 5)}
    dims = {"q": ["b", 4, "s", 8], "k": [1, 1, "t", 8], "v": ["b", 1, "t", 8], "m": ["n", 1, 1, "u"]}
    nodes = [node("Transpose", ["k"], "t", perm=[0, 1, 3, 2]), node("MatMul", ["q", "t"], "s"),
             node("Add", ["s", "m"], "a"), node("Softmax", ["a"], "p", axis=-1), node("MatMul", ["p", "v"], "y")]
    check(tmp_path, nodes, feeds, dims)


def reference(feeds, groups, visible, added):
    """In float64: ONNX Runtime has no kernel for every form."""
    q, k, v = (feeds[name].astype(np.float64) for name in "qkv")
    k, v = (np.repeat(x, HEADS // groups, 1) for x in (k, v))
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(DEPTH) + added
    scores = np.where(visible, scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("groups", [HEADS, 2, 1])
@pytest.mark.parametrize("form", ["plain", "causal", "additive", "boolean"])
def test_operator(tmp_path, sizes, groups, form):
    batch, rows, keys = sizes
    feeds = tensors(*sizes, groups)
    visible, added = np.ones((rows, keys), bool), np.float64(0)
    if form == "causal":
        visible = np.arange(keys)[None] <= np.arange(rows)[:, None]
    elif form == "additive":
        feeds["m"] = floats(rows, keys)
        added = feeds["m"]
    elif form == "boolean":
        visible = RNG.random((rows, keys)) < 0.6
        visible[:, 0] = True
        feeds["m"] = visible
    inputs = ["q", "k", "v"] + (["m"] if "m" in feeds else [])
    dims = {**DIMS, "k": ["b", groups, "t", DEPTH], "v": ["b", groups, "t", DEPTH]}
    graph = helper.make_graph(
        [node("Attention", inputs, "y", is_causal=int(form == "causal"))], "graph",
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), dims[name])
         for name, array in feeds.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, DIMS["q"])])
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 23)]), tmp_path / "m.onnx")
    got = harness.Model(harness.compile_file(tmp_path / "m.onnx", tmp_path / "m.so"))(feeds)["y"]
    np.testing.assert_allclose(got, reference(feeds, groups, visible, added), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("shift", [True, False])
def test_layer_norm_written_out(tmp_path, shift):
    """Its parts reach LayerNormalization's lowering."""
    constants = {"axes": np.int64([-1]), "two": np.float32(2), "e": np.float32(1e-5), "w": floats(DEPTH),
                 "b": floats(DEPTH)}
    nodes = [node("ReduceMean", ["q", "axes"], "mean"), node("Sub", ["q", "mean"], "c"),
             node("Pow", ["c", "two"], "square"), node("ReduceMean", ["square", "axes"], "variance"),
             node("Add", ["variance", "e"], "bounded"), node("Sqrt", ["bounded"], "root"),
             node("Div", ["c", "root"], "n"), node("Mul", ["n", "w"], "scaled" if shift else "y")]
    if shift:
        nodes.append(node("Add", ["scaled", "b"], "y"))
    check(tmp_path, nodes, {"q": floats(2, HEADS, 3, DEPTH) * 5 + 3}, DIMS, constants)
