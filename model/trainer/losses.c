#include "losses.h"

#include <math.h>
#include <string.h>

static size_t index_of_largest(const float *x, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++) {
    if (x[i] > x[best]) best = i;
  }
  return best;
}

/* p = softmax(scale · z); returns log Σ exp(scale · z), by way of the largest probability, which is
 * no smaller than 1 / n, so that no digit is lost.  z and p may be one. */
static double softmax(const koe_kernels *kernels, const float *z, float scale, size_t n, float *p) {
  size_t best = index_of_largest(z, n);
  double largest = (double)scale * z[best];
  if (p != z) memcpy(p, z, n * sizeof *p);
  kernels->softmax(p, scale, 1, n, n);
  return largest - log(p[best]);
}

static void scale_row(float *x, size_t n, float scale) {
  for (size_t i = 0; i < n; i++)
    x[i] *= scale;
}

double koe_loss_cross_entropy(const koe_kernels *kernels, const float *outputs,
                              const int32_t *labels, const float *weights, size_t rows,
                              size_t columns, float scale, float *doutputs) {
  double loss = 0;
  for (size_t r = 0; r < rows; r++, outputs += columns, doutputs += columns) {
    if (labels[r] == KOE_NO_LABEL) {
      memset(doutputs, 0, columns * sizeof *doutputs);
      continue;
    }
    float target = outputs[labels[r]], weight = weights != NULL ? weights[labels[r]] : 1;
    loss += weight * (softmax(kernels, outputs, 1, columns, doutputs) - target);
    doutputs[labels[r]] -= 1;
    scale_row(doutputs, columns, scale * weight);
  }
  return loss;
}

double koe_loss_distillation(const koe_kernels *kernels, const float *outputs, const float *teacher,
                             size_t rows, size_t columns, float temperature, float scale,
                             float *work, float *doutputs) {
  double loss = 0, square = (double)temperature * temperature;
  float *p = work, *q = work + columns;
  for (size_t r = 0; r < rows; r++, outputs += columns, teacher += columns, doutputs += columns) {
    if (isnan(teacher[0])) continue;
    double log_sum = softmax(kernels, outputs, 1 / temperature, columns, p);
    softmax(kernels, teacher, 1 / temperature, columns, q);
    for (size_t c = 0; c < columns; c++) {
      loss += square * q[c] * (log_sum - (double)outputs[c] / temperature);
      doutputs[c] += scale * temperature * (p[c] - q[c]);
    }
  }
  return loss;
}

double koe_loss_squared(const float *outputs, const float *targets, size_t rows, float scale,
                        float *doutputs) {
  double loss = 0;
  for (size_t r = 0; r < rows; r++) {
    float error = outputs[r] - targets[r];
    loss += (double)error * error;
    doutputs[r] = 2 * scale * error;
  }
  return loss;
}

double koe_loss_binary(const float *outputs, const int32_t *labels, size_t rows, float scale,
                       float *doutputs) {
  double loss = 0;
  for (size_t r = 0; r < rows; r++) {
    float z = outputs[r], small = expf(-fabsf(z)),
          p = z >= 0 ? 1 / (1 + small) : small / (1 + small);
    if (labels[r] == KOE_NO_LABEL) {
      doutputs[r] = 0;
      continue;
    }
    /* log(1 + exp z) - label · z, without overflow */
    loss += (z > 0 ? z : 0) + log1pf(small) - (float)labels[r] * z;
    doutputs[r] = scale * (p - (float)labels[r]);
  }
  return loss;
}

/* One column of one sequence: outputs and doutputs are 2 apart. */
static double answer_column(const koe_kernels *kernels, const float *outputs, size_t length,
                            int32_t label, float scale, float *work, float *doutputs) {
  for (size_t t = 0; t < length; t++)
    work[t] = outputs[2 * t];
  double loss =
      koe_loss_cross_entropy(kernels, work, &label, NULL, 1, length, scale / 2, work + length);
  for (size_t t = 0; t < length; t++)
    doutputs[2 * t] = work[length + t];
  return loss / 2;
}

double koe_loss_answers(const koe_kernels *kernels, const float *outputs, const koe_batch *batch,
                        const int32_t *labels, float scale, float *work, float *doutputs) {
  double loss = 0;
  for (size_t s = 0; s < batch->sequences; s++) {
    size_t start = batch->starts[s], length = batch->starts[s + 1] - start;
    for (size_t end = 0; end < 2; end++) {
      loss += answer_column(kernels, outputs + 2 * start + end, length, labels[2 * s + end], scale,
                            work, doutputs + 2 * start + end);
    }
  }
  return loss;
}
