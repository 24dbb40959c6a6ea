/*===- Machine.c - What the system says about itself ----------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Reads what fits of a small file. Empty where there is none. */
static void read_file(const char *path, char *text, size_t size) {
  size_t length = 0;
  FILE *file = fopen(path, "rb");
  if (file) {
    length = fread(text, 1, size - 1, file);
    fclose(file);
  }
  text[length] = 0;
}

/* The value of the first line at or behind `text` that begins with `key`; NULL
 * where there is none. */
static const char *find_value(const char *text, const char *key,
                              size_t *length) {
  size_t key_length = strlen(key);
  while (*text) {
    size_t line = strcspn(text, "\n");
    const char *colon = memchr(text, ':', line);
    if (strncmp(text, key, key_length) == 0 && colon) {
      const char *value = colon + 1;
      value += strspn(value, " \t");
      *length = value < text + line ? (size_t)(text + line - value) : 0;
      return value;
    }
    text += line + (text[line] == '\n');
  }
  return NULL;
}

const char *hgf_format_machine(const char *cpuinfo, const char *model,
                               char *name, size_t size) {
  size_t length;
  const char *value = find_value(cpuinfo, "model name", &length);
  if (value) {
    snprintf(name, size, "%.*s", (int)length, value);
    return name;
  }
  /* AArch64 has numbers, one pair for each kind of core. */
  char cores[256] = "";
  const char *rest = cpuinfo;
  while ((value = find_value(rest, "CPU implementer", &length))) {
    char maker[16], core[40];
    snprintf(maker, sizeof maker, "%.*s", (int)length, value);
    rest = value + length;
    value = find_value(rest, "CPU part", &length);
    if (!value)
      break;
    snprintf(core, sizeof core, "%s/%.*s", maker,
             (int)(length < 12 ? length : 12), value);
    rest = value + length;
    if (strstr(cores, core))
      continue;
    size_t used = strlen(cores);
    snprintf(cores + used, sizeof cores - used, "%s%s", used ? ", " : "", core);
  }
  if (*model && *cores)
    snprintf(name, size, "%s (CPU implementer/part %s)", model, cores);
  else if (*cores)
    snprintf(name, size, "CPU implementer/part %s", cores);
  else
    snprintf(name, size, "%s", *model ? model : "unknown");
  return name;
}

const char *hgf_machine_name(char *name, size_t size) {
  static char cpuinfo[1 << 17];
  char model[128];
  read_file("/proc/cpuinfo", cpuinfo, sizeof cpuinfo);
  read_file("/proc/device-tree/model", model, sizeof model);
  return hgf_format_machine(cpuinfo, model, name, size);
}

static double get_seconds(struct timeval time) {
  return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

double hgf_read_foreign_seconds(void) {
  char text[256];
  struct rusage own;
  read_file("/proc/stat", text, sizeof text);
  /* cpu user nice system idle iowait irq softirq steal ... */
  long long user, nice, system, irq, softirq, steal;
  if (getrusage(RUSAGE_SELF, &own) ||
      sscanf(text, "%*s %lld %lld %lld %*d %*d %lld %lld %lld", &user, &nice,
             &system, &irq, &softirq, &steal) != 6)
    return -1;
  long long ticks = user + nice + system + irq + softirq + steal;
  return (double)ticks / (double)sysconf(_SC_CLK_TCK) -
         get_seconds(own.ru_utime) - get_seconds(own.ru_stime);
}

int64_t hgf_available_memory(void) {
  char text[512];
  read_file("/proc/meminfo", text, sizeof text);
  size_t length;
  long long kilobytes;
  const char *value = find_value(text, "MemAvailable", &length);
  return value && sscanf(value, "%lld", &kilobytes) == 1 ? kilobytes * 1024
                                                         : -1;
}
