//===- TypeReader.cpp - Element types and value types ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"

using namespace mlir;
using namespace hgf;
using namespace hgf::onnx;

/// No real tensor has a longer dimension, and sizes computed from such lengths
/// stay far from overflow.
static constexpr int64_t longestDimension = int64_t(1) << 40;

Type hgf::onnx::getElementType(MLIRContext &context, int32_t dataType) {
  Builder builder(&context);
  switch (dataType) {
  case Float:
    return builder.getF32Type();
  case UInt8:
    return builder.getIntegerType(8, /*isSigned=*/false);
  case Int8:
    return builder.getIntegerType(8);
  case UInt16:
    return builder.getIntegerType(16, /*isSigned=*/false);
  case Int16:
    return builder.getIntegerType(16);
  case Int32:
    return builder.getIntegerType(32);
  case Int64:
    return builder.getIntegerType(64);
  case Bool:
    return builder.getI1Type();
  case Float16:
    return builder.getF16Type();
  case Double:
    return builder.getF64Type();
  case UInt32:
    return builder.getIntegerType(32, /*isSigned=*/false);
  case UInt64:
    return builder.getIntegerType(64, /*isSigned=*/false);
  case Complex64:
    return ComplexType::get(builder.getF32Type());
  case Complex128:
    return ComplexType::get(builder.getF64Type());
  case BFloat16:
    return builder.getBF16Type();
  case Float8E4M3FN:
    return Float8E4M3FNType::get(&context);
  case Float8E4M3FNUZ:
    return Float8E4M3FNUZType::get(&context);
  case Float8E5M2:
    return Float8E5M2Type::get(&context);
  case Float8E5M2FNUZ:
    return Float8E5M2FNUZType::get(&context);
  case UInt4:
    return builder.getIntegerType(4, /*isSigned=*/false);
  case Int4:
    return builder.getIntegerType(4);
  case Float4E2M1:
    return Float4E2M1FNType::get(&context);
  case Float8E8M0:
    return Float8E8M0FNUType::get(&context);
  case UInt2:
    return builder.getIntegerType(2, /*isSigned=*/false);
  case Int2:
    return builder.getIntegerType(2);
  default:
    return {};
  }
}

unsigned hgf::onnx::getStoredBits(Type elementType) {
  if (auto complexType = dyn_cast<ComplexType>(elementType))
    return 2 * complexType.getElementType().getIntOrFloatBitWidth();
  unsigned bits = elementType.getIntOrFloatBitWidth();
  return bits == 1 ? 8 : bits;
}

static StringRef describeKind(int32_t kind) {
  switch (kind) {
  case 4:
    return "a sequence";
  case 5:
    return "a map";
  case 8:
    return "a sparse tensor";
  case 9:
    return "an optional";
  default:
    return "an opaque value";
  }
}

FailureOr<Type> hgf::onnx::readType(const ImportContext &import,
                                    const ValueInfo &info,
                                    const llvm::Twine &what) {
  if (info.kind > 1)
    return import.error() << what << ": expected a tensor but got "
                          << describeKind(info.kind)
                          << ", which is not supported";
  if (info.kind == 0 || info.elementType == Undefined)
    return Type(UnknownType::get(&import.context));
  if (info.elementType == String)
    return import.error()
           << what << ": tensors of strings are not supported; convert them "
           << "to numbers before the model";
  Type elementType = getElementType(import.context, info.elementType);
  if (!elementType)
    return import.error() << what << ": expected an element type from 1 to 26 "
                          << "but got " << info.elementType;
  if (!info.hasShape)
    return Type(UnrankedTensorType::get(elementType));
  SmallVector<int64_t> shape;
  for (const Dimension &dimension : info.dims) {
    int64_t length = ShapedType::kDynamic;
    if (dimension.value && *dimension.value >= 0)
      length = *dimension.value;
    if (length > longestDimension)
      return import.error() << what << ": expected dimensions up to "
                            << longestDimension << " but got " << length;
    if (ShapedType::isDynamic(length) && !dimension.name.empty())
      for (const auto &[name, value] : import.options.dimensions)
        if (name == dimension.name)
          length = value;
    shape.push_back(length);
  }
  return Type(RankedTensorType::get(shape, elementType));
}
