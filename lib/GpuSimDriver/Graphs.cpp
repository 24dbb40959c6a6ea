//===- Graphs.cpp - Streams and what is recorded of them ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Simulator.h"

using namespace hgf::gpusim;

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  Call call("cuStreamCreate");
  if (CUresult result = call.needContextOutsideOfRecording())
    return result;
  if (flags & ~static_cast<unsigned>(CU_STREAM_NON_BLOCKING))
    return CUDA_ERROR_INVALID_VALUE;
  *stream = new CUstream_st();
  return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  Call call("cuStreamDestroy_v2");
  if (CUresult result = call.needContext())
    return result;
  CUresult result = stream->finish();
  delete stream;
  return result;
}

CUresult cuStreamSynchronize(CUstream stream) {
  Call call("cuStreamSynchronize");
  if (CUresult result = call.needContext())
    return result;
  return stream->graph ? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
                       : stream->finish();
}

CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  Call call("cuStreamBeginCapture_v2");
  if (CUresult result = call.needContext())
    return result;
  if (stream->graph || mode != CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
    return CUDA_ERROR_INVALID_VALUE;
  stream->graph = std::make_unique<CUgraph_st>();
  ++recordingStreams;
  return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  Call call("cuStreamEndCapture");
  *graph = nullptr;
  if (!stream->graph)
    return CUDA_ERROR_INVALID_VALUE;
  *graph = stream->graph.release();
  --recordingStreams;
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph,
                                     unsigned long long flags) {
  Call call("cuGraphInstantiateWithFlags");
  if (CUresult result = call.needContext())
    return result;
  if (flags)
    return CUDA_ERROR_INVALID_VALUE;
  *executable = new CUgraphExec_st{graph->actions};
  return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  Call call("cuGraphLaunch");
  if (CUresult result = call.needContext())
    return result;
  return stream->add([actions = executable->actions]() {
    for (const Action &action : actions)
      if (CUresult result = action())
        return result;
    return static_cast<CUresult>(CUDA_SUCCESS);
  });
}

CUresult cuGraphExecDestroy(CUgraphExec executable) {
  Call call("cuGraphExecDestroy");
  delete executable;
  return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph graph) {
  Call call("cuGraphDestroy");
  delete graph;
  return CUDA_SUCCESS;
}
