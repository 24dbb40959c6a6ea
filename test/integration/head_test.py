"""hgf.head against NumPy: storages x awkward sizes x tokens x threads x instruction levels, outputs poisoned."""

import numpy as np
import pytest

import harness
from harness import argument, result

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


def compile_cases(folder, cases, *flags):
    text, references = module(cases)
    (folder / "heads.mlir").write_text(text)
    return harness.compile_file(folder / "heads.mlir", folder / "heads.so", "--compile-from=packing", *flags), references


def check(library, references, tokens, threads):
    rng = np.random.default_rng(tokens)
    feeds = {f"x{i}": rng.standard_normal((tokens, dense.shape[1])).astype(np.float32)
             for i, (dense, _) in enumerate(references)}
    model = harness.Model(library, threads)
    results = model(feeds)
    model.close()
    for i, (dense, bias) in enumerate(references):
        expected = feeds[f"x{i}"] @ dense.T + bias
        # float32 sums in any order.
        bound = 1e-6 * (np.abs(feeds[f"x{i}"]) @ np.abs(dense).T + np.abs(bias))
        assert (np.abs(results[f"y{i}"] - expected) <= bound + 1e-30).all(), (tokens, threads, dense.shape)


CASES = [(n, k, kind, (n + k) % 2 == (kind == "i8")) for n, k in SIZES for kind in FLOATS]


@pytest.mark.parametrize("flags", [(), ("--cpu=x86-64",), ("--cpu=x86-64-v3",)], ids=["portable", "baseline", "avx2"])
def test_heads(flags, tmp_path):
    library, references = compile_cases(tmp_path, CASES, *flags)
    for tokens in TOKENS:
        for threads in (1, 2, 3):
            check(library, references, tokens, threads)
