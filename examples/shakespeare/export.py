#!/usr/bin/env python3
"""Writes model.onnx from parameters that train.py saved, with NumPy and `onnx` alone.

  python3 export.py hgf.npz -o model.onnx
  python3 export.py --random -o model.onnx      same structure, untrained
"""
import argparse
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import hgf_onnx  # noqa: E402

HISTORY = 3  # embeddings of this many last bytes are summed
VOCABULARY = 256
MAXIMUM_CONTEXT = 1024
PROJECTIONS = {"query": "attention", "key": "attention", "value": "attention", "output": "attention",
               "gate": "feed_forward", "up": "feed_forward", "down": "feed_forward"}


def random_parameters(layers=4, width=256, heads=4, feed_forward=704, rank=4, seed=0):
    """Parameters as train.py saves them, untrained."""
    random = numpy.random.default_rng(seed)
    normal = lambda *shape: random.normal(size=shape).astype(numpy.float32)
    p = {"embedding": normal(HISTORY, VOCABULARY, width), "final_norm.weight": numpy.ones(width, numpy.float32)}
    p["head"] = normal(VOCABULARY, width) * width**-0.5
    for i in range(layers):
        for norm in ("attention_norm", "output_norm", "feed_forward_norm", "down_norm"):
            p[f"blocks.{i}.{norm}.weight"] = numpy.ones(feed_forward if norm == "down_norm" else width, numpy.float32)
        for name, part in PROJECTIONS.items():
            outputs = feed_forward if name in ("gate", "up") else width
            inputs = feed_forward if name == "down" else width
            p[f"blocks.{i}.{name}.weight"] = normal(outputs, inputs) * inputs**-0.5
            p[f"blocks.{i}.{name}.correction_a"] = normal(rank, inputs) * inputs**-0.5
            p[f"blocks.{i}.{name}.correction_b"] = normal(outputs, rank) * 0.02
            p[f"blocks.{i}.{name}.gate"] = numpy.float32(0.5)
    return p | {"options.heads": heads, "options.layers": layers, "options.rotary_base": 10000.0, "options.epsilon": 1e-5}


class Exporter(hgf_onnx.Builder):
    def __init__(self, parameters):
        super().__init__()
        self.p = parameters
        self.layers, self.heads = int(parameters["options.layers"]), int(parameters["options.heads"])
        self.epsilon = float(parameters["options.epsilon"])
        self.width = parameters["head"].shape[1]
        self.head_width = self.width // self.heads

    def linear(self, x, layer, name):
        source, target = f"blocks.{layer}.{name}.", f"layers.{layer}.{PROJECTIONS[name]}.{name}."
        codes, scale = hgf_onnx.quantize_absmean(self.p[source + "weight"])
        self.initializers.append(hgf_onnx.int2_tensor(target + "weight", codes))
        inputs = [x, target + "weight", self.tensor(target + "scale", scale)]
        for part in ("correction_a", "correction_b"):
            inputs.append(self.tensor(target + part, self.p[source + part].astype(numpy.float16)))
        inputs.append(self.tensor(target + "gate", self.p[source + "gate"].astype(numpy.float32)))
        return self.node("Linear", inputs, name=target[:-1], domain="hgf")

    def norm(self, x, source, name):
        weight = self.tensor(name + ".weight", self.p[source + ".weight"].astype(numpy.float32))
        return self.node("RMSNormalization", [x, weight], name=name, axis=-1, epsilon=self.epsilon)

    def embed(self):
        ids = self.node("Concat", ["past_ids", "input_ids"], name="history", axis=1)
        one = self.tensor("axis_1", numpy.array([1]))
        x = None
        for k in range(HISTORY):
            table = self.tensor(f"embedding.{k}", self.p["embedding"][k].astype(numpy.float16))
            begin = self.tensor(f"embedding.{k}.begin", numpy.array([HISTORY - 1 - k]))
            end = self.tensor(f"embedding.{k}.end", numpy.array([-k if k else numpy.iinfo(numpy.int64).max]))
            part = self.node("Slice", [ids, begin, end, one], name=f"embedding.{k}.ids")
            value = self.node("Cast", [self.node("Gather", [table, part], name=f"embedding.{k}.gather")], to=TensorProto.FLOAT)
            x = value if x is None else self.node("Add", [x, value], name=f"embedding.sum.{k}")
        begin, end = self.tensor("present_ids.begin", numpy.array([1 - HISTORY])), self.tensor("present_ids.end", numpy.array([2**62]))
        self.node("Slice", [ids, begin, end, one], output="present_ids", name="present_ids")
        return x

    def positions(self):
        """cos and sin of the rotary angles [sequence, head_width/2] and which keys a query may see [sequence, total]."""
        zero, step = self.tensor("zero", numpy.int64(0)), self.tensor("one", numpy.int64(1))
        past = self.node("Gather", [self.node("Shape", ["past_key.0"]), self.tensor("past_axis", numpy.int64(2))], name="past_length")
        length = self.node("Gather", [self.node("Shape", ["input_ids"]), step], name="sequence_length")
        total = self.node("Add", [past, length], name="total_length")
        queries = self.node("Unsqueeze", [self.node("Range", [past, total, step]), "axis_1"], name="query_positions")
        keys = self.node("Unsqueeze", [self.node("Range", [zero, total, step]), self.tensor("axis_0", numpy.array([0]))], name="key_positions")
        visible = self.node("LessOrEqual", [keys, queries], name="causal_mask")
        power = -numpy.arange(0, self.head_width, 2, dtype=numpy.float32) / self.head_width
        frequency = self.tensor("rotary.frequency", (float(self.p["options.rotary_base"]) ** power.astype(numpy.float64)).astype(numpy.float32))
        angle = self.node("Mul", [self.node("Cast", [queries], to=TensorProto.FLOAT), frequency], name="rotary.angle")
        return self.node("Cos", [angle], name="rotary.cos"), self.node("Sin", [angle], name="rotary.sin"), visible

    def split_heads(self, x, name):
        return self.node("Transpose", [self.node("Reshape", [x, "split_heads"], name=name + ".split")], name=name + ".heads", perm=[0, 2, 1, 3])

    def rotate(self, x, cosine, sine, name):
        low, high = self.node("Split", [x], outputs=2, name=name + ".halves", axis=-1, num_outputs=2)
        product = lambda a, b: self.node("Mul", [a, b])
        rotated = [self.node("Sub", [product(low, cosine), product(high, sine)]), self.node("Add", [product(high, cosine), product(low, sine)])]
        return self.node("Concat", rotated, name=name + ".rotary", axis=-1)

    def attention(self, x, layer, cosine, sine, visible):
        name, source = f"layers.{layer}.attention", f"blocks.{layer}."
        n = self.norm(x, source + "attention_norm", name + ".norm")
        q, k, v = (self.split_heads(self.linear(n, layer, part), f"{name}.{part}") for part in ("query", "key", "value"))
        q, k = self.rotate(q, cosine, sine, name + ".query"), self.rotate(k, cosine, sine, name + ".key")
        k = self.node("Concat", [f"past_key.{layer}", k], output=f"present_key.{layer}", name=name + ".key.cache", axis=2)
        v = self.node("Concat", [f"past_value.{layer}", v], output=f"present_value.{layer}", name=name + ".value.cache", axis=2)
        scores = self.node("MatMul", [q, self.node("Transpose", [k], perm=[0, 1, 3, 2])], name=name + ".scores")
        scores = self.node("Mul", [scores, "attention.scale"], name=name + ".scaled")
        scores = self.node("Where", [visible, scores, "attention.masked"], name=name + ".masked")
        mixed = self.node("MatMul", [self.node("Softmax", [scores], name=name + ".softmax", axis=-1), v], name=name + ".mixed")
        merged = self.node("Reshape", [self.node("Transpose", [mixed], perm=[0, 2, 1, 3]), "merge_heads"], name=name + ".merged")
        output = self.linear(self.norm(merged, source + "output_norm", name + ".output_norm"), layer, "output")
        return self.node("Add", [x, output], name=name + ".residual")

    def feed_forward(self, x, layer):
        name, source = f"layers.{layer}.feed_forward", f"blocks.{layer}."
        n = self.norm(x, source + "feed_forward_norm", name + ".norm")
        gate, up = self.linear(n, layer, "gate"), self.linear(n, layer, "up")
        active = self.node("Mul", [gate, self.node("Sigmoid", [gate], name=name + ".sigmoid")], name=name + ".silu")
        product = self.node("Mul", [active, up], name=name + ".product")
        down = self.linear(self.norm(product, source + "down_norm", name + ".down_norm"), layer, "down")
        return self.node("Add", [x, down], name=name + ".residual")

    def model(self):
        x = self.embed()
        cosine, sine, visible = self.positions()
        self.tensor("split_heads", numpy.array([1, -1, self.heads, self.head_width]))
        self.tensor("merge_heads", numpy.array([1, -1, self.width]))
        self.tensor("attention.scale", numpy.float32(self.head_width**-0.5))
        self.tensor("attention.masked", numpy.finfo(numpy.float32).min)
        for layer in range(self.layers):
            x = self.attention(x, layer, cosine, sine, visible)
            x = self.feed_forward(x, layer)
        x = self.norm(x, "final_norm", "final_norm")
        head = self.tensor("head.weight", numpy.ascontiguousarray(self.p["head"].T).astype(numpy.float16))
        self.node("MatMul", [x, self.node("Cast", [head], name="head.cast", to=TensorProto.FLOAT)], output="logits", name="head")

        caches = [f"{part}.{layer}" for layer in range(self.layers) for part in ("key", "value")]
        cache = lambda prefix, length: [(f"{prefix}_{c}", TensorProto.FLOAT, [1, self.heads, length, self.head_width]) for c in caches]
        inputs = [("input_ids", TensorProto.INT64, [1, "sequence"]), ("past_ids", TensorProto.INT64, [1, HISTORY - 1])] + cache("past", "past")
        outputs = [("logits", TensorProto.FLOAT, [1, "sequence", VOCABULARY]), ("present_ids", TensorProto.INT64, [1, HISTORY - 1])]
        metadata = {
            "hgf.task": "text-generation",
            "hgf.vocabulary": "bytes",
            "hgf.prompt_input": "input_ids",
            "hgf.logits_output": "logits",
            "hgf.state": ",".join(["past_ids=present_ids"] + [f"past_{c}=present_{c}" for c in caches]),
            "hgf.max_context": str(MAXIMUM_CONTEXT),
        }
        function = hgf_onnx.Linear(correction=True, gate_kind="tanh").function()
        return hgf_onnx.make_model(self, "shakespeare", inputs, outputs + cache("present", "total"), [function], metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parameters", nargs="?", help="hgf.npz of train.py")
    parser.add_argument("--random", action="store_true", help="untrained parameters")
    parser.add_argument("-o", "--output", default="model.onnx")
    options = parser.parse_args()
    if options.random == bool(options.parameters):
        parser.error("expected either a file of parameters or --random")
    parameters = random_parameters() if options.random else dict(numpy.load(options.parameters))
    onnx.save(Exporter(parameters).model(), options.output)


if __name__ == "__main__":
    main()
