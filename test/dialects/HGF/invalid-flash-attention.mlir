// RUN: hgf-opt %s -split-input-file -verify-diagnostics

func.func @flash_attention_c1(%q: tensor<4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x4x3x8xf32>) {
  // expected-error @+1 {{flash_attention_c1: expected tensors of rank 4 but got 'tensor<4x3x8xf32>'}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @flash_attention_c2(%q: tensor<1x4x3x8xf32>, %k: tensor<1x3x5x8xf32>, %v: tensor<1x3x5x8xf32>, %init: tensor<1x4x3x8xf32>) {
  // expected-error @+1 {{flash_attention_c2: expected the number of query heads to be a multiple of the key heads but got 4 and 3}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @flash_attention_c3(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x6xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x4x3x8xf32>) {
  // expected-error @+1 {{flash_attention_c3: expected depths, lengths and heads that agree but got}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf32>, tensor<1x2x5x6xf32>, tensor<1x2x5x8xf32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @flash_attention_c4(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x4x3x6xf32>) {
  // expected-error @+1 {{flash_attention_c4: expected the result of shape [1, 4, 3, 8] but got [1, 4, 3, 6]}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) outs(%init : tensor<1x4x3x6xf32>) scale 0.5 -> tensor<1x4x3x6xf32>
  return
}

// -----

func.func @flash_attention_c5_query(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x4x3x8xf32>, %q2: tensor<1x4x2x8xf32>, %k2: tensor<1x2x5x8xf32>, %l: tensor<f32>) {
  // expected-error @+1 {{flash_attention_c5: expected the second query of shape [1, 4, 3, 8] but got [1, 4, 2, 8]}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) second(%q2, %k2, %l : tensor<1x4x2x8xf32>, tensor<1x2x5x8xf32>, tensor<f32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @flash_attention_c5_key(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x4x3x8xf32>, %q2: tensor<1x4x3x8xf32>, %k2: tensor<1x2x4x8xf32>, %l: tensor<f32>) {
  // expected-error @+1 {{flash_attention_c5: expected the second key of shape [1, 2, 5, 8] but got [1, 2, 4, 8]}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) second(%q2, %k2, %l : tensor<1x4x3x8xf32>, tensor<1x2x4x8xf32>, tensor<f32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @flash_attention_c5_lambda(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x4x3x8xf32>, %q2: tensor<1x4x3x8xf32>, %k2: tensor<1x2x5x8xf32>, %l: tensor<1xf32>) {
  // expected-error @+1 {{flash_attention_c5: expected lambda of shape [] but got [1]}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) second(%q2, %k2, %l : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1xf32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @flash_attention_c6_size(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x4x3x8xf32>, %m: tensor<3x4xf32>) {
  // expected-error @+1 {{flash_attention_c6: expected a mask that can be broadcast to the scores but got 'tensor<3x4xf32>'}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) mask(%m : tensor<3x4xf32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @flash_attention_c6_rank(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x4x3x8xf32>, %m: tensor<1x1x1x3x5xf32>) {
  // expected-error @+1 {{flash_attention_c6: expected a mask that can be broadcast to the scores but got 'tensor<1x1x1x3x5xf32>'}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) mask(%m : tensor<1x1x1x3x5xf32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @flash_attention_c7(%q: tensor<1x4x3x8xf16>, %k: tensor<1x2x5x8xf16>, %v: tensor<1x2x5x8xf16>, %init: tensor<1x4x3x8xf16>) {
  // expected-error @+1 {{flash_attention_c7: expected float32 but got 'tensor<1x4x3x8xf16>'}}
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x3x8xf16>, tensor<1x2x5x8xf16>, tensor<1x2x5x8xf16>) outs(%init : tensor<1x4x3x8xf16>) scale 0.5 -> tensor<1x4x3x8xf16>
  return
}
