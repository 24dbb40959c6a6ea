//===- AssemblyLoops.cpp - Inner loops in assembly text -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AssemblyLoops.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

#include <bitset>

using namespace hgf;
using llvm::StringRef;
using llvm::Triple;

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

/// Operands are separated by commas outside of brackets.
static void splitOperands(StringRef text, AssemblyInstruction &instruction) {
  size_t begin = 0, depth = 0;
  auto add = [&](size_t end) {
    if (StringRef operand = text.slice(begin, end).trim(); !operand.empty())
      instruction.operands.push_back(operand);
    begin = end + 1;
  };
  for (size_t index = 0; index < text.size(); ++index) {
    char c = text[index];
    if (c == '(' || c == '[' || c == '{')
      ++depth;
    else if ((c == ')' || c == ']' || c == '}') && depth > 0)
      --depth;
    else if (c == ',' && depth == 0)
      add(index);
  }
  add(text.size());
}

/// The line without its comment: AArch64 writes immediates with '#'.
static StringRef stripComment(StringRef line, Triple::ArchType architecture) {
  return line.split(architecture == Triple::aarch64 ? "//" : "#").first.trim();
}

static AssemblyInstruction parseInstruction(StringRef text) {
  AssemblyInstruction instruction;
  instruction.text = text;
  if (text.consume_front("{"))
    text = text.split('}').second.ltrim();
  size_t end = text.find_if(llvm::isSpace);
  instruction.mnemonic = text.take_front(end);
  if (end != StringRef::npos)
    splitOperands(text.drop_front(end), instruction);
  return instruction;
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

namespace {

/// A vector register by its number, whatever part of it is named.
using VectorRegisters = std::bitset<32>;

} // namespace

/// The number of the vector register that `operand` names, or nothing.
static std::optional<unsigned> parseVector(StringRef operand,
                                           Triple::ArchType architecture) {
  if (architecture == Triple::aarch64) {
    if (operand.empty() || !StringRef("vqdshb").contains(operand.front()))
      return std::nullopt;
    operand = operand.drop_front();
  } else if (!operand.consume_front("%xmm") && !operand.consume_front("%ymm") &&
             !operand.consume_front("%zmm")) {
    return std::nullopt;
  }
  unsigned number;
  if (operand.consumeInteger(10, number) || number > 31 ||
      (!operand.empty() && llvm::isAlnum(operand.front())))
    return std::nullopt;
  return number;
}

/// The vector registers that `instruction` writes.
static VectorRegisters getWritten(const AssemblyInstruction &instruction,
                                  Triple::ArchType architecture) {
  VectorRegisters written;
  auto add = [&](StringRef operand) {
    if (std::optional<unsigned> number = parseVector(operand, architecture))
      written.set(*number);
  };
  if (instruction.operands.empty())
    return written;
  if (architecture != Triple::aarch64) {
    add(instruction.operands.back());
    return written;
  }
  if (instruction.mnemonic.starts_with("st"))
    return written;
  if (!instruction.mnemonic.starts_with("ld")) {
    add(instruction.operands.front());
    return written;
  }
  for (StringRef operand : instruction.operands) {
    if (operand.starts_with("["))
      break;
    // A list such as { v0.16b, v1.16b }.
    for (StringRef part : llvm::split(operand.trim("{}"), ','))
      add(part.trim());
  }
  return written;
}

/// Whether what `instruction` writes is the same whenever it runs, given the
/// registers of which that is known.
static bool makesConstant(const AssemblyInstruction &instruction,
                          Triple::ArchType architecture,
                          const VectorRegisters &constants) {
  StringRef name = instruction.mnemonic;
  bool isArm = architecture == Triple::aarch64;
  if (isArm && name == "movi")
    return true;
  bool copies = name.contains("mov") || name.contains("broadcast");
  if (instruction.operands.size() != 2 || !(copies || name.starts_with("ld")))
    return false;
  StringRef source = instruction.operands[isArm ? 1 : 0];
  // The constant pool.
  if (source.contains(".LCPI"))
    return true;
  std::optional<unsigned> number = parseVector(source, architecture);
  // On AArch64 a part of a register may be all that is moved.
  return number && constants.test(*number) &&
         (!isArm || source.ends_with(".16b"));
}

//===----------------------------------------------------------------------===//
// Dot products
//===----------------------------------------------------------------------===//

static DotInstruction classifyArm(const AssemblyInstruction &instruction) {
  if (instruction.operands.size() != 3)
    return {};
  // Lanes of the accumulator: "4s" of "v0.4s".
  StringRef lanes = instruction.operands.front().split('.').second;
  StringRef name = instruction.mnemonic;
  int64_t quadruples = llvm::StringSwitch<int64_t>(name)
                           .Cases({"sdot", "udot", "usdot", "sudot"}, 4)
                           .Cases({"smmla", "ummla", "usmmla"}, 8)
                           .Default(0);
  if (quadruples && (lanes == "4s" || lanes == "2s"))
    return {DotKind::Bytes, quadruples * (lanes == "4s" ? 4 : 2)};
  if (lanes != "8h")
    return {};
  name.consume_back("2");
  if (llvm::is_contained({"smull", "smlal", "smlsl", "umull", "umlal", "umlsl"},
                         name))
    return {DotKind::PairsOfWords, 8};
  if (llvm::is_contained({"mul", "mla", "mls"}, name))
    return {DotKind::Word, 8};
  return {};
}

static DotInstruction classifyX86(const AssemblyInstruction &instruction) {
  StringRef name = instruction.mnemonic;
  name.consume_front("v");
  DotKind kind = llvm::StringSwitch<DotKind>(name)
                     .StartsWith("pdpb", DotKind::Bytes)
                     .Case("pmaddubsw", DotKind::PairsOfWords)
                     .Case("pmullw", DotKind::Word)
                     .Default(DotKind::None);
  if (kind == DotKind::None || instruction.operands.empty())
    return {};
  StringRef target = instruction.operands.back();
  int64_t bytes = llvm::StringSwitch<int64_t>(target.take_front(4))
                      .Case("%xmm", 16)
                      .Case("%ymm", 32)
                      .Case("%zmm", 64)
                      .Default(0);
  if (bytes == 0)
    return {};
  return {kind, kind == DotKind::Word ? bytes / 2 : bytes};
}

DotInstruction hgf::classifyDot(const AssemblyInstruction &instruction,
                                Triple::ArchType architecture) {
  return architecture == Triple::aarch64 ? classifyArm(instruction)
                                         : classifyX86(instruction);
}

/// Fills in the dot products of `loop`.
static void collectDots(KernelLoop &loop, Triple::ArchType architecture,
                        bool constantSources) {
  DotKind strongest = DotKind::None;
  for (const AssemblyInstruction &instruction : loop.instructions)
    strongest =
        std::max(strongest, classifyDot(instruction, architecture).kind);
  if (strongest == DotKind::None)
    return;
  // What the loop does not write is constant in it.
  VectorRegisters constants;
  constants.set();
  auto isConstant = [&](StringRef source) {
    std::optional<unsigned> number = parseVector(source, architecture);
    return number ? constants.test(*number) : source.contains(".LCPI");
  };
  auto visit = [&](const AssemblyInstruction &instruction, bool collects) {
    DotInstruction dot = classifyDot(instruction, architecture);
    llvm::ArrayRef<StringRef> sources(instruction.operands);
    if (collects && dot.kind == strongest) {
      // With two operands the target is a source, too.
      if (sources.size() > 2)
        sources = architecture == Triple::aarch64 ? sources.drop_front()
                                                  : sources.drop_back();
      if (!constantSources || llvm::none_of(sources, isConstant)) {
        loop.dots.push_back(instruction);
        loop.multiplyAdds += dot.multiplyAdds;
      }
    }
    VectorRegisters written = getWritten(instruction, architecture);
    if (makesConstant(instruction, architecture, constants))
      constants |= written;
    else
      constants &= ~written;
  };
  // Registers come into an iteration as the one before left them.
  for (bool collects : {false, true})
    for (const AssemblyInstruction &instruction : loop.instructions)
      visit(instruction, collects);
}

//===----------------------------------------------------------------------===//
// Functions and loops
//===----------------------------------------------------------------------===//

/// The lines of a function, without its label.
static StringRef findBody(StringRef assembly, StringRef function) {
  std::string label = (function + ":").str();
  size_t begin = 0;
  if (!assembly.starts_with(label)) {
    begin = assembly.find("\n" + label);
    if (begin == StringRef::npos)
      return "";
    ++begin;
  }
  StringRef rest = assembly.drop_front(begin + label.size());
  return rest.take_front(rest.find("\n.Lfunc_end"));
}

std::vector<StringRef> hgf::findFunctions(StringRef assembly, StringRef prefix,
                                          StringRef part) {
  std::vector<StringRef> names;
  for (StringRef line : llvm::split(assembly, '\n')) {
    if (!line.starts_with(prefix))
      continue;
    auto [name, rest] = line.split(':');
    // A label has a colon, and nothing but a comment after it.
    if (name.size() < line.size() && name.contains(part) &&
        !name.contains(' ') && !name.contains('\t'))
      names.push_back(name);
  }
  return names;
}

namespace {

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

std::optional<KernelLoop> hgf::findKernelLoop(StringRef assembly,
                                              StringRef function,
                                              Triple::ArchType architecture,
                                              bool constantSources) {
  llvm::SmallVector<AssemblyInstruction, 0> code;
  llvm::StringMap<size_t> labels;
  llvm::SmallVector<Range> loops;
  for (StringRef line : llvm::split(findBody(assembly, function), '\n')) {
    line = stripComment(line, architecture);
    if (line.consume_back(":")) {
      labels[line] = code.size();
      continue;
    }
    if (line.empty() || line.starts_with("."))
      continue;
    code.push_back(parseInstruction(line));
    if (code.back().operands.empty())
      continue;
    // Labels that are known here lie before: what names one goes back.
    auto label = labels.find(code.back().operands.back());
    if (label == labels.end())
      continue;
    Range loop = {label->second, code.size()};
    // Two ways back to the same label are one loop.
    llvm::erase_if(
        loops, [&](const Range &other) { return other.begin == loop.begin; });
    loops.push_back(loop);
  }
  // Loops without dot products inside count for nothing, so that a loop around
  // them may be the innermost that has some.
  llvm::SmallVector<std::pair<Range, KernelLoop>, 0> candidates;
  for (const Range &range : loops) {
    KernelLoop loop;
    loop.instructions.append(code.begin() + range.begin,
                             code.begin() + range.end);
    collectDots(loop, architecture, constantSources);
    if (loop.multiplyAdds)
      candidates.emplace_back(range, std::move(loop));
  }
  std::optional<KernelLoop> best;
  for (const auto &candidate : candidates) {
    const KernelLoop &loop = candidate.second;
    bool isInnermost = llvm::none_of(candidates, [&](const auto &other) {
      return candidate.first.contains(other.first);
    });
    if (isInnermost && (!best || loop.multiplyAdds > best->multiplyAdds))
      best = loop;
  }
  return best;
}

//===----------------------------------------------------------------------===//
// The peak
//===----------------------------------------------------------------------===//

/// `operand` with another register, e.g. "v31.4b[0]" for "v2.4b[0]"; in place
/// of a load a register like `target`.
static std::string replaceRegister(StringRef operand, StringRef target,
                                   unsigned number,
                                   Triple::ArchType architecture) {
  if (!parseVector(operand, architecture))
    operand = target;
  size_t begin = operand.find_first_of("0123456789");
  StringRef rest = operand.drop_front(begin);
  rest = rest.ltrim("0123456789");
  // A mask would be another operand to wait for.
  return (operand.take_front(begin) + llvm::Twine(number) +
          rest.split('{').first.trim())
      .str();
}

std::string hgf::makeIndependentDots(const KernelLoop &loop,
                                     Triple::ArchType architecture,
                                     int64_t repeats) {
  // More accumulators than a multiplication's latency times the multiplications
  // of a cycle, but only registers that every form of instruction can name: on
  // x86 the first sixteen.
  bool isArm = architecture == Triple::aarch64;
  unsigned accumulators = isArm ? 24 : 12;
  unsigned firstSource = isArm ? 30 : 14;
  std::string text;
  unsigned next = 0;
  for (int64_t repeat = 0; repeat < repeats; ++repeat)
    for (const AssemblyInstruction &dot : loop.dots) {
      // "{vex}" and the mnemonic.
      text += dot.text.take_front(dot.mnemonic.end() - dot.text.begin());
      size_t target = isArm ? 0 : dot.operands.size() - 1;
      unsigned source = firstSource;
      for (auto [index, operand] : llvm::enumerate(dot.operands)) {
        unsigned number = index == target ? next : source++;
        text += index ? ", " : "\t";
        text += replaceRegister(operand, dot.operands[target], number,
                                architecture);
      }
      text += '\n';
      next = (next + 1) % accumulators;
    }
  return text;
}
