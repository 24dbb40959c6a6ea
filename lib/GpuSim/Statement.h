//===- Statement.h - One instruction as it is written ------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_GPUSIM_STATEMENT_H
#define HGF_LIB_GPUSIM_STATEMENT_H

#include "Program.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

namespace hgf::gpusim {

struct Operand {
  enum Kind { Scalar, Vector, Address };
  Kind kind = Scalar;
  /// One row, or those of {a, b, ...}; an address has its base.
  llvm::SmallVector<int, 4> rows;
  int64_t offset = 0;
  /// !%p
  bool negated = false;
  /// The q of `p|q`.
  int second = -1;
};

struct Statement {
  /// The opcode's words, without dots.
  llvm::SmallVector<llvm::StringRef, 8> words;
  llvm::SmallVector<Operand, 6> operands;
  int predicate = -1;
  bool negated = false;
  unsigned line = 0;
  std::string text;
};

/// Turns statements into instructions. A decoder of an opcode takes the
/// modifiers that it knows; one that is left is an error.
class Decoder {
public:
  Decoder(const Statement &statement, const Function &function)
      : statement(statement), function(function) {}

  llvm::Expected<Instruction> run();

  // For the decoders of single opcodes.
  bool take(llvm::StringRef modifier);
  /// Takes the first of the modifiers that is there; its index, or -1.
  int takeOneOf(llvm::ArrayRef<llvm::StringRef> modifiers);
  void expect(llvm::StringRef modifier);
  bool nextIsType() const;
  Type takeType();
  void fail(const llvm::Twine &message);
  /// Operands by form: `s` scalar, `v` scalar or vector, `a` address, all of
  /// which must be there.
  void expectOperands(llvm::StringRef forms);
  void setExecute(ExecuteFunction execute);
  unsigned rowBits(int row) const { return function.rowBits[row]; }
  void addRow(int row);
  /// The value of an operand that is an integer in the text.
  std::optional<uint64_t> constantOf(unsigned operand) const;
  bool isRegister(int row) const;

  const Statement &statement;
  Instruction instruction;

private:
  void checkResult();

  const Function &function;
  size_t word = 1;
  std::string error;
};

using DecodeFunction = void (*)(Decoder &);
using OpcodeTable = llvm::StringMap<DecodeFunction>;

// Each file of instructions enters what it decodes.
void addIntegerOpcodes(OpcodeTable &table);
void addBitOpcodes(OpcodeTable &table);
void addFloatOpcodes(OpcodeTable &table);
void addMoveOpcodes(OpcodeTable &table);
void addConvertOpcodes(OpcodeTable &table);
void addMemoryOpcodes(OpcodeTable &table);
void addCollectiveOpcodes(OpcodeTable &table);
void addAsyncOpcodes(OpcodeTable &table);
void addMatrixOpcodes(OpcodeTable &table);
void addControlOpcodes(OpcodeTable &table);

/// .global and so on; generic without.
Space takeSpace(Decoder &decoder);

const OpcodeTable &getOpcodes();

} // namespace hgf::gpusim

#endif // HGF_LIB_GPUSIM_STATEMENT_H
