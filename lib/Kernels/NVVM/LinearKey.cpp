//===- LinearKey.cpp - Names and scratch of a layer -------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/NVVM/LinearKernels.h"

using namespace mlir;
using namespace hgf;

static StringRef getFactorName(FactorType type) {
  switch (type) {
  case FactorType::None:
    return "none";
  case FactorType::F16:
    return "f16";
  case FactorType::BF16:
    return "bf16";
  case FactorType::F32:
    return "f32";
  case FactorType::I8:
    return "i8";
  }
  llvm_unreachable("unknown factor type");
}

/// What both kernels depend on. The offsets of parts in the blob follow from
/// it, so whatever moves one is named.
static void printLayer(llvm::raw_ostream &stream, const GpuLinearKey &key) {
  const LinearParameters &parameters = key.parameters;
  stream << parameters.rows << "x" << parameters.columns << "_"
         << stringifyQuantization(key.quantization) << "_"
         << stringifyGranularity(parameters.granularity);
  if (key.isGrouped())
    stream << parameters.group;
  if (parameters.hasCorrection()) {
    stream << "_correction_" << getFactorName(parameters.a) << "_"
           << getFactorName(parameters.b) << "_rank" << parameters.rank;
    for (auto [rows, ranks] :
         llvm::zip_equal(parameters.segments, parameters.segmentRanks))
      stream << "_" << rows << "by" << ranks;
    if (parameters.gateKind != GateKind::Open)
      stream << "_gate_" << stringifyGateKind(parameters.gateKind)
             << (parameters.rowGate ? "_row" : "");
  }
  if (parameters.bias)
    stream << "_bias";
  if (parameters.norm)
    stream << "_norm";
}

std::string GpuLinearKey::getPrologueName() const {
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << "hgf_prologue_";
  printLayer(stream, *this);
  if (parameters.hasCorrection())
    stream << "_" << stringifyActivation(correctionActivation) << "_"
           << stringifyCorrectionInput(correctionInput);
  if (alignedInput)
    stream << "_aligned";
  return name;
}

std::string GpuLinearKey::getDecodeName() const {
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << "hgf_decode_";
  printLayer(stream, *this);
  if (parameters.levels != Levels::Ternary)
    stream << "_" << stringifyLevels(parameters.levels);
  if (parameters.gateThreshold > 0)
    stream << "_closing";
  if (hasPaddedInput(*this))
    stream << "_padded";
  if (activation != Activation::Identity)
    stream << "_" << stringifyActivation(activation);
  if (residual)
    stream << "_residual";
  stream << "_tokens" << tokens;
  return name;
}

bool hgf::hasPaddedInput(const GpuLinearKey &key) {
  int64_t columns = key.parameters.columns;
  return key.isFloat() && (key.parameters.norm || !key.alignedInput ||
                           WordLayout(columns).getPaddedColumns() != columns);
}

GpuScratch hgf::computeGpuScratch(const GpuLinearKey &key) {
  constexpr int64_t wordBytes = 4;
  const LinearParameters &parameters = key.parameters;
  int64_t columns = WordLayout(parameters.columns).getPaddedColumns();
  GpuScratch scratch;
  auto place = [&](int64_t &offset, bool exists, int64_t bytes) {
    offset = scratch.tokenBytes;
    if (exists)
      scratch.tokenBytes += llvm::alignTo(bytes, GpuScratch::alignment);
  };
  if (key.isFloat())
    place(scratch.inputs, hasPaddedInput(key), columns * wordBytes);
  else
    place(scratch.inputs, true, columns);
  int64_t sums = key.isGrouped() ? columns / WordLayout::wordColumns : 1;
  place(scratch.sums, !key.isFloat(), sums * wordBytes);
  place(scratch.inputScale, !key.isFloat(), wordBytes);
  place(scratch.correction, parameters.hasCorrection(),
        parameters.rank * wordBytes);
  place(scratch.gate, key.gatesInput() || key.gatesOutput(), wordBytes);
  place(scratch.counter, key.gatesOutput(), wordBytes);
  return scratch;
}

bool hgf::needsPrologue(const GpuLinearKey &key) {
  return computeGpuScratch(key).tokenBytes > 0;
}
