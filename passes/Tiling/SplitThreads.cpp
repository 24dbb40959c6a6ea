//===- SplitThreads.cpp - Large operations become parallel loops --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Tiling/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"

namespace hgf {
#define GEN_PASS_DEF_SPLITTHREADS
#include "hgf/Passes/Tiling/Passes.h.inc"
} // namespace hgf

using namespace mlir;

/// What a dynamic dimension is taken for: a short prompt.
static constexpr int64_t assumedSize = 16;

static int64_t getSize(int64_t size) {
  return ShapedType::isDynamic(size) ? assumedSize : size;
}

namespace {

struct SplitThreads : public hgf::impl::SplitThreadsBase<SplitThreads> {
  using SplitThreadsBase::SplitThreadsBase;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (!op->getParentOfType<scf::ForallOp>() && op.hasPureTensorSemantics())
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops)
      if (failed(split(op, rewriter)))
        return signalPassFailure();
  }

  LogicalResult split(linalg::LinalgOp op, IRRewriter &rewriter) {
    SmallVector<int64_t> sizes = op.getStaticLoopRanges();
    int64_t work = getBodyWork(op);
    for (int64_t size : sizes)
      work *= getSize(size);
    if (work < 2 * pieceWork)
      return success();
    // The outermost parallel loop that has enough iterations, so that pieces
    // stay contiguous.
    std::optional<unsigned> chosen;
    auto iterators = op.getIteratorTypesArray();
    for (unsigned loop = 0; loop < sizes.size(); ++loop) {
      if (iterators[loop] != utils::IteratorType::parallel ||
          (!ShapedType::isDynamic(sizes[loop]) && sizes[loop] < 4))
        continue;
      // A dynamic size may be 1, as when a token is decoded; a static one that
      // is large enough always helps.
      if (!chosen || (ShapedType::isDynamic(sizes[*chosen]) &&
                      !ShapedType::isDynamic(sizes[loop])))
        chosen = loop;
    }
    if (!chosen)
      return success();
    if (std::optional<unsigned> tokens = findTokens(op);
        tokens && work / assumedSize < 2 * pieceWork)
      chosen = tokens;
    int64_t workPerIteration =
        std::max<int64_t>(1, work / getSize(sizes[*chosen]));
    int64_t tile = llvm::divideCeil(pieceWork, workPerIteration);
    // Long runs of contiguous elements: whole vectors, few cache lines shared.
    AffineMap output = op.getIndexingMapsArray().back();
    if (output.getNumResults() &&
        output.getResults().back().isFunctionOfDim(*chosen))
      tile = llvm::alignTo(tile, 64);
    if (!ShapedType::isDynamic(sizes[*chosen]) && 2 * tile > sizes[*chosen])
      return success();
    SmallVector<OpFoldResult> tiles(sizes.size(), rewriter.getIndexAttr(0));
    tiles[*chosen] = rewriter.getIndexAttr(tile);
    scf::SCFTilingOptions options;
    options.setTileSizes(tiles);
    options.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
    rewriter.setInsertionPoint(op);
    auto tilingOp = dyn_cast<TilingInterface>(op.getOperation());
    if (!tilingOp)
      return success();
    FailureOr<scf::SCFTilingResult> tiled =
        scf::tileUsingSCF(rewriter, tilingOp, options);
    if (failed(tiled))
      return op.emitOpError("cannot be split over threads");
    rewriter.replaceOp(op, tiled->replacements);
    return success();
  }

  /// The only loop of unknown length, if it is parallel: if it has one
  /// iteration and the rest is not worth a fork, nothing forks.
  static std::optional<unsigned> findTokens(linalg::LinalgOp op) {
    std::optional<unsigned> found;
    for (auto [loop, size] : llvm::enumerate(op.getStaticLoopRanges())) {
      if (!ShapedType::isDynamic(size))
        continue;
      if (found ||
          op.getIteratorTypesArray()[loop] != utils::IteratorType::parallel)
        return std::nullopt;
      found = loop;
    }
    return found;
  }

  /// Cost of one step of the body, in additions.
  static int64_t getBodyWork(linalg::LinalgOp op) {
    int64_t work = 1;
    for (Operation &inner : op->getRegion(0).front())
      if (isa<math::MathDialect>(inner.getDialect()))
        work += 10;
    return work;
  }
};

} // namespace
