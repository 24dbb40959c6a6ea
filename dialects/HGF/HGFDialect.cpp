//===- HGFDialect.cpp - Dialect, types and attributes ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hgf;

#include "hgf/Dialect/HGF/HGFDialect.cpp.inc"
#include "hgf/Dialect/HGF/HGFEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "hgf/Dialect/HGF/HGFAttributes.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "hgf/Dialect/HGF/HGFTypes.cpp.inc"

void HGFDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "hgf/Dialect/HGF/HGFTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "hgf/Dialect/HGF/HGFAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "hgf/Dialect/HGF/HGFOps.cpp.inc"
      >();
}

LogicalResult
TernaryType::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                    int64_t rows, int64_t columns, Granularity granularity,
                    int64_t group, Levels levels) {
  if (rows < 1 || columns < 1)
    return emitError() << "ternary_type_c1: expected at least one row and one "
                          "column but got "
                       << rows << " by " << columns;
  if (granularity != Granularity::Group) {
    if (group != 0)
      return emitError() << "ternary_type_c2: expected no group size with "
                         << stringifyGranularity(granularity)
                         << " scales but got " << group;
    return success();
  }
  if (group != 32 && group != 64 && group != 128 && group != 256)
    return emitError() << "ternary_type_c3: expected a group of 32, 64, 128 or "
                          "256 inputs but got "
                       << group;
  return success();
}

int64_t TernaryType::getScaleCount() const {
  switch (getGranularity()) {
  case Granularity::Tensor:
    return 1;
  case Granularity::Row:
    return getRows();
  case Granularity::Group:
    return getRows() * llvm::divideCeil(getColumns(), getGroup());
  }
  llvm_unreachable("unknown granularity");
}

CodeMeaning hgf::getCodeMeaning(Levels levels) {
  switch (levels) {
  case Levels::Ternary:
    return {1, 1};
  case Levels::Odd:
    return {2, 3};
  case Levels::Signed:
    return {1, 2};
  }
  llvm_unreachable("unknown levels");
}

Operation *HGFDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location location) {
  return arith::ConstantOp::materialize(builder, value, type, location);
}
