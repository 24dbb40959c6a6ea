//===- Passes.td - Passes of the cpu phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_CPU_PASSES_TD
#define HGF_PASSES_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // HGF_PASSES_CPU_PASSES_TD
