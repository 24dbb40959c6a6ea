//===- GpuSim.h - Executes PTX without a GPU, and checks it ------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_GPUSIM_GPUSIM_H
#define HGF_GPUSIM_GPUSIM_H

#include "hgf/GpuSim/DeviceMemory.h"
#include "hgf/GpuSim/Report.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace hgf::gpusim {

struct Program;
struct Function;

struct LaunchOptions {
  /// Orders blocks and warps; every seed is one legal schedule.
  uint64_t seed = 0;
  /// Looks for uninitialised reads and races; bounds and alignment are always
  /// looked at.
  bool check = true;
  /// Counts instructions, sectors and wavefronts.
  bool stats = false;
  /// Warp instructions after which a launch counts as an endless loop.
  uint64_t maximumSteps = uint64_t(1) << 36;
};

/// One .entry of a module.
class Kernel {
public:
  /// Runs the grid to its end. `parameters` points to one value for each
  /// parameter, as cuLaunchKernel takes them.
  Report launch(Dimensions grid, Dimensions block, uint32_t dynamicShared,
                llvm::ArrayRef<const void *> parameters,
                const LaunchOptions &options = LaunchOptions()) const;

  llvm::StringRef getName() const;
  /// The bytes of each parameter.
  llvm::SmallVector<uint32_t> getParameterSizes() const;
  /// Of the module's variables in shared memory.
  uint64_t getStaticSharedBytes() const;

private:
  friend class Module;
  std::shared_ptr<const Program> program;
  const Function *function = nullptr;
  DeviceMemory *memory = nullptr;
};

class Module {
public:
  /// Reads the text; its global variables live in `memory`, which must outlive
  /// the module.
  static llvm::Expected<Module> parse(DeviceMemory &memory,
                                      llvm::StringRef ptx);

  llvm::Expected<Kernel> getKernel(llvm::StringRef name) const;
  llvm::SmallVector<std::string> getKernelNames() const;
  /// The address of a variable in .global or .const, 0 when there is none.
  uint64_t getVariable(llvm::StringRef name) const;

private:
  std::shared_ptr<const Program> program;
  DeviceMemory *memory = nullptr;
};

/// What may begin a statement, sorted.
std::vector<std::string> getOpcodeNames();

/// hgf-ptx-sim.
int ptxSimMain(int argc, char **argv);

} // namespace hgf::gpusim

#endif // HGF_GPUSIM_GPUSIM_H
