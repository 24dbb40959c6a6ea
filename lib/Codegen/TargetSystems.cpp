//===- TargetSystems.cpp - Systems that binaries are made for -------------===//
//-------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TargetSystems.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace hgf;
using llvm::StringLiteral;
using llvm::Triple;

static constexpr StringLiteral x86Libraries[] = {
    "usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu",
    "usr/x86_64-linux-gnu/lib", "usr/lib64"};
static constexpr StringLiteral armLibraries[] = {
    "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu",
    "usr/aarch64-linux-gnu/lib", "usr/lib64"};
static constexpr StringLiteral x86Compilers[] = {
    "usr/lib/gcc/x86_64-linux-gnu", "usr/lib/gcc-cross/x86_64-linux-gnu"};
static constexpr StringLiteral armCompilers[] = {
    "usr/lib/gcc/aarch64-linux-gnu", "usr/lib/gcc-cross/aarch64-linux-gnu"};

static constexpr BinaryKind allKinds[] = {
    BinaryKind::Executable, BinaryKind::StaticExecutable, BinaryKind::Shared,
    BinaryKind::Static, BinaryKind::Object};
// The runtime is built against glibc, and Android has another C library.
static constexpr BinaryKind objectsOnly[] = {BinaryKind::Object};

// clang-format off
static constexpr TargetSystem systems[] = {
    // name                   architecture     android emulation       dynamic linker                  Debian   compilers       C library     libgcc        kinds
    {"x86_64-linux-gnu",      Triple::x86_64,  false,  "elf_x86_64",   "/lib64/ld-linux-x86-64.so.2",  "amd64", "x86-64",       x86Libraries, x86Compilers, allKinds},
    {"aarch64-linux-gnu",     Triple::aarch64, false,  "aarch64linux", "/lib/ld-linux-aarch64.so.1",   "arm64", "aarch64",      armLibraries, armCompilers, allKinds},
    {"x86_64-linux-android",  Triple::x86_64,  true,   "elf_x86_64",   "",                             "",      "",             {},           {},           objectsOnly},
    {"aarch64-linux-android", Triple::aarch64, true,   "aarch64linux", "",                             "",      "",             {},           {},           objectsOnly},
};
// clang-format on

const TargetSystem *hgf::findTargetSystem(const Triple &triple) {
  // A triple without an environment means the usual one. Others, such as
  // "musl" or "gnux32", are other C libraries or sizes of pointers.
  bool android = triple.isAndroid();
  if (!triple.isOSLinux() ||
      (!android && triple.getEnvironment() != Triple::GNU &&
       triple.getEnvironment() != Triple::UnknownEnvironment))
    return nullptr;
  for (const TargetSystem &system : systems)
    if (system.architecture == triple.getArch() && system.android == android)
      return &system;
  return nullptr;
}

std::string hgf::explainUnknownTarget(StringRef text) {
  std::string names;
  for (const TargetSystem &system : systems)
    names += (names.empty() ? "" : ", ") + system.name.str();
  if (Triple(Triple::normalize(text)).isOSDarwin())
    return ("the target '" + text +
            "' needs objects in Apple's format, Mach-O, but only ELF is "
            "written; targets are " +
            names)
        .str();
  return ("expected a target of Linux on x86-64 or AArch64 but got '" + text +
          "'; targets are " + names)
      .str();
}

static StringRef getKindName(BinaryKind kind) {
  switch (kind) {
  case BinaryKind::Executable:
    return "an executable";
  case BinaryKind::StaticExecutable:
    return "a static executable";
  case BinaryKind::Shared:
    return "a shared library";
  case BinaryKind::Static:
    return "a static library";
  case BinaryKind::Object:
    return "an object";
  }
  llvm_unreachable("unknown kind of binary");
}

LogicalResult hgf::checkBinaryKind(Location location, BinaryKind kind,
                                   const CodegenTarget &target) {
  std::string triple = getTriple(target);
  const TargetSystem *system = findTargetSystem(Triple(triple));
  if (!system)
    return emitError(location) << explainUnknownTarget(triple);
  if (llvm::is_contained(system->kinds, kind))
    return success();
  return emitError(location)
         << "expected an object (-o FILE.o or --emit=object) for "
         << system->name << " but got " << getKindName(kind)
         << ": the runtime is not built for that system; link the object with "
            "lib/Runtime's sources by the system's own compiler";
}

static std::string findIn(StringRef folder, StringRef file) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, file);
  return llvm::sys::fs::exists(path) ? path.str().str() : "";
}

static SmallString<128> getFolder(StringRef sysroot, StringRef folder) {
  SmallString<128> path(sysroot.empty() ? "/" : sysroot);
  llvm::sys::path::append(path, folder);
  return path;
}

std::string hgf::findLibraryFile(const TargetSystem &system, StringRef sysroot,
                                 StringRef file) {
  for (StringRef folder : system.libraryFolders)
    if (std::string path = findIn(getFolder(sysroot, folder), file);
        !path.empty())
      return path;
  return "";
}

std::string hgf::findCompilerFile(const TargetSystem &system, StringRef sysroot,
                                  StringRef file) {
  for (StringRef folder : system.compilerFolders) {
    std::string newest;
    int64_t newestVersion = -1;
    std::error_code error;
    for (llvm::sys::fs::directory_iterator
             entry(getFolder(sysroot, folder), error),
         end;
         entry != end && !error; entry.increment(error)) {
      int64_t version;
      std::string path = findIn(entry->path(), file);
      if (path.empty() || llvm::sys::path::filename(entry->path())
                              .split('.')
                              .first.getAsInteger(10, version))
        continue;
      if (version > newestVersion) {
        newest = path;
        newestVersion = version;
      }
    }
    if (!newest.empty())
      return newest;
  }
  return "";
}

static bool isHost(const TargetSystem &system) {
  return Triple(llvm::sys::getDefaultTargetTriple()).getArch() ==
         system.architecture;
}

std::string hgf::getLibraryPackage(const TargetSystem &system) {
  return isHost(system) ? "libc6-dev"
                        : "libc6-dev-" + system.debianName.str() + "-cross";
}

std::string hgf::getCompilerPackage(const TargetSystem &system) {
  return isHost(system) ? "gcc"
                        : "gcc-" + system.compilerName.str() + "-linux-gnu";
}
