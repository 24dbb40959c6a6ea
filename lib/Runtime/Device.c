/*===- Device.c - Names of devices ----------------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Device.h"

#include <stddef.h>
#include <string.h>

enum { device_limit = 1024 };

static bool parse_number(const char *text, int32_t *number) {
  *number = 0;
  if (!*text)
    return false;
  for (; *text; ++text) {
    if (*text < '0' || *text > '9')
      return false;
    *number = *number * 10 + (*text - '0');
    if (*number >= device_limit)
      return false;
  }
  return true;
}

bool hgf_device_parse(const char *text, hgf_device *device) {
  static const char *const names[] = {[hgf_device_auto] = "auto",
                                      [hgf_device_gpu] = "gpu",
                                      [hgf_device_sim] = "sim",
                                      [hgf_device_cpu] = "cpu"};
  *device = (hgf_device){hgf_device_auto, 0};
  if (!text)
    return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
    if (strcmp(text, names[i]) == 0) {
      device->kind = (hgf_device_kind)i;
      return true;
    }
  device->kind = hgf_device_gpu;
  return strncmp(text, "gpu:", 4) == 0 &&
         parse_number(text + 4, &device->number);
}
