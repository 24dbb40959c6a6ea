"""hgf-compile --report: which layers run on which kernel and why, and which missed the fast ones."""

import json
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import harness

SIZE = 256


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Four layers: ternary ones, and one whose weights take a value too many."""
    rng = np.random.default_rng(4)
    nodes, constants, x = [], [], "x"
    for name in ["first", "second", "odd", "last"]:
        weight = rng.integers(-1, 2, (SIZE, SIZE)).astype(np.float32) * np.float32(0.5)
        if name == "odd":
            weight[3, 5] = 0.25
        constants.append(numpy_helper.from_array(weight, f"{name}.weight"))
        nodes.append(helper.make_node("MatMul", [x, f"{name}.weight"], [f"{name}.y"], name=f"/{name}/MatMul"))
        x = f"{name}.y"
    graph = helper.make_graph(nodes, "odd", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", SIZE])],
                              [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["n", SIZE])], constants)
    path = tmp_path_factory.mktemp("report") / "odd.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def report(model, *flags):
    run = subprocess.run([harness.HGF_COMPILE, model, "-o", "/dev/null", "--emit=mlir", "--compile-to=packing", *flags],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_one_odd_layer_is_named_with_its_reason(model):
    lines = json.loads(report(model, "--report=json"))
    by_node = {line["node"]: line for line in lines["linears"]}
    assert set(by_node) == {f"/{name}/MatMul" for name in ["first", "second", "odd", "last"]}
    assert lines["totals"]["linears"] == 4 and lines["totals"]["missed"] == 1
    odd = by_node.pop("/odd/MatMul")
    assert odd["kernel"] == "none" and odd["missed"].startswith("weight has 4 distinct values; expected -s, 0 and +s")
    assert (odd["rows"], odd["columns"]) == (SIZE, SIZE)
    for line in by_node.values():
        assert "missed" not in line and line["kernel"] == "planes2_float_tensor"
        assert line["encoding_reason"] == "portable binaries hold planes2 only"
    table = report(model, "--report")
    assert "weight has 4 distinct values" in table and "1 off the fast kernel" in table


def test_the_choice_of_an_encoding_has_a_reason(model):
    def choices(*flags):
        return {(line["encoding"], line["encoding_reason"]) for line in json.loads(report(model, "--report=json", *flags))["linears"]
                if "encoding" in line}

    server = ["--target=x86_64-linux-gnu", "--cpu=icelake-server"]
    assert choices(*server) == {("planes2", "the model stays in the cache, where it unpacks fastest")}
    assert choices(*server, "--encoding=trits3in5") == {("trits3in5", "it was asked for")}
    assert choices("--target=x86_64-linux-gnu", "--cpu=x86-64-v3") == {("planes2", "the level avx2 lacks avx512vbmi")}
    assert choices("--target=aarch64-linux-gnu") == {("planes2", "rowplanes2 is for int8 activations")}
