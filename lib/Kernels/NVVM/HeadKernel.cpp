//===- HeadKernel.cpp - A kernel without a body --------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/NVVM/HeadKernel.h"

#include "GpuBuilder.h"
#include "KernelFunction.h"
#include "hgf/Kernels/NVVM/LinearOpKey.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t warpLanes = GpuBuilder::warpLanes;
static constexpr int64_t blockWarps = 4;
static constexpr int64_t floatBytes = 4;
/// What one lane loads at once.
static constexpr int64_t loadBytes = 16;
/// Elements of a vector of float32 that one load takes.
static constexpr int64_t floats = loadBytes / floatBytes;

std::string GpuHeadKey::getName() const {
  return ("hgf_head_" + Twine(rows) + "x" + Twine(columns) +
          (isInt8 ? "_int8" : "_f16") + (bias ? "_bias" : "") +
          (alignedInput ? "_aligned" : "") + "_tokens" + Twine(tokens))
      .str();
}

GpuHeadKey hgf::getGpuHeadKey(HeadOp op) {
  GpuHeadKey key;
  auto x = cast<MemRefType>(op.getX().getType());
  key.rows = cast<MemRefType>(op.getInit().getType()).getShape().back();
  key.columns = x.getShape().back();
  key.isInt8 = bool(op.getScales());
  key.bias = bool(op.getBias());
  key.alignedInput = hasAlignedTokens(x);
  return key;
}

namespace {

class HeadBody {
public:
  using Values = GpuBuilder::Values;

  HeadBody(GpuBuilder &k, const GpuHeadKey &key)
      : k(k), key(key), rowBytes(key.isInt8 ? loadBytes : 2 * loadBytes),
        laneColumns(key.isInt8 ? HeadOp::blockColumns
                               : HeadOp::blockColumns / 2),
        blocks(llvm::divideCeil(key.columns, HeadOp::blockColumns)) {}

  void build() {
    int64_t rowBlocks = llvm::divideCeil(key.rows, HeadOp::blockRows);
    // Lanes of one block of columns, and the blocks that a step takes.
    int64_t blockLanes = HeadOp::blockRows * rowBytes / loadBytes;
    int64_t stepBlocks = warpLanes / blockLanes;
    Value place = k.bitAnd(k.lane(), blockLanes - 1);
    Value first = k.shiftRight(k.lane(), llvm::Log2_64(blockLanes));
    Value row = k.shiftRight(place, llvm::Log2_64(rowBytes / loadBytes));
    Value rowBlock = k.add(k.multiply(k.blockX(), blockWarps), k.warp());
    Value loaded = k.minimum(rowBlock, rowBlocks - 1);
    Value weights =
        k.address(k.addressOf(k.argument(GpuHeadWeights), loaded,
                              blocks * HeadOp::blockRows * rowBytes),
                  k.multiply(place, loadBytes));
    firstColumn = key.isInt8 ? k.integer(0)
                             : k.multiply(k.bitAnd(k.lane(), 1), laneColumns);
    Value firstToken = k.multiply(k.blockY(), key.tokens);
    Value left = k.subtract(k.toNarrow(k.argument(GpuHeadTokens)), firstToken);
    Values inputs, numbers;
    for (int64_t token = 0; token < key.tokens; ++token) {
      Value number =
          k.add(firstToken, k.minimum(k.integer(token), k.add(left, -1)));
      numbers.push_back(k.toWide(number));
      inputs.push_back(k.address(
          k.argument(GpuHeadInput),
          k.multiply(numbers.back(), k.argument(GpuHeadInputStride))));
    }
    Value zero = k.real(k.vector(floats, k.f32()), 0);
    Values sums = k.loop(
        first, k.integer(blocks), stepBlocks, Values(key.tokens, zero),
        [&](Value block, ArrayRef<Value> carried) {
          Values parts = loadWeights(k.address(
              weights, k.multiply(block, HeadOp::blockRows * rowBytes)));
          Value column =
              k.add(k.multiply(block, HeadOp::blockColumns), firstColumn);
          Values results;
          for (auto [sum, input] : llvm::zip_equal(carried, inputs)) {
            Value total = sum;
            for (auto [index, part] : llvm::enumerate(parts))
              total = k.multiplyAdd(
                  part, loadInput(input, k.add(column, index * floats)), total);
            results.push_back(total);
          }
          return results;
        });
    Value output = k.add(k.multiply(rowBlock, HeadOp::blockRows), row);
    Value writes = k.both(k.isLess(output, key.rows), k.isEqual(first, 0));
    if (!key.isInt8)
      writes = k.both(writes, k.isEqual(k.bitAnd(k.lane(), 1), 0));
    for (int64_t token = 0; token < key.tokens; ++token) {
      Value total = joinLanes(sums[token], blockLanes);
      Value stores = writes;
      if (token)
        stores = k.both(stores, k.isLess(k.integer(token), left));
      k.branch(stores, [&] { store(total, output, numbers[token]); });
    }
  }

private:
  Value joinLanes(Value vector, int64_t blockLanes) {
    Value total = k.element(vector, 0);
    for (int64_t index = 1; index < floats; ++index)
      total = k.addFloat(total, k.element(vector, index));
    for (int64_t offset = warpLanes / 2; offset >= blockLanes; offset /= 2)
      total = k.addFloat(total, k.shuffle(total, offset));
    if (!key.isInt8)
      total = k.addFloat(total, k.shuffle(total, 1));
    return total;
  }

  /// The lane's columns of one row, in vectors of float32.
  Values loadWeights(Value pointer) {
    Type element = key.isInt8 ? Type(k.b.getI8Type()) : k.b.getF16Type();
    Value loaded = k.load(k.vector(laneColumns, element), pointer, loadBytes);
    Values parts;
    for (int64_t begin = 0; begin < laneColumns; begin += floats) {
      Value part = vector::ShuffleOp::create(
          k.b, loaded, loaded,
          llvm::to_vector(llvm::seq(begin, begin + floats)));
      parts.push_back(
          k.widenFactor(part, key.isInt8 ? FactorType::I8 : FactorType::F16));
    }
    return parts;
  }

  /// Four columns of a token; zeros beyond the last.
  Value loadInput(Value input, Value column) {
    Value pointer = k.address(input, k.multiply(column, floatBytes));
    Type type = k.vector(floats, k.f32());
    if (key.columns % HeadOp::blockColumns == 0)
      return k.load(type, pointer, key.alignedInput ? loadBytes : floatBytes);
    Value result = k.real(type, 0);
    for (int64_t index = 0; index < floats; ++index) {
      Value exists = k.isLess(k.add(column, index), key.columns);
      Value value = k.branch(
          exists, TypeRange{k.f32()},
          [&]() -> Values {
            return {k.loadFloat(k.address(pointer, index * floatBytes))};
          },
          [&]() -> Values { return {k.real(0)}; })[0];
      result = vector::InsertOp::create(k.b, value, result, index);
    }
    return result;
  }

  void store(Value total, Value output, Value token) {
    if (key.isInt8)
      total = k.multiplyFloat(total,
                              k.loadFloat(k.addressOf(k.argument(GpuHeadScales),
                                                      output, floatBytes)));
    if (key.bias)
      total = k.addFloat(total, k.loadFloat(k.addressOf(k.argument(GpuHeadBias),
                                                        output, floatBytes)));
    Value row = k.address(k.argument(GpuHeadOutput),
                          k.multiply(token, k.argument(GpuHeadOutputStride)));
    k.store(total, k.addressOf(row, output, floatBytes), floatBytes);
  }

  GpuBuilder &k;
  const GpuHeadKey &key;
  /// Of one row in one block of columns.
  int64_t rowBytes;
  int64_t laneColumns;
  int64_t blocks;
  Value firstColumn;
};

} // namespace

GpuKernel hgf::getOrBuildHead(gpu::GPUModuleOp module, const GpuHeadKey &key) {
  std::string name = key.getName();
  int64_t threads = blockWarps * warpLanes;
  auto function = module.lookupSymbol<gpu::GPUFuncOp>(name);
  if (!function) {
    SmallVector<ArgumentKind> arguments(gpuHeadArgumentCount,
                                        ArgumentKind::ReadOnlyPointer);
    for (GpuHeadArgument number :
         {GpuHeadInputStride, GpuHeadOutputStride, GpuHeadTokens})
      arguments[number] = ArgumentKind::Number;
    arguments[GpuHeadOutput] = ArgumentKind::Pointer;
    function = makeKernelFunction(module, name, arguments, threads);
    GpuBuilder builder(function, threads);
    HeadBody(builder, key).build();
    builder.finish();
  }
  int64_t blocks = llvm::divideCeil(
      llvm::divideCeil(key.rows, HeadOp::blockRows), blockWarps);
  return {function, threads, blocks, key.tokens};
}
