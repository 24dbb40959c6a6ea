//===- Model.h - An ONNX file as plain structs ------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The messages of onnx.proto that the importer needs. Every StringRef points
// into the mapped file: nothing here owns bytes, and nothing is checked beyond
// the wire format.
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_IMPORT_ONNX_MODEL_H
#define HGF_LIB_IMPORT_ONNX_MODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hgf::onnx {

/// TensorProto.DataType.
enum DataType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26
};

/// AttributeProto.AttributeType.
enum class AttributeType : int32_t {
  Undefined = 0,
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8
};

/// Fields of TensorProto that hold values element by element.
enum class TypedField {
  Float = 4,
  Int32 = 5,
  Int64 = 7,
  Double = 10,
  UInt64 = 11
};

using KeyValues = std::vector<std::pair<llvm::StringRef, llvm::StringRef>>;

struct Tensor {
  llvm::StringRef name;
  int32_t dataType = Undefined;
  llvm::SmallVector<int64_t, 4> dims;
  std::optional<llvm::StringRef> rawData;
  bool isExternal = false;
  bool isSegmented = false;
  KeyValues externalData;
  /// The whole message: typed fields are read from it on demand.
  llvm::StringRef message;
};

struct Attribute {
  llvm::StringRef name, referenceName;
  int32_t type = 0;
  float floatValue = 0;
  int64_t intValue = 0;
  llvm::StringRef stringValue;
  /// At most one element.
  std::vector<Tensor> tensor;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<llvm::StringRef> strings;
};

struct Dimension {
  std::optional<int64_t> value;
  llvm::StringRef name;
};

struct ValueInfo {
  llvm::StringRef name;
  /// Field of TypeProto that is set: 0 none, 1 tensor, 4 sequence, 5 map, 7
  /// opaque, 8 sparse tensor, 9 optional.
  int32_t kind = 0;
  int32_t elementType = Undefined;
  bool hasShape = false;
  llvm::SmallVector<Dimension, 4> dims;
};

struct Node {
  llvm::StringRef name, opType, domain, overload;
  std::vector<llvm::StringRef> inputs, outputs;
  std::vector<Attribute> attributes;
};

struct Graph {
  llvm::StringRef name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs, outputs, valueInfos;
  bool hasSparseInitializer = false;
};

struct OperatorSet {
  llvm::StringRef domain;
  int64_t version = 0;
};

struct Function {
  llvm::StringRef name, domain, overload;
  std::vector<llvm::StringRef> inputs, outputs, requiredAttributes;
  std::vector<Attribute> defaultAttributes;
  std::vector<Node> nodes;
  std::vector<OperatorSet> operatorSets;
};

struct Model {
  int64_t irVersion = 0;
  std::vector<OperatorSet> operatorSets;
  KeyValues metadata;
  std::optional<Graph> graph;
  std::vector<Function> functions;
};

/// Reads `bytes` as a ModelProto. On failure returns a sentence's end, such as
/// "it ends in the middle of a field", in `error`.
bool readModel(llvm::StringRef bytes, Model &model, std::string &error);

/// Appends every element of field `field` of the TensorProto `message`, packed
/// or not, each widened to 64 bits (floats and doubles as their bit patterns).
/// False if the field is malformed or holds more than `limit` elements.
bool readTypedField(llvm::StringRef message, TypedField field, size_t limit,
                    std::vector<uint64_t> &elements);

/// The bytes of `field` if they stand in one piece, little-endian, in
/// `message`: for Float and Double only.
std::optional<llvm::StringRef> findPackedField(llvm::StringRef message,
                                               TypedField field);

} // namespace hgf::onnx

#endif // HGF_LIB_IMPORT_ONNX_MODEL_H
