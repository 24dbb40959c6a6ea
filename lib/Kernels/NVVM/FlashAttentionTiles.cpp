//===- FlashAttentionTiles.cpp - Attention of many queries ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block takes a tile of queries of one head, and keys tile by tile: scores of
// a tile, then their weights times the values. One part of shared memory holds
// the keys and then the values of a tile, one the queries and one the weights.
//
// Threads stand in rows of eight. A thread computes the scores of every 16th
// query with every 8th key, so that a row of threads has all scores of its
// queries; and the same queries' results, four neighbouring columns of every
// 32. Rows of shared memory are four floats longer than a multiple of 32, or
// so: those that are read at a time begin in different banks.
//
//===----------------------------------------------------------------------===//

#include "AttentionBuilder.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

namespace {

class Tiles : public AttentionBuilder {
public:
  using AttentionBuilder::AttentionBuilder;

  void emit() {
    depth = llvm::alignTo(plan.depth, 4);
    width = llvm::alignTo(plan.width, 4 * FlashAttentionPlan::tileColumns);
    queryTile = getShared({plan.getTileQueries(), depth + padding});
    weightTile =
        getShared({plan.getTileQueries(), plan.getTileKeys() + padding});
    keyTile = getShared({plan.getTileKeys(), std::max(depth + padding, width)});
    threadColumn = remainder(thread(), FlashAttentionPlan::tileColumns);
    threadRow = divide(thread(), FlashAttentionPlan::tileColumns);
    batch = divide(blockX(), plan.heads);
    head = remainder(blockX(), plan.heads);
    keyHead = divide(head, plan.heads / plan.keyHeads);
    SmallVector<StridedTensor *> tensors{&value, &init};
    SmallVector<Value> memrefs{op.getValue(), op.getInit(), op.getQuery(),
                               op.getKey()};
    if (op.isDifferential())
      memrefs.append({op.getQuery2(), op.getKey2()});
    for (int64_t softmax = 0; softmax < plan.softmaxes; ++softmax)
      tensors.append({&query[softmax], &key[softmax]});
    emitForms(tensors, memrefs, [&](bool wide) {
      this->wide = wide;
      Value tiles = divideUp(queries, plan.getTileQueries());
      loop(blockY(), tiles, blocksY(), [&](Value tile) {
        // The last tiles see most keys: they begin first.
        Value place = subtract(subtract(tiles, index(1)), tile);
        emitTile(multiply(place, plan.getTileQueries()));
      });
    });
  }

private:
  static constexpr int64_t padding = 4;

  /// One thread's queries in the course of a softmax.
  struct State {
    SmallVector<Value> maxima, sums;
    /// By query, then by group of four columns.
    SmallVector<Value> rows;
  };

  int64_t getColumnGroups() const {
    return width / (4 * FlashAttentionPlan::tileColumns);
  }
  Value getTileRow(int64_t number) {
    return add(threadRow, number * FlashAttentionPlan::tileRows);
  }
  Value getTileColumn(int64_t number) {
    return add(threadColumn, number * FlashAttentionPlan::tileColumns);
  }
  /// The first of the four columns of a group.
  Value getColumn(int64_t group) {
    return add(multiply(threadColumn, 4),
               group * 4 * FlashAttentionPlan::tileColumns);
  }

  static SmallVector<Value> flatten(const State &state) {
    SmallVector<Value> values(state.maxima);
    llvm::append_range(values, state.sums);
    llvm::append_range(values, state.rows);
    return values;
  }

  State unflatten(ArrayRef<Value> values) const {
    size_t count = plan.queriesPerThread;
    return {SmallVector<Value>(values.take_front(count)),
            SmallVector<Value>(values.slice(count, count)),
            SmallVector<Value>(values.drop_front(2 * count))};
  }

  void emitTile(Value firstQuery) {
    SmallVector<Value> total;
    for (int64_t softmax = 0; softmax < plan.softmaxes; ++softmax) {
      SmallVector<Value> rows = emitSoftmax(firstQuery, softmax);
      if (softmax == 0) {
        total = rows;
        continue;
      }
      Value lambda = memref::LoadOp::create(b, op.getLambda(), ValueRange());
      for (auto [sum, row] : llvm::zip_equal(total, rows))
        sum = arith::SubFOp::create(b, sum, multiplyFloat(splat(lambda), row));
    }
    for (int64_t number = 0; number < plan.queriesPerThread; ++number) {
      Value queryRow = add(firstQuery, getTileRow(number));
      branch(isLess(queryRow, queries), [&] {
        Value row = getRow(init, {batch, head, queryRow});
        for (int64_t group = 0; group < getColumnGroups(); ++group)
          storeResult(total[number * getColumnGroups() + group], row,
                      getColumn(group));
      });
    }
  }

  void storeResult(Value four, Value row, Value column) {
    auto inside = [&](Value column, llvm::function_ref<void()> store) {
      if (width == plan.width)
        return store();
      branch(isLess(column, index(plan.width)), store);
    };
    if (wide)
      return inside(column, [&] {
        vector::StoreOp::create(b, four, init.memory, add(row, column),
                                /*nontemporal=*/false, llvm::MaybeAlign(16));
      });
    for (int64_t step = 0; step < 4; ++step)
      inside(add(column, step), [&] {
        memref::StoreOp::create(
            b, element(four, step), init.memory,
            add(row, multiply(add(column, step), init.strides[3])));
      });
  }

  /// Rows of a tensor to shared memory, from `first` on; those from `count` on,
  /// and elements from `length` on, are zero.
  void loadTile(const StridedTensor &tensor, Value base, Value first,
                Value count, int64_t rows, int64_t length, int64_t padded,
                Value tile, std::optional<float> scale = std::nullopt) {
    int64_t rowFours = padded / 4;
    loop(thread(), index(rows * rowFours), index(FlashAttentionPlan::threads),
         [&](Value place) {
           Value row = divide(place, rowFours);
           Value column = multiply(remainder(place, rowFours), 4);
           Value source = add(first, row);
           Value inside = isLess(source, count);
           // Some row that exists: there is one wherever tiles are loaded.
           source = minimum(source, subtract(count, index(1)));
           Value four =
               loadFour(tensor, add(base, multiply(source, tensor.strides[2])),
                        column, length, padded == length, wide);
           four = arith::SelectOp::create(b, inside, four, zeros());
           if (scale)
             four = multiplyFloat(four, splat(real(*scale)));
           storeShared(four, tile, {row, column});
         });
  }

  /// One softmax's results of the thread's queries.
  SmallVector<Value> emitSoftmax(Value firstQuery, int64_t softmax) {
    const StridedTensor &query = this->query[softmax],
                        &key = this->key[softmax];
    // Everybody has read what the tile before left in shared memory.
    barrier();
    loadTile(query, getRow(query, {batch, head}), firstQuery, queries,
             plan.getTileQueries(), plan.depth, depth, queryTile,
             op.getScale().convertToFloat());
    Value lastQuery = minimum(add(firstQuery, plan.getTileQueries() - 1),
                              subtract(queries, index(1)));
    Value visible = countVisible(lastQuery);
    SmallVector<Value> queryRows, seen;
    SmallVector<Mask> masks;
    for (int64_t number = 0; number < plan.queriesPerThread; ++number) {
      Value row = minimum(add(firstQuery, getTileRow(number)),
                          subtract(queries, index(1)));
      seen.push_back(countVisible(row));
      masks.push_back(getMask(batch, head, row));
    }
    State nothing;
    nothing.maxima.assign(plan.queriesPerThread, minusInfinity());
    nothing.sums.assign(plan.queriesPerThread, real(0));
    nothing.rows.assign(plan.queriesPerThread * getColumnGroups(), zeros());
    Value keyBase = getRow(key, {batch, keyHead});
    Value valueBase = getRow(value, {batch, keyHead});
    Values results =
        loop(index(0), visible, index(plan.getTileKeys()), flatten(nothing),
             [&](Value firstKey, ArrayRef<Value> carried) {
               State state = unflatten(carried);
               barrier();
               loadTile(key, keyBase, firstKey, keys, plan.getTileKeys(),
                        plan.depth, depth, keyTile);
               barrier();
               SmallVector<Value> scores = multiplyKeys();
               weigh(scores, firstKey, seen, masks, state);
               barrier();
               loadTile(value, valueBase, firstKey, keys, plan.getTileKeys(),
                        plan.width, width, keyTile);
               barrier();
               addValues(state);
               return flatten(state);
             });
    State state = unflatten(results);
    SmallVector<Value> rows;
    for (auto [place, four] : llvm::enumerate(state.rows)) {
      Value sum = state.sums[place / getColumnGroups()];
      SmallVector<Value> elements;
      for (int64_t step = 0; step < 4; ++step)
        elements.push_back(quotient(element(four, step), sum));
      rows.push_back(join(elements));
    }
    return rows;
  }

  /// The thread's scores in the tile, query by query.
  SmallVector<Value> multiplyKeys() {
    int64_t count = plan.queriesPerThread * plan.keysPerThread;
    return loop(
        index(0), index(depth), index(4), SmallVector<Value>(count, real(0)),
        [&](Value column, ArrayRef<Value> carried) {
          SmallVector<Value> queryFours, keyFours;
          for (int64_t number = 0; number < plan.queriesPerThread; ++number)
            queryFours.push_back(
                loadShared(queryTile, {getTileRow(number), column}));
          for (int64_t number = 0; number < plan.keysPerThread; ++number)
            keyFours.push_back(
                loadShared(keyTile, {getTileColumn(number), column}));
          SmallVector<Value> sums(carried);
          for (int64_t step = 0; step < 4; ++step)
            for (int64_t place = 0; place < count; ++place)
              sums[place] = multiplyAdd(
                  element(queryFours[place / plan.keysPerThread], step),
                  element(keyFours[place % plan.keysPerThread], step),
                  sums[place]);
          return sums;
        });
  }

  /// Scores become weights in shared memory; what there was so far fades.
  void weigh(ArrayRef<Value> scores, Value firstKey, ArrayRef<Value> seen,
             ArrayRef<Mask> masks, State &state) {
    for (int64_t number = 0; number < plan.queriesPerThread; ++number) {
      SmallVector<Value> row;
      Value maximum = minusInfinity();
      for (int64_t column = 0; column < plan.keysPerThread; ++column) {
        Value place = add(firstKey, getTileColumn(column));
        Value score = scores[number * plan.keysPerThread + column];
        if (op.getMask())
          score = addFloat(score,
                           loadMask(masks[number],
                                    minimum(place, subtract(keys, index(1)))));
        score = select(isLess(place, seen[number]), score, minusInfinity());
        row.push_back(score);
        maximum = larger(maximum, score);
      }
      maximum = largestOfLanes(maximum, 1, FlashAttentionPlan::tileColumns);
      maximum = larger(maximum, state.maxima[number]);
      Value fade = power(state.maxima[number], maximum);
      state.maxima[number] = maximum;
      Value sum = real(0);
      for (auto [column, score] : llvm::enumerate(row)) {
        Value weight = power(score, maximum);
        sum = addFloat(sum, weight);
        memref::StoreOp::create(
            b, weight, weightTile,
            ValueRange{getTileRow(number), getTileColumn(column)});
      }
      sum = addLanes(sum, 1, FlashAttentionPlan::tileColumns);
      state.sums[number] = multiplyAdd(state.sums[number], fade, sum);
      for (int64_t group = 0; group < getColumnGroups(); ++group) {
        Value &four = state.rows[number * getColumnGroups() + group];
        four = multiplyFloat(four, splat(fade));
      }
    }
  }

  /// Adds the tile's values, by their weights.
  void addValues(State &state) {
    state.rows = loop(
        index(0), index(plan.getTileKeys()), index(4), state.rows,
        [&](Value firstKey, ArrayRef<Value> carried) {
          SmallVector<Value> rows(carried), weights;
          for (int64_t number = 0; number < plan.queriesPerThread; ++number)
            weights.push_back(
                loadShared(weightTile, {getTileRow(number), firstKey}));
          for (int64_t step = 0; step < 4; ++step)
            for (int64_t group = 0; group < getColumnGroups(); ++group) {
              Value four =
                  loadShared(keyTile, {add(firstKey, step), getColumn(group)});
              for (int64_t number = 0; number < plan.queriesPerThread;
                   ++number) {
                Value &row = rows[number * getColumnGroups() + group];
                row = multiplyAdd(splat(element(weights[number], step)), four,
                                  row);
              }
            }
          return rows;
        });
  }

  int64_t depth, width;
  Value queryTile, weightTile, keyTile;
  Value threadColumn, threadRow, batch, head, keyHead;
  bool wide = false;
};

} // namespace

void hgf::emitFlashAttentionTiles(FlashAttentionOp op) {
  Tiles(op).emit();
  op.erase();
}
