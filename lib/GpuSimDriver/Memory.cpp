//===- Memory.cpp - Memory and copies -------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Simulator.h"
#include <cstdlib>

using namespace hgf::gpusim;

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  Call call("cuMemAlloc_v2");
  if (CUresult result = call.needContextOutsideOfRecording())
    return result;
  if (!bytes)
    return CUDA_ERROR_INVALID_VALUE;
  *address = call.simulator.memory.allocate(bytes);
  if (!*address)
    return CUDA_ERROR_OUT_OF_MEMORY;
  contexts.back()->allocations.insert(*address);
  return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  Call call("cuMemFree_v2");
  if (CUresult result = call.needContextOutsideOfRecording())
    return result;
  if (!contexts.back()->allocations.erase(address))
    return CUDA_ERROR_INVALID_VALUE;
  call.simulator.memory.release(address);
  return CUDA_SUCCESS;
}

CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
  Call call("cuMemHostAlloc");
  if (CUresult result = call.needContextOutsideOfRecording())
    return result;
  if (!bytes || flags)
    return CUDA_ERROR_INVALID_VALUE;
  *address = malloc(bytes);
  if (!*address)
    return CUDA_ERROR_OUT_OF_MEMORY;
  call.simulator.hostMemory[static_cast<char *>(*address)] = bytes;
  return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *address) {
  Call call("cuMemFreeHost");
  if (CUresult result = call.needContextOutsideOfRecording())
    return result;
  if (!call.simulator.hostMemory.erase(static_cast<char *>(address)))
    return CUDA_ERROR_INVALID_VALUE;
  free(address);
  return CUDA_SUCCESS;
}

static CUresult getResult(bool done) {
  return done ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/// From device to device: what nobody has written stays so.
static CUresult copyWithin(DeviceMemory &memory, CUdeviceptr target,
                           CUdeviceptr source, size_t bytes) {
  return getResult(memory.copy(target, source, bytes));
}

/// What touches memory of the host that is not pinned is done at once.
static CUresult settle(const Call &call, CUstream stream, const void *host,
                       CUresult result) {
  if (result != CUDA_SUCCESS || call.simulator.isPinned(host))
    return result;
  return stream->graph ? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
                       : stream->finish();
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr target, const void *source, size_t bytes) {
  Call call("cuMemcpyHtoD_v2");
  if (CUresult result = call.needContextOutsideOfRecording())
    return result;
  return getResult(call.simulator.memory.write(target, source, bytes));
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void *source,
                              size_t bytes, CUstream stream) {
  Call call("cuMemcpyHtoDAsync_v2");
  if (CUresult result = call.needContext())
    return result;
  DeviceMemory &memory = call.simulator.memory;
  // Only pinned memory is read later.
  if (call.simulator.isPinned(source))
    return stream->add([=, &memory]() {
      return getResult(memory.write(target, source, bytes));
    });
  if (stream->graph)
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  const char *begin = static_cast<const char *>(source);
  return stream->add(
      [=, &memory, copy = std::vector<char>(begin, begin + bytes)]() {
        return getResult(memory.write(target, copy.data(), bytes));
      });
}

CUresult cuMemcpyDtoHAsync_v2(void *target, CUdeviceptr source, size_t bytes,
                              CUstream stream) {
  Call call("cuMemcpyDtoHAsync_v2");
  if (CUresult result = call.needContext())
    return result;
  CUresult result = stream->add([=, &memory = call.simulator.memory]() {
    return getResult(memory.read(source, target, bytes));
  });
  return settle(call, stream, target, result);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source,
                              size_t bytes, CUstream stream) {
  Call call("cuMemcpyDtoDAsync_v2");
  if (CUresult result = call.needContext())
    return result;
  return stream->add([=, &memory = call.simulator.memory]() {
    return copyWithin(memory, target, source, bytes);
  });
}

/// One row of a two-dimensional copy.
static CUresult copyRow(DeviceMemory &memory, const CUDA_MEMCPY2D &copy,
                        size_t row) {
  size_t source = (copy.srcY + row) * copy.srcPitch + copy.srcXInBytes;
  size_t target = (copy.dstY + row) * copy.dstPitch + copy.dstXInBytes;
  bool fromHost = copy.srcMemoryType == CU_MEMORYTYPE_HOST;
  bool toHost = copy.dstMemoryType == CU_MEMORYTYPE_HOST;
  const char *hostSource = static_cast<const char *>(copy.srcHost) + source;
  char *hostTarget = static_cast<char *>(copy.dstHost) + target;
  size_t bytes = copy.WidthInBytes;
  if (fromHost && toHost)
    return CUDA_ERROR_INVALID_VALUE;
  if (fromHost)
    return getResult(memory.write(copy.dstDevice + target, hostSource, bytes));
  if (toHost)
    return getResult(memory.read(copy.srcDevice + source, hostTarget, bytes));
  return copyWithin(memory, copy.dstDevice + target, copy.srcDevice + source,
                    bytes);
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, CUstream stream) {
  Call call("cuMemcpy2DAsync_v2");
  if (CUresult result = call.needContext())
    return result;
  if (copy->srcPitch < copy->WidthInBytes ||
      copy->dstPitch < copy->WidthInBytes)
    return CUDA_ERROR_INVALID_VALUE;
  auto action = [copy = *copy, &memory = call.simulator.memory]() {
    for (size_t row = 0; row < copy.Height; ++row)
      if (CUresult result = copyRow(memory, copy, row))
        return result;
    return static_cast<CUresult>(CUDA_SUCCESS);
  };
  CUresult result = stream->add(action);
  if (copy->srcMemoryType == CU_MEMORYTYPE_HOST)
    return settle(call, stream, copy->srcHost, result);
  if (copy->dstMemoryType == CU_MEMORYTYPE_HOST)
    return settle(call, stream, copy->dstHost, result);
  return result;
}

CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t bytes,
                         CUstream stream) {
  Call call("cuMemsetD8Async");
  if (CUresult result = call.needContext())
    return result;
  return stream->add([=, &memory = call.simulator.memory]() {
    return getResult(memory.fill(target, value, bytes));
  });
}
