/*===- ZipFile.c - Archives of stored entries -----------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Arrays.h"

#include <stdlib.h>
#include <string.h>

enum {
  end_size = 22,     /* end of central directory record */
  central_size = 46, /* entry of the central directory */
  local_size = 30,   /* header before an entry's data */
  comment_limit = 65535,
  encrypted_flag = 1
};
#define END_SIGNATURE 0x06054b50u
#define CENTRAL_SIGNATURE 0x02014b50u
#define LOCAL_SIGNATURE 0x04034b50u
/* In place of a size or offset: the real one is in a zip64 record. */
#define ZIP64_MARK 0xffffffffu

static uint32_t get16(const unsigned char *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t get32(const unsigned char *bytes) {
  return get16(bytes) | get16(bytes + 2) << 16;
}

static void put16(unsigned char *bytes, size_t value) {
  bytes[0] = (unsigned char)value;
  bytes[1] = (unsigned char)(value >> 8);
}

static void put32(unsigned char *bytes, uint64_t value) {
  put16(bytes, value & 0xffff);
  put16(bytes + 2, value >> 16);
}

typedef struct {
  uint32_t values[256];
} crc_table;

static void make_crc_table(crc_table *table) {
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
    table->values[i] = value;
  }
}

static uint32_t add_crc(const crc_table *table, uint32_t crc, const void *data,
                        size_t size) {
  const unsigned char *bytes = data;
  crc = ~crc;
  for (size_t i = 0; i < size; ++i)
    crc = crc >> 8 ^ table->values[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

/*===----------------------------------------------------------------------===*
 * Reading
 *===----------------------------------------------------------------------===*/

static bool zip64_problem(hgf_problem *problem) {
  return hgf_problem_set(problem, "archives of 4 GB or more (zip64) are not "
                                  "supported: use a folder of .npy files");
}

bool hgf_zip_open(const unsigned char *bytes, size_t size, hgf_zip *zip,
                  hgf_problem *problem) {
  if (size < end_size ||
      (get32(bytes) != LOCAL_SIGNATURE && get32(bytes) != END_SIGNATURE))
    return hgf_problem_set(problem, "this is not an .npz file");
  size_t lowest =
      size - end_size > comment_limit ? size - end_size - comment_limit : 0;
  for (size_t at = size - end_size + 1; at-- > lowest;) {
    const unsigned char *end = bytes + at;
    if (get32(end) != END_SIGNATURE || get16(end + 20) != size - at - end_size)
      continue;
    size_t directory_size = get32(end + 12), directory = get32(end + 16);
    if (directory == ZIP64_MARK || directory_size == ZIP64_MARK ||
        get16(end + 10) == 0xffff)
      return zip64_problem(problem);
    if (get16(end + 4) != 0 || get16(end + 8) != get16(end + 10) ||
        directory > at || directory_size > at - directory)
      return hgf_problem_set(problem, "the archive's directory is damaged");
    *zip = (hgf_zip){bytes, directory + directory_size, directory,
                     get16(end + 10), directory};
    return true;
  }
  return hgf_problem_set(problem, "the archive is truncated");
}

bool hgf_zip_next(hgf_zip *zip, hgf_zip_entry *entry, hgf_problem *problem) {
  const unsigned char *central = zip->bytes + zip->position;
  size_t available = zip->size - zip->position;
  if (available < central_size || get32(central) != CENTRAL_SIGNATURE)
    return hgf_problem_set(problem, "the archive's directory is damaged");
  size_t name_size = get16(central + 28);
  size_t record =
      central_size + name_size + get16(central + 30) + get16(central + 32);
  if (record > available)
    return hgf_problem_set(problem, "the archive's directory is damaged");
  zip->position += record;
  --zip->remaining;
  entry->name = (const char *)central + central_size;
  entry->name_size = name_size;
  int shown = name_size < 100 ? (int)name_size : 100;
  uint32_t stored = get32(central + 20), size = get32(central + 24);
  size_t local = get32(central + 42);
  if (stored == ZIP64_MARK || size == ZIP64_MARK || local == ZIP64_MARK)
    return zip64_problem(problem);
  if (get16(central + 8) & encrypted_flag)
    return hgf_problem_set(problem, "entry '%.*s' is encrypted", shown,
                           entry->name);
  if (get16(central + 10) != 0)
    return hgf_problem_set(problem,
                           "entry '%.*s' is compressed: write the file with "
                           "numpy.savez, not savez_compressed",
                           shown, entry->name);
  /* Data lies before the directory, and every byte belongs to one entry only,
   * so that a small file cannot ask for much memory. */
  if (stored != size || local > zip->size || zip->size - local < local_size ||
      get32(zip->bytes + local) != LOCAL_SIGNATURE || size > zip->unclaimed)
    return hgf_problem_set(problem, "entry '%.*s' is damaged", shown,
                           entry->name);
  size_t data = local + local_size + get16(zip->bytes + local + 26) +
                get16(zip->bytes + local + 28);
  if (data > zip->size || size > zip->size - data)
    return hgf_problem_set(problem, "entry '%.*s' is truncated", shown,
                           entry->name);
  zip->unclaimed -= size;
  entry->data = zip->bytes + data;
  entry->size = size;
  crc_table table;
  make_crc_table(&table);
  if (add_crc(&table, 0, entry->data, size) != get32(central + 16))
    return hgf_problem_set(problem, "entry '%.*s' is damaged", shown,
                           entry->name);
  return true;
}

/*===----------------------------------------------------------------------===*
 * Writing
 *===----------------------------------------------------------------------===*/

static bool write_bytes(hgf_zip_writer *writer, const void *bytes, size_t size,
                        hgf_problem *problem) {
  if (size && fwrite(bytes, 1, size, writer->file) != size)
    return hgf_problem_set(problem, "the file cannot be written");
  writer->position += size;
  return true;
}

/* Fields that an entry's local header and its directory record share: from the
 * version to the length of the extra field. */
static void put_common(unsigned char *at, uint32_t crc, uint64_t size,
                       size_t name_size) {
  put16(at, 20);             /* version needed */
  put16(at + 2, 0x800);      /* names are UTF-8 */
  put16(at + 8, 1 << 5 | 1); /* 1980-01-01: the same data, the same file */
  put32(at + 10, crc);
  put32(at + 14, size);
  put32(at + 18, size);
  put16(at + 22, name_size);
}

bool hgf_zip_add(hgf_zip_writer *writer, const hgf_zip_piece *piece,
                 hgf_problem *problem) {
  size_t name_size = strlen(piece->name);
  uint64_t size = (uint64_t)piece->head_size + piece->data_size;
  if (size >= ZIP64_MARK ||
      writer->position + size + local_size + name_size >= ZIP64_MARK ||
      writer->count >= 0xfffe)
    return zip64_problem(problem);
  if (name_size > 0xfff0)
    return hgf_problem_set(problem, "the name of an entry is too long");
  crc_table table;
  make_crc_table(&table);
  uint32_t crc = add_crc(&table, 0, piece->head, piece->head_size);
  crc = add_crc(&table, crc, piece->data, piece->data_size);
  size_t record = central_size + name_size;
  unsigned char *directory =
      realloc(writer->directory, writer->directory_size + record);
  if (!directory)
    return hgf_problem_set(problem, "out of memory");
  unsigned char *central = directory + writer->directory_size;
  memset(central, 0, record);
  put32(central, CENTRAL_SIGNATURE);
  put16(central + 4, 20); /* version made by */
  put_common(central + 6, crc, size, name_size);
  put32(central + 42, writer->position);
  memcpy(central + central_size, piece->name, name_size);
  writer->directory = directory;
  writer->directory_size += record;
  ++writer->count;
  unsigned char local[local_size] = {0};
  put32(local, LOCAL_SIGNATURE);
  put_common(local + 4, crc, size, name_size);
  return write_bytes(writer, local, local_size, problem) &&
         write_bytes(writer, piece->name, name_size, problem) &&
         write_bytes(writer, piece->head, piece->head_size, problem) &&
         write_bytes(writer, piece->data, piece->data_size, problem);
}

bool hgf_zip_finish(hgf_zip_writer *writer, hgf_problem *problem) {
  unsigned char end[end_size] = {0};
  put32(end, END_SIGNATURE);
  put16(end + 8, writer->count);
  put16(end + 10, writer->count);
  put32(end + 12, writer->directory_size);
  put32(end + 16, writer->position);
  return write_bytes(writer, writer->directory, writer->directory_size,
                     problem) &&
         write_bytes(writer, end, end_size, problem);
}

void hgf_zip_writer_free(hgf_zip_writer *writer) {
  free(writer->directory);
  writer->directory = NULL;
}
