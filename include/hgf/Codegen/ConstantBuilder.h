//===- ConstantBuilder.h - Constant data as C lays it out -------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_CODEGEN_CONSTANTBUILDER_H
#define HGF_CODEGEN_CONSTANTBUILDER_H

#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Module.h"

namespace hgf {

/// Constants of one module. Literal structures lay out as C does.
class ConstantBuilder {
public:
  explicit ConstantBuilder(llvm::Module &module)
      : module(module), context(module.getContext()),
        pointer(llvm::PointerType::getUnqual(context)),
        null(llvm::ConstantPointerNull::get(pointer)) {}

  llvm::Constant *i32(int64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), value, true);
  }
  llvm::Constant *i64(int64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), value, true);
  }
  llvm::Constant *structure(llvm::ArrayRef<llvm::Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }
  llvm::Constant *string(llvm::StringRef text) {
    llvm::Constant *&known = strings[text];
    if (!known)
      known = global(llvm::ConstantDataArray::getString(context, text));
    return known;
  }
  /// Address of a private constant.
  llvm::Constant *global(llvm::Constant *value) {
    auto *variable = new llvm::GlobalVariable(
        module, value->getType(), /*isConstant=*/true,
        llvm::GlobalValue::PrivateLinkage, value, "hgf_data");
    variable->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return variable;
  }
  /// Address of an array, or null where it is empty.
  llvm::Constant *array(llvm::ArrayRef<llvm::Constant *> values) {
    if (values.empty())
      return null;
    auto *type = llvm::ArrayType::get(values.front()->getType(), values.size());
    return global(llvm::ConstantArray::get(type, values));
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
  llvm::Constant *null;

private:
  llvm::StringMap<llvm::Constant *> strings;
};

} // namespace hgf

#endif // HGF_CODEGEN_CONSTANTBUILDER_H
