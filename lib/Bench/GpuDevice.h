//===- GpuDevice.h - A GPU to measure on ------------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_GPUDEVICE_H
#define HGF_LIB_BENCH_GPUDEVICE_H

#include "hgf/Target/NVVM/Chip.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>

#include "GpuDriver.h"

namespace hgf {

/// A GPU, or the simulated one, with a stream. Errors are sentences.
class GpuDevice {
public:
  static llvm::Expected<std::unique_ptr<GpuDevice>> open(bool simulated,
                                                         int number);
  GpuDevice(const GpuDevice &) = delete;
  GpuDevice &operator=(const GpuDevice &) = delete;
  ~GpuDevice();

  llvm::StringRef getName() const { return name; }
  /// The newest row of the table whose code the GPU runs.
  const Chip &getChip() const { return *chip; }

  /// Memory that lives as long as the device, filled with `fill`; 0 where there
  /// is not enough.
  llvm::Expected<CUdeviceptr> allocate(uint64_t bytes, uint8_t fill);

  /// The kernels of `ptx`, which live as long as the device.
  llvm::Expected<CUmodule> load(const std::string &ptx);
  llvm::Expected<CUfunction> find(CUmodule module, const std::string &kernel);

  /// Launches a kernel, or records that.
  llvm::Error launch(CUfunction kernel, unsigned gridX, unsigned gridY,
                     unsigned threads, llvm::ArrayRef<void *> arguments);

  /// What `launches` launches, as a graph that lives as long as the device.
  llvm::Expected<CUgraphExec>
  record(llvm::function_ref<llvm::Error()> launches);

  /// Seconds that `repeats` runs of `graph` take one after another, seen from
  /// the host.
  llvm::Expected<double> time(CUgraphExec graph, int64_t repeats);

private:
  explicit GpuDevice(const hgf_driver &driver) : driver(driver) {}

  llvm::Error check(CUresult result, llvm::StringRef task) const;
  llvm::Error start(int number);

  const hgf_driver &driver;
  CUdevice device = 0;
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  const Chip *chip = nullptr;
  std::string name;
  llvm::SmallVector<CUdeviceptr> buffers;
  llvm::SmallVector<CUmodule> modules;
  llvm::SmallVector<CUgraphExec> graphs;
};

} // namespace hgf

#endif // HGF_LIB_BENCH_GPUDEVICE_H
