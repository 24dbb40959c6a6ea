//===- Lanes.h - Evaluates statements of PTX for tests -----------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TEST_UNIT_GPUSIM_LANES_H
#define HGF_TEST_UNIT_GPUSIM_LANES_H

#include "hgf/GpuSim/GpuSim.h"
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace hgf::gpusim {

constexpr char kHeader[] = ".version 7.0\n.target sm_80\n.address_size 64\n";

struct Inputs {
  uint64_t a, b, c;
};

/// A kernel on one buffer `memory` for threads whose number is %t.
inline std::string makeKernel(const std::string &body) {
  return std::string(kHeader) +
         ".visible .entry kernel(.param .u64 memory) {\n"
         ".reg .b64 %m, %o; .reg .b32 %t;\n"
         "ld.param.u64 %m, [memory]; mov.u32 %t, %tid.x;\n" +
         body + "\nret;\n}\n";
}

/// Runs `body` (see makeKernel) on `words`, which it may change.
template <class T>
Report runOn(std::vector<T> &words, const std::string &body,
             uint32_t threads = 32, LaunchOptions options = {}) {
  DeviceMemory memory;
  llvm::Expected<Module> module = Module::parse(memory, makeKernel(body));
  if (!module) {
    ADD_FAILURE() << llvm::toString(module.takeError());
    return {};
  }
  uint64_t address = memory.allocate(words.size() * sizeof(T));
  memory.write(address, words.data(), words.size() * sizeof(T));
  const void *parameters[] = {&address};
  Report report =
      llvm::cantFail(module->getKernel("kernel"))
          .launch({1, 1, 1}, {threads, 1, 1}, 0, parameters, options);
  memory.read(address, words.data(), words.size() * sizeof(T));
  return report;
}

inline std::string describe(const Report &report) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  report.print(stream);
  return text;
}

/// d of `statement` for each lane's a, b and c. n is b in 32 bits.
inline std::vector<uint64_t> evaluate(const std::string &statement,
                                      unsigned resultBits, unsigned bits,
                                      const std::vector<Inputs> &inputs) {
  std::string type = ".b" + std::to_string(bits),
              result = std::to_string(resultBits);
  std::vector<uint64_t> words;
  for (const Inputs &input : inputs)
    words.insert(words.end(), {input.a, input.b, input.c, ~0ull});
  Report report = runOn(
      words,
      ".reg " + type + " a, b, c; .reg .b" + result +
          " d; .reg .b32 n; .reg .pred p, q;\n"
          "mad.wide.u32 %o, %t, 32, %m;\n"
          "ld.global" +
          type + " a, [%o]; ld.global" + type + " b, [%o+8]; ld.global" + type +
          " c, [%o+16];\n"
          "ld.global.b32 n, [%o+8];\n" +
          statement + "\nst.global.b" + result + " [%o+24], d;",
      inputs.size());
  EXPECT_TRUE(report.isClean()) << describe(report);
  std::vector<uint64_t> results;
  uint64_t mask = ~0ull >> (64 - resultBits);
  for (size_t lane = 0; lane < inputs.size(); ++lane)
    results.push_back(words[4 * lane + 3] & mask);
  return results;
}

/// Corners, small numbers and random ones.
inline std::vector<Inputs> makeIntegers() {
  static const uint64_t corners[] = {0,
                                     1,
                                     2,
                                     7,
                                     31,
                                     32,
                                     33,
                                     63,
                                     64,
                                     0x7f,
                                     0x80,
                                     0x7fff,
                                     0x8000,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     ~0ull};
  std::mt19937_64 random(7);
  auto draw = [&] {
    return random() % 3 ? random() >> (random() % 64)
                        : corners[random() % std::size(corners)];
  };
  std::vector<Inputs> inputs;
  for (unsigned lane = 0; lane < 1024; ++lane)
    inputs.push_back({draw(), draw(), draw()});
  return inputs;
}

/// `expected(a, b, c)` takes and gives values of T and R.
template <class T, class R, class Function>
void expectIntegers(const std::string &statement, Function expected) {
  std::vector<Inputs> inputs = makeIntegers();
  std::vector<uint64_t> results =
      evaluate(statement, 8 * sizeof(R), 8 * sizeof(T), inputs);
  for (size_t lane = 0; lane < inputs.size(); ++lane) {
    Inputs in = inputs[lane];
    auto wanted =
        std::make_unsigned_t<R>(R(expected(T(in.a), T(in.b), T(in.c))));
    ASSERT_EQ(results[lane], uint64_t(wanted))
        << statement << " of " << in.a << ", " << in.b << ", " << in.c;
  }
}

} // namespace hgf::gpusim

#endif // HGF_TEST_UNIT_GPUSIM_LANES_H
