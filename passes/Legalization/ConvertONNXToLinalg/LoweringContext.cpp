//===- LoweringContext.cpp - Values, constants, attributes ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace hgf;

/// More elements than this are never tracked as scalars.
static constexpr int64_t maxTrackedElements = 64;

Type hgf::getStorageType(Type elementType) {
  auto integer = dyn_cast<IntegerType>(elementType);
  if (!integer || integer.getWidth() == 1)
    return elementType;
  return IntegerType::get(elementType.getContext(),
                          std::max(integer.getWidth(), 8u));
}

Type hgf::getElementTypeOfCode(Builder builder, int64_t code) {
  auto integer = [&](unsigned width, bool isUnsigned) -> Type {
    return IntegerType::get(builder.getContext(), width,
                            isUnsigned ? IntegerType::Unsigned
                                       : IntegerType::Signless);
  };
  switch (code) {
  case 1:
    return builder.getF32Type();
  case 2:
    return integer(8, true);
  case 3:
    return integer(8, false);
  case 4:
    return integer(16, true);
  case 5:
    return integer(16, false);
  case 6:
    return integer(32, false);
  case 7:
    return integer(64, false);
  case 9:
    return integer(1, false);
  case 10:
    return builder.getF16Type();
  case 11:
    return builder.getF64Type();
  case 12:
    return integer(32, true);
  case 13:
    return integer(64, true);
  case 16:
    return builder.getBF16Type();
  case 21:
    return integer(4, true);
  case 22:
    return integer(4, false);
  case 25:
    return integer(2, true);
  case 26:
    return integer(2, false);
  default:
    return nullptr;
  }
}

/// The bytes of a constant, whatever attribute holds them; empty if unknown.
static ArrayRef<char> getRawBytes(ElementsAttr attribute) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute))
    return dense.getRawData();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

/// Expands packed two- or four-bit integers, lowest bits first, to i8.
static ElementsAttr unpack(ElementsAttr packed, RankedTensorType logicalType) {
  auto integer = cast<IntegerType>(logicalType.getElementType());
  unsigned width = integer.getWidth();
  ArrayRef<char> bytes = getRawBytes(packed);
  bool isSplat = isa<DenseElementsAttr>(packed) && packed.isSplat();
  SmallVector<int8_t> values(logicalType.getNumElements());
  for (size_t i = 0; i < values.size(); ++i) {
    size_t position = isSplat ? 0 : i * width / 8;
    if (position >= bytes.size())
      return nullptr;
    unsigned shift = i * width % 8;
    uint8_t code =
        (static_cast<uint8_t>(bytes[position]) >> shift) & ((1u << width) - 1);
    bool negative = !integer.isUnsigned() && (code >> (width - 1));
    values[i] = static_cast<int8_t>(negative ? code - (1 << width) : code);
  }
  auto type = logicalType.clone(getStorageType(integer));
  return DenseElementsAttr::get(type, ArrayRef<int8_t>(values));
}

/// `attribute` with a signless element type; the bytes stay where they are.
static ElementsAttr makeSignless(ElementsAttr attribute) {
  auto type = cast<ShapedType>(attribute.getType());
  Type storage = getStorageType(type.getElementType());
  if (storage == type.getElementType())
    return attribute;
  ShapedType signless = type.clone(storage);
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    if (storage.getIntOrFloatBitWidth() ==
        type.getElementType().getIntOrFloatBitWidth())
      return DenseElementsAttr::getFromRawBuffer(signless, dense.getRawData());
    // A splat or list of i4 or i2: MLIR keeps one byte for each.
    SmallVector<APInt> values;
    bool isUnsigned = type.getElementType().isUnsignedInteger();
    for (const APInt &value : dense.getValues<APInt>())
      values.push_back(isUnsigned ? value.zext(8) : value.sext(8));
    return DenseElementsAttr::get(signless, values);
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute))
    return DenseResourceElementsAttr::get(signless, resource.getRawHandle());
  return nullptr;
}

/// The integers of a small constant, or std::nullopt.
static std::optional<SmallVector<int64_t>> readIntegers(ElementsAttr attribute,
                                                        bool isUnsigned) {
  auto type = cast<ShapedType>(attribute.getType());
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  if (!integer || type.getNumElements() > maxTrackedElements)
    return std::nullopt;
  SmallVector<int64_t> result;
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    for (const APInt &value : dense.getValues<APInt>())
      result.push_back(isUnsigned ? static_cast<int64_t>(value.getZExtValue())
                                  : value.getSExtValue());
    return result;
  }
  ArrayRef<char> bytes = getRawBytes(attribute);
  size_t width = std::max(integer.getWidth() / 8, 1u);
  if (bytes.size() < width * type.getNumElements() || width > 8)
    return std::nullopt;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    uint64_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * width, width);
    APInt value(width * 8, bits);
    result.push_back(isUnsigned ? static_cast<int64_t>(value.getZExtValue())
                                : value.getSExtValue());
  }
  return result;
}

TensorValue hgf::makeConstant(OpBuilder &builder, Location location,
                              ElementsAttr constant, Type elementType) {
  TensorValue result;
  result.constant = constant;
  result.elementType = elementType;
  auto type = cast<ShapedType>(constant.getType());
  for (int64_t size : type.getShape())
    result.dims.push_back(builder.getIndexAttr(size));
  if (std::optional<SmallVector<int64_t>> integers =
          readIntegers(constant, result.isUnsigned())) {
    result.elements.emplace();
    for (int64_t value : *integers)
      result.elements->push_back(builder.getIndexAttr(value));
  }
  return result;
}

/// The importer writes "?" for a dynamic dimension without a name.
static bool isName(StringRef name) { return !name.empty() && name != "?"; }

LoweringContext::LoweringContext(ModuleOp module, func::FuncOp function)
    : module(module), function(function), indices(&function.getBody().front()) {
}

int64_t LoweringContext::opset(StringRef domain) const {
  auto opsets = module->getAttrOfType<DictionaryAttr>("onnx.opsets");
  if (domain == "ai.onnx")
    domain = "";
  Attribute version = opsets ? opsets.get(domain) : nullptr;
  if (!version && opsets && domain.empty())
    version = opsets.get("ai.onnx");
  if (auto integer = dyn_cast_or_null<IntegerAttr>(version))
    return integer.getValue().getSExtValue();
  // A module without the attribute was written by hand: newest form.
  return domain.empty() ? 25 : 1;
}

TensorValue *LoweringContext::find(Value value) {
  auto found = values.find(value);
  if (found != values.end())
    return found->second.get();
  // Constants are lowered when they are first read: one that nobody reads,
  // because its layer was recognised, is never unpacked.
  if (auto constant = value.getDefiningOp<ConstantOp>())
    if (succeeded(lowerConstant(constant)))
      return values.find(value)->second.get();
  return nullptr;
}

void LoweringContext::set(Value value, TensorValue lowered) {
  values[value] = std::make_unique<TensorValue>(std::move(lowered));
}

Index LoweringContext::namedDimension(StringRef name, Value argument,
                                      int64_t dimension) {
  auto known = names.find(name);
  if (known != names.end())
    return known->second;
  // Exporters name the attention mask's length "past_length + length".
  SmallVector<StringRef> parts;
  name.split(parts, '+');
  if (parts.size() == 2) {
    auto first = names.find(parts[0].trim());
    auto second = names.find(parts[1].trim());
    if (first != names.end() && second != names.end()) {
      Index sum = indices.add(first->second, second->second);
      Index actual = indices.argumentDimension(argument, dimension);
      indices.require(indices.compare(arith::CmpIPredicate::eq, sum, actual),
                      "dimension '" + name +
                          "' is not the sum that its name says");
      return names[name] = sum;
    }
  }
  return names[name] = indices.argumentDimension(argument, dimension);
}

LogicalResult LoweringContext::lowerArguments() {
  // Sums of names come last: their parts must be known by then.
  for (bool sums : {false, true})
    for (BlockArgument argument : function.getArguments()) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                        "onnx.dims");
      if (!type || !names || names.size() != size_t(type.getRank()))
        continue;
      for (int64_t i = 0; i < type.getRank(); ++i)
        if (auto name = dyn_cast<StringAttr>(names[i]))
          if (type.isDynamicDim(i) && isName(name.getValue()) &&
              name.getValue().contains('+') == sums)
            namedDimension(name, argument, i);
    }
  for (BlockArgument argument : function.getArguments()) {
    unsigned number = argument.getArgNumber();
    auto name = function.getArgAttrOfType<StringAttr>(number, "onnx.name");
    std::string label = name ? name.getValue().str() : std::to_string(number);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      return function.emitError()
             << "input '" << label
             << "': expected a tensor of known rank but got "
             << argument.getType()
             << "; give the model's input a shape (symbolic dimensions are "
                "welcome)";
    TensorValue value;
    value.elementType = type.getElementType();
    if (auto integer = dyn_cast<IntegerType>(value.elementType))
      if (integer.getWidth() != 1 && integer.getWidth() < 8)
        return function.emitError()
               << "input '" << label
               << "': expected elements of at least one byte but got "
               << value.elementType << "; pass int8 and cast in the model";
    auto names = function.getArgAttrOfType<ArrayAttr>(number, "onnx.dims");
    for (int64_t i = 0; i < type.getRank(); ++i) {
      StringAttr dimensionName;
      if (names && names.size() == size_t(type.getRank()))
        dimensionName = dyn_cast<StringAttr>(names[i]);
      if (!type.isDynamicDim(i))
        value.dims.push_back(indices.constant(type.getDimSize(i)));
      else if (dimensionName && isName(dimensionName.getValue()))
        value.dims.push_back(namedDimension(dimensionName, argument, i));
      else
        value.dims.push_back(indices.argumentDimension(argument, i));
    }
    argument.setType(type.clone(value.storageType()));
    value.tensor = argument;
    set(argument, std::move(value));
  }
  return success();
}

LogicalResult LoweringContext::lowerConstant(ConstantOp constant) {
  auto type = dyn_cast<RankedTensorType>(constant.getResult().getType());
  if (!type)
    return constant.emitError() << "expected a constant of known shape but got "
                                << constant.getResult().getType();
  Type elementType = type.getElementType();
  ElementsAttr bytes = constant.getValue();
  auto integer = dyn_cast<IntegerType>(elementType);
  bool isPacked = integer && integer.getWidth() > 1 && integer.getWidth() < 8 &&
                  bytes.getElementType().isInteger(8);
  bytes = isPacked ? unpack(bytes, type) : makeSignless(bytes);
  if (!bytes)
    return constant.emitError() << "expected the bytes of a constant of type "
                                << type << " but got fewer";
  OpBuilder builder(constant);
  TensorValue value =
      makeConstant(builder, constant.getLoc(), bytes, elementType);
  set(constant.getResult(), std::move(value));
  return success();
}

LogicalResult LoweringContext::lowerReturn() {
  auto terminator =
      cast<func::ReturnOp>(function.getBody().front().getTerminator());
  SmallVector<Value> results;
  SmallVector<Type> types;
  OpBuilder builder(terminator);
  for (auto [position, operand] : llvm::enumerate(terminator.getOperands())) {
    TensorValue *value = find(operand);
    if (!value)
      return terminator.emitError()
             << "expected output " << position << " to be a tensor but got "
             << operand.getType();
    if (auto integer = dyn_cast<IntegerType>(value->elementType))
      if (integer.getWidth() != 1 && integer.getWidth() < 8)
        return terminator.emitError()
               << "expected output " << position
               << " to have elements of at least one byte but got "
               << value->elementType << "; cast it to int8 in the model";
    Value tensor = materialize(*value, builder, terminator.getLoc());
    results.push_back(tensor);
    types.push_back(tensor.getType());
  }
  terminator->setOperands(results);
  function.setType(FunctionType::get(
      function.getContext(), function.getBody().getArgumentTypes(), types));
  return success();
}

Value LoweringContext::materialize(TensorValue &value, OpBuilder &builder,
                                   Location location) {
  if (value.tensor)
    return value.tensor;
  if (value.constant)
    return value.tensor = arith::ConstantOp::create(
               builder, location, cast<TypedAttr>(value.constant));
  SmallVector<int64_t> shape;
  for (Index size : value.dims)
    shape.push_back(*getConstantIntValue(size));
  Type storage = value.storageType();
  auto type = RankedTensorType::get(shape, storage);
  unsigned width = storage.getIntOrFloatBitWidth();
  if (llvm::all_of(*value.elements, [](Index element) {
        return getConstantIntValue(element).has_value();
      })) {
    SmallVector<APInt> constants;
    for (Index element : *value.elements)
      constants.push_back(
          APInt(64, *getConstantIntValue(element)).trunc(width));
    value.constant = DenseElementsAttr::get(type, constants);
    return materialize(value, builder, location);
  }
  SmallVector<Value> scalars;
  for (Index element : *value.elements)
    scalars.push_back(arith::IndexCastOp::create(builder, location, storage,
                                                 indices.value(element)));
  return value.tensor =
             tensor::FromElementsOp::create(builder, location, type, scalars);
}

void LoweringTable::add(StringRef domain, StringRef operatorType,
                        NodeHandler handler) {
  handlers[(domain + "::" + operatorType).str()] = handler;
}

NodeHandler LoweringTable::find(StringRef domain,
                                StringRef operatorType) const {
  if (domain == "ai.onnx")
    domain = "";
  return handlers.lookup((domain + "::" + operatorType).str());
}
