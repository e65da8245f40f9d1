#include "linear.h"

void koe_linear_forward(const koe_linear *layer, const koe_kernels *kernels, const float *x,
                        size_t rows, float *y) {
  for (size_t r = 0; r < rows; r++) {
    kernels->dots(x + r * layer->in_features, layer->weight, layer->out_features,
                  layer->in_features, y + r * layer->out_features);
  }
}
