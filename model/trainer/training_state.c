#include "training_state.h"

#include "../hash.h"
#include "../memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct header {
  char magic[8];
  uint32_t version, zero;
  uint64_t identity, steps;
  double best; /* score of the checkpoint beside it */
  uint64_t floats;
} header;

static const char magic[8] = {'K', 'O', 'E', 'T', 'R', 'A', 'I', 'N'};

/* FNV-1a over words of 8 bytes: a hash of every byte takes longer than writing the file. */
static uint64_t hash_words(uint64_t hash, const void *bytes, size_t length) {
  const char *at = bytes;
  for (; length >= 8; at += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    hash = (hash ^ word) * UINT64_C(0x100000001b3);
    hash ^= hash >> 29;
  }
  return koe_hash(hash, at, length);
}

static koe_status fail(const char *path, koe_error *err) {
  return koe_fail(err, KOE_IO, "%s: %s", path, strerror(errno));
}

static bool write_bytes(FILE *file, const void *bytes, size_t length, uint64_t *hash) {
  *hash = hash_words(*hash, bytes, length);
  return fwrite(bytes, 1, length, file) == length;
}

static bool write_state(FILE *file, const koe_parameters *parameters, uint64_t identity,
                        size_t steps, double best) {
  header head = {.version = 1,
                 .identity = identity,
                 .steps = steps,
                 .best = best,
                 .floats = parameters->total};
  size_t bytes = parameters->total * sizeof(float);
  uint64_t hash = KOE_HASH_START;
  memcpy(head.magic, magic, sizeof magic);
  return write_bytes(file, &head, sizeof head, &hash) &&
         write_bytes(file, parameters->values, bytes, &hash) &&
         write_bytes(file, parameters->first_moments, bytes, &hash) &&
         write_bytes(file, parameters->second_moments, bytes, &hash) &&
         fwrite(&hash, sizeof hash, 1, file) == 1 && fflush(file) == 0 && fsync(fileno(file)) == 0;
}

koe_status koe_training_state_write(const char *path, const koe_parameters *parameters,
                                    uint64_t identity, size_t steps, double best, koe_error *err) {
  char temporary[4096];
  if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
    return koe_fail(err, KOE_IO, "%s: the path is too long", path);
  FILE *file = fopen(temporary, "wb");
  if (file == NULL) return fail(temporary, err);
  bool written = write_state(file, parameters, identity, steps, best);
  koe_status status = written ? KOE_OK : fail(temporary, err);
  if (fclose(file) != 0 && status == KOE_OK) status = fail(temporary, err);
  if (status == KOE_OK && rename(temporary, path) != 0) status = fail(path, err);
  if (status != KOE_OK) unlink(temporary);
  return status;
}

static bool read_bytes(FILE *file, void *bytes, size_t length, uint64_t *hash) {
  if (fread(bytes, 1, length, file) != length) return false;
  *hash = hash_words(*hash, bytes, length);
  return true;
}

static koe_status read_state(const char *path, FILE *file, koe_parameters *parameters,
                             uint64_t identity, size_t *steps, double *best, koe_error *err) {
  header head;
  size_t bytes = parameters->total * sizeof(float);
  uint64_t hash = KOE_HASH_START, expected;
  if (!read_bytes(file, &head, sizeof head, &hash) ||
      memcmp(head.magic, magic, sizeof magic) != 0 || head.version != 1) {
    return koe_fail(err, KOE_FORMAT, "%s is no saved training", path);
  }
  if (head.identity != identity || head.floats != parameters->total) {
    return koe_fail(err, KOE_INVALID,
                    "%s was saved by a training with other options or data; give those, another "
                    "--out, or --restart",
                    path);
  }
  if (!read_bytes(file, parameters->values, bytes, &hash) ||
      !read_bytes(file, parameters->first_moments, bytes, &hash) ||
      !read_bytes(file, parameters->second_moments, bytes, &hash) ||
      fread(&expected, sizeof expected, 1, file) != 1 || expected != hash) {
    return koe_fail(err, KOE_FORMAT, "%s is damaged; --restart begins anew", path);
  }
  *steps = head.steps;
  *best = head.best;
  return KOE_OK;
}

koe_status koe_training_state_read(const char *path, koe_parameters *parameters, uint64_t identity,
                                   size_t *steps, double *best, koe_error *err) {
  *steps = 0;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return errno == ENOENT ? KOE_OK : fail(path, err);
  koe_status status = read_state(path, file, parameters, identity, steps, best, err);
  fclose(file);
  return status;
}
