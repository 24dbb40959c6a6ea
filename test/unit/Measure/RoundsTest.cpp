//===- RoundsTest.cpp - Statistics and rounds -----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rounds.h"
#include "LoadedLayers.h"

#include "gtest/gtest.h"

TEST(Statistics, ofNothingAreZero) {
  hgf_statistics none = hgf_compute_statistics(nullptr, 0);
  EXPECT_EQ(none.median, 0);
  EXPECT_EQ(none.spread, 0);
}

TEST(Statistics, quantilesLieBetweenValues) {
  double values[] = {4, 1, 3, 2};
  hgf_statistics four = hgf_compute_statistics(values, 4);
  EXPECT_DOUBLE_EQ(four.median, 2.5);
  EXPECT_DOUBLE_EQ(four.least, 1);
  EXPECT_DOUBLE_EQ(four.most, 4);
  EXPECT_DOUBLE_EQ(four.spread, (3.25 - 1.75) / 2.5);
  double one[] = {7};
  EXPECT_DOUBLE_EQ(hgf_compute_statistics(one, 1).median, 7);
  EXPECT_DOUBLE_EQ(hgf_compute_statistics(one, 1).spread, 0);
}

namespace {

/// A kernel that counts its calls and fails after some.
struct Counter {
  int calls = 0;
  int last = 1 << 30;
};

} // namespace

static bool count(void *argument) {
  auto &counter = *static_cast<Counter *>(argument);
  double start = hgf_read_clock();
  while (hgf_read_clock() - start < 1e-4)
    continue;
  return ++counter.calls < counter.last;
}

static hgf_task makeTask(Counter &counter, hgf_read_buffer &buffer) {
  EXPECT_TRUE(hgf_reserve_buffer(&buffer, hgf_read_slack + 4096));
  hgf_task task = {};
  task.kernel = {count, &counter};
  task.byte_count = 4096;
  task.multiply_adds = 4096;
  task.threads = 1;
  task.loop = hgf_find_dot_loop("", false);
  task.memory = buffer.data;
  task.seconds = 0.001;
  return task;
}

TEST(Rounds, areFiveAtLeast) {
  Counter counter;
  hgf_read_buffer buffer = {};
  hgf_measurement result = {};
  hgf_task task = makeTask(counter, buffer);
  EXPECT_EQ(hgf_measure(&task, &result), hgf_measured);
  EXPECT_EQ(result.rounds, 5);
  EXPECT_GE(result.seconds.least, 1e-4);
  EXPECT_GT(result.read_rate, 0);
  EXPECT_GT(result.dot_rate, 0);
  EXPECT_EQ(result.beside_ratio, 0);
  EXPECT_EQ(hgf_limit_ratio(&result),
            std::max(result.read_ratio, result.dot_ratio));
  hgf_free_buffer(&buffer);
}

TEST(Rounds, compareWithAKernelBeside) {
  Counter counter, other;
  hgf_read_buffer buffer = {};
  hgf_measurement result = {};
  hgf_task task = makeTask(counter, buffer);
  task.beside = {count, &other};
  EXPECT_EQ(hgf_measure(&task, &result), hgf_measured);
  EXPECT_GT(result.beside_ratio, 0);
  EXPECT_GT(other.calls, 5);
  hgf_free_buffer(&buffer);
}

TEST(Rounds, endWhereTheKernelFails) {
  for (int last : {1, 2, 20}) {
    Counter counter;
    counter.last = last;
    hgf_read_buffer buffer = {};
    hgf_measurement result = {};
    hgf_task task = makeTask(counter, buffer);
    EXPECT_EQ(hgf_measure(&task, &result), hgf_kernel_failed);
    EXPECT_EQ(counter.calls, last);
    hgf_free_buffer(&buffer);
  }
}

TEST(Rounds, keepADoubtThatWasThere) {
  Counter counter;
  hgf_read_buffer buffer = {};
  hgf_measurement result = {};
  strcpy(result.doubt, "too little memory");
  hgf_task task = makeTask(counter, buffer);
  EXPECT_EQ(hgf_measure(&task, &result), hgf_measured);
  EXPECT_STREQ(result.doubt, "too little memory");
  hgf_free_buffer(&buffer);
}

TEST(Layers, fewFitTheCacheAndAllFitNone) {
  hgf_loaded_layers layers = {};
  hgf_divide_layers(&layers, 100);
  EXPECT_EQ(layers.byte_count, 128);
  EXPECT_EQ(layers.layers, 16);
  EXPECT_GE(layers.chunks * hgf_chunk_bytes(&layers), hgf_memory_bytes);
  hgf_divide_layers(&layers, 3 << 20);
  EXPECT_EQ(layers.layers, 2);
  hgf_divide_layers(&layers, 20 << 20);
  EXPECT_EQ(layers.layers, 1);
  EXPECT_EQ(layers.chunks, 26);
}
