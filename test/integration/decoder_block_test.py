"""A decoder block as exporters write it, with symbolic batch and sequence, against ONNX Runtime at several sizes.

Everything that depends on a shape is computed in the graph: views of heads, positions from the length of the cache, the
causal mask. One compiled library serves every size."""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402

WIDTH, HEADS, KEY_HEADS, HEAD, HIDDEN, VOCABULARY = 32, 4, 2, 8, 48, 29
# (batch, new tokens, cached tokens): prefill, decode, both, odd sizes.
SIZES = [(1, 1, 0), (1, 7, 0), (2, 5, 3), (1, 1, 9), (3, 4, 1)]


class Graph:
    """Collects nodes; every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.initializers, self.random = [], [], np.random.default_rng(7)

    def __call__(self, operator, *inputs, outputs=1, **attributes):
        names = [f"{operator.lower()}_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, f"/{names[0]}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, array):
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def integers(self, *values):
        return self.constant(np.array(values, np.int64))

    def weight(self, *shape):
        return self.constant((self.random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32))

    def dimension(self, value, axis):
        """A dimension as the old exporter asks for it: Shape, Gather, Unsqueeze."""
        scalar = self("Gather", self("Shape", value), self.constant(np.int64(axis)), axis=0)
        return self("Unsqueeze", scalar, self.integers(0))

    def rms_norm(self, x):
        mean = self("ReduceMean", self("Pow", x, self.constant(np.float32(2))), self.integers(-1), keepdims=1)
        root = self("Sqrt", self("Add", mean, self.constant(np.float32(1e-6))))
        return self("Mul", self("Mul", x, self("Reciprocal", root)), self.weight(WIDTH))

    def split_heads(self, x, heads):
        shape = self("Concat", self.dimension(x, 0), self.dimension(x, 1), self.integers(heads), self.integers(HEAD), axis=0)
        return self("Transpose", self("Reshape", x, shape), perm=[0, 2, 1, 3])

    def rotate(self, x, cosine, sine):
        first = self("Slice", x, self.integers(0), self.integers(HEAD // 2), self.integers(3), self.integers(1))
        second = self("Slice", x, self.integers(HEAD // 2), self.integers(2**63 - 1), self.integers(3), self.integers(1))
        swapped = self("Concat", self("Neg", second), first, axis=-1)
        return self("Add", self("Mul", x, cosine), self("Mul", swapped, sine))

    def repeat(self, x):
        """Key heads to query heads, as repeat_kv does."""
        wide = self("Unsqueeze", x, self.integers(2))
        shape = self("Concat", self.dimension(x, 0), self.integers(KEY_HEADS), self.integers(HEADS // KEY_HEADS),
                     self.dimension(x, 2), self.integers(HEAD), axis=0)
        copies = self("Expand", wide, shape)
        flat = self("Concat", self.dimension(x, 0), self.integers(HEADS), self.dimension(x, 2), self.integers(HEAD), axis=0)
        return self("Reshape", copies, flat)


def make_model():
    g = Graph()
    x = g("Gather", g.weight(VOCABULARY, WIDTH), "tokens", axis=0)
    past = g("Squeeze", g.dimension("past_key", 2), g.integers(0))
    new = g("Squeeze", g.dimension("tokens", 1), g.integers(0))
    total = g("Add", past, new)
    zero, one = g.constant(np.int64(0)), g.constant(np.int64(1))
    positions = g("Range", past, total, one)
    # Rotary tables from the positions.
    inverse = g.constant((1.0 / 10000 ** (np.arange(0, HEAD, 2) / HEAD)).astype(np.float32))
    angles = g("Mul", g("Unsqueeze", g("Cast", positions, to=TensorProto.FLOAT), g.integers(1)), inverse)
    both = g("Unsqueeze", g("Concat", angles, angles, axis=-1), g.integers(0, 1))
    cosine, sine = g("Cos", both), g("Sin", both)
    # Causal mask: key j is hidden from query i where j > past + i; and padding.
    columns = g("Unsqueeze", g("Range", zero, total, one), g.integers(0))
    hidden = g("Greater", columns, g("Unsqueeze", positions, g.integers(1)))
    mask = g("Where", hidden, g.constant(np.float32(-3.4e38)), g.constant(np.float32(0)))
    padding = g("Equal", "attention_mask", g.constant(np.int64(0)))
    padding = g("Unsqueeze", padding, g.integers(1, 2))
    mask = g("Where", padding, g.constant(np.float32(-3.4e38)), g("Unsqueeze", mask, g.integers(0, 1)))

    h = g.rms_norm(x)
    query = g.rotate(g.split_heads(g("MatMul", h, g.weight(WIDTH, HEADS * HEAD)), HEADS), cosine, sine)
    key = g.rotate(g.split_heads(g("MatMul", h, g.weight(WIDTH, KEY_HEADS * HEAD)), KEY_HEADS), cosine, sine)
    value = g.split_heads(g("MatMul", h, g.weight(WIDTH, KEY_HEADS * HEAD)), KEY_HEADS)
    key, value = g("Concat", "past_key", key, axis=2), g("Concat", "past_value", value, axis=2)
    scores = g("MatMul", query, g("Transpose", g.repeat(key), perm=[0, 1, 3, 2]))
    # sqrt(head size) computed from the shape, as torch.onnx does for attention.
    size = g("Cast", g("Slice", g("Shape", query), g.integers(-1), g.integers(2**63 - 1)), to=TensorProto.FLOAT)
    weights = g("Softmax", g("Add", g("Div", scores, g("Sqrt", size)), mask), axis=-1)
    joined = g("Transpose", g("MatMul", weights, g.repeat(value)), perm=[0, 2, 1, 3])
    shape = g("Concat", g.dimension(joined, 0), g.dimension(joined, 1), g.integers(-1), axis=0)
    x = g("Add", x, g("MatMul", g("Reshape", joined, shape), g.weight(HEADS * HEAD, WIDTH)))
    h = g.rms_norm(x)
    gate, up = g("Split", g("MatMul", h, g.weight(WIDTH, 2 * HIDDEN)), outputs=2, axis=-1, num_outputs=2)
    x = g("Add", x, g("MatMul", g("Mul", g("Mul", gate, g("Sigmoid", gate)), up), g.weight(HIDDEN, WIDTH)))
    logits = g("MatMul", g.rms_norm(x), g.weight(WIDTH, VOCABULARY))

    cache = ["batch", KEY_HEADS, "past_length", HEAD]
    inputs = [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["batch", "length"]),
              helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "past_length + length"]),
              helper.make_tensor_value_info("past_key", TensorProto.FLOAT, cache),
              helper.make_tensor_value_info("past_value", TensorProto.FLOAT, cache)]
    # Shapes of outputs are left open: the compiler finds them.
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank)
               for name, rank in [(logits, 3), (key, 4), (value, 4)]]
    graph = helper.make_graph(g.nodes, "block", inputs, outputs, g.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


@pytest.fixture(scope="module")
def block(tmp_path_factory):
    folder = tmp_path_factory.mktemp("block")
    model = make_model()
    onnx.save(model, folder / "model.onnx")
    library = harness.compile_file(folder / "model.onnx", folder / "model.so")
    return onnxruntime.InferenceSession(model.SerializeToString()), library


def make_feeds(batch, length, past):
    random = np.random.default_rng(batch * 100 + length * 10 + past)
    mask = np.ones((batch, past + length), np.int64)
    # Left padding of the second sequence.
    if batch > 1:
        mask[1, 0] = 0
    cache = (batch, KEY_HEADS, past, HEAD)
    return {"tokens": random.integers(0, VOCABULARY, (batch, length)), "attention_mask": mask,
            "past_key": random.standard_normal(cache).astype(np.float32),
            "past_value": random.standard_normal(cache).astype(np.float32)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("threads", [1, 2])
def test_agrees_with_onnx_runtime(block, size, threads):
    session, library = block
    feeds = make_feeds(*size)
    expected = session.run(None, feeds)
    got = list(harness.Model(library, threads)(feeds).values())
    for ours, theirs in zip(got, expected):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_refuses_a_mask_of_another_length(block):
    feeds = make_feeds(1, 2, 3)
    feeds["attention_mask"] = np.ones((1, 4), np.int64)
    with pytest.raises(RuntimeError):
        harness.Model(block[1])(feeds)


def test_survives_a_token_outside_the_vocabulary(block):
    feeds = make_feeds(1, 2, 0)
    feeds["tokens"] = np.array([[VOCABULARY + 1000, -VOCABULARY - 1000]])
    logits = list(harness.Model(block[1])(feeds).values())[0]
    assert np.isfinite(logits).all()
