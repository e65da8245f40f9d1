#include "parallel.h"

#include <pthread.h>
#include <signal.h>

enum { MAX_THREADS = 256 };

typedef struct job {
  koe_task task;
  void *context;
  size_t count;
  pthread_mutex_t mutex; /* guards what follows */
  size_t next;
  koe_status status;
  koe_error *err;
} job;

static void *work(void *argument) {
  job *j = argument;
  koe_error err;
  pthread_mutex_lock(&j->mutex);
  while (j->status == KOE_OK && j->next < j->count) {
    size_t index = j->next++;
    pthread_mutex_unlock(&j->mutex);
    koe_status status = j->task(j->context, index, &err);
    pthread_mutex_lock(&j->mutex);
    if (status != KOE_OK && j->status == KOE_OK) {
      j->status = status;
      *j->err = err;
    }
  }
  pthread_mutex_unlock(&j->mutex);
  return NULL;
}

koe_status koe_parallel(size_t count, size_t threads, koe_task task, void *context,
                        koe_error *err) {
  job j = {.task = task, .context = context, .count = count, .err = err};
  pthread_t started[MAX_THREADS];
  size_t others = 0;
  sigset_t all, previous;

  pthread_mutex_init(&j.mutex, NULL);
  if (threads > count) threads = count;
  if (threads > MAX_THREADS) threads = MAX_THREADS;
  if (threads > 1) {
    /* Signals are the host's: its handlers run on its own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    while (others + 1 < threads && pthread_create(&started[others], NULL, work, &j) == 0)
      others++;
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
  }
  work(&j);
  for (size_t i = 0; i < others; i++)
    pthread_join(started[i], NULL);
  pthread_mutex_destroy(&j.mutex);
  return j.status;
}
