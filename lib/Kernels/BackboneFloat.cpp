//===- BackboneFloat.cpp - Ternary products of float activations -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Backbone.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t floatBytes = 4;

// The weights as float32, eight columns at a time. With groups each sum is
// scaled before it joins the row's.

Backbone::Values Backbone::emitFloat(Value rowBlock, Value weights) {
  if (!memory)
    memory = k.stack(blockRows * tokens * floatBytes);
  bool grouped = isGrouped();
  Value zero = k.real(k.floats(), 0);
  k.loop(
      k.size(0), k.size(blockRows), 1, {},
      [&](Value row, ArrayRef<Value>) -> Values {
        Value start = k.address(weights, k.multiply(row, bundleBytes));
        Values sums = k.loop(
            k.size(0), blocks, 1, Values(tokens, zero),
            [&](Value block, ArrayRef<Value> carried) {
              Value pointer = k.address(start, k.multiply(block, blockBytes));
              k.prefetch(pointer);
              Values inputs;
              for (int64_t token = 0; token < tokens; ++token)
                inputs.push_back(
                    inputPointer(k.argument(InputsPointer), block, token));
              SmallVector<Values> parts(groups, Values(tokens, zero));
              if (!grouped)
                parts[0] = Values(carried);
              emitFloatRow(pointer, inputs, parts);
              if (!grouped)
                return parts[0];
              Values sums(carried);
              Value scales = groupScales(rowBlock, block, row);
              for (int64_t g = 0; g < groups; ++g) {
                Value scale = k.splat(k.load(
                    k.f32(), k.address(scales, g * blockRows * floatBytes), 4));
                for (int64_t token = 0; token < tokens; ++token)
                  sums[token] =
                      k.multiplyAdd(parts[g][token], scale, sums[token]);
              }
              return sums;
            });
        for (int64_t token = 0; token < tokens; ++token)
          k.store(k.sumOfLanes(sums[token]),
                  k.address(memory, k.multiply(row, floatBytes),
                            token * blockRows * floatBytes),
                  4);
        return {};
      });
  Values result;
  for (int64_t token = 0; token < tokens; ++token)
    result.push_back(k.load(
        k.floats(), k.address(memory, token * blockRows * floatBytes), 32));
  return result;
}

void Backbone::emitFloatRow(Value row, ArrayRef<Value> inputs,
                            MutableArrayRef<Values> parts) {
  auto narrow = k.vector(lanes, k.i8());
  auto load = [&](int64_t offset) {
    return k.load(narrow, k.address(row, offset), encoding.getAlignment(lanes));
  };
  int64_t group = parts.size() > 1 ? k.key.group : encoding.getBlockColumns();
  assert(bundleRows == 1 && "see suitsFloat()");
  auto use = [&](const Encoding::Codes &step) {
    int64_t column = step.column;
    Value wide = arith::ExtUIOp::create(k.b, k.ints(), step.codes);
    CodeMeaning meaning = getCodeMeaning(k.key.levels);
    Value weight =
        k.toFloat(removeOffset(wide, k.integer(k.ints(), meaning.offset)));
    for (int64_t token = 0; token < tokens; ++token) {
      Value x =
          k.load(k.floats(), k.address(inputs[token], column * floatBytes), 32);
      Value &part = parts[column / group][token];
      part = k.multiplyAdd(weight, x, part);
    }
  };
  for (int64_t part = 0; part < encoding.getPartCount(lanes); ++part)
    encoding.emitUnpack(k.b, k.b.getLoc(), lanes, part, load, use);
}

Backbone::Values Backbone::scaleFloat(Value rowBlock, ArrayRef<Value> sums) {
  if (k.key.granularity == Granularity::Group)
    return Values(sums);
  Value scales = scaleVector(rowBlock);
  Values products;
  for (Value sum : sums)
    products.push_back(k.multiplyFloat(sum, scales));
  return products;
}
