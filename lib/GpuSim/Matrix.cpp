//===- Matrix.cpp - ldmatrix, stmatrix and mma ----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace hgf::gpusim;

namespace {

/// 8x8 elements of 16 bits. Lane n has elements 2(n%4) and the next of row n/4,
/// or of column n/4 with .trans.
using Matrix = uint16_t[8][8];

uint16_t &element(Matrix &matrix, bool transposed, unsigned lane,
                  unsigned half) {
  unsigned major = lane / 4, minor = lane % 4 * 2 + half;
  return transposed ? matrix[minor][major] : matrix[major][minor];
}

constexpr unsigned kRowBytes = 16;

} // namespace

/// The address of row j of matrix i comes from lane 8i + j.
static void collectRows(Warp &warp, const Instruction &instruction,
                        unsigned operand, uint64_t *addresses) {
  const uint64_t *base = warp.operand(instruction, operand);
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    addresses[lane] = base[lane] + instruction.offset;
  uint32_t lanes = ~0u >> (kWarpSize - 8 * instruction.vectorSize);
  warp.countRequest(instruction, lanes, instruction.space, addresses,
                    kRowBytes);
}

static void executeLoadMatrix(Warp &warp, const Instruction &instruction,
                              uint32_t mask) {
  unsigned count = instruction.vectorSize;
  uint64_t addresses[kWarpSize];
  collectRows(warp, instruction, count, addresses);
  Matrix matrices[4] = {};
  for (unsigned row = 0; row < 8 * count; ++row)
    if (Place place =
            warp.access(instruction, row, instruction.space, addresses[row],
                        kRowBytes, kRowBytes, AccessKind::Read))
      memcpy(matrices[row / 8][row % 8], place.data, kRowBytes);
  for (unsigned index = 0; index < count; ++index)
    forLanes(mask, [&](unsigned lane) {
      auto half = [&](unsigned which) {
        return uint32_t(
            element(matrices[index], instruction.variant, lane, which));
      };
      warp.operand(instruction, index)[lane] = half(1) << 16 | half(0);
    });
}

static void executeStoreMatrix(Warp &warp, const Instruction &instruction,
                               uint32_t mask) {
  unsigned count = instruction.vectorSize;
  uint64_t addresses[kWarpSize];
  collectRows(warp, instruction, 0, addresses);
  Matrix matrices[4] = {};
  for (unsigned index = 0; index < count; ++index)
    forLanes(mask, [&](unsigned lane) {
      uint64_t value = warp.operand(instruction, index + 1)[lane];
      for (unsigned half = 0; half < 2; ++half)
        element(matrices[index], instruction.variant, lane, half) =
            value >> 16 * half;
    });
  for (unsigned row = 0; row < 8 * count; ++row)
    if (Place place =
            warp.access(instruction, row, instruction.space, addresses[row],
                        kRowBytes, kRowBytes, AccessKind::Write)) {
      memcpy(place.data, matrices[row / 8][row % 8], kRowBytes);
      std::fill_n(place.states, kRowBytes, ByteState::Initialised);
    }
}

template <bool Load> static void decodeMatrix(Decoder &decoder) {
  Instruction &instruction = decoder.instruction;
  decoder.expect("sync");
  decoder.expect("aligned");
  decoder.expect("m8n8");
  int count = decoder.takeOneOf({"x1", "x2", "x4"});
  instruction.variant = decoder.take("trans");
  instruction.space = takeSpace(decoder);
  decoder.expect("b16");
  decoder.expectOperands(Load ? "va" : "av");
  if (count < 0)
    return decoder.fail("expected .x1, .x2 or .x4");
  instruction.vectorSize = 1 << count;
  if (instruction.operandCount != instruction.vectorSize + 1)
    return decoder.fail("the vector has another number of elements");
  instruction.control = Control::AlignedCollective;
  decoder.setExecute(Load ? executeLoadMatrix : executeStoreMatrix);
}

namespace {

/// D = A B + C for 16 rows and 8 columns. A register has E elements; with the
/// lane's group g = lane / 4 and place t = lane % 4, register r of A has row
/// g + 8(r % 2) and columns from tE + 4E(r / 2), register r of B has column g
/// and rows from tE + 4Er, and register r of C and D has row g + 8(r / 2) and
/// column 2t + r % 2.
struct MmaOperands {
  unsigned aRegisters, bRegisters;
  unsigned firstA() const { return 4; }
  unsigned firstB() const { return 4 + aRegisters; }
  unsigned firstC() const { return 4 + aRegisters + bRegisters; }
};

template <class T, class Wide, unsigned E>
void unpack(uint64_t lane, Wide *elements) {
  for (unsigned index = 0; index < E; ++index) {
    uint64_t bits = lane >> index * (32 / E);
    if constexpr (std::is_same_v<T, BFloat>)
      elements[index] = float(fromLane<T>(bits));
    else if constexpr (std::is_integral_v<T>)
      // A shift extends a byte by its sign, or by zeros.
      elements[index] = std::is_signed_v<T> ? Wide(int64_t(bits << 56) >> 56)
                                            : Wide(bits & 255);
    else
      elements[index] = Wide(fromLane<T>(bits));
  }
}

template <class A, class B, class Wide, unsigned E>
void multiply(Warp &warp, const Instruction &instruction,
              const MmaOperands &layout, Wide (&product)[16][8]) {
  Wide a[16][8 * E] = {}, b[8][8 * E] = {};
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    unsigned group = lane / 4, first = lane % 4 * E;
    for (unsigned r = 0; r < layout.aRegisters; ++r)
      unpack<A, Wide, E>(warp.operand(instruction, layout.firstA() + r)[lane],
                         &a[group + 8 * (r % 2)][first + 4 * E * (r / 2)]);
    for (unsigned r = 0; r < layout.bRegisters; ++r)
      unpack<B, Wide, E>(warp.operand(instruction, layout.firstB() + r)[lane],
                         &b[group][first + 4 * E * r]);
  }
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned column = 0; column < 8; ++column)
      for (unsigned k = 0; k < 4 * E * layout.bRegisters; ++k)
        product[row][column] += a[row][k] * b[column][k];
}

uint64_t accumulate(int32_t product, uint64_t c, bool saturate) {
  if (!saturate)
    return uint32_t(uint32_t(product) + uint32_t(c));
  int64_t sum = int64_t(product) + int32_t(c);
  return uint32_t(
      std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX));
}

/// One rounding; the hardware's order of additions is its own.
uint64_t accumulate(double product, uint64_t c, bool) {
  return toLane<float>(float(product + fromLane<float>(c)));
}

} // namespace

template <class A, class B, class Wide, unsigned E>
static void executeMma(Warp &warp, const Instruction &instruction, uint32_t) {
  unsigned b = instruction.vectorSize;
  MmaOperands layout = {2 * b, b};
  Wide product[16][8] = {};
  multiply<A, B, Wide, E>(warp, instruction, layout, product);
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned r = 0; r < 4; ++r) {
      Wide sum = product[lane / 4 + 8 * (r / 2)][lane % 4 * 2 + r % 2];
      uint64_t c = warp.operand(instruction, layout.firstC() + r)[lane];
      warp.operand(instruction, r)[lane] =
          accumulate(sum, c, instruction.saturate);
    }
}

static ExecuteFunction mmaFunction(Type a, Type b) {
  if (a == Type::S8)
    return b == Type::S8   ? executeMma<int8_t, int8_t, int32_t, 4>
           : b == Type::U8 ? executeMma<int8_t, uint8_t, int32_t, 4>
                           : nullptr;
  if (a == Type::U8)
    return b == Type::S8   ? executeMma<uint8_t, int8_t, int32_t, 4>
           : b == Type::U8 ? executeMma<uint8_t, uint8_t, int32_t, 4>
                           : nullptr;
  if (a == Type::F16 && b == Type::F16)
    return executeMma<Half, Half, double, 2>;
  if (a == Type::BF16 && b == Type::BF16)
    return executeMma<BFloat, BFloat, double, 2>;
  return nullptr;
}

static void decodeMma(Decoder &decoder) {
  Instruction &instruction = decoder.instruction;
  decoder.expect("sync");
  decoder.expect("aligned");
  int shape = decoder.takeOneOf({"m16n8k8", "m16n8k16", "m16n8k32"});
  decoder.expect("row");
  decoder.expect("col");
  instruction.saturate = decoder.take("satfinite");
  Type d = decoder.takeType(), a = decoder.takeType();
  Type b = decoder.takeType(), c = decoder.takeType();
  decoder.expectOperands("vvvv");
  bool integer = !isFloat(a);
  Type sum = integer ? Type::S32 : Type::F32;
  // Integers have twice the elements in a register, and no k8.
  int count = integer ? shape : shape + 1;
  if (d != sum || c != sum || shape < 0 || count < 1 || count > 2 ||
      (instruction.saturate && !integer))
    return decoder.fail("this shape is not supported with these types");
  const unsigned sizes[] = {4, 2u * count, unsigned(count), 4};
  for (auto [operand, size] : llvm::zip(decoder.statement.operands, sizes))
    if (operand.rows.size() != size)
      return decoder.fail("a vector has another number of elements");
  instruction.vectorSize = count;
  instruction.control = Control::AlignedCollective;
  decoder.setExecute(mmaFunction(a, b));
}

void hgf::gpusim::addMatrixOpcodes(OpcodeTable &table) {
  table["ldmatrix"] = decodeMatrix<true>;
  table["stmatrix"] = decodeMatrix<false>;
  table["mma"] = decodeMma;
}
