"""docs/ModelFormat.md against ONNX Runtime and NumPy: function bodies, generated forms, the demo model and the checked-in fixtures."""
import pathlib
import sys

import numpy
import onnx
import pytest
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "examples" / "shakespeare"), str(ROOT / "test" / "import" / "fixtures")]
import hgf_onnx  # noqa: E402
import make_forms  # noqa: E402
import oracle  # noqa: E402

FIXTURES = sorted((ROOT / "test" / "import" / "fixtures").glob("*.onnx"))


def unpack_int2(data, shape):
    codes = (numpy.frombuffer(data, numpy.uint8)[:, None] >> numpy.array([0, 2, 4, 6])) & 3
    return (codes.reshape(-1)[: numpy.prod(shape, dtype=int)].reshape(shape) ^ 2) - 2


def reference(model, feeds):
    """hgf::Linear in float64 from the specification; q is computed in float32, as specified."""
    function, node = model.functions[0], model.graph.node[0]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in function.attribute_proto}
    attributes = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
    values = dict(feeds)
    for tensor in model.graph.initializer:
        is_int2 = tensor.data_type == onnx.TensorProto.INT2
        values[tensor.name] = unpack_int2(tensor.raw_data, tensor.dims) if is_int2 else numpy_helper.to_array(tensor)
    p = {role: numpy.asarray(values[name], numpy.float64) for role, name in zip(function.input, node.input)}
    x, n, k = p["x"], *p["weight"].shape
    sigmoid = lambda v: 0.5 * (1 + numpy.tanh(v / 2))
    q, factor = x, 1.0
    if attributes["activation_quantization"] == "int8_per_token":
        single = x.astype(numpy.float32)
        largest = numpy.maximum(numpy.abs(single).max(-1, keepdims=True), numpy.float32(1e-5))
        by_division = attributes["rounding_order"] == "division"
        scaled = single / (largest / numpy.float32(127)) if by_division else single * (numpy.float32(127) / largest)
        q, factor = numpy.clip(numpy.round(scaled), -128, 127).astype(numpy.float64), largest.astype(numpy.float64) / 127
    scale = p["scale"]
    weight = p["weight"] * (numpy.repeat(scale, k // scale.shape[1], axis=1) if scale.ndim == 2 else scale.reshape(-1, 1))
    t = q @ weight.T * factor
    y = t
    if "correction_a" in p:
        a = p["correction_a"] * p.get("correction_a_scale", numpy.ones(1))[:, None]
        b = p["correction_b"] * p.get("correction_b_scale", numpy.ones(1))
        h = (q * factor if attributes["correction_input"] == "quantized" else x) @ a.T
        h = h * sigmoid(h) if attributes["correction_activation"] == "silu" else h
        gates = {"none": lambda: 1, "tanh": lambda: numpy.tanh(p["gate"]),
                 "sigmoid_input": lambda: sigmoid(x @ p["gate_weight"].T + p["gate_bias"]),
                 "sigmoid_output": lambda: sigmoid(t @ p["gate_weight"].T + p["gate_bias"])}
        y = y + gates[attributes["gate_kind"]]() * (h @ b.T)
    return y + p.get("bias", 0)


@pytest.mark.parametrize("order", ["none", "reciprocal", "division"])
@pytest.mark.parametrize("gate", ["off", *make_forms.GATES])
@pytest.mark.parametrize("granularity", make_forms.GRANULARITIES)
def test_function_body_is_the_specification(granularity, gate, order):
    for phi, source, int8 in (("silu", "x", False), ("identity", "quantized", True)):
        model, feeds = make_forms.make_form(
            "f", 24, 96, 7, granularity, gate != "off", "none" if gate == "off" else gate, seed=3, activation=order, phi=phi,
            correction_input=source if order != "none" else "x", correction_int8=int8, code_type="int2", bias=True, extremes=True)
        wanted = reference(model, feeds)
        actual = make_forms.expected(model, feeds)["y"]
        error = numpy.abs(actual - wanted).max(-1) / numpy.maximum(1, numpy.abs(wanted).max(-1))
        assert error.max() < 3e-6


@pytest.mark.parametrize("size", [(64, 64, 7), (5, 100, 2), (1, 3, 1), (640, 344, 3)])
def test_forms_agree(size):
    seen = {}
    for case in make_forms.cases():
        try:
            model, feeds = make_forms.make_form(n=size[0], k=size[1], m=size[2], **case)
        except make_forms.Unsupported:
            continue
        y = make_forms.expected(model, feeds)["y"]
        key = (case["form"] in "cef", case["granularity"], case["residual"], case["gate"])
        first = seen.setdefault(key, y)
        assert numpy.abs(y - first).max() <= 3e-5 * max(1, numpy.abs(first).max()), case
    assert len(seen) > 30


def test_one_bit_linear():
    random = numpy.random.default_rng(0)
    sign = random.choice([-1, 1], (12, 20)).astype(numpy.int8)
    x, u, v = (random.normal(size=s).astype(t) for s, t in (((3, 20), "float32"), (20, "float16"), (12, "float16")))
    b = hgf_onnx.Builder()
    b.initializers.append(hgf_onnx.int2_tensor("weight", sign))
    b.node("OneBitLinear", ["x", "weight", b.tensor("u", u), b.tensor("v", v)], output="y", domain="hgf")
    floats = onnx.TensorProto.FLOAT
    model = hgf_onnx.make_model(b, "one_bit", [("x", floats, [3, 20])], [("y", floats, [3, 12])], [hgf_onnx.one_bit_linear()])
    wanted = (x.astype(float) * u) @ sign.T * v
    assert numpy.abs(make_forms.expected(model, {"x": x})["y"] - wanted).max() < 1e-5


def test_variants_share_a_model_by_overload():
    variants = [hgf_onnx.Linear(overload="plain"), hgf_onnx.Linear(activation_quantization="none", overload="float")]
    b = hgf_onnx.Builder()
    b.initializers.append(hgf_onnx.int2_tensor("weight", numpy.array([[1, -1, 0, 1]])))
    b.tensor("scale", numpy.float32(0.5))
    for variant in variants:
        b.node("Linear", ["x", "weight", "scale"], output=variant.overload, domain="hgf", overload=variant.overload)
    floats = onnx.TensorProto.FLOAT
    outputs = [(v.overload, floats, [1, 1]) for v in variants]
    model = hgf_onnx.make_model(b, "variants", [("x", floats, [1, 4])], outputs, [v.function() for v in variants])
    results = make_forms.expected(model, {"x": numpy.array([[127, 0.4, 3, 1]], numpy.float32)})
    assert results["plain"][0, 0] == 64 and results["float"][0, 0] == numpy.float32(63.8)


def test_demo_model():
    assert oracle.MODEL.stat().st_size <= 3_000_000
    model = onnx.load(oracle.MODEL)
    onnx.checker.check_model(model, full_check=True)
    linears = [node for node in model.graph.node if node.domain == "hgf"]
    assert len(linears) == 28 and {node.op_type for node in linears} == {"Linear"}
    driver = oracle.Oracle()
    text = b"HAMLET.\nTo be, or not to be, that is the question:\n"
    windows = list(driver.calls(text, window=4))
    together = numpy.concatenate([results["logits"][0] for _, results in windows])
    stepwise = []
    for feeds, _ in windows:
        ids = feeds.pop(driver.prompt_input)[0]
        driver.state = feeds
        stepwise += [driver.step(ids[i : i + 1]) for i in range(len(ids))]
    agrees, facts = oracle.compare(together, numpy.concatenate(stepwise), nearly_all=0.8)
    assert agrees, facts
    assert oracle.compare(together, driver.teacher_forced(text), nearly_all=0)[0]


def test_demo_text():
    """The stored continuation keeps its distance from ties, so that every right program writes it."""
    margins = []
    text = (oracle.MODEL.parent / "continuation.txt").read_bytes()
    prompt = (oracle.MODEL.parent / "prompt.txt").read_bytes()
    assert len(prompt) == 200
    assert bytes(oracle.Oracle().generate(prompt, len(text), margins)) == text
    assert min(margins) > 0.1


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixture_outputs(path):
    stored = dict(numpy.load(path.with_suffix(".npz")))
    wanted = stored.pop("logits")
    assert numpy.abs(make_forms.expected(onnx.load(path), stored)["logits"] - wanted).max() < 1e-4
