//===- MapLayers.cpp - Layers become launches of kernels ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"
#include "TokenRows.h"
#include "hgf/Kernels/NVVM/HeadKernel.h"
#include "hgf/Kernels/NVVM/LinearOpKey.h"
#include "hgf/Kernels/NVVM/PrefillKernel.h"
#include "hgf/Passes/GPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace hgf {
#define GEN_PASS_DEF_MAPLAYERS
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

/// What a grid has along y at most.
static constexpr int64_t mostGridRows = 65535;

namespace {

/// The device's limit; nobody passes so many tokens at once.
void checkTokens(ImplicitLocOpBuilder &b, Value tokens) {
  Value suits = b.createOrFold<arith::CmpIOp>(
      arith::CmpIPredicate::sle, tokens,
      arith::ConstantIntOp::create(b, mostGridRows, 64));
  cf::AssertOp::create(b, suits,
                       "expected at most 65535 tokens in one call on a GPU; "
                       "pass them in several "
                       "calls");
}

void launchOnTokens(ImplicitLocOpBuilder &b, const hgf::GpuKernel &kernel,
                    Value tokens, ArrayRef<Value> arguments) {
  Value rows = b.createOrFold<arith::CeilDivUIOp>(
      tokens, arith::ConstantIntOp::create(b, kernel.tokens, 64));
  rows = b.createOrFold<arith::IndexCastOp>(b.getIndexType(), rows);
  hgf::KernelModule::launch(
      b, kernel.function, arguments,
      {arith::ConstantIndexOp::create(b, kernel.blocks), rows, kernel.threads});
}

/// The launch of one hgf.head.
void emitHead(hgf::HeadOp op, hgf::KernelModule &kernels) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  hgf::GpuHeadKey key = hgf::getGpuHeadKey(op);
  Value tokens = hgf::countTokens(b, op.getX());
  checkTokens(b, tokens);
  hgf::TokenRows x = hgf::getTokenRows(b, op.getX());
  hgf::TokenRows y = hgf::getTokenRows(b, op.getInit());
  SmallVector<Value> arguments(hgf::gpuHeadArgumentCount);
  arguments[hgf::GpuHeadInput] = x.pointer;
  arguments[hgf::GpuHeadInputStride] = x.stride;
  arguments[hgf::GpuHeadWeights] = hgf::getDevicePointer(b, op.getWeight());
  arguments[hgf::GpuHeadScales] = hgf::getDevicePointer(b, op.getScales());
  arguments[hgf::GpuHeadBias] = hgf::getDevicePointer(b, op.getBias());
  arguments[hgf::GpuHeadOutput] = y.pointer;
  arguments[hgf::GpuHeadOutputStride] = y.stride;
  arguments[hgf::GpuHeadTokens] = tokens;
  auto emit = [&](int64_t count) {
    key.tokens = count;
    launchOnTokens(b, hgf::getOrBuildHead(kernels.module(), key), tokens,
                   arguments);
  };
  auto one = [&] { emit(1); };
  auto several = [&] { emit(4); };
  hgf::chooseByTokens(b, tokens, {{1, one}}, several);
}

/// The launches of one hgf.linear.
class LayerLaunches {
public:
  LayerLaunches(hgf::LinearOp op, hgf::KernelModule &kernels, bool chipsPrefill)
      : op(op), kernels(kernels), b(op.getLoc(), op),
        key(hgf::getGpuLinearKey(op)),
        prefills(chipsPrefill && hgf::hasPrefill(key)) {
    if (!prefills)
      line.push_back(b.getNamedAttr(
          "gpu_prefill_missed",
          b.getStringAttr(
              !chipsPrefill   ? "a chip is older than sm_80"
              : key.isFloat() ? "its activations are floats"
              : key.gatesOutput()
                  ? "its gate reads the output"
                  : "its groups do not fit the steps of the matrices")));
  }

  /// Returns what the report says of the layer.
  SmallVector<NamedAttribute> emit(LLVM::GlobalOp weights) {
    Value blob = LLVM::AddrSpaceCastOp::create(
        b,
        LLVM::LLVMPointerType::get(
            b.getContext(),
            static_cast<unsigned>(NVVM::NVVMMemorySpace::Global)),
        LLVM::AddressOfOp::create(b, weights));
    tokens = hgf::countTokens(b, op.getX());
    checkTokens(b, tokens);
    hgf::TokenRows x = hgf::getTokenRows(b, op.getX());
    hgf::TokenRows y = hgf::getTokenRows(b, op.getInit());
    hgf::TokenRows residual = hgf::getTokenRows(b, op.getResidual());
    Value scratch = hgf::getDevicePointer(b, op.getScratch());
    if (hgf::needsPrologue(key)) {
      SmallVector<Value> arguments(hgf::prologueArgumentCount);
      arguments[hgf::PrologueInput] = x.pointer;
      arguments[hgf::PrologueInputStride] = x.stride;
      arguments[hgf::PrologueWeights] = blob;
      arguments[hgf::PrologueScratch] = scratch;
      hgf::GpuKernel prologue = hgf::getOrBuildPrologue(kernels.module(), key);
      launch(prologue, arguments);
      add("gpu_prologue", prologue);
    }
    SmallVector<Value> arguments(hgf::decodeArgumentCount);
    arguments[hgf::DecodeInput] = x.pointer;
    arguments[hgf::DecodeInputStride] = x.stride;
    arguments[hgf::DecodeWeights] = blob;
    arguments[hgf::DecodeScratch] = scratch;
    arguments[hgf::DecodeResidual] = residual.pointer;
    arguments[hgf::DecodeResidualStride] = residual.stride;
    arguments[hgf::DecodeOutput] = y.pointer;
    arguments[hgf::DecodeOutputStride] = y.stride;
    arguments[hgf::DecodeTokens] = tokens;
    auto decode = [&](int64_t count) {
      key.tokens = count;
      hgf::GpuKernel kernel = hgf::getOrBuildDecode(kernels.module(), key);
      launch(kernel, arguments);
      add("gpu_decode", kernel);
    };
    auto prefill = [&](int64_t count) {
      key.tokens = count;
      hgf::GpuKernel kernel = hgf::getOrBuildPrefill(kernels.module(), key);
      launch(kernel, arguments);
      add("gpu_prefill", kernel);
    };
    auto decode1 = [&] { decode(1); };
    auto decode2 = [&] { decode(2); };
    auto decode4 = [&] { decode(4); };
    auto decode8 = [&] { decode(8); };
    auto prefill16 = [&] { prefill(16); };
    auto prefill32 = [&] { prefill(32); };
    auto prefill64 = [&] { prefill(64); };
    SmallVector<hgf::TokenRange> ranges = {
        {1, decode1}, {2, decode2}, {4, decode4}};
    // From five tokens on dot products of bytes would take longer than reading
    // the weights; products of matrices take a third of the instructions.
    if (prefills)
      ranges.append({{16, prefill16}, {32, prefill32}});
    hgf::chooseByTokens(b, tokens, ranges,
                        prefills ? llvm::function_ref<void()>(prefill64)
                                 : llvm::function_ref<void()>(decode8));
    return line;
  }

private:
  /// The first kernel of each kind stands in the report: with an unknown number
  /// of tokens that for one.
  void add(StringRef name, hgf::GpuKernel kernel) {
    if (llvm::any_of(line, [&](NamedAttribute entry) {
          return entry.getName() == name;
        }))
      return;
    line.push_back(b.getNamedAttr(
        name,
        b.getDictionaryAttr(
            {b.getNamedAttr("kernel",
                            b.getStringAttr(kernel.function.getName())),
             b.getNamedAttr("blocks", b.getI64IntegerAttr(kernel.blocks)),
             b.getNamedAttr("threads", b.getI64IntegerAttr(kernel.threads)),
             b.getNamedAttr("tokens", b.getI64IntegerAttr(kernel.tokens))})));
  }

  void launch(const hgf::GpuKernel &kernel, ArrayRef<Value> arguments) {
    launchOnTokens(b, kernel, tokens, arguments);
  }

  hgf::LinearOp op;
  hgf::KernelModule &kernels;
  ImplicitLocOpBuilder b;
  hgf::GpuLinearKey key;
  /// There is a kernel for many tokens.
  bool prefills;
  Value tokens;
  SmallVector<NamedAttribute> line;
};

struct MapLayers : public hgf::impl::MapLayersBase<MapLayers> {
  using MapLayersBase::MapLayersBase;

  /// Adds `line` to the layer's line of the report, if it has one.
  void report(hgf::LinearOp op, ArrayRef<NamedAttribute> line) {
    auto number = op->getAttrOfType<IntegerAttr>("hgf.line");
    auto known = getOperation()->getAttrOfType<ArrayAttr>("hgf.report");
    if (!number || !known)
      return;
    SmallVector<Attribute> lines(known.getValue());
    NamedAttrList entries(cast<DictionaryAttr>(lines[number.getInt()]));
    for (NamedAttribute entry : line)
      entries.set(entry.getName(), entry.getValue());
    lines[number.getInt()] = entries.getDictionary(&getContext());
    getOperation()->setAttr("hgf.report", ArrayAttr::get(&getContext(), lines));
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<hgf::LinearOp> layers;
    module.walk([&](hgf::LinearOp op) { layers.push_back(op); });
    SmallVector<hgf::HeadOp> heads;
    module.walk([&](hgf::HeadOp op) { heads.push_back(op); });
    if (layers.empty() && heads.empty())
      return;
    hgf::KernelModule kernels(module);
    bool chipsPrefill =
        !chips.empty() && llvm::all_of(chips, [](const std::string &chip) {
          return hgf::hasPrefill(StringRef(chip));
        });
    for (hgf::LinearOp op : layers) {
      auto constant = op.getWeight().getDefiningOp<hgf::PackedConstantOp>();
      auto weights =
          constant ? module.lookupSymbol<LLVM::GlobalOp>(constant.getWeights())
                   : LLVM::GlobalOp();
      if (!weights || !op.getScratch()) {
        op.emitOpError(
            "expected weights that lower-weights has lowered, and scratch");
        return signalPassFailure();
      }
      report(op, LayerLaunches(op, kernels, chipsPrefill).emit(weights));
      op.erase();
      if (constant->use_empty())
        constant.erase();
    }
    for (hgf::HeadOp op : heads) {
      emitHead(op, kernels);
      op.erase();
    }
  }
};

} // namespace
