//===- DescribeTarget.cpp - What binaries for a target hold ---------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Driver/Driver.h"
#include "hgf/Target/CPU/EncodingChoice.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

LogicalResult hgf::describeTarget(MLIRContext &context,
                                  const CompileOptions &options,
                                  llvm::raw_ostream &stream) {
  Location location = UnknownLoc::get(&context);
  if (failed(createTargetMachine(location, options.target)))
    return failure();
  std::string triple = getTriple(options.target);
  auto levels =
      selectInstructionLevels(triple, options.target.cpu, options.level);
  if (levels.empty())
    return emitError(location)
           << "expected the instruction level to be one of the target's but "
              "got '"
           << options.level << "'";
  stream << "target: " << triple << ", --cpu=" << options.target.cpu << '\n';
  stream << "kernels: "
         << (levels.size() == 1
                 ? "one level, fixed when a model is compiled"
                 : "several levels in each binary; at load the last one is "
                   "chosen that the processor and the operating system support")
         << '\n';
  for (const InstructionLevel *level : levels) {
    std::string needs = listFeatures(*level);
    stream << llvm::formatv("  {0,-11} {1}\n", level->name,
                            level->detection.empty() && !level->savedState
                                ? "every processor of the target"
                                : "needs " + needs);
  }
  stream << "encodings of weights:\n";
  for (const Encoding *encoding : getEncodings())
    if (explainRefusal(*encoding, levels).empty())
      stream << llvm::formatv("  {0,-11} {1:F3} bits per weight\n",
                              encoding->getName(),
                              encoding->getBitsPerWeight());
  return success();
}
