//===- Passes.td - Passes of the packing phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_PACKING_PASSES_TD
#define HGF_PASSES_PACKING_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // HGF_PASSES_PACKING_PASSES_TD
