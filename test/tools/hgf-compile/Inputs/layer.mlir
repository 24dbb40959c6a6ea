func.func @main(%x: tensor<1x4xf32> {onnx.name = "x", onnx.dims = ["", ""], onnx.dtype = 1 : i32}) -> (tensor<1x2xf32> {onnx.name = "y", onnx.dtype = 1 : i32}) {
  %w = hgf.ternary_constant dense<[36, 81]> : tensor<2xi8>, dense<1.0> : tensor<1xf32> -> !hgf.ternary<2 by 4, scale = tensor>
  %init = tensor.empty() : tensor<1x2xf32>
  %y = hgf.linear ins(%x : tensor<1x4xf32>) weight(%w : !hgf.ternary<2 by 4, scale = tensor>) outs(%init : tensor<1x2xf32>) quantization reciprocal -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
