//===- Lexer.cpp - Words of PTX -------------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"
#include "llvm/ADT/StringExtras.h"

using namespace hgf::gpusim;
using llvm::StringRef;

namespace {

class Lexer {
public:
  explicit Lexer(StringRef text) : text(text) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    do
      tokens.push_back(next());
    while (tokens.back().kind != Token::End &&
           tokens.back().kind != Token::Error);
    return tokens;
  }

private:
  char at(size_t index) const { return index < text.size() ? text[index] : 0; }

  void skipBlank() {
    while (position < text.size()) {
      if (text.substr(position).starts_with("//")) {
        position = std::min(text.find('\n', position), text.size());
      } else if (text.substr(position).starts_with("/*")) {
        size_t end = std::min(text.find("*/", position), text.size() - 2) + 2;
        line += text.slice(position, end).count('\n');
        position = end;
      } else if (llvm::isSpace(text[position])) {
        line += text[position] == '\n';
        ++position;
      } else {
        return;
      }
    }
  }

  Token make(Token::Kind kind, size_t end) {
    Token token;
    token.kind = kind;
    token.text = text.slice(position, end);
    token.line = line;
    position = end;
    return token;
  }

  static bool isWordStart(char c) {
    return llvm::isAlpha(c) || c == '_' || c == '$' || c == '%' || c == '.';
  }

  Token next() {
    skipBlank();
    char c = at(position);
    if (position >= text.size())
      return make(Token::End, position);
    if (isWordStart(c))
      return word();
    if (llvm::isDigit(c))
      return number();
    if (c == '"') {
      size_t end = text.find('"', position + 1);
      if (end == StringRef::npos)
        return make(Token::Error, position + 1);
      return make(Token::String, end + 1);
    }
    bool known = StringRef("{}()[]<>,;:@!|+-=*").contains(c);
    return make(known ? Token::Punctuation : Token::Error, position + 1);
  }

  /// Modifiers belong to their opcode: `ld.global.L1::no_allocate` is one word.
  Token word() {
    size_t end = position + 1;
    for (;; ++end) {
      if (at(end) == ':' && at(end + 1) == ':' && llvm::isAlnum(at(end + 2)))
        end += 2;
      char c = at(end);
      if (!llvm::isAlnum(c) && c != '_' && c != '$' && c != '.')
        break;
    }
    return make(Token::Word, end);
  }

  Token number() {
    size_t end = position;
    while (llvm::isAlnum(at(end)))
      ++end;
    // Only .version has one; floats are written by their bits.
    if (at(end) == '.' && llvm::isDigit(at(end + 1))) {
      while (llvm::isDigit(at(++end))) {
      }
      return make(Token::Fraction, end);
    }
    StringRef digits = text.slice(position, end);
    Token token = make(Token::Integer, end);
    bool failed;
    if ((digits.starts_with_insensitive("0f") && digits.size() == 10) ||
        (digits.starts_with_insensitive("0d") && digits.size() == 18)) {
      failed = digits.drop_front(2).getAsInteger(16, token.value);
    } else {
      digits.consume_back("U");
      failed = digits.getAsInteger(0, token.value);
    }
    if (failed)
      token.kind = Token::Error;
    return token;
  }

  StringRef text;
  size_t position = 0;
  unsigned line = 1;
};

} // namespace

std::vector<Token> hgf::gpusim::tokenize(StringRef ptx) {
  return Lexer(ptx).run();
}
