//===- Standalone.h - A program that measures elsewhere ---------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_STANDALONE_H
#define HGF_LIB_BENCH_STANDALONE_H

#include "Layers.h"
#include "Options.h"

#include "llvm/ADT/StringMap.h"

namespace hgf {

/// Gathers layers, ahead of time compiled, and joins them to one static
/// executable. lib/Measure has its other half.
class StandaloneWriter {
public:
  /// Temporary files lie in `folder`.
  StandaloneWriter(const BenchOptions &options, std::string folder)
      : options(options), folder(std::move(folder)) {}
  StandaloneWriter(const StandaloneWriter &) = delete;
  StandaloneWriter &operator=(const StandaloneWriter &) = delete;
  ~StandaloneWriter();

  /// Compiles `layer`, to be measured from `residencies`, beside `plain`, if
  /// that is given.
  mlir::LogicalResult add(const PackedLayer &layer, const PackedLayer *plain,
                          const CompileOptions &compile,
                          llvm::ArrayRef<llvm::StringRef> residencies);

  /// Writes the program that `options` name.
  mlir::LogicalResult write(mlir::MLIRContext &context,
                            const CompileOptions &compile);

private:
  /// lib/Measure/StandaloneTable.h: a row of the table.
  struct Row {
    std::string shape, gate, correction, scale, encoding, kernel, processor;
    std::string level;
    ModelSymbols symbols;
    size_t packed = 0;
    int64_t rows = 0, columns = 0, rank = 0;
    bool isFloat = false;
    int64_t residencies = 0;
    int64_t beside = -1;
  };

  /// The index of the layer's row, which is new where no row is the same.
  mlir::FailureOr<int64_t> findRow(const PackedLayer &layer,
                                   const CompileOptions &compile);
  /// Writes the object of the layer that `row` describes.
  mlir::LogicalResult compileLayer(const PackedLayer &layer,
                                   CompileOptions compile, const Row &row);
  /// The index of the layer's bytes; equal ones are held once.
  size_t findPacked(const PackedLayer &layer);
  /// Fills `module` with the table.
  void buildTable(llvm::Module &module) const;

  const BenchOptions &options;
  std::string folder;
  std::vector<Row> rows;
  llvm::StringMap<int64_t> known;
  std::vector<std::string> packed;
  std::vector<std::string> objects;
};

} // namespace hgf

#endif // HGF_LIB_BENCH_STANDALONE_H
