#include "packed_linear.h"

#include "memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
  MAX_PARTS = 3,
  CHUNK = 64,        /* inputs that are packed at once: with KOE_PANEL outputs, a few kilobytes */
  WIDENED_PANELS = 2 /* at once: few enough to stay in the cache */
};

struct koe_packed_linear {
  const koe_checkpoint *checkpoint;
  koe_matrix parts[MAX_PARTS]; /* as stored, [out_features / part_count, in_features] each */
  size_t part_count;
  koe_dtype dtype; /* of the panels: float32, or what all parts are: float16 or bfloat16 */
  size_t in_features, out_features;
  float *bias; /* [out_features] */

  /* Packing.  `weights` is there when the first thread has come, and is read when `ready`. */
  pthread_mutex_t mutex;
  pthread_cond_t packed;
  unsigned char *weights; /* [panels, in_features, KOE_PANEL] of dtype */
  size_t next, done;      /* panels; guarded by the mutex */
  atomic_bool ready;
};

static size_t weights_bytes(const koe_packed_linear *layer) {
  return koe_panel_count(layer->out_features) * KOE_PANEL * layer->in_features *
         koe_dtype_size(layer->dtype);
}

/* ── opening ────────────────────────────────────────────────────────────────────────────────────
 */

static koe_dtype panel_dtype(const koe_packed_linear *layer) {
  koe_dtype dtype = layer->parts[0].tensor->dtype;
  for (size_t i = 1; i < layer->part_count; i++) {
    if (layer->parts[i].tensor->dtype != dtype) return KOE_F32;
  }
  for (size_t i = 0; i < layer->part_count; i++) {
    if (layer->parts[i].tensor->transposed) return KOE_F32;
  }
  bool native = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  return native && (dtype == KOE_F16 || dtype == KOE_BF16) ? dtype : KOE_F32;
}

static koe_status open_parts(koe_packed_linear *layer, koe_weights *weights,
                             const char *const *names, koe_error *err) {
  size_t count = layer->out_features / layer->part_count;
  for (size_t i = 0; i < layer->part_count; i++) {
    char full[192];
    const float *bias;
    snprintf(full, sizeof full, "%s.weight", names[i]);
    koe_status status =
        koe_weights_matrix(weights, full, count, layer->in_features, &layer->parts[i], err);
    if (status != KOE_OK) return status;
    snprintf(full, sizeof full, "%s.bias", names[i]);
    status = koe_weights_get(weights, full, count, 0, &bias, err);
    if (status != KOE_OK) return status;
    /* Sizes are those of tensors that are there: memory may be taken now. */
    if (layer->bias == NULL) layer->bias = koe_alloc(layer->out_features, sizeof *layer->bias);
    if (layer->bias == NULL) return koe_fail_nomem(err);
    memcpy(layer->bias + i * count, bias, count * sizeof *bias);
    /* Counted with the panels from now on, packed or not: they take the place of the pages. */
    koe_checkpoint_release(weights->checkpoint, layer->parts[i].tensor);
  }
  layer->dtype = panel_dtype(layer);
  return KOE_OK;
}

koe_status koe_packed_linear_open(koe_weights *weights, const char *const *names, size_t parts,
                                  size_t in_features, size_t out_features, koe_linear *out,
                                  koe_error *err) {
  memset(out, 0, sizeof *out);
  koe_packed_linear *layer = koe_alloc_zero(1, sizeof *layer);
  if (layer == NULL) return koe_fail_nomem(err);
  layer->checkpoint = weights->checkpoint;
  layer->part_count = parts;
  layer->in_features = in_features;
  layer->out_features = out_features;
  pthread_mutex_init(&layer->mutex, NULL);
  pthread_cond_init(&layer->packed, NULL);
  koe_status status = open_parts(layer, weights, names, err);
  if (status != KOE_OK) {
    koe_packed_linear_free(layer);
    return status;
  }
  *out = (koe_linear){.bias = layer->bias,
                      .in_features = in_features,
                      .out_features = out_features,
                      .packed = layer};
  return KOE_OK;
}

void koe_packed_linear_free(koe_packed_linear *layer) {
  if (layer == NULL) return;
  pthread_mutex_destroy(&layer->mutex);
  pthread_cond_destroy(&layer->packed);
  koe_free(layer->weights);
  koe_free(layer->bias);
  koe_free(layer);
}

size_t koe_packed_linear_bytes(const koe_packed_linear *layer) {
  if (layer == NULL) return 0;
  return sizeof *layer + weights_bytes(layer) + layer->out_features * sizeof *layer->bias;
}

/* ── packing ────────────────────────────────────────────────────────────────────────────────────
 */

/* Weights [output, first …] as stored, where panels hold them so. */
static const uint8_t *stored(const koe_packed_linear *layer, size_t output, size_t first) {
  size_t count = layer->out_features / layer->part_count;
  const koe_matrix *part = &layer->parts[output / count];
  return part->tensor->data + (output % count * layer->in_features + first) * sizeof(uint16_t);
}

static void pack_halves(const koe_packed_linear *layer, size_t first, size_t n, size_t output,
                        size_t outputs, uint16_t *out) {
  uint16_t rows[KOE_PANEL][CHUNK] = {{0}};
  for (size_t o = 0; o < outputs; o++)
    memcpy(rows[o], stored(layer, output + o, first), n * sizeof **rows);
  for (size_t i = 0; i < n; i++) {
    for (size_t o = 0; o < KOE_PANEL; o++)
      out[i * KOE_PANEL + o] = rows[o][i];
  }
}

static void pack_floats(const koe_packed_linear *layer, size_t first, size_t n, size_t output,
                        size_t outputs, float *out) {
  float rows[KOE_PANEL][CHUNK] = {{0}};
  size_t count = layer->out_features / layer->part_count;
  for (size_t o = 0; o < outputs; o++) {
    koe_matrix_read(&layer->parts[(output + o) / count], (output + o) % count, first, n, rows[o]);
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t o = 0; o < KOE_PANEL; o++)
      out[i * KOE_PANEL + o] = rows[o][i];
  }
}

static void pack_panel(koe_packed_linear *layer, size_t panel) {
  size_t inputs = layer->in_features, output = panel * KOE_PANEL;
  size_t outputs = layer->out_features - output;
  if (outputs > KOE_PANEL) outputs = KOE_PANEL;
  unsigned char *out = layer->weights + panel * inputs * KOE_PANEL * koe_dtype_size(layer->dtype);
  for (size_t first = 0; first < inputs; first += CHUNK) {
    size_t n = inputs - first < CHUNK ? inputs - first : CHUNK;
    if (layer->dtype == KOE_F32) {
      pack_floats(layer, first, n, output, outputs, (float *)(void *)out + first * KOE_PANEL);
    } else {
      pack_halves(layer, first, n, output, outputs, (uint16_t *)(void *)out + first * KOE_PANEL);
    }
  }
}

/* The thread that packs the last panel.  Other threads are waiting, or never read the parts again.
 */
static void finish(koe_packed_linear *layer) {
  for (size_t i = 0; i < layer->part_count; i++)
    koe_checkpoint_drop_pages(layer->checkpoint, layer->parts[i].tensor);
  atomic_store_explicit(&layer->ready, true, memory_order_release);
  pthread_cond_broadcast(&layer->packed);
}

koe_status koe_packed_linear_prepare(koe_packed_linear *layer, koe_error *err) {
  if (atomic_load_explicit(&layer->ready, memory_order_acquire)) return KOE_OK;
  size_t panels = koe_panel_count(layer->out_features);
  koe_status status = KOE_OK;
  pthread_mutex_lock(&layer->mutex);
  if (layer->weights == NULL) layer->weights = koe_alloc_aligned(1, weights_bytes(layer));
  if (layer->weights == NULL) status = koe_fail_nomem(err);
  while (status == KOE_OK && layer->next < panels) {
    size_t panel = layer->next++;
    pthread_mutex_unlock(&layer->mutex);
    pack_panel(layer, panel);
    pthread_mutex_lock(&layer->mutex);
    if (++layer->done == panels) finish(layer);
  }
  while (status == KOE_OK && layer->done < panels)
    pthread_cond_wait(&layer->packed, &layer->mutex);
  pthread_mutex_unlock(&layer->mutex);
  return status;
}

/* ── products ───────────────────────────────────────────────────────────────────────────────────
 */

size_t koe_packed_linear_work(size_t in_features) {
  return WIDENED_PANELS * KOE_PANEL * in_features;
}

static void forward_halves(const koe_packed_linear *layer, const koe_kernels *kernels,
                           const float *x, size_t x_stride, size_t rows,
                           const koe_epilogue *epilogue, float *work, float *y, size_t y_stride) {
  size_t inputs = layer->in_features, outputs = layer->out_features, panel = inputs * KOE_PANEL;
  const uint16_t *weights = (const uint16_t *)(const void *)layer->weights;
  for (size_t first = 0; first < outputs; first += WIDENED_PANELS * KOE_PANEL) {
    size_t n = outputs - first;
    if (n > WIDENED_PANELS * KOE_PANEL) n = WIDENED_PANELS * KOE_PANEL;
    size_t count = koe_panel_count(n) * panel;
    if (layer->dtype == KOE_F16) {
      kernels->widen_half(weights + first * inputs, count, work);
    } else {
      kernels->widen_bfloat(weights + first * inputs, count, work);
    }
    koe_panels panels = {work, panel, KOE_PANEL, inputs, n};
    koe_epilogue part = *epilogue;
    if (part.bias != NULL) part.bias += first;
    kernels->multiply(&panels, x, x_stride, rows, &part, y + first, y_stride);
  }
}

void koe_packed_linear_forward(const koe_packed_linear *layer, const koe_kernels *kernels,
                               const float *x, size_t x_stride, size_t rows,
                               const koe_epilogue *epilogue, float *work, float *y,
                               size_t y_stride) {
  if (layer->dtype != KOE_F32) {
    forward_halves(layer, kernels, x, x_stride, rows, epilogue, work, y, y_stride);
    return;
  }
  koe_panels panels = {.values = (const float *)(const void *)layer->weights,
                       .panel_stride = layer->in_features * KOE_PANEL,
                       .input_stride = KOE_PANEL,
                       .in_features = layer->in_features,
                       .out_features = layer->out_features};
  kernels->multiply(&panels, x, x_stride, rows, epilogue, y, y_stride);
}
