//===- Passes.td - Passes of the cpu phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_CPU_PASSES_TD
#define HGF_PASSES_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def OutlineParallel : Pass<"outline-parallel", "mlir::ModuleOp"> {
  let summary = "Turns parallel loops into functions that the runtime's threads call";
  let description = [{
    The body of each outermost `scf.forall` becomes a function
    `(argument, begin, end)` that walks a range of the flattened iteration
    space, and the loop a call of `hgf_rt_parallel`. Captured values travel in a
    structure on the caller's stack. Nested parallel loops run in sequence.
    `@main`, and every function that needs it, receives the runtime's call as first
    argument.

    An attribute `hgf.grain = N : i64` on the loop says how many iterations make
    a piece of work; the default is 1.

    ```mlir
    scf.forall (%i) in (%n) { ... }
    // becomes
    call @hgf_rt_parallel(%call, %body, %argument, %n, %c1)
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::func::FuncDialect",
                           "mlir::arith::ArithDialect", "mlir::scf::SCFDialect"];
}

def AssertToFailure : Pass<"assert-to-failure", "mlir::ModuleOp"> {
  let summary = "Turns cf.assert into a recorded error and an early return";
  let description = [{
    A condition that does not hold is reported to the runtime with
    `hgf_rt_fail` and the function returns, so that nothing after it reads what the
    assertion guards. Runs after structured control flow is gone.

    ```mlir
    cf.assert %inside, "index out of range"
    // becomes
    cf.cond_br %inside, ^continue, ^failed
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::cf::ControlFlowDialect"];
}

def ExpandCopies : Pass<"expand-copies", "mlir::ModuleOp"> {
  let summary = "Turns copies between strided memrefs into linalg.generic";
  let description = [{
    Copies of contiguous memory stay `memref.copy` and become memcpy; all others
    would become calls of MLIR's C runner library, which a compiled model does
    not have.

    ```mlir
    memref.copy %a, %b : memref<4x4xf32, strided<[8, 1]>> to memref<4x4xf32>
    // becomes
    linalg.generic ... ins(%a) outs(%b)
    ```
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect"];
}

def OutlineLinalg : Pass<"outline-linalg", "mlir::ModuleOp"> {
  let summary = "Moves linalg operations to functions that equal ones share";
  let description = [{
    LLVM then sees small functions whose arguments are known not to alias, once
    for all layers of a model, instead of one function with hundreds of loops and the
    arena's offsets in each. The attribute `hgf.noalias` names the pointer
    arguments that alias no other; `emit-entry` turns it into LLVM's.

    ```mlir
    linalg.fill ins(%zero : f32) outs(%a : memref<?xf32>)
    // becomes
    call @hgf_operation_0(%a) : (memref<?xf32>) -> ()
    ```
  }];
  let dependentDialects = ["mlir::func::FuncDialect"];
}

def LowerLinalg : Pass<"lower-linalg", "mlir::func::FuncOp"> {
  let summary = "Turns linalg over memrefs into loops that LLVM vectorizes";
  let description = [{
    The loop along which most operands are contiguous goes innermost. Where it
    is a reduction, the result stays in a register; where a reduction lies right
    around it (a matmul), `unroll-factor` of its steps share one load and store
    of the result. Sums of products may be reassociated and contracted, as in any
    matmul; all other arithmetic keeps its order.

    ```mlir
    linalg.matmul ins(%a, %b) outs(%c)
    // becomes
    scf.for %i { scf.for %k step 4 { scf.for %j { ... } } }
    ```
  }];
  let options = [Option<"unrollFactor", "unroll-factor", "int64_t", "4",
                        "steps of a reduction around the innermost loop">];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::scf::SCFDialect",
                           "mlir::memref::MemRefDialect", "mlir::arith::ArithDialect"];
}

def ExpandReshapes : Pass<"expand-reshapes", "mlir::ModuleOp"> {
  let summary = "Turns reshapes to several dynamic sizes into views";
  let description = [{
    A `memref.expand_shape` that splits one dimension into several of dynamic
    size (`batch * length` rows back to batch and length) becomes a view whose
    strides are computed. Upstream's expand-strided-metadata, which handles all
    other reshapes, only knows one dynamic size in a group.

    ```mlir
    %b = memref.expand_shape %a [[0, 1], [2]] output_shape [%n, %m, 8] : memref<?x8xf32> into memref<?x?x8xf32>
    // becomes
    %b = memref.reinterpret_cast %base to offset: [0], sizes: [%n, %m, 8], strides: [%stride, 8, 1] : memref<f32> to memref<?x?x8xf32>
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::memref::MemRefDialect"];
}

def EmitEntry : Pass<"emit-entry", "mlir::ModuleOp"> {
  let summary = "Writes the functions that the model's descriptor points to";
  let description = [{
    Adds `@hgf_run`, `@hgf_model_arena_bytes` and `@hgf_model_output_dims` with the C
    signatures of lib/Runtime/ModelDescriptor.h. They unpack the runtime's buffers into the
    arguments of `@main`, `@hgf_arena_bytes` and `@hgf_output_dims`, which are in
    the LLVM dialect by now. Dims that contradict the model (a static dim of
    another size, two sizes for one name) are answered with -1 or 1.

    ```mlir
    llvm.func @hgf_run(!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def LowerWeights : Pass<"lower-weights", "mlir::ModuleOp"> {
  let summary = "Turns hgf.weights into external symbols of the LLVM dialect";
  let description = [{
    The bytes stay at the symbol as the attribute `hgf.bytes`: code generation writes
    them to an object or a side file of their own, past LLVM. Runs before
    kernels are built, because these take the symbols' addresses.

    ```mlir
    hgf.weights @layer_0 dense<0> : tensor<64xi8> size 64
    // becomes
    llvm.mlir.global external constant @layer_0() {alignment = 64 : i64, hgf.bytes = dense<0> : tensor<64xi8>} : !llvm.array<64 x i8>
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def ExternalizeConstants : Pass<"externalize-constants", "mlir::ModuleOp"> {
  let summary = "Moves large constants out of LLVM's sight";
  let description = [{
    A constant of `threshold` bytes or more takes the same way as packed
    weights (`lower-weights`): LLVM would hold it several times.

    ```mlir
    llvm.mlir.global private constant @c(dense<...> : tensor<4096xf32>) : !llvm.array<4096 x f32>
    // becomes
    llvm.mlir.global external constant @c() {hgf.bytes = dense<...>} : !llvm.array<4096 x f32>
    ```
  }];
  let options = [Option<"threshold", "threshold", "int64_t", "4096",
                        "fewest bytes of a constant that moves">];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def LowerLinear : Pass<"lower-linear", "mlir::ModuleOp"> {
  let summary = "Turns each hgf.linear into calls of kernels";
  let description = [{
    Every layer becomes loops over tokens and over pieces of its rows that call
    kernels: quantization, the correction's first half, the ternary product with
    its epilogue. lib/Kernels builds them, one per key and instruction level;
    layers with equal keys share them. Loops that are worth it are
    `scf.forall`, so that threads share them. Runs after `lower-weights`.

    A portable binary holds each kernel once per level of the target's table;
    calls go through pointers that `@hgf_initialize` fills at load.

    ```mlir
    hgf.linear ins(%x : memref<1x3xf32>) weight(%w : !hgf.packed<...>) outs(%y : memref<1x2xf32>) scratch(%s : memref<584xi8>) quantization reciprocal
    // becomes
    llvm.call @hgf_kernel_quantize_reciprocal_avx2(...)
    llvm.call @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx2(...)
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "",
           "target triple; empty means the machine that compiles">,
    Option<"cpu", "cpu", "std::string", "\"portable\"",
           "LLVM CPU name, 'native', or 'portable'">
  ];
  let dependentDialects = [
    "mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect",
    "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def ConvertDotToX86 : Pass<"convert-dot-to-x86", "mlir::ModuleOp"> {
  let summary = "Lowers dot products to the instructions of a kernel's level";
  let description = [{
    In functions whose attribute `hgf.level` names a level with instructions
    for it, `hgf.dot_step` becomes a multiplication of bytes and an addition,
    `hgf.dot_widen` a multiplication of pairs by one. All others are left.

    ```mlir
    %sum = hgf.dot_step %acc, %codes, %x : vector<16xi16>, vector<32xi8>
    // becomes, with hgf.level = "avx2"
    %products = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%codes, %x)
    %sum = arith.addi %acc, %products
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect"];
}

def ConvertDotToVector : Pass<"convert-dot-to-vector", "mlir::ModuleOp"> {
  let summary = "Lowers dot products to vectors that every CPU has";
  let description = [{
    Neighbouring bytes are separated by shifts inside lanes of twice the width,
    multiplied and added there; exact for every target and both accumulators.

    ```mlir
    %sum = hgf.dot_step %acc, %codes, %x : vector<8xi16>, vector<16xi8>
    // becomes
    %even = arith.muli ...
    %odd = arith.muli ...
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::vector::VectorDialect"];
}

#endif // HGF_PASSES_CPU_PASSES_TD
