//===- VerifyContract.h - What must be gone after a phase -------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_PIPELINE_VERIFYCONTRACT_H
#define HGF_LIB_PIPELINE_VERIFYCONTRACT_H

#include "hgf/Pipeline/Phases.h"

namespace hgf {

/// A pass that fails where an operation of `phase.goneAfterwards` is left.
/// `phase` must outlive the pass.
std::unique_ptr<mlir::Pass> createVerifyContractPass(const Phase &phase);

} // namespace hgf

#endif // HGF_LIB_PIPELINE_VERIFYCONTRACT_H
