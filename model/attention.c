#include "attention.h"

#include <cblas.h>
#include <math.h>

size_t koe_attention_scratch(size_t longest, size_t head_size) {
  (void)head_size;
  return (longest * longest + 15) & ~(size_t)15;
}

/* One head of one sequence of `length` tokens; pointers are to its first row and column. */
static void forward_head(const koe_kernels *kernels, const float *query, const float *key,
                         const float *value, size_t length, size_t head_size, size_t hidden,
                         float *out, float *scores) {
  blasint n = (blasint)length, d = (blasint)head_size, stride = (blasint)(3 * hidden);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, d, 1, query, stride, key, stride, 0,
              scores, n);
  kernels->softmax(scores, 1 / sqrtf((float)head_size), length, length, length);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, d, n, 1, scores, n, value, stride, 0,
              out, (blasint)hidden);
}

void koe_attention_forward(const koe_kernels *kernels, const float *qkv, const koe_batch *batch,
                           size_t hidden, size_t heads, float *out, float *work) {
  size_t head_size = hidden / heads;
  for (size_t s = 0; s < batch->sequences; s++) {
    size_t start = batch->starts[s], length = batch->starts[s + 1] - start;
    const float *rows = qkv + start * 3 * hidden;
    for (size_t h = 0; h < heads; h++) {
      const float *query = rows + h * head_size;
      forward_head(kernels, query, query + hidden, query + 2 * hidden, length, head_size, hidden,
                   out + start * hidden + h * head_size, work);
    }
  }
}
