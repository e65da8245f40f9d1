/* Products of int8 matrices: each kernel table on the layers of a KoELECTRA size, and what the
 * processor's own instruction reaches on registers alone.
 *
 *   bench_int8 [rows [hidden [intermediate]]]
 *
 * 1000, 256 and 1024 where not given.  One thread, processor time; billions of multiply-adds a
 * second. */
#include "../../model/kernels/int8.h"
#include "../../model/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const names[] = {"portable", "avx2", "avxvnni", "avx512vnni", "neon", "neondot"};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *allocate(size_t count, size_t size) {
  void *memory = koe_alloc_aligned(count, size);
  if (memory == NULL) exit(EXIT_FAILURE);
  memset(memory, 1, count * size);
  return memory;
}

/* Multiply-adds a second of `kernels` on one layer. */
static double measure(const koe_int8_kernels *kernels, size_t rows, size_t inputs, size_t outputs,
                      double *quantize) {
  size_t padded = koe_int8_panels(outputs) * KOE_INT8_PANEL;
  koe_int8_matrix matrix = {.in_features = inputs,
                            .out_features = outputs,
                            .weights = allocate(padded, koe_int8_padded(inputs)),
                            .scales = allocate(padded, sizeof(float)),
                            .offsets = allocate(padded, sizeof(int32_t))};
  float *x = allocate(rows * inputs, sizeof *x), *y = allocate(rows * outputs, sizeof *y);
  float *scales = allocate(rows, sizeof *scales);
  void *rounded = allocate(rows * koe_int8_padded(inputs), kernels->input_size);
  for (size_t i = 0; i < rows * inputs; i++)
    x[i] = (float)(i % 101) - 50;
  double best = 1e9, best_quantize = 1e9, spent = 0;
  while (spent < 0.3) {
    double start = now();
    kernels->quantize(x, rows, inputs, rounded, scales);
    double middle = now();
    kernels->multiply(&matrix, rounded, scales, rows, NULL, y);
    double end = now();
    if (middle - start < best_quantize) best_quantize = middle - start;
    if (end - middle < best) best = end - middle;
    spent += end - start;
  }
  koe_free(matrix.weights);
  koe_free(matrix.scales);
  koe_free(matrix.offsets);
  koe_free(x);
  koe_free(y);
  koe_free(scales);
  koe_free(rounded);
  *quantize = (double)(rows * inputs) / best_quantize;
  return (double)(rows * inputs * outputs) / best;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Multiply-adds a second of vpdpbusd on registers: sums enough to hide its latency. */
__attribute__((target("avx512f,avx512vnni"))) static double peak(void) {
  enum { ROUNDS = 1 << 20, SUMS = 8 };
  __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(2), s = a;
  __m512i s0 = s, s1 = s, s2 = s, s3 = s, s4 = s, s5 = s, s6 = s, s7 = s;
  double best = 1e9;
  for (int run = 0; run < 50; run++) {
    double start = now();
    for (int round = 0; round < ROUNDS; round++) {
      __asm__ volatile("vpdpbusd %8, %9, %0\nvpdpbusd %8, %9, %1\nvpdpbusd %8, %9, %2\n"
                       "vpdpbusd %8, %9, %3\nvpdpbusd %8, %9, %4\nvpdpbusd %8, %9, %5\n"
                       "vpdpbusd %8, %9, %6\nvpdpbusd %8, %9, %7"
                       : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6),
                         "+v"(s7)
                       : "v"(a), "v"(b));
    }
    double spent = now() - start;
    if (spent < best) best = spent;
  }
  return 64.0 * SUMS * ROUNDS / best;
}
#endif

int main(int argc, char **argv) {
  size_t rows = argc > 1 ? (size_t)atol(argv[1]) : 1000;
  size_t hidden = argc > 2 ? (size_t)atol(argv[2]) : 256;
  size_t wide = argc > 3 ? (size_t)atol(argv[3]) : 1024;
  const struct {
    const char *name;
    size_t inputs, outputs;
  } layers[] = {{"query, key, value", hidden, 3 * hidden},
                {"attention output", hidden, hidden},
                {"intermediate", hidden, wide},
                {"output", wide, hidden}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const koe_int8_kernels *kernels = koe_int8_named(names[i]);
    if (kernels == NULL) continue;
    double highest = 0;
#if defined(__x86_64__)
    if (strcmp(kernels->name, "avx512vnni") == 0) highest = peak();
#endif
    for (size_t l = 0; l < sizeof layers / sizeof layers[0]; l++) {
      double quantize;
      double rate = measure(kernels, rows, layers[l].inputs, layers[l].outputs, &quantize);
      printf("%s, %s: %.1f G/s", kernels->name, layers[l].name, rate * 1e-9);
      if (highest > 0) printf(", %.0f %% of %.1f", 100 * rate / highest, highest * 1e-9);
      printf("; rounding %.2f G/s\n", quantize * 1e-9);
    }
  }
  return EXIT_SUCCESS;
}
