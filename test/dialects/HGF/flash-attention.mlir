// RUN: hgf-opt %s | hgf-opt | FileCheck %s
// RUN: hgf-opt %s --emit-bytecode | hgf-opt | FileCheck %s

// CHECK-LABEL: @grouped_heads
func.func @grouped_heads(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x6xf32>, %init: tensor<1x4x?x6xf32>) -> tensor<1x4x?x6xf32> {
  // CHECK: hgf.flash_attention ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x6xf32>) outs(%{{.*}} : tensor<1x4x?x6xf32>) scale 5.000000e-01 causal -> tensor<1x4x?x6xf32>
  %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x6xf32>) outs(%init : tensor<1x4x?x6xf32>) scale 0.5 causal -> tensor<1x4x?x6xf32>
  return %y : tensor<1x4x?x6xf32>
}

// CHECK-LABEL: @differential_with_mask
func.func @differential_with_mask(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %l: tensor<f32>, %mask: tensor<?x?xf32>, %init: tensor<1x4x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK: second(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<f32>) mask(%{{.*}} : tensor<?x?xf32>) outs
  %y = hgf.flash_attention ins(%q, %k, %k : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) second(%q, %k, %l : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<f32>) mask(%mask : tensor<?x?xf32>) outs(%init : tensor<1x4x?x8xf32>) scale 0.5 -> tensor<1x4x?x8xf32>
  return %y : tensor<1x4x?x8xf32>
}

// CHECK-LABEL: @memrefs
func.func @memrefs(%q: memref<1x4x1x8xf32>, %k: memref<1x2x?x8xf32, strided<[?, ?, 8, 1], offset: ?>>, %scratch: memref<?xi8>, %init: memref<1x4x1x8xf32>) {
  // CHECK: outs(%{{.*}} : memref<1x4x1x8xf32>) scratch(%{{.*}} : memref<?xi8>) scale 5.000000e-01{{$}}
  hgf.flash_attention ins(%q, %k, %k : memref<1x4x1x8xf32>, memref<1x2x?x8xf32, strided<[?, ?, 8, 1], offset: ?>>, memref<1x2x?x8xf32, strided<[?, ?, 8, 1], offset: ?>>) outs(%init : memref<1x4x1x8xf32>) scratch(%scratch : memref<?xi8>) scale 0.5
  return
}
