/*===- Lines.c - Lines of results -----------------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Lines.h"

#include "Json.h"

#include <math.h>
#include <string.h>

/* Begins the next attribute of an object. */
static void add_name(hgf_text *text, const char *name) {
  hgf_text_add(text, "%s\"%s\":", text->length ? "," : "{", name);
}

/* A number with four digits that count; more would be noise. */
static void add_number(hgf_text *text, const char *name, double value) {
  add_name(text, name);
  hgf_text_add(text, "%.4g", isfinite(value) ? value : 0.0);
}

static void add_integer(hgf_text *text, const char *name, int64_t value) {
  add_name(text, name);
  hgf_text_add(text, "%lld", (long long)value);
}

static void add_word(hgf_text *text, const char *name, const char *value) {
  add_name(text, name);
  hgf_text_add_string(text, value);
}

/* Of one layer, or of the step. */
static double get_seconds(const hgf_line *line, double of_call) {
  return of_call / (double)(line->layers * line->chunks);
}

void hgf_line_as_json(const hgf_line *line, char *buffer, size_t size) {
  hgf_text text = {buffer, size, 0};
  const hgf_measurement *result = &line->measurement;
  double tokens = (double)line->tokens;
  double weights = line->multiply_adds / tokens;
  double seconds = get_seconds(line, result->seconds.median);
  add_word(&text, "shape", line->shape);
  add_integer(&text, "tokens", line->tokens);
  add_integer(&text, "threads", line->threads);
  add_integer(&text, "rank", line->rank);
  add_word(&text, "gate", line->gate);
  add_word(&text, "correction", line->correction);
  add_word(&text, "scale", line->scale);
  add_word(&text, "encoding", line->encoding);
  add_word(&text, "kernel", line->kernel);
  add_word(&text, "cpu", line->processor);
  add_word(&text, "level", line->level);
  add_word(&text, "residency", line->residency);
  add_integer(&text, "layers", line->layers * line->chunks);
  add_number(&text, "tokens_per_s", tokens / seconds);
  add_number(&text, "gweights_per_s", weights / seconds / 1e9);
  add_number(&text, "bytes_per_weight", line->byte_count / weights);
  add_number(&text, "gmac_s", line->multiply_adds / seconds / 1e9);
  add_number(&text, "gb_s", line->byte_count / seconds / 1e9);
  add_word(&text, "limit", hgf_is_read_bound(result) ? "read" : "dot");
  add_number(&text, "limit_ratio", hgf_limit_ratio(result));
  add_number(&text, "read_ratio", result->read_ratio);
  add_number(&text, "dot_ratio", result->dot_ratio);
  add_number(&text, "read_gb_s", result->read_rate / 1e9);
  add_number(&text, "dot_gmac_s", result->dot_rate / 1e9);
  add_word(&text, "dot_loop", line->loop);
  if (line->time_ratio != 0) {
    add_number(&text, "added_time", line->time_ratio - 1);
    add_number(&text, "added_bytes", line->byte_ratio - 1);
  }
  add_number(&text, "seconds", seconds);
  add_number(&text, "best_seconds", get_seconds(line, result->seconds.least));
  add_number(&text, "spread", result->seconds.spread);
  add_integer(&text, "rounds", result->rounds);
  add_name(&text, "valid");
  hgf_text_add_raw(&text, result->doubt[0] ? "false" : "true");
  if (result->doubt[0])
    add_word(&text, "doubt", result->doubt);
  hgf_text_add_raw(&text, "}");
}

void hgf_heading(const char *machine, char *buffer, size_t size) {
  hgf_text text = {buffer, size, 0};
  hgf_text_add(&text, "machine: %s", machine);
  hgf_text_add_raw(&text,
                   "\nratio: max(bytes / read rate, multiply-adds / peak) / "
                   "time, both limits measured in the same rounds\n\n");
  hgf_text_add(&text,
               "%-12s %4s %3s %4s %-6s %-26s %-10s %-5s %10s %8s %7s %8s %6s "
               "%7s\n",
               "shape", "tok", "thr", "rank", "gate", "kernel", "level", "from",
               "us", "Gw/s", "GB/s", "GMAC/s", "ratio", "spread");
}

void hgf_line_as_text(const hgf_line *line, char *buffer, size_t size) {
  hgf_text text = {buffer, size, 0};
  const hgf_measurement *result = &line->measurement;
  double tokens = (double)line->tokens;
  double weights = line->multiply_adds / tokens;
  double seconds = get_seconds(line, result->seconds.median);
  hgf_text_add(&text, "%-12s %4lld %3lld %4lld %-6s ", line->shape,
               (long long)line->tokens, (long long)line->threads,
               (long long)line->rank, line->gate);
  hgf_text_add(&text, "%-26s ", line->kernel);
  hgf_text_add(
      &text, "%-10s %-5s %10.1f %8.1f %7.1f %8.1f %6.2f %6.1f%%  bound by ",
      line->level, line->residency, seconds * 1e6, weights / seconds / 1e9,
      line->byte_count / seconds / 1e9, line->multiply_adds / seconds / 1e9,
      hgf_limit_ratio(result), 100 * result->seconds.spread);
  if (hgf_is_read_bound(result))
    hgf_text_add(&text, "reading, %.1f GB/s", result->read_rate / 1e9);
  else
    hgf_text_add(&text, "%s, %.0f GMAC/s", line->loop, result->dot_rate / 1e9);
  if (line->time_ratio != 0)
    hgf_text_add(&text, "; the correction adds %.1f%% of time, %.1f%% of bytes",
                 100 * (line->time_ratio - 1), 100 * (line->byte_ratio - 1));
  if (strcmp(line->shape, "step") == 0)
    hgf_text_add(&text, "; %.1f tokens/s", tokens / seconds);
  if (result->doubt[0]) {
    hgf_text_add_raw(&text, "\n  NOT VALID: ");
    hgf_text_add_raw(&text, result->doubt);
  }
}

void hgf_fork_join_line(int64_t threads, const hgf_statistics *seconds,
                        bool json, char *buffer, size_t size) {
  hgf_text text = {buffer, size, 0};
  if (!json) {
    hgf_text_add(&text,
                 "fork and join of %lld threads: %.2f us, best %.2f, spread "
                 "%.1f%%",
                 (long long)threads, seconds->median * 1e6,
                 seconds->least * 1e6, 100 * seconds->spread);
    return;
  }
  add_word(&text, "shape", "fork-join");
  add_integer(&text, "threads", threads);
  add_number(&text, "seconds", seconds->median);
  add_number(&text, "best_seconds", seconds->least);
  add_number(&text, "spread", seconds->spread);
  hgf_text_add_raw(&text, "}");
}
