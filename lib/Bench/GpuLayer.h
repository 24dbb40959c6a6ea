//===- GpuLayer.h - A layer's kernels for GPUs ------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_GPULAYER_H
#define HGF_LIB_BENCH_GPULAYER_H

#include "Layers.h"
#include "Options.h"

#include "hgf/Kernels/NVVM/LinearKernels.h"
#include "hgf/Target/NVVM/Chip.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/SmallVector.h"

namespace hgf {

/// How one of a layer's kernels is launched.
struct GpuLaunch {
  std::string kernel;
  int64_t threads = 0;
  /// The first and the second dimension.
  int64_t blocks = 0;
  int64_t tokenBlocks = 0;

  int64_t getThreads() const { return threads * blocks * tokenBlocks; }
};

/// The kernels of one layer, in the LLVM and NVVM dialects.
struct GpuLayer {
  LayerShape shape;
  int64_t tokens = 1;
  GpuLinearKey key;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The prologue's kernel is empty where the layer has none.
  GpuLaunch prologue, decode;

  mlir::gpu::GPUModuleOp getKernels() const;
};

/// Makes what GPU kernels are built of known to `registry`.
void registerGpuDialects(mlir::DialectRegistry &registry);

/// The key of the kernels that a call of `shape` with `tokens` tokens takes.
GpuLinearKey makeGpuKey(const LayerShape &shape, int64_t tokens);

/// Calls `run` for every combination of shapes, scales, ranks, gates and tokens
/// until one is false; returns the last result.
bool forEachGpuLine(
    const BenchOptions &options,
    llvm::function_ref<bool(const LayerShape &, int64_t tokens)> run);

/// Builds and lowers the kernels. Null modules mean an error, which was
/// emitted.
GpuLayer makeGpuLayer(mlir::MLIRContext &context, const LayerShape &shape,
                      int64_t tokens);

/// What the launches of a layer take: addresses and strides of 64 bits.
struct GpuOperands {
  explicit GpuOperands(const GpuLayer &layer);

  /// Bytes of each buffer. The blob holds the layer's constants.
  int64_t inputBytes = 0, blobBytes = 0, scratchBytes = 0, outputBytes = 0;
  /// Which bytes are moved does not depend on numbers, but a gate that is
  /// closed would skip the correction: what x and the blob are filled with,
  /// which is small and positive as float16 and as float32.
  static constexpr uint8_t fill = 0x3c;

  uint64_t input = 0, inputStride = 0, weights = 0, scratch = 0, output = 0,
           outputStride = 0, tokens = 0, none = 0;

  /// Pointers to the kernels' arguments in here.
  llvm::SmallVector<void *> getPrologueArguments();
  llvm::SmallVector<void *> getDecodeArguments();
};

/// What a layer's launches did with memory, by the simulator.
struct GpuTraffic {
  /// Of the kernel that multiplies: the bytes that its loads ask for, at most
  /// those of the sectors, by the bytes of the sectors that they touch.
  double sectorEfficiency = 0;
  /// Of both kernels: passes over the banks of shared memory that conflicts
  /// add.
  int64_t bankConflicts = 0;
  /// Dot products that a thread of the kernel that multiplies executes.
  double threadDots = 0;
  /// Bytes of all sectors that a launch touches, each once for each launch.
  int64_t movedBytes = 0;
};

/// Runs the launches of `layer`, whose PTX is `ptx`, in the simulator. Returns
/// the sentence to print after an error, such as a defect of a kernel.
std::string simulateGpuLayer(const GpuLayer &layer, llvm::StringRef ptx,
                             GpuTraffic &traffic);

/// The bytes that a call has to move: the layer's blob, x and y.
int64_t countNeededBytes(const GpuLayer &layer);

/// The bytes that launches of their own add for the correction of `layer`: h =
/// A x, z = B h and y + alpha z, each from memory and back to it.
int64_t countSeparateCorrectionBytes(const GpuLayer &layer);

} // namespace hgf

#endif // HGF_LIB_BENCH_GPULAYER_H
