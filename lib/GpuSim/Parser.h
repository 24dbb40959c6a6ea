//===- Parser.h - Reads a module of PTX --------------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_GPUSIM_PARSER_H
#define HGF_LIB_GPUSIM_PARSER_H

#include "Lexer.h"
#include "Statement.h"

namespace hgf::gpusim {

class DeviceMemory;

/// Recursive descent. An error is kept in `failure`, and everything returns.
class Parser {
public:
  Parser(DeviceMemory &memory, llvm::StringRef ptx)
      : memory(memory), ptx(ptx), tokens(tokenize(ptx)) {}

  llvm::Expected<Program> run();

private:
  struct Declaration {
    Space space = Space::Global;
    std::string name;
    Type type = Type::None;
    uint64_t alignment = 1, elements = 1;
    bool unsized = false;
    std::vector<uint64_t> values;
    uint64_t bytes() const { return elements * (getBits(type) / 8); }
  };

  // Tokens.
  const Token &peek(size_t ahead = 0) const;
  const Token &next();
  bool accept(char punctuation);
  void expect(char punctuation);
  bool failed() const { return !failure.empty(); }
  void fail(const llvm::Twine &message);
  void skipLine();
  void skipBraces();
  uint64_t integer();
  std::string name();

  // The module.
  void topLevel();
  void entry();
  void parameters();
  void bounds();
  Declaration declaration(Space space);
  void initializer(Declaration &declaration);
  void declare(const Declaration &declaration);
  void declareGlobal(const Declaration &declaration);
  void declareShared(const Declaration &declaration);
  int placeShared(const Variable &variable);

  // A function's body.
  void body();
  void bodyItem();
  void registers();
  void statement();
  void branch(Statement &statement);
  void resolveTargets();
  Operand operand();
  Operand address();
  Operand vector();
  int atom();
  int literal();

  // Rows.
  int addRow(unsigned bits);
  int constant(uint64_t value);
  int special(Special which);
  int find(llvm::StringRef name);

  DeviceMemory &memory;
  llvm::StringRef ptx;
  std::vector<Token> tokens;
  size_t position = 0;
  std::string failure;
  Program program;
  Function function;
  /// Names of registers and of a function's variables, innermost last.
  std::vector<llvm::StringMap<int>> scopes;
  llvm::StringMap<uint32_t> labels;
  std::vector<std::pair<uint32_t, Token>> branches;
  std::vector<std::pair<uint64_t, int>> constantRows;
};

} // namespace hgf::gpusim

#endif // HGF_LIB_GPUSIM_PARSER_H
