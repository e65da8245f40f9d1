#include "quantized_linear.h"

#include "memory.h"

#include <stdio.h>
#include <string.h>

static koe_status new_layer(size_t in_features, size_t out_features, koe_quantized_linear **out,
                            koe_error *err) {
  size_t outputs = koe_int8_panels(out_features) * KOE_INT8_PANEL;
  koe_quantized_linear *layer = koe_alloc_zero(1, sizeof *layer);
  *out = layer;
  if (layer == NULL) return koe_fail_nomem(err);
  koe_int8_matrix *matrix = &layer->matrix;
  matrix->in_features = in_features;
  matrix->out_features = out_features;
  matrix->weights = koe_alloc_aligned(outputs, koe_int8_padded(in_features));
  matrix->scales = koe_alloc_zero(outputs, sizeof *matrix->scales);
  matrix->offsets = koe_alloc_zero(outputs, sizeof *matrix->offsets);
  layer->bias = koe_alloc_zero(outputs, sizeof *layer->bias);
  if (matrix->weights == NULL || matrix->scales == NULL || matrix->offsets == NULL ||
      layer->bias == NULL) {
    return koe_fail_nomem(err);
  }
  memset(matrix->weights, 0, outputs * koe_int8_padded(in_features));
  return KOE_OK;
}

/* Puts one output's weights [in_features] where kernels look for them. */
static void pack_output(koe_int8_matrix *matrix, size_t output, const int8_t *weights,
                        float scale) {
  size_t inputs = matrix->in_features, groups = koe_int8_groups(inputs);
  int8_t *to = matrix->weights +
               output / KOE_INT8_PANEL * groups * KOE_INT8_PANEL * KOE_INT8_GROUP +
               output % KOE_INT8_PANEL * KOE_INT8_GROUP;
  for (size_t i = 0; i < inputs; i += KOE_INT8_GROUP, to += KOE_INT8_PANEL * KOE_INT8_GROUP)
    memcpy(to, weights + i, inputs - i < KOE_INT8_GROUP ? inputs - i : KOE_INT8_GROUP);
  int32_t sum = 0;
  for (size_t i = 0; i < inputs; i++)
    sum += weights[i];
  matrix->scales[output] = scale;
  matrix->offsets[output] = (int32_t)(-128u * (uint32_t)sum);
}

/* name.weight and name.bias are the outputs from `first` on. */
static koe_status add_part(koe_quantized_linear *layer, koe_weights *weights, const char *name,
                           size_t first, size_t count, koe_error *err) {
  char full[192];
  koe_int8_rows rows;
  const float *bias;
  const koe_tensor *tensor;
  size_t inputs = layer->matrix.in_features;
  snprintf(full, sizeof full, "%s.weight", name);
  koe_status status = koe_weights_find(weights, full, count, inputs, &tensor, err);
  if (status == KOE_OK) status = koe_weights_int8(weights, full, count, inputs, &rows, err);
  if (status != KOE_OK) return status;
  for (size_t i = 0; i < count; i++)
    pack_output(&layer->matrix, first + i, rows.values + i * inputs, rows.scales[i]);
  if (rows.own_values == NULL) koe_checkpoint_release(weights->checkpoint, tensor);
  koe_int8_rows_clear(&rows);
  snprintf(full, sizeof full, "%s.bias", name);
  status = koe_weights_get(weights, full, count, 0, &bias, err);
  if (status == KOE_OK) memcpy(layer->bias + first, bias, count * sizeof *bias);
  return status;
}

/* Before memory is taken, whose size config.json alone decides. */
static koe_status check_parts(koe_weights *weights, const char *const *names, size_t parts,
                              size_t in_features, size_t count, koe_error *err) {
  koe_status status = KOE_OK;
  for (size_t i = 0; i < parts && status == KOE_OK; i++) {
    char full[192];
    const koe_tensor *tensor;
    snprintf(full, sizeof full, "%s.weight", names[i]);
    status = koe_weights_find(weights, full, count, in_features, &tensor, err);
  }
  return status;
}

koe_status koe_quantized_linear_open(koe_weights *weights, const char *const *names, size_t parts,
                                     size_t in_features, size_t out_features, koe_linear *out,
                                     koe_error *err) {
  koe_quantized_linear *layer;
  size_t count = out_features / parts;
  memset(out, 0, sizeof *out);
  if (in_features > KOE_INT8_MAX_INPUTS) {
    return koe_fail(err, KOE_UNSUPPORTED, "%s: a layer of %zu inputs is too wide for int8",
                    koe_checkpoint_path(weights->checkpoint), in_features);
  }
  koe_status status = check_parts(weights, names, parts, in_features, count, err);
  if (status != KOE_OK) return status;
  status = new_layer(in_features, out_features, &layer, err);
  for (size_t i = 0; i < parts && status == KOE_OK; i++)
    status = add_part(layer, weights, names[i], i * count, count, err);
  if (status != KOE_OK) {
    koe_quantized_linear_free(layer);
    return status;
  }
  *out = (koe_linear){.bias = layer->bias,
                      .in_features = in_features,
                      .out_features = out_features,
                      .quantized = layer};
  return KOE_OK;
}

void koe_quantized_linear_free(koe_quantized_linear *layer) {
  if (layer == NULL) return;
  koe_free(layer->matrix.weights);
  koe_free(layer->matrix.scales);
  koe_free(layer->matrix.offsets);
  koe_free(layer->bias);
  koe_free(layer);
}

size_t koe_quantized_linear_bytes(const koe_quantized_linear *layer) {
  if (layer == NULL) return 0;
  const koe_int8_matrix *matrix = &layer->matrix;
  size_t outputs = koe_int8_panels(matrix->out_features) * KOE_INT8_PANEL;
  return sizeof *layer + outputs * (koe_int8_padded(matrix->in_features) + sizeof *matrix->scales +
                                    sizeof *matrix->offsets + sizeof *layer->bias);
}

static size_t round_up(size_t bytes) {
  return (bytes + 63) & ~(size_t)63;
}

size_t koe_quantized_linear_work(const koe_int8_kernels *kernels, size_t in_features, size_t rows) {
  return round_up(rows * sizeof(float)) +
         round_up(rows * koe_int8_padded(in_features) * kernels->input_size);
}

void koe_quantized_linear_forward(const koe_quantized_linear *layer,
                                  const koe_int8_kernels *kernels, const float *x, size_t rows,
                                  bool add_bias, void *work, float *y) {
  float *scales = work;
  void *rounded = (char *)work + round_up(rows * sizeof *scales);
  kernels->quantize(x, rows, layer->matrix.in_features, rounded, scales);
  kernels->multiply(&layer->matrix, rounded, scales, rows, add_bias ? layer->bias : NULL, y);
}
