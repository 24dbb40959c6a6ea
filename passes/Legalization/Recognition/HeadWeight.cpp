//===- HeadWeight.cpp - Float matrices in fewer bits --------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeadWeight.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Parallel.h"
#include <atomic>
#include <cmath>

using namespace mlir;
using namespace hgf;

static constexpr int64_t blockRows = HeadOp::blockRows;
static constexpr int64_t blockColumns = HeadOp::blockColumns;

/// To nearest even; subnormals included. `value` is at most the largest half.
static uint16_t roundToHalf(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  constexpr uint32_t smallestNormal = 0x38800000;
  if (bits < smallestNormal) {
    // The sum's last bit is worth what a subnormal half's is.
    float sum = llvm::bit_cast<float>(bits) + 0.5f;
    return sign | (llvm::bit_cast<uint32_t>(sum) - 0x3f000000);
  }
  uint32_t rounding = 0xfff + (bits >> 13 & 1);
  return sign | ((bits + rounding - (112 << 23)) >> 13);
}

static float halfToFloat(uint16_t half) {
  uint32_t magnitude = uint32_t(half & 0x7fff) << 13;
  float value = llvm::bit_cast<float>(magnitude) * 0x1p112f;
  return half & 0x8000 ? -value : value;
}

namespace {

class Packer {
public:
  Packer(const ConstantMatrix &matrix, bool int8, MutableArrayRef<char> target)
      : matrix(matrix), int8(int8), target(target), rows(matrix.width()),
        columns(matrix.height()),
        blocks(llvm::divideCeil(columns, blockColumns)),
        scales(int8 ? llvm::alignTo(rows, blockRows) : 0),
        bands(llvm::divideCeil(rows, bandRows)), errors(bands), squares(bands) {
  }

  void pack() {
    llvm::parallelFor(0, bands, [&](size_t band) { packBand(band); });
  }

  bool isValid() const { return valid; }
  double getError() const {
    double error = 0, square = 0;
    for (int64_t band = 0; band < bands; ++band) {
      error += errors[band];
      square += squares[band];
    }
    return square > 0 ? std::sqrt(error / square) : 0;
  }
  std::vector<float> takeScales() { return std::move(scales); }

private:
  /// Rows that are packed at a time: four cache lines of a matrix [K, N].
  static constexpr int64_t bandRows = 64;
  using Tile = float[bandRows][blockColumns];

  /// The elements of one block of columns; zeros where there are none.
  void load(int64_t firstRow, int64_t block, Tile &tile) const {
    int64_t height = std::min(bandRows, rows - firstRow);
    int64_t first = block * blockColumns;
    int64_t width = std::min(blockColumns, columns - first);
    std::memset(tile, 0, sizeof tile);
    const float *values = matrix.values.data();
    if (matrix.transposed) {
      for (int64_t row = 0; row < height; ++row)
        std::memcpy(tile[row], values + (firstRow + row) * columns + first,
                    width * sizeof(float));
      return;
    }
    for (int64_t column = 0; column < width; ++column)
      for (int64_t row = 0; row < height; ++row)
        tile[row][column] = values[(first + column) * rows + firstRow + row];
  }

  void packBand(int64_t band) {
    int64_t firstRow = band * bandRows;
    Tile tile;
    float largest[bandRows] = {};
    for (int64_t block = 0; block < blocks; ++block) {
      load(firstRow, block, tile);
      for (int64_t row = 0; row < bandRows; ++row)
        for (float value : tile[row]) {
          float magnitude = std::fabs(value);
          // Also where it is no number.
          if (!(magnitude <= mostHalf))
            valid = false;
          largest[row] = std::max(largest[row], magnitude);
        }
    }
    if (!valid)
      return;
    int64_t height =
        std::min<int64_t>(bandRows, llvm::alignTo(rows - firstRow, blockRows));
    if (int8)
      for (int64_t row = 0; row < height; ++row)
        scales[firstRow + row] = largest[row] / 127;
    double error = 0, square = 0;
    for (int64_t block = 0; block < blocks; ++block) {
      load(firstRow, block, tile);
      for (int64_t row = 0; row < height; ++row) {
        int64_t at =
            (((firstRow + row) / blockRows * blocks + block) * blockRows +
             row % blockRows) *
            blockColumns;
        float scale = int8 ? scales[firstRow + row] : 1;
        for (int64_t column = 0; column < blockColumns; ++column) {
          float value = tile[row][column];
          float stored = int8 ? writeByte(at + column, value, scale)
                              : writeHalf(at + column, value);
          double difference = double(stored) - value;
          error += difference * difference;
          square += double(value) * value;
        }
      }
    }
    errors[band] = error;
    squares[band] = square;
  }

  float writeByte(int64_t index, float value, float scale) {
    float code = scale > 0 ? std::nearbyint(value / scale) : 0;
    target[index] = static_cast<char>(int8_t(code));
    return code * scale;
  }

  float writeHalf(int64_t index, float value) {
    uint16_t half = roundToHalf(value);
    std::memcpy(&target[2 * index], &half, sizeof half);
    return halfToFloat(half);
  }

  static constexpr float mostHalf = 65504;

  const ConstantMatrix &matrix;
  bool int8;
  MutableArrayRef<char> target;
  int64_t rows, columns, blocks;
  std::vector<float> scales;
  int64_t bands;
  /// Sums of squares per band, so that no order of threads shows.
  std::vector<double> errors, squares;
  std::atomic<bool> valid = true;
};

} // namespace

std::optional<HeadWeight> hgf::packHead(const ConstantMatrix &matrix, bool int8,
                                        MLIRContext *context) {
  Builder builder(context);
  auto type = RankedTensorType::get(
      {static_cast<int64_t>(llvm::divideCeil(matrix.width(), blockRows)),
       static_cast<int64_t>(llvm::divideCeil(matrix.height(), blockColumns)),
       blockRows, blockColumns},
      int8 ? Type(builder.getI8Type()) : Type(builder.getF16Type()));
  int64_t bytes = type.getNumElements() * (int8 ? 1 : 2);
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, /*align=*/64);
  Packer packer(matrix, int8, blob.getMutableData());
  packer.pack();
  if (!packer.isValid())
    return std::nullopt;
  HeadWeight result;
  result.roundingError = packer.getError();
  result.scales = packer.takeScales();
  result.byteCount =
      bytes + static_cast<int64_t>(result.scales.size() * sizeof(float));
  auto &manager = DenseResourceElementsHandle::getManagerInterface(context);
  result.weight = DenseResourceElementsAttr::get(
      type, manager.insert("head", std::move(blob)));
  return result;
}
