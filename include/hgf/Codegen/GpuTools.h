//===- GpuTools.h - NVIDIA's assembler and disassembler ---------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_CODEGEN_GPUTOOLS_H
#define HGF_CODEGEN_GPUTOOLS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hgf {

/// Where NVIDIA's programs are; empty: they are looked for.
///
/// They are optional: PTX needs neither. Looked for in this order: the
/// environment variables HGF_PTXAS and HGF_NVDISASM, PATH, the folders of a
/// CUDA toolkit that CUDA_HOME, CUDA_PATH and CUDA_ROOT name,
/// /usr/local/cuda, and PyPI's packages in the active virtual environment and
/// in that of the sources.
struct GpuTools {
  std::string ptxas;
  std::string nvdisasm;
};

/// The path of ptxas, or a sentence that says how to get it.
llvm::Expected<std::string> findPtxas(const GpuTools &tools = {});

/// The same for nvdisasm.
llvm::Expected<std::string> findNvdisasm(const GpuTools &tools = {});

/// What ptxas says that a kernel takes.
struct KernelResources {
  std::string name;
  /// Per thread.
  int64_t registers = 0;
  int64_t spillStoreBytes = 0;
  int64_t spillLoadBytes = 0;
  int64_t stackBytes = 0;
  /// Per block, without what a launch adds.
  int64_t sharedBytes = 0;

  int64_t getSpillBytes() const { return spillStoreBytes + spillLoadBytes; }
};

/// A binary for one chip.
struct AssembledImage {
  std::string cubin;
  std::vector<KernelResources> kernels;

  const KernelResources *find(llvm::StringRef name) const;
};

/// Assembles `ptx` for `chip`, e.g. "sm_80". Errors hold ptxas' own words.
llvm::Expected<AssembledImage>
assemble(llvm::StringRef ptx, llvm::StringRef chip, const GpuTools &tools = {});

/// One instruction of a GPU's own code.
struct SassInstruction {
  uint64_t address = 0;
  /// Without address and semicolon, e.g. "@!P0 BRA `(.L_x_1)".
  std::string text;
  /// Of that, e.g. "IDP.4A.U8.S8".
  std::string opcode;
  /// The label that a branch names.
  std::string label;

  /// The opcode up to its first dot.
  llvm::StringRef getBaseOpcode() const;
};

struct SassFunction {
  std::string name;
  std::vector<SassInstruction> instructions;
  /// The index of the instruction that stands after each label.
  std::map<std::string, size_t> labels;

  /// Where a branch goes; none for other instructions.
  std::optional<size_t> getTarget(const SassInstruction &instruction) const;
};

/// The functions of a binary for one chip.
llvm::Expected<std::vector<SassFunction>>
disassemble(llvm::StringRef cubin, const GpuTools &tools = {});

/// Reads what ptxas -v says of each kernel.
std::vector<KernelResources> parseResources(llvm::StringRef text);

/// Reads what nvdisasm -c writes.
std::vector<SassFunction> parseSass(llvm::StringRef text);

} // namespace hgf

#endif // HGF_CODEGEN_GPUTOOLS_H
