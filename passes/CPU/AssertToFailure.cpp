//===- AssertToFailure.cpp - Failed checks return early -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace hgf {
#define GEN_PASS_DEF_ASSERTTOFAILURE
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// HGF_ERROR_RUN of the C interface.
constexpr int32_t failureCode = 10;

struct AssertToFailure
    : public hgf::impl::AssertToFailureBase<AssertToFailure> {
  void runOnOperation() override {
    SmallVector<cf::AssertOp> assertions;
    getOperation().walk(
        [&](cf::AssertOp assertion) { assertions.push_back(assertion); });
    for (cf::AssertOp assertion : assertions)
      if (failed(convert(assertion)))
        return signalPassFailure();
  }

  LogicalResult convert(cf::AssertOp assertion) {
    auto function = assertion->getParentOfType<func::FuncOp>();
    if (!function || function.getNumResults() ||
        function.getNumArguments() == 0 ||
        !isa<LLVM::LLVMPointerType>(function.getArgumentTypes().front()))
      return assertion.emitOpError("expected a function without results whose "
                                   "first argument is the runtime's call");
    Location loc = assertion.getLoc();
    Block *block = assertion->getBlock();
    Block *rest = block->splitBlock(assertion->getIterator());
    Block *failed = new Block();
    function.getBody().push_back(failed);
    OpBuilder builder = OpBuilder::atBlockEnd(block);
    cf::CondBranchOp::create(builder, loc, assertion.getArg(), rest, failed);
    builder.setInsertionPointToEnd(failed);
    Value code = LLVM::ConstantOp::create(
        builder, loc, builder.getI32IntegerAttr(failureCode));
    Value message = LLVM::AddressOfOp::create(
        builder, loc, LLVM::LLVMPointerType::get(&getContext()),
        getMessage(assertion.getMsg(), loc));
    func::CallOp::create(builder, loc, getFailFunction(loc),
                         ValueRange{function.getArgument(0), code, message});
    func::ReturnOp::create(builder, loc);
    assertion.erase();
    return success();
  }

  func::FuncOp getFailFunction(Location loc) {
    if (auto known = getOperation().lookupSymbol<func::FuncOp>("hgf_rt_fail"))
      return known;
    OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto function = func::FuncOp::create(
        builder, loc, "hgf_rt_fail",
        builder.getFunctionType({pointer, builder.getI32Type(), pointer}, {}));
    function.setPrivate();
    return function;
  }

  StringRef getMessage(StringRef text, Location loc) {
    std::string &name = messages[text];
    if (!name.empty())
      return name;
    name = ("hgf_message_" + Twine(messages.size() - 1)).str();
    OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
    std::string bytes = text.str();
    bytes.push_back('\0');
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                           LLVM::Linkage::Private, name,
                           builder.getStringAttr(bytes));
    return name;
  }

  /// Name of the global of each text.
  llvm::StringMap<std::string> messages;
};

} // namespace
