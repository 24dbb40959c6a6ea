"""Layers with random parameters in every form, as MLIR and as NumPy computes them: what the tests of kernels compile."""

import dataclasses
import itertools
import zlib

import numpy as np

from harness import argument, result

PACKING = "--compile-from=packing"
ORDERS = ["reciprocal", "division", "reciprocal_product"]
EPSILON = 2.0 ** -17


def sigmoid(x):
    return (1 + np.tanh(np.asarray(x) / 2)) / 2


ACTIVATIONS = {
    "identity": lambda x: x, "silu": lambda x: x * sigmoid(x), "relu": lambda x: np.maximum(x, 0),
    "relu_squared": lambda x: np.maximum(x, 0) ** 2, "tanh": np.tanh, "sigmoid": sigmoid,
    "gelu_tanh": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))) / 2,
}


def elements(array, kind):
    """An elements attribute; bf16 arrays come as float32."""
    array = np.asarray(array)
    shape = "".join(f"{size}x" for size in array.shape)
    if kind == "bf16":
        raw = (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    else:
        raw = array.astype({"f16": np.float16, "f32": np.float32, "i8": np.int8}[kind])
    return f'dense<"0x{raw.tobytes().hex().upper()}"> : tensor<{shape}{kind}>'


# The integer weights of codes 0 to 3.
LEVELS = {"ternary": [-1, 0, 1], "odd": [-3, -1, 1, 3], "signed": [-2, -1, 0, 1]}


def codes_attribute(weights, levels="ternary"):
    flat = np.searchsorted(LEVELS[levels], weights).astype(np.uint8).reshape(-1)
    flat = np.pad(flat, (0, -len(flat) % 4)).reshape(-1, 4)
    packed = flat[:, 0] | flat[:, 1] << 2 | flat[:, 2] << 4 | flat[:, 3] << 6
    return f'dense<"0x{packed.tobytes().hex().upper()}"> : tensor<{len(packed)}xi8>'


@dataclasses.dataclass
class Layer:
    """One hgf.linear with random parameters."""

    rows: int
    columns: int
    scale: str = "row"  # tensor, row, or the size of a group
    order: str = "reciprocal"
    rank: int = 0
    factor: str = "f16"
    phi: str = "silu"
    read: str = "original"
    gate: str = "open"  # open, scalar, row, sigmoid_input, sigmoid_output
    bias: bool = False
    activation: str = "identity"
    residual: bool = False
    segments: tuple = ()
    ranks: tuple = ()
    levels: str = "ternary"
    norm: bool = False
    threshold: float = 0  # dynamic gates below it are closed

    def __post_init__(self):
        rng = np.random.default_rng(zlib.crc32(repr(self).encode()))
        n, k, r = self.rows, self.columns, self.rank
        self.ternary = rng.choice(LEVELS[self.levels], (n, k)).astype(np.int8)
        self.grouped = self.scale.isdigit()
        self.group = int(self.scale) if self.grouped else 0
        shape = (n, -(-k // self.group)) if self.grouped else (n if self.scale == "row" else 1,)
        self.scales = rng.uniform(0.25, 2, shape).astype(np.float32)
        self.parameters = []
        kind = self.factor
        a, b = (rng.standard_normal(s) / np.sqrt(s[-1] + 1) for s in [(r, k), (n, r)])
        if kind == "i8":
            a, b = (rng.integers(-128, 128, x.shape) for x in (a, b))
            self.a_scale, self.b_scale = rng.uniform(1e-3, 2e-3, (2, r)).astype(np.float32)
        elif kind == "bf16":
            a, b = ((x.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32) for x in (a, b))
        else:
            a, b = (x.astype({"f16": np.float16, "f32": np.float32}[kind]) for x in (a, b))
        if kind == "f16" and a.size:
            a[0, 0] = 6e-8  # a subnormal
        self.a, self.b = a, b
        self.alpha = np.tanh(rng.standard_normal(n if self.gate == "row" else ())).astype(np.float32)
        width = k if self.gate == "sigmoid_input" else n
        self.gate_weight = (rng.standard_normal(width) / np.sqrt(width) / (1 if width == k else 30)).astype(np.float32)
        self.gate_bias = np.float32(rng.standard_normal())
        self.biases = rng.standard_normal(n).astype(np.float32)
        self.norm_weight = rng.uniform(0.5, 2, k).astype(np.float32)

    @property
    def type(self):
        granularity = f"group, group = {self.group}" if self.grouped else self.scale
        levels = "" if self.levels == "ternary" else f" of {self.levels}"
        return f"!hgf.ternary<{self.rows} by {self.columns}{levels}, scale = {granularity}>"

    def text(self, index, tokens):
        """Operations that compute %yINDEX from %xINDEX (and %rINDEX)."""
        m, n, k = "?" if tokens < 0 else tokens, self.rows, self.columns
        lines, parts = [], []
        def constant(name, array, kind="f32"):
            lines.append(f"%{name}{index} = arith.constant {elements(array, kind)}")
            return f"%{name}{index}", "tensor<" + "".join(f"{size}x" for size in np.shape(array)) + kind + ">"
        def part(word, *values):
            names, types = zip(*values)
            parts.append(f"{word}({', '.join(names)} : {', '.join(types)})")
        lines.append(f"%w{index} = hgf.ternary_constant {codes_attribute(self.ternary, self.levels)}, "
                     f"{elements(self.scales.reshape(-1), 'f32')} -> {self.type}")
        if self.rank:
            b = self.b if not self.segments else self.segmented_b()
            part("correction", constant("a", self.a, self.factor), constant("b", b, self.factor))
            if self.factor == "i8":
                part("factor_scales", constant("as", self.a_scale), constant("bs", self.b_scale))
        if self.gate in ("scalar", "row"):
            part("gate", constant("alpha", self.alpha))
        elif self.gate != "open":
            part("dynamic_gate", constant("gw", self.gate_weight), constant("gb", self.gate_bias))
        if self.bias:
            part("bias", constant("bias", self.biases))
        if self.norm:
            part("norm", constant("norm", self.norm_weight))
        if self.residual:
            parts.append(f"residual(%r{index} : tensor<{m}x{n}xf32>)")
        size = "()"
        if tokens < 0:
            lines.append(f"%m{index} = tensor.dim %x{index}, %zero : tensor<?x{k}xf32>")
            size = f"(%m{index})"
        lines.append(f"%init{index} = tensor.empty{size} : tensor<{m}x{n}xf32>")
        gate = {"scalar": "static", "row": "static"}.get(self.gate, self.gate)
        extra = ""
        if self.segments:
            extra = f"{{segments = array<i64: {', '.join(map(str, self.segments))}>, segment_ranks = array<i64: {', '.join(map(str, self.ranks))}>}}"
        lines.append(
            f"%y{index} = hgf.linear ins(%x{index} : tensor<{m}x{k}xf32>) weight(%w{index} : {self.type}) {' '.join(parts)} "
            f"outs(%init{index} : tensor<{m}x{n}xf32>) quantization {self.order} correction_activation {self.phi} "
            f"correction_input {self.read} gate_kind {gate} activation {self.activation} norm_epsilon {float(self.norm) * EPSILON} "
            f"gate_threshold {float(self.threshold)} {extra} -> tensor<{m}x{n}xf32>")
        return "\n".join("  " + line for line in lines)

    def blocks(self):
        """(rows, ranks) of each merged layer."""
        rows, ranks = np.cumsum((0, *self.segments)), np.cumsum((0, *self.ranks))
        return [(slice(rows[i], rows[i + 1]), slice(ranks[i], ranks[i + 1])) for i in range(len(self.segments))]

    def segmented_b(self):
        return np.concatenate([self.b[block].reshape(-1) for block in self.blocks()])

    def reference(self, x, residual):
        """In float64; the second result is the exact float32 value where only the backbone is there."""
        if self.norm:  # float32 all along, because codes hang on the last bit
            mean = (x * x).sum(-1, keepdims=True) / np.float32(self.columns)
            x = x * (np.float32(1) / np.sqrt(mean + np.float32(EPSILON))) * self.norm_weight
        weight = self.ternary.astype(np.float64)
        spread = np.repeat(self.scales, self.group, 1)[:, :self.columns] if self.grouped else self.scales.reshape(-1, 1)
        exact = None
        if self.order == "none":
            quantized = x.astype(np.float64)
            t = quantized @ (weight * spread).T
        else:
            c = np.float32(127)
            a = np.maximum(np.abs(x).max(-1, keepdims=True), np.float32(1e-5))
            scaled = {"reciprocal": lambda: x * (c / a), "division": lambda: x / (a / c),
                      "reciprocal_product": lambda: x * ((np.float32(1) / a) * c)}[self.order]()
            q = np.clip(np.rint(scaled), -128, 127)
            step = (a / c).astype(np.float32)
            quantized = q * step.astype(np.float64)
            if self.grouped:
                t = (q.astype(np.float64) @ (weight * spread).T) * step
            else:
                dots = q.astype(np.float64) @ weight.T
                exact = dots.astype(np.float32) * (spread.reshape(1, -1) * step)
                t = dots * spread.reshape(1, -1).astype(np.float64) * step
        y = t.copy()
        if self.rank:
            a, b = self.a.astype(np.float64), self.b.astype(np.float64)
            if self.factor == "i8":
                a, b = a * self.a_scale[:, None], b * self.b_scale
            h = ACTIVATIONS[self.phi]((quantized if self.read == "quantized" else x) @ a.T)
            if self.segments:
                correction = np.concatenate([h[:, ranks] @ b[rows, ranks].T for rows, ranks in self.blocks()], 1)
            else:
                correction = h @ b.T
            gate_input = x if self.gate == "sigmoid_input" else t
            alpha = {"open": 1.0, "scalar": self.alpha, "row": self.alpha}.get(self.gate)
            if alpha is None:
                alpha = sigmoid(gate_input.astype(np.float64) @ self.gate_weight + self.gate_bias)[:, None]
                alpha = np.where(alpha < self.threshold, 0, alpha)
            y += alpha * correction
        plain = not (self.rank or self.bias or self.residual) and self.activation == "identity"
        y = ACTIVATIONS[self.activation](y + (self.biases if self.bias else 0)) + (residual if self.residual else 0)
        return y, exact if plain else None


def module(layers, tokens=-1):
    arguments, results = [], []
    for i, layer in enumerate(layers):
        arguments.append(argument(f"x{i}", (tokens, layer.columns)))
        if layer.residual:
            arguments.append(argument(f"r{i}", (tokens, layer.rows)))
        results.append(result(f"y{i}", (tokens, layer.rows)))
    names = ", ".join(f"%y{i}" for i, _ in enumerate(layers))
    types = ", ".join(f"tensor<{'?' if tokens < 0 else tokens}x{layer.rows}xf32>" for layer in layers)
    body = "\n".join(layer.text(i, tokens) for i, layer in enumerate(layers))
    return (f"func.func @main({', '.join(arguments)}) -> ({', '.join(results)}) {{\n"
            f"  %zero = arith.constant 0 : index\n{body}\n  return {names} : {types}\n}}\n")


def make_inputs(layers, tokens, seed):
    """Activations with an all-zero row, extreme rows and exact ties."""
    rng = np.random.default_rng(seed)
    feeds = {}
    for i, layer in enumerate(layers):
        x = rng.standard_normal((tokens, layer.columns)).astype(np.float32)
        if tokens > 1:
            x[1] = 0
        if tokens > 4:
            x[2] = np.sign(x[2])  # every code is -127 or 127
            x[3] = -1
            x[4] = rng.integers(-254, 255, layer.columns) / np.float32(2)
            x[4, 0] = 127
        if layer.norm:  # sums of squares without rounding
            x = np.clip(np.rint(20 * x), -64, 64)
        feeds[f"x{i}"] = x
        if layer.residual:
            feeds[f"r{i}"] = rng.standard_normal((tokens, layer.rows)).astype(np.float32)
    return feeds


def references(layers, feeds):
    return [layer.reference(feeds[f"x{i}"], feeds.get(f"r{i}")) for i, layer in enumerate(layers)]


def check(layers, feeds, outputs, expectations=None):
    expectations = expectations or references(layers, feeds)
    for i, layer in enumerate(layers):
        expected, exact = expectations[i]
        got = outputs[f"y{i}"]
        if exact is not None:
            np.testing.assert_array_equal(got, exact, err_msg=repr(layer))
        magnitude = max(np.abs(expected).max(), 1e-3)
        np.testing.assert_allclose(got / magnitude, expected / magnitude, rtol=0, atol=4e-6, err_msg=repr(layer))


SHAPES = [Layer(n, k, scale, order) for (n, k), scale, order in [
    ((640, 3200), "row", "reciprocal"), ((8, 8640), "tensor", "reciprocal"), ((1, 344), "row", "division"),
    ((3, 100), "tensor", "reciprocal_product"), ((7, 3), "row", "reciprocal"), ((640, 1), "row", "division"),
    ((16, 256), "tensor", "reciprocal"), ((1, 1), "tensor", "reciprocal"), ((33, 257), "row", "reciprocal")]]
GROUPS = [Layer(n, k, str(group), order, bias=bias) for group, (n, k), order, bias in [
    (32, (24, 3200), "reciprocal", False), (64, (11, 344), "division", True), (128, (8, 640), "reciprocal", False),
    (256, (5, 768), "reciprocal", False), (64, (3, 100), "none", False), (32, (13, 256), "none", True)]]
FLOATS = [Layer(40, 344, "row", "none"), Layer(1, 3, "tensor", "none"), Layer(9, 640, "row", "none", rank=3, gate="row"),
          Layer(16, 256, "tensor", "none", activation="relu_squared", bias=True, residual=True)]
FORMS = [Layer(n, k, "row", order, rank, factor, phi, read, gate, bias=i % 2 == 0, residual=i % 3 == 0)
         for i, ((factor, phi, read), gate) in enumerate(itertools.product(
             [("f16", "silu", "original"), ("bf16", "identity", "quantized"), ("f32", "silu", "quantized"),
              ("i8", "silu", "original")], ["open", "scalar", "row", "sigmoid_input", "sigmoid_output"]))
         for n, k, rank, order in [[(24, 100, 4), (13, 344, 6), (8, 3, 1), (40, 256, 8)][i % 4] + (ORDERS[i % 3],)]]
# float16 factors with int8 inputs, whose products some processors add up at once.
HALVES = [Layer(n, k, "row", rank=rank, read="quantized", gate=gate, bias=True)
          for n, k, rank, gate in [(24, 344, 6, "row"), (9, 3200, 12, "sigmoid_input"), (8, 3, 1, "open")]]
ACTIVATED = [Layer(12, 64, "row", rank=4, gate="scalar", bias=True, activation=activation, residual=True)
             for activation in ACTIVATIONS]
SEGMENTS = [Layer(32, 100, rank=12, gate="scalar", segments=(16, 8, 8), ranks=(4, 4, 4)),
            Layer(23, 64, rank=7, gate="row", bias=True, segments=(10, 1, 12), ranks=(3, 0, 4)),
            Layer(21, 64, rank=5, factor="i8", segments=(5, 16), ranks=(2, 3))]
TWO_BITS = [Layer(n, k, scale, order, levels=levels, bias=order == "none") for levels in ["odd", "signed"]
            for (n, k), scale, order in [((8, 8640), "row", "reciprocal"), ((7, 100), "tensor", "division"),
                                         ((3, 3), "row", "none"), ((11, 344), "64", "reciprocal"), ((9, 100), "32", "none")]]
ALL = SHAPES + GROUPS + FLOATS + FORMS + HALVES + ACTIVATED + SEGMENTS + TWO_BITS
