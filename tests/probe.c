#include "probe.h"

#include "../model/checkpoint/checkpoint.h"
#include "../model/memory.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* Converts all tensors and reads the first and last element of each. */
static koe_status read_tensors(koe_checkpoint *checkpoint, koe_error *err) {
  volatile float sink = 0;
  for (size_t i = 0; i < koe_checkpoint_count(checkpoint); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(checkpoint, i);
    const float *values;
    koe_status status = koe_checkpoint_float32(checkpoint, tensor, &values, err);
    if (status == KOE_NOMEM) return status;
    size_t count = tensor->bytes / koe_dtype_size(tensor->dtype);
    if (status == KOE_OK && count > 0) sink = sink + values[0] + values[count - 1];
    if (count > 0) sink = sink + tensor->data[0] + tensor->data[tensor->bytes - 1];
    ck_assert_ptr_eq(koe_checkpoint_find(checkpoint, tensor->name), tensor);
  }
  return KOE_OK;
}

static koe_status open_and_read(const void *bytes, size_t size, koe_error *err) {
  koe_checkpoint *checkpoint = NULL;
  koe_status status = koe_checkpoint_open_memory(bytes, size, "probe", &checkpoint, err);
  if (status == KOE_OK) status = read_tensors(checkpoint, err);
  koe_checkpoint_free(checkpoint);
  return status;
}

koe_status probe_checkpoint(const void *bytes, size_t size, koe_error *err) {
  uint8_t *copy = malloc(size > 0 ? size : 1);
  ck_assert_ptr_nonnull(copy);
  if (size > 0) memcpy(copy, bytes, size);
  memset(err, 0, sizeof *err);
  koe_status status = open_and_read(copy, size, err);
  free(copy);
  ck_assert_msg(status == KOE_OK || status == KOE_FORMAT, "status %d: %s", status, err->message);
  if (status == KOE_FORMAT) {
    ck_assert_int_eq(err->status, KOE_FORMAT);
    ck_assert_msg(strncmp(err->message, "probe: ", 7) == 0, "\"%s\" names no file", err->message);
  }
  return status;
}

void probe_refused(const void *bytes, size_t size, const char *fragment) {
  koe_error err;
  koe_status status = probe_checkpoint(bytes, size, &err);
  ck_assert_msg(status == KOE_FORMAT, "a file was read instead of \"%s\"", fragment);
  ck_assert_msg(strstr(err.message, fragment) != NULL, "message \"%s\" lacks \"%s\"", err.message,
                fragment);
}

void probe_truncations(const void *bytes, size_t size, size_t step) {
  koe_error err;
  if (!full_sweeps() && size / step > 1000) step *= 3;
  for (size_t length = 0; length < size; length += step) {
    koe_status status = probe_checkpoint(bytes, length, &err);
    ck_assert_msg(status == KOE_FORMAT, "%zu of %zu bytes were taken for a checkpoint", length,
                  size);
  }
}

size_t probe_flips(const void *bytes, size_t size, size_t begin, size_t end) {
  static const uint8_t masks[] = {0xFF, 0x01};
  bool both = full_sweeps() || end - begin < 1000;
  koe_error err;
  size_t refused = 0;
  uint8_t *damaged = malloc(size);
  ck_assert_ptr_nonnull(damaged);
  memcpy(damaged, bytes, size);
  for (size_t i = begin; i < end; i++) {
    /* By turns, where they are many: all bits of a byte, or one. */
    for (size_t m = both ? 0 : i % 2; m < sizeof masks; m += both ? 1 : 2) {
      damaged[i] ^= masks[m];
      if (probe_checkpoint(damaged, size, &err) != KOE_OK) refused++;
      damaged[i] ^= masks[m];
    }
  }
  free(damaged);
  return refused;
}

void probe_memory(const void *bytes, size_t size) {
#ifdef KOE_FAULTS
  koe_error err;
  koe_status status = KOE_NOMEM;
  long failing = 0;
  while (status != KOE_OK) {
    failing = next_in_sweep(failing);
    koe_memory_fail_after(failing);
    status = open_and_read(bytes, size, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "allocation %ld: status %d: %s", failing,
                  status, err.message);
    if (status == KOE_NOMEM) ck_assert_str_eq(err.message, "out of memory");
  }
  ck_assert_int_gt(failing, 5);
#else
  (void)bytes;
  (void)size;
#endif
}
