"""The executable meaning of the hgf dialect (decompose-hgf) against NumPy in float64."""

import subprocess

import numpy as np
import pytest

import harness
from harness import argument, result

RNG = np.random.default_rng(7)
# Decomposed modules start where kernels would have been chosen.
TILING = "--compile-from=tiling"


def codes_attribute(ternary):
    """The two-bit codes of an N x K matrix as an elements attribute."""
    flat = (np.asarray(ternary) + 1).astype(np.uint8).reshape(-1)
    flat = np.pad(flat, (0, -len(flat) % 4)).reshape(-1, 4)
    packed = flat[:, 0] | flat[:, 1] << 2 | flat[:, 2] << 4 | flat[:, 3] << 6
    return f'dense<"0x{packed.tobytes().hex().upper()}"> : tensor<{len(packed)}xi8>'


def floats_attribute(array):
    array = np.asarray(array, np.float32)
    shape = "x".join(map(str, array.shape))
    return f'dense<"0x{array.tobytes().hex().upper()}"> : tensor<{shape}xf32>'


def constant(name, array):
    return f"%{name} = arith.constant {floats_attribute(array)}"


def run_fused(text, feeds):
    """Decomposes all of a module, then compiles and runs it."""
    decomposed = subprocess.run([harness.BUILD / "bin" / "hgf-opt", "-decompose-hgf=fused=true"], input=text,
                                capture_output=True, text=True, check=True).stdout
    return harness.run(decomposed, feeds, TILING)


def quantize(x, order):
    a = np.maximum(np.abs(x).max(-1, keepdims=True), np.float32(1e-5)).astype(np.float32)
    c = np.float32(127)
    scaled = {"reciprocal": lambda: x * (c / a), "division": lambda: x / (a / c),
              "reciprocal_product": lambda: x * ((np.float32(1) / a) * c)}[order]()
    return np.clip(np.rint(scaled), -128, 127).astype(np.int8), (a / c)[..., 0]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("order", ["reciprocal", "division", "reciprocal_product"])
def test_quantize_rounds_like_numpy(order):
    text = f"""func.func @main({argument("x", (-1, 37))}) -> ({result("q", (-1, 37), 3, "i8")}, {result("s", (-1,))}) {{
  %q, %s = hgf.quantize %x order {order} : tensor<?x37xf32> -> tensor<?x37xi8>, tensor<?xf32>
  return %q, %s : tensor<?x37xi8>, tensor<?xf32>
}}"""
    x = RNG.standard_normal((6, 37)).astype(np.float32)
    x[1] = 0
    x[2] = np.float32(3e38) * np.sign(x[2])
    x[3] = np.round(x[3] * 4) / 8  # exact ties
    got = run_fused(text, {"x": x})
    q, s = quantize(x, order)
    np.testing.assert_array_equal(got["q"], q)
    np.testing.assert_array_equal(got["s"], s)


@pytest.mark.parametrize("granularity", ["tensor", "row", "group"])
@pytest.mark.parametrize("integer", [True, False])
def test_ternary_linear(granularity, integer):
    m, n, k = 3, 5, 70
    ternary = RNG.integers(-1, 2, (n, k))
    scales = {"tensor": np.float32([0.5]), "row": RNG.random(n), "group": RNG.random((n, 3))}[granularity].astype(np.float32)
    kind = f"!hgf.ternary<{n} by {k}, scale = {granularity}{', group = 32' if granularity == 'group' else ''}>"
    x = RNG.integers(-128, 128, (m, k)).astype(np.int8) if integer else RNG.standard_normal((m, k)).astype(np.float32)
    element, dtype = ("i8", 3) if integer else ("f32", 1)
    token = RNG.random(m).astype(np.float32)
    scale = f", {argument('s', (-1,))}" if integer else ""
    text = f"""func.func @main({argument("x", (-1, k), dtype, element)}{scale}) -> ({result("y", (-1, n))}) {{
  %w = hgf.ternary_constant {codes_attribute(ternary)}, {floats_attribute(scales)} -> {kind}
  %y = hgf.ternary_linear ins(%x : tensor<?x{k}x{element}>) {"scale(%s : tensor<?xf32>)" if integer else ""} weight(%w : {kind}) -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}"""
    per_weight = np.repeat(scales, 32, 1)[:, :k] if granularity == "group" else scales.reshape(-1, 1)
    expected = x.astype(np.float64) @ (ternary * per_weight.astype(np.float64)).T
    if integer:
        expected *= token[:, None]
    feeds = {"x": x, "s": token} if integer else {"x": x}
    np.testing.assert_allclose(run_fused(text, feeds)["y"], expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("gate", ["open", "static", "sigmoid_input", "sigmoid_output"])
def test_fused_linear(gate):
    m, n, k, r = 4, 6, 33, 3
    ternary, a, b = RNG.integers(-1, 2, (n, k)), RNG.standard_normal((r, k)), RNG.standard_normal((n, r))
    a, b = a.astype(np.float32), b.astype(np.float32)
    alpha, bias = RNG.random(n).astype(np.float32), RNG.standard_normal(n).astype(np.float32)
    width = k if gate == "sigmoid_input" else n
    gate_weight, gate_bias = RNG.standard_normal(width).astype(np.float32), np.float32(0.3)
    scale = RNG.random(n).astype(np.float32)
    gates = {"open": "", "static": f"gate(%alpha : tensor<{n}xf32>)"}.get(
        gate, f"dynamic_gate(%gw, %gb : tensor<{width}xf32>, tensor<f32>)")
    kind = f"!hgf.ternary<{n} by {k}, scale = row>"
    text = f"""func.func @main({argument("x", (-1, k))}, {argument("r", (-1, n))}) -> ({result("y", (-1, n))}) {{
  %w = hgf.ternary_constant {codes_attribute(ternary)}, {floats_attribute(scale)} -> {kind}
  {constant("a", a)}
  {constant("b", b)}
  {constant("alpha", alpha)}
  {constant("bias", bias)}
  {constant("gw", gate_weight)}
  %gb = arith.constant dense<{gate_bias}> : tensor<f32>
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : tensor<?x{k}xf32>
  %init = tensor.empty(%m) : tensor<?x{n}xf32>
  %y = hgf.linear ins(%x : tensor<?x{k}xf32>) weight(%w : {kind}) correction(%a, %b : tensor<{r}x{k}xf32>, tensor<{n}x{r}xf32>) {gates} bias(%bias : tensor<{n}xf32>) residual(%r : tensor<?x{n}xf32>) outs(%init : tensor<?x{n}xf32>) quantization reciprocal gate_kind {gate} activation relu -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}"""
    x, residual = RNG.standard_normal((m, k)).astype(np.float32), RNG.standard_normal((m, n)).astype(np.float32)
    q, s = quantize(x, "reciprocal")
    y = (q.astype(np.int64) @ ternary.T) * scale.astype(np.float64) * s[:, None]
    h = x.astype(np.float64) @ a.T
    correction = (h * sigmoid(h)) @ b.T
    gate_input = x if gate == "sigmoid_input" else y
    factor = {"open": 1, "static": alpha}.get(gate)
    if factor is None:
        factor = sigmoid(gate_input @ gate_weight.astype(np.float64) + gate_bias)[:, None]
    expected = np.maximum(y + factor * correction + bias, 0) + residual
    feeds = {"x": x, "r": residual}
    meaning = run_fused(text, feeds)["y"]
    np.testing.assert_allclose(meaning, expected, rtol=2e-5, atol=2e-4)
    # The kernel of the same operation: sums of integers are exact, so only the float epilogue may differ.
    kernel = harness.run(text, feeds, "--compile-from=packing")["y"]
    np.testing.assert_allclose(kernel, meaning, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("causal", [True, False])
def test_attention_with_grouped_heads(causal):
    text = f"""func.func @main({argument("q", (2, 4, -1, 8))}, {argument("k", (2, 2, -1, 8))}, {argument("v", (2, 2, -1, 5))}) -> ({result("y", (2, 4, -1, 5))}) {{
  %y = hgf.attention %q, %k, %v scale 0.25 {"causal" if causal else ""} : tensor<2x4x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x5xf32> -> tensor<2x4x?x5xf32>
  return %y : tensor<2x4x?x5xf32>
}}"""
    q, k, v = (RNG.standard_normal(shape).astype(np.float32) for shape in [(2, 4, 3, 8), (2, 2, 7, 8), (2, 2, 7, 5)])
    scores = np.einsum("bhsd,bhtd->bhst", q.astype(np.float64), np.repeat(k, 2, 1)) * 0.25
    if causal:
        scores[..., np.arange(7)[None, :] > np.arange(3)[:, None] + 4] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    expected = np.einsum("bhst,bhte->bhse", weights / weights.sum(-1, keepdims=True), np.repeat(v, 2, 1))
    np.testing.assert_allclose(run_fused(text, {"q": q, "k": k, "v": v})["y"], expected, rtol=1e-5, atol=1e-5)


def onebit_layer(m, n, k):
    """A module of one layer and what it computes with: (text, x, signs, u, v)."""
    signs = RNG.choice([-1, 1], (n, k))
    u, v = (RNG.standard_normal(size).astype(np.float32) for size in (k, n))
    kind = f"!hgf.ternary<{n} by {k}, scale = tensor>"
    text = f"""func.func @main({argument("x", (-1, k))}) -> ({result("y", (-1, n))}) {{
  %w = hgf.ternary_constant {codes_attribute(signs)}, dense<1.0> : tensor<1xf32> -> {kind}
  {constant("u", u)}
  {constant("v", v)}
  %y = hgf.onebit_linear %x, %u, %w, %v : tensor<?x{k}xf32>, tensor<{k}xf32>, {kind}, tensor<{n}xf32> -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}"""
    x = RNG.standard_normal((m, k)).astype(np.float32)
    return text, x, signs, u, v


def test_onebit_linear():
    text, x, signs, u, v = onebit_layer(3, 4, 21)
    expected = ((x * u).astype(np.float64) @ signs.T) * v
    np.testing.assert_allclose(run_fused(text, {"x": x})["y"], expected, rtol=1e-5, atol=1e-5)


def test_rms_norm_and_activations():
    kinds = ["silu", "relu", "relu_squared", "gelu", "gelu_tanh", "sigmoid", "tanh"]
    lines = "\n".join(f"  %{kind} = hgf.activation {kind} %n : tensor<?x9xf32>" for kind in kinds)
    text = f"""func.func @main({argument("x", (-1, 9))}) -> ({", ".join(result(kind, (-1, 9)) for kind in kinds)}) {{
  {constant("weight", np.arange(1, 10) / 5)}
  %n = hgf.rms_norm %x, %weight epsilon 1.0e-5 : tensor<?x9xf32>, tensor<9xf32>
{lines}
  return {", ".join("%" + kind for kind in kinds)} : {", ".join("tensor<?x9xf32>" for _ in kinds)}
}}"""
    x = RNG.standard_normal((4, 9)).astype(np.float32)
    x[2] = 0
    got = run_fused(text, {"x": x})
    n = x / np.sqrt((x.astype(np.float64) ** 2).mean(-1, keepdims=True) + 1e-5) * (np.arange(1, 10) / 5)
    erf = np.vectorize(__import__("math").erf)
    expected = {
        "silu": n * sigmoid(n), "relu": np.maximum(n, 0), "relu_squared": np.maximum(n, 0) ** 2,
        "gelu": n * (1 + erf(n / np.sqrt(2))) / 2,
        "gelu_tanh": n * (1 + np.tanh(np.sqrt(2 / np.pi) * (n + 0.044715 * n ** 3))) / 2,
        "sigmoid": sigmoid(n), "tanh": np.tanh(n),
    }
    for kind in kinds:
        np.testing.assert_allclose(got[kind], expected[kind], rtol=1e-5, atol=1e-6, err_msg=kind)


def test_onebit_kernel_is_its_meaning():
    text, x, *_ = onebit_layer(5, 9, 300)
    meaning = run_fused(text, {"x": x})["y"]
    kernel = harness.run(text, {"x": x}, "--compile-from=packing")["y"]
    np.testing.assert_allclose(kernel, meaning, rtol=1e-4, atol=1e-4)
