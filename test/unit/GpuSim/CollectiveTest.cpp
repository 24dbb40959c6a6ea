//===- CollectiveTest.cpp - Shuffles, votes, matches, reductions ---------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

using namespace hgf::gpusim;

static std::vector<Inputs> makeLanes() {
  std::mt19937 random(11);
  std::vector<Inputs> lanes;
  for (int lane = 0; lane < 32; ++lane)
    lanes.push_back({random(), random() % 4, 0});
  return lanes;
}

/// What each lane gets from the lane that `source` names.
template <class Function>
static void expectShuffle(const std::string &operands, Function source) {
  std::vector<Inputs> lanes = makeLanes();
  std::vector<uint64_t> results =
      evaluate("shfl.sync." + operands + ", -1;", 32, 32, lanes);
  for (int lane = 0; lane < 32; ++lane)
    EXPECT_EQ(results[lane], lanes[source(lane)].a)
        << operands << ", lane " << lane;
}

TEST(Collective, Shuffles) {
  expectShuffle("bfly.b32 d, a, 5, 31", [](int lane) { return lane ^ 5; });
  expectShuffle("idx.b32 d, a, 9, 31", [](int) { return 9; });
  expectShuffle("up.b32 d, a, 3, 0",
                [](int lane) { return lane < 3 ? lane : lane - 3; });
  expectShuffle("down.b32 d, a, 3, 31",
                [](int lane) { return lane > 28 ? lane : lane + 3; });
  // Segments of eight lanes: (32 - 8) << 8 and a clamp of 31.
  expectShuffle("down.b32 d, a, 3, 0x181f",
                [](int lane) { return lane % 8 > 4 ? lane : lane + 3; });
  expectShuffle("up.b32 d, a, 3, 0x1800",
                [](int lane) { return lane % 8 < 3 ? lane : lane - 3; });
  expectShuffle("idx.b32 d, a, 2, 0x181f",
                [](int lane) { return lane / 8 * 8 + 2; });
  expectShuffle("bfly.b32 d|p, a, 4, 0x181f",
                [](int lane) { return lane ^ 4; });
}

TEST(Collective, ShufflesTellWhetherTheyWereInside) {
  std::vector<uint64_t> results =
      evaluate("shfl.sync.down.b32 d|p, a, 3, 31, -1; selp.b32 d, 1, 0, p;", 32,
               32, makeLanes());
  for (int lane = 0; lane < 32; ++lane)
    EXPECT_EQ(results[lane], lane <= 28);
}

TEST(Collective, VotesMatchesAndReductions) {
  std::vector<Inputs> lanes = makeLanes();
  uint32_t ballot = 0, sum = 0, most = 0, exclusive = 0;
  int32_t least = INT32_MAX;
  for (int lane = 0; lane < 32; ++lane) {
    ballot |= (lanes[lane].b == 2) << lane;
    sum += lanes[lane].a;
    most = std::max(most, uint32_t(lanes[lane].a));
    least = std::min(least, int32_t(lanes[lane].a));
    exclusive ^= lanes[lane].a;
  }
  auto all = [&](const std::string &text) {
    std::vector<uint64_t> results = evaluate(text, 32, 32, lanes);
    for (uint64_t result : results)
      EXPECT_EQ(result, results[0]) << text;
    return results[0];
  };
  EXPECT_EQ(all("setp.eq.u32 p, b, 2; vote.sync.ballot.b32 d, p, -1;"), ballot);
  EXPECT_EQ(all("setp.eq.u32 p, b, 2; vote.sync.ballot.b32 d, !p, -1;"),
            ~ballot);
  EXPECT_EQ(all("setp.lt.u32 p, b, 4; vote.sync.all.pred q, p, -1; selp.b32 d, "
                "1, 0, q;"),
            1u);
  EXPECT_EQ(all("setp.eq.u32 p, b, 2; vote.sync.all.pred q, p, -1; selp.b32 d, "
                "1, 0, q;"),
            0u);
  EXPECT_EQ(all("setp.eq.u32 p, b, 2; vote.sync.any.pred q, p, -1; selp.b32 d, "
                "1, 0, q;"),
            1u);
  EXPECT_EQ(all("redux.sync.add.u32 d, a, -1;"), sum);
  EXPECT_EQ(all("redux.sync.max.u32 d, a, -1;"), most);
  EXPECT_EQ(all("redux.sync.min.s32 d, a, -1;"), uint32_t(least));
  EXPECT_EQ(all("redux.sync.xor.b32 d, a, -1;"), exclusive);
  EXPECT_EQ(all("activemask.b32 d;"), 0xffffffffu);
  EXPECT_EQ(all("match.all.sync.b32 d|p, b, -1; selp.b32 d, 1, d, p;"), 0u);
  std::vector<uint64_t> any =
      evaluate("match.any.sync.b32 d, b, -1;", 32, 32, lanes);
  for (int lane = 0; lane < 32; ++lane) {
    uint32_t same = 0;
    for (int other = 0; other < 32; ++other)
      same |= uint32_t(lanes[other].b == lanes[lane].b) << other;
    EXPECT_EQ(any[lane], same);
  }
}

TEST(Collective, HalvesOfAWarpReduceApart) {
  std::vector<Inputs> lanes = makeLanes();
  std::vector<uint64_t> results =
      evaluate("setp.lt.u32 p, %t, 16; @p bra LOW; redux.sync.add.u32 d, a, "
               "0xffff0000; bra.uni JOIN;\n"
               "LOW: redux.sync.add.u32 d, a, 0xffff; JOIN:",
               32, 32, lanes);
  uint32_t low = 0, high = 0;
  for (int lane = 0; lane < 32; ++lane)
    (lane < 16 ? low : high) += lanes[lane].a;
  EXPECT_EQ(results[3], low);
  EXPECT_EQ(results[19], high);
}

TEST(Collective, LanesLeaveRotatedLoopsOneByOneAndMeet) {
  // Lane n runs n + 1 times through a loop whose exit lies before its head, so
  // the first to leave comes to the shuffle while others are still inside.
  std::vector<uint64_t> results =
      evaluate("mov.u32 d, 0; bra HEAD;\n"
               "AFTER: shfl.sync.bfly.b32 d, d, 1, 31, -1; bra END;\n"
               "HEAD: add.u32 d, d, 1; setp.gt.u32 p, d, %t; @p bra AFTER; bra "
               "HEAD;\nEND:",
               32, 32, makeLanes());
  for (int lane = 0; lane < 32; ++lane)
    EXPECT_EQ(results[lane], uint64_t(lane ^ 1) + 1);
}

static Report runLanes(const std::string &body, uint32_t threads = 32) {
  std::vector<uint32_t> words(4);
  return runOn(words, ".reg .pred p; .reg .b32 v; mov.u32 v, 0;\n" + body,
               threads);
}

TEST(Collective, Membermasks) {
  // Lane 31 takes part, but is not named.
  EXPECT_TRUE(runLanes("shfl.sync.bfly.b32 v, v, 1, 31, 0x7fffffff;")
                  .has(Defect::Membermask));
  // Lane 31 is named, but takes part elsewhere.
  EXPECT_TRUE(runLanes("setp.eq.u32 p, %t, 31; @p bra B; bar.warp.sync -1; bra "
                       "E; B: shfl.sync.idx.b32 v, v, 0, 31, -1; E:")
                  .has(Defect::Membermask));
  // Lane 31 has ended: nothing can be taken from it.
  const char *ended = "setp.eq.u32 p, %t, 31; @p exit; ";
  EXPECT_TRUE(
      runLanes(std::string(ended) + "shfl.sync.bfly.b32 v, v, 1, 31, -1;")
          .has(Defect::Membermask));
  EXPECT_TRUE(runLanes(std::string(ended) + "bar.warp.sync -1;").isClean());
  EXPECT_TRUE(
      runLanes(std::string(ended) +
               "and.b32 v, %t, 3; shfl.sync.idx.b32 v, v, 0, 31, 0x7fffffff;")
          .isClean());
}

TEST(Collective, PredicatedCollectivesLeaveTheOthersBehind) {
  EXPECT_TRUE(
      runLanes("setp.lt.u32 p, %t, 8; @p shfl.sync.bfly.b32 v, v, 1, 31, 0xff;")
          .isClean());
  EXPECT_TRUE(
      runLanes("setp.lt.u32 p, %t, 8; @p shfl.sync.bfly.b32 v, v, 8, 31, 0xff;")
          .has(Defect::Membermask));
}
