//===- Attention.cpp - Attention and rotary embedding -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

namespace {
/// What the two attention operators have in common. Query [B, H, S, D], key
/// [B, G, T, D] and value [B, G, T, E] with the cache already joined, H a
/// multiple of G.
struct AttentionInputs {
  TensorValue query, key, value;
  /// Additive float or boolean, broadcast to [B, H, S, T]; or null.
  TensorValue *mask = nullptr;
  bool causal = false;
  /// Position of the first query among the keys (causal).
  Index past;
  /// Per batch: how many keys count; or null.
  TensorValue *keyCount = nullptr;
  double scale = 1;
  double softcap = 0;
};

/// Scores in the stages that qk_matmul_output_mode can ask for.
struct AttentionResult {
  TensorValue output;
  TensorValue scores, capped, masked, weights;
};
} // namespace

/// [B, S, H * D] to [B, H, S, D]; rank 4 stays.
static FailureOr<TensorValue> splitHeads(NodeLowering &node, TensorValue &value,
                                         int64_t heads) {
  if (value.rank() == 4)
    return value;
  std::optional<int64_t> width;
  if (value.rank() == 3)
    width = node.index.constantValue(value.dims[2]);
  if (!width || heads <= 0 || *width % heads != 0) {
    node.error() << "expected rank 4, or rank 3 with a known last dimension "
                    "that is a multiple of the number of heads";
    return failure();
  }
  TensorValue split = node.reshape(
      value, {value.dims[0], value.dims[1], node.index.constant(heads),
              node.index.constant(*width / heads)});
  return node.transpose(split, {0, 2, 1, 3});
}

/// Every head of [B, G, T, D] `count` times, one after another.
static TensorValue repeatHeads(NodeLowering &node, TensorValue &value,
                               Index count) {
  if (node.index.constantValue(count) == 1)
    return value;
  Index one = node.index.constant(1);
  const Dimensions &dims = value.dims;
  TensorValue spread =
      node.reshape(value, {dims[0], dims[1], one, dims[2], dims[3]});
  TensorValue copied =
      node.broadcastTo(spread, {dims[0], dims[1], count, dims[2], dims[3]});
  return node.reshape(
      copied, {dims[0], node.index.multiply(dims[1], count), dims[2], dims[3]});
}

/// Attention as one operation; std::nullopt where it does not say the same or
/// where that is not known.
static std::optional<TensorValue> fuse(NodeLowering &node,
                                       AttentionInputs &inputs) {
  SymbolicIndex &index = node.index;
  Type f32 = node.builder.getF32Type();
  for (TensorValue *part : {&inputs.query, &inputs.key, &inputs.value})
    if (part->rank() != 4 || part->elementType != f32)
      return std::nullopt;
  const Dimensions &q = inputs.query.dims, &k = inputs.key.dims,
                   &v = inputs.value.dims;
  std::optional<int64_t> heads = index.constantValue(q[1]),
                         groups = index.constantValue(k[1]);
  bool fits = heads && groups && *groups > 0 && *heads % *groups == 0 &&
              index.equal(q[0], k[0]) && index.equal(q[3], k[3]) &&
              llvm::all_of(llvm::seq(3), [&](int axis) {
                return index.equal(k[axis], v[axis]);
              });
  fits &= !inputs.keyCount && inputs.softcap == 0;
  // The operation lets the last query see the last key.
  if (inputs.causal)
    fits &= index.equal(k[2], index.add(inputs.past, q[2]));
  Dimensions scores{q[0], q[1], q[2], k[2]};
  if (TensorValue *mask = inputs.mask) {
    fits &= mask->rank() <= 4 &&
            (mask->elementType == f32 || mask->elementType.isInteger(1));
    for (int64_t axis = 0; fits && axis < mask->rank(); ++axis) {
      Index size = mask->dims[axis];
      fits = index.constantValue(size) == 1 ||
             index.equal(size, scores[4 - mask->rank() + axis]);
    }
  }
  if (!fits)
    return std::nullopt;
  Value mask;
  if (inputs.mask) {
    TensorValue added = *inputs.mask;
    if (added.elementType != f32)
      added = node.elementwiseOver(
          added.dims, {inputs.mask}, f32,
          [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
            return arith::SelectOp::create(builder, operands[0],
                                           makeScalar(builder, f32, 0),
                                           makeScalar(builder, f32, -INFINITY));
          });
    mask = node.tensor(added);
  }
  Dimensions dims{q[0], q[1], q[2], v[3]};
  Value result = AttentionOp::create(
      node.builder, node.tensorType(dims, f32), node.tensor(inputs.query),
      node.tensor(inputs.key), node.tensor(inputs.value), mask,
      node.builder.getF32FloatAttr(float(inputs.scale)),
      inputs.causal ? node.builder.getUnitAttr() : UnitAttr());
  return node.wrap(result, dims, f32);
}

static FailureOr<AttentionResult> attend(NodeLowering &node,
                                         AttentionInputs &inputs) {
  SymbolicIndex &index = node.index;
  Type type = inputs.query.elementType, compute = getComputeType(type);
  Index groups = index.floorDivide(inputs.query.dims[1], inputs.key.dims[1]);
  TensorValue key = repeatHeads(node, inputs.key, groups);
  TensorValue value = repeatHeads(node, inputs.value, groups);
  FailureOr<TensorValue> product =
      node.matmul(inputs.query, key, /*transposeRight=*/true, compute);
  if (failed(product))
    return failure();
  AttentionResult result;
  result.scores = node.elementwiseOver(
      product->dims, {&*product}, compute,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::MulFOp::create(
            builder, operands[0], makeScalar(builder, compute, inputs.scale));
      });
  result.capped = result.scores;
  if (inputs.softcap != 0)
    result.capped = node.elementwiseOver(
        product->dims, {&result.scores}, compute,
        [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          Value cap = makeScalar(builder, compute, inputs.softcap);
          Value ratio = arith::DivFOp::create(builder, operands[0], cap);
          return arith::MulFOp::create(
              builder, math::TanhOp::create(builder, ratio), cap);
        });
  result.masked = result.capped;
  SmallVector<TensorValue *> operands{&result.capped};
  TensorValue mask, keyCount;
  Index columns = product->dims[3];
  if (inputs.mask && inputs.mask->rank() > 4) {
    node.error() << "expected a mask of rank 4 at most but got "
                 << inputs.mask->rank();
    return failure();
  }
  if (inputs.mask && inputs.mask->rank() > 0) {
    mask = *inputs.mask;
    // Columns that the mask lacks are masked out.
    Index own = mask.dims.back();
    if (index.constantValue(own) != 1 && !index.equal(own, columns)) {
      Value source = node.tensor(mask), limit = index.value(own);
      Type storage = mask.storageType();
      Dimensions wide = mask.dims;
      wide.back() = columns;
      mask = node.generate(
          wide, mask.elementType,
          [&](ImplicitLocOpBuilder &builder, ValueRange coordinates) -> Value {
            Value zero = makeScalar(builder, builder.getIndexType(), 0);
            Value one = makeScalar(builder, builder.getIndexType(), 1);
            Value last = arith::SubIOp::create(builder, limit, one);
            SmallVector<Value> position(coordinates);
            position.back() = arith::MaxSIOp::create(
                builder, arith::MinSIOp::create(builder, position.back(), last),
                zero);
            Value inside = arith::CmpIOp::create(
                builder, arith::CmpIPredicate::slt, coordinates.back(), limit);
            double outside = isa<FloatType>(storage) ? -INFINITY : 0;
            return arith::SelectOp::create(
                builder, inside,
                tensor::ExtractOp::create(builder, source, position),
                makeScalar(builder, storage, outside));
          });
    }
    operands.push_back(&mask);
  } else if (inputs.mask) {
    mask = *inputs.mask;
    operands.push_back(&mask);
  }
  if (inputs.keyCount) {
    Index one = index.constant(1);
    keyCount = node.reshape(*inputs.keyCount,
                            {inputs.keyCount->dims[0], one, one, one});
    operands.push_back(&keyCount);
  }
  if (operands.size() > 1 || inputs.causal) {
    FailureOr<Dimensions> dims = node.broadcastDims(operands);
    if (failed(dims))
      return failure();
    Value past = inputs.causal ? index.value(inputs.past) : Value();
    result.masked = node.elementwiseOver(
        result.capped.dims, operands, compute,
        [&](ImplicitLocOpBuilder &builder, ValueRange scalars) -> Value {
          Value score = scalars[0];
          Value hidden = makeScalar(builder, compute, -INFINITY);
          if (inputs.mask) {
            if (isa<FloatType>(scalars[1].getType()))
              score = arith::AddFOp::create(
                  builder, score, convertFloat(builder, scalars[1], compute));
            else
              score =
                  arith::SelectOp::create(builder, scalars[1], score, hidden);
          }
          Value column = linalg::IndexOp::create(builder, 3);
          if (inputs.causal) {
            Value reach = arith::AddIOp::create(
                builder, linalg::IndexOp::create(builder, 2), past);
            Value seen = arith::CmpIOp::create(
                builder, arith::CmpIPredicate::sle, column, reach);
            score = arith::SelectOp::create(builder, seen, score, hidden);
          }
          if (inputs.keyCount) {
            Value limit = arith::IndexCastOp::create(
                builder, builder.getIndexType(), scalars.back());
            Value seen = arith::CmpIOp::create(
                builder, arith::CmpIPredicate::slt, column, limit);
            score = arith::SelectOp::create(builder, seen, score, hidden);
          }
          return score;
        });
  }
  result.weights = node.softmax(result.masked, 3);
  TensorValue weights = node.cast(result.weights, type);
  FailureOr<TensorValue> output =
      node.matmul(weights, value, /*transposeRight=*/false, type);
  if (failed(output))
    return failure();
  result.output = *output;
  return result;
}

/// [B, H, S, D] back to [B, S, H * D].
static TensorValue joinHeads(NodeLowering &node, TensorValue &value) {
  TensorValue swapped = node.transpose(value, {0, 2, 1, 3});
  const Dimensions &dims = swapped.dims;
  return node.reshape(
      swapped, {dims[0], dims[1], node.index.multiply(dims[2], dims[3])});
}

static LogicalResult lowerAttention(NodeLowering &node) {
  if (failed(node.expectInputs(3, 7)) || failed(node.expectFloats(3)))
    return failure();
  bool isFlat = node.input(0).rank() == 3;
  int64_t queryHeads = node.integer("q_num_heads", 0);
  int64_t keyHeads = node.integer("kv_num_heads", 0);
  int64_t mode = node.integer("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3)
    return node.error() << "qk_matmul_output_mode=" << mode
                        << " is not supported; supported: 0, 1, 2, 3";
  FailureOr<TensorValue> query = splitHeads(node, node.input(0), queryHeads);
  FailureOr<TensorValue> key = splitHeads(node, node.input(1), keyHeads);
  FailureOr<TensorValue> value = splitHeads(node, node.input(2), keyHeads);
  if (failed(query) || failed(key) || failed(value))
    return failure();
  AttentionInputs inputs;
  inputs.query = *query;
  inputs.key = *key;
  inputs.value = *value;
  inputs.past = node.index.constant(0);
  if (node.has(4) != node.has(5))
    return node.error() << "expected past_key and past_value together";
  if (node.has(4)) {
    if (node.input(4).rank() != 4 || node.input(5).rank() != 4)
      return node.error() << "expected past_key and past_value of rank 4 but "
                             "got "
                          << node.input(4).rank() << " and "
                          << node.input(5).rank();
    inputs.past = node.input(4).dims[2];
    FailureOr<TensorValue> keys = node.concat({&node.input(4), &inputs.key}, 2);
    FailureOr<TensorValue> values =
        node.concat({&node.input(5), &inputs.value}, 2);
    if (failed(keys) || failed(values))
      return failure();
    inputs.key = *keys;
    inputs.value = *values;
  }
  if (node.has(3))
    inputs.mask = &node.input(3);
  if (node.has(6))
    inputs.keyCount = &node.input(6);
  inputs.causal = node.integer("is_causal", 0);
  inputs.softcap = node.real("softcap", 0);
  std::optional<int64_t> size = node.index.constantValue(inputs.query.dims[3]);
  if (!node.hasAttribute("scale") && !size)
    return node.error() << "expected a known head size or a scale";
  inputs.scale = node.hasAttribute("scale") ? node.real("scale", 1)
                                            : 1 / std::sqrt(double(*size));
  if (!node.isResultUsed(3) && !node.hasAttribute("softmax_precision"))
    if (std::optional<TensorValue> fused = fuse(node, inputs)) {
      node.setResult(0, isFlat ? joinHeads(node, *fused) : *fused);
      node.setResult(1, inputs.key);
      node.setResult(2, inputs.value);
      return success();
    }
  FailureOr<AttentionResult> result = attend(node, inputs);
  if (failed(result))
    return failure();
  Type type = inputs.query.elementType;
  node.setResult(0, isFlat ? joinHeads(node, result->output) : result->output);
  node.setResult(1, inputs.key);
  node.setResult(2, inputs.value);
  if (node.isResultUsed(3)) {
    TensorValue *stages[] = {&result->scores, &result->capped, &result->masked,
                             &result->weights};
    node.setResult(3, node.cast(*stages[mode], type));
  }
  return success();
}

/// What recognise-attention took together: as one operation, or else as it was
/// written.
static LogicalResult lowerCanonicalAttention(NodeLowering &node) {
  auto isWeight = [](Type type) { return isa<TernaryType>(type); };
  if (node.inputCount() != 4 || !node.hasAttribute("scale") ||
      llvm::any_of(node.node.getInputs().getTypes(), isWeight))
    return node.error() << "operators of domain hgf need a model-local "
                           "function of their name; add it to the model";
  AttentionInputs inputs;
  inputs.query = node.input(0);
  inputs.key = node.input(1);
  inputs.value = node.input(2);
  inputs.scale = node.real("scale", 1);
  if (node.has(3))
    inputs.mask = &node.input(3);
  // A product broadcasts one head, but repeats no groups.
  std::optional<int64_t> groups, heads;
  if (inputs.query.rank() == 4 && inputs.key.rank() == 4) {
    heads = node.index.constantValue(inputs.query.dims[1]);
    groups = node.index.constantValue(inputs.key.dims[1]);
  }
  if (heads == groups || groups == 1)
    if (std::optional<TensorValue> fused = fuse(node, inputs)) {
      node.setResult(0, *fused);
      return success();
    }
  for (unsigned i = 0; i < 3; ++i)
    if (!node.input(i).isFloat() || node.input(i).rank() < 2 ||
        node.input(i).elementType != inputs.query.elementType)
      return node.error() << "expected float tensors of rank 2 or more and of "
                             "one element type";
  if (inputs.mask && !inputs.mask->isFloat() &&
      !inputs.mask->elementType.isInteger(1))
    return node.error() << "expected a mask of floats or booleans";
  Type type = inputs.query.elementType, compute = getComputeType(type);
  FailureOr<TensorValue> product =
      node.matmul(inputs.query, inputs.key, /*transposeRight=*/true, compute);
  if (failed(product))
    return failure();
  TensorValue scores = node.elementwiseOver(
      product->dims, {&*product}, compute,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::MulFOp::create(
            builder, operands[0], makeScalar(builder, compute, inputs.scale));
      });
  if (inputs.mask) {
    FailureOr<TensorValue> masked = node.elementwise(
        {&scores, inputs.mask}, compute,
        [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          if (isa<FloatType>(operands[1].getType()))
            return arith::AddFOp::create(
                builder, operands[0],
                convertFloat(builder, operands[1], compute));
          return arith::SelectOp::create(
              builder, operands[1], operands[0],
              makeScalar(builder, compute, -INFINITY));
        });
    if (failed(masked))
      return failure();
    scores = *masked;
  }
  TensorValue weights = node.softmax(scores, scores.rank() - 1);
  weights = node.cast(weights, type);
  FailureOr<TensorValue> output =
      node.matmul(weights, inputs.value, /*transposeRight=*/false, type);
  if (failed(output))
    return failure();
  node.setResult(0, *output);
  return success();
}

/// Rotates pairs of `input` [B, H, S, D], the first `width` of each head.
/// `cosine` and `sine` are read at row [batch, position] or, with `positions`,
/// at the row it names.
static TensorValue rotate(NodeLowering &node, TensorValue &input,
                          TensorValue &cosine, TensorValue &sine,
                          TensorValue *positions, int64_t width,
                          bool interleaved) {
  Value source = node.tensor(input);
  Value cosines = node.tensor(cosine), sines = node.tensor(sine);
  Value rows = positions ? node.tensor(*positions) : Value();
  bool perBatch = positions && positions->rank() == 2 &&
                  node.index.constantValue(positions->dims[0]) != 1;
  bool isOffset = positions && positions->rank() == 1;
  Value tableSize = positions ? node.index.value(cosine.dims[0]) : Value();
  Type type = input.elementType, compute = getComputeType(type);
  int64_t half = width / 2;
  return node.generate(
      input.dims, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange coordinates) -> Value {
        Type position = builder.getIndexType();
        auto number = [&](int64_t value) {
          return makeScalar(builder, position, double(value));
        };
        Value at = coordinates[3];
        Value rotated = arith::CmpIOp::create(
            builder, arith::CmpIPredicate::slt, at, number(width));
        // Elements beyond the rotated width read pair 0 and then keep theirs.
        Value inside = arith::SelectOp::create(builder, rotated, at, number(0));
        Value pair, isSecond, partner;
        if (interleaved) {
          pair = arith::DivUIOp::create(builder, inside, number(2));
          isSecond = arith::CmpIOp::create(
              builder, arith::CmpIPredicate::ne,
              arith::RemUIOp::create(builder, inside, number(2)), number(0));
          partner = arith::XOrIOp::create(builder, inside, number(1));
        } else {
          isSecond = arith::CmpIOp::create(builder, arith::CmpIPredicate::sge,
                                           inside, number(half));
          Value before = arith::SubIOp::create(builder, inside, number(half));
          Value after = arith::AddIOp::create(builder, inside, number(half));
          pair = arith::SelectOp::create(builder, isSecond, before, inside);
          partner = arith::SelectOp::create(builder, isSecond, before, after);
        }
        SmallVector<Value> row;
        if (rows) {
          SmallVector<Value> index;
          if (!isOffset)
            index = {perBatch ? coordinates[0] : number(0), coordinates[2]};
          else
            index = {number(0)};
          Value named = arith::IndexCastOp::create(
              builder, position,
              tensor::ExtractOp::create(builder, rows, index));
          if (isOffset)
            named = arith::AddIOp::create(builder, named, coordinates[2]);
          // A position outside the table must not read outside it.
          Value last = arith::SubIOp::create(builder, tableSize, number(1));
          named = arith::MinSIOp::create(builder, named, last);
          row = {Value(arith::MaxSIOp::create(builder, named, number(0)))};
        } else {
          row = {coordinates[0], coordinates[2]};
        }
        row.push_back(pair);
        auto read = [&](Value table, ArrayRef<Value> where) {
          return convertFloat(builder,
                              tensor::ExtractOp::create(builder, table, where),
                              compute);
        };
        SmallVector<Value> other(coordinates);
        other[3] = partner;
        Value own = read(source, SmallVector<Value>(coordinates));
        Value opposite = read(source, other);
        Value straight =
            arith::MulFOp::create(builder, own, read(cosines, row));
        Value crossed =
            arith::MulFOp::create(builder, opposite, read(sines, row));
        Value sum = arith::AddFOp::create(builder, straight, crossed);
        Value difference = arith::SubFOp::create(builder, straight, crossed);
        Value result =
            arith::SelectOp::create(builder, isSecond, sum, difference);
        result = arith::SelectOp::create(builder, rotated, result, own);
        return convertFloat(builder, result, type);
      });
}

/// Opset 23: x, cos, sin, positions. com.microsoft: x, positions, cos, sin.
template <bool isMicrosoft>
static LogicalResult lowerRotaryEmbedding(NodeLowering &node) {
  if (failed(node.expectInputs(isMicrosoft ? 4 : 3, 4)) ||
      failed(node.expectFloat(0)))
    return failure();
  TensorValue &x = node.input(0);
  unsigned cosineInput = isMicrosoft ? 2 : 1;
  if (failed(node.expectFloat(cosineInput)) ||
      failed(node.expectFloat(cosineInput + 1)))
    return failure();
  TensorValue &cosine = node.input(cosineInput);
  TensorValue &sine = node.input(cosineInput + 1);
  unsigned positionInput = isMicrosoft ? 1 : 3;
  TensorValue *positions =
      node.has(positionInput) ? &node.input(positionInput) : nullptr;
  if (cosine.rank() != (positions ? 2 : 3))
    return node.error() << "expected a cosine table of rank "
                        << (positions ? 2 : 3) << " but got " << cosine.rank();
  int64_t width = node.integer("rotary_embedding_dim", 0);
  int64_t heads = node.integer("num_heads", 0);
  std::optional<int64_t> half = node.index.constantValue(cosine.dims.back());
  if (x.rank() == 3 && heads == 0 && half) {
    // com.microsoft leaves the heads out: their size is twice the table's.
    std::optional<int64_t> hidden = node.index.constantValue(x.dims[2]);
    if (hidden && *half > 0)
      heads = *hidden / (2 * *half);
  }
  FailureOr<TensorValue> split = splitHeads(node, x, heads);
  if (failed(split))
    return failure();
  // Tables and positions that do not cover the input must not be read.
  auto expectEqual = [&](Index left, Index right) {
    return node.index.require(
        node.index.compare(arith::CmpIPredicate::eq, left, right),
        "rotary tables or positions do not fit the input");
  };
  const Dimensions &heads4 = split->dims;
  bool fits = sine.rank() == cosine.rank();
  for (int64_t i = 0; fits && i < cosine.rank(); ++i)
    fits = expectEqual(sine.dims[i], cosine.dims[i]);
  if (fits && !positions)
    fits = expectEqual(cosine.dims[0], heads4[0]) &&
           expectEqual(cosine.dims[1], heads4[2]);
  if (fits && positions && positions->rank() == 2)
    fits = (node.index.constantValue(positions->dims[0]) == 1 ||
            expectEqual(positions->dims[0], heads4[0])) &&
           expectEqual(positions->dims[1], heads4[2]);
  if (!fits || (positions && (positions->rank() > 2 || positions->rank() < 1)))
    return node.error() << "expected tables and positions of the input's batch "
                           "and length";
  std::optional<int64_t> size = node.index.constantValue(split->dims[3]);
  if (width == 0)
    width = size.value_or(0);
  if (!size || !half || width <= 0 || width > *size || *half * 2 != width)
    return node.error() << "expected a known head size and tables of half the "
                           "rotated width";
  TensorValue rotated = rotate(node, *split, cosine, sine, positions, width,
                               node.integer("interleaved", 0));
  node.setResult(0, x.rank() == 3 ? joinHeads(node, rotated) : rotated);
  return success();
}

void hgf::populateAttentionLowerings(LoweringTable &table) {
  table.add("", "Attention", lowerAttention);
  table.add("hgf", "Attention", lowerCanonicalAttention);
  table.add("", "RotaryEmbedding", lowerRotaryEmbedding<false>);
  table.add("com.microsoft", "RotaryEmbedding", lowerRotaryEmbedding<true>);
}
