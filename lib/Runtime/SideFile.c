/*===- SideFile.c - Weights outside of the model --------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  const void *address;
  char *path;
  size_t size;
} path_search;

/* dl_iterate_phdr callback: the file that holds an address. Works in static
 * executables too. */
static int find_file(struct dl_phdr_info *info, size_t size, void *opaque) {
  (void)size;
  path_search *search = opaque;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    uintptr_t begin = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type != PT_LOAD || (uintptr_t)search->address < begin ||
        (uintptr_t)search->address >= begin + segment->p_memsz)
      continue;
    /* The name of the program itself is empty. */
    if (info->dlpi_name && info->dlpi_name[0])
      snprintf(search->path, search->size, "%s", info->dlpi_name);
    return 1;
  }
  return 0;
}

/* The weights file stands beside the file that holds the model. */
static void default_path(const hgf_model_descriptor *model, char *path,
                         size_t size) {
  char own[PATH_MAX] = "";
  path_search search = {model, own, sizeof own};
  dl_iterate_phdr(find_file, &search);
  if (!own[0] && readlink("/proc/self/exe", own, sizeof own - 1) < 0)
    own[0] = 0;
  char *slash = strrchr(own, '/');
  if (slash)
    slash[1] = 0;
  else
    own[0] = 0;
  snprintf(path, size, "%s%s", own, model->weights->file_name);
}

static hgf_status explain(char *error, size_t error_size, const char *path,
                          const char *what) {
  snprintf(error, error_size,
           "weights file '%s' %s; put the file that was made with the model "
           "beside it",
           path, what);
  return HGF_ERROR_WEIGHTS;
}

/* Only advice for mapped weights, which touches no page of them. Weights that
 * are read front to back on small pages come a fifth slower, and file systems
 * that cannot help say so. The system reads them from the disk in long runs in
 * the background, before the first run asks for them, unless they may not fit
 * into memory. */
static void advise_weights(void *weights, size_t bytes) {
  (void)madvise(weights, bytes, MADV_HUGEPAGE);
  long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0 &&
      bytes / (size_t)page_bytes < (size_t)pages / 2)
    (void)madvise(weights, bytes, MADV_WILLNEED);
}

static hgf_status map_open_file(int file, const hgf_weights_descriptor *weights,
                                const char *path, void **result, char *error,
                                size_t error_size) {
  struct stat status;
  char what[160];
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
    return explain(error, error_size, path, "is not a regular file");
  int64_t expected = weights->byte_count + HGF_WEIGHTS_HEADER_BYTES;
  char header[HGF_WEIGHTS_HEADER_BYTES] = "";
  if (pread(file, header, sizeof header, 0) < (ssize_t)sizeof header ||
      memcmp(header, HGF_WEIGHTS_MAGIC, 8) != 0)
    return explain(error, error_size, path, "holds no weights");
  uint64_t checksum = 0;
  for (int i = 7; i >= 0; --i)
    checksum = checksum << 8 | (unsigned char)header[8 + i];
  if (checksum != weights->checksum)
    return explain(error, error_size, path, "belongs to another model");
  if (status.st_size != expected) {
    snprintf(what, sizeof what, "has %lld bytes where %lld are expected",
             (long long)status.st_size, (long long)expected);
    return explain(error, error_size, path, what);
  }
  void *mapping = mmap(NULL, (size_t)expected, PROT_READ, MAP_SHARED, file, 0);
  if (mapping == MAP_FAILED) {
    snprintf(what, sizeof what, "cannot be mapped (%s)", strerror(errno));
    return explain(error, error_size, path, what);
  }
  advise_weights(mapping, (size_t)expected);
  *result = mapping;
  return HGF_OK;
}

hgf_status hgf_map_weights(const hgf_model_descriptor *model,
                           const char *weights_path, void **mapping,
                           size_t *byte_count, char *error, size_t error_size) {
  char path[PATH_MAX + 256], what[160];
  if (weights_path)
    snprintf(path, sizeof path, "%s", weights_path);
  else
    default_path(model, path, sizeof path);
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    snprintf(what, sizeof what, "cannot be opened (%s)", strerror(errno));
    return explain(error, error_size, path, what);
  }
  hgf_status status =
      map_open_file(file, model->weights, path, mapping, error, error_size);
  *byte_count = (size_t)model->weights->byte_count + HGF_WEIGHTS_HEADER_BYTES;
  close(file);
  return status;
}

/* From here on a segment is read as a stream. */
enum { streamed_bytes = 4 << 20 };

/* dl_iterate_phdr callback: advises on large constants of the file that holds
 * an address, which are its embedded weights. */
static int advise_constants(struct dl_phdr_info *info, size_t size,
                            void *opaque) {
  (void)size;
  uintptr_t address = (uintptr_t)opaque;
  bool holds = false;
  for (int i = 0; i < info->dlpi_phnum && !holds; ++i) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    holds = segment->p_type == PT_LOAD &&
            address - (info->dlpi_addr + segment->p_vaddr) < segment->p_memsz;
  }
  for (int i = 0; i < info->dlpi_phnum && holds; ++i) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || segment->p_flags != PF_R ||
        segment->p_filesz < streamed_bytes)
      continue;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (info->dlpi_addr + segment->p_vaddr) / page * page;
    uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_filesz;
    advise_weights((void *)begin, end - begin);
  }
  return holds;
}

void hgf_advise_constants(const hgf_model_descriptor *model) {
  dl_iterate_phdr(advise_constants, (void *)(uintptr_t)model);
}
