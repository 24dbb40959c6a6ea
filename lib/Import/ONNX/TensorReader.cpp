//===- TensorReader.cpp - TensorProto to constants ------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Process.h"
#include <sys/mman.h>

using namespace mlir;
using namespace hgf;
using namespace hgf::onnx;

/// Tensors up to this many bytes (shapes, axes, scalars) become inline
/// attributes, which passes read more easily.
static constexpr size_t inlineBytes = 64;

static_assert(llvm::endianness::native == llvm::endianness::little,
              "tensor bytes are used as they stand in the file");

FailureOr<RankedTensorType> TensorReader::readShape(const Tensor &tensor,
                                                    const llvm::Twine &what,
                                                    uint64_t &byteCount) {
  if (tensor.dataType == String)
    return import.error()
           << what << ": tensors of strings are not supported; convert them "
           << "to numbers before the model";
  Type elementType = getElementType(import.context, tensor.dataType);
  if (!elementType)
    return import.error() << what << ": expected an element type from 1 to 26 "
                          << "but got " << tensor.dataType;
  if (tensor.isSegmented)
    return import.error() << what << ": segmented tensors are not supported; "
                          << "save the model again with a current onnx package";
  uint64_t elementCount = 1;
  // The product of the dimensions that are not zero must be sane, too: strides
  // are computed from them.
  constexpr uint64_t limit = uint64_t(1) << 48;
  for (int64_t dim : tensor.dims) {
    if (dim < 0)
      return import.error() << what << ": expected dimensions of at least 0 "
                            << "but got " << dim;
    if (dim > 0 && static_cast<uint64_t>(dim) > limit / elementCount)
      return import.error() << what << ": its dimensions hold more than "
                            << limit << " elements";
    elementCount *= dim > 0 ? dim : 1;
  }
  if (llvm::is_contained(tensor.dims, 0))
    elementCount = 0;
  byteCount = llvm::divideCeil(elementCount * getStoredBits(elementType), 8);
  return RankedTensorType::get(tensor.dims, elementType);
}

/// Gives back the memory of a part of a mapped file, but for pages that other
/// tensors reach into: a model may be larger than the memory.
static void releasePages(const char *data, size_t size) {
  uintptr_t page = llvm::sys::Process::getPageSizeEstimate();
  auto address = reinterpret_cast<uintptr_t>(data);
  uintptr_t begin = llvm::alignTo(address, page);
  uintptr_t end = llvm::alignDown(address + size, page);
  // What cannot be given back is only kept for longer.
  if (begin < end)
    (void)madvise(const_cast<char *>(data) + (begin - address), end - begin,
                  MADV_DONTNEED);
}

static bool isPackedType(Type elementType) {
  return getStoredBits(elementType) < 8;
}

FailureOr<StoredTensor> TensorReader::store(RankedTensorType type,
                                            StringRef name,
                                            ExternalFiles::Slice slice) {
  Type elementType = type.getElementType();
  StringRef bytes = slice.bytes;
  bool isBool = elementType.isInteger(1);
  StoredTensor stored{type, {}};
  RankedTensorType valueType = type;
  if (isPackedType(elementType) || (isBool && bytes.size() > inlineBytes))
    valueType = RankedTensorType::get({static_cast<int64_t>(bytes.size())},
                                      IntegerType::get(&import.context, 8));
  if (bytes.empty()) {
    stored.value =
        DenseElementsAttr::get(valueType, ArrayRef<mlir::Attribute>());
    return stored;
  }
  if (bytes.size() <= inlineBytes) {
    if (isBool) {
      SmallVector<bool> values;
      for (char byte : bytes)
        values.push_back(byte != 0);
      stored.value = DenseElementsAttr::get(valueType, ArrayRef<bool>(values));
    } else {
      stored.value = DenseElementsAttr::getFromRawBuffer(
          valueType, ArrayRef<char>(bytes.data(), bytes.size()));
    }
    return stored;
  }
  // The declared alignment is what readers may rely on, so it must not vary
  // with where the file happens to be mapped.
  size_t alignment = llvm::divideCeil(getStoredBits(elementType), 8);
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignment != 0)
    alignment = 1;
  AsmResourceBlob blob(
      ArrayRef<char>(bytes.data(), bytes.size()), alignment,
      [owner = std::move(slice.owner),
       isMapped = slice.isMapped](void *data, size_t size, size_t) mutable {
        if (isMapped)
          releasePages(static_cast<const char *>(data), size);
        owner.reset();
      },
      /*dataIsMutable=*/false);
  auto &manager =
      DenseResourceElementsHandle::getManagerInterface(&import.context);
  stored.value = DenseResourceElementsAttr::get(
      valueType,
      manager.insert(name.empty() ? "constant" : name, std::move(blob)));
  return stored;
}

/// The typed field that holds elements of `dataType`, and how many bytes of
/// each of its entries count.
static std::pair<TypedField, unsigned> getTypedField(int32_t dataType) {
  switch (dataType) {
  case Float:
  case Complex64:
    return {TypedField::Float, 4};
  case Double:
  case Complex128:
    return {TypedField::Double, 8};
  case Int64:
    return {TypedField::Int64, 8};
  case UInt64:
    return {TypedField::UInt64, 8};
  case UInt32:
    return {TypedField::UInt64, 4};
  case Int32:
    return {TypedField::Int32, 4};
  case Int16:
  case UInt16:
  case Float16:
  case BFloat16:
    return {TypedField::Int32, 2};
  default:
    return {TypedField::Int32, 1};
  }
}

LogicalResult TensorReader::readTyped(const Tensor &tensor,
                                      RankedTensorType type, uint64_t byteCount,
                                      const llvm::Twine &what,
                                      ExternalFiles::Slice &slice) {
  auto [field, entryBytes] = getTypedField(tensor.dataType);
  if (field == TypedField::Float || field == TypedField::Double) {
    std::optional<StringRef> packed = findPackedField(tensor.message, field);
    if (packed && packed->size() == byteCount) {
      slice = {*packed, import.source.owner, import.source.isMapped};
      return success();
    }
  }
  uint64_t entryCount = byteCount / entryBytes;
  std::vector<uint64_t> entries;
  if (!readTypedField(tensor.message, field, entryCount, entries) ||
      entries.size() != entryCount)
    return import.error() << what << ": expected " << entryCount
                          << " entries of data but got "
                          << (entries.size() > entryCount ? "more" : "fewer");
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(byteCount);
  for (uint64_t entry : entries) {
    char littleEndian[8];
    llvm::support::endian::write64le(littleEndian, entry);
    bytes->append(littleEndian, entryBytes);
  }
  slice = {*bytes, bytes};
  return success();
}

FailureOr<StoredTensor> TensorReader::read(const Tensor &tensor,
                                           const llvm::Twine &what) {
  uint64_t byteCount = 0;
  FailureOr<RankedTensorType> type = readShape(tensor, what, byteCount);
  if (failed(type))
    return failure();
  ExternalFiles::Slice slice;
  if (tensor.isExternal) {
    FailureOr<ExternalFiles::Slice> external =
        externalFiles.read(tensor, byteCount, what);
    if (failed(external))
      return failure();
    slice = *external;
  } else if (tensor.rawData) {
    slice = {*tensor.rawData, import.source.owner, import.source.isMapped};
  } else if (failed(readTyped(tensor, *type, byteCount, what, slice))) {
    return failure();
  }
  if (slice.bytes.size() != byteCount)
    return import.error() << what << ": expected " << byteCount
                          << " bytes of data but got " << slice.bytes.size();
  return store(*type, tensor.name, std::move(slice));
}

FailureOr<ElementsAttr> TensorReader::readAttribute(const Tensor &tensor,
                                                    const llvm::Twine &what) {
  FailureOr<StoredTensor> stored = read(tensor, what);
  if (failed(stored))
    return failure();
  if (stored->value.getShapedType() == stored->type)
    return stored->value;
  ArrayRef<char> packed;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(stored->value))
    packed = resource.getRawHandle().getBlob()->getData();
  else
    packed = cast<DenseElementsAttr>(stored->value).getRawData();
  // A splat keeps one byte.
  bool isSplat = packed.size() == 1;
  auto byteAt = [&](int64_t index) -> uint8_t {
    return packed[isSplat ? 0 : index];
  };
  unsigned bits = getStoredBits(stored->type.getElementType());
  unsigned perByte = 8 / bits;
  SmallVector<char> unpacked;
  SmallVector<bool> truths;
  for (int64_t index = 0; index < stored->type.getNumElements(); ++index) {
    uint8_t code = (byteAt(index / perByte) >> (index % perByte * bits)) &
                   ((1u << bits) - 1);
    unpacked.push_back(code);
    truths.push_back(code != 0);
  }
  if (stored->type.getElementType().isInteger(1))
    return ElementsAttr(
        DenseElementsAttr::get(stored->type, ArrayRef<bool>(truths)));
  if (unpacked.empty())
    return ElementsAttr(
        DenseElementsAttr::get(stored->type, ArrayRef<mlir::Attribute>()));
  return ElementsAttr(
      DenseElementsAttr::getFromRawBuffer(stored->type, unpacked));
}
