// y = 2 x
func.func @main(%x: tensor<?x4xf32> {onnx.name = "x", onnx.dims = ["rows", ""]}) -> (tensor<?x4xf32> {onnx.name = "y"}) {
  %c0 = arith.constant 0 : index
  %two = arith.constant 2.0 : f32
  %rows = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%rows) : tensor<?x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %value = arith.mulf %a, %two : f32
    linalg.yield %value : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
