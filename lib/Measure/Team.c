/*===- Team.c - Threads that begin together -------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Limits.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

double hgf_read_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

enum { team_waits, team_works, team_leaves };

typedef struct {
  void (*body)(void *argument, int index);
  void *argument;
  atomic_int ready;
  atomic_int state;
} team;

typedef struct {
  team *team;
  int index;
  pthread_t thread;
} member;

static void *join_team(void *opaque) {
  member *self = opaque;
  team *own = self->team;
  atomic_fetch_add(&own->ready, 1);
  int state;
  while ((state = atomic_load_explicit(&own->state, memory_order_acquire)) ==
         team_waits)
    sched_yield();
  if (state == team_works)
    own->body(own->argument, self->index);
  return NULL;
}

double hgf_run_team(int threads, void (*body)(void *argument, int index),
                    void *argument) {
  team own = {.body = body, .argument = argument};
  member *members = calloc((size_t)threads, sizeof(member));
  int started = 1;
  for (; members && started < threads; ++started) {
    members[started] = (member){.team = &own, .index = started};
    if (pthread_create(&members[started].thread, NULL, join_team,
                       &members[started]))
      break;
  }
  bool complete = members && started == threads;
  while (complete && atomic_load(&own.ready) < threads - 1)
    sched_yield();
  double start = hgf_read_clock();
  atomic_store_explicit(&own.state, complete ? team_works : team_leaves,
                        memory_order_release);
  if (complete)
    body(argument, 0);
  for (int index = 1; members && index < started; ++index)
    pthread_join(members[index].thread, NULL);
  double seconds = hgf_read_clock() - start;
  free(members);
  return complete ? seconds : -1;
}
