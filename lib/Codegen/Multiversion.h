//===- Multiversion.h - Variants chosen at load -*- C++ -*- -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_CODEGEN_MULTIVERSION_H
#define HGF_LIB_CODEGEN_MULTIVERSION_H

namespace llvm {
class Function;
class Module;
} // namespace llvm

namespace hgf {

/// `hgf_initialize`, which the runtime calls once after load; made where there
/// is none.
llvm::Function &getInitializeFunction(llvm::Module &module);

/// Gives every function with the attribute "hgf-multiversion" a variant for
/// x86-64-v3, which `hgf_initialize` chooses where the processor can.
void addVariants(llvm::Module &module);

} // namespace hgf

#endif // HGF_LIB_CODEGEN_MULTIVERSION_H
