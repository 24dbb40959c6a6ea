//===- SassLoops.h - Inner loops in a GPU's code ----------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_CODEGEN_SASSLOOPS_H
#define HGF_CODEGEN_SASSLOOPS_H

#include "hgf/Codegen/GpuTools.h"
#include "hgf/Target/NVVM/Chip.h"
#include "llvm/ADT/ArrayRef.h"

#include <optional>

namespace hgf {

/// Multiplications of integers that `instruction` does on each thread, as dot
/// product or as the thread's part of a product of matrices.
int64_t countMultiplyAdds(const SassInstruction &instruction);

/// The instructions that a kernel spends its time in.
struct SassLoop {
  /// False where the kernel multiplies in no loop: then this is the stretch
  /// from the first load of 16 bytes to the last multiplication.
  bool isLoop = true;
  llvm::ArrayRef<SassInstruction> instructions;
  /// On each thread, in one iteration.
  int64_t multiplyAdds = 0;
  /// Instructions of one iteration; of a stretch those alone that the
  /// multiplications take their operands from, since the assembler mixes all
  /// else that the kernel does among them.
  InstructionMix mix;

  /// What is executed for one weight, if each is multiplied with `tokens`
  /// tokens. Weights are counted by their multiplications, since loads may
  /// bring other things and are split and joined at will. Padding instructions
  /// do not count, padded columns do.
  InstructionMix getMix(int64_t tokens) const;
};

/// Of the innermost loops of `function` that multiply integers, that with the
/// most multiplications: others do what the trip count leaves over. None where
/// nothing is multiplied. Texts belong to `function`.
std::optional<SassLoop> findSassLoop(const SassFunction &function);

/// What a thread executes of all of `function`, whose loop is `loop`, if it
/// does `multiplyAdds` multiplications: the loop as often as these need, all
/// else once.
InstructionMix countExecuted(const SassFunction &function, const SassLoop &loop,
                             double multiplyAdds);

} // namespace hgf

#endif // HGF_CODEGEN_SASSLOOPS_H
