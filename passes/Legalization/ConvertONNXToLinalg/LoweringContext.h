//===- LoweringContext.h - Lowering one ONNX node ---------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a handler of one operator sees. A handler is a function
//
//   LogicalResult lowerAbs(NodeLowering &node);
//
// that reads `node.input(i)` and attributes, emits operations with
// `node.builder`, and gives its results with `node.setResult(i, value)`. It is
// entered into a LoweringTable under its domain and operator.
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_CONVERTONNXTOLINALG_LOWERINGCONTEXT_H
#define HGF_PASSES_LEGALIZATION_CONVERTONNXTOLINALG_LOWERINGCONTEXT_H

#include "SymbolicIndex.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace hgf {

using Index = SymbolicIndex::Index;
using Dimensions = llvm::SmallVector<Index>;

/// The type that holds `elementType` in memory: unsigned types lose their
/// sign, and types of two and four bits are held in i8 (value-extended).
mlir::Type getStorageType(mlir::Type elementType);

/// The MLIR type of ONNX's TensorProto.DataType; null where it is not taken.
mlir::Type getElementTypeOfCode(mlir::Builder builder, int64_t code);

/// An ONNX value while it is lowered.
struct TensorValue {
  /// Signless tensor, its type as static as `dims`; null where only `elements`
  /// are known so far (NodeLowering::tensor materialises it).
  mlir::Value tensor;
  Dimensions dims;
  /// Element type with its sign: `ui8`, `i1`, `i4`, `f32`, ...
  mlir::Type elementType;
  /// The scalars of a small integer or boolean tensor, row-major, where they
  /// follow from dimensions and constants.
  std::optional<llvm::SmallVector<Index>> elements;
  /// The bytes of a constant, in the storage type (null otherwise).
  mlir::ElementsAttr constant;

  int64_t rank() const { return dims.size(); }
  bool isFloat() const { return mlir::isa<mlir::FloatType>(elementType); }
  bool isUnsigned() const {
    return elementType.isUnsignedInteger() || elementType.isInteger(1);
  }
  mlir::Type storageType() const { return getStorageType(elementType); }
};

/// Emits one scalar (or elementwise-mappable) computation.
using ElementBody = llvm::function_ref<mlir::Value(
    mlir::ImplicitLocOpBuilder &builder, mlir::ValueRange operands)>;

/// Module-wide state of the conversion.
class LoweringContext {
public:
  LoweringContext(mlir::ModuleOp module, mlir::func::FuncOp function);

  /// Version of the operator set of `domain` ("" is ONNX's own).
  int64_t opset(llvm::StringRef domain) const;
  /// The lowered form of `value`; null where its node was not lowered.
  TensorValue *find(mlir::Value value);
  void set(mlir::Value value, TensorValue lowered);

  /// Gives every argument its signless type and its dimensions. Arguments
  /// whose `onnx.dims` share a name share the dimension.
  mlir::LogicalResult lowerArguments();
  mlir::LogicalResult lowerConstant(ConstantOp constant);
  mlir::LogicalResult lowerReturn();

  /// `value` as a tensor, from its constant or its elements if need be.
  mlir::Value materialize(TensorValue &value, mlir::OpBuilder &builder,
                          mlir::Location location);

  SymbolicIndex &index() { return indices; }

private:
  Index namedDimension(llvm::StringRef name, mlir::Value argument,
                       int64_t dimension);

  mlir::ModuleOp module;
  mlir::func::FuncOp function;
  SymbolicIndex indices;
  // Handlers keep references to values while they add others.
  llvm::DenseMap<mlir::Value, std::unique_ptr<TensorValue>> values;
  llvm::StringMap<Index> names;
};

/// Makes a TensorValue of constant bytes. `constant` has a signless storage
/// type; small integer tensors get their elements.
TensorValue makeConstant(mlir::OpBuilder &builder, mlir::Location location,
                         mlir::ElementsAttr constant, mlir::Type elementType);

/// One node being lowered.
class NodeLowering {
public:
  NodeLowering(NodeOp node, LoweringContext &context);

  NodeOp node;
  LoweringContext &context;
  SymbolicIndex &index;
  mlir::ImplicitLocOpBuilder builder;
  /// Version of the operator set of the node's domain.
  int64_t opset;

  // -- Inputs, results, errors -------------------------------------------
  unsigned inputCount() { return node.getInputs().size(); }
  unsigned resultCount() { return node.getOutputs().size(); }
  /// Whether input `i` is given (neither beyond the end nor `onnx.none`).
  bool has(unsigned i);
  /// Input `i`; an error, and a scalar, where it is not given.
  TensorValue &input(unsigned i);
  bool isResultUsed(unsigned i);
  /// Result `i`. Does nothing where the node has no such result.
  void setResult(unsigned i, TensorValue value);
  /// Starts "node 'NAME' (OpType-VERSION): ". The node then counts as failed,
  /// whatever its handler returns: builders below report misfits this way.
  mlir::InFlightDiagnostic error();
  bool hasErrors() { return erred; }
  /// Fails with "expected N to M inputs but got K".
  mlir::LogicalResult expectInputs(unsigned least, unsigned most);
  mlir::LogicalResult expectFloat(unsigned i);
  /// The same for those of the first `count` inputs that are given.
  mlir::LogicalResult expectFloats(unsigned count);

  // -- Attributes ----------------------------------------------------------
  bool hasAttribute(llvm::StringRef name);
  int64_t integer(llvm::StringRef name, int64_t otherwise);
  double real(llvm::StringRef name, double otherwise);
  std::string text(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<llvm::SmallVector<int64_t>> integers(llvm::StringRef name);
  /// `axis` counted from the end where negative; fails out of [-rank, rank).
  mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank);
  /// The elements of input `i`: fails with advice where they are not known
  /// before the model runs. `what` says what the input is ("shape").
  mlir::FailureOr<llvm::SmallVector<Index>> elements(unsigned i,
                                                     llvm::StringRef what);
  /// As `elements`, and each must be constant.
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  constantElements(unsigned i, llvm::StringRef what);
  /// Integers that are an attribute in old opsets and an input in new ones;
  /// std::nullopt where neither is given.
  mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
  attributeOrInput(llvm::StringRef name, unsigned i);
  /// Value of a constant scalar float or integer input; fails otherwise.
  mlir::FailureOr<double> constantScalar(unsigned i, llvm::StringRef what);

  // -- Values -----------------------------------------------------------------
  /// `value` as a tensor, from its elements if need be.
  mlir::Value tensor(TensorValue &value);
  /// Wraps `tensor`, whose type must be what `dims` says.
  TensorValue wrap(mlir::Value tensor, Dimensions dims, mlir::Type elementType);
  /// A value known by its elements alone.
  TensorValue fromElements(llvm::SmallVector<Index> elements, Dimensions dims,
                           mlir::Type elementType);
  /// A rank-0 constant.
  TensorValue scalar(double value, mlir::Type elementType);
  mlir::RankedTensorType tensorType(llvm::ArrayRef<Index> dims,
                                    mlir::Type storageType);
  mlir::Value empty(llvm::ArrayRef<Index> dims, mlir::Type storageType);
  /// A tensor of `dims` with `value` (a scalar of the storage type) throughout.
  mlir::Value fill(llvm::ArrayRef<Index> dims, mlir::Value value);
  mlir::Value zero(mlir::Type type);

  // -- Structured operations
  // ---------------------------------------------------
  /// The shape all of `inputs` broadcast to. Emits the run-time check where
  /// two dimensions are not known to fit each other.
  mlir::FailureOr<Dimensions>
  broadcastDims(llvm::ArrayRef<TensorValue *> inputs);
  /// One result element from the broadcast elements of `inputs`. A `mappable`
  /// body consists of arith and math operations without constants: it is
  /// applied to whole tensors where their shapes are equal.
  mlir::FailureOr<TensorValue> elementwise(llvm::ArrayRef<TensorValue *> inputs,
                                           mlir::Type elementType,
                                           ElementBody body,
                                           bool mappable = false);
  /// `elementwise` over a shape that is already known: an error where an input
  /// does not broadcast to it.
  TensorValue elementwiseOver(llvm::ArrayRef<Index> dims,
                              llvm::ArrayRef<TensorValue *> inputs,
                              mlir::Type elementType, ElementBody body,
                              bool mappable = false);
  /// A tensor computed from its coordinates alone; `body` gets one index Value
  /// per dimension and may read tensors with tensor.extract.
  TensorValue generate(Dimensions dims, mlir::Type elementType,
                       ElementBody body);
  /// Folds `axes` (sorted, non-negative) with `combine(element, accumulator)`;
  /// `element` is first mapped by `map`. `initial` is a scalar of the
  /// accumulator's type. Keeps the reduced axes as 1 if `keepDims`.
  TensorValue reduce(TensorValue &value, llvm::ArrayRef<int64_t> axes,
                     bool keepDims, mlir::Value initial, ElementBody map,
                     ElementBody combine);
  /// Sum over `axes` in float32 (float64 for float64) of `map(element)`.
  TensorValue sum(TensorValue &value, llvm::ArrayRef<int64_t> axes,
                  bool keepDims, ElementBody map);
  /// Softmax over one axis, in float32 (float64 for float64); the result has
  /// the compute type.
  TensorValue softmax(TensorValue &value, int64_t axis);
  TensorValue reshape(TensorValue &value, Dimensions dims);
  TensorValue transpose(TensorValue &value,
                        llvm::ArrayRef<int64_t> permutation);
  /// The part of `value` that starts at `offsets`, of `sizes`, unit steps.
  TensorValue slice(TensorValue &value, Dimensions offsets, Dimensions sizes);
  /// Copies `value` to shape `dims`, broadcasting.
  TensorValue broadcastTo(TensorValue &value, Dimensions dims);
  mlir::FailureOr<TensorValue> concat(llvm::ArrayRef<TensorValue *> values,
                                      int64_t axis);
  /// Converts by ONNX's Cast.
  TensorValue cast(TensorValue &value, mlir::Type elementType,
                   bool saturate = true);
  /// Matrix product over the last two dimensions, broadcasting the others;
  /// accumulates f16 and bf16 in f32. Operands have rank 2 or more and one
  /// element type; the result has `resultType` (f32 accumulators give f32).
  mlir::FailureOr<TensorValue> matmul(TensorValue &left, TensorValue &right,
                                      bool transposeRight,
                                      mlir::Type resultType);

private:
  TensorValue emitElementwise(llvm::ArrayRef<Index> dims,
                              llvm::ArrayRef<TensorValue *> inputs,
                              mlir::Type elementType, ElementBody body,
                              bool mappable);

  bool erred = false;
  TensorValue missing;
};

/// `position` as an index of a dimension of `size`: negative ones count from
/// the end, and whatever lies outside is moved to the nearest valid one, so
/// that no read leaves the tensor.
mlir::Value makeGatherPosition(mlir::ImplicitLocOpBuilder &builder,
                               mlir::Value position, mlir::Value size);

/// f32 for f16 and bf16, otherwise `type`: what float computations happen in.
mlir::Type getComputeType(mlir::Type type);
/// Converts between float types; does nothing for equal ones.
mlir::Value convertFloat(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                         mlir::Type type);
/// A float or integer constant of scalar type `type`.
mlir::Value makeScalar(mlir::ImplicitLocOpBuilder &builder, mlir::Type type,
                       double value);
/// Converts a scalar as ONNX's Cast does. The types carry their sign.
mlir::Value castScalar(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                       mlir::Type from, mlir::Type to, bool saturate);

using NodeHandler = mlir::LogicalResult (*)(NodeLowering &node);

/// Handlers by domain and operator.
class LoweringTable {
public:
  void add(llvm::StringRef domain, llvm::StringRef operatorType,
           NodeHandler handler);
  NodeHandler find(llvm::StringRef domain, llvm::StringRef operatorType) const;

private:
  llvm::StringMap<NodeHandler> handlers;
};

// One function per group of operators, each in the file of its name.
void populateElementwiseLowerings(LoweringTable &table);
void populateActivationLowerings(LoweringTable &table);
void populateHGFLowerings(LoweringTable &table);
void populateRotaryLowerings(LoweringTable &table);
void populateShapeLowerings(LoweringTable &table);
void populateSliceLowerings(LoweringTable &table);
void populateMatmulLowerings(LoweringTable &table);
void populateReductionLowerings(LoweringTable &table);
void populateNormalizationLowerings(LoweringTable &table);
void populateGatherLowerings(LoweringTable &table);
void populateScatterLowerings(LoweringTable &table);
void populateAttentionLowerings(LoweringTable &table);
void populateQuantizationLowerings(LoweringTable &table);

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_CONVERTONNXTOLINALG_LOWERINGCONTEXT_H
