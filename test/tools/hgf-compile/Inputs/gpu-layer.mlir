func.func @main(%x: tensor<?x64xf32> {onnx.name = "x", onnx.dims = ["tokens", ""], onnx.dtype = 1 : i32}) -> (tensor<?x32xf32> {onnx.name = "y", onnx.dtype = 1 : i32}) {
  %w = hgf.ternary_constant dense<36> : tensor<512xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<32 by 64, scale = tensor>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x64xf32>
  %init = tensor.empty(%tokens) : tensor<?x32xf32>
  %y = hgf.linear ins(%x : tensor<?x64xf32>) weight(%w : !hgf.ternary<32 by 64, scale = tensor>) outs(%init : tensor<?x32xf32>) quantization reciprocal -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
