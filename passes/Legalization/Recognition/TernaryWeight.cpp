//===- TernaryWeight.cpp - The test for ternary weights ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TernaryWeight.h"

#include "ConstantTensor.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Parallel.h"
#include <atomic>
#include <cstring>
#include <set>

using namespace mlir;
using namespace hgf;

TernaryWeight::TernaryWeight(int64_t rows, int64_t columns)
    : rows(rows), columns(columns), codes(getTwoBitByteCount(rows * columns)) {}

void TernaryWeight::scale(ArrayRef<float> factors) {
  if (factors.size() == 1) {
    for (float &scale : scales)
      scale *= factors[0];
    return;
  }
  if (granularity == Granularity::Tensor) {
    scales.assign(rows, scales[0]);
    granularity = Granularity::Row;
  }
  int64_t perRow = scales.size() / rows;
  for (int64_t index = 0; index < int64_t(scales.size()); ++index)
    scales[index] *= factors[index / perRow];
}

Value TernaryWeight::materialize(OpBuilder &builder, Location location) const {
  auto type = TernaryType::get(builder.getContext(), rows, columns, granularity,
                               group, levels);
  ElementsAttr codeElements = makeElements({int64_t(codes.size())},
                                           builder.getI8Type(), codes, "codes");
  auto scaleType =
      RankedTensorType::get({int64_t(scales.size())}, builder.getF32Type());
  auto scaleElements =
      DenseElementsAttr::get(scaleType, ArrayRef<float>(scales));
  return TernaryConstantOp::create(builder, location, type, codeElements,
                                   scaleElements);
}

namespace {

/// What the values of a set have in common: the bits of the one magnitude of
/// all that are not zero, 0 where all are, or `mixed`.
constexpr uint32_t mixed = ~uint32_t(0);

uint32_t join(uint32_t first, uint32_t second) {
  if (first == 0 || first == second)
    return second;
  return second == 0 ? first : mixed;
}

/// The only pass over a matrix of floats: finds the magnitude of every 32
/// inputs of every row, and the codes as if every value were ternary. Both
/// loops over 32 inputs are written so that compilers make vectors of them.
class Scanner {
public:
  /// The finest group that may have a scale.
  static constexpr int64_t fine = 32;

  Scanner(ArrayRef<float> values, TernaryWeight &weight, bool transposed)
      : values(values), weight(weight), transposed(transposed),
        groups(llvm::divideCeil(weight.columns, fine)),
        magnitudes(weight.rows * groups) {}

  void scan() {
    // Bands that write no common byte.
    if (transposed) {
      constexpr int64_t band = 4;
      llvm::parallelFor(0, llvm::divideCeil(groups, band), [&](size_t index) {
        int64_t end = std::min<int64_t>(groups, (index + 1) * band);
        for (int64_t group = index * band; group < end; ++group)
          for (int64_t row = 0; row < weight.rows; row += lanes)
            scanColumns(group, row, std::min(lanes, weight.rows - row));
      });
    } else {
      constexpr int64_t band = 64;
      llvm::parallelFor(
          0, llvm::divideCeil(weight.rows, band), [&](size_t index) {
            int64_t end = std::min<int64_t>(weight.rows, (index + 1) * band);
            for (int64_t row = index * band; row < end; ++row)
              for (int64_t group = 0; group < groups; ++group)
                scanRow(row, group);
          });
    }
    if (!aligned())
      for (int64_t row = 0; row < weight.rows; ++row)
        for (int64_t column = 0; column < weight.columns; ++column) {
          float value = values[transposed ? column * weight.rows + row
                                          : row * weight.columns + column];
          weight.set(row, column, value > 0 ? 1 : value < 0 ? -1 : 0);
        }
  }

  bool isFinite() const { return finite; }

  /// The magnitude of all.
  uint32_t getWhole() const {
    uint32_t whole = 0;
    for (uint32_t magnitude : magnitudes)
      whole = join(whole, magnitude);
    return whole;
  }

  /// One scale per `group` inputs of each row; fails where a group has two
  /// magnitudes. `group` is a multiple of the finest or all inputs.
  std::optional<std::vector<float>> findScales(int64_t group) const {
    int64_t joined = llvm::divideCeil(group, fine);
    std::vector<float> scales;
    for (int64_t row = 0; row < weight.rows; ++row)
      for (int64_t first = 0; first < groups; first += joined) {
        uint32_t magnitude = 0;
        int64_t end = std::min(groups, first + joined);
        for (int64_t index = first; index < end; ++index)
          magnitude = join(magnitude, magnitudes[row * groups + index]);
        if (magnitude == mixed)
          return std::nullopt;
        scales.push_back(llvm::bit_cast<float>(magnitude));
      }
    return scales;
  }

private:
  /// Rows that one step takes of a matrix that is stored by columns.
  static constexpr int64_t lanes = 256;
  static constexpr uint32_t infinity = 0x7f800000;

  /// Whether rows of codes start on bytes.
  bool aligned() const { return weight.columns % 4 == 0; }

  static uint32_t magnitudeOf(uint32_t bits) { return bits & 0x7fffffff; }
  /// The code of -1, 0 or +1.
  static uint32_t codeOf(uint32_t bits) {
    return magnitudeOf(bits) == 0 ? 1 : 2 - 2 * (bits >> 31);
  }

  void note(int64_t row, int64_t group, uint32_t magnitude, bool isMixed,
            bool isFinite) {
    if (!isFinite)
      finite = false;
    magnitudes[row * groups + group] = isMixed ? mixed : magnitude;
  }

  void writeCodes(int64_t row, int64_t group, int64_t count, uint64_t codes) {
    char bytes[sizeof codes];
    std::memcpy(bytes, &codes, sizeof codes);
    std::memcpy(&weight.codes[(row * weight.columns + group * fine) / 4], bytes,
                llvm::divideCeil(count, 4));
  }

  void scanRow(int64_t row, int64_t group) {
    int64_t count = std::min(fine, weight.columns - group * fine);
    uint32_t bits[fine] = {};
    std::memcpy(bits, &values[row * weight.columns + group * fine],
                count * sizeof(float));
    // What all have in common is also what any has.
    uint32_t any = 0;
    for (uint32_t value : bits)
      any |= magnitudeOf(value);
    uint32_t differing = 0, infinite = 0;
    uint8_t codes[fine];
    for (int64_t index = 0; index < fine; ++index) {
      uint32_t magnitude = magnitudeOf(bits[index]);
      differing |= uint32_t(magnitude != 0) & uint32_t(magnitude != any);
      infinite |= magnitude >= infinity;
      codes[index] = codeOf(bits[index]);
    }
    note(row, group, any, differing, !infinite);
    if (!aligned())
      return;
    uint64_t packed = 0;
    for (int64_t index = 0; index < fine; index += 8) {
      uint64_t eight;
      std::memcpy(&eight, &codes[index], sizeof eight);
      eight = (eight | eight >> 6) & 0x000f000f000f000f;
      eight = (eight | eight >> 12) & 0x000000ff000000ff;
      packed |= ((eight | eight >> 24) & 0xffff) << (2 * index);
    }
    writeCodes(row, group, count, packed);
  }

  /// The same for `count` rows at once, whose inputs lie `rows` apart.
  void scanColumns(int64_t group, int64_t firstRow, int64_t count) {
    int64_t columns = std::min(fine, weight.columns - group * fine);
    const char *source = reinterpret_cast<const char *>(
        &values[group * fine * weight.rows + firstRow]);
    auto load = [&](int64_t column, uint32_t *bits) {
      std::memcpy(bits, source + column * weight.rows * sizeof(float),
                  count * sizeof(float));
    };
    uint32_t bits[lanes] = {}, any[lanes] = {};
    uint32_t differing[lanes] = {}, infinite[lanes] = {};
    uint32_t codes[2][lanes] = {};
    for (int64_t column = 0; column < columns; ++column) {
      load(column, bits);
      for (int64_t lane = 0; lane < lanes; ++lane)
        any[lane] |= magnitudeOf(bits[lane]);
    }
    for (int64_t column = 0; column < columns; ++column) {
      load(column, bits);
      unsigned shift = column % 16 * 2;
      uint32_t *half = codes[column / 16];
      for (int64_t lane = 0; lane < lanes; ++lane) {
        uint32_t magnitude = magnitudeOf(bits[lane]);
        differing[lane] |=
            uint32_t(magnitude != 0) & uint32_t(magnitude != any[lane]);
        infinite[lane] |= magnitude >= infinity;
        half[lane] |= codeOf(bits[lane]) << shift;
      }
    }
    for (int64_t lane = 0; lane < count; ++lane) {
      note(firstRow + lane, group, any[lane], differing[lane], !infinite[lane]);
      if (aligned())
        writeCodes(firstRow + lane, group, columns,
                   codes[0][lane] | uint64_t(codes[1][lane]) << 32);
    }
  }

  ArrayRef<float> values;
  TernaryWeight &weight;
  bool transposed;
  int64_t groups;
  /// [row][group]
  std::vector<uint32_t> magnitudes;
  std::atomic<bool> finite = true;
};

/// How many values the matrix has, counted up to a bound.
size_t countValues(ArrayRef<float> values, size_t bound) {
  std::set<float> found;
  for (float value : values) {
    found.insert(value);
    if (found.size() > bound)
      break;
  }
  return found.size();
}

} // namespace

std::optional<TernaryWeight>
hgf::findTernaryWeight(ArrayRef<float> values, int64_t rows, int64_t columns,
                       bool transposed, std::string &why, bool &near) {
  near = false;
  // One value per row would always pass as a scale.
  if (rows < 1 || columns < 2) {
    why = "weight has fewer than two inputs";
    return std::nullopt;
  }
  TernaryWeight result(rows, columns);
  Scanner scanner(values, result, transposed);
  scanner.scan();
  if (!scanner.isFinite()) {
    why = "weight holds a value that is not finite";
    return std::nullopt;
  }
  uint32_t whole = scanner.getWhole();
  if (whole == 0) {
    why = "weight is all zeros";
    return std::nullopt;
  }
  std::optional<std::vector<float>> scales;
  if (whole != mixed) {
    scales = std::vector<float>{llvm::bit_cast<float>(whole)};
  } else if ((scales = scanner.findScales(columns))) {
    result.granularity = Granularity::Row;
  } else {
    result.granularity = Granularity::Group;
    for (int64_t group : {256, 128, 64, 32}) {
      if (group >= columns)
        continue;
      result.group = group;
      if ((scales = scanner.findScales(group)))
        break;
    }
  }
  if (!scales) {
    constexpr size_t bound = 16;
    size_t count = countValues(values, bound);
    near = count <= bound;
    why = near ? llvm::formatv("weight has {0} distinct values; expected "
                               "-s, 0 and +s of one s per tensor, row or "
                               "group of inputs",
                               count)
                     .str()
               : "weight has more than two magnitudes in a group of 32 inputs; "
                 "expected -s, 0 and +s";
    return std::nullopt;
  }
  result.scales = std::move(*scales);
  return result;
}
