/*===- GpuDriver.c - Opens the NVIDIA driver, or the simulator ------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "GpuDriver.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char driver_library[] = "libcuda.so.1";
static const char simulator_library[] = "libhgf_gpusim.so";

typedef struct {
  const char *symbol;
  size_t offset; /* in hgf_driver */
} driver_function;

#define DRIVER_FUNCTION(name, symbol, parameters)                              \
  {#symbol, offsetof(hgf_driver, name)},
static const driver_function functions[] = {
    HGF_DRIVER_FUNCTIONS(DRIVER_FUNCTION)};
#undef DRIVER_FUNCTION
enum { function_count = sizeof functions / sizeof *functions };

/* One of each kind in a process, opened when first asked for. */
static pthread_mutex_t driver_lock = PTHREAD_MUTEX_INITIALIZER;
static hgf_driver drivers[2];
static bool driver_is_open[2];

/* Where an installed or built hgf-run finds the simulator: beside the runtime's
 * archives. False where there is none. */
static bool beside_program(char *path, size_t size) {
  char own[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  if (length <= 0)
    return false;
  own[length] = 0;
  char *slash = strrchr(own, '/');
  if (!slash)
    return false;
  slash[1] = 0;
  int written = snprintf(path, size, "%s../lib/hgf/%s", own, simulator_library);
  return written > 0 && (size_t)written < size && access(path, R_OK) == 0;
}

static void *open_simulator(char *error, size_t error_size) {
  const char *name = getenv("HGF_GPUSIM_LIBRARY");
  char path[PATH_MAX];
  if (!name || !name[0])
    name = beside_program(path, sizeof path) ? path : simulator_library;
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library)
    return library;
  const char *reason = dlerror();
  snprintf(error, error_size,
           "the simulated GPU needs %s of the compiler, which cannot be opened "
           "(%s); set HGF_GPUSIM_LIBRARY to its path",
           simulator_library, reason ? reason : name);
  return NULL;
}

static void *open_driver(char *error, size_t error_size) {
  void *library = dlopen(driver_library, RTLD_NOW | RTLD_LOCAL);
  if (library)
    return library;
  const char *reason = dlerror();
  snprintf(error, error_size,
           "the model needs an NVIDIA GPU, but the driver's library cannot be "
           "opened (%s): install the driver",
           reason ? reason : driver_library);
  return NULL;
}

static bool find_functions(void *library, bool simulator, hgf_driver *driver,
                           char *error, size_t error_size) {
  for (size_t i = 0; i < function_count; ++i) {
    void *function = dlsym(library, functions[i].symbol);
    if (!function) {
      snprintf(error, error_size,
               simulator ? "the simulator's library has no %s; take the one of "
                           "the compiler that made the model"
                         : "the NVIDIA driver has no %s; install one of CUDA "
                           "11.4 or newer",
               functions[i].symbol);
      return false;
    }
    /* Functions and data have addresses of one kind here, as dlsym says. */
    memcpy((char *)driver + functions[i].offset, &function, sizeof function);
  }
  return true;
}

const hgf_driver *hgf_driver_open(bool simulator, char *error,
                                  size_t error_size) {
  hgf_driver *driver = &drivers[simulator];
  pthread_mutex_lock(&driver_lock);
  if (!driver_is_open[simulator]) {
    void *library = simulator ? open_simulator(error, error_size)
                              : open_driver(error, error_size);
    if (library &&
        find_functions(library, simulator, driver, error, error_size))
      driver_is_open[simulator] = true;
    else if (library)
      dlclose(library);
  }
  bool is_open = driver_is_open[simulator];
  pthread_mutex_unlock(&driver_lock);
  return is_open ? driver : NULL;
}

const char *hgf_driver_text(const hgf_driver *driver, CUresult result,
                            char *text, size_t size) {
  const char *name = NULL, *sentence = NULL;
  if (driver->cuGetErrorName(result, &name) != CUDA_SUCCESS || !name)
    name = "an unknown error";
  if (driver->cuGetErrorString(result, &sentence) != CUDA_SUCCESS || !sentence)
    sentence = "the driver does not explain it";
  snprintf(text, size, "%s (%s)", name, sentence);
  return text;
}
