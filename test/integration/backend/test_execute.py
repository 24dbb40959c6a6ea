"""Small modules compiled and run, compared with NumPy."""

import numpy as np
import pytest

from execute import Model, compile_module

LAYER = """
func.func @main(%x: tensor<?x4xf32> {onnx.name = "x", onnx.dims = ["batch", ""]}, %w: tensor<4x3xf32> {onnx.name = "w"}) -> (tensor<?x3xf32> {onnx.name = "y"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %bias = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %rows = tensor.dim %x, %c0 : tensor<?x4xf32>
  %limit = arith.constant 1000 : index
  %few = arith.cmpi ule, %rows, %limit : index
  cf.assert %few, "more than 1000 rows"
  %empty = tensor.empty(%rows) : tensor<?x3xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x3xf32>) outs(%init : tensor<?x3xf32>) -> tensor<?x3xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%product, %bias : tensor<?x3xf32>, tensor<3xf32>) outs(%empty : tensor<?x3xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %sum = arith.addf %a, %b : f32
    %value = math.tanh %sum : f32
    linalg.yield %value : f32
  } -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
"""


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    path = tmp_path_factory.mktemp("layer") / "layer.so"
    compile_module(LAYER, path)
    return Model(path)


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 130, 1000])
def test_layer(layer, rows):
    random = np.random.default_rng(rows)
    x = random.standard_normal((rows, 4), np.float32)
    w = random.standard_normal((4, 3), np.float32)
    np.testing.assert_allclose(layer(x, w)[0], np.tanh(x @ w + [1, 2, 3]), atol=1e-6)


def test_failed_assertion_is_an_error(layer):
    with pytest.raises(RuntimeError, match="more than 1000 rows"):
        layer(np.zeros((1001, 4), np.float32), np.zeros((4, 3), np.float32))
    test_layer(layer, 7)


PARALLEL = """
func.func @main(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?xf32>
  %empty = tensor.empty(%m, %n) : tensor<?x?xf32>
  %z = scf.forall (%i, %j) in (%m, %n) shared_outs(%out = %empty) -> tensor<?x?xf32> {
    %a = tensor.extract %x[%i, %j] : tensor<?x?xf32>
    %b = tensor.extract %y[%i, %j] : tensor<?x?xf32>
    %scaled = arith.mulf %a, %b : f32
    %cell = tensor.from_elements %scaled : tensor<1x1xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %cell into %out[%i, %j] [1, 1] [1, 1] : tensor<1x1xf32> into tensor<?x?xf32>
    }
  }
  return %z : tensor<?x?xf32>
}
"""


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_parallel_loop(tmp_path, threads):
    compile_module(PARALLEL, tmp_path / "parallel.so")
    model = Model(tmp_path / "parallel.so", threads)
    for shape in [(0, 3), (3, 0), (1, 1), (17, 5)]:
        x = np.random.default_rng(0).standard_normal(shape, np.float32)
        np.testing.assert_array_equal(model(x, x + 1)[0], x * (x + 1))


CACHE = """
func.func @main(%new: tensor<1x2x?x3xf32> {onnx.name = "new", onnx.dims = ["", "", "new", ""]}, %past: tensor<1x2x?x3xf32> {onnx.name = "past", onnx.dims = ["", "", "past", ""], hgf.state_result = 1 : i32, hgf.state_axis = 2 : i32}) -> (tensor<1x2x3xf32> {onnx.name = "total"}, tensor<1x2x?x3xf32> {onnx.name = "present"}) {
  %zero = arith.constant 0.0 : f32
  %present = hgf.cache_append %past, %new axis 2 : tensor<1x2x?x3xf32>, tensor<1x2x?x3xf32> -> tensor<1x2x?x3xf32>
  %empty = tensor.empty() : tensor<1x2x3xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %total = linalg.reduce ins(%present : tensor<1x2x?x3xf32>) outs(%init : tensor<1x2x3xf32>) dimensions = [2]
    (%in: f32, %out: f32) {
      %sum = arith.addf %in, %out : f32
      linalg.yield %sum : f32
    }
  return %total, %present : tensor<1x2x3xf32>, tensor<1x2x?x3xf32>
}
"""


def test_state_appends_in_place(tmp_path):
    compile_module(CACHE, tmp_path / "cache.so")
    model = Model(tmp_path / "cache.so", max_context=16)
    history = np.zeros((1, 2, 0, 3), np.float32)
    for step, length in enumerate([3, 1, 0, 5]):
        new = np.random.default_rng(step).standard_normal((1, 2, length, 3), np.float32)
        history = np.concatenate([history, new], axis=2)
        total, present = model(new=new)
        np.testing.assert_array_equal(present, history)
        np.testing.assert_allclose(total, history.sum(axis=2), atol=1e-5)


def test_data_dependent_shape_is_refused(tmp_path):
    text = """
    func.func @main(%x: tensor<4xf32>, %n: tensor<index>) -> tensor<?xf32> {
      %size = tensor.extract %n[] : tensor<index>
      %head = tensor.extract_slice %x[0] [%size] [1] : tensor<4xf32> to tensor<?xf32>
      return %head : tensor<?xf32>
    }"""
    with pytest.raises(RuntimeError, match="depends on the contents of a tensor"):
        compile_module(text, tmp_path / "head.so")


@pytest.mark.parametrize("weights", ["embed", "side"])
def test_large_constant(tmp_path, weights):
    table = np.arange(3000, dtype=np.float32)
    text = f"""
    func.func @main(%x: tensor<3000xf32>) -> tensor<3000xf32> {{
      %table = arith.constant dense<{[float(value) for value in table]}> : tensor<3000xf32>
      %ids = arith.constant dense<{[int(value) for value in table]}> : tensor<3000xi32>
      %numbers = arith.sitofp %ids : tensor<3000xi32> to tensor<3000xf32>
      %y = arith.addf %x, %table : tensor<3000xf32>
      %z = arith.addf %y, %numbers : tensor<3000xf32>
      return %z : tensor<3000xf32>
    }}"""
    compile_module(text, tmp_path / "table.so", f"--weights={weights}")
    side = tmp_path / "table.so.weights"
    assert side.exists() == (weights == "side")
    x = np.ones(3000, np.float32)
    np.testing.assert_array_equal(Model(tmp_path / "table.so")(x)[0], x + 2 * table)
    if weights == "side":
        side.write_bytes(side.read_bytes()[:-1])
        with pytest.raises(RuntimeError, match="bytes"):
            Model(tmp_path / "table.so")


MATMUL = """
func.func @main(%x: tensor<?x?xf32> {{onnx.dims = ["m", "k"]}}, %w: tensor<{w}xf32> {{onnx.dims = [{w_dims}]}}) -> tensor<?x{n}xf32> {{
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  {size}
  %empty = tensor.empty(%m{dynamic}) : tensor<?x{n}xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x{n}xf32>) -> tensor<?x{n}xf32>
  %y = linalg.generic {{indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> ({map})>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}} ins(%x, %w : tensor<?x?xf32>, tensor<{w}xf32>) outs(%init : tensor<?x{n}xf32>) {{
  ^bb0(%a: f32, %b: f32, %total: f32):
    %product = arith.mulf %a, %b : f32
    %sum = arith.addf %total, %product : f32
    linalg.yield %sum : f32
  }} -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}
"""


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("static", [False, True])
def test_matmul_of_any_size(tmp_path, transposed, static):
    n = 688 if static else "?"
    w = f"{n}x?" if transposed else f"?x{n}"
    axis = 0 if transposed else 1
    text = MATMUL.format(
        n=n, w=w, map="j, k" if transposed else "k, j",
        w_dims='"n", "k"' if transposed else '"k", "n"',
        size="" if static else f"%n = tensor.dim %w, %c{axis} : tensor<{w}xf32>",
        dynamic="" if static else ", %n")
    compile_module(text, tmp_path / "matmul.so")
    model = Model(tmp_path / "matmul.so", threads=2)
    random = np.random.default_rng(0)
    for rows in [0, 1, 2, 7, 33]:
        for inner in [0, 1, 3, 4, 5, 100]:
            for columns in [688] if static else [0, 1, 7, 64]:
                x = random.standard_normal((rows, inner), np.float32)
                w = random.standard_normal((inner, columns), np.float32)
                y = model(x, w.T if transposed else w)[0]
                np.testing.assert_allclose(y, x @ w, atol=1e-4)
