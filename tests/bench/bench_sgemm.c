/* What the machine can do in float32: OpenBLAS, one thread, a large square product.
 *
 *   bench_sgemm
 *
 * The command `run` is answered by the operations (a multiplication and an addition are two) and
 * seconds of one product. */
#include "../../model/memory.h"

#include "harness.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 2048 };

typedef struct matrices {
  float *a, *b, *c; /* [SIDE, SIDE] */
} matrices;

static float *allocate(void) {
  float *matrix = koe_alloc_aligned((size_t)SIDE * SIDE, sizeof *matrix);
  if (matrix == NULL) koe_bench_fail("not enough memory for the matrices");
  for (int i = 0; i < SIDE * SIDE; i++)
    matrix[i] = (float)(i % 101) - 50;
  return matrix;
}

static void run(void *context, char **arguments, int count) {
  matrices *m = context;
  (void)arguments, (void)count;
  double start = koe_bench_now();
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, SIDE, SIDE, SIDE, 1, m->a, SIDE, m->b, SIDE,
              0, m->c, SIDE);
  printf("%.0f %.6f\n", 2.0 * SIDE * SIDE * SIDE, koe_bench_now() - start);
}

int main(void) {
  static const koe_bench_command commands[] = {{"run", run}, {NULL, NULL}};
  matrices m = {allocate(), allocate(), allocate()};
  koe_bench_serve(commands, &m);
  koe_free(m.a);
  koe_free(m.b);
  koe_free(m.c);
  return EXIT_SUCCESS;
}
