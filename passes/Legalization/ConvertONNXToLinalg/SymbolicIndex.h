//===- SymbolicIndex.h - Dimensions as polynomials --------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_CONVERTONNXTOLINALG_SYMBOLICINDEX_H
#define HGF_PASSES_LEGALIZATION_CONVERTONNXTOLINALG_SYMBOLICINDEX_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include <map>

namespace hgf {

/// Builds index arithmetic over the dimensions of the function's arguments.
///
/// Every expression is an OpFoldResult: an index attribute where its value is
/// known, otherwise a Value of type index. Expressions are kept as polynomials
/// over atoms (argument dimensions, and quotients, minima, ... of other
/// expressions), so that equal expressions are the same Value, and `past + n -
/// n` is `past` again. All operations are emitted at the top of the function
/// and depend on argument dimensions alone.
class SymbolicIndex {
public:
  using Index = mlir::OpFoldResult;

  /// Operations go to the start of `entry`, in the order of their creation.
  explicit SymbolicIndex(mlir::Block *entry);

  Index constant(int64_t value);
  /// Registers `value` (of type index, defined at the top of the function) as
  /// an atom. Dimensions are `nonNegative`.
  Index atom(mlir::Value value, bool nonNegative);
  /// The `dimension`-th dimension of argument `argument`, as a tensor.dim.
  Index argumentDimension(mlir::Value argument, int64_t dimension);

  Index add(Index left, Index right);
  Index subtract(Index left, Index right);
  Index multiply(Index left, Index right);
  Index product(llvm::ArrayRef<Index> factors);
  /// Rounds towards negative infinity. The divisor is not zero.
  Index floorDivide(Index left, Index right);
  Index ceilDivide(Index left, Index right);
  /// Rounds towards zero, as ONNX's Div does on integers.
  Index truncatingDivide(Index left, Index right);
  Index minimum(Index left, Index right);
  Index maximum(Index left, Index right);
  /// 0 or 1. Only eq, ne, slt, sle, sgt and sge.
  Index compare(mlir::arith::CmpIPredicate predicate, Index left, Index right);
  /// `condition` is 0 or 1.
  Index select(Index condition, Index whenTrue, Index whenFalse);

  bool equal(Index left, Index right);
  /// True only where the expression cannot be negative.
  bool isNonNegative(Index index);
  std::optional<int64_t> constantValue(Index index);
  /// The expression as a Value; constants become arith.constant.
  mlir::Value value(Index index);
  /// Emits cf.assert of `condition` (0 or 1) at the top of the function.
  /// Returns false where the condition is known not to hold.
  bool require(Index condition, const llvm::Twine &message);

private:
  using Monomial = std::vector<unsigned>;
  using Polynomial = std::map<Monomial, int64_t>;

  Polynomial polynomial(Index index);
  Index emit(const Polynomial &polynomial);
  mlir::Value emitMonomial(const Monomial &monomial);
  /// left + factor * right, without emitting anything.
  Polynomial sum(Index left, Index right, int64_t factor);
  static Polynomial scaled(const Polynomial &polynomial, int64_t factor,
                           const Monomial &monomial);
  bool isNonNegative(const Polynomial &polynomial);
  /// `left / right` where that is a single term, exactly.
  std::optional<Polynomial> exactQuotient(const Polynomial &left,
                                          const Polynomial &right);
  /// The atom for `name(operands)`, built by `build` when it is new.
  Index opaque(llvm::StringRef name, llvm::ArrayRef<Index> operands,
               bool nonNegative,
               llvm::function_ref<mlir::Value(mlir::ValueRange)> build);

  mlir::OpBuilder builder;
  mlir::Location location;
  llvm::SmallVector<std::pair<mlir::Value, bool>> atoms;
  llvm::DenseMap<mlir::Value, Polynomial> polynomials;
  std::map<Polynomial, mlir::Value> emitted;
  std::map<std::pair<std::string, std::vector<Polynomial>>, mlir::Value>
      opaques;
  std::map<Polynomial, bool> required;
};

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_CONVERTONNXTOLINALG_SYMBOLICINDEX_H
