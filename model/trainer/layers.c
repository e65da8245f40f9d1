#include "layers.h"

#include <cblas.h>
#include <math.h>

/* ── linear ─────────────────────────────────────────────────────────────────────────────────────
 */

/* The product of the layer's form; see bfloat16_product.h. */
static void multiply(koe_products products, const koe_product *p) {
  if (products.multiply != NULL) {
    products.multiply(p, products.scratch);
    return;
  }
  blasint rows = (blasint)p->rows, columns = (blasint)p->columns, depth = (blasint)p->depth;
  cblas_sgemm(CblasRowMajor, p->a_transposed ? CblasTrans : CblasNoTrans,
              p->b_transposed ? CblasTrans : CblasNoTrans, rows, columns, depth, 1, p->a,
              p->a_transposed ? rows : depth, p->b, p->b_transposed ? depth : columns, p->keep,
              p->c, columns);
}

void koe_trained_linear_forward(const koe_trained_linear *linear, const float *values,
                                koe_products products, const float *x, size_t rows, float *y) {
  const koe_product product = {.rows = rows,
                               .columns = linear->out_features,
                               .depth = linear->in_features,
                               .a = x,
                               .b = values + linear->weight,
                               .b_transposed = true,
                               .c = y};
  multiply(products, &product);
}

void koe_trained_linear_forward_bias(const koe_trained_linear *linear, const float *values,
                                     const koe_kernels *kernels, koe_products products,
                                     const float *x, size_t rows, float *y) {
  koe_trained_linear_forward(linear, values, products, x, rows, y);
  kernels->add_bias(y, values + linear->bias, rows, linear->out_features);
}

void koe_trained_linear_backward(const koe_trained_linear *linear, const float *values,
                                 koe_products products, const float *dy, const float *x,
                                 size_t rows, float keep, float *dx, float *gradients) {
  const koe_product weight = {.rows = linear->out_features,
                              .columns = linear->in_features,
                              .depth = rows,
                              .a = dy,
                              .a_transposed = true,
                              .b = x,
                              .keep = 1,
                              .c = gradients + linear->weight};
  multiply(products, &weight);
  if (dx == NULL) return;
  const koe_product input = {.rows = rows,
                             .columns = linear->in_features,
                             .depth = linear->out_features,
                             .a = dy,
                             .b = values + linear->weight,
                             .keep = keep,
                             .c = dx};
  multiply(products, &input);
}

void koe_trained_linear_backward_bias(const koe_trained_linear *linear, const float *values,
                                      const koe_loops *loops, koe_products products,
                                      const float *dy, const float *x, size_t rows, float keep,
                                      float *dx, float *gradients) {
  loops->add_columns(dy, rows, linear->out_features, gradients + linear->bias);
  koe_trained_linear_backward(linear, values, products, dy, x, rows, keep, dx, gradients);
}

/* ── attention ──────────────────────────────────────────────────────────────────────────────────
 */

size_t koe_attention_probabilities(const koe_batch *batch, size_t heads) {
  size_t count = 0;
  for (size_t s = 0; s < batch->sequences; s++) {
    size_t length = batch->starts[s + 1] - batch->starts[s];
    count += heads * length * length;
  }
  return count;
}

/* One head of one sequence: pointers are to its first row and column. */
typedef struct head {
  const float *query, *key, *value; /* rows 3 · hidden apart */
  blasint length, size, stride, hidden;
  float scale;
  uint32_t first; /* index of its probabilities among all */
} head;

static head find_head(const koe_trained_encoder *encoder, const float *qkv, size_t start,
                      size_t length, size_t index, size_t first) {
  size_t hidden = encoder->hidden_size, size = hidden / encoder->num_heads;
  const float *query = qkv + start * 3 * hidden + index * size;
  return (head){.query = query,
                .key = query + hidden,
                .value = query + 2 * hidden,
                .length = (blasint)length,
                .size = (blasint)size,
                .stride = (blasint)(3 * hidden),
                .hidden = (blasint)hidden,
                .scale = 1 / sqrtf((float)size),
                .first = (uint32_t)first};
}

static void forward_head(const koe_trained_encoder *encoder, const head *h, koe_dropout dropout,
                         float *probabilities, float *work, float *out) {
  size_t length = (size_t)h->length;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, h->length, h->length, h->size, 1, h->query,
              h->stride, h->key, h->stride, 0, probabilities, h->length);
  encoder->kernels->softmax(probabilities, h->scale, length, length, length);
  const float *kept = probabilities;
  if (dropout.threshold != 0) {
    encoder->loops->dropout(probabilities, dropout, h->first, length * length, work);
    kept = work;
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, h->length, h->size, h->length, 1, kept,
              h->length, h->value, h->stride, 0, out, h->hidden);
}

void koe_trained_attention_forward(const koe_trained_encoder *encoder, const float *qkv,
                                   const koe_batch *batch, koe_dropout dropout,
                                   float *probabilities, float *work, float *out) {
  size_t hidden = encoder->hidden_size, size = hidden / encoder->num_heads, first = 0;
  for (size_t s = 0; s < batch->sequences; s++) {
    size_t start = batch->starts[s], length = batch->starts[s + 1] - start;
    for (size_t i = 0; i < encoder->num_heads; i++, first += length * length) {
      head h = find_head(encoder, qkv, start, length, i, first);
      forward_head(encoder, &h, dropout, probabilities + first, work,
                   out + start * hidden + i * size);
    }
  }
}

/* dvalue = keptᵀ · dout; dprobabilities = dout · valueᵀ, through dropout and softmax to the scores;
 * dquery = dscores · key; dkey = dscoresᵀ · query. */
static void backward_head(const koe_trained_encoder *encoder, const head *h, koe_dropout dropout,
                          const float *probabilities, const float *dout, float *work,
                          float *dquery) {
  size_t length = (size_t)h->length, square = length * length;
  float *dscores = work, *dkey = dquery + h->hidden, *dvalue = dquery + 2 * h->hidden;
  const float *kept = probabilities;
  if (dropout.threshold != 0) {
    encoder->loops->dropout(probabilities, dropout, h->first, square, work + square);
    kept = work + square;
  }
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, h->length, h->size, h->length, 1, kept,
              h->length, dout, h->hidden, 0, dvalue, h->stride);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, h->length, h->length, h->size, 1, dout,
              h->hidden, h->value, h->stride, 0, dscores, h->length);
  encoder->loops->dropout(dscores, dropout, h->first, square, dscores);
  encoder->loops->softmax_backward(dscores, probabilities, h->scale, length, length);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, h->length, h->size, h->length, 1, dscores,
              h->length, h->key, h->stride, 0, dquery, h->stride);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, h->length, h->size, h->length, 1, dscores,
              h->length, h->query, h->stride, 0, dkey, h->stride);
}

void koe_trained_attention_backward(const koe_trained_encoder *encoder, const float *dout,
                                    const float *qkv, const float *probabilities,
                                    const koe_batch *batch, koe_dropout dropout, float *work,
                                    float *dqkv) {
  size_t hidden = encoder->hidden_size, size = hidden / encoder->num_heads, first = 0;
  for (size_t s = 0; s < batch->sequences; s++) {
    size_t start = batch->starts[s], length = batch->starts[s + 1] - start;
    for (size_t i = 0; i < encoder->num_heads; i++, first += length * length) {
      head h = find_head(encoder, qkv, start, length, i, first);
      backward_head(encoder, &h, dropout, probabilities + first, dout + start * hidden + i * size,
                    work, dqkv + start * 3 * hidden + i * size);
    }
  }
}

/* ── embedding tables ───────────────────────────────────────────────────────────────────────────
 */

void koe_trained_tables_forward(const koe_trained_encoder *encoder, const float *values,
                                const koe_batch *batch, float *out) {
  size_t width = encoder->embedding_size;
  for (size_t s = 0; s < batch->sequences; s++) {
    for (size_t t = batch->starts[s]; t < batch->starts[s + 1]; t++) {
      const float *word = values + encoder->words + (size_t)batch->token_ids[t] * width;
      const float *position = values + encoder->positions + (t - batch->starts[s]) * width;
      const float *type = values + encoder->types + (size_t)batch->token_type_ids[t] * width;
      float *out_t = out + t * width;
      for (size_t c = 0; c < width; c++)
        out_t[c] = word[c] + position[c] + type[c];
    }
  }
}

void koe_trained_tables_backward(const koe_trained_encoder *encoder, const float *dout,
                                 const koe_batch *batch, float *gradients) {
  size_t width = encoder->embedding_size;
  const koe_loops *loops = encoder->loops;
  for (size_t s = 0; s < batch->sequences; s++) {
    for (size_t t = batch->starts[s]; t < batch->starts[s + 1]; t++) {
      size_t position = t - batch->starts[s];
      size_t word = (size_t)batch->token_ids[t], type = (size_t)batch->token_type_ids[t];
      loops->add(dout + t * width, 1, width, gradients + encoder->words + word * width);
      loops->add(dout + t * width, 1, width, gradients + encoder->positions + position * width);
      loops->add(dout + t * width, 1, width, gradients + encoder->types + type * width);
    }
  }
}
