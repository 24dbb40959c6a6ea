//===- MakeBoundary.cpp - Memrefs in the signature of @main -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Bufferization/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

namespace hgf {
#define GEN_PASS_DEF_MAKEBOUNDARY
#include "hgf/Passes/Bufferization/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

struct MakeBoundary : public hgf::impl::MakeBoundaryBase<MakeBoundary> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    for (Type type : llvm::concat<const Type>(main.getArgumentTypes(),
                                              main.getResultTypes()))
      if (!isa<RankedTensorType>(type)) {
        main.emitError(
            "expected @main to take and give ranked tensors but got ")
            << type;
        return signalPassFailure();
      }
    describe(main);
    // Results first: their arguments follow the inputs.
    unsigned inputCount = main.getNumArguments();
    convertResults(main);
    convertInputs(main, inputCount);
    main.removeArgAttrsAttr();
    main.removeResAttrsAttr();
    Block &body = main.front();
    main.setType(FunctionType::get(&getContext(), body.getArgumentTypes(),
                                   body.getTerminator()->getOperandTypes()));
  }

  static int64_t getInteger(DictionaryAttr attributes, StringRef name,
                            int64_t otherwise) {
    auto value =
        attributes ? attributes.getAs<IntegerAttr>(name) : IntegerAttr();
    return value ? value.getInt() : otherwise;
  }

  /// One entry of `hgf.inputs` or `hgf.outputs`.
  DictionaryAttr describeTensor(Type type, DictionaryAttr attributes,
                                StringRef fallbackName, int64_t partner,
                                int64_t axis) {
    Builder builder(&getContext());
    auto tensorType = cast<RankedTensorType>(type);
    SmallVector<int64_t> dims;
    for (int64_t dim : tensorType.getShape())
      dims.push_back(ShapedType::isDynamic(dim) ? -1 : dim);
    auto name =
        attributes ? attributes.getAs<StringAttr>("onnx.name") : nullptr;
    auto names =
        attributes ? attributes.getAs<ArrayAttr>("onnx.dims") : nullptr;
    if (!names || names.size() != dims.size())
      names = builder.getArrayAttr(
          SmallVector<Attribute>(dims.size(), builder.getStringAttr("")));
    return builder.getDictionaryAttr({
        builder.getNamedAttr("name",
                             name ? name : builder.getStringAttr(fallbackName)),
        builder.getNamedAttr("dtype",
                             builder.getI32IntegerAttr(getInteger(
                                 attributes, "onnx.dtype",
                                 guessDataType(tensorType.getElementType())))),
        builder.getNamedAttr("dims", builder.getDenseI64ArrayAttr(dims)),
        builder.getNamedAttr("dim_names", names),
        builder.getNamedAttr("state_partner",
                             builder.getI32IntegerAttr(partner)),
        builder.getNamedAttr("state_axis", builder.getI32IntegerAttr(axis)),
    });
  }

  /// ONNX TensorProto.DataType of modules that were written by hand.
  static int64_t guessDataType(Type type) {
    if (type.isF32())
      return 1;
    if (type.isF64())
      return 11;
    if (type.isF16())
      return 10;
    if (type.isBF16())
      return 16;
    if (type.isInteger(1))
      return 9;
    if (type.isInteger(8))
      return type.isUnsignedInteger() ? 2 : 3;
    if (type.isInteger(16))
      return type.isUnsignedInteger() ? 4 : 5;
    if (type.isInteger(32))
      return type.isUnsignedInteger() ? 12 : 6;
    if (type.isInteger(64))
      return type.isUnsignedInteger() ? 13 : 7;
    return 0;
  }

  void describe(func::FuncOp main) {
    Builder builder(&getContext());
    SmallVector<Attribute> inputs, outputs;
    SmallVector<int64_t> partners(main.getNumResults(), -1);
    SmallVector<int64_t> axes(main.getNumResults(), -1);
    for (unsigned index = 0; index < main.getNumArguments(); ++index) {
      DictionaryAttr attributes = main.getArgAttrDict(index);
      int64_t partner = getInteger(attributes, "hgf.state_result", -1);
      int64_t axis = getInteger(attributes, "hgf.state_axis", -1);
      if (partner >= 0 && partner < main.getNumResults()) {
        partners[partner] = index;
        axes[partner] = axis;
      }
      inputs.push_back(
          describeTensor(main.getArgumentTypes()[index], attributes,
                         ("input" + Twine(index)).str(), partner, axis));
    }
    for (unsigned index = 0; index < main.getNumResults(); ++index)
      outputs.push_back(describeTensor(
          main.getResultTypes()[index], main.getResultAttrDict(index),
          ("output" + Twine(index)).str(), partners[index], axes[index]));
    getOperation()->setAttr("hgf.inputs", builder.getArrayAttr(inputs));
    getOperation()->setAttr("hgf.outputs", builder.getArrayAttr(outputs));
  }

  /// Every output but those that grow in place becomes an argument. Those get
  /// an argument too, which nothing reads, so that positions agree with the
  /// runtime's.
  void convertResults(func::FuncOp main) {
    Block &body = main.front();
    Operation *returned = body.getTerminator();
    OpBuilder builder(returned);
    SmallVector<Value> kept;
    auto outputs = getOperation()->getAttrOfType<ArrayAttr>("hgf.outputs");
    for (auto [value, description] :
         llvm::zip(returned->getOperands(), outputs)) {
      auto type = cast<RankedTensorType>(value.getType());
      bool grows =
          getInteger(cast<DictionaryAttr>(description), "state_axis", -1) >= 0;
      Value argument =
          body.addArgument(getBufferType(type, grows), value.getLoc());
      if (grows) {
        kept.push_back(value);
        continue;
      }
      bufferization::MaterializeInDestinationOp::create(
          builder, value.getLoc(), /*result=*/Type(), value, argument,
          /*restrict=*/true, /*writable=*/true);
    }
    returned->setOperands(kept);
  }

  void convertInputs(func::FuncOp main, unsigned inputCount) {
    Block &body = main.front();
    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    auto inputs = getOperation()->getAttrOfType<ArrayAttr>("hgf.inputs");
    for (unsigned index = 0; index < inputCount; ++index) {
      BlockArgument argument = body.getArgument(index);
      auto type = cast<RankedTensorType>(argument.getType());
      bool grows = getInteger(cast<DictionaryAttr>(inputs[index]), "state_axis",
                              -1) >= 0;
      argument.setType(getBufferType(type, grows));
      auto tensor = bufferization::ToTensorOp::create(
          builder, argument.getLoc(), type, argument, /*restrict=*/true,
          /*writable=*/grows);
      argument.replaceAllUsesExcept(tensor.getResult(), tensor);
    }
  }

  static MemRefType getBufferType(RankedTensorType type, bool grows) {
    MemRefLayoutAttrInterface layout;
    if (grows)
      layout = StridedLayoutAttr::get(
          type.getContext(), ShapedType::kDynamic,
          SmallVector<int64_t>(type.getRank(), ShapedType::kDynamic));
    return MemRefType::get(type.getShape(), type.getElementType(), layout);
  }
};

} // namespace
