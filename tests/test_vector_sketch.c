/* Approximate scans, and what they learn. */
#include "../model/memory.h"
#include "../model/search/vector_scan.h"
#include "coded_rows.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static koe_error err;

/* How many of the k nearest rows a scan finds. */
static size_t count_found(coded_rows *r, const float *query, const koe_scan_options *options) {
  koe_top_k expected, actual;
  koe_candidates found = {0};
  size_t hits = 0;
  compare_rows(r, query);
  rank_rows(r, options->k, options->least, &expected);
  assert_ok(koe_vector_scan(query, r->dimension, r->scanned, r->blocks, options, &found, &err));
  rank_candidates(r, &found, options->k, options->least, &actual);
  for (size_t i = 0; i < actual.count; i++)
    hits += actual.heap[i].similarity >= expected.heap[expected.count - 1].similarity;
  koe_top_k_clear(&expected);
  koe_top_k_clear(&actual);
  koe_candidates_clear(&found);
  return hits;
}

static double recall(coded_rows *r, const koe_vector_sketch *sketch) {
  enum { QUERIES = 20, NEAREST = 10 };
  koe_scan_options options = {.k = NEAREST, .least = -INFINITY, .sketch = sketch};
  size_t hits = 0;
  for (size_t q = 0; q < QUERIES; q++)
    hits += count_found(r, r->vectors + q * (r->count / QUERIES) * r->dimension, &options);
  return (double)hits / (QUERIES * NEAREST);
}

START_TEST(approximate_scans_find_nearly_all) {
  static const row_kind kinds[] = {UNIFORM, CLUSTERED, POSITIVE};
  start_random(90 + (uint64_t)_i);
  coded_rows r = new_rows(3000, 96);
  fill_rows(&r, kinds[_i]);
  code_rows(&r, true);
  koe_vector_sketch sketch;
  koe_vector_sketch_init(&sketch, r.dimension);
  ck_assert_uint_eq(sketch.sample, 0);
  ck_assert_double_ge(recall(&r, &sketch), 0.95);
  assert_ok(koe_vector_sketch_train(r.vectors, 600, r.dimension, 2, &sketch, &err));
  ck_assert_uint_eq(sketch.sample, 600);
  ck_assert_msg(sketch.confidence > 0.5F && sketch.confidence < 4, "confidence %g",
                (double)sketch.confidence);
  double found = recall(&r, &sketch);
  ck_assert_msg(found >= 0.95, "recall %g", found);
  /* It is the confidence that does it. */
  sketch.confidence = 0;
  ck_assert_double_lt(recall(&r, &sketch), found);
  free_rows(&r);
}
END_TEST

/* With all the confidence there is, nothing is missed; blocks without signs are scanned exactly. */
START_TEST(confident_scans_are_exact) {
  for (int signs = 0; signs < 2; signs++) {
    start_random(100);
    coded_rows r = new_rows(600, 33);
    fill_rows(&r, UNIFORM);
    code_rows(&r, signs);
    koe_vector_sketch sketch = {.dimension = 33, .confidence = signs ? 16 : 0};
    koe_scan_options options = {.k = 10, .least = -INFINITY, .sketch = &sketch};
    for (size_t q = 0; q < 10; q++)
      ck_assert_uint_eq(count_found(&r, r.vectors + q * 33, &options), 10);
    free_rows(&r);
  }
}
END_TEST

START_TEST(training_takes_anything) {
  static float vectors[700 * 3];
  koe_vector_sketch sketch;
  assert_ok(koe_vector_sketch_train(vectors, 0, 3, 1, &sketch, &err));
  ck_assert_uint_eq(sketch.sample, 0);
  ck_assert_float_gt(sketch.confidence, 0);
  assert_fails(koe_vector_sketch_train(vectors, 700, 0, 1, &sketch, &err), KOE_INVALID, "65536");
  /* All the same: neighbours at no distance. */
  for (size_t i = 0; i < 700; i++)
    vectors[3 * i] = 1;
  assert_ok(koe_vector_sketch_train(vectors, 700, 3, 1, &sketch, &err));
  ck_assert(sketch.confidence >= 0 && sketch.confidence <= 16);
}
END_TEST

START_TEST(sketches_as_bytes) {
  koe_vector_sketch sketch = {.dimension = 256, .confidence = 1.625F, .sample = 70000}, back;
  uint8_t bytes[KOE_SKETCH_BYTES];
  static const uint8_t expected[KOE_SKETCH_BYTES] = {'K', 'O', 'E',  'S',  1, 0, 0, 0, 0,    1,
                                                     0,   0,   0x70, 0x11, 1, 0, 0, 0, 0xD0, 0x3F};
  koe_vector_sketch_write(&sketch, bytes);
  ck_assert_mem_eq(bytes, expected, sizeof bytes);
  assert_ok(koe_vector_sketch_read(bytes, sizeof bytes, 256, &back, &err));
  ck_assert_uint_eq(back.dimension, 256);
  ck_assert_uint_eq(back.sample, 70000);
  ck_assert_float_eq(back.confidence, 1.625F);
}
END_TEST

START_TEST(hostile_sketches) {
  koe_vector_sketch sketch = {.dimension = 256, .confidence = 2, .sample = 1}, back;
  uint8_t good[KOE_SKETCH_BYTES], bytes[KOE_SKETCH_BYTES + 1] = {0};
  static const uint32_t confidences[] = {0x7FC00000, 0x7F800000, 0xBF800000, 0x41880000,
                                         0xFF800000};
  koe_vector_sketch_write(&sketch, good);
  assert_fails(koe_vector_sketch_read(NULL, 0, 256, &back, &err), KOE_FORMAT, "no sketch");
  for (size_t length = 0; length <= sizeof bytes; length++) {
    uint8_t *exact = malloc(length + 1); /* for AddressSanitizer to see reads beyond */
    memcpy(bytes, good, sizeof good);
    memcpy(exact, bytes, length);
    koe_status status = koe_vector_sketch_read(exact, length, 256, &back, &err);
    ck_assert_int_eq(status, length == KOE_SKETCH_BYTES ? KOE_OK : KOE_FORMAT);
    free(exact);
  }
  assert_fails(koe_vector_sketch_read(good, sizeof good, 255, &back, &err), KOE_FORMAT,
               "256 elements, where they have 255");
  memcpy(bytes, good, sizeof good);
  bytes[4] = 2;
  assert_fails(koe_vector_sketch_read(bytes, sizeof good, 256, &back, &err), KOE_FORMAT,
               "version 2");
  for (size_t i = 0; i < sizeof confidences / sizeof confidences[0]; i++) {
    memcpy(bytes, good, sizeof good);
    for (size_t b = 0; b < 4; b++)
      bytes[16 + b] = (uint8_t)(confidences[i] >> 8 * b);
    assert_fails(koe_vector_sketch_read(bytes, sizeof good, 256, &back, &err), KOE_FORMAT,
                 "confidence");
  }
}
END_TEST

Suite *vector_sketch_suite(void);

Suite *vector_sketch_suite(void) {
  Suite *suite = suite_create("vector_sketch");
  TCase *tests = tcase_create("vector_sketch");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, approximate_scans_find_nearly_all, 0, 3);
  tcase_add_test(tests, confident_scans_are_exact);
  tcase_add_test(tests, training_takes_anything);
  tcase_add_test(tests, sketches_as_bytes);
  tcase_add_test(tests, hostile_sketches);
  suite_add_tcase(suite, tests);
  return suite;
}
