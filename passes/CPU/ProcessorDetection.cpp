//===- ProcessorDetection.cpp - What the processor can do -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProcessorDetection.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace hgf;

Value ProcessorDetection::emit(const InstructionLevel &level) {
  Value result = arith::ConstantIntOp::create(b, 1, 1);
  for (const ProcessorBit &bit : level.detection)
    result = arith::AndIOp::create(
        b, result, test(getWord(level, bit), uint32_t(1) << bit.bit));
  if (level.savedState)
    result = arith::AndIOp::create(b, result,
                                   test(getSavedState(), level.savedState));
  return result;
}

Value ProcessorDetection::constant(uint32_t value) {
  return arith::ConstantIntOp::create(b, int32_t(value), 32);
}

Value ProcessorDetection::test(Value word, uint32_t mask) {
  Value bits = arith::AndIOp::create(b, word, constant(mask));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, bits,
                               constant(mask));
}

Value ProcessorDetection::getWord(const InstructionLevel &level,
                                  const ProcessorBit &bit) {
  return level.architecture == llvm::Triple::aarch64
             ? getAuxiliary(bit.leaf)
             : getLeaf(bit.leaf, bit.subleaf)[bit.word];
}

ArrayRef<Value> ProcessorDetection::getLeaf(int32_t leaf, int32_t subleaf) {
  SmallVector<Value> &words = leaves[{leaf, subleaf}];
  if (!words.empty())
    return words;
  words = emitAssembly("cpuid", "={ax},={bx},={cx},={dx},{ax},{cx}", 4,
                       {constant(leaf), constant(subleaf)});
  // Leaf 0 says which leaves exist, and subleaf 0 which subleaves; leaf 1
  // always does.
  auto guard = [&](Value most, int32_t asked) {
    Value known = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, most,
                                        constant(asked));
    for (Value &word : words)
      word = arith::SelectOp::create(b, known, word, constant(0));
  };
  if (leaf > 1)
    guard(getLeaf(0)[0], leaf);
  if (subleaf > 0)
    guard(getLeaf(leaf)[0], subleaf);
  return words;
}

Value ProcessorDetection::getSavedState() {
  if (savedState)
    return savedState;
  constexpr uint32_t canRead = 1 << 27;
  auto branch = scf::IfOp::create(b, TypeRange(b.getI32Type()),
                                  test(getLeaf(1)[2], canRead), true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value state = emitAssembly("xgetbv", "={ax},={dx},{cx}", 2, {constant(0)})[0];
  scf::YieldOp::create(b, state);
  b.setInsertionPointToStart(branch.elseBlock());
  Value none = constant(0);
  scf::YieldOp::create(b, none);
  return savedState = branch.getResult(0);
}

Value ProcessorDetection::getAuxiliary(int32_t entry) {
  Value &known = auxiliaries[entry];
  if (known)
    return known;
  constexpr StringLiteral name = "getauxval";
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    function = LLVM::LLVMFuncOp::create(
        b, name, LLVM::LLVMFunctionType::get(b.getI64Type(), {b.getI64Type()}));
  }
  Value asked = arith::ConstantIntOp::create(b, entry, 64);
  Value bits = LLVM::CallOp::create(b, function, ValueRange(asked)).getResult();
  return known = arith::TruncIOp::create(b, b.getI32Type(), bits);
}

SmallVector<Value> ProcessorDetection::emitAssembly(StringRef text,
                                                    StringRef constraints,
                                                    int64_t results,
                                                    ValueRange operands) {
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(results, b.getI32Type()));
  Value all = LLVM::InlineAsmOp::create(
                  b, TypeRange(type), operands, text, constraints,
                  /*has_side_effects=*/true, /*is_align_stack=*/false,
                  LLVM::tailcallkind::TailCallKind::None,
                  LLVM::AsmDialectAttr(), ArrayAttr())
                  .getResult(0);
  SmallVector<Value> words;
  for (int64_t index = 0; index < results; ++index)
    words.push_back(LLVM::ExtractValueOp::create(b, all, index));
  return words;
}
