//===- SymbolicIndex.cpp - Dimensions as polynomials ----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SymbolicIndex.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace hgf;
using Index = SymbolicIndex::Index;

// Signed overflow of model-controlled constants must not be undefined here.
static int64_t wrappingMultiply(int64_t left, int64_t right) {
  return static_cast<int64_t>(static_cast<uint64_t>(left) *
                              static_cast<uint64_t>(right));
}
static int64_t wrappingAdd(int64_t left, int64_t right) {
  return static_cast<int64_t>(static_cast<uint64_t>(left) +
                              static_cast<uint64_t>(right));
}

SymbolicIndex::SymbolicIndex(Block *entry)
    : builder(entry, entry->begin()), location(entry->getParentOp()->getLoc()) {
}

Index SymbolicIndex::constant(int64_t value) {
  return builder.getIndexAttr(value);
}

Index SymbolicIndex::atom(Value value, bool nonNegative) {
  if (polynomials.count(value))
    return emit(polynomials[value]);
  unsigned id = atoms.size();
  atoms.push_back({value, nonNegative});
  Polynomial single{{Monomial{id}, 1}};
  polynomials[value] = single;
  emitted[single] = value;
  return value;
}

Index SymbolicIndex::argumentDimension(Value argument, int64_t dimension) {
  return atom(tensor::DimOp::create(builder, location, argument,
                                    value(constant(dimension)))
                  .getResult(),
              /*nonNegative=*/true);
}

SymbolicIndex::Polynomial SymbolicIndex::polynomial(Index index) {
  if (std::optional<int64_t> known = getConstantIntValue(index)) {
    if (*known == 0)
      return {};
    return {{Monomial{}, *known}};
  }
  Value value = cast<Value>(index);
  auto found = polynomials.find(value);
  if (found != polynomials.end())
    return found->second;
  atom(value, /*nonNegative=*/false);
  return polynomials[value];
}

Value SymbolicIndex::emitMonomial(const Monomial &monomial) {
  Polynomial single{{monomial, 1}};
  auto found = emitted.find(single);
  if (found != emitted.end())
    return found->second;
  Monomial prefix(monomial.begin(), monomial.end() - 1);
  Value product = arith::MulIOp::create(builder, location, emitMonomial(prefix),
                                        atoms[monomial.back()].first);
  emitted[single] = product;
  polynomials[product] = single;
  return product;
}

Index SymbolicIndex::emit(const Polynomial &polynomial) {
  if (polynomial.empty())
    return constant(0);
  if (polynomial.size() == 1 && polynomial.begin()->first.empty())
    return constant(polynomial.begin()->second);
  auto found = emitted.find(polynomial);
  if (found != emitted.end())
    return found->second;
  // Positive terms first: a difference then needs no negation.
  SmallVector<std::pair<Monomial, int64_t>> terms(polynomial.begin(),
                                                  polynomial.end());
  llvm::sort(terms, [](const auto &left, const auto &right) {
    return std::make_pair(left.second <= 0, left.first) <
           std::make_pair(right.second <= 0, right.first);
  });
  Value sum;
  for (const auto &[monomial, coefficient] : terms) {
    bool negated = sum && coefficient < 0 && coefficient != INT64_MIN;
    int64_t factor = negated ? -coefficient : coefficient;
    Value term;
    if (monomial.empty()) {
      term = value(constant(factor));
    } else {
      term = emitMonomial(monomial);
      if (factor != 1)
        term = arith::MulIOp::create(builder, location, term,
                                     value(constant(factor)));
    }
    if (!sum)
      sum = term;
    else if (negated)
      sum = arith::SubIOp::create(builder, location, sum, term);
    else
      sum = arith::AddIOp::create(builder, location, sum, term);
  }
  emitted[polynomial] = sum;
  polynomials[sum] = polynomial;
  return sum;
}

Value SymbolicIndex::value(Index index) {
  if (auto value = dyn_cast<Value>(index))
    return value;
  Polynomial key = polynomial(index);
  Value &known = emitted[key];
  if (!known)
    known = arith::ConstantIndexOp::create(builder, location,
                                           *getConstantIntValue(index));
  return known;
}

SymbolicIndex::Polynomial SymbolicIndex::scaled(const Polynomial &polynomial,
                                                int64_t factor,
                                                const Monomial &monomial) {
  Polynomial result;
  for (const auto &[term, coefficient] : polynomial) {
    Monomial product = term;
    product.insert(product.end(), monomial.begin(), monomial.end());
    llvm::sort(product);
    if (int64_t scaledBy = wrappingMultiply(coefficient, factor))
      result[product] = scaledBy;
  }
  return result;
}

SymbolicIndex::Polynomial SymbolicIndex::sum(Index left, Index right,
                                             int64_t factor) {
  Polynomial result = polynomial(left);
  for (const auto &[monomial, coefficient] :
       scaled(polynomial(right), factor, {})) {
    int64_t &entry = result[monomial];
    entry = wrappingAdd(entry, coefficient);
    if (entry == 0)
      result.erase(monomial);
  }
  return result;
}

Index SymbolicIndex::add(Index left, Index right) {
  return emit(sum(left, right, 1));
}

Index SymbolicIndex::subtract(Index left, Index right) {
  return emit(sum(left, right, -1));
}

Index SymbolicIndex::multiply(Index left, Index right) {
  // A product of long sums would grow without bound: it becomes an atom.
  Polynomial first = polynomial(left), second = polynomial(right);
  if (first.size() * second.size() > 16) {
    if (second < first)
      std::swap(left, right);
    return opaque("mul", {left, right},
                  isNonNegative(first) && isNonNegative(second),
                  [&](ValueRange operands) -> Value {
                    return arith::MulIOp::create(builder, location, operands[0],
                                                 operands[1]);
                  });
  }
  Polynomial result;
  for (const auto &[monomial, coefficient] : second)
    for (const auto &[product, scaledBy] :
         scaled(first, coefficient, monomial)) {
      int64_t &entry = result[product];
      entry = wrappingAdd(entry, scaledBy);
      if (entry == 0)
        result.erase(product);
    }
  return emit(result);
}

Index SymbolicIndex::product(ArrayRef<Index> factors) {
  Index result = constant(1);
  for (Index factor : factors)
    result = multiply(result, factor);
  return result;
}

std::optional<SymbolicIndex::Polynomial>
SymbolicIndex::exactQuotient(const Polynomial &left, const Polynomial &right) {
  if (right.empty())
    return std::nullopt;
  if (left.empty())
    return Polynomial{};
  if (right.size() == 1) {
    // Term by term: every term of `left` must hold the divisor's atoms.
    const auto &[divisor, factor] = *right.begin();
    Polynomial quotient;
    for (const auto &[term, coefficient] : left) {
      if (factor == 0 || (coefficient == INT64_MIN && factor == -1) ||
          coefficient % factor != 0)
        return std::nullopt;
      if (!std::includes(term.begin(), term.end(), divisor.begin(),
                         divisor.end()))
        return std::nullopt;
      Monomial rest;
      std::set_difference(term.begin(), term.end(), divisor.begin(),
                          divisor.end(), std::back_inserter(rest));
      quotient[rest] = coefficient / factor;
    }
    return quotient;
  }
  if (left.size() != right.size())
    return std::nullopt;
  // left = term * right for one term, found from the leading terms.
  std::optional<Polynomial> ratio =
      exactQuotient(Polynomial{*left.begin()}, Polynomial{*right.begin()});
  if (!ratio || ratio->size() != 1 ||
      scaled(right, ratio->begin()->second, ratio->begin()->first) != left)
    return std::nullopt;
  return ratio;
}

Index SymbolicIndex::opaque(StringRef name, ArrayRef<Index> operands,
                            bool nonNegative,
                            function_ref<Value(ValueRange)> build) {
  std::pair<std::string, std::vector<Polynomial>> key;
  key.first = name.str();
  SmallVector<Value> values;
  for (Index operand : operands) {
    key.second.push_back(polynomial(operand));
    values.push_back(value(operand));
  }
  auto found = opaques.find(key);
  if (found != opaques.end())
    return found->second;
  Value built = build(values);
  opaques[key] = built;
  return atom(built, nonNegative);
}

Index SymbolicIndex::floorDivide(Index left, Index right) {
  std::optional<int64_t> first = constantValue(left);
  std::optional<int64_t> second = constantValue(right);
  if (first && second && *second != 0 && *first != INT64_MIN) {
    int64_t quotient = *first / *second;
    if (*first % *second != 0 && ((*first < 0) != (*second < 0)))
      --quotient;
    return constant(quotient);
  }
  if (std::optional<Polynomial> exact =
          exactQuotient(polynomial(left), polynomial(right)))
    return emit(*exact);
  // (g a) / (g b) = a / b: factors that all terms share cancel, so that the
  // size that a reshape leaves open does not depend on how it was written.
  Polynomial dividend = polynomial(left), divisor = polynomial(right);
  if (!divisor.empty() && !dividend.empty()) {
    Monomial shared = divisor.begin()->first;
    auto intersect = [&](const Polynomial &terms) {
      for (const auto &[term, coefficient] : terms) {
        Monomial common;
        std::set_intersection(shared.begin(), shared.end(), term.begin(),
                              term.end(), std::back_inserter(common));
        shared = common;
      }
    };
    intersect(divisor);
    intersect(dividend);
    if (!shared.empty()) {
      Polynomial factor{{shared, 1}};
      return floorDivide(emit(*exactQuotient(dividend, factor)),
                         emit(*exactQuotient(divisor, factor)));
    }
  }
  bool unsignedOperands = isNonNegative(left) && isNonNegative(right);
  return opaque("floordiv", {left, right}, unsignedOperands,
                [&](ValueRange operands) -> Value {
                  if (unsignedOperands)
                    return arith::DivUIOp::create(builder, location,
                                                  operands[0], operands[1]);
                  return arith::FloorDivSIOp::create(builder, location,
                                                     operands[0], operands[1]);
                });
}

Index SymbolicIndex::ceilDivide(Index left, Index right) {
  // ceil(a / b) = -floor(-a / b), but keeps small positive numbers readable.
  if (std::optional<Polynomial> exact =
          exactQuotient(polynomial(left), polynomial(right)))
    return emit(*exact);
  if (isNonNegative(left) && isNonNegative(right))
    return floorDivide(subtract(add(left, right), constant(1)), right);
  return multiply(constant(-1),
                  floorDivide(multiply(left, constant(-1)), right));
}

Index SymbolicIndex::truncatingDivide(Index left, Index right) {
  if (isNonNegative(left) && isNonNegative(right))
    return floorDivide(left, right);
  std::optional<int64_t> first = constantValue(left);
  std::optional<int64_t> second = constantValue(right);
  if (first && second && *second != 0 && *first != INT64_MIN)
    return constant(*first / *second);
  if (std::optional<Polynomial> exact =
          exactQuotient(polynomial(left), polynomial(right)))
    return emit(*exact);
  return opaque("truncdiv", {left, right}, false,
                [&](ValueRange operands) -> Value {
                  return arith::DivSIOp::create(builder, location, operands[0],
                                                operands[1]);
                });
}

Index SymbolicIndex::minimum(Index left, Index right) {
  if (isNonNegative(sum(right, left, -1)))
    return left;
  if (isNonNegative(sum(left, right, -1)))
    return right;
  if (polynomial(right) < polynomial(left))
    std::swap(left, right);
  return opaque("min", {left, right},
                isNonNegative(left) && isNonNegative(right),
                [&](ValueRange operands) -> Value {
                  return arith::MinSIOp::create(builder, location, operands[0],
                                                operands[1]);
                });
}

Index SymbolicIndex::maximum(Index left, Index right) {
  if (isNonNegative(sum(right, left, -1)))
    return right;
  if (isNonNegative(sum(left, right, -1)))
    return left;
  if (polynomial(right) < polynomial(left))
    std::swap(left, right);
  return opaque("max", {left, right},
                isNonNegative(left) || isNonNegative(right),
                [&](ValueRange operands) -> Value {
                  return arith::MaxSIOp::create(builder, location, operands[0],
                                                operands[1]);
                });
}

Index SymbolicIndex::compare(arith::CmpIPredicate predicate, Index left,
                             Index right) {
  using Predicate = arith::CmpIPredicate;
  Polynomial difference = sum(right, left, -1);
  Polynomial reversed = sum(left, right, -1);
  if (difference.empty() ||
      (difference.size() == 1 && difference.begin()->first.empty())) {
    int64_t known = difference.empty() ? 0 : difference.begin()->second;
    switch (predicate) {
    case Predicate::eq:
      return constant(known == 0);
    case Predicate::ne:
      return constant(known != 0);
    case Predicate::slt:
      return constant(known > 0);
    case Predicate::sle:
      return constant(known >= 0);
    case Predicate::sgt:
      return constant(known < 0);
    default:
      return constant(known <= 0);
    }
  }
  // Strictly positive: no negative term, and a positive constant one.
  auto isPositive = [&](const Polynomial &polynomial) {
    return isNonNegative(polynomial) && polynomial.count(Monomial{});
  };
  bool less = isPositive(difference), greater = isPositive(reversed);
  bool lessOrEqual = isNonNegative(difference);
  bool greaterOrEqual = isNonNegative(reversed);
  if (less || greater) {
    if (predicate == Predicate::eq || predicate == Predicate::ne)
      return constant(predicate == Predicate::ne);
  }
  if (predicate == Predicate::slt && (less || greaterOrEqual))
    return constant(less);
  if (predicate == Predicate::sle && (lessOrEqual || greater))
    return constant(lessOrEqual);
  if (predicate == Predicate::sgt && (greater || lessOrEqual))
    return constant(greater);
  if (predicate == Predicate::sge && (greaterOrEqual || less))
    return constant(greaterOrEqual);
  return opaque(("cmp" + arith::stringifyCmpIPredicate(predicate)).str(),
                {left, right}, true, [&](ValueRange operands) -> Value {
                  Value flag = arith::CmpIOp::create(
                      builder, location, predicate, operands[0], operands[1]);
                  return arith::IndexCastUIOp::create(
                      builder, location, builder.getIndexType(), flag);
                });
}

Index SymbolicIndex::select(Index condition, Index whenTrue, Index whenFalse) {
  if (std::optional<int64_t> known = constantValue(condition))
    return *known ? whenTrue : whenFalse;
  if (equal(whenTrue, whenFalse))
    return whenTrue;
  return opaque(
      "select", {condition, whenTrue, whenFalse},
      isNonNegative(whenTrue) && isNonNegative(whenFalse),
      [&](ValueRange operands) -> Value {
        Value flag;
        if (auto cast = operands[0].getDefiningOp<arith::IndexCastUIOp>())
          flag = cast.getIn();
        else
          flag =
              arith::CmpIOp::create(builder, location, arith::CmpIPredicate::ne,
                                    operands[0], value(constant(0)));
        return arith::SelectOp::create(builder, location, flag, operands[1],
                                       operands[2]);
      });
}

bool SymbolicIndex::equal(Index left, Index right) {
  return left == right || polynomial(left) == polynomial(right);
}

bool SymbolicIndex::isNonNegative(const Polynomial &polynomial) {
  return llvm::all_of(polynomial, [&](const auto &term) {
    return term.second >= 0 && llvm::all_of(term.first, [&](unsigned id) {
             return atoms[id].second;
           });
  });
}

bool SymbolicIndex::isNonNegative(Index index) {
  return isNonNegative(polynomial(index));
}

std::optional<int64_t> SymbolicIndex::constantValue(Index index) {
  return getConstantIntValue(index);
}

bool SymbolicIndex::require(Index condition, const Twine &message) {
  if (std::optional<int64_t> known = constantValue(condition))
    return *known != 0;
  if (required.insert({polynomial(condition), true}).second) {
    Value flag;
    Value holds = value(condition);
    if (auto cast = holds.getDefiningOp<arith::IndexCastUIOp>())
      flag = cast.getIn();
    else
      flag = arith::CmpIOp::create(builder, location, arith::CmpIPredicate::ne,
                                   holds, value(constant(0)));
    cf::AssertOp::create(builder, location, flag, message.str());
  }
  return true;
}
