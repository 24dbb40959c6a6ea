//===- Parser.cpp - Reads a module of PTX ---------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"
#include "hgf/GpuSim/DeviceMemory.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace hgf::gpusim;
using llvm::StringRef;

/// Bytes between two variables in shared memory that belong to neither: a
/// whole round of the banks, so conflicts are counted as without it.
static constexpr uint32_t kSharedGuard = 128;

/// No space has more of it; also what keeps sizes far from overflow.
static constexpr uint64_t kMaximumElements = uint64_t(1) << 32;
static constexpr uint64_t kMaximumShared = 256 * 1024;
static constexpr uint64_t kMaximumLocal = 512 * 1024;
static constexpr uint64_t kMaximumParameters = 32764;
static constexpr uint64_t kMaximumAlignment = 4096;

llvm::Expected<Program> Parser::run() {
  scopes.emplace_back();
  while (!failed() && peek().kind != Token::End)
    topLevel();
  if (failed())
    return llvm::createStringError(failure);
  return std::move(program);
}

const Token &Parser::peek(size_t ahead) const {
  return tokens[std::min(position + ahead, tokens.size() - 1)];
}

const Token &Parser::next() {
  const Token &token = peek();
  if (token.kind == Token::Error)
    fail("unexpected text");
  if (position + 1 < tokens.size())
    ++position;
  return token;
}

bool Parser::accept(char punctuation) {
  if (!peek().is(punctuation))
    return false;
  next();
  return true;
}

void Parser::expect(char punctuation) {
  if (!accept(punctuation))
    fail("expected '" + llvm::Twine(punctuation) + "'");
}

void Parser::fail(const llvm::Twine &message) {
  if (failed())
    return;
  failure = ("line " + llvm::Twine(peek().line) + ": " + message + " before '" +
             peek().text + "'")
                .str();
}

void Parser::skipLine() {
  unsigned line = peek().line;
  while (peek().kind != Token::End && peek().line == line && !failed())
    next();
}

void Parser::skipBraces() {
  while (!peek().is('{') && peek().kind != Token::End && !failed())
    next();
  expect('{');
  while (!peek().is('}') && peek().kind != Token::End && !failed())
    next();
  expect('}');
}

uint64_t Parser::integer() {
  bool negative = accept('-');
  if (peek().kind != Token::Integer) {
    fail("expected an integer");
    return 0;
  }
  uint64_t value = next().value;
  return negative ? -value : value;
}

std::string Parser::name() {
  if (peek().kind != Token::Word) {
    fail("expected a name");
    return "";
  }
  return next().text.str();
}

static std::optional<Space> parseSpace(StringRef word) {
  return llvm::StringSwitch<std::optional<Space>>(word)
      .Case(".global", Space::Global)
      .Case(".const", Space::Const)
      .Case(".shared", Space::Shared)
      .Case(".local", Space::Local)
      .Case(".param", Space::Param)
      .Default(std::nullopt);
}

void Parser::topLevel() {
  StringRef word = peek().text;
  if (word == ".version" || word == ".target" || word == ".address_size" ||
      word == ".file" || word == ".loc")
    return skipLine();
  if (word == ".section")
    return skipBraces();
  if (word == ".visible" || word == ".extern" || word == ".weak" ||
      word == ".common" || word == ".internal") {
    next();
    return;
  }
  if (word == ".entry")
    return entry();
  if (word == ".func")
    return fail("functions are not supported, inline them");
  if (std::optional<Space> space = parseSpace(word)) {
    next();
    declare(declaration(*space));
    return expect(';');
  }
  fail("unknown directive");
}

void Parser::entry() {
  next();
  function = Function();
  labels.clear();
  branches.clear();
  constantRows.clear();
  function.name = name();
  scopes.emplace_back();
  if (accept('('))
    parameters();
  while (!failed() && !peek().is('{'))
    bounds();
  body();
  resolveTargets();
  scopes.pop_back();
  program.functions.push_back(std::move(function));
}

void Parser::parameters() {
  while (!failed() && !accept(')')) {
    if (!peek().is(".param"))
      return fail("expected .param");
    next();
    Declaration parameter = declaration(Space::Param);
    uint64_t size = parameter.bytes();
    uint64_t alignment =
        std::max(parameter.alignment, uint64_t(getBits(parameter.type) / 8));
    if (failed())
      return;
    uint64_t offset = llvm::alignTo(function.parameterBytes,
                                    std::max<uint64_t>(alignment, 1));
    if (offset + size > kMaximumParameters)
      return fail("more than 32764 bytes of parameters");
    function.parameters.push_back(
        {parameter.name, uint32_t(offset), uint32_t(size)});
    function.parameterBytes = offset + size;
    scopes.back()[parameter.name] = constant(offset);
    accept(',');
  }
}

/// .maxntid and its like: sizes that a launch must keep to.
void Parser::bounds() {
  StringRef word = next().text;
  bool threads = word == ".maxntid" || word == ".reqntid";
  if (!threads && word != ".minnctapersm" && word != ".maxnreg" &&
      word != ".maxnctapersm")
    return fail("unknown directive of an entry");
  uint64_t product = 1;
  do
    product *= integer();
  while (accept(','));
  if (threads)
    (word == ".reqntid" ? function.requiredThreads : function.maximumThreads) =
        product;
}

/// What follows the space: `.align 16 .b8 name[64] = {...}`.
Parser::Declaration Parser::declaration(Space space) {
  Declaration result;
  result.space = space;
  while (!failed() && peek().kind == Token::Word &&
         peek().text.starts_with(".")) {
    StringRef word = next().text;
    if (word == ".align")
      result.alignment = integer();
    else if (std::optional<Type> type = parseType(word.drop_front()))
      result.type = *type;
    // Of a pointer that is a parameter: `.u64 .ptr .global .align 16`.
    else if (word != ".ptr" && !parseSpace(word))
      fail("unknown attribute of a variable");
  }
  if (result.type == Type::None)
    fail("expected a type");
  if (!llvm::isPowerOf2_64(result.alignment) ||
      result.alignment > kMaximumAlignment)
    fail("an alignment is a power of two, at most 4096");
  result.name = name();
  while (!failed() && accept('[')) {
    if (peek().is(']'))
      result.unsized = true;
    else
      result.elements *= std::min(integer(), kMaximumElements);
    if (result.elements >= kMaximumElements)
      fail("the variable is too large");
    expect(']');
  }
  if (accept('='))
    initializer(result);
  return result;
}

void Parser::initializer(Declaration &declaration) {
  unsigned depth = 0;
  do {
    if (accept('{'))
      ++depth;
    else if (accept('}'))
      --depth;
    else if (!accept(','))
      declaration.values.push_back(integer());
  } while (depth && !failed());
  if (declaration.values.size() > declaration.elements)
    fail("too many initial values");
}

void Parser::declare(const Declaration &declaration) {
  if (failed())
    return;
  uint64_t alignment =
      std::max(declaration.alignment, uint64_t(getBits(declaration.type) / 8));
  switch (declaration.space) {
  case Space::Shared:
    return declareShared(declaration);
  case Space::Local: {
    uint64_t offset = llvm::alignTo(function.localBytes, alignment);
    if (offset + declaration.bytes() > kMaximumLocal)
      return fail("more than 512 KiB of local memory");
    function.localBytes = offset + declaration.bytes();
    scopes.back()[declaration.name] = constant(offset);
    return;
  }
  case Space::Global:
  case Space::Const:
    return declareGlobal(declaration);
  default:
    return fail("a variable cannot be here");
  }
}

void Parser::declareGlobal(const Declaration &declaration) {
  Variable variable;
  variable.space = declaration.space;
  variable.size = declaration.bytes();
  variable.address = memory.allocate(variable.size);
  if (!variable.address)
    return fail("no memory for a variable");
  memory.fill(variable.address, 0, variable.size);
  unsigned width = getBits(declaration.type) / 8;
  for (auto [index, value] : llvm::enumerate(declaration.values))
    memory.write(variable.address + index * width, &value, width);
  program.variables[declaration.name] = variable;
}

/// The module's variables are placed in each kernel that names them: a kernel
/// is given no others.
void Parser::declareShared(const Declaration &declaration) {
  Variable variable;
  variable.space = Space::Shared;
  variable.size = declaration.unsized ? 0 : declaration.bytes();
  variable.alignment = std::max<uint64_t>(declaration.alignment, 16);
  // An unsized variable begins where the static ones end, which is known
  // once all of them have been read: Special::DynamicShared.
  if (scopes.size() == 1 || declaration.unsized)
    program.variables[declaration.name] = variable;
  else
    scopes.back()[declaration.name] = placeShared(variable);
}

/// The row of the variable's address in the function that is being read.
int Parser::placeShared(const Variable &variable) {
  uint64_t begin = llvm::alignTo(function.sharedBytes, variable.alignment);
  uint64_t end = begin + variable.size;
  if (end > kMaximumShared) {
    fail("more than 256 KiB of shared memory");
    return 0;
  }
  function.sharedRanges.push_back({uint32_t(begin), uint32_t(end)});
  function.sharedBytes = llvm::alignTo(end, kSharedGuard) + kSharedGuard;
  return constant(begin);
}

void Parser::body() {
  expect('{');
  while (!failed() && !peek().is('}'))
    bodyItem();
  expect('}');
}

void Parser::bodyItem() {
  const Token &token = peek();
  if (token.kind == Token::End)
    return fail("expected '}'");
  if (token.is('{')) {
    scopes.emplace_back();
    body();
    scopes.pop_back();
    return;
  }
  if (token.kind == Token::Word && peek(1).is(':')) {
    labels[token.text] = function.instructions.size();
    next();
    return expect(':');
  }
  if (token.is(".loc") || token.is(".file") || token.is(".pragma"))
    return skipLine();
  if (token.is(".reg")) {
    next();
    return registers();
  }
  if (std::optional<Space> space = parseSpace(token.text)) {
    next();
    declare(declaration(*space));
    return expect(';');
  }
  statement();
}

void Parser::registers() {
  StringRef word = next().text;
  std::optional<Type> type = parseType(word.drop_front(!word.empty()));
  if (!type)
    return fail("expected a type");
  do {
    std::string prefix = name();
    if (!accept('<')) {
      scopes.back()[prefix] = addRow(getBits(*type));
      continue;
    }
    uint64_t count = integer();
    expect('>');
    if (count > 100000)
      return fail("too many registers");
    for (uint64_t index = 0; index < count; ++index)
      scopes.back()[prefix + std::to_string(index)] = addRow(getBits(*type));
  } while (!failed() && accept(','));
  expect(';');
}

void Parser::statement() {
  Statement result;
  const Token &first = peek();
  result.line = first.line;
  if (accept('@')) {
    result.negated = accept('!');
    result.predicate = find(name());
  }
  const Token &opcode = peek();
  name();
  if (failed())
    return;
  opcode.text.split(result.words, '.');
  if (result.words[0] == "bra") {
    branches.push_back({uint32_t(function.instructions.size()), peek()});
    next();
  } else {
    while (!failed() && !peek().is(';')) {
      result.operands.push_back(operand());
      if (!accept(','))
        break;
    }
  }
  if (failed())
    return;
  size_t begin = first.text.begin() - ptx.begin();
  result.text =
      ptx.slice(begin, peek().text.begin() - ptx.begin()).trim().str();
  expect(';');
  llvm::Expected<Instruction> instruction = Decoder(result, function).run();
  if (!instruction) {
    failure = llvm::toString(instruction.takeError());
    return;
  }
  function.instructions.push_back(*instruction);
  function.texts.push_back(std::move(result.text));
}

void Parser::resolveTargets() {
  for (auto &[index, token] : branches) {
    auto label = labels.find(token.text);
    if (label == labels.end() && !failed())
      failure = ("line " + llvm::Twine(token.line) + ": there is no label " +
                 token.text)
                    .str();
    if (failed())
      return;
    function.instructions[index].target = label->second;
  }
  // A body may end without ret; a label may stand at its end.
  Statement exit;
  exit.words.push_back("exit");
  exit.line = peek().line;
  llvm::Expected<Instruction> instruction = Decoder(exit, function).run();
  if (!instruction)
    return fail(llvm::toString(instruction.takeError()));
  function.instructions.push_back(*instruction);
  function.texts.push_back("");
}
