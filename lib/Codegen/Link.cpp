//===- Link.cpp - Binaries out of objects, with lld in process ----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/Codegen.h"

#include "lld/Common/Driver.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Triple.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace {

/// What of a target's C library an executable needs.
struct Sysroot {
  std::vector<std::string> directories;
  std::string dynamicLinker;
  std::string emulation;

  /// Path of `file` in the first directory that has it, or empty.
  std::string find(StringRef file) const {
    for (StringRef directory : directories) {
      SmallString<128> path(directory);
      llvm::sys::path::append(path, file);
      if (llvm::sys::fs::exists(path))
        return path.str().str();
    }
    return "";
  }
};

} // namespace

/// Where Debian keeps crt files and libc: the machine's own, or a cross
/// compiler's.
static Sysroot getSysroot(const llvm::Triple &triple) {
  Sysroot sysroot;
  std::string name = (triple.getArchName() + "-linux-gnu").str();
  sysroot.directories = {"/usr/lib/" + name, "/lib/" + name,
                         "/usr/" + name + "/lib", "/usr/lib64"};
  bool isX86 = triple.getArch() == llvm::Triple::x86_64;
  sysroot.emulation = isX86 ? "elf_x86_64" : "aarch64linux";
  sysroot.dynamicLinker =
      isX86 ? "/lib64/ld-linux-x86-64.so.2" : "/lib/ld-linux-aarch64.so.1";
  return sysroot;
}

static LogicalResult writeArchive(Location location,
                                  ArrayRef<std::string> objects,
                                  ArrayRef<std::string> archives,
                                  StringRef path) {
  std::vector<llvm::NewArchiveMember> members;
  auto fail = [&](llvm::Error error) {
    return emitError(location) << "cannot write '" << path
                               << "': " << llvm::toString(std::move(error));
  };
  for (StringRef object : objects) {
    auto member =
        llvm::NewArchiveMember::getFile(object, /*Deterministic=*/true);
    if (!member)
      return fail(member.takeError());
    members.push_back(std::move(*member));
  }
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> buffers;
  std::vector<std::unique_ptr<llvm::object::Archive>> opened;
  for (StringRef name : archives) {
    auto buffer = llvm::MemoryBuffer::getFile(name);
    if (!buffer)
      return fail(llvm::errorCodeToError(buffer.getError()));
    auto archive = llvm::object::Archive::create((*buffer)->getMemBufferRef());
    if (!archive)
      return fail(archive.takeError());
    llvm::Error error = llvm::Error::success();
    for (const llvm::object::Archive::Child &child :
         (*archive)->children(error)) {
      auto member =
          llvm::NewArchiveMember::getOldMember(child, /*Deterministic=*/true);
      if (!member)
        return fail(member.takeError());
      members.push_back(std::move(*member));
    }
    if (error)
      return fail(std::move(error));
    buffers.push_back(std::move(*buffer));
    opened.push_back(std::move(*archive));
  }
  if (llvm::Error error = llvm::writeArchive(
          path, members, llvm::SymtabWritingMode::NormalSymtab,
          llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false))
    return fail(std::move(error));
  return success();
}

/// As in lib/Runtime/SideFile.c: from here on constants are read as a stream.
static constexpr uint64_t streamedBytes = 4 << 20;

LogicalResult hgf::link(Location location, BinaryKind kind,
                        StringRef tripleText, ArrayRef<std::string> objects,
                        StringRef runtimeDirectory, StringRef path) {
  llvm::Triple triple(tripleText);
  // Strings live here until lld is done: it resets the process's options and
  // takes pointers.
  std::vector<std::string> arguments = {
      "ld.lld", "-m",       getSysroot(triple).emulation,
      "-o",     path.str(), "--build-id=none"};
  Sysroot sysroot = getSysroot(triple);
  auto add = [&](ArrayRef<std::string> more) {
    llvm::append_range(arguments, more);
  };
  SmallString<128> runtime(runtimeDirectory);
  llvm::sys::path::append(runtime, (triple.getArchName() + "-linux-gnu").str());
  auto getArchive = [&](StringRef name) {
    SmallString<128> archive(runtime);
    llvm::sys::path::append(archive, name);
    return archive.str().str();
  };
  std::string library = getArchive("libhgf_runtime.a");
  std::string mainLibrary = getArchive("libhgf_main.a");
  SmallVector<std::string> needed;
  if (kind != BinaryKind::Object)
    needed.push_back(library);
  if (kind == BinaryKind::Executable)
    needed.push_back(mainLibrary);
  for (StringRef archive : needed)
    if (!llvm::sys::fs::exists(archive))
      return emitError(location)
             << "expected the runtime for " << triple.getArchName() << " at '"
             << archive << "' but there is no such file; install the compiler "
             << "with support for this target";

  std::string libc = sysroot.find("libc.so.6");
  std::string libm = sysroot.find("libm.so.6");
  switch (kind) {
  case BinaryKind::Static:
    return writeArchive(location, objects, {library}, path);
  case BinaryKind::Object:
    add({"-r"});
    add(objects);
    break;
  case BinaryKind::Shared:
    // Without the C library's files its symbols stay open until load.
    add({"-shared", "--gc-sections", "-z", "now", "-soname",
         llvm::sys::path::filename(path).str()});
    add(objects);
    add({"--whole-archive", library, "--no-whole-archive"});
    if (!libc.empty() && !libm.empty())
      add({"--as-needed", libm, libc});
    break;
  case BinaryKind::Executable: {
    std::vector<std::string> start;
    for (StringRef file : {"Scrt1.o", "crti.o", "crtn.o"}) {
      start.push_back(sysroot.find(file));
      if (start.back().empty())
        return emitError(location)
               << "expected '" << file << "' of the C library for "
               << triple.getArchName() << " in "
               << llvm::join(sysroot.directories, ", ")
               << " but there is none; install "
               << (triple.getArch() == llvm::Triple::x86_64
                       ? "libc6-dev"
                       : "libc6-dev-arm64-cross")
               << " or emit a shared library";
    }
    add({"-pie", "--gc-sections", "-z", "now", "-z", "relro", "--eh-frame-hdr",
         "-dynamic-linker", sysroot.dynamicLinker, start[0], start[1]});
    add(objects);
    add({mainLibrary, library, "--as-needed", libm, libc});
    std::string shared = sysroot.find("libc_nonshared.a");
    if (!shared.empty())
      add({shared});
    add({start[2]});
    break;
  }
  }
  // Large weights stream through huge pages, which a mapping of the file can
  // have only where addresses and offsets agree to the size of one.
  uint64_t bytes = 0;
  for (const std::string &object : objects) {
    uint64_t size = 0;
    if (!llvm::sys::fs::file_size(object, size))
      bytes += size;
  }
  if (bytes >= streamedBytes)
    add({"-z", "max-page-size=2097152"});
  SmallVector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string output, errors;
  llvm::raw_string_ostream outputStream(output), errorStream(errors);
  lld::Result result = lld::lldMain(pointers, outputStream, errorStream,
                                    {{lld::Gnu, &lld::elf::link}});
  if (result.retCode)
    return emitError(location)
           << "linking '" << path << "' failed: " << StringRef(errors).rtrim();
  return success();
}
