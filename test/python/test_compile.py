"""hgf.compile and hgf.compile_to: sources, kinds of output, targets, errors."""

import pathlib
import subprocess

import models
import numpy as np
import onnx
import pytest

import hgf

X = np.array([[1, -2, 3, -4]], np.float32)
DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples" / "shakespeare" / "model.onnx"


def test_every_kind_of_source_gives_the_same(tmp_path):
    proto = models.add()
    path = tmp_path / "add.onnx"
    onnx.save(proto, path)
    module = hgf.ir.import_onnx(path)
    text = tmp_path / "add.mlir"
    text.write_text(str(module))
    for source in (proto, proto.SerializeToString(), path, str(path), module, module.bytecode(), text):
        np.testing.assert_array_equal(hgf.compile(source)(X, X), X + X)
    assert "onnx.node" in str(module)


def test_dims_fix_symbolic_dimensions():
    model = hgf.compile(models.add(), dims={"batch": 1})
    assert model.inputs[0].shape == (1, 4)
    np.testing.assert_array_equal(model(X, X), X + X)
    with pytest.raises(hgf.Error, match="expected shape"):
        model(np.zeros((2, 4), np.float32), X)


@pytest.mark.parametrize("cpu", ["native", "portable", "x86-64-v3"])
def test_cpu(cpu):
    np.testing.assert_array_equal(hgf.compile(models.add(), cpu=cpu)(X, X), X + X)


@pytest.mark.parametrize("gpu", ["sm_80", ["sm_80", "sm_90"]])
def test_gpu(gpu):
    model = hgf.compile(models.add(), gpu=gpu, device="sim")
    np.testing.assert_array_equal(model(X, X), X + X)


def test_unknown_gpu():
    with pytest.raises(hgf.Error, match="expected gpu to be chips of .*sm_90.* but got 'sm_1'"):
        hgf.compile(models.add(), gpu="sm_1", device="sim")


def test_options_reach_the_compiler(tmp_path):
    packed = tmp_path / "model.mlir"
    hgf.compile_to(DEMO, packed, compile_to="packing", correction="int8", head="keep")
    assert "correction_error" in packed.read_text() and "hgf.head" not in packed.read_text()
    hgf.compile_to(DEMO, packed, compile_to="packing")
    assert "correction_error" not in packed.read_text() and "hgf.head" in packed.read_text()
    with pytest.raises(hgf.Error, match="trits3in5"):
        hgf.compile_to(DEMO, packed, compile_to="packing", encoding="trits3in5")


def test_output_kinds_follow_the_suffix(tmp_path):
    magic = {"m.so": b"\x7fELF", "m.o": b"\x7fELF", "m.a": b"!<arch>", "m": b"\x7fELF", "m.mlirbc": b"ML\xefR"}
    for name, start in magic.items():
        hgf.compile_to(models.add(), tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start), name
    hgf.compile_to(models.add(), tmp_path / "m.ll")
    assert "define" in (tmp_path / "m.ll").read_text()
    described = subprocess.run([tmp_path / "m", "--describe"], capture_output=True, text=True)
    assert described.returncode == 0 and "batch" in described.stdout


def test_phases_stop_and_go_on(tmp_path):
    half = tmp_path / "half.mlir"
    hgf.compile_to(models.add(), half, compile_to="fusion")
    assert "onnx.node" not in half.read_text()
    hgf.compile_to(half, tmp_path / "model.so", compile_from="packing")
    np.testing.assert_array_equal(hgf.load(tmp_path / "model.so")(X, X), X + X)


def test_dump_phases(tmp_path):
    hgf.compile(models.add(), dump_phases_to=tmp_path / "dumps")
    names = [f"{number}.{name}.mlir" for number, name in enumerate(hgf.ir.phases(), 1)]
    assert sorted(path.name for path in (tmp_path / "dumps").iterdir()) == names


def test_another_machines_code_is_written_and_not_loaded(tmp_path):
    hgf.compile_to(models.add(), tmp_path / "model.so", target="aarch64-linux-gnu")
    with pytest.raises(hgf.Error, match="cannot load"):
        hgf.load(tmp_path / "model.so")
    with pytest.raises(ValueError, match="hgf.compile_to compiles for other machines"):
        hgf.compile(models.add(), target="aarch64-linux-gnu")


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"cpu": "pentium9"}, "pentium9"),
        ({"target": "mips-linux-gnu"}, "mips"),
        ({"emit": "jar"}, "expected emit to be exe, static-exe, shared"),
        ({"compile_from": "beginning"}, "no phase 'beginning'"),
        ({"dims": {"no_such": 3}}, "no_such"),
        ({"encoding": "planes9"}, "expected encoding to be auto"),
    ],
)
def test_wrong_options_raise_the_compilers_sentence(tmp_path, options, sentence):
    with pytest.raises(hgf.Error, match=sentence):
        hgf.compile_to(models.add(), tmp_path / "model.so", **options)
    np.testing.assert_array_equal(hgf.compile(models.add())(X, X), X + X)


@pytest.mark.parametrize(
    "options",
    [
        {"weights": "elsewhere"},
        {"dims": {"batch": -1}},
        {"dims": {1: 1}},
        {"compile_to": "fusion"},
        {"head": "int4"},
        {"correction": "f16"},
        {"gate_threshold": -0.5},
    ],
)
def test_wrong_arguments_are_value_errors(tmp_path, options):
    with pytest.raises(ValueError):
        hgf.compile_to(models.add(), tmp_path / "model.so", **options)


def test_unsupported_node_is_named():
    with pytest.raises(hgf.Error, match="/layers.3/mystery"):
        hgf.compile(models.unsupported())


@pytest.mark.parametrize("data", [b"", b"\0" * 64, b"not a model", models.add().SerializeToString()[:-9], b"ML\xefR\0\0"])
def test_malformed_bytes_are_an_error(data):
    with pytest.raises(hgf.Error):
        hgf.compile(data)


def test_sources_of_other_kinds_are_type_errors(tmp_path):
    with pytest.raises(TypeError, match="expected a path, an onnx.ModelProto or bytes but got int"):
        hgf.compile(3)
    with pytest.raises(hgf.Error, match="suffix .onnx, .mlir or .mlirbc"):
        hgf.compile(tmp_path / "model.txt")
    with pytest.raises(hgf.Error, match="none.onnx"):
        hgf.compile(tmp_path / "none.onnx")


def test_side_weights_lie_beside_the_library(tmp_path):
    proto, weights = models.matmul()
    x = np.arange(128, dtype=np.float32).reshape(2, 64)
    model = hgf.compile(proto, output=tmp_path / "model.so", weights="side")
    np.testing.assert_array_equal(model(x), x @ weights)
    np.testing.assert_array_equal(hgf.compile(proto, weights="side")(x), x @ weights)
    (tmp_path / "moved").mkdir()
    for path in list(tmp_path.glob("model.so*")):
        path.rename(tmp_path / "moved" / path.name)
    np.testing.assert_array_equal(hgf.load(tmp_path / "moved" / "model.so")(x), x @ weights)
    side = tmp_path / "moved" / "model.so.weights"
    side.write_bytes(side.read_bytes()[:100])
    del model
    with pytest.raises(hgf.Error, match="model.so.weights"):
        hgf.load(tmp_path / "moved" / "model.so")
