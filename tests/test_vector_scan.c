/* Coded vectors: scans against comparing every row in float32. */
#include "../model/memory.h"
#include "../model/search/vector_scan.h"
#include "coded_rows.h"
#include "support.h"

#include <math.h>
#include <string.h>

static koe_error err;

/* A scan's ranked candidates against all rows, after compare_rows; gives how many candidates there
 * were. */
static size_t check_scan(const coded_rows *r, const float *query, const koe_scan_options *options) {
  koe_top_k expected, actual;
  koe_candidates found = {0};
  rank_rows(r, options->k, options->least, &expected);
  assert_ok(koe_vector_scan(query, r->dimension, r->scanned, r->blocks, options, &found, &err));
  ck_assert(!found.interrupted);
  rank_candidates(r, &found, options->k, options->least, &actual);
  ck_assert_uint_eq(actual.count, expected.count);
  for (size_t i = 0; i < actual.count; i++) {
    ck_assert_msg(actual.heap[i].rowid == expected.heap[i].rowid &&
                      actual.heap[i].similarity == expected.heap[i].similarity,
                  "%zu x %zu, k %zu, least %g, place %zu: row %lld (%.9g), not %lld (%.9g)",
                  r->count, r->dimension, options->k, options->least, i,
                  (long long)actual.heap[i].rowid, (double)actual.heap[i].similarity,
                  (long long)expected.heap[i].rowid, (double)expected.heap[i].similarity);
  }
  size_t count = found.count;
  koe_top_k_clear(&expected);
  koe_top_k_clear(&actual);
  koe_candidates_clear(&found);
  return count;
}

static void check_scans(coded_rows *r, const float *query) {
  static const size_t ks[] = {0, 1, 10, 300, SIZE_MAX};
  static const double leasts[] = {-INFINITY, 0.3, 0.999, 1};
  compare_rows(r, query);
  for (size_t k = 0; k < sizeof ks / sizeof ks[0]; k++) {
    for (size_t l = 0; l < sizeof leasts / sizeof leasts[0]; l++) {
      koe_scan_options options = {.k = ks[k], .least = leasts[l]};
      check_scan(r, query, &options);
    }
  }
}

/* Every kind of rows, of odd and even dimensions, with some slots not live. */
START_TEST(exact_scans_miss_nothing) {
  static const size_t dimensions[] = {1, 2, 3, 17, 64, 100, 257};
  size_t dimension = dimensions[_i];
  start_random((uint64_t)_i + 10);
  for (row_kind kind = 0; kind < KINDS; kind++) {
    coded_rows r = new_rows(300, dimension);
    fill_rows(&r, kind);
    for (size_t b = 0; b < r.blocks; b++) {
      for (size_t i = 0; b != 1 && i < KOE_BLOCK_SLOTS / 8; i++)
        r.live[b][i] = (uint8_t)(random_bits() | random_bits());
    }
    code_rows(&r, kind % 2 == 0);
    float *query = take_memory(dimension, sizeof *query);
    for (size_t e = 0; e < dimension; e++)
      query[e] = ((int)kind + _i) % 2 == 0 ? r.vectors[200 * dimension + e] : random_element();
    if (!koe_vector_normalize(query, dimension)) query[0] = 1;
    check_scans(&r, query);
    koe_free(query);
    free_rows(&r);
  }
}
END_TEST

/* Every row is a candidate where all are asked for; its similarity lies within its bounds, which
 * are near. */
START_TEST(bounds_hold) {
  static const size_t dimensions[] = {1, 5, 64, 192, 1024};
  start_random(20);
  for (size_t d = 0; d < sizeof dimensions / sizeof dimensions[0]; d++) {
    size_t n = dimensions[d];
    coded_rows r = new_rows(300, n);
    fill_rows(&r, d % 2 == 0 ? UNIFORM : CLUSTERED);
    /* Lengths that are not quite 1 are allowed for. */
    for (size_t e = 0; e < n; e++) {
      r.vectors[7 * n + e] *= 1.3F;
      r.vectors[8 * n + e] *= 0.7F;
    }
    code_rows(&r, false);
    koe_candidates found = {0};
    koe_scan_options options = {.k = SIZE_MAX, .least = -INFINITY};
    assert_ok(koe_vector_scan(r.vectors, n, r.scanned, r.blocks, &options, &found, &err));
    ck_assert_uint_eq(found.count, r.count);
    compare_rows(&r, r.vectors);
    for (size_t i = 0; i < found.count; i++) {
      const koe_candidate *c = &found.items[i];
      size_t row = (size_t)c->block * KOE_BLOCK_SLOTS + c->slot;
      float dot = r.similarities[row];
      ck_assert_uint_eq(row, i);
      ck_assert_msg(c->lower <= dot && dot <= c->upper, "row %zu of %zu: %g is not in [%g, %g]",
                    row, n, (double)dot, (double)c->lower, (double)c->upper);
      ck_assert_float_le(c->upper - c->lower, 0.05F);
    }
    koe_candidates_clear(&found);
    free_rows(&r);
  }
}
END_TEST

/* Few candidates: the point of it all, also where all rows are near each other. */
START_TEST(candidates_are_few) {
  enum { N = 128, QUERIES = 10 };
  static const struct {
    row_kind kind;
    size_t most; /* candidates a query */
  } cases[] = {{UNIFORM, 25}, {CLUSTERED, 120}, {CONCENTRATED, 60}, {FEW_FACTORS, 20}};
  coded_rows r = new_rows(2048, N);
  start_random(30);
  fill_rows(&r, cases[_i].kind);
  code_rows(&r, false);
  koe_scan_options options = {.k = 10, .least = -INFINITY};
  size_t candidates = 0;
  for (size_t q = 0; q < QUERIES; q++) {
    compare_rows(&r, r.vectors + q * 100 * N);
    candidates += check_scan(&r, r.vectors + q * 100 * N, &options);
  }
  ck_assert_msg(candidates < QUERIES * cases[_i].most, "%zu candidates for %d queries", candidates,
                QUERIES);
  free_rows(&r);
}
END_TEST

/* What no unit vector is, in a live slot, comes up as a candidate; in another it harms none. */
START_TEST(strange_vectors_are_candidates) {
  enum { N = 40 };
  static const float strange[] = {NAN, INFINITY, -INFINITY, 3e38F, 1e-30F, 0, 2};
  coded_rows r = new_rows(600, N);
  start_random(40);
  fill_rows(&r, UNIFORM);
  for (size_t s = 0; s < sizeof strange / sizeof strange[0]; s++) {
    for (size_t e = 0; e < N; e++)
      r.vectors[(s * 11 + 300) * N + e] = e == 0 || s > 2 ? strange[s] : 0.1F;
  }
  code_rows(&r, true);
  koe_candidates found = {0};
  koe_scan_options options = {.k = 3, .least = 0.5};
  assert_ok(koe_vector_scan(r.vectors, N, r.scanned, r.blocks, &options, &found, &err));
  for (size_t s = 0; s < sizeof strange / sizeof strange[0]; s++) {
    bool is_candidate = false;
    for (size_t i = 0; i < found.count; i++)
      is_candidate |= found.items[i].block == 1 && found.items[i].slot == s * 11 + 300 - 256;
    ck_assert_msg(is_candidate, "%g is no candidate", (double)strange[s]);
    r.live[1][(s * 11 + 44) / 8] &= (uint8_t) ~(1 << (s * 11 + 44) % 8);
  }
  koe_candidates_clear(&found);
  check_scans(&r, r.vectors);
  free_rows(&r);
}
END_TEST

/* The largest dimension, and one short of a unit. */
START_TEST(large_dimensions) {
  static const size_t dimensions[] = {KOE_BLOCK_MAX_DIMENSION, 4095};
  start_random(50);
  for (size_t d = 0; d < 2; d++) {
    coded_rows r = new_rows(5, dimensions[d]);
    fill_rows(&r, d == 0 ? UNIFORM : POSITIVE);
    code_rows(&r, true);
    check_scans(&r, r.vectors + dimensions[d]);
    free_rows(&r);
  }
}
END_TEST

/* So many blocks that threads pay: 16 different ones, over and over. */
START_TEST(threads_agree) {
  enum { N = 64, BLOCKS = 600, DISTINCT = 16 };
  coded_rows r = new_rows(DISTINCT * KOE_BLOCK_SLOTS, N);
  start_random(60);
  fill_rows(&r, UNIFORM);
  code_rows(&r, true);
  koe_scan_block *many = take_memory(BLOCKS, sizeof *many);
  for (size_t b = 0; b < BLOCKS; b++)
    many[b] = r.scanned[(b * b + b / 7) % DISTINCT];
  koe_vector_sketch sketch;
  koe_vector_sketch_init(&sketch, N);
  for (size_t threads = 0; threads <= 3; threads++) {
    for (int approximate = 0; approximate < 2; approximate++) {
      koe_scan_options options = {
          .k = 100, .least = -INFINITY, .threads = threads, .sketch = approximate ? &sketch : NULL};
      koe_candidates found = {0};
      assert_ok(koe_vector_scan(r.vectors, N, many, BLOCKS, &options, &found, &err));
      /* The query's own row, as often as its block is there. */
      size_t own = 0, times = 0;
      for (size_t i = 0; i < found.count; i++)
        own += many[found.items[i].block].block == r.scanned[0].block && found.items[i].slot == 0;
      for (size_t b = 0; b < BLOCKS; b++)
        times += many[b].block == r.scanned[0].block;
      ck_assert_uint_eq(own, times);
      ck_assert_uint_ge(found.count, 100);
      koe_candidates_clear(&found);
    }
  }
  koe_free(many);
  free_rows(&r);
}
END_TEST

static bool interrupt(void *context) {
  return --*(int *)context < 0;
}

START_TEST(interrupts) {
  enum { N = 8 };
  coded_rows r = new_rows(KOE_BLOCK_SLOTS * 100, N);
  start_random(70);
  fill_rows(&r, UNIFORM);
  code_rows(&r, false);
  koe_candidates found = {0};
  for (int calls = 0; calls < 9; calls += 4) {
    int left = calls;
    koe_scan_options options = {
        .k = SIZE_MAX, .least = -INFINITY, .interrupted = interrupt, .context = &left};
    assert_ok(koe_vector_scan(r.vectors, N, r.scanned, r.blocks, &options, &found, &err));
    ck_assert_int_eq(found.interrupted, calls < 7);
    if (calls == 0) ck_assert_uint_eq(found.count, 0);
    if (calls > 6) ck_assert_uint_eq(found.count, r.count);
  }
  koe_candidates_clear(&found);
  free_rows(&r);
}
END_TEST

START_TEST(bad_arguments) {
  float vectors[2 * 4] = {1, 0, 0, 0, 0, 1, 0, 0}, query[4] = {0, NAN, 0, 0};
  koe_vector_block *block;
  assert_fails(koe_vector_block_new(vectors, 0, 4, true, &block, &err), KOE_INVALID, "1 to 256");
  assert_fails(koe_vector_block_new(vectors, 257, 4, true, &block, &err), KOE_INVALID, "1 to 256");
  assert_fails(koe_vector_block_new(vectors, 1, 0, true, &block, &err), KOE_INVALID, "65536");
  assert_fails(koe_vector_block_new(vectors, 1, 65537, true, &block, &err), KOE_INVALID, "65536");
  ck_assert_ptr_null(block);
  koe_vector_block_free(NULL);
  assert_ok(koe_vector_block_new(vectors, 2, 4, false, &block, &err));
  koe_scan_block scanned = {.block = block};
  koe_scan_options options = {.k = 1, .least = -INFINITY};
  koe_candidates found = {0};
  assert_fails(koe_vector_scan(vectors, 3, &scanned, 1, &options, &found, &err), KOE_INVALID,
               "4 elements");
  assert_fails(koe_vector_scan(query, 4, &scanned, 1, &options, &found, &err), KOE_INVALID,
               "unit length");
  query[1] = 0;
  assert_fails(koe_vector_scan(query, 4, &scanned, 1, &options, &found, &err), KOE_INVALID,
               "unit length");
  /* No block, and no live list. */
  assert_ok(koe_vector_scan(vectors, 4, NULL, 0, &options, &found, &err));
  ck_assert_uint_eq(found.count, 0);
  assert_ok(koe_vector_scan(vectors, 4, &scanned, 1, &options, &found, &err));
  ck_assert_uint_eq(found.count, 1);
  ck_assert_uint_eq(found.items[0].slot, 0);
  koe_candidates_clear(&found);
  koe_vector_block_free(block);
}
END_TEST

/* Blocks of several shapes, made and freed in any order: each keeps what it holds. */
START_TEST(blocks_share_memory) {
  enum { BLOCKS = 200, STEPS = 1500 };
  koe_vector_block *blocks[BLOCKS] = {NULL};
  float vectors[BLOCKS][8];
  koe_candidates found = {0};
  koe_scan_options options = {.k = 1, .least = -INFINITY};
  start_random(80);
  for (size_t step = 0; step < STEPS; step++) {
    size_t b = random_bits() % BLOCKS, dimension = 5 + b % 3;
    if (blocks[b] == NULL) {
      for (size_t e = 0; e < dimension; e++)
        vectors[b][e] = random_element();
      ck_assert(koe_vector_normalize(vectors[b], dimension));
      assert_ok(koe_vector_block_new(vectors[b], 1, dimension, b % 2 == 0, &blocks[b], &err));
      continue;
    }
    koe_scan_block scanned = {.block = blocks[b]};
    assert_ok(koe_vector_scan(vectors[b], dimension, &scanned, 1, &options, &found, &err));
    ck_assert_uint_eq(found.count, 1);
    ck_assert_float_ge(found.items[0].lower, 0.999F);
    if (step % 3 == 0) {
      koe_vector_block_free(blocks[b]);
      blocks[b] = NULL;
    }
  }
  for (size_t b = 0; b < BLOCKS; b++)
    koe_vector_block_free(blocks[b]);
  koe_candidates_clear(&found);
}
END_TEST

/* ── memory ─────────────────────────────────────────────────────────────────────────────────────
 */

#ifdef KOE_FAULTS
static koe_status code_scan_and_train(const coded_rows *r, koe_candidates *found) {
  koe_vector_block *block;
  koe_vector_sketch sketch;
  koe_status status = koe_vector_block_new(r->vectors, 40, r->dimension, true, &block, &err);
  if (status != KOE_OK) return status;
  koe_scan_block scanned = {.block = block};
  koe_scan_options options = {.k = 20, .least = -INFINITY};
  status = koe_vector_scan(r->vectors, r->dimension, &scanned, 1, &options, found, &err);
  koe_vector_block_free(block);
  if (status != KOE_OK) return status;
  return koe_vector_sketch_train(r->vectors, r->count, r->dimension, 1, &sketch, &err);
}

START_TEST(without_memory) {
  coded_rows r = new_rows(512, 6);
  start_random(110);
  fill_rows(&r, UNIFORM);
  koe_candidates found = {0};
  koe_status status = KOE_NOMEM;
  long failures = 0;
  for (long n = 1; status != KOE_OK; n += n < 60 ? 1 : 97, failures++) {
    koe_candidates_clear(&found);
    koe_memory_fail_after(n);
    status = code_scan_and_train(&r, &found);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "status %d: %s", status, err.message);
  }
  ck_assert_int_gt(failures, 30);
  koe_candidates_clear(&found);
  free_rows(&r);
}
END_TEST
#endif

Suite *vector_scan_suite(void);

Suite *vector_scan_suite(void) {
  Suite *suite = suite_create("vector_scan");
  TCase *tests = tcase_create("vector_scan");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, exact_scans_miss_nothing, 0, 7);
  tcase_add_test(tests, bounds_hold);
  tcase_add_loop_test(tests, candidates_are_few, 0, 4);
  tcase_add_test(tests, strange_vectors_are_candidates);
  tcase_add_test(tests, large_dimensions);
  tcase_add_test(tests, threads_agree);
  tcase_add_test(tests, interrupts);
  tcase_add_test(tests, bad_arguments);
  tcase_add_test(tests, blocks_share_memory);
#ifdef KOE_FAULTS
  tcase_add_test(tests, without_memory);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
