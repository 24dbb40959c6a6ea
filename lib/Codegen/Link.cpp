//===- Link.cpp - Binaries out of objects, with lld in process ----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TargetSystems.h"

#include "lld/Common/Driver.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Triple.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;

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

namespace {

/// Paths of files that a kind of binary is made of. After a missing one, every
/// path is empty and the error is out.
class TargetFiles {
public:
  TargetFiles(Location location, const hgf::TargetSystem &system,
              StringRef sysroot)
      : location(location), system(system), sysroot(sysroot) {}

  /// A file of the C library.
  std::string library(StringRef file) {
    return need(hgf::findLibraryFile(system, sysroot, file), file,
                "of the C library", system.libraryFolders,
                hgf::getLibraryPackage(system));
  }

  /// A file that comes with GCC.
  std::string compiler(StringRef file) {
    return need(hgf::findCompilerFile(system, sysroot, file), file, "of GCC",
                system.compilerFolders, hgf::getCompilerPackage(system));
  }

  bool complete = true;

private:
  std::string need(std::string path, StringRef file, StringRef origin,
                   ArrayRef<llvm::StringLiteral> folders,
                   const std::string &package) {
    if (!path.empty() || !complete)
      return path;
    complete = false;
    std::string places;
    for (StringRef folder : folders)
      places += (places.empty() ? "" : ", ") + folder.str();
    emitError(location) << "expected '" << file << "' " << origin << " for "
                        << system.name << " under '"
                        << (sysroot.empty() ? "/" : sysroot) << "' in "
                        << places << " but there is none; install " << package
                        << " or emit a shared library";
    return "";
  }

  Location location;
  const hgf::TargetSystem &system;
  StringRef sysroot;
};

} // namespace

LogicalResult hgf::link(Location location, BinaryKind kind,
                        const CodegenTarget &target,
                        ArrayRef<std::string> objects,
                        StringRef runtimeDirectory, StringRef path,
                        StringRef mainArchive) {
  if (failed(checkBinaryKind(location, kind, target)))
    return failure();
  const TargetSystem &system =
      *findTargetSystem(llvm::Triple(getTriple(target)));
  auto getArchive = [&](StringRef name) {
    SmallString<128> archive(runtimeDirectory);
    llvm::sys::path::append(archive, system.name, name);
    return archive.str().str();
  };
  std::string library = getArchive("libhgf_runtime.a");
  std::string mainLibrary = getArchive(mainArchive);
  SmallVector<std::string> needed;
  if (kind != BinaryKind::Object)
    needed.push_back(library);
  if (kind == BinaryKind::Executable || kind == BinaryKind::StaticExecutable)
    needed.push_back(mainLibrary);
  for (StringRef archive : needed)
    if (!llvm::sys::fs::exists(archive))
      return emitError(location)
             << "expected the runtime for " << system.name << " at '" << archive
             << "' but there is no such file; install the compiler "
             << "with support for this target";

  // Strings live here until lld is done: it resets the process's options and
  // takes pointers.
  std::vector<std::string> arguments = {
      "ld.lld", "-m",       system.emulation.str(),
      "-o",     path.str(), "--build-id=none"};
  auto add = [&](ArrayRef<std::string> more) {
    llvm::append_range(arguments, more);
  };
  // For paths inside the C library's linker scripts.
  if (!target.sysroot.empty())
    add({"--sysroot=" + target.sysroot});
  TargetFiles files(location, system, target.sysroot);
  auto find = [&](StringRef file) {
    return findLibraryFile(system, target.sysroot, file);
  };
  switch (kind) {
  case BinaryKind::Static:
    return writeArchive(location, objects, {library}, path);
  case BinaryKind::Object:
    add({"-r"});
    add(objects);
    break;
  case BinaryKind::Shared: {
    // Without the C library's files its symbols stay open until load.
    add({"-shared", "--gc-sections", "-z", "now", "-soname",
         llvm::sys::path::filename(path).str()});
    add(objects);
    add({"--whole-archive", library, "--no-whole-archive"});
    std::string libc = find("libc.so.6"), libm = find("libm.so.6");
    if (!libc.empty() && !libm.empty())
      add({"--as-needed", libm, libc});
    break;
  }
  case BinaryKind::Executable: {
    add({"-pie", "--gc-sections", "-z", "now", "-z", "relro", "--eh-frame-hdr",
         "-dynamic-linker", system.dynamicLinker.str(),
         files.library("Scrt1.o"), files.library("crti.o")});
    add(objects);
    add({mainLibrary, library, "--as-needed", files.library("libm.so.6"),
         files.library("libc.so.6")});
    std::string shared = find("libc_nonshared.a");
    if (!shared.empty())
      add({shared});
    add({files.library("crtn.o")});
    break;
  }
  case BinaryKind::StaticExecutable: {
    // Not position independent: many kernels do not load such a program where
    // its segments' alignment asks, and then weights get no huge pages.
    add({"-static", "--gc-sections", "-z", "relro", "--eh-frame-hdr",
         files.library("crt1.o"), files.library("crti.o")});
    add(objects);
    // libgcc: long double on AArch64, and unwinding for threads that end.
    add({mainLibrary, library, "--start-group", files.library("libm.a"),
         files.library("libc.a"), files.compiler("libgcc.a"),
         files.compiler("libgcc_eh.a"), "--end-group",
         files.library("crtn.o")});
    break;
  }
  }
  if (!files.complete)
    return failure();
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
