//===- Lexer.h - Words of PTX ------------------------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_GPUSIM_LEXER_H
#define HGF_LIB_GPUSIM_LEXER_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <vector>

namespace hgf::gpusim {

struct Token {
  enum Kind { Word, Integer, Fraction, Punctuation, String, End, Error };
  Kind kind = End;
  llvm::StringRef text;
  unsigned line = 0;
  /// Of an integer, or the bits of a 0f or 0d literal.
  uint64_t value = 0;

  bool is(char c) const { return kind == Punctuation && text[0] == c; }
  bool is(llvm::StringRef word) const { return kind == Word && text == word; }
};

/// Ends with an End token, or with an Error token at what is no PTX.
std::vector<Token> tokenize(llvm::StringRef ptx);

} // namespace hgf::gpusim

#endif // HGF_LIB_GPUSIM_LEXER_H
