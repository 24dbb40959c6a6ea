//===- Options.h - What a compilation is asked to do ------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PIPELINE_OPTIONS_H
#define HGF_PIPELINE_OPTIONS_H

#include "mlir/Pass/PassOptions.h"

namespace hgf {

/// Options of the whole pipeline. They are passed down as a struct: no library
/// reads a global option.
struct PipelineOptions : public mlir::PassPipelineOptions<PipelineOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("Target triple; empty means the machine that compiles"),
      llvm::cl::init("")};
  Option<std::string> cpu{
      *this, "cpu",
      llvm::cl::desc("LLVM CPU name, 'native', or 'portable' (variants in one "
                     "binary, chosen at load)"),
      llvm::cl::init("portable")};
  ListOption<std::string> gpus{
      *this, "gpu",
      llvm::cl::desc("Chips that the gpu phase translates kernels for, e.g. "
                     "sm_80")};
  Option<std::string> level{
      *this, "level",
      llvm::cl::desc("The one instruction level that kernels use, whatever the "
                     "CPU; empty means those of the CPU"),
      llvm::cl::init("")};
  Option<std::string> encoding{
      *this, "encoding",
      llvm::cl::desc("Encoding of the weights, or 'auto': what the target's "
                     "table expects to be fastest"),
      llvm::cl::init("auto")};
  Option<bool> portableDots{
      *this, "portable-dots",
      llvm::cl::desc("Lower the levels' schedules without any instruction that "
                     "some CPU of the target lacks"),
      llvm::cl::init(false)};
  Option<int64_t> prefillFrom{
      *this, "prefill-from",
      llvm::cl::desc(
          "Tokens from which on layers take the prefill form; 0: what "
          "the level's table says"),
      llvm::cl::init(0)};
  ListOption<std::string> dimensions{
      *this, "dim",
      llvm::cl::desc("NAME=VALUE pairs that fix symbolic dimensions")};
  Option<double> closedGateBound{
      *this, "closed-gate-bound",
      llvm::cl::desc("Corrections whose every |tanh g| lies below this bound "
                     "are deleted; 0 deletes none"),
      llvm::cl::init(0.0)};
  Option<double> gateThreshold{
      *this, "gate-threshold",
      llvm::cl::desc(
          "Dynamic gates below it count as closed, for each token; 0 "
          "closes none"),
      llvm::cl::init(0.0)};
  Option<bool> int8Corrections{
      *this, "int8-corrections",
      llvm::cl::desc("Store the factors of corrections as int8 with one scale "
                     "per rank"),
      llvm::cl::init(false)};
  Option<std::string> head{
      *this, "head",
      llvm::cl::desc("How the large float matrix that makes the output is "
                     "stored: f16, int8 with one scale per row, or keep"),
      llvm::cl::init("f16")};
  Option<bool> reportMissedTernary{
      *this, "report-missed-ternary",
      llvm::cl::desc("Remark at every node that almost is a ternary linear "
                     "which condition failed"),
      llvm::cl::init(false)};
};

} // namespace hgf

#endif // HGF_PIPELINE_OPTIONS_H
