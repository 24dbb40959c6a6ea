/*===- Device.h - Names of devices --------------------------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_DEVICE_H
#define HGF_LIB_RUNTIME_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum hgf_device_kind {
  hgf_device_auto = 0,
  hgf_device_gpu = 1,
  hgf_device_sim = 2,
  hgf_device_cpu = 3
} hgf_device_kind;

typedef struct hgf_device {
  hgf_device_kind kind;
  int32_t number; /* of a GPU */
} hgf_device;

/* Reads hgf_session_options.device; false where it names no device. */
bool hgf_device_parse(const char *text, hgf_device *device);

#endif
