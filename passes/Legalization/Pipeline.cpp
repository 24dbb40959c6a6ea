//===- Pipeline.cpp - The legalization phase ------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Legalization/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

void hgf::buildLegalizationPipeline(mlir::OpPassManager &manager,
                                    const PipelineOptions &options) {
  manager.addPass(createONNXInlineFunctions());
  // What recognition will have reduced to two bits each must not be copied.
  ONNXFoldConstantsOptions folding;
  folding.keepWeights = true;
  manager.addPass(createONNXFoldConstants(folding));
  RecogniseFunctionsOptions functions;
  functions.reportMissed = options.reportMissedTernary;
  manager.addPass(createRecogniseFunctions(functions));
  // Calls that were not recognised are graphs like any other.
  ONNXInlineFunctionsOptions everything;
  everything.keepLayers = false;
  manager.addPass(createONNXInlineFunctions(everything));
  manager.addPass(createONNXFoldConstants(folding));
  // Exporters repeat the activation quantizer for each of its readers.
  manager.addPass(mlir::createCSEPass());
  manager.addPass(createRecogniseNormsAndActivations());
  manager.addPass(createRecogniseLayerNorms());
  RecogniseTernaryOptions ternary;
  ternary.reportMissed = options.reportMissedTernary;
  manager.addPass(createRecogniseTernary(ternary));
  RecogniseCorrectionsOptions corrections;
  corrections.reportMissed = options.reportMissedTernary;
  manager.addPass(createRecogniseCorrections(corrections));
  manager.addPass(createRecogniseRotary());
  manager.addPass(createRecogniseAttention());
  // What is left of float products is no layer.
  RecogniseHeadsOptions heads;
  heads.storage = options.head;
  heads.reportMissed = options.reportMissedTernary;
  manager.addPass(createRecogniseHeads(heads));
  // Weights that nothing recognised.
  manager.addPass(createONNXFoldConstants());
  // Last: what was recognised before is no onnx.node any more.
  manager.addPass(createConvertONNXToLinalg());
}
