//===- SassLoops.cpp - Inner loops in a GPU's code ------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/SassLoops.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <set>

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

static void add(const SassInstruction &instruction, InstructionMix &mix) {
  Pipeline pipeline = classify(instruction);
  mix.total += pipeline != Pipeline::Nothing;
  mix.logic += pipeline == Pipeline::Logic;
  mix.products += pipeline == Pipeline::Products;
}

static InstructionMix countMix(llvm::ArrayRef<SassInstruction> code) {
  InstructionMix mix;
  for (const SassInstruction &instruction : code)
    add(instruction, mix);
  return mix;
}

namespace {

/// The registers that an instruction names, e.g. "R4", "P0" and "UR5".
struct Registers {
  llvm::SmallVector<std::string, 4> written, read;
};

} // namespace

/// Reads the register at the beginning of `text`, "R4.64" for example, and
/// removes its name. "RZ", "PT" and the like are constants.
static bool consumeRegister(StringRef &text, StringRef &bank,
                            unsigned &number) {
  StringRef rest = text;
  for (StringRef name : {"UR", "UP", "R", "P"})
    if (rest.consume_front(name)) {
      bank = name;
      if (rest.consumeInteger(10, number))
        return false;
      text = rest;
      return true;
    }
  return false;
}

/// Registers of `text`, each with as many following ones as `width` says; more
/// where it is named as 64 bits.
static void addRegisters(StringRef text, unsigned width,
                         llvm::SmallVectorImpl<std::string> &registers) {
  bool insideWord = false;
  while (!text.empty()) {
    StringRef bank;
    unsigned number;
    if (insideWord || !consumeRegister(text, bank, number)) {
      insideWord = llvm::isAlnum(text.front()) || text.front() == '_';
      text = text.drop_front();
      continue;
    }
    unsigned count = text.starts_with(".64") ? std::max(width, 2u) : width;
    for (unsigned index = 0; index < (bank.ends_with("P") ? 1 : count); ++index)
      registers.push_back(bank.str() + std::to_string(number + index));
    insideWord = true;
  }
}

/// What `instruction` writes and reads; rather too much than too little is
/// read.
static Registers findRegisters(const SassInstruction &instruction) {
  Registers registers;
  auto [before, operands] =
      StringRef(instruction.text).split(instruction.opcode);
  // A guard: what it leaves out keeps its value.
  bool isGuarded = before.starts_with("@");
  addRegisters(before, 1, registers.read);
  StringRef opcode = instruction.opcode;
  unsigned width = opcode.contains(".128")                              ? 4
                   : opcode.contains(".64") || opcode.contains(".WIDE") ? 2
                                                                        : 1;
  // Stores and branches write no register.
  StringRef first;
  if (!llvm::is_contained({"ST", "STG", "STS", "STL", "BRA", "EXIT", "RED"},
                          instruction.getBaseOpcode()))
    std::tie(first, operands) = operands.split(',');
  addRegisters(first, width, registers.written);
  // Of several results the later ones are predicates.
  for (StringRef next; operands.ltrim().starts_with("P") ||
                       operands.ltrim().starts_with("UP");) {
    std::tie(next, operands) = operands.split(',');
    addRegisters(next, 1, registers.written);
    addRegisters(next, 1, registers.read);
  }
  if (isGuarded)
    registers.read.append(registers.written);
  addRegisters(operands, std::min(width, 2u), registers.read);
  return registers;
}

/// Of `code`, which is executed in order, what its multiplications need.
static InstructionMix countNeeded(llvm::ArrayRef<SassInstruction> code) {
  InstructionMix mix;
  std::set<std::string> needed;
  for (const SassInstruction &instruction : llvm::reverse(code)) {
    Registers registers = findRegisters(instruction);
    bool isNeeded = countMultiplyAdds(instruction) > 0 ||
                    instruction.getBaseOpcode() == "BRA";
    for (const std::string &name : registers.written)
      isNeeded |= needed.erase(name) > 0;
    if (!isNeeded)
      continue;
    needed.insert(registers.read.begin(), registers.read.end());
    add(instruction, mix);
  }
  return mix;
}

InstructionMix SassLoop::getMix(int64_t tokens) const {
  double weights =
      static_cast<double>(multiplyAdds) / static_cast<double>(tokens);
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
  if (best) {
    llvm::ArrayRef<SassInstruction> loop =
        code.slice(best->first.begin, best->first.end - best->first.begin);
    return SassLoop{/*isLoop=*/true, loop, best->second, countMix(loop)};
  }
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
  return SassLoop{/*isLoop=*/false, stretch, sumMultiplyAdds(stretch),
                  countNeeded(stretch)};
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
