// RUN: hgf-opt %s -split-input-file -verify-diagnostics

func.func @ternary_constant_c1() {
  // expected-error @+1 {{ternary_constant_c1: expected 2 bytes of codes}}
  %w = hgf.ternary_constant dense<0> : tensor<3xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  return
}

// -----

func.func @ternary_constant_c2() {
  // expected-error @+1 {{ternary_constant_c2: expected 2 float32 scales}}
  %w = hgf.ternary_constant dense<0> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = row>
  return
}

// -----

// expected-error @+1 {{ternary_type_c1: expected at least one row}}
func.func private @ternary_type_c1(!hgf.ternary<0 by 3, scale = row>)

// -----

// expected-error @+1 {{ternary_type_c2: expected no group size}}
func.func private @ternary_type_c2(!hgf.ternary<2 by 3, scale = row, group = 32>)

// -----

// expected-error @+1 {{ternary_type_c3: expected a group of 32, 64, 128 or 256 inputs but got 33}}
func.func private @ternary_type_c3(!hgf.ternary<2 by 3, scale = group, group = 33>)

// -----

func.func @dequantize_c1(%q: tensor<?x3xi8>, %s: tensor<?xf32>) {
  // expected-error @+1 {{dequantize_c1: expected x of shape [?, 3] but got [?, 4]}}
  %x = hgf.dequantize %q, %s : tensor<?x3xi8>, tensor<?xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @dequantize_c2(%q: tensor<?x3xi8>, %s: tensor<?x1xf32>) {
  // expected-error @+1 {{dequantize_c2: expected scale of shape [?]}}
  %x = hgf.dequantize %q, %s : tensor<?x3xi8>, tensor<?x1xf32> -> tensor<?x3xf32>
  return
}

// -----

func.func @quantize_c1(%x: tensor<?x3xf32>) {
  // expected-error @+1 {{quantize_c1: expected q of shape [?, 3] but got [?, 4]}}
  %q, %s = hgf.quantize %x order division : tensor<?x3xf32> -> tensor<?x4xi8>, tensor<?xf32>
  return
}

// -----

func.func @quantize_c2(%x: tensor<?x3xf32>) {
  // expected-error @+1 {{quantize_c2: expected scale of shape [?]}}
  %q, %s = hgf.quantize %x order division : tensor<?x3xf32> -> tensor<?x3xi8>, tensor<?x1xf32>
  return
}

// -----

func.func @quantize_c3(%x: tensor<?x3xf32>) {
  // expected-error @+1 {{quantize_c3: expected an order of rounding}}
  %q, %s = hgf.quantize %x order none : tensor<?x3xf32> -> tensor<?x3xi8>, tensor<?xf32>
  return
}

// -----

func.func @ternary_linear_c1(%x: tensor<?x4xf32>, %w: !hgf.ternary<2 by 3, scale = row>) {
  // expected-error @+1 {{ternary_linear_c1: expected x of shape [?, 3] but got [?, 4]}}
  %y = hgf.ternary_linear ins(%x : tensor<?x4xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) -> tensor<?x2xf32>
  return
}

// -----

func.func @ternary_linear_c2(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>) {
  // expected-error @+1 {{ternary_linear_c2: expected y of shape [?, 2] but got [?, 3]}}
  %y = hgf.ternary_linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) -> tensor<?x3xf32>
  return
}

// -----

func.func @ternary_linear_c3(%x: tensor<?x3xi8>, %w: !hgf.ternary<2 by 3, scale = row>) {
  // expected-error @+1 {{ternary_linear_c3: expected i8 activations exactly where a scale is given}}
  %y = hgf.ternary_linear ins(%x : tensor<?x3xi8>) weight(%w : !hgf.ternary<2 by 3, scale = row>) -> tensor<?x2xf32>
  return
}

// -----

func.func @ternary_linear_c4(%x: tensor<4x3xi8>, %s: tensor<5xf32>, %w: !hgf.ternary<2 by 3, scale = row>) {
  // expected-error @+1 {{ternary_linear_c4: expected scale of shape [4] but got [5]}}
  %y = hgf.ternary_linear ins(%x : tensor<4x3xi8>) scale(%s : tensor<5xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) -> tensor<4x2xf32>
  return
}

// -----

func.func @ternary_linear_c5(%x: tensor<?x3xf32>, %b: tensor<3xf32>, %w: !hgf.ternary<2 by 3, scale = row>) {
  // expected-error @+1 {{ternary_linear_c5: expected bias of shape [2] but got [3]}}
  %y = hgf.ternary_linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) bias(%b : tensor<3xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @low_rank_c1(%x: tensor<?x3xf32>, %a: tensor<1x4xf16>, %b: tensor<2x1xf16>) {
  // expected-error @+1 {{low_rank_c1: expected a of shape [?, 3] but got [1, 4]}}
  %c = hgf.low_rank silu ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x4xf16>, tensor<2x1xf16>) -> tensor<?x2xf32>
  return
}

// -----

func.func @low_rank_c2(%x: tensor<?x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x5xf16>) {
  // expected-error @+1 {{low_rank_c2: expected b of shape [?, 1] but got [2, 5]}}
  %c = hgf.low_rank silu ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x5xf16>) -> tensor<?x2xf32>
  return
}

// -----

func.func @low_rank_c3(%x: tensor<?x3xf32>, %a: tensor<1x3xi8>, %b: tensor<2x1xf16>) {
  // expected-error @+1 {{low_rank_c3: expected scales exactly where the factor is i8}}
  %c = hgf.low_rank silu ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xi8>, tensor<2x1xf16>) -> tensor<?x2xf32>
  return
}

// -----

func.func @low_rank_c4(%x: tensor<?x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>) {
  // expected-error @+1 {{low_rank_c4: expected the result of shape [?, 2] but got [?, 3]}}
  %c = hgf.low_rank silu ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<?x3xf32>
  return
}

// -----

func.func @low_rank_c5(%x: tensor<?x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>) {
  // expected-error @+1 {{low_rank_c5: expected silu or identity but got relu}}
  %c = hgf.low_rank relu ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<?x2xf32>
  return
}

// -----

func.func @static_gate_c1(%g: tensor<1x1xf32>) {
  // expected-error @+1 {{static_gate_c1: expected a scalar or one gate per output}}
  %a = hgf.static_gate %g : tensor<1x1xf32>
  return
}

// -----

func.func @dynamic_gate_c1(%h: tensor<?x3xf32>, %w: tensor<4xf32>, %b: tensor<f32>) {
  // expected-error @+1 {{dynamic_gate_c1: expected w of shape [3] but got [4]}}
  %a = hgf.dynamic_gate %h, %w, %b : tensor<?x3xf32>, tensor<4xf32>, tensor<f32> -> tensor<?x1xf32>
  return
}

// -----

func.func @dynamic_gate_c2(%h: tensor<?x3xf32>, %w: tensor<3xf32>, %b: tensor<f32>) {
  // expected-error @+1 {{dynamic_gate_c2: expected alpha of shape [?, 1] but got [?, 3]}}
  %a = hgf.dynamic_gate %h, %w, %b : tensor<?x3xf32>, tensor<3xf32>, tensor<f32> -> tensor<?x3xf32>
  return
}

// -----

func.func @gated_add_c1(%y: tensor<4x2xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{gated_add_c1: expected a scalar gate, one per output or one per token}}
  %a = hgf.gated_add %y, %y gate %g : tensor<4x2xf32>, tensor<4xf32>
  return
}

// -----

func.func @onebit_linear_c1(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %u: tensor<4xf16>, %v: tensor<2xf16>) {
  // expected-error @+1 {{onebit_linear_c1: expected u of shape [3] but got [4]}}
  %y = hgf.onebit_linear %x, %u, %w, %v : tensor<?x3xf32>, tensor<4xf16>, !hgf.ternary<2 by 3, scale = row>, tensor<2xf16> -> tensor<?x2xf32>
  return
}

// -----

func.func @onebit_linear_c2(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %u: tensor<3xf16>, %v: tensor<4xf16>) {
  // expected-error @+1 {{onebit_linear_c2: expected v of shape [2] but got [4]}}
  %y = hgf.onebit_linear %x, %u, %w, %v : tensor<?x3xf32>, tensor<3xf16>, !hgf.ternary<2 by 3, scale = row>, tensor<4xf16> -> tensor<?x2xf32>
  return
}

// -----

func.func @rms_norm_c1(%x: tensor<?x3xf32>, %w: tensor<4xf32>) {
  // expected-error @+1 {{rms_norm_c1: expected weight of shape [3] but got [4]}}
  %y = hgf.rms_norm %x, %w epsilon 1.0e-5 : tensor<?x3xf32>, tensor<4xf32>
  return
}
