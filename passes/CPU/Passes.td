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

#endif // HGF_PASSES_CPU_PASSES_TD
