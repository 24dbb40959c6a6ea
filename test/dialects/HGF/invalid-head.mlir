// RUN: hgf-opt %s -split-input-file -verify-diagnostics

func.func @head_c1_sizes(%x: tensor<?x20xf32>, %w: tensor<2x1x8x16xf16>, %init: tensor<?x9xf32>) {
  // expected-error @+1 {{head_c1: expected weight of shape [2, 2, 8, 16] but got [2, 1, 8, 16]}}
  %y = hgf.head ins(%x : tensor<?x20xf32>) weight(%w : tensor<2x1x8x16xf16>) outs(%init : tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @head_c1_element(%x: tensor<?x20xf32>, %w: tensor<2x2x8x16xf32>, %init: tensor<?x9xf32>) {
  // expected-error @+1 {{head_c1: expected a weight of f16 or i8 but got 'f32'}}
  %y = hgf.head ins(%x : tensor<?x20xf32>) weight(%w : tensor<2x2x8x16xf32>) outs(%init : tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @head_c1_unknown(%x: tensor<?x?xf32>, %w: tensor<2x2x8x16xf16>, %init: tensor<?x9xf32>) {
  // expected-error @+1 {{head_c1: expected x with a known last dimension but got 'tensor<?x?xf32>'}}
  %y = hgf.head ins(%x : tensor<?x?xf32>) weight(%w : tensor<2x2x8x16xf16>) outs(%init : tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @head_c2_tokens(%x: tensor<3x20xf32>, %w: tensor<2x2x8x16xf16>, %init: tensor<4x9xf32>) {
  // expected-error @+1 {{head_c2: expected init of shape [3, 9] but got [4, 9]}}
  %y = hgf.head ins(%x : tensor<3x20xf32>) weight(%w : tensor<2x2x8x16xf16>) outs(%init : tensor<4x9xf32>) -> tensor<4x9xf32>
  return
}

// -----

func.func @head_c2_outputs(%x: tensor<3x20xf32>, %w: tensor<2x2x8x16xf16>, %init: tensor<3x8xf32>) {
  // expected-error @+1 {{head_c2: expected between 9 and 16 outputs but got 8}}
  %y = hgf.head ins(%x : tensor<3x20xf32>) weight(%w : tensor<2x2x8x16xf16>) outs(%init : tensor<3x8xf32>) -> tensor<3x8xf32>
  return
}

// -----

func.func @head_c3_missing(%x: tensor<3x20xf32>, %w: tensor<2x2x8x16xi8>, %init: tensor<3x9xf32>) {
  // expected-error @+1 {{head_c3: expected scales exactly where the weight is i8 but got 'i8' without scales}}
  %y = hgf.head ins(%x : tensor<3x20xf32>) weight(%w : tensor<2x2x8x16xi8>) outs(%init : tensor<3x9xf32>) -> tensor<3x9xf32>
  return
}

// -----

func.func @head_c3_size(%x: tensor<3x20xf32>, %w: tensor<2x2x8x16xi8>, %s: tensor<9xf32>, %init: tensor<3x9xf32>) {
  // expected-error @+1 {{head_c3: expected scales of shape [16] but got [9]}}
  %y = hgf.head ins(%x : tensor<3x20xf32>) weight(%w : tensor<2x2x8x16xi8>) scales(%s : tensor<9xf32>) outs(%init : tensor<3x9xf32>) -> tensor<3x9xf32>
  return
}

// -----

func.func @head_c4(%x: tensor<3x20xf32>, %w: tensor<2x2x8x16xf16>, %b: tensor<9xf32>, %init: tensor<3x9xf32>) {
  // expected-error @+1 {{head_c4: expected bias of shape [16] but got [9]}}
  %y = hgf.head ins(%x : tensor<3x20xf32>) weight(%w : tensor<2x2x8x16xf16>) bias(%b : tensor<9xf32>) outs(%init : tensor<3x9xf32>) -> tensor<3x9xf32>
  return
}
