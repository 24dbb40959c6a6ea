//===- NaiveKernel.cpp - A GPU kernel to compare with ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NaiveKernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include <map>

using namespace mlir;

const char *const hgf::naiveKernelName = "hgf_naive";

namespace {

/// Writes the kernel's operations.
class NaiveKernel {
public:
  NaiveKernel(int64_t columns, int64_t tokens)
      : columns(llvm::alignTo(columns, chunkColumns)), tokens(tokens) {}

  std::string run() {
    stream << "llvm.func @" << hgf::naiveKernelName
           << "(%w: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %x: "
              "!llvm.ptr<1> {llvm.noalias, llvm.readonly}, %y: !llvm.ptr<1> "
              "{llvm.noalias}) attributes {nvvm.kernel} {\n";
    // Each lane takes 64 columns, the warp 2048.
    std::string lane = add("llvm.and", readRegister("tid.x"), constant(31));
    std::string thread =
        add("llvm.add",
            add("llvm.mul", readRegister("ctaid.x"), readRegister("ntid.x")),
            readRegister("tid.x"));
    std::string row = add("llvm.lshr", thread, constant(5));
    std::string rowWords =
        add("llvm.mul", row, constant(columns / wordColumns));
    std::string first = add("llvm.mul", lane, constant(chunkColumns));
    std::string step = constant(32 * chunkColumns);
    std::string end = constant(columns);
    std::string zero = constant(0);
    stream << "  llvm.br ^loop(" << first << types(zero, true) << ")\n^loop(%k"
           << ": i32";
    llvm::SmallVector<std::string> sums;
    for (int64_t token = 0; token < tokens; ++token) {
      sums.push_back("%sum" + std::to_string(token));
      stream << ", " << sums.back() << ": i32";
    }
    stream << "):\n";
    std::string inside = define("llvm.icmp \"slt\" %k, " + end + " : i32");
    stream << "  llvm.cond_br " << inside << ", ^body, ^done\n^body:\n";
    llvm::SmallVector<std::string> next = sums;
    addChunk(rowWords, next);
    std::string following = add("llvm.add", "%k", step);
    stream << "  llvm.br ^loop(" << following;
    for (const std::string &sum : next)
      stream << ", " << sum;
    stream << types("", false) << ")\n^done:\n";
    // The lanes' sums as they are: the loop is what is looked at.
    for (int64_t token = 0; token < tokens; ++token) {
      std::string index = add(
          "llvm.add", add("llvm.mul", thread, literal(tokens)), literal(token));
      std::string place = getPointer("%y", index, "i32");
      stream << "  llvm.store " << sums[token] << ", " << place
             << " {alignment = 4 : i64} : i32, !llvm.ptr<1>\n";
    }
    stream << "  llvm.return\n}\n";
    return text;
  }

private:
  static constexpr int64_t wordColumns = 16;
  static constexpr int64_t chunkColumns = 64;

  std::string define(const std::string &operation) {
    std::string name = "%v" + std::to_string(names++);
    stream << "  " << name << " = " << operation << "\n";
    return name;
  }

  std::string literal(int64_t value) {
    return define("llvm.mlir.constant(" + std::to_string(value) +
                  " : i32) : i32");
  }
  /// Blocks dominate those that are written after them, except that what the
  /// loop's body defines is not for the end, which takes literals.
  std::string constant(int64_t value) {
    auto [known, isNew] = constants.try_emplace(value);
    if (isNew)
      known->second = literal(value);
    return known->second;
  }
  std::string add(const std::string &operation, const std::string &left,
                  const std::string &right) {
    return define(operation + " " + left + ", " + right + " : i32");
  }
  std::string readRegister(const std::string &name) {
    return define("nvvm.read.ptx.sreg." + name + " : i32");
  }
  std::string getPointer(const std::string &base, const std::string &index,
                         const std::string &type) {
    return define("llvm.getelementptr " + base + "[" + index +
                  "] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, " + type);
  }
  std::string loadVector(const std::string &pointer) {
    return define("llvm.load " + pointer +
                  " {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>");
  }
  std::string extract(const std::string &vector, int64_t index) {
    return define("llvm.extractelement " + vector + "[" + constant(index) +
                  " : i32] : vector<4xi32>");
  }
  std::string asBytes(const std::string &word) {
    return define("llvm.bitcast " + word + " : i32 to vector<4xi8>");
  }

  /// The rest of a branch's operands: `first` for each token, if it is to be
  /// named, and the types.
  std::string types(const std::string &first, bool named) {
    std::string result;
    for (int64_t token = 0; named && token < tokens; ++token)
      result += ", " + first;
    result += " : i32";
    for (int64_t token = 0; token < tokens; ++token)
      result += ", i32";
    return result;
  }

  /// The products of 64 columns.
  void addChunk(const std::string &rowWords,
                llvm::SmallVectorImpl<std::string> &sums) {
    std::string word =
        add("llvm.add", rowWords, add("llvm.lshr", "%k", constant(4)));
    std::string words = loadVector(getPointer("%w", word, "i32"));
    for (int64_t part = 0; part < 4; ++part) {
      std::string codes = extract(words, part);
      std::string column = add("llvm.add", "%k", constant(part * wordColumns));
      llvm::SmallVector<std::string> inputs;
      for (int64_t token = 0; token < tokens; ++token)
        inputs.push_back(loadVector(getPointer(
            "%x", add("llvm.add", column, constant(token * columns)), "i8")));
      for (int64_t plane = 0; plane < 4; ++plane) {
        std::string shifted = add("llvm.lshr", codes, constant(2 * plane));
        std::string masked = add("llvm.and", shifted, constant(0x03030303));
        // CUDA's __vsub4.
        std::string weights =
            define("llvm.inline_asm \"vsub4.u32.u32.u32 $0, $1, $2, $3;\", "
                   "\"=r,r,r,r\" " +
                   masked + ", " + constant(0x01010101) + ", " + constant(0) +
                   " : (i32, i32, i32) -> i32");
        for (auto [sum, input] : llvm::zip_equal(sums, inputs))
          sum = define(llvm::formatv("nvvm.dot.accumulate.4way {0} <signed>, "
                                     "{1} <signed>, {2} : vector<4xi8>, "
                                     "vector<4xi8>",
                                     asBytes(weights),
                                     asBytes(extract(input, plane)), sum));
      }
    }
  }

  int64_t columns, tokens;
  int64_t names = 0;
  std::map<int64_t, std::string> constants;
  std::string text;
  llvm::raw_string_ostream stream{text};
};

} // namespace

OwningOpRef<ModuleOp> hgf::makeNaiveKernel(MLIRContext &context,
                                           int64_t columns, int64_t tokens) {
  context.loadDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
  return parseSourceString<ModuleOp>(NaiveKernel(columns, tokens).run(),
                                     &context);
}
