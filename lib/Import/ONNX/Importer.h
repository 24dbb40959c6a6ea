//===- Importer.h - What the parts of the importer share --------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_IMPORT_ONNX_IMPORTER_H
#define HGF_LIB_IMPORT_ONNX_IMPORTER_H

#include "Model.h"
#include "hgf/Import/ONNX.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringMap.h"

namespace hgf::onnx {

/// What one import needs everywhere.
struct ImportContext {
  mlir::MLIRContext &context;
  const ONNXSource &source;
  const ONNXImportOptions &options;
  /// Where the file's errors are reported.
  mlir::Location location;

  mlir::InFlightDiagnostic error() const { return mlir::emitError(location); }
};

/// The element type of TensorProto.DataType `dataType`; null for strings and
/// for numbers that no version of ONNX up to IR 13 defines.
mlir::Type getElementType(mlir::MLIRContext &context, int32_t dataType);

/// Bits of one element in a file: 8 for bool, 2 and 4 for packed types.
unsigned getStoredBits(mlir::Type elementType);

/// The type of a value that the file describes by `info`: a ranked or unranked
/// tensor, or !onnx.unknown where it has no element type. `what` names the
/// value in errors.
mlir::FailureOr<mlir::Type> readType(const ImportContext &import,
                                     const ValueInfo &info,
                                     const llvm::Twine &what);

/// A constant as onnx.constant holds it.
struct StoredTensor {
  /// The logical type.
  mlir::RankedTensorType type;
  /// Of type `type`, or a flat `tensor<Bxi8>` where the elements are packed.
  mlir::ElementsAttr value;
};

/// Maps external data files, each once.
class ExternalFiles {
public:
  explicit ExternalFiles(const ImportContext &import) : import(import) {}

  struct Slice {
    llvm::StringRef bytes;
    std::shared_ptr<const void> owner;
    /// The bytes are mapped from a file and can be read from it again.
    bool isMapped = false;
  };

  /// The bytes that `tensor`'s external_data entries describe. `length` is what
  /// the tensor's type needs.
  mlir::FailureOr<Slice> read(const Tensor &tensor, uint64_t length,
                              const llvm::Twine &what);

private:
  mlir::FailureOr<Slice> map(llvm::StringRef location, const llvm::Twine &what);

  const ImportContext &import;
  llvm::StringMap<Slice> files;
};

/// Reads TensorProtos.
class TensorReader {
public:
  explicit TensorReader(const ImportContext &import)
      : import(import), externalFiles(import) {}

  /// `what` names the tensor in errors, e.g. "initializer 'w'".
  mlir::FailureOr<StoredTensor> read(const Tensor &tensor,
                                     const llvm::Twine &what);

  /// As an attribute of a node: elements of two and four bits are unpacked, as
  /// builtin elements attributes hold them.
  mlir::FailureOr<mlir::ElementsAttr> readAttribute(const Tensor &tensor,
                                                    const llvm::Twine &what);

private:
  mlir::FailureOr<mlir::RankedTensorType>
  readShape(const Tensor &tensor, const llvm::Twine &what, uint64_t &byteCount);
  mlir::FailureOr<StoredTensor> store(mlir::RankedTensorType type,
                                      llvm::StringRef name,
                                      ExternalFiles::Slice slice);
  mlir::LogicalResult readTyped(const Tensor &tensor,
                                mlir::RankedTensorType type, uint64_t byteCount,
                                const llvm::Twine &what,
                                ExternalFiles::Slice &slice);

  const ImportContext &import;
  ExternalFiles externalFiles;
};

/// Builds the module of `model`.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
buildModule(const ImportContext &import, const Model &model);

} // namespace hgf::onnx

#endif // HGF_LIB_IMPORT_ONNX_IMPORTER_H
