//===- ExternalData.cpp - Tensors that stand beside the model file --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace hgf;
using namespace hgf::onnx;

/// True if `path` lies in `folder`; both are real paths.
static bool isInside(StringRef path, StringRef folder) {
  return path.consume_front(folder) &&
         (folder.ends_with("/") || path.starts_with("/"));
}

FailureOr<ExternalFiles::Slice> ExternalFiles::map(StringRef location,
                                                   const llvm::Twine &what) {
  auto found = files.find(location);
  if (found != files.end())
    return found->second;
  if (import.source.folder.empty())
    return import.error() << what << ": its data stand in the file '"
                          << location
                          << "', but a model that is not read from a file "
                             "cannot refer to other files";
  if (location.empty() || location.contains('\0') ||
      llvm::sys::path::is_absolute(location))
    return import.error() << what
                          << ": expected a relative path to its data but got '"
                          << location << "'";
  for (StringRef component : llvm::make_range(llvm::sys::path::begin(location),
                                              llvm::sys::path::end(location)))
    if (component == "..")
      return import.error() << what << ": the path to its data, '" << location
                            << "', leaves the model's folder";
  SmallString<256> path(import.source.folder), realPath, realFolder;
  llvm::sys::path::append(path, location);
  std::error_code code = llvm::sys::fs::real_path(path, realPath);
  if (!code)
    code = llvm::sys::fs::real_path(import.source.folder, realFolder);
  if (code)
    return import.error() << what << ": its data cannot be read from '" << path
                          << "': " << code.message();
  if (!isInside(realPath, realFolder))
    return import.error() << what << ": the path to its data, '" << location
                          << "', leaves the model's folder through a link";
  // A pipe or a device would block or never end.
  if (!llvm::sys::fs::is_regular_file(realPath))
    return import.error() << what << ": '" << path << "' is not a file";
  auto buffer = llvm::MemoryBuffer::getFile(realPath, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return import.error() << what << ": its data cannot be read from '" << path
                          << "': " << buffer.getError().message();
  std::shared_ptr<llvm::MemoryBuffer> owner = std::move(*buffer);
  Slice slice{owner->getBuffer(), owner,
              owner->getBufferKind() == llvm::MemoryBuffer::MemoryBuffer_MMap};
  files.try_emplace(location, slice);
  return slice;
}

FailureOr<ExternalFiles::Slice> ExternalFiles::read(const Tensor &tensor,
                                                    uint64_t length,
                                                    const llvm::Twine &what) {
  StringRef location;
  uint64_t offset = 0, statedLength = length;
  for (auto [key, value] : tensor.externalData) {
    if (key == "location")
      location = value;
    else if (key == "offset" || key == "length") {
      if (value.getAsInteger(10, key == "offset" ? offset : statedLength))
        return import.error() << what << ": expected a number as the " << key
                              << " of its data but got '" << value << "'";
    }
  }
  if (statedLength != length)
    return import.error() << what << ": expected " << length
                          << " bytes of data but the file states "
                          << statedLength;
  FailureOr<Slice> file = map(location, what);
  if (failed(file))
    return failure();
  uint64_t size = file->bytes.size();
  // Written so that no sum can overflow.
  if (offset > size || length > size - offset)
    return import.error() << what << ": expected " << length
                          << " bytes of data at offset " << offset << " of '"
                          << location << "' but that file has " << size;
  return Slice{file->bytes.substr(offset, length), file->owner, file->isMapped};
}
