//===- Measure.cpp - Rounds of limits and kernels -------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Measure.h"

#include "ModelDescriptor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

#include <atomic>
#include <cmath>
#include <sys/resource.h>
#include <unistd.h>

// The runtime is C.
extern "C" {
#include "ThreadPool.h"
}

using namespace hgf;
using llvm::SmallVector;

/// A sample shorter than this says more about the clock than about the kernel.
static constexpr double sampleSeconds = 0.012;
static constexpr int leastRounds = 5;
static constexpr int mostRounds = 40;
/// Quartiles farther apart than this share of the median: the machine was busy
/// with something else.
static constexpr double spreadLimit = 0.15;
/// More CPUs than this in use by others: the limits are theirs, too.
static constexpr double foreignLimit = 0.25;

Statistics hgf::computeStatistics(SmallVector<double> values) {
  Statistics result;
  if (values.empty())
    return result;
  llvm::sort(values);
  auto quantile = [&](double share) {
    double position = share * (values.size() - 1);
    size_t below = position;
    size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (position - below) * (values[above] - values[below]);
  };
  result.median = quantile(0.5);
  result.least = values.front();
  result.most = values.back();
  result.spread = (quantile(0.75) - quantile(0.25)) / result.median;
  return result;
}

/// CPU seconds that all programs of the machine, and other machines on its
/// hardware, have used without this process; negative where unknown.
static double readForeignSeconds() {
  auto text = llvm::MemoryBuffer::getFileAsStream("/proc/stat");
  rusage own;
  if (!text || getrusage(RUSAGE_SELF, &own))
    return -1;
  // cpu user nice system idle iowait irq softirq steal ...
  SmallVector<llvm::StringRef> fields;
  (*text)->getBuffer().split('\n').first.split(fields, ' ', -1,
                                               /*KeepEmpty=*/false);
  int64_t ticks = 0;
  for (size_t index : {1, 2, 3, 6, 7, 8}) {
    int64_t value = 0;
    if (index >= fields.size() || fields[index].getAsInteger(10, value))
      return -1;
    ticks += value;
  }
  auto seconds = [](const timeval &time) {
    return time.tv_sec + time.tv_usec * 1e-6;
  };
  return static_cast<double>(ticks) / sysconf(_SC_CLK_TCK) -
         seconds(own.ru_utime) - seconds(own.ru_stime);
}

/// Calls of one kernel that make a sample together.
struct Sampler {
  llvm::function_ref<bool()> run;
  int64_t calls = 1;

  /// The first call faults pages in and starts threads; the second says how
  /// long a call takes.
  bool prepare() {
    if (!run())
      return false;
    double start = readClock();
    if (!run())
      return false;
    calls =
        std::max<int64_t>(1, std::ceil(sampleSeconds / (readClock() - start)));
    return true;
  }

  /// Seconds of a call.
  bool sample(double &seconds) {
    // Brings the kernel's bytes back to where they were.
    if (calls > 1 && !run())
      return false;
    double start = readClock();
    for (int64_t call = 0; call < calls; ++call)
      if (!run())
        return false;
    seconds = (readClock() - start) / calls;
    return true;
  }
};

bool hgf::measure(const Task &task, Measurement &result) {
  Sampler kernel{task.run}, beside{task.runBeside};
  if (!kernel.prepare() || (beside.run && !beside.prepare()))
    return false;
  double readOnce = task.bytes / measureRead(task.memory->data(), task.bytes,
                                             task.threads, 1);
  auto reads = std::max<int64_t>(1, std::ceil(sampleSeconds / readOnce));

  SmallVector<double> seconds, readRates, dotRates, readRatios, dotRatios,
      besideRatios;
  double foreign = readForeignSeconds();
  double start = readClock();
  while (result.rounds < leastRounds ||
         (result.rounds < mostRounds && readClock() - start < task.seconds)) {
    double readRate =
        measureRead(task.memory->data(), task.bytes, task.threads, reads);
    double dotRate = measureDot(*task.loop, task.threads, sampleSeconds / 2);
    double taken, takenBeside;
    if (!kernel.sample(taken) || (beside.run && !beside.sample(takenBeside)))
      return false;
    seconds.push_back(taken);
    readRates.push_back(readRate);
    dotRates.push_back(dotRate);
    readRatios.push_back(task.bytes / readRate / taken);
    dotRatios.push_back(task.multiplyAdds / dotRate / taken);
    if (beside.run)
      besideRatios.push_back(taken / takenBeside);
    ++result.rounds;
  }
  // Ticks are long: a round or two say nothing.
  double share = foreign < 0 ? 0
                             : (readForeignSeconds() - foreign) /
                                   std::max(readClock() - start, 0.1);
  result.besideRatio = computeStatistics(besideRatios).median;
  result.seconds = computeStatistics(seconds);
  Statistics read = computeStatistics(readRates);
  Statistics dot = computeStatistics(dotRates);
  result.readRate = read.median;
  result.dotRate = dot.median;
  result.readRatio = computeStatistics(readRatios).median;
  result.dotRatio = computeStatistics(dotRatios).median;

  Statistics &limit = result.isReadBound() ? read : dot;
  for (auto [what, statistics] :
       {std::pair{"the kernel's times", &result.seconds},
        std::pair{"the limit's rates", &limit}})
    if (statistics->spread > spreadLimit && result.doubt.empty())
      result.doubt = llvm::formatv(
          "{0} of {1} rounds disagree: their quartiles are {2:P} apart, more "
          "than {3:P}; measure again on a quiet machine",
          what, result.rounds, statistics->spread, spreadLimit);
  if (share > foreignLimit && result.doubt.empty())
    result.doubt = llvm::formatv("other programs used {0:F1} CPUs meanwhile; "
                                 "measure again on a quiet machine",
                                 share);
  return true;
}

/// Where the pieces of one job meet: a pool may otherwise let the caller do all
/// before the others have woken up.
struct Meeting {
  std::atomic<int64_t> arrived = 0;
  int64_t expected = 0;
};

/// One piece of a job that does nothing but wait for the other pieces, and not
/// for long: one thread may have got two.
static void meet(void *argument, int64_t, int64_t) {
  auto &meeting = *static_cast<Meeting *>(argument);
  ++meeting.arrived;
  constexpr int patience = 20000;
  for (int turn = 0; turn < patience; ++turn)
    if (meeting.arrived.load(std::memory_order_relaxed) >= meeting.expected)
      return;
}

Statistics hgf::measureForkJoin(int threads) {
  constexpr int calls = 1000;
  SmallVector<double> seconds;
  hgf_pool *pool = hgf_pool_create(threads);
  if (!pool)
    return {};
  Meeting meeting;
  hgf_phase phase = {meet, threads, 1};
  hgf_pool_enter(pool);
  // The first call starts the threads.
  hgf_pool_run(pool, &phase, 1, &meeting);
  meeting.arrived = 0;
  for (int round = 0; round < mostRounds; ++round) {
    double start = readClock();
    for (int call = 0; call < calls; ++call) {
      meeting.expected = meeting.arrived + threads;
      hgf_pool_run(pool, &phase, 1, &meeting);
    }
    seconds.push_back((readClock() - start) / calls);
  }
  hgf_pool_leave(pool);
  hgf_pool_free(pool);
  return computeStatistics(seconds);
}
