// RUN: hgf-opt %s --split-input-file --emit-output-dims -verify-diagnostics

func.func @main(%x: tensor<4xf32>, %count: tensor<index>) -> (tensor<?xf32> {onnx.name = "head"}) {
  %size = tensor.extract %count[] : tensor<index>
  // expected-error @below {{expected the dims of every output to follow from the dims of the inputs, but dim 0 of output 'head' (#0) depends on the contents of a tensor; fix that dimension in the model}}
  %head = tensor.extract_slice %x[0] [%size] [1] : tensor<4xf32> to tensor<?xf32>
  return %head : tensor<?xf32>
}
