#include "linear.h"

#include <cblas.h>

void koe_linear_forward(const koe_linear *layer, const float *x, size_t x_stride, size_t rows,
                        float *y) {
  blasint in = (blasint)layer->in_features, out = (blasint)layer->out_features;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, out, in, 1, x,
              (blasint)x_stride, layer->weight, in, 0, y, out);
}
