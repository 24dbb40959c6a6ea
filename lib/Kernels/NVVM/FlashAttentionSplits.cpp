//===- FlashAttentionSplits.cpp - Attention of few queries ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A token's attention reads every key and value once and computes little: what
// counts is that all of the device reads. So the keys of each head are split
// over blocks, and a second kernel joins what the blocks found.
//
// A group of lanes takes a key: each lane has some elements of it, of the
// queries and of the results in registers. Every group keeps its own maximum
// and sum, so that nobody waits for anybody until the keys are through.
//
//===----------------------------------------------------------------------===//

#include "AttentionBuilder.h"

using namespace mlir;
using namespace hgf;

namespace {

/// One head's softmax so far, and its row of the result.
struct Partial {
  Value maximum, sum;
  SmallVector<Value> row;
};

/// What both kernels have to agree on.
class SplitBuilder : public AttentionBuilder {
public:
  using AttentionBuilder::AttentionBuilder;

  /// Keys of one split, of those that a query sees: whole steps of a block.
  Value getSplitKeys(Value visible) {
    Value keys = divideUp(visible, plan.splits);
    return multiply(divideUp(keys, plan.getBlockKeys()), plan.getBlockKeys());
  }

  /// Where a split's result lies in the scratch memory; `row` counts the
  /// block's heads and their softmaxes.
  Value getPlace(Value item, Value split, Value row) {
    int64_t rows = plan.headsPerBlock * plan.softmaxes;
    Value place = add(multiply(item, plan.splits), split);
    place = add(multiply(place, rows), row);
    return multiply(place, plan.getPartialFloats());
  }

  int64_t getGroupHeads() const { return plan.heads / plan.keyHeads; }
};

class Splits : public SplitBuilder {
public:
  using SplitBuilder::SplitBuilder;

  void emit() {
    place();
    SmallVector<StridedTensor *> tensors{&value};
    SmallVector<Value> memrefs{op.getValue(), op.getQuery(), op.getKey()};
    if (op.isDifferential())
      memrefs.append({op.getQuery2(), op.getKey2()});
    for (int64_t softmax = 0; softmax < plan.softmaxes; ++softmax)
      tensors.append({&query[softmax], &key[softmax]});
    shared =
        getShared({FlashAttentionPlan::warps,
                   plan.headsPerBlock * plan.softmaxes, getRowFloats() + 4});
    Value visible = countVisible(queryRow);
    Value splitKeys = getSplitKeys(visible);
    begin = multiply(split, splitKeys);
    end = minimum(visible, add(begin, splitKeys));
    branch(isLess(begin, end), [&] {
      emitForms(tensors, memrefs, [&](bool wide) {
        this->wide = wide;
        SmallVector<Partial> partials = visitKeys(loadQueries());
        joinWarp(partials);
        barrier();
        joinBlock();
      });
    });
  }

private:
  /// Steps of four elements that a lane takes of a row.
  int64_t getSteps(int64_t length) const {
    return llvm::divideCeil(length, 4 * plan.lanes);
  }
  bool isWhole(int64_t length) const { return length % (4 * plan.lanes) == 0; }
  int64_t getRowFloats() const { return getSteps(plan.width) * 4 * plan.lanes; }
  int64_t getGroups() const {
    return FlashAttentionPlan::warpLanes / plan.lanes;
  }
  int64_t getRows() const { return plan.headsPerBlock * plan.softmaxes; }

  /// Where the thread stands, and its block.
  void place() {
    Value lane = remainder(thread(), FlashAttentionPlan::warpLanes);
    warp = divide(thread(), FlashAttentionPlan::warpLanes);
    part = remainder(lane, plan.lanes);
    group = divide(lane, plan.lanes);
    item = blockX();
    split = blockY();
    Value rest = divide(item, plan.chunks);
    keyHead = remainder(rest, plan.keyHeads);
    rest = divide(rest, plan.keyHeads);
    queryRow = remainder(rest, queries);
    batch = divide(rest, queries);
    Value first = multiply(remainder(item, plan.chunks), plan.headsPerBlock);
    for (int64_t head = 0; head < plan.headsPerBlock; ++head) {
      Value inGroup = add(first, head);
      // The last block of a group may have fewer heads; it computes its last
      // one several times.
      if (plan.chunks * plan.headsPerBlock > getGroupHeads())
        inGroup = minimum(inGroup, index(getGroupHeads() - 1));
      heads.push_back(add(multiply(keyHead, getGroupHeads()), inGroup));
    }
  }

  /// The first of the four elements of a step.
  Value getFirst(int64_t step) {
    return add(multiply(part, 4), step * 4 * plan.lanes);
  }

  SmallVector<Value> loadRow(const StridedTensor &tensor, Value row,
                             int64_t length) {
    SmallVector<Value> result;
    for (int64_t step = 0; step < getSteps(length); ++step)
      result.push_back(
          loadFour(tensor, row, getFirst(step), length, isWhole(length), wide));
    return result;
  }

  /// The queries of all rows, scaled.
  SmallVector<SmallVector<Value>> loadQueries() {
    Value scale = splat(real(op.getScale().convertToFloat()));
    SmallVector<SmallVector<Value>> rows;
    for (int64_t row = 0; row < getRows(); ++row) {
      StridedTensor &tensor = query[row % plan.softmaxes];
      rows.push_back(loadRow(
          tensor,
          getRow(tensor, {batch, heads[row / plan.softmaxes], queryRow}),
          plan.depth));
      for (Value &four : rows.back())
        four = multiplyFloat(four, scale);
    }
    return rows;
  }

  static SmallVector<Value> flatten(ArrayRef<Partial> partials) {
    SmallVector<Value> values;
    for (const Partial &partial : partials) {
      values.append({partial.maximum, partial.sum});
      llvm::append_range(values, partial.row);
    }
    return values;
  }

  SmallVector<Partial> unflatten(ArrayRef<Value> values) {
    SmallVector<Partial> partials;
    int64_t size = 2 + getSteps(plan.width);
    for (int64_t row = 0; row < getRows(); ++row) {
      ArrayRef<Value> slice = values.slice(row * size, size);
      partials.push_back(
          {slice[0], slice[1], SmallVector<Value>(slice.drop_front(2))});
    }
    return partials;
  }

  /// The split's keys, one after another for each group of lanes.
  SmallVector<Partial> visitKeys(ArrayRef<SmallVector<Value>> queryRows) {
    SmallVector<Partial> nothing(
        getRows(), {minusInfinity(), real(0),
                    SmallVector<Value>(getSteps(plan.width), zeros())});
    int64_t warpKeys = getGroups() * plan.keysPerLane;
    for (int64_t head = 0; head < plan.headsPerBlock; ++head)
      masks.push_back(getMask(batch, heads[head], queryRow));
    SmallVector<Value> bases;
    for (StridedTensor &tensor : key)
      bases.push_back(getRow(tensor, {batch, keyHead}));
    Value valueBase = getRow(value, {batch, keyHead});
    // Warps, not lanes, leave the loop: lanes shuffle in it.
    Values results = loop(
        add(begin, multiply(warp, warpKeys)), end, index(plan.getBlockKeys()),
        flatten(nothing), [&](Value start, ArrayRef<Value> carried) {
          SmallVector<Partial> partials = unflatten(carried);
          Keys keys;
          for (int64_t number = 0; number < plan.keysPerLane; ++number) {
            Value place = add(add(start, group), number * getGroups());
            keys.inside.push_back(isLess(place, end));
            place = minimum(place, subtract(end, index(1)));
            keys.places.push_back(place);
            for (auto [base, tensor] : llvm::zip_equal(bases, key))
              keys.keys.push_back(
                  loadRow(tensor, add(base, multiply(place, tensor.strides[2])),
                          plan.depth));
            keys.values.push_back(loadRow(
                value, add(valueBase, multiply(place, value.strides[2])),
                plan.width));
          }
          for (int64_t row = 0; row < getRows(); ++row)
            visit(keys, row, queryRows[row], partials[row]);
          return flatten(partials);
        });
    masks.clear();
    return unflatten(results);
  }

  /// The keys that a lane holds at a time, each with its values.
  struct Keys {
    SmallVector<Value> inside, places;
    /// For each key those of all softmaxes.
    SmallVector<SmallVector<Value>> keys, values;
    /// The mask's summands that all heads share.
    SmallVector<Value> masks;
  };

  Value getMaskOf(Keys &keys, int64_t head, int64_t number) {
    const Mask &mask = masks[head];
    if (!mask.shared)
      return loadMask(mask, keys.places[number]);
    if (keys.masks.empty())
      for (Value place : keys.places)
        keys.masks.push_back(loadMask(mask, place));
    return keys.masks[number];
  }

  void visit(Keys &keys, int64_t row, ArrayRef<Value> queryRow,
             Partial &partial) {
    SmallVector<Value> scores;
    Value maximum = partial.maximum;
    for (int64_t number = 0; number < plan.keysPerLane; ++number) {
      ArrayRef<Value> keyRow =
          keys.keys[number * plan.softmaxes + row % plan.softmaxes];
      Value sums;
      for (auto [left, right] : llvm::zip_equal(queryRow, keyRow))
        sums =
            sums ? multiplyAdd(left, right, sums) : multiplyFloat(left, right);
      Value score = addFloat(addFloat(element(sums, 0), element(sums, 1)),
                             addFloat(element(sums, 2), element(sums, 3)));
      score = addLanes(score, 1, plan.lanes);
      if (op.getMask())
        score = addFloat(score, getMaskOf(keys, row / plan.softmaxes, number));
      score = select(keys.inside[number], score, minusInfinity());
      scores.push_back(score);
      maximum = larger(maximum, score);
    }
    Value fade = power(partial.maximum, maximum);
    partial.maximum = maximum;
    partial.sum = multiplyFloat(partial.sum, fade);
    for (Value &four : partial.row)
      four = multiplyFloat(four, splat(fade));
    for (auto [score, values] : llvm::zip_equal(scores, keys.values)) {
      Value weight = power(score, maximum);
      partial.sum = addFloat(partial.sum, weight);
      for (auto [four, elements] : llvm::zip_equal(partial.row, values))
        four = multiplyAdd(splat(weight), elements, four);
    }
  }

  /// Joins the groups of each warp; their sums go to shared memory.
  void joinWarp(ArrayRef<Partial> partials) {
    for (auto [number, partial] : llvm::enumerate(partials)) {
      Value row = index(number);
      Value maximum = largestOfLanes(partial.maximum, plan.lanes, getGroups());
      Value fade = power(partial.maximum, maximum);
      Value sum =
          addLanes(multiplyFloat(partial.sum, fade), plan.lanes, getGroups());
      SmallVector<Value> fours;
      for (Value four : partial.row) {
        SmallVector<Value> elements;
        for (int64_t step = 0; step < 4; ++step)
          elements.push_back(addLanes(multiplyFloat(element(four, step), fade),
                                      plan.lanes, getGroups()));
        fours.push_back(join(elements));
      }
      branch(isEqual(group, 0), [&] {
        for (auto [step, four] : llvm::enumerate(fours))
          storeShared(four, shared, {warp, row, getFirst(step)});
        branch(isEqual(part, 0), [&] {
          memref::StoreOp::create(b, maximum, shared,
                                  ValueRange{warp, row, index(getRowFloats())});
          memref::StoreOp::create(
              b, sum, shared, ValueRange{warp, row, index(getRowFloats() + 1)});
        });
      });
    }
  }

  Value loadPart(Value warp, Value row, Value column) {
    return memref::LoadOp::create(b, shared, ValueRange{warp, row, column});
  }

  /// Joins the warps; their sums go to the scratch memory.
  void joinBlock() {
    Value scratch = getScratch();
    loop(index(0), index(getRows()), index(1), [&](Value row) {
      SmallVector<Value> fades;
      Value maximum = minusInfinity(), sum = real(0);
      for (int64_t warp = 0; warp < FlashAttentionPlan::warps; ++warp) {
        fades.push_back(loadPart(index(warp), row, index(getRowFloats())));
        maximum = larger(maximum, fades.back());
      }
      for (auto [warp, fade] : llvm::enumerate(fades)) {
        fade = power(fade, maximum);
        sum = multiplyAdd(loadPart(index(warp), row, index(getRowFloats() + 1)),
                          fade, sum);
      }
      Value place = getPlace(item, split, row);
      loop(thread(), index(plan.width), index(FlashAttentionPlan::threads),
           [&](Value column) {
             Value total = real(0);
             for (auto [warp, fade] : llvm::enumerate(fades))
               total =
                   multiplyAdd(loadPart(index(warp), row, column), fade, total);
             memref::StoreOp::create(b, total, scratch, add(place, column));
           });
      branch(isEqual(thread(), 0), [&] {
        memref::StoreOp::create(b, maximum, scratch, add(place, plan.width));
        memref::StoreOp::create(b, sum, scratch, add(place, plan.width + 1));
      });
    });
  }

  Value warp, part, group, split, item, keyHead, queryRow, batch, begin, end;
  SmallVector<Value> heads;
  SmallVector<Mask> masks;
  Value shared;
  bool wide = false;
};

/// Joins the splits of one head's query in each block.
class Join : public SplitBuilder {
public:
  using SplitBuilder::SplitBuilder;

  void emit() {
    Value queryRow = remainder(blockX(), queries);
    Value rest = divide(blockX(), queries);
    Value head = remainder(rest, plan.heads);
    Value batch = divide(rest, plan.heads);
    Value keyHead = divide(head, getGroupHeads());
    Value inGroup = remainder(head, getGroupHeads());
    Value item = add(multiply(batch, queries), queryRow);
    item = add(multiply(item, plan.keyHeads), keyHead);
    item =
        add(multiply(item, plan.chunks), divide(inGroup, plan.headsPerBlock));
    Value row =
        multiply(remainder(inGroup, plan.headsPerBlock), plan.softmaxes);
    Value visible = countVisible(queryRow);
    Value splitKeys = getSplitKeys(visible);
    // Where nothing is visible, splits have no keys to divide by.
    Value divisor = maximum(splitKeys, index(1));
    Value used = divide(add(visible, subtract(divisor, index(1))), divisor);
    Value scratch = getScratch();
    Value result = getRow(init, {batch, head, queryRow});
    loop(thread(), index(plan.width), index(FlashAttentionPlan::threads),
         [&](Value column) {
           Value total;
           for (int64_t softmax = 0; softmax < plan.softmaxes; ++softmax) {
             Value part =
                 joinSplits(scratch, item, add(row, softmax), used, column);
             if (softmax == 0) {
               total = part;
               continue;
             }
             Value lambda =
                 memref::LoadOp::create(b, op.getLambda(), ValueRange());
             total =
                 arith::SubFOp::create(b, total, multiplyFloat(lambda, part));
           }
           memref::StoreOp::create(
               b, total, init.memory,
               add(result, multiply(column, init.strides[3])));
         });
  }

private:
  Value joinSplits(Value scratch, Value item, Value row, Value used,
                   Value column) {
    auto load = [&](Value split, Value column) -> Value {
      return memref::LoadOp::create(b, scratch,
                                    add(getPlace(item, split, row), column));
    };
    Value maximum =
        loop(index(0), used, index(1), {minusInfinity()},
             [&](Value split, ArrayRef<Value> carried) -> Values {
               return {larger(carried[0], load(split, index(plan.width)))};
             })[0];
    Values sums =
        loop(index(0), used, index(1), {real(0), real(0)},
             [&](Value split, ArrayRef<Value> carried) -> Values {
               Value fade = power(load(split, index(plan.width)), maximum);
               return {multiplyAdd(load(split, column), fade, carried[0]),
                       multiplyAdd(load(split, index(plan.width + 1)), fade,
                                   carried[1])};
             });
    return quotient(sums[0], sums[1]);
  }
};

} // namespace

void hgf::emitFlashAttentionSplits(FlashAttentionOp op) {
  Splits(op).emit();
  op.erase();
}

void hgf::emitFlashAttentionJoin(FlashAttentionOp op) {
  Join(op).emit();
  op.erase();
}
