/*===- ArrayFiles.c - Tensors from and to files and folders ---------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Arrays.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_suffix(const char *text, const char *suffix) {
  size_t length = strlen(text), suffix_length = strlen(suffix);
  return length >= suffix_length &&
         strcmp(text + length - suffix_length, suffix) == 0;
}

/* Adds the path in front of a sentence. */
static bool explain(hgf_problem *problem, const char *path) {
  hgf_problem inner = *problem;
  return hgf_problem_set(problem, "'%.200s': %.300s", path, inner.text);
}

/*===----------------------------------------------------------------------===*
 * Reading
 *===----------------------------------------------------------------------===*/

/* The whole of a regular file; free() it. */
static bool read_file(const char *path, unsigned char **bytes, size_t *size,
                      hgf_problem *problem) {
  *bytes = NULL;
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {
    hgf_problem_set(problem, "cannot open '%.200s': %s", path, strerror(errno));
    if (file >= 0)
      close(file);
    return false;
  }
  bool done = false;
  if (!S_ISREG(status.st_mode)) {
    hgf_problem_set(problem, "'%.200s' is not a regular file", path);
  } else if (!(*bytes = malloc((size_t)status.st_size + 1))) {
    hgf_problem_set(problem, "no memory for '%.200s'", path);
  } else {
    size_t filled = 0;
    ssize_t count = 1;
    while (filled < (size_t)status.st_size && count > 0) {
      count = read(file, *bytes + filled, (size_t)status.st_size - filled);
      if (count > 0)
        filled += (size_t)count;
      else if (count < 0 && errno == EINTR)
        count = 1;
    }
    *size = filled;
    done = count >= 0;
    if (!done)
      hgf_problem_set(problem, "cannot read '%.200s': %s", path,
                      strerror(errno));
  }
  close(file);
  if (!done) {
    free(*bytes);
    *bytes = NULL;
  }
  return done;
}

bool hgf_npz_read(const unsigned char *bytes, size_t size, hgf_array_list *list,
                  hgf_problem *problem) {
  hgf_zip zip;
  hgf_zip_entry entry;
  if (!hgf_zip_open(bytes, size, &zip, problem))
    return false;
  while (zip.remaining) {
    if (!hgf_zip_next(&zip, &entry, problem))
      return false;
    size_t length = entry.name_size;
    if (length < 4 || memcmp(entry.name + length - 4, ".npy", 4) != 0)
      return hgf_problem_set(problem, "entry '%.*s' is not a .npy array",
                             length < 100 ? (int)length : 100, entry.name);
    hgf_array *array = hgf_array_list_add(list);
    if (!array || !(array->stem = strndup(entry.name, length - 4)))
      return hgf_problem_set(problem, "out of memory");
    if (!hgf_npy_read(entry.data, entry.size, array, problem))
      return explain(problem, array->stem);
  }
  return true;
}

static bool load_npz(const char *path, hgf_array_list *list,
                     hgf_problem *problem) {
  unsigned char *bytes;
  size_t size;
  if (!read_file(path, &bytes, &size, problem))
    return false;
  bool done =
      hgf_npz_read(bytes, size, list, problem) || explain(problem, path);
  free(bytes);
  return done;
}

static bool load_file_of_folder(const char *folder, const char *name,
                                hgf_array_list *list, hgf_problem *problem) {
  bool is_npy = has_suffix(name, ".npy");
  if (!is_npy && !has_suffix(name, ".pb"))
    return true;
  char path[PATH_MAX + NAME_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  unsigned char *bytes;
  size_t size;
  if (!read_file(path, &bytes, &size, problem))
    return false;
  hgf_array *array = hgf_array_list_add(list);
  bool done =
      array &&
      (array->stem = strndup(name, strlen(name) - (is_npy ? 4 : 3))) != NULL;
  if (!done)
    hgf_problem_set(problem, "out of memory");
  else if (is_npy)
    done = hgf_npy_read(bytes, size, array, problem) || explain(problem, path);
  else
    done = hgf_tensor_proto_read(bytes, size, array, problem) ||
           explain(problem, path);
  free(bytes);
  return done;
}

bool hgf_arrays_load(const char *path, hgf_array_list *list,
                     hgf_problem *problem) {
  struct stat status;
  if (stat(path, &status) != 0)
    return hgf_problem_set(problem, "cannot open '%.200s': %s", path,
                           strerror(errno));
  if (!S_ISDIR(status.st_mode))
    return load_npz(path, list, problem);
  struct dirent **entries;
  int count = scandir(path, &entries, NULL, alphasort);
  if (count < 0)
    return hgf_problem_set(problem, "cannot read folder '%.200s': %s", path,
                           strerror(errno));
  bool done = true;
  for (int i = 0; i < count; ++i) {
    done = done && load_file_of_folder(path, entries[i]->d_name, list, problem);
    free(entries[i]);
  }
  free(entries);
  if (done && list->count == 0)
    return hgf_problem_set(problem, "folder '%.200s' has no .npy or .pb files",
                           path);
  return done;
}

/*===----------------------------------------------------------------------===*
 * Writing
 *===----------------------------------------------------------------------===*/

/* What file names cannot have, or what would leave the folder. */
static char file_character(char character, bool first) {
  return character == '/' || (first && character == '.') ? '_' : character;
}

bool hgf_stem_matches(const char *stem, const char *name) {
  size_t i = 0;
  while (name[i] && stem[i] == file_character(name[i], i == 0))
    ++i;
  return name[i] == 0 && stem[i] == 0;
}

static bool finish_file(FILE *file, const char *path, bool done,
                        hgf_problem *problem) {
  if (fclose(file) != 0 && done)
    done = hgf_problem_set(problem, "cannot write '%.200s': %s", path,
                           strerror(errno));
  if (!done)
    unlink(path);
  return done;
}

static bool save_npz(const char *path, const hgf_named_data *items,
                     size_t count, hgf_problem *problem) {
  FILE *file = fopen(path, "wb");
  if (!file)
    return hgf_problem_set(problem, "cannot write '%.200s': %s", path,
                           strerror(errno));
  hgf_zip_writer writer = {.file = file};
  bool done = true;
  for (size_t i = 0; done && i < count; ++i) {
    const hgf_named_data *item = &items[i];
    unsigned char header[hgf_npy_header_limit];
    size_t name_size = strlen(item->name) + sizeof ".npy";
    char *name = malloc(name_size);
    if (!name) {
      done = hgf_problem_set(problem, "out of memory");
      break;
    }
    snprintf(name, name_size, "%s.npy", item->name);
    size_t head = hgf_npy_header(item->dtype, item->rank, item->dims, header);
    hgf_zip_piece piece = {name, header, head, item->data, item->byte_count};
    done = hgf_zip_add(&writer, &piece, problem) || explain(problem, path);
    free(name);
  }
  done = done && (hgf_zip_finish(&writer, problem) || explain(problem, path));
  hgf_zip_writer_free(&writer);
  return finish_file(file, path, done, problem);
}

static bool save_npy(const char *folder, const hgf_named_data *item,
                     size_t index, hgf_problem *problem) {
  char stem[NAME_MAX - 3], path[PATH_MAX + NAME_MAX];
  snprintf(stem, sizeof stem, "%s", item->name);
  for (size_t i = 0; stem[i]; ++i)
    stem[i] = file_character(stem[i], i == 0);
  if (stem[0])
    snprintf(path, sizeof path, "%s/%s.npy", folder, stem);
  else
    snprintf(path, sizeof path, "%s/output_%zu.npy", folder, index);
  FILE *file = fopen(path, "wb");
  if (!file)
    return hgf_problem_set(problem, "cannot write '%.200s': %s", path,
                           strerror(errno));
  unsigned char header[hgf_npy_header_limit];
  size_t head = hgf_npy_header(item->dtype, item->rank, item->dims, header);
  bool done = fwrite(header, 1, head, file) == head &&
              (item->byte_count == 0 || fwrite(item->data, 1, item->byte_count,
                                               file) == item->byte_count);
  if (!done)
    hgf_problem_set(problem, "cannot write '%.200s': %s", path,
                    strerror(errno));
  return finish_file(file, path, done, problem);
}

bool hgf_arrays_save(const char *path, const hgf_named_data *items,
                     size_t count, hgf_problem *problem) {
  if (has_suffix(path, ".npz"))
    return save_npz(path, items, count, problem);
  if (mkdir(path, 0777) != 0 && errno != EEXIST)
    return hgf_problem_set(problem, "cannot make folder '%.200s': %s", path,
                           strerror(errno));
  for (size_t i = 0; i < count; ++i)
    if (!save_npy(path, &items[i], i, problem))
      return false;
  return true;
}
