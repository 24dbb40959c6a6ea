/*===- GpuDriver.h - The functions of the NVIDIA driver -----------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|* The few of the driver's interface that the runtime uses, with the driver's *|
|* own names and numbers, so that no toolkit is needed. The simulator's       *|
|* library (lib/GpuSimDriver) defines the same functions.                     *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_GPUDRIVER_H
#define HGF_LIB_RUNTIME_GPUDRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses): the
 * driver's names; parameters and all. */
typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900
};

enum {
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,

  CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,

  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,

  CU_STREAM_NON_BLOCKING = 1,
  CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1,

  CU_MEMORYTYPE_HOST = 1,
  CU_MEMORYTYPE_DEVICE = 2
};

typedef struct CUDA_MEMCPY2D {
  size_t srcXInBytes, srcY;
  int srcMemoryType;
  const void *srcHost;
  CUdeviceptr srcDevice;
  void *srcArray;
  size_t srcPitch;
  size_t dstXInBytes, dstY;
  int dstMemoryType;
  void *dstHost;
  CUdeviceptr dstDevice;
  void *dstArray;
  size_t dstPitch;
  size_t WidthInBytes, Height;
} CUDA_MEMCPY2D;

/* FUNCTION(name, symbol, (parameters)). */
#define HGF_DRIVER_FUNCTIONS(FUNCTION)                                         \
  FUNCTION(cuGetErrorName, cuGetErrorName,                                     \
           (CUresult result, const char **text))                               \
  FUNCTION(cuGetErrorString, cuGetErrorString,                                 \
           (CUresult result, const char **text))                               \
  FUNCTION(cuInit, cuInit, (unsigned flags))                                   \
  FUNCTION(cuDeviceGetCount, cuDeviceGetCount, (int *count))                   \
  FUNCTION(cuDeviceGet, cuDeviceGet, (CUdevice * device, int number))          \
  FUNCTION(cuDeviceGetName, cuDeviceGetName,                                   \
           (char *name, int size, CUdevice device))                            \
  FUNCTION(cuDeviceGetAttribute, cuDeviceGetAttribute,                         \
           (int *value, int attribute, CUdevice device))                       \
  FUNCTION(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain,                 \
           (CUcontext * context, CUdevice device))                             \
  FUNCTION(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2,            \
           (CUdevice device))                                                  \
  FUNCTION(cuCtxPushCurrent, cuCtxPushCurrent_v2, (CUcontext context))         \
  FUNCTION(cuCtxPopCurrent, cuCtxPopCurrent_v2, (CUcontext * context))         \
  FUNCTION(cuModuleLoadDataEx, cuModuleLoadDataEx,                             \
           (CUmodule * module, const void *image, unsigned option_count,       \
            int *options, void **values))                                      \
  FUNCTION(cuModuleUnload, cuModuleUnload, (CUmodule module))                  \
  FUNCTION(cuModuleGetFunction, cuModuleGetFunction,                           \
           (CUfunction * function, CUmodule module, const char *name))         \
  FUNCTION(cuFuncGetAttribute, cuFuncGetAttribute,                             \
           (int *value, int attribute, CUfunction function))                   \
  FUNCTION(cuFuncSetAttribute, cuFuncSetAttribute,                             \
           (CUfunction function, int attribute, int value))                    \
  FUNCTION(cuMemAlloc, cuMemAlloc_v2, (CUdeviceptr * address, size_t bytes))   \
  FUNCTION(cuMemFree, cuMemFree_v2, (CUdeviceptr address))                     \
  FUNCTION(cuMemHostAlloc, cuMemHostAlloc,                                     \
           (void **address, size_t bytes, unsigned flags))                     \
  FUNCTION(cuMemFreeHost, cuMemFreeHost, (void *address))                      \
  FUNCTION(cuMemcpyHtoD, cuMemcpyHtoD_v2,                                      \
           (CUdeviceptr target, const void *source, size_t bytes))             \
  FUNCTION(                                                                    \
      cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2,                                 \
      (CUdeviceptr target, const void *source, size_t bytes, CUstream stream)) \
  FUNCTION(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2,                            \
           (void *target, CUdeviceptr source, size_t bytes, CUstream stream))  \
  FUNCTION(                                                                    \
      cuMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2,                                 \
      (CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream)) \
  FUNCTION(cuMemcpy2DAsync, cuMemcpy2DAsync_v2,                                \
           (const CUDA_MEMCPY2D *copy, CUstream stream))                       \
  FUNCTION(cuMemsetD8Async, cuMemsetD8Async,                                   \
           (CUdeviceptr target, unsigned char value, size_t bytes,             \
            CUstream stream))                                                  \
  FUNCTION(cuStreamCreate, cuStreamCreate,                                     \
           (CUstream * stream, unsigned flags))                                \
  FUNCTION(cuStreamDestroy, cuStreamDestroy_v2, (CUstream stream))             \
  FUNCTION(cuStreamSynchronize, cuStreamSynchronize, (CUstream stream))        \
  FUNCTION(cuStreamBeginCapture, cuStreamBeginCapture_v2,                      \
           (CUstream stream, int mode))                                        \
  FUNCTION(cuStreamEndCapture, cuStreamEndCapture,                             \
           (CUstream stream, CUgraph * graph))                                 \
  FUNCTION(                                                                    \
      cuGraphInstantiateWithFlags, cuGraphInstantiateWithFlags,                \
      (CUgraphExec * executable, CUgraph graph, unsigned long long flags))     \
  FUNCTION(cuGraphLaunch, cuGraphLaunch,                                       \
           (CUgraphExec executable, CUstream stream))                          \
  FUNCTION(cuGraphExecDestroy, cuGraphExecDestroy, (CUgraphExec executable))   \
  FUNCTION(cuGraphDestroy, cuGraphDestroy, (CUgraph graph))                    \
  FUNCTION(cuLaunchKernel, cuLaunchKernel,                                     \
           (CUfunction function, unsigned grid_x, unsigned grid_y,             \
            unsigned grid_z, unsigned block_x, unsigned block_y,               \
            unsigned block_z, unsigned shared_bytes, CUstream stream,          \
            void **parameters, void **extra))

/* A driver that is open; it stays so until the process ends. */
#define HGF_DRIVER_MEMBER(name, symbol, parameters) CUresult(*name) parameters;
typedef struct hgf_driver {
  HGF_DRIVER_FUNCTIONS(HGF_DRIVER_MEMBER)
} hgf_driver;
#undef HGF_DRIVER_MEMBER
/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses) */

/* The NVIDIA driver's, or the simulator's; NULL with a sentence. */
const hgf_driver *hgf_driver_open(bool simulator, char *error,
                                  size_t error_size);

/* "CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)". */
const char *hgf_driver_text(const hgf_driver *driver, CUresult result,
                            char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
