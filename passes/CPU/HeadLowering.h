//===- HeadLowering.h - The calls of a head ---------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_CPU_HEADLOWERING_H
#define HGF_PASSES_CPU_HEADLOWERING_H

#include "KernelCalls.h"

namespace hgf {

/// Emits the calls of kernels that compute `op`, in front of it.
void emitHead(HeadOp op, KernelCalls &calls);

} // namespace hgf

#endif // HGF_PASSES_CPU_HEADLOWERING_H
