#include "quantize.h"

#include "../checkpoint/checkpoint.h"
#include "../checkpoint/convert.h"
#include "../checkpoint/quantized.h"
#include "../checkpoint/tensor_list.h"
#include "../memory.h"
#include "../writer/copied_files.h"
#include "../writer/safetensors_writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The tensors to write and what they point to. */
typedef struct quantization {
  koe_checkpoint *checkpoint;
  const koe_quantize_options *options;
  koe_output_tensor *tensors; /* [capacity] */
  void **owned;               /* [3 × capacity] names, scales, elements; koe_free */
  size_t count, owned_count;
} quantization;

/* ── tensors ────────────────────────────────────────────────────────────────────────────────────
 */

static bool begins(const char *name, const char *start) {
  return strncmp(name, start, strlen(start)) == 0;
}

static bool ends(const char *name, const char *end) {
  size_t length = strlen(name), end_length = strlen(end);
  return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* Heads of pretraining, by Hugging Face's names. */
static bool is_pretraining_head(const char *name) {
  return begins(name, "discriminator_predictions.") || begins(name, "generator_predictions.") ||
         begins(name, "generator_lm_head.");
}

static bool is_kept(const quantization *q, const koe_tensor *tensor) {
  if (!koe_is_floating(tensor->dtype) && !koe_is_quantized(tensor)) return false;
  if (koe_is_scale(q->checkpoint, tensor->name)) return false;
  return !(q->options->model_only && is_pretraining_head(tensor->name));
}

/* The last layer of a head has few rows, and each decides a label: not worth rounding. */
static bool is_matrix(const koe_tensor *tensor) {
  return tensor->dims == 2 && tensor->bytes > 0 && !ends(tensor->name, "out_proj.weight");
}

/* Memory for the output; NULL if it is short. */
static void *allocate(quantization *q, size_t count, size_t size) {
  void *memory = koe_alloc(count, size);
  if (memory != NULL) q->owned[q->owned_count++] = memory;
  return memory;
}

static koe_status check_finite(const quantization *q, const koe_tensor *tensor, const float *values,
                               size_t count, koe_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) {
      return koe_fail(err, KOE_INVALID, "%s: tensor \"%s\" has an element that is not finite",
                      koe_checkpoint_path(q->checkpoint), tensor->name);
    }
  }
  return KOE_OK;
}

/* Adds a matrix and its scales. */
static koe_status add_matrix(quantization *q, const koe_tensor *tensor, const float *values,
                             koe_error *err) {
  size_t rows = (size_t)tensor->shape[0], columns = (size_t)tensor->shape[1];
  bool half = q->options->rest == KOE_F16;
  size_t name_size = strlen(tensor->name) + sizeof KOE_SCALE_SUFFIX;
  koe_status status = check_finite(q, tensor, values, rows * columns, err);
  if (status != KOE_OK) return status;
  char *name = allocate(q, name_size, 1);
  float *scales = allocate(q, rows, sizeof *scales);
  int8_t *elements = allocate(q, rows * columns, 1);
  if (name == NULL || scales == NULL || elements == NULL) return koe_fail_nomem(err);
  strcpy(name, tensor->name);
  strcat(name, KOE_SCALE_SUFFIX);
  for (size_t row = 0; row < rows; row++) {
    scales[row] = koe_quantize_row(values + row * columns, columns, half, elements + row * columns);
  }
  q->tensors[q->count++] =
      (koe_output_tensor){.name = name, .dims = 2, .shape = {tensor->shape[0], 1}, .data = scales};
  q->tensors[q->count++] = (koe_output_tensor){.name = tensor->name,
                                               .dims = 2,
                                               .shape = {tensor->shape[0], tensor->shape[1]},
                                               .int8 = elements};
  return KOE_OK;
}

static koe_status add(quantization *q, const koe_tensor *tensor, koe_error *err) {
  const float *values;
  koe_status status = koe_checkpoint_float32(q->checkpoint, tensor, &values, err);
  if (status != KOE_OK) return status;
  if (is_matrix(tensor)) return add_matrix(q, tensor, values, err);
  koe_output_tensor *out = &q->tensors[q->count++];
  *out = (koe_output_tensor){.name = tensor->name, .dims = tensor->dims, .data = values};
  memcpy(out->shape, tensor->shape, sizeof out->shape);
  return KOE_OK;
}

/* Floats before int8, so that all of them lie where their size divides the offset and a reader need
 * not copy them; by name within, so that the file does not depend on the order of the input. */
static int compare_tensors(const void *left, const void *right) {
  const koe_output_tensor *a = left, *b = right;
  bool a_int8 = a->int8 != NULL, b_int8 = b->int8 != NULL;
  return a_int8 != b_int8 ? a_int8 - b_int8 : strcmp(a->name, b->name);
}

static koe_status add_all(quantization *q, koe_error *err) {
  size_t capacity = 2 * koe_checkpoint_count(q->checkpoint);
  q->tensors = koe_alloc(capacity, sizeof *q->tensors);
  q->owned = koe_alloc_zero(3 * capacity, sizeof *q->owned);
  if (q->tensors == NULL || q->owned == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < koe_checkpoint_count(q->checkpoint); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(q->checkpoint, i);
    if (!is_kept(q, tensor)) continue;
    koe_status status = add(q, tensor, err);
    if (status != KOE_OK) return status;
  }
  qsort(q->tensors, q->count, sizeof *q->tensors, compare_tensors);
  return KOE_OK;
}

static void clear(quantization *q) {
  for (size_t i = 0; i < q->owned_count; i++)
    koe_free(q->owned[i]);
  koe_free(q->owned);
  koe_free(q->tensors);
  koe_checkpoint_free(q->checkpoint);
}

/* ── interface ──────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_quantize_directory(const char *in, const char *out,
                                  const koe_quantize_options *options, koe_error *err) {
  quantization q = {.options = options};
  koe_file_writer weights = {0};
  if (options->rest != KOE_F16 && options->rest != KOE_F32) {
    return koe_fail(err, KOE_INVALID, "the rest is stored as float32 or float16, not as %s",
                    koe_dtype_name(options->rest));
  }
  koe_status status = koe_check_apart(in, out, err);
  if (status == KOE_OK) status = koe_checkpoint_open(in, &q.checkpoint, err);
  if (status == KOE_OK) status = add_all(&q, err);
  if (status == KOE_OK) status = koe_make_directory(out, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_file_writer_open(out, "model.safetensors", &weights, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_safetensors_write(&weights, q.tensors, q.count, options->rest, err);
  if (status == KOE_OK) status = koe_file_writer_close(&weights, err);
  if (status == KOE_OK) status = koe_copy_model_files(in, out, "int8", err);
  if (status == KOE_OK) status = koe_file_writer_publish(&weights, err);
  if (status == KOE_OK) status = koe_flush_directory(out, err);

cleanup:
  koe_file_writer_abandon(&weights);
  clear(&q);
  return status;
}
