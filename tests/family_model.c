#include "family_model.h"

#include "../model/hash.h"
#include "registry_support.h"
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Source: config.json of huggingface.co/monologg/koelectra-*. */
const family_model family_models[FAMILY_MODELS] = {
    {"koelectra-base-discriminator", 32200, 768, 768, 12, 3072, false},
    {"koelectra-base-generator", 32200, 768, 256, 4, 1024, true},
    {"koelectra-base-v2-discriminator", 32200, 768, 768, 12, 3072, false},
    {"koelectra-base-v2-generator", 32200, 768, 256, 4, 1024, true},
    {"koelectra-base-v3-discriminator", 35000, 768, 768, 12, 3072, false},
    {"koelectra-base-v3-generator", 35000, 768, 256, 4, 1024, true},
    {"koelectra-small-discriminator", 32200, 128, 256, 4, 1024, false},
    {"koelectra-small-generator", 32200, 128, 256, 4, 1024, true},
    {"koelectra-small-v2-discriminator", 32200, 128, 256, 4, 1024, false},
    {"koelectra-small-v2-generator", 32200, 128, 256, 4, 1024, true},
    {"koelectra-small-v3-discriminator", 35000, 128, 256, 4, 1024, false},
    {"koelectra-small-v3-generator", 35000, 128, 256, 4, 1024, true},
};

/* ── parameters ─────────────────────────────────────────────────────────────────────────────────
 */

/* A list being made. */
typedef struct tensor_list {
  family_tensor *items;
  size_t count;
  bool generator;
} tensor_list;

static void add(tensor_list *list, const char *name, int64_t rows, int64_t columns) {
  static const char shared[] = "electra.embeddings.";
  ck_assert_uint_lt(list->count, FAMILY_MAX_TENSORS);
  family_tensor *tensor = &list->items[list->count++];
  memset(tensor, 0, sizeof *tensor);
  snprintf(tensor->name, sizeof tensor->name, "%s", name);
  tensor->dims = columns > 0 ? 2 : 1;
  tensor->shape[0] = rows;
  tensor->shape[1] = columns;
  tensor->count = (size_t)(rows * (columns > 0 ? columns : 1));
  uint64_t hash = koe_hash(KOE_HASH_START, name, strlen(name));
  if (list->generator && strncmp(name, shared, sizeof shared - 1) != 0)
    hash = koe_hash(hash, "generator", 9);
  tensor->seed = (size_t)(hash % 1000003);
}

static void add_linear(tensor_list *list, const char *name, int64_t out, int64_t in) {
  char full[96];
  snprintf(full, sizeof full, "%s.weight", name);
  add(list, full, out, in);
  snprintf(full, sizeof full, "%s.bias", name);
  add(list, full, out, 0);
}

static void add_layer(tensor_list *list, int layer, int64_t hidden, int64_t intermediate) {
  const struct {
    const char *name;
    int64_t out, in; /* 0: of LayerNorm */
  } parts[] = {
      {"attention.self.query", hidden, hidden},  {"attention.self.key", hidden, hidden},
      {"attention.self.value", hidden, hidden},  {"attention.output.dense", hidden, hidden},
      {"attention.output.LayerNorm", hidden, 0}, {"intermediate.dense", intermediate, hidden},
      {"output.dense", hidden, intermediate},    {"output.LayerNorm", hidden, 0},
  };
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    char name[96];
    snprintf(name, sizeof name, "electra.encoder.layer.%d.%s", layer, parts[i].name);
    add_linear(list, name, parts[i].out, parts[i].in);
  }
}

size_t family_tensors(const family_model *model, family_tensor out[FAMILY_MAX_TENSORS]) {
  tensor_list list = {.items = out, .generator = model->generator};
  int64_t hidden = model->hidden_size, embedding = model->embedding_size;
  add(&list, "electra.embeddings.word_embeddings.weight", model->vocab_size, embedding);
  add(&list, "electra.embeddings.position_embeddings.weight", FAMILY_POSITIONS, embedding);
  add(&list, "electra.embeddings.token_type_embeddings.weight", 2, embedding);
  add_linear(&list, "electra.embeddings.LayerNorm", embedding, 0);
  if (embedding != hidden) add_linear(&list, "electra.embeddings_project", hidden, embedding);
  for (int layer = 0; layer < FAMILY_LAYERS; layer++)
    add_layer(&list, layer, hidden, model->intermediate_size);
  if (model->generator) {
    add_linear(&list, "generator_predictions.LayerNorm", embedding, 0);
    add_linear(&list, "generator_predictions.dense", embedding, hidden);
    add(&list, "generator_lm_head.bias", model->vocab_size, 0);
  } else {
    add_linear(&list, "discriminator_predictions.dense", hidden, hidden);
    add_linear(&list, "discriminator_predictions.dense_prediction", 1, hidden);
  }
  return list.count;
}

/* Numbers that repeat, at a period that divides no width of a model. */
enum { PERIOD = 262139 };
static float numbers[PERIOD];
static pthread_once_t numbers_made = PTHREAD_ONCE_INIT;

static void make_numbers(void) {
  uint64_t state = 1;
  for (size_t i = 0; i < PERIOD; i++) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    numbers[i] = ((float)(state >> 40) / 0x1p23f - 1) * 0.06f;
  }
}

void family_fill(const family_tensor *tensor, size_t first, size_t count, float *out) {
  pthread_once(&numbers_made, make_numbers);
  size_t at = (tensor->seed + first) % PERIOD;
  for (size_t done = 0; done < count;) {
    size_t piece = PERIOD - at < count - done ? PERIOD - at : count - done;
    memcpy(out + done, numbers + at, piece * sizeof *out);
    done += piece;
    at = 0;
  }
  if (strstr(tensor->name, "LayerNorm.weight") == NULL) return;
  for (size_t i = 0; i < count; i++)
    out[i] += 1;
}

/* ── configuration ──────────────────────────────────────────────────────────────────────────────
 */

/* Special tokens, syllables, syllables within words, and filling. */
static void write_vocab(const family_model *model, const char *directory) {
  enum { FIRST = 0xAC00, SYLLABLES = 11172 };
  static const char *const specials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  FILE *file = fopen(file_in(directory, "vocab.txt"), "w");
  ck_assert_ptr_nonnull(file);
  for (int id = 0; id < model->vocab_size; id++) {
    int syllable = (id - 5) % SYLLABLES + FIRST;
    if (id < 5) {
      fprintf(file, "%s\n", specials[id]);
    } else if (id < 5 + 2 * SYLLABLES) {
      fprintf(file, "%s%c%c%c\n", id < 5 + SYLLABLES ? "" : "##", 0xE0 | syllable >> 12,
              0x80 | (syllable >> 6 & 0x3F), 0x80 | (syllable & 0x3F));
    } else {
      fprintf(file, "[unused%d]\n", id);
    }
  }
  ck_assert_int_eq(fclose(file), 0);
}

void family_write_config(const family_model *model, const char *directory) {
  json_t *config = json_pack(
      "{s:[s], s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:i, s:s, s:s,"
      " s:b, s:s, s:f}",
      "architectures", model->generator ? "ElectraForMaskedLM" : "ElectraForPreTraining",
      "model_type", "electra", "vocab_size", model->vocab_size, "embedding_size",
      model->embedding_size, "hidden_size", model->hidden_size, "num_hidden_layers", FAMILY_LAYERS,
      "num_attention_heads", model->heads, "intermediate_size", model->intermediate_size,
      "max_position_embeddings", FAMILY_POSITIONS, "type_vocab_size", 2, "hidden_act", "gelu",
      "hidden_dropout_prob", 0.1, "attention_probs_dropout_prob", 0.1, "initializer_range", 0.02,
      "layer_norm_eps", 1e-12, "pad_token_id", 0, "position_embedding_type", "absolute",
      "summary_type", "first", "summary_use_proj", 1, "summary_activation", "gelu",
      "summary_last_dropout", 0.1);
  ck_assert_ptr_nonnull(config);
  ck_assert_int_eq(json_dump_file(config, file_in(directory, "config.json"), JSON_INDENT(2)), 0);
  json_decref(config);
  static const char tokenizer[] = "{\"do_lower_case\": false, \"model_max_length\": 512}\n";
  write_file(file_in(directory, "tokenizer_config.json"), tokenizer, sizeof tokenizer - 1);
  write_vocab(model, directory);
}
