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

    Loops between which nothing reads or writes memory become one call of
    `hgf_rt_parallel_phases`: one fork, one join, and barriers between. An
    `scf.if` that does nothing but choose between such loops joins as well; the
    loops that it does not choose are empty phases.

    `@main`, and every function that needs it, receives the runtime's call as first
    argument.

    An attribute `hgf.grain = N : i64` on the loop says how many iterations make
    a piece of work; the default is 1.

    Example:

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: f32) {
      scf.forall (%arg2) in (8) {
        memref.store %arg1, %arg0[%arg2] : memref<8xf32>
      }
      return
    }
    ```

    becomes

    ```mlir
    func.func private @main_parallel_0_range(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64) {
      call @main_parallel_0(...
    func.func private @main_parallel_0(%arg0: !llvm.ptr {hgf.call}, %arg1: index, %arg2: index, %arg3: f32, %arg4: memref<8xf32>) {
      scf.for %arg5 = %arg1 to %arg2 step %c1 {
        memref.store %arg3, %arg4[%2] : memref<8xf32>
    func.func @main(%arg0: !llvm.ptr {hgf.call}, %arg1: memref<8xf32>, %arg2: f32) {
      %f = constant @main_parallel_0_range : (!llvm.ptr, i64, i64) -> ()
      call @hgf_rt_parallel(%arg0, ...
      return
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

    Example:

    ```mlir
    func.func @main(%arg0: !llvm.ptr, %arg1: i1) {
      cf.assert %arg1, "index out of range"
      return
    }
    ```

    becomes

    ```mlir
    llvm.mlir.global private constant @hgf_message_0("index out of range\00") ...
    func.func @main(%arg0: !llvm.ptr, %arg1: i1) {
      cf.cond_br %arg1, ^bb1, ^bb2
    ^bb1: ...
      return
    ^bb2: ...
      call @hgf_rt_fail(%arg0, %0, %1) : (!llvm.ptr, i32, !llvm.ptr) -> ()
      return
    }
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

    Example:

    ```mlir
    func.func @main(%arg0: memref<4x4xf32, strided<[8, 1]>>, %arg1: memref<4x4xf32>) {
      memref.copy %arg0, %arg1 : memref<4x4xf32, strided<[8, 1]>> to memref<4x4xf32>
      return
    }
    ```

    becomes

    ```mlir
    linalg.generic ... ins(%arg0 : memref<4x4xf32, strided<[8, 1]>>) outs(%arg1 : memref<4x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    }
    ```
  }];
  let options = [Option<"all", "all", "bool", "false",
                        "also copies of contiguous memory">];
  let dependentDialects = ["mlir::linalg::LinalgDialect"];
}

def OutlineLinalg : Pass<"outline-linalg", "mlir::ModuleOp"> {
  let summary = "Moves linalg operations to functions that equal ones share";
  let description = [{
    LLVM then sees small functions whose arguments are known not to alias, once
    for all layers of a model, instead of one function with hundreds of loops and the
    arena's offsets in each. The attribute `hgf.noalias` names the pointer
    arguments that alias no other; `emit-entry` turns it into LLVM's.

    Example:

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: memref<8xf32>, %arg2: memref<8xf32>) {
      linalg.exp ins(%arg0 : memref<8xf32>) outs(%arg1 : memref<8xf32>)
      linalg.exp ins(%arg1 : memref<8xf32>) outs(%arg2 : memref<8xf32>)
      return
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: memref<8xf32>, %arg2: memref<8xf32>) {
      call @hgf_operation_0(%arg0, %arg1) : (memref<8xf32>, memref<8xf32>) -> ()
      call @hgf_operation_0(%arg1, %arg2) : (memref<8xf32>, memref<8xf32>) -> ()
      return
    }
    func.func private @hgf_operation_0(%arg0: memref<8xf32>, %arg1: memref<8xf32>) attributes {hgf.noalias = array<i64: 1, 6>, ...
      linalg.exp ins(%arg0 : memref<8xf32>) outs(%arg1 : memref<8xf32>)
      return
    }
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
    matmul; all other arithmetic keeps its order. Maxima and minima become LLVM's
    intrinsics, which it vectorizes.

    Example:

    ```mlir
    func.func @main(%arg0: memref<?x?xf32>, %arg1: memref<?x?xf32>, %arg2: memref<?x?xf32>) {
      linalg.matmul ins(%arg0, %arg1 : memref<?x?xf32>, memref<?x?xf32>) outs(%arg2 : memref<?x?xf32>)
      return
    }
    ```

    becomes

    ```mlir
    scf.for %arg3 = ...
      scf.for %arg4 = ... step %c4 {
        scf.for %arg5 = ...
          %2 = memref.load %arg2[%arg3, %arg5] : memref<?x?xf32>
          %5 = arith.mulf %3, %4 fastmath<reassoc,contract> : f32
          %10 = arith.mulf %8, %9 fastmath<reassoc,contract> : f32
          %15 = arith.mulf %13, %14 fastmath<reassoc,contract> : f32
          %20 = arith.mulf %18, %19 fastmath<reassoc,contract> : f32
          memref.store %21, %arg2[%arg3, %arg5] : memref<?x?xf32>
      scf.for %arg4 = ...
        scf.for %arg5 = ...
    ```
  }];
  let options = [Option<"unrollFactor", "unroll-factor", "int64_t", "4",
                        "steps of a reduction around the innermost loop">];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::scf::SCFDialect",
                           "mlir::memref::MemRefDialect", "mlir::arith::ArithDialect",
                           "mlir::LLVM::LLVMDialect"];
}

def ExpandReshapes : Pass<"expand-reshapes", "mlir::ModuleOp"> {
  let summary = "Turns reshapes to several dynamic sizes into views";
  let description = [{
    A `memref.expand_shape` that splits one dimension into several of dynamic
    size (`batch * length` rows back to batch and length) becomes a view whose
    strides are computed. Upstream's expand-strided-metadata, which handles all
    other reshapes, only knows one dynamic size in a group.

    Example:

    ```mlir
    func.func @main(%arg0: memref<?x8xf32>, %arg1: index, %arg2: index) -> memref<?x?x8xf32> {
      %0 = memref.expand_shape %arg0 [[0, 1], [2]] output_shape [%arg1, %arg2, 8] : memref<?x8xf32> into memref<?x?x8xf32>
      return %0 : memref<?x?x8xf32>
    }
    ```

    becomes

    ```mlir
    %base_buffer, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %arg0 : ...
    %0 = arith.muli %strides#0, %arg2 : index
    %reinterpret_cast = memref.reinterpret_cast %base_buffer to offset: [0], sizes: [%arg1, %arg2, 8], strides: [%0, 8, 1] : memref<f32> to memref<?x?x8xf32>
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

    Example:

    ```mlir
    // hgf-opt --hgf-phase-tiling --hgf-phase-bufferization --hgf-phase-cpu
    func.func @main(%arg0: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %0 = math.exp %arg0 : tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```

    becomes

    ```mlir
    llvm.func internal @hgf_main(...
    llvm.func @hgf_run(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr) -> i32 {
    llvm.func @hgf_model_output_dims(%arg0: !llvm.ptr, %arg1: !llvm.ptr) -> i32 {
    llvm.func @hgf_model_arena_bytes(%arg0: !llvm.ptr) -> i64 {
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

    Example:

    ```mlir
    hgf.weights @layer_0 dense<0> : tensor<64xi8> size 64
    ```

    becomes

    ```mlir
    llvm.mlir.global external constant @layer_0() {addr_space = 0 : i32, alignment = 64 : i64, hgf.bytes = dense<0> : tensor<64xi8>} : !llvm.array<64 x i8>
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def ExternalizeConstants : Pass<"externalize-constants", "mlir::ModuleOp"> {
  let summary = "Moves large constants out of LLVM's sight";
  let description = [{
    A constant of `threshold` bytes or more takes the same way as packed
    weights (`lower-weights`): LLVM would hold it several times. With `all` every
    tensor does, as bytes, because the code that reads it may run elsewhere.

    Example:

    ```mlir
    // hgf-opt --externalize-constants=threshold=16
    llvm.mlir.global private constant @c(dense<[1, 2, 3, 4]> : tensor<4xi32>) : !llvm.array<4 x i32>
    ```

    becomes

    ```mlir
    llvm.mlir.global external constant @c() {addr_space = 0 : i32, alignment = 64 : i64, hgf.bytes = dense<[1, 2, 3, 4]> : tensor<4xi32>} : !llvm.array<4 x i32>
    ```
  }];
  let options = [Option<"threshold", "threshold", "int64_t", "4096",
                        "fewest bytes of a constant that moves">,
                 Option<"all", "all", "bool", "false",
                        "every constant moves that is a tensor">];
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
    calls go through pointers that `@hgf_initialize` fills at load. `level`
    takes one row of the table instead, `portable-dots` its schedule without
    its instructions, which runs on any CPU: both are for tests.

    From a number of tokens on that the table gives for each level, a layer
    calls the prefill kernels, which unpack a panel of rows once for many
    tokens; `prefill-from` replaces the number.

    Example:

    ```mlir
    // hgf-opt --lower-weights --lower-linear="target=x86_64-linux-gnu cpu=x86-64-v3"
    hgf.weights @layer_0 dense<0> : tensor<576xi8> size 576
    func.func @main(%arg0: memref<1x3xf32>, %arg1: memref<1x2xf32>, %arg2: memref<584xi8>) {
      %0 = hgf.packed_constant @layer_0 : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
      hgf.linear ins(%arg0 : memref<1x3xf32>) weight(%0 : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%arg1 : memref<1x2xf32>) scratch(%arg2 : memref<584xi8>) quantization reciprocal
      return
    }
    ```

    becomes

    ```mlir
    llvm.call @hgf_kernel_quantize_reciprocal_avx2(...
    scf.for ...
      llvm.call @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx2(...
    llvm.func internal @hgf_kernel_quantize_reciprocal_avx2(...
    llvm.func internal @hgf_kernel_linear_planes2_int8_row_partial_tokens1_avx2(...
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "",
           "target triple; empty means the machine that compiles">,
    Option<"cpu", "cpu", "std::string", "\"portable\"",
           "LLVM CPU name, 'native', or 'portable'">,
    Option<"level", "level", "std::string", "",
           "the one instruction level to use, whatever the CPU">,
    Option<"portableDots", "portable-dots", "bool", "false",
           "use no instruction that any CPU of the target lacks">,
    Option<"prefillFrom", "prefill-from", "int64_t", "0",
           "tokens from which on layers take the prefill form; 0: what the "
           "level's table says">
  ];
  let dependentDialects = [
    "mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect",
    "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def ApproximateMath : Pass<"approximate-math", "mlir::ModuleOp"> {
  let summary = "Turns exp, tanh and erf of float32 into vector arithmetic";
  let description = [{
    The C library takes one number at a time, and no loop that calls it
    vectorizes. The polynomials here have no branch and need no instruction
    beyond SSE2. Largest error over all float32 in units of the last place, with
    and without fused multiply-add:

    | function | error |
    |---|---|
    | `math.exp` | 1.01, subnormal results included |
    | `math.tanh` | 1.30 |
    | `math.erf` | 1.18 |

    Infinities, overflow, NaN and the sign of zero come out as in the C library.
    Upstream's approximations need `math.fma`, which is a call where the CPU
    lacks it, and flush subnormal results.

    Example:

    ```mlir
    func.func @main(%arg0: vector<8xf32>) -> vector<8xf32> {
      %0 = math.exp %arg0 : vector<8xf32>
      return %0 : vector<8xf32>
    }
    ```

    becomes

    ```mlir
    %0 = arith.cmpf ogt, %arg0, ...
    %4 = arith.mulf ... fastmath<contract> : vector<8xf32>
    %5 = arith.addf ... fastmath<contract> : vector<8xf32>
    %6 = arith.bitcast %5 : vector<8xf32> to vector<8xi32>
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect"];
}

def ConvertDotToX86 : Pass<"convert-dot-to-x86", "mlir::ModuleOp"> {
  let summary = "Lowers dot products to the instructions of a kernel's level";
  let description = [{
    In functions whose attribute `hgf.level` names a level with instructions
    for it, `hgf.dot_step` with int16 lanes becomes a multiplication of bytes
    and an addition, `hgf.dot_widen` a multiplication of pairs by one. With
    int32 lanes `hgf.dot_step` is one instruction where the level has VNNI. All
    others are left.

    Example:

    ```mlir
    llvm.func @main(%arg0: vector<16xi16>, %arg1: vector<32xi8>, %arg2: vector<32xi8>) -> vector<16xi16> attributes {hgf.level = "avx2"} {
      %0 = hgf.dot_step %arg0, %arg1, %arg2 : vector<16xi16>, vector<32xi8>
      llvm.return %0 : vector<16xi16>
    }
    ```

    becomes

    ```mlir
    %0 = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%arg1, %arg2) : (vector<32xi8>, vector<32xi8>) -> vector<16xi16>
    %1 = arith.addi %arg0, %0 : vector<16xi16>
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect"];
}

def ConvertDotToArm : Pass<"convert-dot-to-arm", "mlir::ModuleOp"> {
  let summary = "Lowers dot products to the AArch64 instructions of a kernel's level";
  let description = [{
    In functions whose attribute `hgf.level` names a level of AArch64,
    `hgf.dot_step` on 16 bytes becomes `sdot` where the level has dot products
    (`dotprod`), `smmla` where it has products of matrices (`i8mm`) and the step
    is one, and `smull` with an addition, which the code generator joins to
    `smlal`, where each product has its own int16 lane. There `hgf.dot_widen`
    adds lanes in pairs, twice. `hgf.half_step` becomes `fmlal` and `fmlal2`
    where the level has them. All others are left.

    Example:

    ```mlir
    llvm.func @main(%arg0: vector<4xi32>, %arg1: vector<16xi8>, %arg2: vector<16xi8>) -> vector<4xi32> attributes {hgf.level = "dotprod"} {
      %0 = hgf.dot_step %arg0, %arg1, %arg2 : vector<4xi32>, vector<16xi8>
      llvm.return %0 : vector<4xi32>
    }
    ```

    becomes

    ```mlir
    %0 = llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"(%arg0, %arg1, %arg2) : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect", "mlir::vector::VectorDialect"];
}

def ConvertDotToVector : Pass<"convert-dot-to-vector", "mlir::ModuleOp"> {
  let summary = "Lowers dot products to vectors that every CPU has";
  let description = [{
    Neighbouring bytes are separated by shifts inside lanes of twice the width,
    multiplied and added there; exact for every target and both accumulators.

    Example:

    ```mlir
    func.func @main(%arg0: vector<8xi16>, %arg1: vector<16xi8>, %arg2: vector<16xi8>) -> vector<8xi16> {
      %0 = hgf.dot_step %arg0, %arg1, %arg2 : vector<8xi16>, vector<16xi8>
      return %0 : vector<8xi16>
    }
    ```

    becomes

    ```mlir
    %0 = vector.bitcast %arg1 : vector<16xi8> to vector<8xi16>
    %4 = vector.bitcast %arg2 : vector<16xi8> to vector<8xi16>
    %8 = arith.muli %2, %6 : vector<8xi16>
    %9 = arith.muli %3, %7 : vector<8xi16>
    %10 = arith.addi %arg0, %8 : vector<8xi16>
    %11 = arith.addi %10, %9 : vector<8xi16>
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::vector::VectorDialect"];
}

def ConvertUnpackToX86 : Pass<"convert-unpack-to-x86", "mlir::ModuleOp"> {
  let summary = "Lowers what unpacks weights to the instructions of a kernel's level";
  let description = [{
    In functions whose attribute `hgf.level` names a level with AVX-512 VBMI,
    `hgf.multishift` and `hgf.table_lookup` on 64 bytes become one instruction
    each. All others are left. What a shuffle of 64 bytes loads is loaded by
    an instruction of its own.

    Example:

    ```mlir
    llvm.func @main(%arg0: vector<64xi8>, %arg1: vector<64xi8>) -> vector<64xi8> attributes {hgf.level = "avx512vbmi"} {
      %0 = hgf.multishift %arg1 by [0, 5, 10, 15, 20, 25, 30, 35] : vector<64xi8>
      %1 = hgf.table_lookup %arg0, %0 : vector<64xi8>, vector<64xi8>
      llvm.return %1 : vector<64xi8>
    }
    ```

    becomes

    ```mlir
    %0 = llvm.call_intrinsic "llvm.x86.avx512.pmultishift.qb.512"(%cst, %arg1) : (vector<64xi8>, vector<64xi8>) -> vector<64xi8>
    %1 = llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"(%arg0, %0) : (vector<64xi8>, vector<64xi8>) -> vector<64xi8>
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect"];
}

def ConvertUnpackToArm : Pass<"convert-unpack-to-arm", "mlir::ModuleOp"> {
  let summary = "Lowers what unpacks weights to AArch64 instructions";
  let description = [{
    In functions whose attribute `hgf.level` names a level of AArch64,
    `hgf.table_lookup` of 16 bytes in a table of 32 becomes `tbl`. All others
    are left.

    Example:

    ```mlir
    llvm.func @main(%arg0: vector<32xi8>, %arg1: vector<16xi8>) -> vector<16xi8> attributes {hgf.level = "neon"} {
      %0 = hgf.table_lookup %arg0, %arg1 : vector<32xi8>, vector<16xi8>
      llvm.return %0 : vector<16xi8>
    }
    ```

    becomes

    ```mlir
    %0 = arith.andi %arg1, %cst : vector<16xi8>
    %1 = vector.extract_strided_slice %arg0 {offsets = [0], sizes = [16], strides = [1]} : vector<32xi8> to vector<16xi8>
    %2 = vector.extract_strided_slice %arg0 {offsets = [16], sizes = [16], strides = [1]} : vector<32xi8> to vector<16xi8>
    %3 = llvm.call_intrinsic "llvm.aarch64.neon.tbl2.v16i8"(%1, %2, %0) : (vector<16xi8>, vector<16xi8>, vector<16xi8>) -> vector<16xi8>
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect", "mlir::vector::VectorDialect"];
}

def ConvertUnpackToVector : Pass<"convert-unpack-to-vector", "mlir::ModuleOp"> {
  let summary = "Lowers what unpacks weights to vectors that every CPU has";
  let description = [{
    `hgf.multishift` becomes shifts and masks of quadwords, `hgf.table_lookup` a
    loop over the lanes: exact everywhere, meant for tests and for layers that
    were asked for by `--encoding`.

    Example:

    ```mlir
    func.func @main(%arg0: vector<16xi8>, %arg1: vector<16xi8>) -> vector<16xi8> {
      %0 = hgf.table_lookup %arg0, %arg1 : vector<16xi8>, vector<16xi8>
      return %0 : vector<16xi8>
    }
    ```

    becomes

    ```mlir
    %0 = arith.andi %arg1, %cst : vector<16xi8>
    %1 = scf.for ...
      %2 = vector.extract %0[%arg2] : i8 from vector<16xi8>
      %3 = arith.index_castui %2 : i8 to index
      %4 = vector.extract %arg0[%3] : i8 from vector<16xi8>
      %5 = vector.insert %4, %arg3 [%arg2] : i8 into vector<16xi8>
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

#endif // HGF_PASSES_CPU_PASSES_TD
