//===- ConstantFoldElementwise.cpp - Arithmetic, logic, casts -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantFold.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace hgf;

namespace {
using FloatUnary = double (*)(double);
using FloatBinary = double (*)(double, double);
using FloatCompare = bool (*)(double, double);
/// On integers of at most 64 bits, sign- or zero-extended; the result wraps.
using IntegerUnary = int64_t (*)(int64_t);
using IntegerBinary = int64_t (*)(int64_t, int64_t, bool isUnsigned);
} // namespace

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

static FloatUnary getFloatUnary(StringRef type) {
  return llvm::StringSwitch<FloatUnary>(type)
      .Case("Abs", [](double x) { return std::fabs(x); })
      .Case("Neg", [](double x) { return -x; })
      .Case("Reciprocal", [](double x) { return 1.0 / x; })
      .Case("Sqrt", [](double x) { return std::sqrt(x); })
      .Case("Exp", [](double x) { return std::exp(x); })
      .Case("Log", [](double x) { return std::log(x); })
      .Case("Tanh", [](double x) { return std::tanh(x); })
      .Case("Sigmoid", [](double x) { return 1.0 / (1.0 + std::exp(-x)); })
      .Case("Sin", [](double x) { return std::sin(x); })
      .Case("Cos", [](double x) { return std::cos(x); })
      .Case("Erf", [](double x) { return std::erf(x); })
      .Case("Relu", [](double x) { return x < 0.0 ? 0.0 : x; })
      .Case("Floor", [](double x) { return std::floor(x); })
      .Case("Ceil", [](double x) { return std::ceil(x); })
      // To nearest even: the rounding mode is never changed.
      .Case("Round", [](double x) { return std::nearbyint(x); })
      .Case("Sign", [](double x) { return x > 0   ? 1.0
                                          : x < 0 ? -1.0
                                                  : x; })
      .Default(nullptr);
}

static IntegerUnary getIntegerUnary(StringRef type, bool isUnsigned) {
  using Case = IntegerUnary;
  Case keep = [](int64_t x) { return x; };
  Case negate = [](int64_t x) {
    return static_cast<int64_t>(-static_cast<uint64_t>(x));
  };
  Case absolute = [](int64_t x) {
    return x < 0 ? static_cast<int64_t>(-static_cast<uint64_t>(x)) : x;
  };
  Case sign = [](int64_t x) -> int64_t { return (x > 0) - (x < 0); };
  Case signUnsigned = [](int64_t x) -> int64_t { return x != 0; };
  return llvm::StringSwitch<Case>(type)
      .Case("Abs", isUnsigned ? keep : absolute)
      .Case("Neg", negate)
      .Case(
          "Relu",
          isUnsigned ? keep
                     : +[](int64_t x) -> int64_t { return x < 0 ? 0 : x; })
      .Case("Sign", isUnsigned ? signUnsigned : sign)
      .Case("BitwiseNot", [](int64_t x) { return ~x; })
      .Default(nullptr);
}

static FoldResult foldUnary(const FoldRequest &request, StringRef type) {
  const ConstantReader &input = request[0];
  bool isFloat = input.isFloat(), isBool = input.getElementType().isInteger(1);
  FloatUnary onFloats = isFloat ? getFloatUnary(type) : nullptr;
  IntegerUnary onIntegers =
      isFloat || isBool
          ? nullptr
          : getIntegerUnary(type, input.getElementType().isUnsignedInteger());
  if (isBool && type == "Not")
    onIntegers = [](int64_t x) -> int64_t { return !x; };
  if (!onFloats && !onIntegers)
    return std::nullopt;
  auto result = request.build(input.getShape(), input.getElementType());
  if (!result)
    return std::nullopt;
  for (int64_t i = 0, count = input.getElementCount(); i < count; ++i) {
    if (onFloats)
      result->setFloat(i, onFloats(input.at<double>(i)));
    else
      result->setInteger(i, onIntegers(input.at<int64_t>(i)));
  }
  return finish(*result);
}

//===----------------------------------------------------------------------===//
// Two operands and more
//===----------------------------------------------------------------------===//

static FloatBinary getFloatBinary(StringRef type) {
  return llvm::StringSwitch<FloatBinary>(type)
      .Case("Add", [](double a, double b) { return a + b; })
      .Case("Sub", [](double a, double b) { return a - b; })
      .Case("Mul", [](double a, double b) { return a * b; })
      .Case("Div", [](double a, double b) { return a / b; })
      .Case("Pow", [](double a, double b) { return std::pow(a, b); })
      // A NaN stays one, whichever operand it is.
      .Case("Max", [](double a, double b) { return a > b || a != a ? a : b; })
      .Case("Min", [](double a, double b) { return a < b || a != a ? a : b; })
      .Default(nullptr);
}

static int64_t integerPower(int64_t base, int64_t exponent, bool isUnsigned) {
  if (!isUnsigned && exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, factor = base, rest = exponent;
  for (; rest; rest >>= 1, factor *= factor)
    if (rest & 1)
      result *= factor;
  return result;
}

static int64_t integerQuotient(int64_t a, int64_t b, bool isUnsigned) {
  if (isUnsigned)
    return static_cast<uint64_t>(a) / static_cast<uint64_t>(b);
  // The one quotient that overflows wraps around.
  return b == -1 ? static_cast<int64_t>(-static_cast<uint64_t>(a)) : a / b;
}

static bool integerLess(int64_t a, int64_t b, bool isUnsigned) {
  return isUnsigned ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b)
                    : a < b;
}

static IntegerBinary getIntegerBinary(StringRef type) {
  return llvm::StringSwitch<IntegerBinary>(type)
      .Case("Add",
            [](int64_t a, int64_t b, bool) {
              return static_cast<int64_t>(uint64_t(a) + uint64_t(b));
            })
      .Case("Sub",
            [](int64_t a, int64_t b, bool) {
              return static_cast<int64_t>(uint64_t(a) - uint64_t(b));
            })
      .Case("Mul",
            [](int64_t a, int64_t b, bool) {
              return static_cast<int64_t>(uint64_t(a) * uint64_t(b));
            })
      .Case("Div", integerQuotient)
      .Case("Pow", integerPower)
      .Case("Max",
            [](int64_t a, int64_t b, bool isUnsigned) {
              return integerLess(a, b, isUnsigned) ? b : a;
            })
      .Case("Min",
            [](int64_t a, int64_t b, bool isUnsigned) {
              return integerLess(b, a, isUnsigned) ? b : a;
            })
      .Case("BitwiseAnd", [](int64_t a, int64_t b, bool) { return a & b; })
      .Case("BitwiseOr", [](int64_t a, int64_t b, bool) { return a | b; })
      .Case("BitwiseXor", [](int64_t a, int64_t b, bool) { return a ^ b; })
      .Default(nullptr);
}

/// The common type and shape of the first `count` inputs.
static std::optional<Shape> getCommonShape(const FoldRequest &request,
                                           size_t count, bool sameType) {
  SmallVector<ArrayRef<int64_t>> shapes;
  for (size_t i = 0; i < count; ++i) {
    if (!request.has(i) || (sameType && request[i].getElementType() !=
                                            request[0].getElementType()))
      return std::nullopt;
    shapes.push_back(request[i].getShape());
  }
  return broadcastShapes(shapes);
}

static SmallVector<Shape> getInputStrides(const FoldRequest &request,
                                          size_t count,
                                          ArrayRef<int64_t> shape) {
  SmallVector<Shape> strides;
  for (size_t i = 0; i < count; ++i)
    strides.push_back(getBroadcastStrides(request[i].getShape(), shape));
  return strides;
}

static bool hasZero(const ConstantReader &values) {
  for (int64_t i = 0; i < values.getElementCount(); ++i)
    if (values.at<int64_t>(i) == 0)
      return true;
  return false;
}

/// Add, Sub, Mul, Div, Pow, Max, Min (of any number) and bitwise logic.
static FoldResult foldArithmetic(const FoldRequest &request, StringRef type) {
  Type elementType = request[0].getElementType();
  bool isFloat = request[0].isFloat();
  bool isVariadic = type == "Max" || type == "Min";
  size_t count = request.inputs.size();
  FloatBinary onFloats = getFloatBinary(type);
  IntegerBinary onIntegers = getIntegerBinary(type);
  if ((isFloat && !onFloats) || (!isFloat && !onIntegers) ||
      elementType.isInteger(1) || (!isVariadic && count != 2))
    return std::nullopt;
  bool mayMix = type == "Pow";
  std::optional<Shape> shape = getCommonShape(request, count, !mayMix);
  if (!shape || (!isFloat && type == "Div" && hasZero(request[1])) ||
      (!isFloat && mayMix && request[1].isFloat()))
    return std::nullopt;
  auto result = request.build(*shape, elementType);
  if (!result)
    return std::nullopt;
  bool isUnsigned = elementType.isUnsignedInteger();
  forEachElement(*shape, getInputStrides(request, count, *shape),
                 [&](int64_t index, const int64_t *offsets) {
                   if (isFloat) {
                     double value = request[0].at<double>(offsets[0]);
                     for (size_t i = 1; i < count; ++i)
                       value =
                           onFloats(value, request[i].at<double>(offsets[i]));
                     return result->setFloat(index, value);
                   }
                   int64_t value = request[0].at<int64_t>(offsets[0]);
                   for (size_t i = 1; i < count; ++i)
                     value = onIntegers(
                         value, request[i].at<int64_t>(offsets[i]), isUnsigned);
                   result->setInteger(index, value);
                 });
  return finish(*result);
}

static FoldResult foldShift(const FoldRequest &request) {
  std::optional<Shape> shape = getCommonShape(request, 2, true);
  StringRef direction = request.getString("direction", "");
  Type elementType = request[0].getElementType();
  if (!shape || !elementType.isUnsignedInteger() ||
      (direction != "LEFT" && direction != "RIGHT"))
    return std::nullopt;
  auto result = request.build(*shape, elementType);
  if (!result)
    return std::nullopt;
  unsigned width = elementType.getIntOrFloatBitWidth();
  forEachElement(*shape, getInputStrides(request, 2, *shape),
                 [&](int64_t index, const int64_t *offsets) {
                   uint64_t value = request[0].at<uint64_t>(offsets[0]);
                   uint64_t amount = request[1].at<uint64_t>(offsets[1]);
                   value = amount >= width       ? 0
                           : direction == "LEFT" ? value << amount
                                                 : value >> amount;
                   result->setInteger(index, value);
                 });
  return finish(*result);
}

static FoldResult foldComparison(const FoldRequest &request, StringRef type) {
  int wanted = llvm::StringSwitch<int>(type)
                   .Case("Less", 1)
                   .Case("LessOrEqual", 1 | 2)
                   .Case("Equal", 2)
                   .Case("GreaterOrEqual", 2 | 4)
                   .Case("Greater", 4)
                   .Default(0);
  std::optional<Shape> shape = getCommonShape(request, 2, true);
  if (wanted == 0 || !shape)
    return std::nullopt;
  auto result =
      request.build(*shape, IntegerType::get(request.node.getContext(), 1));
  if (!result)
    return std::nullopt;
  bool isFloat = request[0].isFloat();
  bool isUnsigned = request[0].getElementType().isUnsignedInteger();
  forEachElement(
      *shape, getInputStrides(request, 2, *shape),
      [&](int64_t index, const int64_t *offsets) {
        int relation = 0;
        if (isFloat) {
          double a = request[0].at<double>(offsets[0]);
          double b = request[1].at<double>(offsets[1]);
          relation = a < b ? 1 : a == b ? 2 : a > b ? 4 : 0;
        } else {
          int64_t a = request[0].at<int64_t>(offsets[0]);
          int64_t b = request[1].at<int64_t>(offsets[1]);
          relation = a == b ? 2 : integerLess(a, b, isUnsigned) ? 1 : 4;
        }
        result->setInteger(index, (relation & wanted) != 0);
      });
  return finish(*result);
}

static FoldResult foldLogic(const FoldRequest &request, StringRef type) {
  std::optional<Shape> shape = getCommonShape(request, 2, true);
  Type elementType = request[0].getElementType();
  if (!shape || !elementType.isInteger(1))
    return std::nullopt;
  auto result = request.build(*shape, elementType);
  if (!result)
    return std::nullopt;
  forEachElement(*shape, getInputStrides(request, 2, *shape),
                 [&](int64_t index, const int64_t *offsets) {
                   bool a = request[0].at<bool>(offsets[0]);
                   bool b = request[1].at<bool>(offsets[1]);
                   result->setInteger(index, type == "And"  ? a && b
                                             : type == "Or" ? a || b
                                                            : a != b);
                 });
  return finish(*result);
}

static FoldResult foldWhere(const FoldRequest &request) {
  std::optional<Shape> shape = getCommonShape(request, 3, false);
  if (!shape || !request[0].getElementType().isInteger(1) ||
      request[1].getElementType() != request[2].getElementType())
    return std::nullopt;
  auto result = request.build(*shape, request[1].getElementType());
  if (!result)
    return std::nullopt;
  forEachElement(*shape, getInputStrides(request, 3, *shape),
                 [&](int64_t index, const int64_t *offsets) {
                   size_t chosen = request[0].at<bool>(offsets[0]) ? 1 : 2;
                   result->setBits(index,
                                   request[chosen].getBits(offsets[chosen]));
                 });
  return finish(*result);
}

static FoldResult foldClip(const FoldRequest &request) {
  const ConstantReader &input = request[0];
  Type elementType = input.getElementType();
  for (size_t bound : {1, 2})
    if (request.has(bound) && (request[bound].getElementCount() != 1 ||
                               request[bound].getElementType() != elementType))
      return std::nullopt;
  auto result = request.build(input.getShape(), elementType);
  if (!result || elementType.isInteger(1))
    return std::nullopt;
  bool isUnsigned = elementType.isUnsignedInteger();
  for (int64_t i = 0, count = input.getElementCount(); i < count; ++i) {
    if (input.isFloat()) {
      double value = input.at<double>(i);
      if (request.has(1) && value < request[1].at<double>(0))
        value = request[1].at<double>(0);
      if (request.has(2) && value > request[2].at<double>(0))
        value = request[2].at<double>(0);
      result->setFloat(i, value);
      continue;
    }
    int64_t value = input.at<int64_t>(i);
    if (request.has(1) &&
        integerLess(value, request[1].at<int64_t>(0), isUnsigned))
      value = request[1].at<int64_t>(0);
    if (request.has(2) &&
        integerLess(request[2].at<int64_t>(0), value, isUnsigned))
      value = request[2].at<int64_t>(0);
    result->setInteger(i, value);
  }
  return finish(*result);
}

static FoldResult foldCast(const FoldRequest &request, Type elementType) {
  const ConstantReader &input = request[0];
  if (!elementType)
    return std::nullopt;
  auto result = request.build(input.getShape(), elementType);
  if (!result)
    return std::nullopt;
  bool isSame = elementType == input.getElementType();
  for (int64_t i = 0, count = input.getElementCount(); i < count; ++i) {
    if (isSame)
      result->setBits(i, input.getBits(i));
    else
      result->setConverted(i, input, i);
  }
  return finish(*result);
}

FoldResult hgf::foldElementwise(const FoldRequest &request, StringRef type) {
  if (!request.has(0))
    return std::nullopt;
  if (type == "Cast")
    return foldCast(request, getFoldedElementType(request.node.getContext(),
                                                  request.getInteger("to", 0)));
  if (type == "CastLike")
    return request.has(1) ? foldCast(request, request[1].getElementType())
                          : std::nullopt;
  if (type == "Clip")
    return foldClip(request);
  if (type == "Where")
    return foldWhere(request);
  if (type == "And" || type == "Or" || type == "Xor")
    return foldLogic(request, type);
  if (type == "BitShift")
    return foldShift(request);
  if (request.inputs.size() == 1 && type != "Max" && type != "Min")
    return foldUnary(request, type);
  if (FoldResult compared = foldComparison(request, type))
    return compared;
  return foldArithmetic(request, type);
}
