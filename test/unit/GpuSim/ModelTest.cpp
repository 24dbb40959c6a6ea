//===- ModelTest.cpp - Counts of sectors and wavefronts ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "llvm/Support/JSON.h"

using namespace hgf::gpusim;

/// The counts of the one instruction among those of `body` that begins so.
static InstructionCounts countsOf(const std::string &start,
                                  const std::string &body,
                                  uint32_t threads = 32) {
  LaunchOptions options;
  options.stats = true;
  std::vector<uint32_t> words(2048);
  Report report = runOn(words, body, threads, options);
  EXPECT_TRUE(report.isClean()) << describe(report);
  for (const InstructionCounts &counts : report.instructions)
    if (llvm::StringRef(counts.text).starts_with(start))
      return counts;
  ADD_FAILURE() << "not executed: " << start;
  return {};
}

static uint64_t sectors(const std::string &address,
                        const std::string &load = "ld.global.u32 v, [%o];") {
  return countsOf("ld.global", ".reg .b32 v, w, x, y; " + address + load)
      .sectors;
}

TEST(Model, SectorsOfGlobalRequests) {
  EXPECT_EQ(sectors("mad.wide.u32 %o, %t, 4, %m; "), 4u);
  EXPECT_EQ(sectors("mad.wide.u32 %o, %t, 128, %m; "), 32u);
  EXPECT_EQ(sectors("mov.u64 %o, %m; "), 1u);
  // 128 bytes that begin in the middle of a sector.
  EXPECT_EQ(sectors("mad.wide.u32 %o, %t, 4, %m; add.u64 %o, %o, 16; "), 5u);
  EXPECT_EQ(sectors("mad.wide.u32 %o, %t, 16, %m; ",
                    "ld.global.v4.u32 {v, w, x, y}, [%o];"),
            16u);
  EXPECT_EQ(sectors("mad.wide.u32 %o, %t, 4, %m; cvta.to.global.u64 %o, %o; ",
                    "ld.global.u8 v, [%o];"),
            4u);
}

TEST(Model, SectorsOfABuffer) {
  LaunchOptions options;
  options.stats = true;
  std::vector<uint32_t> words(128);
  // Twice the first 128 bytes, and a sector behind them.
  Report report = runOn(words,
                        ".reg .b32 v; mad.wide.u32 %o, %t, 4, %m; "
                        "ld.global.u32 v, [%o]; st.global.u32 [%o], v; "
                        "ld.global.u32 v, [%m+256];",
                        32, options);
  ASSERT_EQ(report.buffers.size(), 1u);
  EXPECT_EQ(report.buffers[0].sectors, 9u);
  EXPECT_EQ(report.buffers[0].distinctSectors, 5u);
  EXPECT_EQ(report.getBuffer(report.buffers[0].address).sectors, 9u);
  EXPECT_EQ(report.getBuffer(1).sectors, 0u);
}

static InstructionCounts countStore(unsigned pitch, const std::string &store) {
  return countsOf("st.shared", ".shared .align 16 .b8 s[4096]; .reg .b32 v; "
                               "mov.u32 v, s; mad.lo.u32 v, %t, " +
                                   std::to_string(pitch) + ", v; " + store);
}

static uint64_t wavefronts(unsigned pitch, const std::string &store) {
  return countStore(pitch, store).wavefronts;
}

TEST(Model, WavefrontsOfSharedRequests) {
  EXPECT_EQ(wavefronts(4, "st.shared.u32 [v], %t;"), 1u);
  EXPECT_EQ(wavefronts(8, "st.shared.u32 [v], %t;"), 2u);
  EXPECT_EQ(wavefronts(128, "st.shared.u32 [v], %t;"), 32u);
  EXPECT_EQ(wavefronts(124, "st.shared.u32 [v], %t;"), 1u);
  // Bytes of one word are served together.
  EXPECT_EQ(wavefronts(1, "st.shared.u8 [v], %t;"), 1u);
  EXPECT_EQ(wavefronts(16, "st.shared.v4.u32 [v], {%t, %t, %t, %t};"), 4u);
}

TEST(Model, ConflictsAreWhatIsNotNeeded) {
  EXPECT_EQ(countStore(4, "st.shared.u32 [v], %t;").conflicts, 0u);
  EXPECT_EQ(countStore(8, "st.shared.u32 [v], %t;").conflicts, 1u);
  std::string wide = "st.shared.v4.u32 [v], {%t, %t, %t, %t};";
  EXPECT_EQ(countStore(16, wide).conflicts, 0u);
  EXPECT_EQ(countStore(32, wide).conflicts, 4u);
}

static uint64_t matrixWavefronts(unsigned pitch) {
  std::string address = ".shared .align 16 .b8 s[4096]; .reg .b32 v, r<4>; "
                        "mov.u32 v, s; mad.lo.u32 v, %t, " +
                        std::to_string(pitch) + ", v; ";
  return countsOf(
             "ldmatrix",
             address +
                 "st.shared.v4.u32 [v], {%t, %t, %t, %t}; bar.warp.sync -1;\n"
                 "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {r0, r1, r2, r3}, "
                 "[v];")
      .wavefronts;
}

TEST(Model, APitchOf80BytesHasNoConflicts) {
  EXPECT_EQ(matrixWavefronts(64), 16u);
  EXPECT_EQ(matrixWavefronts(80), 4u);
}

TEST(Model, CountsWarpsAndThreads) {
  InstructionCounts counts =
      countsOf("@p add",
               ".reg .b32 v; .reg .pred p; mov.u32 v, 0; setp.lt.u32 p, %t, "
               "40;\n@p add.u32 v, v, 1;",
               70);
  EXPECT_EQ(counts.warps, 3u);
  EXPECT_EQ(counts.threads, 40u);
  EXPECT_EQ(counts.line, 8u);
}

TEST(Model, WritesJson) {
  LaunchOptions options;
  options.stats = true;
  std::vector<uint32_t> words(1);
  Report report =
      runOn(words, "mad.wide.u32 %o, %t, 4, %m;\nst.global.u32 [%o], %t;", 2,
            options);
  std::string text;
  llvm::raw_string_ostream stream(text);
  report.printJson(stream);
  llvm::json::Value value = llvm::cantFail(llvm::json::parse(text));
  const llvm::json::Object &finding =
      *(*value.getAsObject()->getArray("findings"))[0].getAsObject();
  EXPECT_EQ(finding.getString("defect"), "out-of-bounds");
  EXPECT_EQ(finding.getInteger("line"), 8);
  EXPECT_EQ(
      value.getAsObject()->getObject("totals")->getInteger("globalRequests"),
      1);
  EXPECT_EQ(value.getAsObject()->getObject("totals")->getInteger("globalBytes"),
            8);
}
