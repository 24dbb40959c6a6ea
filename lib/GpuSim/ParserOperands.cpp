//===- ParserOperands.cpp - Operands, and the rows they become ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"
#include "llvm/ADT/StringSwitch.h"

using namespace hgf::gpusim;
using llvm::StringRef;

int Parser::addRow(unsigned bits) {
  function.rowBits.push_back(bits);
  return function.rowBits.size() - 1;
}

int Parser::constant(uint64_t value) {
  for (auto [known, row] : constantRows)
    if (known == value)
      return row;
  int row = addRow(64);
  constantRows.push_back({value, row});
  function.constants.push_back({row, value});
  return row;
}

static std::optional<Special> parseSpecial(StringRef name) {
  return llvm::StringSwitch<std::optional<Special>>(name)
      .Case("%tid.x", Special::TidX)
      .Case("%tid.y", Special::TidY)
      .Case("%tid.z", Special::TidZ)
      .Case("%ntid.x", Special::NtidX)
      .Case("%ntid.y", Special::NtidY)
      .Case("%ntid.z", Special::NtidZ)
      .Case("%ctaid.x", Special::CtaidX)
      .Case("%ctaid.y", Special::CtaidY)
      .Case("%ctaid.z", Special::CtaidZ)
      .Case("%nctaid.x", Special::NctaidX)
      .Case("%nctaid.y", Special::NctaidY)
      .Case("%nctaid.z", Special::NctaidZ)
      .Case("%laneid", Special::LaneId)
      .Case("%warpid", Special::WarpId)
      .Case("%nwarpid", Special::NwarpId)
      .Case("%lanemask_eq", Special::LanemaskEq)
      .Case("%lanemask_le", Special::LanemaskLe)
      .Case("%lanemask_lt", Special::LanemaskLt)
      .Case("%lanemask_ge", Special::LanemaskGe)
      .Case("%lanemask_gt", Special::LanemaskGt)
      .Case("%dynamic_smem_size", Special::DynamicSharedSize)
      .Case("%total_smem_size", Special::TotalSharedSize)
      .Case("%smid", Special::SmId)
      .Default(std::nullopt);
}

int Parser::special(Special which) {
  for (auto [row, known] : function.specials)
    if (known == which)
      return row;
  int row = addRow(32);
  function.specials.push_back({row, which});
  return row;
}

/// The row of a register, a special register or a variable's address.
int Parser::find(StringRef name) {
  if (failed())
    return 0;
  for (auto &scope : llvm::reverse(scopes))
    if (auto known = scope.find(name); known != scope.end())
      return known->second;
  if (auto known = program.variables.find(name);
      known != program.variables.end()) {
    const Variable &variable = known->second;
    if (variable.space == Space::Shared && variable.size == 0)
      return special(Special::DynamicShared);
    // From here on the function's outermost scope knows it.
    if (variable.space == Space::Shared)
      return scopes[1][name] = placeShared(variable);
    return constant(variable.address);
  }
  if (name == "WARP_SZ")
    return constant(32);
  if (name == "_")
    return addRow(64);
  if (std::optional<Special> which = parseSpecial(name))
    return special(*which);
  fail("there is no " + name);
  return 0;
}

int Parser::literal() { return constant(integer()); }

int Parser::atom() {
  if (peek().kind == Token::Integer || peek().is('-'))
    return literal();
  std::string text = name();
  return find(text);
}

Operand Parser::operand() {
  if (accept('['))
    return address();
  if (accept('{'))
    return vector();
  Operand result;
  result.negated = accept('!');
  result.rows.push_back(atom());
  if (accept('|'))
    result.second = atom();
  if (peek().is('+')) {
    next();
    result.offset = integer();
  }
  return result;
}

Operand Parser::address() {
  Operand result;
  result.kind = Operand::Address;
  result.rows.push_back(atom());
  bool minus = peek().is('-');
  if (accept('+') || minus)
    result.offset = integer();
  expect(']');
  return result;
}

Operand Parser::vector() {
  Operand result;
  result.kind = Operand::Vector;
  do
    result.rows.push_back(atom());
  while (!failed() && accept(','));
  expect('}');
  return result;
}
