/*===- Machine.h - What the system says about itself --------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_MEASURE_MACHINE_H
#define HGF_LIB_MEASURE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the name of the processor, or of the board, and returns `name`. */
const char *hgf_machine_name(char *name, size_t size);

/* The same from the text of /proc/cpuinfo and of the device tree's model,
 * either of which may be empty. */
const char *hgf_format_machine(const char *cpuinfo, const char *model,
                               char *name, size_t size);

/* CPU seconds that all programs of the machine, and other machines on its
 * hardware, have used without this process; negative where unknown. */
double hgf_read_foreign_seconds(void);

/* Bytes of memory that programs can still have; negative where unknown. */
int64_t hgf_available_memory(void);

#ifdef __cplusplus
}
#endif

#endif
