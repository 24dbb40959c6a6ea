//===- Decoder.cpp - From statements to instructions ----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Statement.h"
#include "llvm/ADT/Twine.h"

using namespace hgf::gpusim;
using llvm::StringRef;

static constexpr std::pair<const char *, Type> kTypes[] = {
    {"pred", Type::Pred}, {"b8", Type::B8},         {"b16", Type::B16},
    {"b32", Type::B32},   {"b64", Type::B64},       {"u8", Type::U8},
    {"u16", Type::U16},   {"u32", Type::U32},       {"u64", Type::U64},
    {"s8", Type::S8},     {"s16", Type::S16},       {"s32", Type::S32},
    {"s64", Type::S64},   {"f16", Type::F16},       {"f16x2", Type::F16x2},
    {"bf16", Type::BF16}, {"bf16x2", Type::BF16x2}, {"f32x2", Type::F32x2},
    {"f32", Type::F32},   {"f64", Type::F64}};

std::optional<Type> hgf::gpusim::parseType(StringRef name) {
  for (auto [text, type] : kTypes)
    if (name == text)
      return type;
  return std::nullopt;
}

unsigned hgf::gpusim::getBits(Type type) {
  switch (type) {
  case Type::None:
    return 0;
  case Type::Pred:
    return 1;
  case Type::B8:
  case Type::U8:
  case Type::S8:
    return 8;
  case Type::B16:
  case Type::U16:
  case Type::S16:
  case Type::F16:
  case Type::BF16:
    return 16;
  case Type::B64:
  case Type::U64:
  case Type::S64:
  case Type::F32x2:
  case Type::F64:
    return 64;
  default:
    return 32;
  }
}

bool hgf::gpusim::isFloat(Type type) { return type >= Type::F16; }

bool hgf::gpusim::isSigned(Type type) {
  return type >= Type::S8 && type <= Type::S64;
}

const OpcodeTable &hgf::gpusim::getOpcodes() {
  static const OpcodeTable opcodes = [] {
    OpcodeTable table;
    addIntegerOpcodes(table);
    addBitOpcodes(table);
    addFloatOpcodes(table);
    addMoveOpcodes(table);
    addConvertOpcodes(table);
    addMemoryOpcodes(table);
    addCollectiveOpcodes(table);
    addAsyncOpcodes(table);
    addMatrixOpcodes(table);
    addControlOpcodes(table);
    return table;
  }();
  return opcodes;
}

bool Decoder::take(StringRef modifier) {
  if (word >= statement.words.size() || statement.words[word] != modifier)
    return false;
  ++word;
  return true;
}

int Decoder::takeOneOf(llvm::ArrayRef<StringRef> modifiers) {
  for (auto [index, modifier] : llvm::enumerate(modifiers))
    if (take(modifier))
      return index;
  return -1;
}

void Decoder::expect(StringRef modifier) {
  if (!take(modifier))
    fail("expected ." + modifier);
}

bool Decoder::nextIsType() const {
  return word < statement.words.size() &&
         parseType(statement.words[word]).has_value();
}

Type Decoder::takeType() {
  if (!nextIsType()) {
    if (word < statement.words.size())
      fail("unknown modifier ." + statement.words[word]);
    fail("expected a type");
    return Type::None;
  }
  return *parseType(statement.words[word++]);
}

void Decoder::fail(const llvm::Twine &message) {
  if (error.empty())
    error = message.str();
}

void Decoder::addRow(int row) {
  if (instruction.operandCount == kMaximumOperands)
    return fail("too many operands");
  instruction.operands[instruction.operandCount++] = row;
}

std::optional<uint64_t> Decoder::constantOf(unsigned operand) const {
  for (auto [row, value] : function.constants)
    if (row == instruction.operands[operand])
      return value;
  return std::nullopt;
}

bool Decoder::isRegister(int row) const {
  auto isIt = [&](const auto &known) { return known.first == row; };
  return llvm::none_of(function.constants, isIt) &&
         llvm::none_of(function.specials, isIt);
}

/// What comes first is written, but for addresses and for what only waits.
void Decoder::checkResult() {
  StringRef opcode = statement.words[0];
  if (statement.operands.empty() || opcode == "bar" || opcode == "barrier" ||
      opcode == "cp")
    return;
  const Operand &result = statement.operands[0];
  if (result.kind == Operand::Address)
    return;
  bool areRegisters =
      llvm::all_of(result.rows, [&](int row) { return isRegister(row); });
  if (!areRegisters || (result.second >= 0 && !isRegister(result.second)))
    fail("the result is no register");
}

void Decoder::expectOperands(StringRef forms) {
  if (statement.operands.size() != forms.size())
    return fail("expected " + llvm::Twine(forms.size()) + " operands");
  bool haveAddress = false;
  for (auto [operand, form] : llvm::zip(statement.operands, forms)) {
    bool fits = form == 'a'   ? operand.kind == Operand::Address
                : form == 's' ? operand.kind == Operand::Scalar
                              : operand.kind != Operand::Address;
    if (!fits)
      return fail("an operand has the wrong form");
    if (operand.offset && operand.kind != Operand::Address)
      return fail("an offset belongs into an address");
    if (operand.negated || operand.second >= 0)
      return fail("! and | do not belong here");
    if (form == 'a') {
      (haveAddress ? instruction.secondOffset : instruction.offset) =
          operand.offset;
      haveAddress = true;
    }
    for (int row : operand.rows)
      addRow(row);
  }
}

void Decoder::setExecute(ExecuteFunction execute) {
  if (!execute)
    fail("this type is not supported here");
  instruction.execute = execute;
}

llvm::Expected<Instruction> Decoder::run() {
  auto entry = getOpcodes().find(statement.words[0]);
  instruction.line = statement.line;
  instruction.predicate = statement.predicate;
  instruction.negated = statement.negated;
  if (entry == getOpcodes().end())
    fail("unknown opcode");
  else
    entry->second(*this);
  if (error.empty() && word < statement.words.size())
    fail("unknown modifier ." + statement.words[word]);
  checkResult();
  if (error.empty())
    return instruction;
  return llvm::createStringError("line " + llvm::Twine(statement.line) + ": " +
                                 error + ": " + statement.text);
}
