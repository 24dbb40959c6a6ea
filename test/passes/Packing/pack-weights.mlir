// RUN: hgf-opt %s --split-input-file --pack-weights | FileCheck %s

// CHECK: module attributes {hgf.report = [{bits = 2.000000e+00 : f64, columns = 3 : i64, correction = f16, effective_bits = {{.*}} : f64, encoding = "planes2", encoding_reason = "portable binaries hold planes2 only", form = "hgf", kernel = "planes2_int8_row", node = "/proj", rank = 1 : i64, residency = "cache", rows = 2 : i64}]}
// Codes, scales, both factors and the gate, each on its own cache line.
// CHECK: hgf.weights @hgf_weights_0 dense_resource<hgf_weights_0> : tensor<768xi8> size 768
// CHECK-LABEL: @corrected
func.func @corrected(%x: tensor<?x3xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK-NOT: hgf.ternary_constant
  // CHECK: %[[WEIGHT:.*]] = hgf.packed_constant @hgf_weights_0 : <2 by 3, encoding = "planes2", scale = row>
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<[0.5, 0.25]> : tensor<2xf32> -> !hgf.ternary<2 by 3, scale = row>
  %a = arith.constant dense<1.0> : tensor<1x3xf16>
  %b = arith.constant dense<1.0> : tensor<2x1xf16>
  %gate = arith.constant dense<0.5> : tensor<f32>
  // CHECK: hgf.linear {{.*}} weight(%[[WEIGHT]] : !hgf.packed<
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) gate(%gate : tensor<f32>) outs(%init : tensor<?x2xf32>) quantization reciprocal gate_kind static -> tensor<?x2xf32> loc("/proj")
  return %y : tensor<?x2xf32>
}

// -----

// A parameter that is computed has no place in a blob: the layer is left.
// CHECK: missed = "a parameter of the correction, the gate or the bias is not a constant"
// CHECK-LABEL: @computed_bias
func.func @computed_bias(%x: tensor<1x3xf32>, %bias: tensor<2xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
  // CHECK: hgf.ternary_constant
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %y = hgf.linear ins(%x : tensor<1x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) bias(%bias : tensor<2xf32>) outs(%init : tensor<1x2xf32>) quantization reciprocal -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// A sign matrix is a ternary one with the output's vector as row scales.
// CHECK: form = "onebit", kernel = "planes2_float_row"
// CHECK-LABEL: @signs
func.func @signs(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %s = hgf.ternary_constant dense<[-94, 10]> : tensor<2xi8>, dense<1.0> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %u = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf16>
  %v = arith.constant dense<[0.5, 4.0]> : tensor<2xf16>
  // CHECK: %[[INPUT:.*]] = linalg.generic
  // CHECK: arith.extf
  // CHECK: arith.mulf
  // CHECK: hgf.linear ins(%[[INPUT]] : tensor<?x3xf32>) weight(%{{.*}} : !hgf.packed<2 by 3, encoding = "planes2", scale = row>)
  %y = hgf.onebit_linear %x, %u, %s, %v : tensor<?x3xf32>, tensor<3xf16>, !hgf.ternary<2 by 3, scale = tensor>, tensor<2xf16> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
