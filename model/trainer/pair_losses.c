/* Losses of pairs of sentence embeddings. */
#include "losses.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

double koe_loss_contrastive(const koe_kernels *kernels, const float *a, const float *b,
                            const int32_t *groups, size_t pairs, size_t columns, float temperature,
                            float scale, float *work, float *da, float *db) {
  blasint n = (blasint)pairs, width = (blasint)columns;
  double loss = 0;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, width, 1 / temperature, a, width, b,
              width, 0, work, n);
  for (size_t i = 0; i < pairs; i++) {
    float *row = work + i * pairs;
    for (size_t j = 0; groups != NULL && j < pairs; j++) {
      if (j != i && groups[j] == groups[i]) row[j] = -1e4f;
    }
    int32_t label = (int32_t)i;
    loss += koe_loss_cross_entropy(kernels, row, &label, NULL, 1, pairs, scale / temperature, row);
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, width, n, 1, work, n, b, width, 0, da,
              width);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, width, n, 1, work, n, a, width, 0, db,
              width);
  return loss;
}

/* The gradient of one cosine: da = d · b, db = d · a. */
static void cosine_backward(const float *a, const float *b, size_t columns, float d, float *da,
                            float *db) {
  for (size_t c = 0; c < columns; c++) {
    da[c] = d * b[c];
    db[c] = d * a[c];
  }
}

double koe_loss_teacher_embeddings(const koe_loops *loops, const float *a, const float *b,
                                   const float *const *teacher, size_t pairs, size_t columns,
                                   float scale, float *da, float *db) {
  double loss = 0;
  for (size_t i = 0; i < pairs; i++) {
    size_t first = i * columns;
    const float *of_a = teacher[i], *of_b = of_a + columns;
    loss += 1 - (loops->dot(a + first, of_a, columns) + loops->dot(b + first, of_b, columns)) / 2;
    for (size_t c = 0; c < columns; c++) {
      da[first + c] = -scale / 2 * of_a[c];
      db[first + c] = -scale / 2 * of_b[c];
    }
  }
  return loss;
}

double koe_loss_cosine(const koe_loops *loops, const float *a, const float *b,
                       const float *similarities, size_t pairs, size_t columns, float scale,
                       float *da, float *db) {
  double loss = 0;
  for (size_t i = 0; i < pairs; i++) {
    size_t first = i * columns;
    float cosine = (float)loops->dot(a + first, b + first, columns), d;
    loss += koe_loss_squared(&cosine, &similarities[i], 1, scale, &d);
    cosine_backward(a + first, b + first, columns, d, da + first, db + first);
  }
  return loss;
}

/* The largest exponent, 0 that of the 1 included: what keeps the sum below from overflowing. */
static float largest_difference(const float *cosines, const float *similarities, size_t pairs,
                                float temperature) {
  float largest = 0;
  for (size_t i = 0; i < pairs; i++) {
    for (size_t j = 0; j < pairs; j++) {
      float z = (cosines[j] - cosines[i]) / temperature;
      if (similarities[i] > similarities[j] && z > largest) largest = z;
    }
  }
  return largest;
}

double koe_loss_cosent(const koe_loops *loops, const float *a, const float *b,
                       const float *similarities, size_t pairs, size_t columns, float temperature,
                       float scale, float *work, float *da, float *db) {
  float *cosines = work, *d = work + pairs;
  for (size_t i = 0; i < pairs; i++) {
    cosines[i] = (float)loops->dot(a + i * columns, b + i * columns, columns);
    d[i] = 0;
  }
  float largest = largest_difference(cosines, similarities, pairs, temperature);
  double sum = exp(-largest);
  for (size_t i = 0; i < pairs; i++) {
    for (size_t j = 0; j < pairs; j++) {
      if (similarities[i] <= similarities[j]) continue;
      float term = expf((cosines[j] - cosines[i]) / temperature - largest);
      sum += term;
      d[j] += term;
      d[i] -= term;
    }
  }
  for (size_t i = 0; i < pairs; i++) {
    size_t first = i * columns;
    cosine_backward(a + first, b + first, columns, d[i] * scale / (temperature * (float)sum),
                    da + first, db + first);
  }
  return largest + log(sum);
}
