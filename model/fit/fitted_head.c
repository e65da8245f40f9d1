#include "fitted_head.h"

#include "../hash.h"
#include "../label_set.h"
#include "../memory.h"
#include "../search/vectors.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "numbers are stored as they are in memory");

enum { VERSION = 1, MOST_BYTES = 1 << 30, MOST_DIMENSION = 1 << 16 };
enum {
  VERSION_AT = 4,
  CHECKSUM_AT = 8,
  FINGERPRINT_AT = 16,
  DIMENSION_AT = 24,
  LABELS_AT = 28,
  NAMES_SIZE_AT = 32,
  NAMES_AT = 36
};

static const char magic[4] = {'K', 'O', 'E', 'H'};

static uint32_t get_uint32(const unsigned char *bytes) {
  uint32_t number;
  memcpy(&number, bytes, sizeof number);
  return number;
}

static uint64_t get_uint64(const unsigned char *bytes) {
  uint64_t number;
  memcpy(&number, bytes, sizeof number);
  return number;
}

static void put_uint32(unsigned char *bytes, size_t number) {
  uint32_t n = (uint32_t)number;
  memcpy(bytes, &n, sizeof n);
}

/* Bytes of weight and bias. */
static size_t numbers_size(size_t labels, size_t dimension) {
  return labels * (dimension + 1) * sizeof(float);
}

/* ── writing ────────────────────────────────────────────────────────────────────────────────────
 */

static size_t names_size(const koe_fitted_head *head) {
  size_t size = strlen(head->model) + 1;
  for (size_t i = 0; i < head->linear.out_features; i++)
    size += strlen(head->labels[i]) + 1;
  return (size + 3) & ~(size_t)3;
}

static char *put_string(char *at, const char *string) {
  size_t size = strlen(string) + 1;
  memcpy(at, string, size);
  return at + size;
}

koe_status koe_fitted_head_write(const koe_fitted_head *head, void **bytes, size_t *size,
                                 koe_error *err) {
  size_t labels = head->linear.out_features, dimension = head->linear.in_features;
  size_t names = names_size(head);
  *bytes = NULL;
  *size = NAMES_AT + names + numbers_size(labels, dimension);
  if (*size > MOST_BYTES) {
    return koe_fail(err, KOE_TOO_LONG, "a head of %zu labels and dimension %zu is over 1 GiB",
                    labels, dimension);
  }
  unsigned char *out = koe_alloc_zero(*size, 1);
  if (out == NULL) return koe_fail_nomem(err);
  memcpy(out, magic, sizeof magic);
  put_uint32(out + VERSION_AT, VERSION);
  memcpy(out + FINGERPRINT_AT, &head->fingerprint, sizeof head->fingerprint);
  put_uint32(out + DIMENSION_AT, dimension);
  put_uint32(out + LABELS_AT, labels);
  put_uint32(out + NAMES_SIZE_AT, names);
  char *name = put_string((char *)out + NAMES_AT, head->model);
  for (size_t i = 0; i < labels; i++)
    name = put_string(name, head->labels[i]);
  unsigned char *numbers = out + NAMES_AT + names;
  memcpy(numbers, head->linear.weight, labels * dimension * sizeof(float));
  memcpy(numbers + labels * dimension * sizeof(float), head->linear.bias, labels * sizeof(float));
  uint64_t checksum = koe_hash(KOE_HASH_START, out + FINGERPRINT_AT, *size - FINGERPRINT_AT);
  memcpy(out + CHECKSUM_AT, &checksum, sizeof checksum);
  *bytes = out;
  return KOE_OK;
}

/* ── reading ────────────────────────────────────────────────────────────────────────────────────
 */

/* Checks the header, and that the sizes in it add up to `size`. */
static koe_status check_header(const unsigned char *in, size_t size, koe_error *err) {
  if (size < sizeof magic || memcmp(in, magic, sizeof magic) != 0) {
    return koe_fail(err, KOE_FORMAT,
                    "this BLOB is not a head: pass what koelectra_fit returned, or the name of a "
                    "model");
  }
  if (size >= VERSION_AT + 4 && get_uint32(in + VERSION_AT) != VERSION) {
    return koe_fail(err, KOE_FORMAT,
                    "the head is of version %u, and this library reads version %d: "
                    "fit it again, or use the library it was made by",
                    (unsigned)get_uint32(in + VERSION_AT), VERSION);
  }
  size_t expected = NAMES_AT;
  if (size >= NAMES_AT) {
    size_t dimension = get_uint32(in + DIMENSION_AT), labels = get_uint32(in + LABELS_AT);
    size_t names = get_uint32(in + NAMES_SIZE_AT);
    if (dimension < 1 || dimension > MOST_DIMENSION || labels < 2 || labels > KOE_MOST_LABELS ||
        names > MOST_BYTES) {
      return koe_fail(err, KOE_FORMAT, "the head is damaged: it says %zu labels, dimension %zu",
                      labels, dimension);
    }
    expected += names + numbers_size(labels, dimension);
  }
  if (size != expected) {
    return koe_fail(err, KOE_FORMAT, "the head is %s: it has %zu bytes of %s%zu",
                    size < expected ? "cut short" : "damaged", size,
                    size < NAMES_AT ? "at least " : "", expected);
  }
  if (get_uint64(in + CHECKSUM_AT) !=
      koe_hash(KOE_HASH_START, in + FINGERPRINT_AT, size - FINGERPRINT_AT)) {
    return koe_fail(err, KOE_FORMAT, "the head is damaged: its checksum does not agree");
  }
  return KOE_OK;
}

/* Points model and labels into `names` [size]. */
static koe_status find_names(koe_fitted_head *head, const char *names, size_t size,
                             koe_error *err) {
  const char *end = names + size;
  for (size_t i = 0; i <= head->linear.out_features; i++) {
    const char *nul = names < end ? memchr(names, '\0', (size_t)(end - names)) : NULL;
    if (nul == NULL) return koe_fail(err, KOE_FORMAT, "the head is damaged: it lacks labels");
    if (i == 0) {
      head->model = names;
    } else {
      head->labels[i - 1] = names;
    }
    names = nul + 1;
  }
  return KOE_OK;
}

koe_status koe_fitted_head_read(const void *bytes, size_t size, koe_fitted_head **out,
                                koe_error *err) {
  const unsigned char *in = bytes;
  *out = NULL;
  koe_status status = check_header(in, size, err);
  if (status != KOE_OK) return status;
  size_t dimension = get_uint32(in + DIMENSION_AT), labels = get_uint32(in + LABELS_AT);
  size_t names = get_uint32(in + NAMES_SIZE_AT), numbers = numbers_size(labels, dimension);
  /* One block: the head, its labels, its numbers, the names. */
  koe_fitted_head *head =
      koe_alloc(1, sizeof *head + labels * sizeof *head->labels + numbers + names);
  if (head == NULL) return koe_fail_nomem(err);
  head->labels = (const char **)(head + 1);
  float *weight = (float *)(head->labels + labels);
  char *strings = (char *)weight + numbers;
  memcpy(weight, in + NAMES_AT + names, numbers);
  memcpy(strings, in + NAMES_AT, names);
  head->fingerprint = get_uint64(in + FINGERPRINT_AT);
  head->linear = (koe_linear){.weight = weight,
                              .bias = weight + labels * dimension,
                              .in_features = dimension,
                              .out_features = labels};
  status = find_names(head, strings, names, err);
  if (status == KOE_OK && !koe_vector_is_finite(weight, labels * (dimension + 1))) {
    status = koe_fail(err, KOE_FORMAT, "the head is damaged: it has a weight that is not finite");
  }
  if (status != KOE_OK) {
    koe_free(head);
    return status;
  }
  *out = head;
  return KOE_OK;
}

void koe_fitted_head_free(koe_fitted_head *head) {
  koe_free(head);
}

void koe_fitted_head_logits(const koe_fitted_head *head, const float *embeddings, size_t count,
                            float *out) {
  size_t labels = head->linear.out_features;
  koe_linear_forward(&head->linear, koe_kernels_best(), embeddings, count, out);
  for (size_t i = 0; i < count; i++, out += labels) {
    for (size_t c = 0; c < labels; c++)
      out[c] += head->linear.bias[c];
  }
}
