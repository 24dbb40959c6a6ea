//===- Simulator.h - A simulated GPU behind the driver's functions -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_GPUSIMDRIVER_SIMULATOR_H
#define HGF_LIB_GPUSIMDRIVER_SIMULATOR_H

#include "GpuDriver.h"
#include "hgf/GpuSim/GpuSim.h"
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

// What a program may call, with C's names.
// NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses)
#define HGF_EXPORTED_FUNCTION(name, symbol, parameters)                        \
  extern "C" __attribute__((visibility("default"))) CUresult symbol parameters;
HGF_DRIVER_FUNCTIONS(HGF_EXPORTED_FUNCTION)
#undef HGF_EXPORTED_FUNCTION
// NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses)

namespace hgf::gpusim {

/// Something a stream does. What the caller gave with it has been copied.
using Action = std::function<CUresult()>;

/// The one simulated GPU of the process. Every function of the driver holds its
/// lock from begin to end. What streams do is done when the function returns,
/// or with HGF_GPUSIM_LATE=1 as late as it may: when somebody waits.
struct Simulator {
  static Simulator &get();

  /// Reads the environment.
  void configure();
  bool isInitialised = false;
  int chip = 90;
  LaunchOptions options;
  std::string statsFile, traceFile;
  bool isLate = false;

  DeviceMemory memory;
  /// Pinned memory of the host: address and size.
  std::map<const char *, size_t> hostMemory;
  bool isPinned(const void *address) const;
  std::mutex lock;

  /// Prints what is wrong and appends what was counted.
  CUresult report(const Report &report, llvm::StringRef kernel, Dimensions grid,
                  Dimensions block, unsigned sharedBytes);
};

/// One call of a function of the driver: holds the lock.
class Call {
public:
  explicit Call(const char *function);

  /// The error of a call that needs a context; 0 where there is one.
  CUresult needContext() const;
  /// The same for what no stream may do while this thread records.
  CUresult needContextOutsideOfRecording() const;

  Simulator &simulator;

private:
  std::lock_guard<std::mutex> guard;
};

/// Streams this thread records.
extern thread_local unsigned recordingStreams;

} // namespace hgf::gpusim

struct CUctx_st {
  unsigned users = 0;
  std::set<CUdeviceptr> allocations;
};

namespace hgf::gpusim {
/// This thread's contexts, the current one last.
extern thread_local std::vector<CUcontext> contexts;
} // namespace hgf::gpusim

struct CUfunc_st {
  hgf::gpusim::Kernel kernel;
  int dynamicSharedLimit = 0;
};

struct CUmod_st {
  hgf::gpusim::Module module;
  std::vector<std::unique_ptr<CUfunc_st>> functions;
};

struct CUgraph_st {
  std::vector<hgf::gpusim::Action> actions;
};

struct CUgraphExec_st {
  std::vector<hgf::gpusim::Action> actions;
};

struct CUstream_st {
  /// While the stream is recorded.
  std::unique_ptr<CUgraph_st> graph;
  /// What is to be done when somebody waits, and what went wrong.
  std::vector<hgf::gpusim::Action> waiting;

  /// Does it, now or later, or records it.
  CUresult add(hgf::gpusim::Action action);
  /// Does what waits; the first error.
  CUresult finish();
};

#endif // HGF_LIB_GPUSIMDRIVER_SIMULATOR_H
