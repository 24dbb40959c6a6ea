// RUN: hgf-opt %s --split-input-file --pack-weights="target=x86_64-linux-gnu level=avx512vbmi encoding=trits3in5" | FileCheck %s
// RUN: hgf-opt %s --split-input-file --pack-weights="target=x86_64-linux-gnu cpu=x86-64-v3" | FileCheck %s --check-prefix=AVX2

// Three trits in five bits: 40 bytes a row, eight rows, and what loads reach
// behind them; then the scale.
// CHECK: bits = 1.66{{.*}} encoding = "trits3in5", encoding_reason = "it was asked for"{{.*}}kernel = "trits3in5_int8_tensor"
// CHECK: hgf.weights @hgf_weights_0 {{.*}} size 448
// CHECK: !hgf.packed<2 by 3, encoding = "trits3in5", scale = tensor>
// AVX2: encoding = "planes2", encoding_reason = "the level avx2 lacks avx512vbmi"
func.func @any(%x: tensor<4x3xf32>, %init: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) outs(%init : tensor<4x2xf32>) quantization reciprocal -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// CHECK: encoding = "planes2", encoding_reason = "trits3in5 cannot hold groups of 32 columns"
func.func @groups(%x: tensor<4x3xf32>, %init: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<2xf32> -> !hgf.ternary<2 by 3, scale = group, group = 32>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = group, group = 32>) outs(%init : tensor<4x2xf32>) quantization reciprocal -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// CHECK: encoding = "planes2", encoding_reason = "trits3in5 cannot hold four levels"
func.func @four_levels(%x: tensor<4x3xf32>, %init: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3 of odd, scale = tensor>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3 of odd, scale = tensor>) outs(%init : tensor<4x2xf32>) quantization reciprocal -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
