/* Nearest vectors in memory: coded blocks, exact and approximate, beside float32 dot products.
 *
 *   bench_vector_scan ROWS DIMENSION random|clustered|FILE [QUERIES [THREADS]]
 *
 * FILE holds float32 vectors, little-endian, one after the other: the last QUERIES become queries,
 * and ROWS of the others rows.  Prints a line a way of searching: milliseconds a query, how many
 * times as fast as float32 in the same run, candidates, and of the 10 nearest how many it found. */
#include "../../model/memory.h"
#include "../../model/parallel.h"
#include "../../model/search/vector_scan.h"
#include "../../model/search/vectors.h"

#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAREST = 10, CLUSTERS = 1000, MAX_QUERIES = 1000 };

typedef struct state {
  size_t rows, dimension, queries, blocks;
  float *vectors; /* [rows + queries, dimension], the queries last */
  bool signs;
  koe_scan_block *scanned;   /* [blocks] */
  float tenth[MAX_QUERIES];  /* similarity of a query's NEAREST-th row */
  double spent[MAX_QUERIES]; /* seconds of each query */
} state;

static void *allocate(size_t count, size_t size) {
  void *memory = koe_alloc_aligned(count, size);
  if (memory == NULL) koe_bench_fail("not enough memory");
  return memory;
}

static uint64_t random_state = 1;

/* Source: Marsaglia 2003 (xorshift). */
static double uniform(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return ((double)(random_state >> 11) + 0.5) * 0x1p-53;
}

static float gaussian(void) {
  return (float)(sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979 * uniform()));
}

static void fill(state *s, const char *kind) {
  size_t n = s->dimension, total = s->rows + s->queries;
  s->vectors = allocate(total * n, sizeof *s->vectors);
  if (strcmp(kind, "random") == 0 || strcmp(kind, "clustered") == 0) {
    float *centres = allocate(CLUSTERS * n, sizeof *centres);
    for (size_t i = 0; i < CLUSTERS * n; i++)
      centres[i] = kind[0] == 'c' ? gaussian() : 0;
    for (size_t i = 0; i < total; i++) {
      const float *centre = centres + (size_t)(uniform() * CLUSTERS) * n;
      for (size_t e = 0; e < n; e++)
        s->vectors[i * n + e] = centre[e] + gaussian() * 0.7F;
    }
    koe_free(centres);
  } else {
    FILE *file = fopen(kind, "rb");
    if (file == NULL || fread(s->vectors, n * sizeof(float), total, file) != total)
      koe_bench_fail(kind);
    fclose(file);
  }
  for (size_t i = 0; i < total; i++) {
    if (!koe_vector_normalize(s->vectors + i * n, n)) koe_bench_fail("a vector of zeros");
  }
}

static koe_status code_block(void *context, size_t index, koe_error *err) {
  const state *s = context;
  size_t first = index * KOE_BLOCK_SLOTS, rest = s->rows - first;
  koe_vector_block *block;
  koe_status status = koe_vector_block_new(s->vectors + first * s->dimension,
                                           rest < KOE_BLOCK_SLOTS ? rest : KOE_BLOCK_SLOTS,
                                           s->dimension, s->signs, &block, err);
  s->scanned[index] = (koe_scan_block){.block = block};
  return status;
}

static void code(state *s, bool signs, size_t threads) {
  koe_error err;
  double start = koe_bench_now();
  s->signs = signs;
  koe_bench_check(koe_parallel(s->blocks, threads, code_block, s, &err), &err);
  size_t bytes = s->blocks * koe_vector_block_bytes_for(s->dimension, signs);
  printf("coded %s signs in %.3f s, %.1f MB\n", signs ? "with" : "without", koe_bench_now() - start,
         (double)bytes / 1e6);
}

static void uncode(const state *s) {
  for (size_t b = 0; b < s->blocks; b++)
    koe_vector_block_free((koe_vector_block *)s->scanned[b].block);
}

static const float *query_of(const state *s, size_t q) {
  return s->vectors + (s->rows + q) * s->dimension;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median of the queries' times, in milliseconds. */
static double median(state *s) {
  qsort(s->spent, s->queries, sizeof *s->spent, compare_doubles);
  return s->spent[s->queries / 2] * 1000;
}

/* Milliseconds a query of comparing all rows in float32. */
static double measure_floats(state *s) {
  float dots[KOE_BLOCK_SLOTS];
  for (size_t q = 0; q < s->queries; q++) {
    double start = koe_bench_now();
    koe_top_k top;
    koe_top_k_init(&top, NEAREST);
    for (size_t first = 0; first < s->rows; first += KOE_BLOCK_SLOTS) {
      size_t rest = s->rows - first, size = rest < KOE_BLOCK_SLOTS ? rest : KOE_BLOCK_SLOTS;
      koe_vector_dots(query_of(s, q), s->vectors + first * s->dimension, size, s->dimension, dots);
      for (size_t i = 0; i < size; i++) {
        if (!koe_top_k_offer(&top, (int64_t)(first + i), dots[i])) koe_bench_fail("memory");
      }
    }
    koe_top_k_finish(&top);
    s->spent[q] = koe_bench_now() - start;
    s->tenth[q] = top.heap[top.count - 1].similarity;
    koe_top_k_clear(&top);
  }
  return median(s);
}

static void measure(state *s, const char *name, const koe_vector_sketch *sketch, size_t threads,
                    double floats) {
  koe_scan_options options = {
      .k = NEAREST, .least = -INFINITY, .threads = threads, .sketch = sketch};
  koe_candidates found = {0};
  koe_error err;
  size_t candidates = 0, rescored = 0, hits = 0;
  for (size_t q = 0; q < s->queries; q++) {
    double start = koe_bench_now();
    koe_top_k top;
    koe_top_k_init(&top, NEAREST);
    koe_bench_check(koe_vector_scan(query_of(s, q), s->dimension, s->scanned, s->blocks, &options,
                                    &found, &err),
                    &err);
    for (size_t i = 0; i < found.count; i++, rescored++) {
      const koe_candidate *c = &found.items[i];
      if (top.count == NEAREST && c->upper < top.heap[0].similarity) break;
      size_t row = (size_t)c->block * KOE_BLOCK_SLOTS + c->slot;
      float dot;
      koe_vector_dots(query_of(s, q), s->vectors + row * s->dimension, 1, s->dimension, &dot);
      if (!koe_top_k_offer(&top, (int64_t)row, dot)) koe_bench_fail("memory");
    }
    s->spent[q] = koe_bench_now() - start;
    for (size_t i = 0; i < top.count; i++)
      hits += top.heap[i].similarity >= s->tenth[q];
    candidates += found.count;
    koe_top_k_clear(&top);
  }
  double spent = median(s), queries = (double)s->queries;
  printf(
      "%-12s %zu threads  %8.3f ms  %6.1f x float32  %7.1f candidates  %7.1f rescored  recall %.4f\n",
      name, threads, spent, floats / spent, (double)candidates / queries,
      (double)rescored / queries, (double)hits / queries / NEAREST);
  koe_candidates_clear(&found);
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: bench_vector_scan ROWS DIMENSION random|clustered|FILE [QUERIES "
                    "[THREADS]]\n");
    return EXIT_FAILURE;
  }
  state s = {.rows = strtoul(argv[1], NULL, 10), .dimension = strtoul(argv[2], NULL, 10)};
  size_t threads = argc > 5 ? strtoul(argv[5], NULL, 10) : 2;
  s.queries = argc > 4 ? strtoul(argv[4], NULL, 10) : 50;
  if (s.rows < NEAREST || s.queries < 1 || s.queries > MAX_QUERIES) koe_bench_fail("counts");
  fill(&s, argv[3]);
  s.blocks = (s.rows + KOE_BLOCK_SLOTS - 1) / KOE_BLOCK_SLOTS;
  s.scanned = allocate(s.blocks, sizeof *s.scanned);
  printf("%zu x %zu %s, %zu queries\n", s.rows, s.dimension, argv[3], s.queries);
  double floats = measure_floats(&s);
  printf("%-12s 1 threads  %8.3f ms\n", "float32", floats);
  code(&s, false, threads);
  for (size_t t = 1; t <= threads; t++)
    measure(&s, "exact", NULL, t, floats);
  uncode(&s);
  code(&s, true, threads);
  koe_vector_sketch sketch;
  koe_error err;
  size_t sample = s.rows < KOE_SKETCH_SAMPLE ? s.rows : KOE_SKETCH_SAMPLE;
  double start = koe_bench_now();
  koe_bench_check(koe_vector_sketch_train(s.vectors, sample, s.dimension, threads, &sketch, &err),
                  &err);
  printf("trained in %.3f s, confidence %.2f\n", koe_bench_now() - start,
         (double)sketch.confidence);
  for (size_t t = 1; t <= threads; t++)
    measure(&s, "approximate", &sketch, t, floats);
  uncode(&s);
  koe_free(s.scanned);
  koe_free(s.vectors);
  return EXIT_SUCCESS;
}
