//===- Functions.cpp - The device, contexts, modules and launches ---------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Simulator.h"

using namespace hgf::gpusim;
using llvm::StringRef;

/// What a block may have without and with being allowed more, as on sm_90.
static constexpr int kPlainShared = 48 * 1024;
static constexpr int kMaximumShared = 227 * 1024;

//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

CUresult cuInit(unsigned flags) {
  Call call("cuInit");
  if (flags)
    return CUDA_ERROR_INVALID_VALUE;
  call.simulator.configure();
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  Call call("cuDeviceGetCount");
  *count = 1;
  return call.simulator.isInitialised ? CUDA_SUCCESS
                                      : CUDA_ERROR_NOT_INITIALIZED;
}

CUresult cuDeviceGet(CUdevice *device, int number) {
  Call call("cuDeviceGet");
  *device = 0;
  return number ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
  Call call("cuDeviceGetName");
  if (device || size <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  snprintf(name, static_cast<size_t>(size), "HGF PTX simulator");
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  Call call("cuDeviceGetAttribute");
  if (device)
    return CUDA_ERROR_INVALID_DEVICE;
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    *value = call.simulator.chip / 10;
    return CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    *value = call.simulator.chip % 10;
    return CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    *value = 1;
    return CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    *value = kMaximumShared;
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

static CUctx_st primaryContext;

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  Call call("cuDevicePrimaryCtxRetain");
  if (device)
    return CUDA_ERROR_INVALID_DEVICE;
  ++primaryContext.users;
  *context = &primaryContext;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  Call call("cuDevicePrimaryCtxRelease_v2");
  if (device || !primaryContext.users)
    return CUDA_ERROR_INVALID_CONTEXT;
  // The context's memory goes with its last user.
  if (--primaryContext.users == 0) {
    for (CUdeviceptr address : primaryContext.allocations)
      call.simulator.memory.release(address);
    primaryContext.allocations.clear();
  }
  return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
  Call call("cuCtxPushCurrent_v2");
  if (!context || !context->users)
    return CUDA_ERROR_INVALID_CONTEXT;
  contexts.push_back(context);
  return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  Call call("cuCtxPopCurrent_v2");
  if (contexts.empty())
    return CUDA_ERROR_INVALID_CONTEXT;
  *context = contexts.back();
  contexts.pop_back();
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

/// The number after ".target sm_"; 0 where there is none.
static int getTarget(StringRef ptx) {
  StringRef rest = ptx.split(".target").second.ltrim();
  int chip = 0;
  if (!rest.consume_front("sm_") || rest.consumeInteger(10, chip))
    return 0;
  return chip;
}

/// Writes to the caller's log of errors, if there is one.
static void writeLog(unsigned optionCount, const int *options, void **values,
                     StringRef text) {
  char *log = nullptr;
  size_t size = 0;
  for (unsigned i = 0; i < optionCount; ++i) {
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      log = static_cast<char *>(values[i]);
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
      size = reinterpret_cast<uintptr_t>(values[i]);
  }
  if (log && size)
    snprintf(log, size, "%s", text.str().c_str());
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                            unsigned optionCount, int *options, void **values) {
  Call call("cuModuleLoadDataEx");
  if (CUresult result = call.needContextOutsideOfRecording())
    return result;
  // Machine code, alone (ELF) or with others.
  static const unsigned char fatbin[] = {0x50, 0xed, 0x55, 0xba};
  if (!memcmp(image,
              "\x7f"
              "ELF",
              4) ||
      !memcmp(image, fatbin, sizeof fatbin))
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  StringRef ptx(static_cast<const char *>(image));
  int target = getTarget(ptx);
  if (target > call.simulator.chip) {
    writeLog(optionCount, options, values,
             "PTX for sm_" + std::to_string(target) + " on sm_" +
                 std::to_string(call.simulator.chip));
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  llvm::Expected<Module> parsed = Module::parse(call.simulator.memory, ptx);
  if (!parsed) {
    writeLog(optionCount, options, values, llvm::toString(parsed.takeError()));
    return CUDA_ERROR_INVALID_PTX;
  }
  *module = new CUmod_st{std::move(*parsed), {}};
  return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule module) {
  Call call("cuModuleUnload");
  if (CUresult result = call.needContextOutsideOfRecording())
    return result;
  delete module;
  return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module,
                             const char *name) {
  Call call("cuModuleGetFunction");
  llvm::Expected<Kernel> kernel = module->module.getKernel(name);
  if (!kernel) {
    llvm::consumeError(kernel.takeError());
    return CUDA_ERROR_NOT_FOUND;
  }
  int limit = kPlainShared - static_cast<int>(kernel->getStaticSharedBytes());
  module->functions.push_back(
      std::make_unique<CUfunc_st>(CUfunc_st{std::move(*kernel), limit}));
  *function = module->functions.back().get();
  return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction function) {
  Call call("cuFuncGetAttribute");
  if (attribute == CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES)
    *value = static_cast<int>(function->kernel.getStaticSharedBytes());
  else if (attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
    *value = function->dynamicSharedLimit;
  else
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  Call call("cuFuncSetAttribute");
  int staticBytes = static_cast<int>(function->kernel.getStaticSharedBytes());
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES ||
      value < 0 || value > kMaximumShared - staticBytes)
    return CUDA_ERROR_INVALID_VALUE;
  function->dynamicSharedLimit = value;
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY,
                        unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream stream,
                        void **parameters, void **extra) {
  Call call("cuLaunchKernel");
  if (CUresult result = call.needContext())
    return result;
  if (!stream || extra || gridY > 65535 || gridZ > 65535 ||
      static_cast<int64_t>(sharedBytes) > function->dynamicSharedLimit)
    return CUDA_ERROR_INVALID_VALUE;
  // The parameters are read now, whenever the kernel runs.
  std::vector<std::vector<uint8_t>> copies;
  for (uint32_t size : function->kernel.getParameterSizes()) {
    const auto *bytes = static_cast<const uint8_t *>(parameters[copies.size()]);
    copies.emplace_back(bytes, bytes + size);
  }
  Dimensions grid = {gridX, gridY, gridZ}, block = {blockX, blockY, blockZ};
  return stream->add([=, &simulator = call.simulator]() {
    std::vector<const void *> values;
    values.reserve(copies.size());
    for (const std::vector<uint8_t> &copy : copies)
      values.push_back(copy.data());
    Report report = function->kernel.launch(grid, block, sharedBytes, values,
                                            simulator.options);
    return simulator.report(report, function->kernel.getName(), grid, block,
                            sharedBytes);
  });
}
