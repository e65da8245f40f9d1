/* Writes a checkpoint's encoder as an ONNX file, the peer of ours.
 *
 *   bench_onnx DIRECTORY float32|int8 OUT
 *
 * The graph is what ONNX Runtime's own optimizer makes of an exported ELECTRA, with its fused
 * operators:
 *
 *   input_ids, attention_mask [batch, sequence] int64
 *     EmbedLayerNormalization, embeddings_project
 *     12 × Attention, MatMul, SkipLayerNormalization, MatMul, BiasGelu, MatMul,
 * SkipLayerNormalization embedding [batch, 1, hidden] float32: mean over the tokens, scaled to unit
 * length
 *
 * int8 is what its quantize_dynamic makes, weights rounded per output channel: QAttention and
 * DynamicQuantizeMatMul.  All tokens are of the first segment, so its embedding is added to the
 * positions' here rather than in every run. */
#include "../../model/config.h"
#include "../../model/memory.h"
#include "../../model/weights.h"

#include "harness.h"
#include "onnx.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 160, NODE_BYTES = 512 };

typedef struct writer {
  koe_config config;
  koe_weights weights;
  koe_onnx onnx;
  bool int8;
  char value[NAME_BYTES]; /* what the last node gave */
  int values;             /* how many were named */
} writer;

__attribute__((format(printf, 2, 3))) static void join(char *out, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(out, NODE_BYTES, format, list);
  va_end(list);
}

static void *allocate(size_t count, size_t size) {
  void *memory = koe_alloc(count, size);
  if (memory == NULL) koe_bench_fail("not enough memory for the weights");
  return memory;
}

/* The tensor called `name` behind the checkpoint's prefix. */
static const float *get(writer *w, const char *name, size_t rows, size_t columns) {
  koe_error err;
  const float *elements;
  char full[NODE_BYTES];
  join(full, "%s%s", w->weights.prefix, name);
  koe_bench_check(koe_weights_get(&w->weights, full, rows, columns, &elements, &err), &err);
  return elements;
}

/* Writes the tensor `name` as it is, under its own name. */
static void copy(writer *w, const char *name, size_t rows, size_t columns) {
  koe_onnx_constant(&w->onnx, name, KOE_ONNX_FLOAT, rows, columns, get(w, name, rows, columns));
}

/* A name for what the next node gives. */
static void next_value(writer *w) {
  snprintf(w->value, sizeof w->value, "value%d", w->values++);
}

static void node(writer *w, bool microsoft, const char *operator, const char * inputs) {
  next_value(w);
  koe_onnx_node(&w->onnx, microsoft, operator, inputs, w->value);
}

/* ── matrices ─────────────────────────────────────────────────────────────────────────────────
 * A checkpoint has [outputs, inputs]; ONNX multiplies by [inputs, outputs].  `parts` of them stand
 * side by side under one name. */

/* Writes NAME, float32 [inputs, parts · outputs]. */
static void put_matrix(writer *w, const char *name, const float *const *weights, size_t parts,
                       size_t outputs, size_t inputs) {
  size_t columns = parts * outputs;
  float *matrix = allocate(inputs * columns, sizeof *matrix);
  for (size_t part = 0; part < parts; part++)
    for (size_t o = 0; o < outputs; o++)
      for (size_t i = 0; i < inputs; i++)
        matrix[i * columns + part * outputs + o] = weights[part][o * inputs + i];
  koe_onnx_constant(&w->onnx, name, KOE_ONNX_FLOAT, inputs, columns, matrix);
  koe_free(matrix);
}

/* Writes NAME, int8 [inputs, parts · outputs], and NAME.scale [parts · outputs]. */
static void put_int8_matrix(writer *w, const char *name, const float *const *weights, size_t parts,
                            size_t outputs, size_t inputs) {
  char scale_name[NODE_BYTES];
  size_t columns = parts * outputs;
  int8_t *matrix = allocate(inputs * columns, sizeof *matrix);
  float *scales = allocate(columns, sizeof *scales);
  for (size_t part = 0; part < parts; part++) {
    for (size_t o = 0; o < outputs; o++) {
      const float *row = weights[part] + o * inputs;
      size_t column = part * outputs + o;
      float largest = 0;
      for (size_t i = 0; i < inputs; i++)
        largest = fmaxf(largest, fabsf(row[i]));
      scales[column] = largest > 0 ? largest / 127 : 1;
      for (size_t i = 0; i < inputs; i++)
        matrix[i * columns + column] = (int8_t)lrintf(row[i] / scales[column]);
    }
  }
  join(scale_name, "%s.scale", name);
  koe_onnx_constant(&w->onnx, name, KOE_ONNX_INT8, inputs, columns, matrix);
  koe_onnx_constant(&w->onnx, scale_name, KOE_ONNX_FLOAT, columns, 0, scales);
  koe_free(matrix);
  koe_free(scales);
}

/* The product of the value `input` and the matrix NAME.weight, without bias. */
static void multiply(writer *w, const char *name, const char *input, size_t outputs,
                     size_t inputs) {
  char tensor[NODE_BYTES], in[NODE_BYTES];
  join(tensor, "%s.weight", name);
  const float *weights = get(w, tensor, outputs, inputs);
  if (w->int8) {
    put_int8_matrix(w, tensor, &weights, 1, outputs, inputs);
    join(in, "%s %s %s.scale", input, tensor, tensor);
    node(w, true, "DynamicQuantizeMatMul", in);
  } else {
    put_matrix(w, tensor, &weights, 1, outputs, inputs);
    join(in, "%s %s", input, tensor);
    node(w, false, "MatMul", in);
  }
}

/* ── the encoder ──────────────────────────────────────────────────────────────────────────────
 */

static void put_positions(writer *w) {
  size_t positions = (size_t)w->config.max_position_embeddings;
  size_t width = (size_t)w->config.embedding_size, types = (size_t)w->config.type_vocab_size;
  const float *rows = get(w, "embeddings.position_embeddings.weight", positions, width);
  const float *type = get(w, "embeddings.token_type_embeddings.weight", types, width);
  float *sums = allocate(positions * width, sizeof *sums);
  for (size_t i = 0; i < positions * width; i++)
    sums[i] = rows[i] + type[i % width];
  koe_onnx_constant(&w->onnx, "positions", KOE_ONNX_FLOAT, positions, width, sums);
  koe_free(sums);
}

static void embeddings(writer *w) {
  size_t width = (size_t)w->config.embedding_size, hidden = (size_t)w->config.hidden_size;
  char in[NODE_BYTES];
  copy(w, "embeddings.word_embeddings.weight", (size_t)w->config.vocab_size, width);
  copy(w, "embeddings.LayerNorm.weight", width, 0);
  copy(w, "embeddings.LayerNorm.bias", width, 0);
  put_positions(w);
  koe_onnx_node(&w->onnx, false, "Cast", "input_ids", "ids");
  koe_onnx_integer(&w->onnx, "to", KOE_ONNX_INT32);
  koe_onnx_node(&w->onnx, false, "Cast", "attention_mask", "mask");
  koe_onnx_integer(&w->onnx, "to", KOE_ONNX_INT32);
  koe_onnx_node(&w->onnx, true, "EmbedLayerNormalization",
                "ids - embeddings.word_embeddings.weight positions - "
                "embeddings.LayerNorm.weight embeddings.LayerNorm.bias mask",
                "embedded lengths");
  koe_onnx_float(&w->onnx, "epsilon", w->config.layer_norm_eps);
  snprintf(w->value, sizeof w->value, "embedded");
  if (width == hidden) return;
  multiply(w, "embeddings_project", "embedded", hidden, width);
  copy(w, "embeddings_project.bias", hidden, 0);
  join(in, "%s embeddings_project.bias", w->value);
  node(w, false, "Add", in);
}

/* Query, key and value as one product, and what attention makes of them. */
static void self_attention(writer *w, const char *layer) {
  static const char *const parts[] = {"query", "key", "value"};
  size_t hidden = (size_t)w->config.hidden_size;
  char name[NODE_BYTES], in[NODE_BYTES];
  const float *weights[3];
  float *bias = allocate(3 * hidden, sizeof *bias);
  for (size_t i = 0; i < 3; i++) {
    join(name, "%s.attention.self.%s.weight", layer, parts[i]);
    weights[i] = get(w, name, hidden, hidden);
    join(name, "%s.attention.self.%s.bias", layer, parts[i]);
    memcpy(bias + i * hidden, get(w, name, hidden, 0), hidden * sizeof *bias);
  }
  join(name, "%s.qkv.bias", layer);
  koe_onnx_constant(&w->onnx, name, KOE_ONNX_FLOAT, 3 * hidden, 0, bias);
  koe_free(bias);
  join(name, "%s.qkv", layer);
  if (w->int8) {
    char rounded[NODE_BYTES];
    put_int8_matrix(w, name, weights, 3, hidden, hidden);
    join(rounded, "%s.int8 %s.int8.scale %s.int8.zero", layer, layer, layer);
    koe_onnx_node(&w->onnx, false, "DynamicQuantizeLinear", w->value, rounded);
    join(in, "%s.int8 %s %s.bias %s.int8.scale %s.scale lengths %s.int8.zero", layer, name, name,
         layer, name, layer);
    node(w, true, "QAttention", in);
  } else {
    put_matrix(w, name, weights, 3, hidden, hidden);
    join(in, "%s %s %s.bias lengths", w->value, name, name);
    node(w, true, "Attention", in);
  }
  koe_onnx_integer(&w->onnx, "num_heads", w->config.num_attention_heads);
}

/* LayerNorm(value + bias of DENSE + skip). */
static void skip_norm(writer *w, const char *dense, const char *norm, const char *skip) {
  size_t hidden = (size_t)w->config.hidden_size;
  char gamma[NODE_BYTES], beta[NODE_BYTES], bias[NODE_BYTES], in[NODE_BYTES];
  join(gamma, "%s.weight", norm);
  join(beta, "%s.bias", norm);
  join(bias, "%s.bias", dense);
  copy(w, gamma, hidden, 0);
  copy(w, beta, hidden, 0);
  copy(w, bias, hidden, 0);
  join(in, "%s %s %s %s %s", w->value, skip, gamma, beta, bias);
  node(w, true, "SkipLayerNormalization", in);
  koe_onnx_float(&w->onnx, "epsilon", w->config.layer_norm_eps);
}

static void encoder_layer(writer *w, int index) {
  size_t hidden = (size_t)w->config.hidden_size, wide = (size_t)w->config.intermediate_size;
  char layer[NODE_BYTES], dense[NODE_BYTES], norm[NODE_BYTES], in[NODE_BYTES], skip[NAME_BYTES];
  join(layer, "encoder.layer.%d", index);
  memcpy(skip, w->value, sizeof skip);
  self_attention(w, layer);
  join(dense, "%s.attention.output.dense", layer);
  join(norm, "%s.attention.output.LayerNorm", layer);
  multiply(w, dense, w->value, hidden, hidden);
  skip_norm(w, dense, norm, skip);
  memcpy(skip, w->value, sizeof skip);

  join(dense, "%s.intermediate.dense", layer);
  multiply(w, dense, w->value, wide, hidden);
  join(norm, "%s.bias", dense);
  copy(w, norm, wide, 0);
  join(in, "%s %s", w->value, norm);
  node(w, true, "BiasGelu", in);
  join(dense, "%s.output.dense", layer);
  join(norm, "%s.output.LayerNorm", layer);
  multiply(w, dense, w->value, hidden, wide);
  skip_norm(w, dense, norm, skip);
}

/* The mean over the tokens has the direction of their sum: the mask times the hidden states. */
static void pooling(writer *w) {
  static const int64_t axis = 1;
  char hidden[NAME_BYTES], in[NODE_BYTES];
  memcpy(hidden, w->value, sizeof hidden);
  node(w, false, "Cast", "attention_mask");
  koe_onnx_integer(&w->onnx, "to", KOE_ONNX_FLOAT);
  koe_onnx_constant(&w->onnx, "axis", KOE_ONNX_INT64, 1, 0, &axis);
  join(in, "%s axis", w->value);
  node(w, false, "Unsqueeze", in);
  join(in, "%s %s", w->value, hidden);
  node(w, false, "MatMul", in);
  koe_onnx_node(&w->onnx, false, "LpNormalization", w->value, "embedding");
  koe_onnx_integer(&w->onnx, "axis", -1);
  koe_onnx_integer(&w->onnx, "p", 2);
}

int main(int argc, char **argv) {
  writer w = {0};
  koe_checkpoint *checkpoint;
  koe_error err;
  if (argc != 4) {
    fprintf(stderr, "usage: bench_onnx DIRECTORY float32|int8 OUT\n");
    return EXIT_FAILURE;
  }
  w.int8 = strcmp(argv[2], "int8") == 0;
  koe_bench_check(koe_config_read(argv[1], &w.config, &err), &err);
  koe_bench_check(koe_checkpoint_open(argv[1], &checkpoint, &err), &err);
  koe_bench_check(koe_weights_init(&w.weights, checkpoint, &err), &err);

  koe_onnx_input(&w.onnx, "input_ids", KOE_ONNX_INT64);
  koe_onnx_input(&w.onnx, "attention_mask", KOE_ONNX_INT64);
  koe_onnx_output(&w.onnx, "embedding", KOE_ONNX_FLOAT, (size_t)w.config.hidden_size);
  embeddings(&w);
  for (int i = 0; i < w.config.num_hidden_layers; i++)
    encoder_layer(&w, i);
  pooling(&w);
  errno = 0;
  if (!koe_onnx_write(&w.onnx, argv[3])) koe_bench_fail(argv[3]);
  koe_checkpoint_free(checkpoint);
  koe_config_clear(&w.config);
  return EXIT_SUCCESS;
}
