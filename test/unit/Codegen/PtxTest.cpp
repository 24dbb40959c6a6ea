//===- PtxTest.cpp - PTX for every chip ---------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/Ptx.h"
#include "hgf/Codegen/Codegen.h"
#include "hgf/Codegen/GpuTools.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace hgf;
using namespace mlir;

static constexpr StringRef source = R"(
llvm.func @number(%y: !llvm.ptr<1>) attributes {nvvm.kernel} {
  %t = nvvm.read.ptx.sreg.tid.x : i32
  %p = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
  llvm.store %t, %p : i32, !llvm.ptr<1>
  llvm.return
})";

TEST(Ptx, EveryChipHasItsVersion) {
  DialectRegistry registry;
  registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect>();
  registerCodegenDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(source, &context);
  ASSERT_TRUE(module);
  llvm::Expected<std::string> ptxas = findPtxas();
  bool assembles = static_cast<bool>(ptxas);
  if (!assembles)
    llvm::consumeError(ptxas.takeError());
  for (const Chip &chip : getChips()) {
    auto ptx = emitPtx(*module, chip);
    ASSERT_TRUE(succeeded(ptx)) << chip.name.str();
    // "ptx70" is version 7.0.
    std::string digits = chip.ptxFeature.drop_front(3).str();
    EXPECT_TRUE(StringRef(*ptx).contains(".version " + digits.substr(0, 1) +
                                         "." + digits.substr(1) + "\n"))
        << *ptx;
    EXPECT_TRUE(StringRef(*ptx).contains(".target " + chip.name.str()));
    EXPECT_TRUE(StringRef(*ptx).contains(".entry number("));
    if (!assembles)
      continue;
    auto image = assemble(*ptx, chip.name);
    ASSERT_TRUE(bool(image)) << llvm::toString(image.takeError());
    EXPECT_TRUE(image->find("number"));
  }
}
