#include "hdf5.h"

#include "hdf5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIN_SECONDS = 5, BYTES_A_SECOND = 10000000 };

/* What goes through the pipe: a tensor, its elements behind it, or the end. */
typedef struct packet {
  bool ended;
  koe_error result; /* of the whole, at the end */
  char name[KOE_TENSOR_MAX_NAME + 1];
  koe_tensor tensor; /* its pointers mean nothing here */
} packet;

/* ── the process that reads the file ────────────────────────────────────────────────────────────
 */

static bool write_all(int pipe_end, const void *bytes, size_t size) {
  const char *at = bytes;
  while (size > 0) {
    ssize_t written = write(pipe_end, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    size -= (size_t)written;
  }
  return true;
}

static koe_status send_tensor(void *context, const koe_tensor *tensor, koe_error *err) {
  packet p;
  memset(&p, 0, sizeof p);
  strcpy(p.name, tensor->name); /* koe_tensor_list_add has seen to its length */
  p.tensor = *tensor;
  const int *pipe_end = context;
  if (write_all(*pipe_end, &p, sizeof p) && write_all(*pipe_end, tensor->data, tensor->bytes))
    return KOE_OK;
  return koe_fail(err, KOE_IO, "the process that converts is gone");
}

/* More than any sound file takes, so that one on which libhdf5 goes in circles ends. */
static void limit_time(const char *path) {
  struct stat info;
  rlim_t size = stat(path, &info) == 0 ? (rlim_t)info.st_size : 0;
  rlim_t seconds = MIN_SECONDS + size / BYTES_A_SECOND;
  struct rlimit limit = {seconds, seconds}, no_core = {0, 0};
  setrlimit(RLIMIT_CPU, &limit);
  setrlimit(RLIMIT_CORE, &no_core);
}

static _Noreturn void run_child(const char *path, int pipe_end) {
  packet end;
  memset(&end, 0, sizeof end);
  limit_time(path);
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO); /* what a crash has to say */
  end.ended = true;
  end.result.status = koe_hdf5_each(path, send_tensor, &pipe_end, &end.result);
  _exit(write_all(pipe_end, &end, sizeof end) ? 0 : 1);
}

/* ── the process that asked ─────────────────────────────────────────────────────────────────────
 */

/* False at the end of the pipe. */
static bool read_all(int pipe_end, void *bytes, size_t size) {
  char *at = bytes;
  while (size > 0) {
    ssize_t count = read(pipe_end, at, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= (size_t)count;
  }
  return true;
}

static koe_status crashed(const char *path, koe_error *err) {
  return koe_fail(err, KOE_FORMAT, "%s: damaged: libhdf5 crashed on it, or did not come to an end",
                  path);
}

static koe_status take_tensor(const char *path, int pipe_end, const packet *p,
                              koe_tensor_list *list, koe_error *err) {
  koe_tensor *tensor;
  const koe_tensor *sent = &p->tensor;
  koe_status status = koe_tensor_list_add(list, path, p->name, strlen(p->name), sent->dtype,
                                          sent->shape, sent->dims, &tensor, err);
  if (status != KOE_OK) return status;
  uint8_t *elements = koe_tensor_list_allocate(list, tensor->bytes);
  if (elements == NULL) return koe_fail_nomem(err);
  tensor->transposed = sent->transposed;
  tensor->data = elements;
  return read_all(pipe_end, elements, tensor->bytes) ? KOE_OK : crashed(path, err);
}

static koe_status take_all(const char *path, int pipe_end, koe_tensor_list *list, koe_error *err) {
  packet p;
  koe_status status = KOE_OK;
  while (status == KOE_OK) {
    if (!read_all(pipe_end, &p, sizeof p)) return crashed(path, err);
    if (p.ended) {
      *err = p.result;
      return p.result.status;
    }
    status = take_tensor(path, pipe_end, &p, list, err);
  }
  return status;
}

koe_status koe_hdf5_read(const char *path, koe_tensor_list *list, koe_error *err) {
  int ends[2];
  if (pipe(ends) != 0) return koe_fail(err, KOE_IO, "no pipe: %s", strerror(errno));
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    run_child(path, ends[1]);
  }
  close(ends[1]);
  koe_status status = child > 0 ? take_all(path, ends[0], list, err)
                                : koe_fail(err, KOE_IO, "no process: %s", strerror(errno));
  close(ends[0]); /* what it still has to write then fails */
  while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
    continue;
  return status;
}
