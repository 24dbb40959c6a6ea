//===- Quantizer.cpp - The activation quantizer and its scales ----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Quantizer.h"

#include "llvm/Support/Format.h"

using namespace mlir;
using namespace hgf;

namespace {

/// max(value, bound) as Clip or Max; null where `value` is none.
Value matchLowerBound(Value value, double bound) {
  if (NodeOp clip = definedBy(value, "Clip")) {
    Value low = getInput(clip, 1), high = getInput(clip, 2);
    bool bounded = low ? isScalar(low, bound)
                       : getReal(clip, "min") &&
                             float(*getReal(clip, "min")) == float(bound);
    bool open = !high && !getReal(clip, "max");
    return bounded && open ? clip.getInputs()[0] : Value();
  }
  Value inner;
  matchCommutative(value, "Max", [&](Value first, Value second) {
    if (!isScalar(second, bound))
      return false;
    inner = first;
    return true;
  });
  return inner;
}

/// The value whose absolute maximum over the last dimension `largest` is.
Value matchLargest(Value largest) {
  Value maximum = matchLowerBound(lookThroughIdentities(largest), 1e-5);
  if (!maximum)
    return {};
  NodeOp reduce = definedBy(lookThroughIdentities(maximum), "ReduceMax");
  if (!reduce || getInteger(reduce, "keepdims").value_or(1) != 1)
    return {};
  std::optional<int64_t> axis;
  if (Value axes = getInput(reduce, 1)) {
    if (std::optional<double> only = getScalarConstant(axes))
      axis = int64_t(*only);
  } else if (auto axes =
                 reduce.getNodeAttributes().getAs<DenseI64ArrayAttr>("axes")) {
    if (axes.size() == 1)
      axis = axes[0];
  }
  std::optional<int64_t> rank = findRank(reduce.getInputs()[0]);
  if (!axis || (*axis != -1 && !(rank && *axis == *rank - 1)))
    return {};
  NodeOp absolute =
      definedBy(lookThroughIdentities(reduce.getInputs()[0]), "Abs");
  return absolute ? lookThroughIdentities(absolute.getInputs()[0]) : Value();
}

/// 127 / a, and how it is computed.
bool matchMultiplier(Value value, Quantizer &quantizer) {
  value = lookThroughIdentities(value);
  if (NodeOp divide = definedBy(value, "Div")) {
    if (!isScalar(divide.getInputs()[0], 127))
      return false;
    quantizer.largest = lookThroughIdentities(divide.getInputs()[1]);
    quantizer.order = Quantization::Reciprocal;
    return true;
  }
  return matchCommutative(value, "Mul", [&](Value inverse, Value steps) {
    if (!isScalar(steps, 127))
      return false;
    inverse = lookThroughIdentities(inverse);
    Value largest;
    if (NodeOp reciprocal = definedBy(inverse, "Reciprocal"))
      largest = reciprocal.getInputs()[0];
    else if (NodeOp divide = definedBy(inverse, "Div");
             divide && isScalar(divide.getInputs()[0], 1))
      largest = divide.getInputs()[1];
    if (!largest)
      return false;
    quantizer.largest = lookThroughIdentities(largest);
    quantizer.order = Quantization::ReciprocalProduct;
    return true;
  });
}

/// x times 127/a, or x divided by a/127.
bool matchScaled(Value value, Quantizer &quantizer) {
  value = lookThroughIdentities(value);
  if (NodeOp divide = definedBy(value, "Div")) {
    NodeOp divisor =
        definedBy(lookThroughIdentities(divide.getInputs()[1]), "Div");
    if (!divisor || !isScalar(divisor.getInputs()[1], 127))
      return false;
    quantizer.x = lookThroughIdentities(divide.getInputs()[0]);
    quantizer.largest = lookThroughIdentities(divisor.getInputs()[0]);
    quantizer.order = Quantization::Division;
    return true;
  }
  return matchCommutative(value, "Mul", [&](Value x, Value multiplier) {
    if (!matchMultiplier(multiplier, quantizer))
      return false;
    quantizer.x = lookThroughIdentities(x);
    return true;
  });
}

struct Clipped {
  Value inner;
  double low = 0, high = 0;
};

std::optional<Clipped> matchClip(Value value) {
  Clipped clipped;
  auto bounds = [&](std::optional<double> low, std::optional<double> high,
                    Value inner) -> bool {
    if (!low || !high)
      return false;
    clipped = {inner, *low, *high};
    return true;
  };
  if (NodeOp clip = definedBy(value, "Clip")) {
    Value low = getInput(clip, 1), high = getInput(clip, 2);
    if (bounds(low ? matchScalar(low) : getReal(clip, "min"),
               high ? matchScalar(high) : getReal(clip, "max"),
               clip.getInputs()[0]))
      return clipped;
    return std::nullopt;
  }
  for (bool minimumLast : {true, false}) {
    StringRef outer = minimumLast ? "Min" : "Max";
    StringRef inner = minimumLast ? "Max" : "Min";
    bool found = matchCommutative(value, outer, [&](Value rest, Value one) {
      return matchCommutative(
          lookThroughIdentities(rest), inner, [&](Value core, Value other) {
            std::optional<double> first = matchScalar(one),
                                  second = matchScalar(other);
            return minimumLast ? bounds(second, first, core)
                               : bounds(first, second, core);
          });
    });
    if (found)
      return clipped;
  }
  return std::nullopt;
}

bool isFloat32OrUnknown(Value value) {
  Type type = findElementType(value);
  return !type || type.isF32();
}

} // namespace

std::optional<Quantizer> hgf::matchCodes(Value value, std::string &why) {
  std::optional<Clipped> clipped = matchClip(lookThroughCasts(value));
  if (!clipped)
    return std::nullopt;
  NodeOp round = definedBy(lookThroughIdentities(clipped->inner), "Round");
  if (!round)
    return std::nullopt;
  // |x| <= a, so that codes below -127 do not occur: both bounds are one.
  if ((clipped->low != -128 && clipped->low != -127) || clipped->high != 127) {
    llvm::raw_string_ostream(why)
        << "activation quantizer clips to ["
        << llvm::format("%g, %g", clipped->low, clipped->high)
        << "]; expected [-128, 127]";
    return std::nullopt;
  }
  Quantizer quantizer;
  if (!matchScaled(round.getInputs()[0], quantizer)) {
    why = "activation quantizer does not scale by 127 / max(|x|)";
    return std::nullopt;
  }
  Value source = matchLargest(quantizer.largest);
  if (!source) {
    why = "activation quantizer's scale is not max(|x|) over the last "
          "dimension, at least 1e-5";
    return std::nullopt;
  }
  if (source != quantizer.x) {
    why = "activation quantizer takes its scale from another value than it "
          "quantizes";
    return std::nullopt;
  }
  if (!isFloat32OrUnknown(quantizer.x)) {
    why = "activation quantizer does not compute in float32";
    return std::nullopt;
  }
  return quantizer;
}

bool Factor::multiply(const Factor &other, bool inverse) {
  power += inverse ? -other.power : other.power;
  if (other.values.size() > 1) {
    if (values.size() == 1)
      values.assign(other.values.size(), values[0]);
    else if (values.size() != other.values.size())
      return false;
  }
  for (size_t index = 0; index < values.size(); ++index) {
    double value = other.values[other.values.size() == 1 ? 0 : index];
    values[index] = inverse ? values[index] / value : values[index] * value;
  }
  return true;
}

std::optional<std::vector<double>>
hgf::matchPerOutput(Value value, int64_t outputs, std::optional<int64_t> rank) {
  std::optional<ConstantTensor> constant = ConstantTensor::get(value);
  if (!constant || !constant->isFloat() || constant->size() == 0 ||
      (constant->size() != 1 && constant->size() != outputs))
    return std::nullopt;
  // More dimensions than the product has would add some to the result.
  if (constant->rank() > rank.value_or(1))
    return std::nullopt;
  if (constant->size() > 1 && constant->shape().back() != outputs)
    return std::nullopt;
  std::vector<double> values(constant->size());
  for (int64_t index = 0; index < constant->size(); ++index)
    values[index] = (*constant)[index];
  return values;
}

std::optional<Factor> hgf::matchFactor(Value value, const Quantizer *quantizer,
                                       int64_t outputs,
                                       std::optional<int64_t> rank) {
  value = lookThroughIdentities(value);
  if (quantizer && value == quantizer->largest)
    return Factor{{127.0}, 1};
  if (auto values = matchPerOutput(value, outputs, rank))
    return Factor{*values, 0};
  if (std::optional<double> scalar = matchScalar(value))
    if (definedBy(value, "CastLike"))
      return Factor{{*scalar}, 0};
  Factor factor;
  auto apply = [&](Value part, bool inverse) {
    std::optional<Factor> other = matchFactor(part, quantizer, outputs, rank);
    return other && factor.multiply(*other, inverse);
  };
  if (NodeOp reciprocal = definedBy(value, "Reciprocal"))
    return apply(reciprocal.getInputs()[0], true) ? std::optional(factor)
                                                  : std::nullopt;
  for (StringRef type : {"Mul", "Div"})
    if (NodeOp node = definedBy(value, type))
      if (apply(node.getInputs()[0], false) &&
          apply(node.getInputs()[1], type == "Div"))
        return factor;
  return std::nullopt;
}

std::optional<Quantizer> hgf::matchFakeQuantized(Value value,
                                                 std::string &why) {
  value = lookThroughIdentities(value);
  std::optional<Quantizer> found;
  auto match = [&](Value codes, Value scale, bool inverse) {
    std::optional<Quantizer> quantizer = matchCodes(codes, why);
    if (!quantizer)
      return false;
    std::optional<Factor> factor = matchFactor(scale, &*quantizer, 1, 1);
    // The constants of a/127 cancel.
    if (!factor || factor->power != (inverse ? -1 : 1) ||
        std::abs(factor->values[0] - 1) > 1e-12) {
      why = "activations are not divided by the factor that they were "
            "multiplied by";
      return false;
    }
    found = quantizer;
    return true;
  };
  if (NodeOp divide = definedBy(value, "Div")) {
    match(divide.getInputs()[0], divide.getInputs()[1], true);
    return found;
  }
  matchCommutative(value, "Mul", [&](Value codes, Value scale) {
    return match(codes, scale, false);
  });
  return found;
}
