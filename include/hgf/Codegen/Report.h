//===- Report.h - What was compiled how -*- C++ -*- ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_CODEGEN_REPORT_H
#define HGF_CODEGEN_REPORT_H

#include "mlir/IR/BuiltinOps.h"

namespace hgf {

/// The module's `hgf.report` (an array of dictionaries, one per linear, that
/// the passes filled) as one JSON object {"linears": [...]}.
std::string formatReportAsJSON(mlir::ModuleOp module);

/// The same as a table for people; a sentence where there is no linear.
std::string formatReportAsTable(mlir::ModuleOp module);

} // namespace hgf

#endif // HGF_CODEGEN_REPORT_H
