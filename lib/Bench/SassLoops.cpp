//===- SassLoops.cpp - Inner loops in a GPU's code ------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SassLoops.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace hgf;
using llvm::StringRef;

namespace {

/// What an instruction is executed by.
enum class Pipeline { Nothing, Logic, Products, Other };

/// Instructions [begin, end), the last of which goes back to the first.
struct Range {
  size_t begin = 0;
  size_t end = 0;

  bool contains(const Range &other) const {
    return begin <= other.begin && other.end <= end &&
           (begin != other.begin || end != other.end);
  }
};

} // namespace

static Pipeline classify(const SassInstruction &instruction) {
  return llvm::StringSwitch<Pipeline>(instruction.getBaseOpcode())
      .Case("NOP", Pipeline::Nothing)
      .Cases({"IDP", "IMAD", "IMUL", "FADD", "FMUL", "FFMA", "HADD2", "HMUL2",
              "HFMA2"},
             Pipeline::Products)
      .Cases({"IADD",      "IADD3",     "IABS", "IMNMX", "VIMNMX",
              "VIADD",     "VIADDMNMX", "LEA",  "LOP",   "LOP3",
              "PLOP3",     "SHF",       "SHL",  "SHR",   "PRMT",
              "SEL",       "ISETP",     "BMSK", "SGXT",  "VABSDIFF",
              "VABSDIFF4", "MOV",       "FSEL", "VIADD3"},
             Pipeline::Logic)
      .Default(Pipeline::Other);
}

int64_t hgf::countMultiplyAdds(const SassInstruction &instruction) {
  StringRef base = instruction.getBaseOpcode();
  StringRef form = StringRef(instruction.opcode).split('.').second;
  if (base == "IDP")
    return form.starts_with("4A") ? 4 : form.starts_with("2A") ? 2 : 0;
  if (base != "IMMA")
    return 0;
  // A warp's product of matrices, M, N and K without anything between.
  return llvm::StringSwitch<int64_t>(form.split('.').first)
      .Case("16832", 16 * 8 * 32 / 32)
      .Case("16816", 16 * 8 * 16 / 32)
      .Case("8816", 8 * 8 * 16 / 32)
      .Default(0);
}

static InstructionMix countMix(llvm::ArrayRef<SassInstruction> code) {
  InstructionMix mix;
  for (const SassInstruction &instruction : code) {
    Pipeline pipeline = classify(instruction);
    mix.total += pipeline != Pipeline::Nothing;
    mix.logic += pipeline == Pipeline::Logic;
    mix.products += pipeline == Pipeline::Products;
  }
  return mix;
}

InstructionMix SassLoop::getMix(int64_t tokens) const {
  double weights =
      static_cast<double>(multiplyAdds) / static_cast<double>(tokens);
  InstructionMix mix = countMix(instructions);
  return {mix.total / weights, mix.logic / weights, mix.products / weights};
}

static int64_t sumMultiplyAdds(llvm::ArrayRef<SassInstruction> code) {
  int64_t count = 0;
  for (const SassInstruction &instruction : code)
    count += countMultiplyAdds(instruction);
  return count;
}

std::optional<SassLoop> hgf::findSassLoop(const SassFunction &function) {
  llvm::ArrayRef<SassInstruction> code = function.instructions;
  llvm::SmallVector<std::pair<Range, int64_t>> loops;
  for (size_t index = 0; index < code.size(); ++index) {
    std::optional<size_t> target = function.getTarget(code[index]);
    if (!target || *target > index)
      continue;
    Range range = {*target, index + 1};
    int64_t multiplyAdds =
        sumMultiplyAdds(code.slice(range.begin, range.end - range.begin));
    // Two ways back to the same label are one loop.
    llvm::erase_if(loops, [&](const auto &other) {
      return other.first.begin == range.begin;
    });
    // Loops without multiplications inside count for nothing.
    if (multiplyAdds)
      loops.emplace_back(range, multiplyAdds);
  }
  const std::pair<Range, int64_t> *best = nullptr;
  for (const auto &loop : loops) {
    bool isInnermost = llvm::none_of(loops, [&](const auto &other) {
      return loop.first.contains(other.first);
    });
    if (isInnermost && (!best || loop.second > best->second))
      best = &loop;
  }
  if (best)
    return SassLoop{
        code.slice(best->first.begin, best->first.end - best->first.begin),
        best->second, /*isLoop=*/true};
  auto multiplies = [](const SassInstruction &instruction) {
    return countMultiplyAdds(instruction) > 0;
  };
  const SassInstruction *first = llvm::find_if(code, multiplies);
  if (first == code.end())
    return std::nullopt;
  const SassInstruction *last = code.end();
  while (!multiplies(last[-1]))
    --last;
  const SassInstruction *begin =
      std::find_if(code.begin(), first, [](const SassInstruction &instruction) {
        return instruction.getBaseOpcode() == "LDG" &&
               StringRef(instruction.opcode).contains(".128");
      });
  llvm::ArrayRef<SassInstruction> stretch(begin, last);
  return SassLoop{stretch, sumMultiplyAdds(stretch), /*isLoop=*/false};
}

InstructionMix hgf::countExecuted(const SassFunction &function,
                                  const SassLoop &loop, double multiplyAdds) {
  InstructionMix all = countMix(function.instructions);
  if (!loop.isLoop)
    return all;
  InstructionMix once = countMix(loop.instructions);
  // The loop counts once in all of the function.
  double more = (multiplyAdds -
                 static_cast<double>(sumMultiplyAdds(function.instructions))) /
                static_cast<double>(loop.multiplyAdds);
  return {all.total + more * once.total, all.logic + more * once.logic,
          all.products + more * once.products};
}
