// RUN: hgf-opt %s -split-input-file -verify-diagnostics

func.func @linear_c1(%x: tensor<?x4xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>) {
  // expected-error @+1 {{linear_c1: expected x of shape [?, 3] but got [?, 4]}}
  %y = hgf.linear ins(%x : tensor<?x4xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) outs(%i : tensor<?x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x3xf32>) {
  // expected-error @+1 {{linear_c2: expected init of shape [?, 2] but got [?, 3]}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) outs(%i : tensor<?x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>, %a: tensor<1x3xf16>, %b: tensor<3x1xf16>) {
  // expected-error @+1 {{linear_c3: expected b of shape [2, 1] but got [3, 1]}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<3x1xf16>) outs(%i : tensor<?x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @linear_c4(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>, %a: tensor<1x3xi8>, %b: tensor<2x1xf16>) {
  // expected-error @+1 {{linear_c4: expected scales exactly where the factor is i8}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xi8>, tensor<2x1xf16>) outs(%i : tensor<?x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @linear_c5(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>) {
  // expected-error @+1 {{linear_c5: expected the gate operands of 'static'}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) outs(%i : tensor<?x2xf32>) gate_kind static -> tensor<?x2xf32>
  return
}

// -----

func.func @linear_c6(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{linear_c6: expected bias of shape [2] but got [3]}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) bias(%b : tensor<3xf32>) outs(%i : tensor<?x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @linear_c7(%x: tensor<4x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<4x2xf32>, %r: tensor<5x2xf32>) {
  // expected-error @+1 {{linear_c7: expected residual of shape [4, 2] but got [5, 2]}}
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) residual(%r : tensor<5x2xf32>) outs(%i : tensor<4x2xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @linear_c8(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>) {
  // expected-error @+1 {{linear_c8: expected segments that sum to 2 rows but got 3}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) outs(%i : tensor<?x2xf32>) {segments = array<i64: 1, 2>} -> tensor<?x2xf32>
  return
}

// -----

func.func @linear_c9(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>, %g: tensor<f32>) {
  // expected-error @+1 {{linear_c9: expected a correction beside the gate}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) gate(%g : tensor<f32>) outs(%i : tensor<?x2xf32>) gate_kind static -> tensor<?x2xf32>
  return
}

// -----

func.func @linear_c10(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>, %n: tensor<2xf32>) {
  // expected-error @+1 {{linear_c10: expected norm weight of shape [3] but got [2]}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) norm(%n : tensor<2xf32>) outs(%i : tensor<?x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @linear_c11(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<?x2xf32>) {
  // expected-error @+1 {{linear_c11: expected a dynamic gate beside the gate threshold but got 'open'}}
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) outs(%i : tensor<?x2xf32>) gate_threshold 0.5 -> tensor<?x2xf32>
  return
}

// -----

func.func @attention_c1(%q: tensor<4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>) {
  // expected-error @+1 {{attention_c1: expected tensors of rank 4}}
  %y = hgf.attention %q, %k, %v scale 0.5 : tensor<4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x8xf32>
  return
}

// -----

func.func @attention_c2(%q: tensor<1x4x?x8xf32>, %k: tensor<1x3x?x8xf32>, %v: tensor<1x3x?x8xf32>) {
  // expected-error @+1 {{attention_c2: expected the number of query heads to be a multiple}}
  %y = hgf.attention %q, %k, %v scale 0.5 : tensor<1x4x?x8xf32>, tensor<1x3x?x8xf32>, tensor<1x3x?x8xf32> -> tensor<1x4x?x8xf32>
  return
}

// -----

func.func @attention_c3(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x4xf32>, %v: tensor<1x2x?x8xf32>) {
  // expected-error @+1 {{attention_c3: expected depths, lengths and heads that agree}}
  %y = hgf.attention %q, %k, %v scale 0.5 : tensor<1x4x?x8xf32>, tensor<1x2x?x4xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x8xf32>
  return
}

// -----

func.func @attention_c4(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>) {
  // expected-error @+1 {{attention_c4: expected the result of shape [1, 4, ?, 8] but got [1, 4, ?, 16]}}
  %y = hgf.attention %q, %k, %v scale 0.5 : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x16xf32>
  return
}

// -----

func.func @differential_attention_c1(%q: tensor<1x4x?x8xf32>, %k: tensor<1x3x?x8xf32>, %l: tensor<f32>) {
  // expected-error @+1 {{differential_attention_c2: expected the number of query heads}}
  %y = hgf.differential_attention %q, %k, %q, %k, %k lambda %l scale 0.5 : tensor<1x4x?x8xf32>, tensor<1x3x?x8xf32>, tensor<1x3x?x8xf32>, tensor<f32> -> tensor<1x4x?x8xf32>
  return
}

// -----

func.func @cache_append_c1(%p: tensor<1x4x?x8xf32>, %n: tensor<1x3x?x8xf32>) {
  // expected-error @+1 {{cache_append_c1: expected the shape of}}
  %c = hgf.cache_append %p, %n axis 2 : tensor<1x4x?x8xf32>, tensor<1x3x?x8xf32> -> tensor<1x4x?x8xf32>
  return
}

// -----

func.func @dot_step_c1(%a: vector<8xi16>, %c: vector<32xi8>) {
  // expected-error @+1 {{dot_step_c1: expected 32 or 16 lanes}}
  %r = hgf.dot_step %a, %c, %c : vector<8xi16>, vector<32xi8>
  return
}

// -----

func.func @dot_widen_c1(%t: vector<2xi32>, %a: vector<16xi16>) {
  // expected-error @+1 {{dot_widen_c1: expected 4 or 8 lanes}}
  %r = hgf.dot_widen %t, %a : vector<2xi32>, vector<16xi16>
  return
}

// -----

func.func @multishift_c1(%a: vector<12xi8>) {
  // expected-error @+1 {{multishift_c1: expected whole quadwords but got 'vector<12xi8>'}}
  %r = hgf.multishift %a by [0, 5, 10, 15, 20, 25, 30, 35] : vector<12xi8>
  return
}

// -----

func.func @multishift_c2_range(%a: vector<16xi8>) {
  // expected-error @+1 {{multishift_c2: expected shifts between 0 and 63 but got 64}}
  %r = hgf.multishift %a by [0, 5, 10, 15, 20, 25, 30, 64] : vector<16xi8>
  return
}

// -----

func.func @multishift_c2_count(%a: vector<16xi8>) {
  // expected-error @+1 {{multishift_c2: expected 8 shifts but got 2}}
  %r = hgf.multishift %a by [0, 5] : vector<16xi8>
  return
}

// -----

func.func @table_lookup_c1(%a: vector<24xi8>) {
  // expected-error @+1 {{table_lookup_c1: expected a power of two of lanes but got 'vector<24xi8>'}}
  %r = hgf.table_lookup %a, %a : vector<24xi8>, vector<24xi8>
  return
}

// -----

func.func @products_of_matrices_need_int32(%acc: vector<8xi16>, %codes: vector<16xi8>) {
  // expected-error @+1 {{dot_step_c2: expected lanes of i32}}
  %sum = hgf.dot_step matrix %acc, %codes, %codes : vector<8xi16>, vector<16xi8>
  return
}

// -----

func.func @matrices_have_two_rows(%acc: vector<2xi32>, %codes: vector<8xi8>) {
  // expected-error @+1 {{dot_step_c2: expected lanes of i32 and pairs of rows}}
  %sum = hgf.dot_step matrix %acc, %codes, %codes : vector<2xi32>, vector<8xi8>
  return
}

// -----

func.func @half_step_c1(%acc: vector<4xf32>, %factors: vector<8xf16>) {
  // expected-error @+1 {{half_step_c1: expected as many lanes as 'vector<8xf16>' but got 'vector<4xf32>'}}
  %sum = hgf.half_step %acc, %factors, %factors : vector<4xf32>, vector<8xf16>
  return
}
