/* Packed layers: every stored precision against the same numbers as float32, packing by several
 * threads, and what happens when memory is short. */
#include "../model/checkpoint/convert.h"
#include "../model/memory.h"
#include "../model/packed_linear.h"
#include "../model/parallel.h"
#include "support.h"
#include "torch_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 70, OUTPUTS = 63, PARTS = 3, PART = OUTPUTS / PARTS, ROWS = 29 };

static const char *const part_names[PARTS] = {"a", "b", "c"};

/* A safetensors file of one layer in three parts. */
typedef struct layer_file {
  buffer bytes;
  koe_checkpoint *checkpoint;
  koe_linear layer;
} layer_file;

/* Elements of the weights as `dtype` stores them, the same at every call.  All are numbers that
 * bfloat16, float16 and int8 with a scale of 1/32 hold. */
static void put_weights(buffer *b, koe_dtype dtype) {
  srand(21);
  for (size_t i = 0; i < (size_t)OUTPUTS * INPUTS; i++) {
    int whole = rand() % 255 - 127;
    float value = (float)whole / 32;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t upper = (uint16_t)(bits >> 16);
    _Bool negative = value < 0;
    int exponent = 0;
    float fraction = frexpf(fabsf(value), &exponent); /* [0.5, 1) or 0 */
    uint16_t half = value == 0 ? 0
                               : (uint16_t)((negative ? 0x8000 : 0) | (exponent + 14) << 10 |
                                            ((int)(fraction * 2048) & 0x3FF));
    int8_t step = (int8_t)whole;
    switch (dtype) {
    case KOE_BF16:
      put(b, &upper, sizeof upper);
      break;
    case KOE_F16:
      put(b, &half, sizeof half);
      break;
    case KOE_I8:
      put(b, &step, sizeof step);
      break;
    default:
      put(b, &value, sizeof value);
    }
  }
}

static void describe(char *header, const char *name, const char *dtype, const char *shape,
                     size_t size, size_t *offset) {
  sprintf(header + strlen(header),
          "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
          header[0] == '\0' ? "{" : ",", name, dtype, shape, *offset, *offset + size);
  *offset += size;
}

/* The header; `dtypes` are of the parts, and follow in the order of put_weights. */
static void put_header(buffer *b, const char *dtype, size_t element, bool scales) {
  char header[2000] = "", shape[40], name[40];
  size_t offset = 0;
  snprintf(shape, sizeof shape, "[%d,%d]", PART, INPUTS);
  for (size_t i = 0; i < PARTS; i++) {
    snprintf(name, sizeof name, "%s.weight", part_names[i]);
    describe(header, name, dtype, shape, element * PART * INPUTS, &offset);
  }
  snprintf(shape, sizeof shape, "[%d]", PART);
  for (size_t i = 0; i < PARTS; i++) {
    snprintf(name, sizeof name, "%s.bias", part_names[i]);
    describe(header, name, "F32", shape, sizeof(float) * PART, &offset);
    snprintf(name, sizeof name, "%s.weight_scale", part_names[i]);
    if (scales) describe(header, name, "F32", shape, sizeof(float) * PART, &offset);
  }
  describe(header, "embeddings.word_embeddings.weight", "F32", "[1,1]", sizeof(float), &offset);
  strcat(header, "}");
  while (strlen(header) % sizeof(uint64_t) != 0) /* aligns the elements */
    strcat(header, " ");
  put64(b, strlen(header));
  put(b, header, strlen(header));
}

static void put_floats(buffer *b, size_t count, float first, float step) {
  for (size_t i = 0; i < count; i++) {
    float value = first + step * (float)i;
    put(b, &value, sizeof value);
  }
}

static layer_file open_layer(koe_dtype dtype) {
  koe_error err;
  koe_weights weights;
  layer_file file = {0};
  const char *name = dtype == KOE_BF16  ? "BF16"
                     : dtype == KOE_F16 ? "F16"
                     : dtype == KOE_I8  ? "I8"
                                        : "F32";
  put_header(&file.bytes, name, koe_dtype_size(dtype), dtype == KOE_I8);
  put_weights(&file.bytes, dtype);
  for (size_t i = 0; i < PARTS; i++) {
    put_floats(&file.bytes, PART, (float)i, 0.125f);
    if (dtype == KOE_I8) put_floats(&file.bytes, PART, 1 / 32.0f, 0);
  }
  put_floats(&file.bytes, 1, 0, 0);
  assert_ok(koe_checkpoint_open_memory(file.bytes.bytes, file.bytes.size, "layer", &file.checkpoint,
                                       &err));
  assert_ok(koe_weights_init(&weights, file.checkpoint, &err));
  assert_ok(
      koe_packed_linear_open(&weights, part_names, PARTS, INPUTS, OUTPUTS, &file.layer, &err));
  return file;
}

static void close_layer(layer_file *file) {
  koe_packed_linear_free(file->layer.packed);
  koe_checkpoint_free(file->checkpoint);
  buffer_clear(&file->bytes);
}

static void fill(float *x, size_t count) {
  srand(22);
  for (size_t i = 0; i < count; i++)
    x[i] = (float)rand() / (float)RAND_MAX * 2 - 1;
}

/* y [ROWS, OUTPUTS]; the caller frees. */
static float *forward(const layer_file *file, const koe_kernels *kernels, const float *x) {
  koe_epilogue epilogue = {.bias = file->layer.bias};
  float *y = koe_alloc(ROWS * OUTPUTS, sizeof *y);
  float *work = koe_alloc_aligned(koe_packed_linear_work(INPUTS), sizeof *work);
  ck_assert_ptr_nonnull(y);
  ck_assert_ptr_nonnull(work);
  koe_packed_linear_forward(file->layer.packed, kernels, x, INPUTS, ROWS, &epilogue, work, y,
                            OUTPUTS);
  koe_free(work);
  return y;
}

/* Against sums in double of what the file holds. */
static void check_values(const layer_file *file, const float *x, const float *y) {
  koe_error err;
  for (size_t o = 0; o < OUTPUTS; o++) {
    char name[40];
    const float *weight;
    snprintf(name, sizeof name, "%s.weight", part_names[o / PART]);
    assert_ok(koe_checkpoint_float32(file->checkpoint, koe_checkpoint_find(file->checkpoint, name),
                                     &weight, &err));
    for (size_t r = 0; r < ROWS; r++) {
      double sum = (double)(o / PART) + 0.125 * (double)(o % PART);
      for (size_t i = 0; i < INPUTS; i++)
        sum += (double)x[r * INPUTS + i] * weight[o % PART * INPUTS + i];
      ck_assert_msg(fabs(y[r * OUTPUTS + o] - sum) < 2e-4, "[%zu, %zu] is %.9g, not %.9g", r, o,
                    y[r * OUTPUTS + o], sum);
    }
  }
}

START_TEST(precisions) {
  static const koe_dtype dtypes[] = {KOE_F16, KOE_BF16, KOE_I8};
  static const char *const names[] = {"portable", "avx2", "avx512", "neon"};
  koe_error err;
  float x[ROWS * INPUTS];
  fill(x, ROWS * INPUTS);
  layer_file exact = open_layer(KOE_F32);
  assert_ok(koe_packed_linear_prepare(exact.layer.packed, &err));
  for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
    const koe_kernels *kernels = koe_kernels_named(names[k]);
    if (kernels == NULL) continue;
    float *expected = forward(&exact, kernels, x);
    check_values(&exact, x, expected);
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
      layer_file file = open_layer(dtypes[d]);
      assert_ok(koe_packed_linear_prepare(file.layer.packed, &err));
      float *actual = forward(&file, kernels, x);
      ck_assert_msg(memcmp(actual, expected, ROWS * OUTPUTS * sizeof *actual) == 0,
                    "%s: %s differs from float32", kernels->name, koe_dtype_name(dtypes[d]));
      koe_free(actual);
      close_layer(&file);
    }
    koe_free(expected);
  }
  close_layer(&exact);
}
END_TEST

START_TEST(halves_stay_half) {
  layer_file single = open_layer(KOE_F32), half = open_layer(KOE_F16),
             bfloat = open_layer(KOE_BF16);
  size_t panels = 64 * INPUTS;
  ck_assert_uint_eq(koe_packed_linear_bytes(half.layer.packed),
                    koe_packed_linear_bytes(single.layer.packed) - panels * 2);
  ck_assert_uint_eq(koe_packed_linear_bytes(bfloat.layer.packed),
                    koe_packed_linear_bytes(half.layer.packed));
  close_layer(&single);
  close_layer(&half);
  close_layer(&bfloat);
}
END_TEST

/* Aligned float32, which check_values reads in place: nothing is shared but the layer. */
static koe_status prepare_and_run(void *context, size_t index, koe_error *err) {
  const layer_file *file = context;
  float x[ROWS * INPUTS];
  (void)index;
  koe_status status = koe_packed_linear_prepare(file->layer.packed, err);
  if (status != KOE_OK) return status;
  fill(x, ROWS * INPUTS);
  float *y = forward(file, koe_kernels_best(), x);
  check_values(file, x, y);
  koe_free(y);
  return KOE_OK;
}

START_TEST(threads) {
  koe_error err;
  for (int i = 0; i < 20; i++) {
    layer_file file = open_layer(KOE_F32);
    assert_ok(koe_parallel(4, 4, prepare_and_run, &file, &err));
    close_layer(&file);
  }
}
END_TEST

START_TEST(unknown_type) {
  koe_error err;
  koe_weights weights;
  koe_linear layer;
  layer_file file = {0};
  put_header(&file.bytes, "U8", 1, false);
  for (size_t i = 0; i < OUTPUTS * (INPUTS + sizeof(float)) + sizeof(float); i++)
    put(&file.bytes, "", 1);
  assert_ok(koe_checkpoint_open_memory(file.bytes.bytes, file.bytes.size, "layer", &file.checkpoint,
                                       &err));
  assert_ok(koe_weights_init(&weights, file.checkpoint, &err));
  assert_fails(koe_packed_linear_open(&weights, part_names, PARTS, INPUTS, OUTPUTS, &layer, &err),
               KOE_UNSUPPORTED, "uint8");
  ck_assert_ptr_null(layer.packed);
  close_layer(&file);
}
END_TEST

#ifdef KOE_FAULTS
/* A failed packing leaves the layer as it was: the next call packs it. */
START_TEST(short_memory) {
  koe_error err;
  layer_file file = open_layer(KOE_F32);
  koe_memory_fail_after(1);
  assert_fails(koe_packed_linear_prepare(file.layer.packed, &err), KOE_NOMEM, "memory");
  koe_memory_fail_after(0);
  assert_ok(prepare_and_run(&file, 0, &err));
  close_layer(&file);
}
END_TEST
#endif

Suite *packed_linear_suite(void);

Suite *packed_linear_suite(void) {
  Suite *suite = suite_create("packed_linear");
  TCase *tests = tcase_create("packed_linear");
  tcase_add_test(tests, precisions);
  tcase_add_test(tests, halves_stay_half);
  tcase_add_test(tests, threads);
  tcase_add_test(tests, unknown_type);
#ifdef KOE_FAULTS
  tcase_add_test(tests, short_memory);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
