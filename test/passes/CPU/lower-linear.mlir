// RUN: hgf-opt %s --lower-weights '--lower-linear=target=x86_64-linux-gnu cpu=x86-64-v3' | FileCheck %s
// RUN: hgf-opt %s --lower-weights '--lower-linear=target=x86_64-linux-gnu' | FileCheck %s --check-prefix=PORTABLE
// RUN: hgf-opt %s --lower-weights '--lower-linear=target=x86_64-linux-gnu level=avx512vnni' | FileCheck %s --check-prefix=WIDE
// RUN: hgf-opt %s --lower-weights '--lower-linear=target=x86_64-linux-gnu level=avx512vnni portable-dots' | FileCheck %s --check-prefix=ANYWHERE
// RUN: hgf-opt %s --lower-weights '--lower-linear=target=x86_64-linux-gnu' | FileCheck %s --check-prefix=SOME
// RUN: hgf-opt %s --lower-weights '--lower-linear=target=x86_64-linux-gnu cpu=x86-64-v3 prefill-from=1' | FileCheck %s --check-prefix=PREFILL
// RUN: hgf-opt %s --lower-weights '--lower-linear=target=aarch64-linux-gnu' | FileCheck %s --check-prefix=NEON

// With several levels calls go through pointers that are filled at load.
// PORTABLE: llvm.mlir.global internal @hgf_kernel_linear_planes2_int8_row_partial_tokens1_baseline_pointer() {{.*}} : !llvm.ptr
// PORTABLE: %[[TABLE:.*]] = llvm.mlir.addressof @hgf_kernel_linear_planes2_int8_row_partial_tokens1_baseline_pointer
// PORTABLE: %[[KERNEL:.*]] = llvm.load %[[TABLE]]
// PORTABLE: llvm.call %[[KERNEL]](
// PORTABLE: llvm.func internal @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx2({{.*}}attributes {{.*}}target_cpu = "x86-64-v3"
// PORTABLE: llvm.func @hgf_initialize
// PORTABLE: cpuid

// WIDE: llvm.func internal @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx512vnni({{.*}}target_features = #llvm.target_features<["+avx512f"{{.*}}"+avx512vnni"]>
// WIDE: hgf.dot_step {{.*}} : vector<16xi32>, vector<64xi8>

// The same schedule, but for any CPU.
// ANYWHERE: llvm.func internal @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx512vnni_portable
// ANYWHERE-NOT: target_cpu
// ANYWHERE: hgf.dot_step {{.*}} : vector<16xi32>, vector<64xi8>

// NEON: llvm.func internal @hgf_kernel_linear_planes2_int8_row_partial_tokens1_neon

// Many tokens take unpacked panels of rows.
// PREFILL-LABEL: @two_layers
// PREFILL: llvm.call @hgf_kernel_quantize_reciprocal_avx2(
// PREFILL: llvm.call @hgf_kernel_prefill_planes2_row_partial_avx2(
// PREFILL-NOT: hgf_kernel_linear

// A portable binary asks the level that runs how many tokens are many.
// SOME-LABEL: @two_layers
// SOME-NOT: hgf_crossover
// SOME-LABEL: @sixteen_tokens
// SOME: %[[ADDRESS:.*]] = llvm.mlir.addressof @hgf_crossover
// SOME: %[[CROSSOVER:.*]] = llvm.load %[[ADDRESS]]
// SOME: %[[MANY:.*]] = arith.cmpi sge, %{{.*}}, %[[CROSSOVER]]
// SOME: scf.if %[[MANY]]

hgf.weights @first dense<0> : tensor<576xi8> size 576
hgf.weights @second dense<0> : tensor<576xi8> size 576
hgf.weights @third dense<0> : tensor<576xi8> size 576

// Equal layers share their kernels.
// CHECK-LABEL: @two_layers
func.func @two_layers(%x: memref<1x3xf32>, %y: memref<1x2xf32>, %z: memref<1x2xf32>, %scratch: memref<584xi8>) {
  %v = hgf.packed_constant @first : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
  %w = hgf.packed_constant @second : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
  // CHECK: llvm.mlir.addressof @first
  // CHECK: llvm.call @hgf_kernel_quantize_reciprocal_avx2(
  // CHECK: llvm.call @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx2(
  hgf.linear ins(%x : memref<1x3xf32>) weight(%v : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%y : memref<1x2xf32>) scratch(%scratch : memref<584xi8>) quantization reciprocal
  // CHECK: llvm.mlir.addressof @second
  // CHECK: llvm.call @hgf_kernel_quantize_reciprocal_avx2(
  // CHECK: llvm.call @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx2(
  hgf.linear ins(%x : memref<1x3xf32>) weight(%w : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%z : memref<1x2xf32>) scratch(%scratch : memref<584xi8>) quantization reciprocal
  return
}

func.func @sixteen_tokens(%x: memref<16x3xf32>, %y: memref<16x2xf32>, %scratch: memref<8192xi8>) {
  %v = hgf.packed_constant @third : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
  hgf.linear ins(%x : memref<16x3xf32>) weight(%v : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%y : memref<16x2xf32>) scratch(%scratch : memref<8192xi8>) quantization reciprocal
  return
}

// CHECK-COUNT-1: llvm.func internal @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx2
// CHECK: hgf.dot_step {{.*}} : vector<16xi16>, vector<32xi8>
// CHECK: hgf.dot_widen {{.*}} : vector<8xi32>, vector<16xi16>
// CHECK-NOT: tokens2
