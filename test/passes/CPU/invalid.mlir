// RUN: hgf-opt %s --split-input-file --verify-diagnostics --lower-linear
// RUN: not hgf-opt %S/lower-linear.mlir --lower-weights --lower-linear=target=riscv64-linux-gnu 2>&1 | FileCheck %s

// CHECK: no ternary kernels exist for the target 'riscv64-linux-gnu'; supported: x86-64 and aarch64

func.func @unpacked(%x: memref<1x3xf32>, %y: memref<1x2xf32>, %scratch: memref<584xi8>) {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  // expected-error @below {{expected packed weights and scratch memory}}
  hgf.linear ins(%x : memref<1x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) outs(%y : memref<1x2xf32>) scratch(%scratch : memref<584xi8>) quantization reciprocal
  return
}

// -----

func.func @without_bytes(%x: memref<1x3xf32>, %y: memref<1x2xf32>, %scratch: memref<584xi8>) {
  %w = hgf.packed_constant @nowhere : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
  // expected-error @below {{expected weights that lower-weights has lowered}}
  hgf.linear ins(%x : memref<1x3xf32>) weight(%w : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%y : memref<1x2xf32>) scratch(%scratch : memref<584xi8>) quantization reciprocal
  return
}
