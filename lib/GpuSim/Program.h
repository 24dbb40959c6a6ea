//===- Program.h - PTX, decoded ----------------------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_GPUSIM_PROGRAM_H
#define HGF_LIB_GPUSIM_PROGRAM_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hgf::gpusim {

enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  F16x2,
  BF16,
  BF16x2,
  /// In a register of 64 bits; sm_100 and later.
  F32x2,
  F32,
  F64
};

std::optional<Type> parseType(llvm::StringRef name);
unsigned getBits(Type type);
bool isFloat(Type type);
bool isSigned(Type type);

enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };

/// Windows of the generic address space. Global addresses are generic already;
/// addresses within .shared, .local and .param count from 0.
constexpr uint64_t kWindowBits = 32;
constexpr uint64_t kSharedWindow = uint64_t(0x7f01) << kWindowBits;
constexpr uint64_t kLocalWindow = uint64_t(0x7f02) << kWindowBits;
constexpr uint64_t kParamWindow = uint64_t(0x7f03) << kWindowBits;

/// How the scheduler treats an instruction.
enum class Control : uint8_t {
  Plain,
  Branch,
  Exit,
  /// Waits for the lanes of its membermask.
  WarpCollective,
  /// Waits for all lanes of its warp, which must all be there.
  AlignedCollective,
  BlockBarrier
};

class Warp;
struct Instruction;
using ExecuteFunction = void (*)(Warp &, const Instruction &, uint32_t mask);

constexpr unsigned kMaximumOperands = 20;

/// Bits of Instruction::variant of a block barrier.
constexpr uint8_t kAlignedBarrier = 1, kArriveOnly = 2, kHasCount = 4;

/// Registers, immediates, special registers and addresses of variables are all
/// rows of 32 lanes, so an operand is the number of a row.
struct Instruction {
  ExecuteFunction execute = nullptr;
  Control control = Control::Plain;
  Type type = Type::None, sourceType = Type::None;
  Space space = Space::Generic;
  /// Of an opcode that comes in few forms: which; its meaning is the opcode's.
  uint8_t variant = 0;
  bool flushDenormals = false, saturate = false, negated = false;
  uint8_t vectorSize = 1;
  uint8_t operandCount = 0;
  int predicate = -1;
  /// The row of the membermask of a WarpCollective.
  int membermask = -1;
  int64_t offset = 0, secondOffset = 0;
  uint32_t target = 0;
  unsigned line = 0;
  std::array<int, kMaximumOperands> operands = {};
};

enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NwarpId,
  LanemaskEq,
  LanemaskLe,
  LanemaskLt,
  LanemaskGe,
  LanemaskGt,
  DynamicSharedSize,
  TotalSharedSize,
  SmId,
  /// Where .extern .shared begins.
  DynamicShared
};

struct Parameter {
  std::string name;
  uint32_t offset = 0, size = 0;
};

/// A variable of a module or of a function, other than a register.
struct Variable {
  Space space = Space::Global;
  uint64_t address = 0;
  uint64_t size = 0;
  /// Of shared memory, where every kernel has its own places for variables.
  uint64_t alignment = 1;
};

struct SharedRange {
  uint32_t begin = 0, end = 0;
};

struct Function {
  std::string name;
  std::vector<Parameter> parameters;
  uint32_t parameterBytes = 0;
  std::vector<Instruction> instructions;
  std::vector<std::string> texts;
  /// The width of each row, by which sign-extending loads extend.
  std::vector<uint8_t> rowBits;
  std::vector<std::pair<int, uint64_t>> constants;
  std::vector<std::pair<int, Special>> specials;
  uint32_t localBytes = 0;
  /// Static shared memory: the variables that the function names. What lies
  /// between the ranges belongs to nobody.
  std::vector<SharedRange> sharedRanges;
  uint32_t sharedBytes = 0;
  uint64_t requiredThreads = 0, maximumThreads = 0;
};

struct Program {
  std::vector<Function> functions;
  llvm::StringMap<Variable> variables;
};

} // namespace hgf::gpusim

#endif // HGF_LIB_GPUSIM_PROGRAM_H
