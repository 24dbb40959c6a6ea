//===- AsyncTest.cpp - cp.async ------------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

using namespace hgf::gpusim;

/// Each of 64 threads copies 16 bytes to `tile` by `copy`, does `rest`, and
/// stores v where its 16 bytes came from. %s is its address in the tile, %n
/// that of its neighbour.
static Report runCopies(
    std::vector<uint32_t> &words, const std::string &rest,
    const std::string &copy = "cp.async.cg.shared.global [%s], [%o], 16;") {
  return runOn(
      words,
      ".shared .align 16 .b8 tile[2048]; .reg .b32 %s, %n, v; .reg .pred p;\n"
      "mov.u32 %s, tile; mad.lo.u32 %s, %t, 16, %s; xor.b32 %n, %s, 512; "
      "mad.wide.u32 %o, %t, 16, %m;\n" +
          copy + "\n" + rest + "\nst.global.u32 [%o], v;",
      64);
}

static std::vector<uint32_t> makeWords() {
  std::vector<uint32_t> words(256);
  for (size_t i = 0; i < words.size(); ++i)
    words[i] = 1000 + i;
  return words;
}

static void expectDefect(Defect defect, const std::string &rest) {
  std::vector<uint32_t> words = makeWords();
  Report report = runCopies(words, rest);
  EXPECT_TRUE(report.has(defect)) << rest << "\n" << describe(report);
}

TEST(Async, CopiesOnceWaitedFor) {
  std::vector<uint32_t> words = makeWords();
  Report report = runCopies(words, "cp.async.commit_group; cp.async.wait_group "
                                   "0; bar.sync 0; ld.shared.u32 v, [%n+4];");
  EXPECT_TRUE(report.isClean()) << describe(report);
  for (size_t thread = 0; thread < 64; ++thread)
    EXPECT_EQ(words[4 * thread], 1000 + 4 * (thread ^ 32) + 1);
}

TEST(Async, WaitsForTheOldestGroups) {
  const std::string two = "cp.async.commit_group; cp.async.ca.shared.global "
                          "[%s+1024], [%o+4], 4; cp.async.commit_group; ";
  std::vector<uint32_t> words = makeWords();
  EXPECT_TRUE(
      runCopies(words, two + "cp.async.wait_group 1; ld.shared.u32 v, [%s];")
          .isClean());
  expectDefect(Defect::PendingCopy,
               two + "cp.async.wait_group 1; ld.shared.u32 v, [%s+1024];");
  expectDefect(Defect::PendingCopy,
               two + "cp.async.wait_group 2; ld.shared.u32 v, [%s];");
  words = makeWords();
  EXPECT_TRUE(
      runCopies(words,
                two + "cp.async.wait_group 0; ld.shared.u32 v, [%s+1024];")
          .isClean());
  EXPECT_EQ(words[8], 1009u);
}

TEST(Async, WaitsForWhatIsInNoGroup) {
  std::vector<uint32_t> words = makeWords();
  EXPECT_TRUE(
      runCopies(words, "cp.async.wait_all; ld.shared.u32 v, [%s];").isClean());
  expectDefect(Defect::PendingCopy,
               "cp.async.wait_group 0; ld.shared.u32 v, [%s];");
}

TEST(Async, FillsWithZeros) {
  std::vector<uint32_t> words = makeWords();
  Report report =
      runCopies(words, "cp.async.wait_all; ld.shared.u32 v, [%s+8];",
                "cp.async.cg.shared.global.L2::128B [%s], [%o], 16, 8;");
  EXPECT_TRUE(report.isClean()) << describe(report);
  EXPECT_EQ(words[4], 0u);
}

TEST(Async, NothingIsReadOfAnEmptySource) {
  std::vector<uint32_t> words = makeWords();
  EXPECT_TRUE(runCopies(words, "cp.async.wait_all; ld.shared.u32 v, [%s];",
                        "cp.async.ca.shared.global [%s], [%m+4096], 16, 0;")
                  .isClean());
}

TEST(Async, Defects) {
  expectDefect(Defect::PendingCopy, "ld.shared.u32 v, [%s];");
  expectDefect(Defect::PendingCopy, "st.shared.u32 [%s+12], %t; mov.u32 v, 0;");
  expectDefect(Defect::Race, "cp.async.wait_all; ld.shared.u32 v, [%n];");
  // A barrier before the wait orders nothing that the wait brings.
  expectDefect(Defect::Race,
               "bar.sync 0; cp.async.wait_all; ld.shared.u32 v, [%n];");
  expectDefect(Defect::Misaligned,
               "cp.async.cg.shared.global [%s], [%o+4], 16; mov.u32 v, 0;");
  expectDefect(
      Defect::OutOfBounds,
      "cp.async.cg.shared.global [%s+1024], [%o+1008], 16; mov.u32 v, 0;");
}
