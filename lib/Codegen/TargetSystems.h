//===- TargetSystems.h - Systems that binaries are made for -----*- C++ -*-===//
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_CODEGEN_TARGETSYSTEMS_H
#define HGF_LIB_CODEGEN_TARGETSYSTEMS_H

#include "hgf/Codegen/Codegen.h"

#include "llvm/TargetParser/Triple.h"

namespace hgf {

/// One row of the table of systems: an architecture and a C library.
struct TargetSystem {
  llvm::StringLiteral name;
  llvm::Triple::ArchType architecture;
  bool android;
  /// What lld calls the kind of files.
  llvm::StringLiteral emulation;
  /// What loads dynamic executables.
  llvm::StringLiteral dynamicLinker;
  /// The architecture in names of Debian's packages, and in those of its cross
  /// compilers.
  llvm::StringLiteral debianName;
  llvm::StringLiteral compilerName;
  /// Where Debian keeps the C library, as folders under the sysroot: the
  /// machine's own, or a cross compiler's.
  llvm::ArrayRef<llvm::StringLiteral> libraryFolders;
  /// Where it keeps libgcc, one folder per version in each.
  llvm::ArrayRef<llvm::StringLiteral> compilerFolders;
  /// The kinds of binaries that can be made.
  llvm::ArrayRef<BinaryKind> kinds;
};

/// The row of `triple`, or null.
const TargetSystem *findTargetSystem(const llvm::Triple &triple);

/// The sentence that refuses a target without a row.
std::string explainUnknownTarget(llvm::StringRef triple);

/// A file of the target's C library or compiler in the folders of `system`
/// under `sysroot`; empty where there is none.
std::string findLibraryFile(const TargetSystem &system, llvm::StringRef sysroot,
                            llvm::StringRef file);
std::string findCompilerFile(const TargetSystem &system,
                             llvm::StringRef sysroot, llvm::StringRef file);

/// The Debian packages that these files come from.
std::string getLibraryPackage(const TargetSystem &system);
std::string getCompilerPackage(const TargetSystem &system);

} // namespace hgf

#endif // HGF_LIB_CODEGEN_TARGETSYSTEMS_H
