//===- BarrierTest.cpp - Barriers of blocks, and races -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

using namespace hgf::gpusim;

/// 128 threads with 128 words of shared memory; %s is the thread's own word,
/// %n that of the thread 33 further on, and w the number of its warp.
static std::string makeBody(const std::string &body) {
  return ".shared .align 16 .b8 words[512]; .reg .b32 %s, %n, v, w; .reg .pred "
         "p, q;\n"
         "mov.u32 %s, words; mad.lo.u32 %s, %t, 4, %s; add.u32 %n, %t, 33; "
         "and.b32 %n, %n, 127;\n"
         "shl.b32 %n, %n, 2; mov.u32 v, words; add.u32 %n, %n, v; shr.u32 w, "
         "%t, 5;\n" +
         body;
}

static Report runBlock(const std::string &body, uint64_t seed = 0,
                       uint32_t threads = 128) {
  std::vector<uint32_t> words(128, 0);
  LaunchOptions options;
  options.seed = seed;
  return runOn(words, makeBody(body), threads, options);
}

/// Defects that only some schedules show are found in all of them.
static void expectAlways(Defect defect, const std::string &body) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Report report = runBlock(body, seed);
    EXPECT_TRUE(report.has(defect)) << body << "\n" << describe(report);
  }
}

static void expectClean(const std::string &body) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Report report = runBlock(body, seed);
    EXPECT_TRUE(report.isClean()) << body << "\n" << describe(report);
  }
}

TEST(Barrier, OrdersWhatThreadsWriteAndRead) {
  std::vector<uint32_t> words(128);
  for (uint64_t seed = 0; seed < 10; ++seed) {
    LaunchOptions options;
    options.seed = seed;
    Report report = runOn(
        words,
        makeBody("st.shared.u32 [%s], %t; bar.sync 0; ld.shared.u32 v, [%n];\n"
                 "mad.wide.u32 %o, %t, 4, %m; st.global.u32 [%o], v;"),
        128, options);
    EXPECT_TRUE(report.isClean()) << describe(report);
    for (uint32_t thread = 0; thread < 128; ++thread)
      EXPECT_EQ(words[thread], (thread + 33) % 128);
  }
}

TEST(Race, BetweenWarps) {
  expectAlways(Defect::Race, "st.shared.u32 [%s], %t; bar.sync 0; "
                             "ld.shared.u32 v, [%n]; st.shared.u32 [%s], v;");
  expectClean("st.shared.u32 [%s], %t; bar.sync 0; ld.shared.u32 v, [%n]; "
              "bar.sync 0; st.shared.u32 [%s], v;");
  expectAlways(Defect::Race, "st.shared.u32 [words], %t;");
  expectClean("setp.eq.u32 p, %t, 5; @p st.shared.u32 [words], %t; bar.sync 0; "
              "ld.shared.u32 v, [words];");
}

TEST(Race, WithinAWarp) {
  // The neighbour's word: a shuffle or a vote between is no barrier.
  const std::string write = "st.shared.u32 [%s], %t; ",
                    read = "xor.b32 %s, %s, 4; ld.shared.u32 v, [%s];";
  expectAlways(Defect::Race,
               write + "shfl.sync.bfly.b32 v, w, 1, 31, -1; " + read);
  expectClean(write + "bar.warp.sync -1; " + read);
  expectClean(write +
              "and.b32 v, %t, 31; setp.lt.u32 p, v, 16; @p bra A; "
              "bar.warp.sync 0xffff0000; bra B;\n"
              "A: bar.warp.sync 0xffff; B: " +
              read);
  // Lanes 15 and 16 have not met.
  expectAlways(Defect::Race, write +
                                 "and.b32 v, %t, 31; setp.lt.u32 p, v, 16; @p "
                                 "bra A; bar.warp.sync 0xffff0000; bra B;\n"
                                 "A: bar.warp.sync 0xffff; B: xor.b32 %s, %s, "
                                 "124; ld.shared.u32 v, [%s];");
}

TEST(Race, AtomicsAreNone) {
  const std::string zero =
      "setp.eq.u32 p, %t, 0; @p st.shared.u32 [words], 0; bar.sync 0; ";
  expectClean(
      zero +
      "red.shared.add.u32 [words], 1; bar.sync 0; ld.shared.u32 v, [words];");
  expectAlways(Defect::Race,
               zero +
                   "red.shared.add.u32 [words], 1; ld.shared.u32 v, [words];");
}

TEST(Barrier, CountsWarps) {
  // Warps 0 and 1 hand over to each other, warps 2 and 3 as well.
  const std::string group = "shr.u32 v, w, 1; add.u32 v, v, 1; st.shared.u32 "
                            "[%s], %t; bar.sync v, 64; ";
  expectClean(group + "xor.b32 %s, %s, 128; ld.shared.u32 v, [%s];");
  expectAlways(Defect::Race,
               group + "xor.b32 %s, %s, 256; ld.shared.u32 v, [%s];");
  // A producer arrives and goes on, consumers wait.
  expectClean("setp.eq.u32 p, w, 0; @p bra PRODUCE; bar.sync 3, 128; and.b32 "
              "%s, %s, 127; ld.shared.u32 v, [%s]; bra END;\n"
              "PRODUCE: st.shared.u32 [%s], %t; bar.arrive 3, 128; END:");
  // What the producer writes after it has arrived is not ordered.
  expectAlways(Defect::Race,
               "setp.eq.u32 p, w, 0; @p bra PRODUCE; bar.sync 3, 128; and.b32 "
               "%s, %s, 127; ld.shared.u32 v, [%s]; bra END;\n"
               "PRODUCE: st.shared.u32 [%s], %t; bar.arrive 3, 128; "
               "st.shared.u32 [%s], 1; END:");
}

TEST(Barrier, ThreadsThatDoNotCome) {
  expectAlways(Defect::Barrier,
               "and.b32 v, %t, 31; setp.lt.u32 p, v, 16; @p bar.sync 0;");
  expectAlways(Defect::Barrier, "and.b32 v, %t, 31; setp.lt.u32 p, v, 16; @p "
                                "bra A; bar.sync 0; bra B; A: bar.sync 0; B:");
  expectAlways(
      Defect::Deadlock,
      "setp.eq.u32 p, w, 0; @p bra B; bar.sync 0; bra E; B: bar.sync 1; E:");
  expectAlways(Defect::Deadlock, "bar.sync 0, 256;");
  // A whole warp may end before.
  expectClean("setp.eq.u32 p, w, 0; @p exit; bar.sync 0;");
}

TEST(Barrier, EachLaneForItself) {
  expectClean("and.b32 v, %t, 31; setp.lt.u32 p, v, 16; @p bra A; barrier.sync "
              "0; bra B; A: barrier.sync 0; B:");
  expectAlways(Defect::Barrier,
               "and.b32 v, %t, 31; setp.lt.u32 p, v, 16; @p bra A; "
               "barrier.sync.aligned 0; bra B; A: barrier.sync.aligned 0; B:");
}

TEST(Barrier, NumbersAndCounts) {
  EXPECT_TRUE(runBlock("bar.sync 16;").has(Defect::Barrier));
  EXPECT_TRUE(runBlock("bar.sync 0, 100;").has(Defect::Barrier));
}

TEST(Barrier, BlocksThatAreNoMultipleOfAWarp) {
  EXPECT_TRUE(runBlock("st.shared.u32 [%s], 1; bar.sync 0;", 0, 40).isClean());
}

TEST(Barrier, WarpsWaitForEachOthersFlags) {
  // Warp 3 spins until warp 0 has set a flag.
  expectClean("setp.eq.u32 p, w, 3; @p bra WAIT; setp.eq.u32 p, %t, 0; @p "
              "st.relaxed.gpu.global.u32 [%m], 1; bra END;\n"
              "WAIT: ld.relaxed.gpu.global.u32 v, [%m]; setp.eq.u32 q, v, 0; "
              "@q bra WAIT; END:");
  // So does half of it.
  expectClean("setp.ge.u32 p, %t, 112; @p bra WAIT; setp.eq.u32 p, %t, 0; @p "
              "st.relaxed.gpu.global.u32 [%m], 1; bra END;\n"
              "WAIT: ld.relaxed.gpu.global.u32 v, [%m]; setp.eq.u32 q, v, 0; "
              "@q bra WAIT; END:");
}
