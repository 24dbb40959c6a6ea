"""hgf.ir: modules in text, transformed by pipelines."""

import threading

import models
import pytest

import hgf

TEXT = """
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %unused = math.sin %x : tensor<?x4xf32>
  %y = math.exp %x : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
"""


def test_module_is_parsed_run_and_printed():
    module = hgf.ir.Module.parse(TEXT)
    copy = module.clone()
    assert module.run("canonicalize,cse") == []
    assert "math.exp" in str(module) and "math.sin" not in str(module)
    assert "math.sin" in str(copy)
    assert str(hgf.ir.Module.parse(str(module))) == str(module)
    module.verify()


@pytest.mark.parametrize(
    "pipeline",
    [
        "cse",
        "builtin.module(func.func(cse))",
        "func.func(cse,canonicalize)",
        "hgf-pipeline",
        "hgf-phase-legalization{cpu=native}",
    ],
)
def test_pipelines_are_taken_as_hgf_opt_takes_them(pipeline):
    hgf.ir.Module.parse(TEXT).run(pipeline)


@pytest.mark.parametrize(
    "pipeline, sentence",
    [
        ("nonsense", "'nonsense' does not refer to a registered pass"),
        ("canonicalize{foo=1}", "no such option foo"),
        ("builtin.module(cse", "expected ')'"),
        ("func.func(cse", "pipeline 'func.func"),
        ("", None),
    ],
)
def test_pipelines_that_do_not_parse(pipeline, sentence):
    module = hgf.ir.Module.parse(TEXT)
    if sentence is None:
        assert module.run(pipeline) == []
        return
    with pytest.raises(hgf.Error, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        module.run(pipeline)


def test_a_pass_that_fails_leaves_the_module_as_it_was():
    module = hgf.ir.import_onnx(models.unsupported())
    before = str(module)
    with pytest.raises(hgf.Error, match="/layers.3/mystery"):
        module.run("hgf-phase-legalization")
    assert str(module) == before


def test_parse_errors_have_place_and_sentence():
    with pytest.raises(hgf.Error, match=r"^mine.mlir:1:16: "):
        hgf.ir.Module.parse("func.func @main(", name="mine.mlir")
    with pytest.raises(hgf.Error, match="doesn't match function result type"):
        hgf.ir.Module.parse("func.func @f(%x: tensor<4xf32>) -> tensor<5xf32> { return %x : tensor<4xf32> }")


def test_phases_are_those_of_the_pipeline():
    assert hgf.ir.phases() == ["legalization", "fusion", "packing", "tiling", "bufferization", "cpu"]


def test_import_fixes_dimensions():
    assert "tensor<?x4xf32>" in str(hgf.ir.import_onnx(models.add()))
    assert "tensor<2x4xf32>" in str(hgf.ir.import_onnx(models.add(), dims={"batch": 2}))


def test_threads_share_a_module():
    module = hgf.ir.Module.parse(TEXT)
    failures = []

    def work():
        try:
            for _ in range(20):
                module.run("canonicalize,cse")
                str(module.clone())
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
