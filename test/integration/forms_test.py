"""Every form of a ternary layer through the whole compiler, against ONNX Runtime.

Each model of one layer becomes exactly one hgf.linear, with nothing of the layer left beside it, and computes what ONNX Runtime does."""

import sys

import numpy as np
import onnx
import pytest

import harness

FIXTURES = harness.ROOT / "test" / "import" / "fixtures"
sys.path.insert(0, str(FIXTURES))
import make_forms  # noqa: E402

# Awkward sizes (N, K, M): no multiples of the vectors, one row, few columns.
SIZES = [(24, 64, 3), (100, 344, 7), (640, 3200, 2), (1, 128, 1), (3, 8640, 2), (33, 96, 130)]
# How the quantizer, the weight and the gate may be written.
VARIANTS = [
    dict(form="e", activation="division"),
    dict(form="e", activation="reciprocal_times", quantizer_style=1),
    dict(form="e", base="b", granularity="row", code_type="uint2", swap=True, residual=True, gate="tanh"),
    dict(form="e", residual=True, gate="tanh", correction_input="quantized"),
    dict(form="a", activation="reciprocal", quantizer_style=1, bias=True, swap=True),
    dict(form="a", activation="division", scale_after=True, granularity="row"),
    dict(form="a", layout="gemm", granularity="row", bias=True),
    dict(form="a", layout="transpose", residual=True, gate="tanh", gate_on="b", phi="identity"),
    dict(form="a", residual=True, gate="tanh_row", gate_on="b", swap=True),
    dict(form="a", residual=True, gate="tanh", gate_on="h", phi="swish", bias=True),
    dict(form="a", residual=True, gate="sigmoid_output", bias=True),
    dict(form="b", code_type="int4", granularity="group", activation="reciprocal"),
    dict(form="b", code_type="uint8", granularity="row", zero_rows=True),
    dict(form="c", code_type="uint8", activation="division", residual=True, gate="sigmoid_input"),
    dict(form="d", granularity="group", zero_points="packed_1"),
    dict(form="d", zero_points="float", bias=True),
    dict(form="d", k=100, granularity="row"),
    dict(form="f", correction_int8=True, residual=True, gate="tanh"),
    dict(form="f", activation="none", residual=True, gate="sigmoid_output", bias=True, input_rank=3),
    dict(form="f", activation="division", correction_input="quantized", residual=True, dynamic=True),
    dict(form="e", dynamic=True, input_rank=3, extremes=True, m=7),
]


def check(folder, **settings):
    try:
        model, feeds = make_forms.make_form(**settings)
    except make_forms.Unsupported as reason:
        pytest.skip(str(reason))
    expected = make_forms.expected(model, feeds)["y"]
    source, phases = folder / "model.onnx", folder / "phases"
    onnx.save(model, source)
    library = harness.compile_file(source, folder / "model.so", f"--dump-phases-to={phases}")
    fused = (phases / "2.fusion.mlir").read_text()
    assert fused.count("= hgf.linear ") == 1
    assert "linalg." not in fused and "arith.addf" not in fused
    got = harness.Model(library)(feeds)["y"]
    assert got.shape == expected.shape
    # The last bits of sums in another order; relative to the largest output.
    assert np.abs(got - expected).max() <= 4e-6 * max(1, np.abs(expected).max())


def name(settings):
    return "-".join(str(value) for value in settings.values())


CASES = list(make_forms.cases())


@pytest.mark.parametrize("settings", CASES, ids=name)
def test_form(settings, tmp_path):
    n, k, m = SIZES[CASES.index(settings) % len(SIZES)]
    if settings["form"] == "f" and settings["granularity"] == "group":
        k = -(-k // 32) * 32
    check(tmp_path, **settings, n=n, k=k, m=m)


@pytest.mark.parametrize("settings", VARIANTS, ids=name)
def test_variant(settings, tmp_path):
    check(tmp_path, **{"n": 24, "k": 64, "m": 3, **settings})


EXPORTS = sorted(FIXTURES.glob("*.onnx"))
ONE_LAYER = ("torchscript", "large", "eager", "mask", "opset23", "unoptimized")


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_exported_model(path, tmp_path):
    """Models of Hugging Face: all seven projections of a layer are found; queries, keys and values are one fused layer, gate and up another."""
    layers = 1 if any(word in path.stem for word in ONE_LAYER) else 2
    phases = tmp_path / "phases"
    library = harness.compile_file(path, tmp_path / "model.so", f"--dump-phases-to={phases}")
    fused = (phases / "2.fusion.mlir").read_text()
    assert fused.count("= hgf.linear ") == 4 * layers
    assert fused.count("segment_ranks") == 0 and fused.count("quantization") == 4 * layers
    assert fused.count("segments = array<i64: ") == 2 * layers
    stored = np.load(path.with_suffix(".npz"))
    model = harness.Model(library)
    inputs = model.names(0)
    got = model({name: stored[name] for name in inputs})["logits"]
    real = stored["attention_mask"].astype(bool) if "attention_mask" in inputs else np.ones(got.shape[:2], bool)
    assert np.abs(got - stored["logits"])[real].max() <= 1e-4
