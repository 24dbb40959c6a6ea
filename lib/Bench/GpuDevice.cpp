//===- GpuDevice.cpp - A GPU to measure on --------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuDevice.h"

#include <chrono>
#include <cstring>

using namespace hgf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static Error makeError(const Twine &sentence) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), sentence);
}

Error GpuDevice::check(CUresult result, StringRef task) const {
  if (result == CUDA_SUCCESS)
    return Error::success();
  char text[256];
  return makeError("the GPU cannot " + task + ": " +
                   hgf_driver_text(&driver, result, text, sizeof(text)));
}

Expected<std::unique_ptr<GpuDevice>> GpuDevice::open(bool simulated,
                                                     int number) {
  char error[512] = "";
  const hgf_driver *driver = hgf_driver_open(simulated, error, sizeof(error));
  if (!driver) {
    // There is no model here.
    StringRef text = error;
    text.consume_front("the model needs an NVIDIA GPU, but ");
    return makeError("expected an NVIDIA GPU but " + text);
  }
  std::unique_ptr<GpuDevice> device(new GpuDevice(*driver));
  if (Error problem = device->start(number))
    return std::move(problem);
  return std::move(device);
}

Error GpuDevice::start(int number) {
  if (Error error = check(driver.cuInit(0), "be used"))
    return error;
  int count = 0;
  if (Error error = check(driver.cuDeviceGetCount(&count), "be counted"))
    return error;
  if (number >= count)
    return makeError("expected --device to name one of " + Twine(count) +
                     " GPUs, counted from 0, but got " + Twine(number));
  if (Error error = check(driver.cuDeviceGet(&device, number), "be found"))
    return error;
  char text[256] = "";
  int major = 0, minor = 0;
  if (Error error =
          check(driver.cuDeviceGetName(text, sizeof(text), device), "be named"))
    return error;
  name = text;
  for (auto [attribute, value] :
       {std::make_pair(int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                       &major),
        std::make_pair(int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
                       &minor)})
    if (Error error =
            check(driver.cuDeviceGetAttribute(value, attribute, device),
                  "say what it can do"))
      return error;
  for (const Chip &row : getChips())
    if (row.capability <= 10 * major + minor)
      chip = &row;
  if (!chip)
    return makeError("expected a GPU of compute capability 7.5 or newer but " +
                     name + " has " + Twine(major) + "." + Twine(minor));
  CUcontext retained = nullptr;
  if (Error error = check(driver.cuDevicePrimaryCtxRetain(&retained, device),
                          "be opened"))
    return error;
  context = retained;
  if (Error error = check(driver.cuCtxPushCurrent(context), "be chosen"))
    return error;
  return check(driver.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING),
               "make a stream");
}

GpuDevice::~GpuDevice() {
  for (CUgraphExec graph : graphs)
    driver.cuGraphExecDestroy(graph);
  for (CUmodule module : modules)
    driver.cuModuleUnload(module);
  for (CUdeviceptr buffer : buffers)
    driver.cuMemFree(buffer);
  if (stream)
    driver.cuStreamDestroy(stream);
  if (!context)
    return;
  CUcontext popped = nullptr;
  driver.cuCtxPopCurrent(&popped);
  driver.cuDevicePrimaryCtxRelease(device);
}

Expected<CUdeviceptr> GpuDevice::allocate(uint64_t bytes, uint8_t fill) {
  CUdeviceptr buffer = 0;
  CUresult result = driver.cuMemAlloc(&buffer, bytes);
  if (result == CUDA_ERROR_OUT_OF_MEMORY)
    return 0;
  if (Error error = check(result, "reserve memory"))
    return std::move(error);
  buffers.push_back(buffer);
  if (Error error = check(driver.cuMemsetD8Async(buffer, fill, bytes, stream),
                          "fill memory"))
    return std::move(error);
  if (Error error = check(driver.cuStreamSynchronize(stream), "fill memory"))
    return std::move(error);
  return buffer;
}

Expected<CUmodule> GpuDevice::load(const std::string &ptx) {
  char log[4096] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  // Numbers stand in place of pointers.
  size_t size = sizeof(log);
  void *values[2] = {log};
  memcpy(&values[1], &size, sizeof(size));
  CUmodule module = nullptr;
  if (Error error = check(
          driver.cuModuleLoadDataEx(&module, ptx.c_str(), 2, options, values),
          "load the kernels")) {
    StringRef said = StringRef(log, strnlen(log, sizeof(log))).trim();
    if (said.empty())
      return std::move(error);
    return makeError(llvm::toString(std::move(error)) + ": " + said);
  }
  modules.push_back(module);
  return module;
}

Expected<CUfunction> GpuDevice::find(CUmodule module,
                                     const std::string &kernel) {
  CUfunction function = nullptr;
  if (Error error =
          check(driver.cuModuleGetFunction(&function, module, kernel.c_str()),
                "find the kernel " + kernel))
    return std::move(error);
  return function;
}

Error GpuDevice::launch(CUfunction kernel, unsigned gridX, unsigned gridY,
                        unsigned threads, llvm::ArrayRef<void *> arguments) {
  return check(
      driver.cuLaunchKernel(kernel, gridX, gridY, 1, threads, 1, 1, 0, stream,
                            const_cast<void **>(arguments.data()), nullptr),
      "launch a kernel");
}

Expected<CUgraphExec> GpuDevice::record(llvm::function_ref<Error()> launches) {
  if (Error error = check(driver.cuStreamBeginCapture(
                              stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                          "record launches"))
    return std::move(error);
  Error problem = launches();
  CUgraph graph = nullptr;
  Error end =
      check(driver.cuStreamEndCapture(stream, &graph), "record launches");
  if (problem) {
    llvm::consumeError(std::move(end));
    return std::move(problem);
  }
  if (end)
    return std::move(end);
  CUgraphExec executable = nullptr;
  Error made = check(driver.cuGraphInstantiateWithFlags(&executable, graph, 0),
                     "prepare what was recorded");
  driver.cuGraphDestroy(graph);
  if (made)
    return std::move(made);
  graphs.push_back(executable);
  return executable;
}

Expected<double> GpuDevice::time(CUgraphExec graph, int64_t repeats) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin = Clock::now();
  for (int64_t repeat = 0; repeat < repeats; ++repeat)
    if (Error error = check(driver.cuGraphLaunch(graph, stream), "run"))
      return std::move(error);
  if (Error error = check(driver.cuStreamSynchronize(stream), "run"))
    return std::move(error);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}
