/*===- StandaloneMain.c - Measures on a board -----------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "LoadedLayers.h"
#include "Machine.h"
#include "StandaloneOptions.h"
#include "ThreadPool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { exit_done, exit_failed, exit_usage };

static const hgf_model_functions functions = {
    .create = hgf_session_create,
    .free = hgf_session_free,
    .error = hgf_session_error,
    .level = hgf_session_level,
    .bind_input = hgf_session_bind_input,
    .bind_output = hgf_session_bind_output,
    .run = hgf_session_run,
    .reset = hgf_session_reset,
    .tensor_count = hgf_tensor_count,
    .tensor_dtype = hgf_tensor_dtype,
    .tensor_rank = hgf_tensor_rank,
    .tensor_dims = hgf_tensor_dims,
    .tensor_dim_name = hgf_tensor_dim_name,
    .tensor_state = hgf_tensor_state,
    .dtype_size = hgf_dtype_size,
};

typedef struct {
  const hgf_standalone_table *table;
  hgf_standalone_options options;
  const char *program;
  int64_t free_memory; /* before anything was taken; negative: unknown */
  /* Weights of the layer and of the one beside; memory for the read limit. */
  hgf_read_buffer weights[2], reading;
  bool headed;
} bench;

/* A row of the table that is ready to run. */
typedef struct {
  const hgf_standalone_layer *row;
  /* The compiler's, but without its weights file: the memory is ours. */
  hgf_model_descriptor model;
  hgf_session *keeper; /* the choice of kernels lives as long as a session */
  const char *level;
  hgf_loaded_layers loaded;
} opened_layer;

/* What the handler below says: kernels that are fixed when they are compiled
 * are not chosen by what the processor has. */
static char illegal_instruction[256];

static void explain_illegal_instruction(int number) {
  (void)number;
  ssize_t written =
      write(STDERR_FILENO, illegal_instruction, strlen(illegal_instruction));
  (void)written;
  _exit(exit_failed);
}

static void prepare_explanation(const bench *self, const opened_layer *opened) {
  snprintf(illegal_instruction, sizeof illegal_instruction,
           "%s: error: this processor lacks an instruction of the kernels for "
           "--cpu=%s, level %s; write the program with --cpu=portable or the "
           "name of this processor\n",
           self->program, opened->row->processor, opened->level);
}

static int complain(const bench *self, const char *sentence) {
  fflush(stdout);
  fprintf(stderr, "%s: error: %s\n", self->program, sentence);
  return exit_failed;
}

static bool open_model(const bench *self, const hgf_standalone_layer *row,
                       opened_layer *opened) {
  char error[512];
  *opened = (opened_layer){.row = row, .model = *row->model};
  opened->model.weights = NULL;
  hgf_session_options options = {.size = sizeof options, .threads = 1};
  if (hgf_session_create(&opened->model, &options, &opened->keeper, error,
                         sizeof error)) {
    complain(self, error);
    return false;
  }
  opened->level = row->level ? row->level : hgf_session_level(opened->keeper);
  return true;
}

/* As many chunks of the weights as no cache holds and as fit the memory that
 * `parts` layers share. */
static void limit_chunks(const bench *self, int parts,
                         hgf_loaded_layers *loaded) {
  int64_t bytes = self->free_memory < 0 ? INT64_MAX : self->free_memory / 4 * 3;
  if (self->options.megabytes)
    bytes = self->options.megabytes << 20;
  int64_t fit = bytes / parts / hgf_chunk_bytes(loaded);
  if (fit < loaded->chunks)
    loaded->chunks = fit < 1 ? 1 : fit;
}

/* Opens a row and fills `memory` with copies of its weights. */
static bool open_layer(bench *self, const hgf_standalone_layer *row,
                       bool streams, int parts, hgf_read_buffer *memory,
                       opened_layer *opened) {
  if (!open_model(self, row, opened))
    return false;
  hgf_loaded_layers *loaded = &opened->loaded;
  hgf_divide_layers(loaded, row->packed_bytes);
  if (streams)
    limit_chunks(self, parts, loaded);
  else
    loaded->chunks = 1;
  int64_t bytes = loaded->chunks * hgf_chunk_bytes(loaded);
  if (!hgf_reserve_buffer(memory, (uint64_t)bytes + hgf_read_slack)) {
    char error[128];
    snprintf(error, sizeof error,
             "expected room for %lld MB of weights but the system has none",
             (long long)(bytes >> 20));
    complain(self, error);
    return false;
  }
  for (int64_t place = 0; place < bytes; place += loaded->byte_count)
    memcpy(memory->data + place, row->packed, (size_t)row->packed_bytes);
  loaded->functions = &functions;
  loaded->model = &opened->model;
  loaded->weights_slot = row->weights_slot;
  loaded->weights = memory->data;
  *row->weights_slot = memory->data;
  return true;
}

static void close_layer(opened_layer *opened) {
  hgf_session_free(opened->keeper);
  opened->keeper = NULL;
}

static void print(bench *self, const hgf_line *line) {
  char text[hgf_line_size];
  if (self->options.json) {
    hgf_line_as_json(line, text, sizeof text);
  } else {
    if (!self->headed) {
      char machine[256];
      hgf_heading(hgf_machine_name(machine, sizeof machine), text, sizeof text);
      fputs(text, stdout);
      self->headed = true;
    }
    hgf_line_as_text(line, text, sizeof text);
  }
  puts(text);
  fflush(stdout);
}

static bool measure_line(bench *self, const opened_layer *opened,
                         const opened_layer *beside, bool streams,
                         hgf_line *line) {
  const hgf_loaded_layers *loaded = &opened->loaded;
  line->residency = streams ? "dram" : "cache";
  line->measurement = (hgf_measurement){.rounds = 0};
  int64_t bytes = loaded->chunks * hgf_chunk_bytes(loaded);
  if (streams && bytes < hgf_memory_bytes)
    snprintf(line->measurement.doubt, sizeof line->measurement.doubt,
             "the weights take %lld MB where %d MB are wanted, as free memory "
             "or --memory allow no more: caches may hold a part of them",
             (long long)((bytes + (1 << 19)) >> 20), hgf_memory_bytes >> 20);
  hgf_layer_task task = {.layers = loaded,
                         .beside = beside ? &beside->loaded : NULL,
                         .is_layer = true,
                         .is_float = opened->row->is_float,
                         .memory = loaded->weights,
                         .seconds = self->options.seconds};
  char error[600];
  if (!streams) {
    /* What stays in the cache has a place of its own there, as the kernel's
     * weights have. From memory both are read anew, so one place will do. */
    uint64_t needed = (uint64_t)hgf_chunk_bytes(loaded) + hgf_read_slack;
    if (!hgf_reserve_buffer(&self->reading, needed)) {
      complain(self, "expected room for the read limit's memory but the system "
                     "has none");
      return false;
    }
    task.memory = self->reading.data;
  }
  if (!hgf_measure_layers(&task, line, error, sizeof error)) {
    complain(self, error);
    return false;
  }
  print(self, line);
  return true;
}

/* Where the weights of a layer come from with so many tokens. */
static int64_t choose_residencies(const bench *self,
                                  const hgf_standalone_layer *row,
                                  int64_t tokens) {
  int64_t wanted = self->options.residencies;
  if (!wanted)
    wanted = tokens >= hgf_many_tokens ? hgf_from_cache
                                       : hgf_from_dram | hgf_from_cache;
  return wanted & row->residencies;
}

static bool measure_opened(bench *self, const opened_layer *opened,
                           const opened_layer *beside) {
  const hgf_standalone_layer *row = opened->row;
  hgf_line line = {.shape = row->shape,
                   .rank = row->rank,
                   .gate = row->gate,
                   .correction = row->correction,
                   .scale = row->scale,
                   .encoding = row->encoding,
                   .kernel = row->kernel,
                   .processor = row->processor,
                   .level = opened->level};
  const hgf_number_list *tokens = &self->options.tokens;
  const hgf_number_list *threads = &self->options.threads;
  for (int64_t i = 0; i < tokens->count; ++i)
    for (int64_t bit = hgf_from_dram; bit <= hgf_from_cache; bit <<= 1) {
      line.tokens = tokens->values[i];
      line.multiply_adds =
          (double)row->rows * (double)row->columns * (double)line.tokens;
      if (!(choose_residencies(self, row, line.tokens) & bit))
        continue;
      for (int64_t j = 0; j < threads->count; ++j) {
        line.threads = threads->values[j];
        if (!measure_line(self, opened, beside, bit == hgf_from_dram, &line))
          return false;
      }
    }
  return true;
}

static bool measure_row(bench *self, const hgf_standalone_layer *row) {
  int64_t all = 0;
  for (int64_t i = 0; i < self->options.tokens.count; ++i)
    all |= choose_residencies(self, row, self->options.tokens.values[i]);
  if (!all)
    return true;
  bool streams = all & hgf_from_dram;
  int parts = row->beside < 0 ? 1 : 2;
  opened_layer opened = {0}, beside = {0};
  bool good = open_layer(self, row, streams, parts, &self->weights[0], &opened);
  if (good && parts == 2)
    good = open_layer(self, &self->table->layers[row->beside], streams, parts,
                      &self->weights[1], &beside);
  if (good)
    prepare_explanation(self, &opened);
  good = good && measure_opened(self, &opened, parts == 2 ? &beside : NULL);
  close_layer(&opened);
  close_layer(&beside);
  /* The next row's share of the memory may be another. */
  hgf_free_buffer(&self->weights[0]);
  hgf_free_buffer(&self->weights[1]);
  return good;
}

static int describe(const bench *self) {
  char machine[256];
  printf("machine: %s\nCPUs: %d\n", hgf_machine_name(machine, sizeof machine),
         (int)hgf_cpu_count());
  if (self->free_memory >= 0)
    printf("free memory: %lld MB\n", (long long)(self->free_memory >> 20));
  printf("written by: %s\nlayers:\n", self->table->program);
  for (int64_t i = 0; i < self->table->layer_count; ++i) {
    const hgf_standalone_layer *row = &self->table->layers[i];
    opened_layer opened;
    if (!row->residencies)
      continue;
    if (!open_model(self, row, &opened))
      return exit_failed;
    printf("  %s rank %lld gate %s: kernel %s, cpu %s, level %s (%s), %lld "
           "bytes, from %s\n",
           row->shape, (long long)row->rank, row->gate, row->kernel,
           row->processor, opened.level,
           row->level ? "fixed when it was compiled" : "chosen here",
           (long long)row->packed_bytes,
           row->residencies == hgf_from_dram    ? "dram"
           : row->residencies == hgf_from_cache ? "cache"
                                                : "dram and cache");
    printf("    limit: %s\n",
           hgf_find_dot_loop(opened.level, row->is_float)->name);
    close_layer(&opened);
  }
  return exit_done;
}

static void print_fork_join(const bench *self) {
  for (int64_t i = 0; i < self->options.threads.count; ++i) {
    int64_t threads = self->options.threads.values[i];
    hgf_statistics seconds = hgf_measure_fork_join((int)threads);
    char text[hgf_line_size];
    hgf_fork_join_line(threads, &seconds, self->options.json, text,
                       sizeof text);
    puts(text);
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  static bench self;
  const char *path = argc > 0 ? argv[0] : "bench";
  const char *slash = strrchr(path, '/');
  self.program = slash ? slash + 1 : path;
  self.table = &hgf_standalone;
  self.free_memory = hgf_available_memory();
  char error[512];
  if (!hgf_parse_standalone(self.table, argc, argv, &self.options, error,
                            sizeof error)) {
    fprintf(stderr, "%s: %s; see %s --help\n", self.program, error,
            self.program);
    return exit_usage;
  }
  if (self.options.help) {
    printf("usage: %s [options]\n\n%s", self.program, hgf_standalone_help);
    return exit_done;
  }
  signal(SIGILL, explain_illegal_instruction);
  if (self.options.describe)
    return describe(&self);
  if (self.options.fork_join)
    print_fork_join(&self);
  for (int64_t i = 0; i < self.table->layer_count; ++i)
    if (!measure_row(&self, &self.table->layers[i]))
      return exit_failed;
  return exit_done;
}
