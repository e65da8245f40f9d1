#include "checkpoint_writer.h"

#include "../json_file.h"
#include "../memory.h"
#include "../path.h"
#include "file_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* json_pack and json_object_update_new give NULL and -1 where memory is short; functions that build
 * JSON pass that on as NULL. */

/* A float as the shortest decimal that reads back as it: 1e-12, not 9.9999999600419720e-13. */
static json_t *json_float(float number) {
  char text[32];
  double shortest = (double)number;
  for (int digits = 1; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)number);
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    shortest = json_real_value(value);
    json_decref(value);
    if ((float)shortest == number) break;
  }
  return json_real(shortest);
}

static const char *activation_name(koe_activation activation) {
  switch (activation) {
  case KOE_GELU_TANH:
    return "gelu_new";
  case KOE_RELU:
    return "relu";
  case KOE_GELU_ERF:
    break;
  }
  return "gelu";
}

/* ── config.json ────────────────────────────────────────────────────────────────────────────────
 */

/* Adds id2label and label2id.  False if memory is short. */
static bool add_labels(json_t *json, const koe_config *config) {
  if (config->labels == NULL) return true;
  json_t *names = json_object();
  json_t *ids = json_object();
  bool ok = names != NULL && ids != NULL;
  for (int32_t i = 0; ok && i < config->num_labels; i++) {
    char key[16];
    snprintf(key, sizeof key, "%d", i);
    ok = json_object_set_new(names, key, json_string(config->labels[i])) == 0 &&
         json_object_set_new(ids, config->labels[i], json_integer(i)) == 0;
  }
  ok = ok && json_object_set(json, "id2label", names) == 0 &&
       json_object_set(json, "label2id", ids) == 0;
  json_decref(names);
  json_decref(ids);
  return ok;
}

/* The keys of transformers' ElectraConfig.
 * Source: Hugging Face transformers, models/electra/configuration_electra.py. */
json_t *koe_config_json(const koe_checkpoint_output *output) {
  const koe_config *config = output->config;
  json_t *json = json_pack(
      "{s:[s], s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "architectures", config->architecture,
      "model_type", "electra", "vocab_size", config->vocab_size, "embedding_size",
      config->embedding_size, "hidden_size", config->hidden_size, "num_hidden_layers",
      config->num_hidden_layers, "num_attention_heads", config->num_attention_heads,
      "intermediate_size", config->intermediate_size, "max_position_embeddings",
      config->max_position_embeddings, "type_vocab_size", config->type_vocab_size);
  json_t *rest =
      json_pack("{s:s, s:o, s:o, s:o, s:f, s:s, s:i, s:s, s:b, s:s, s:f, s:s}", "hidden_act",
                activation_name(config->hidden_act), "hidden_dropout_prob",
                json_float(output->dropout), "attention_probs_dropout_prob",
                json_float(output->dropout), "layer_norm_eps", json_float(config->layer_norm_eps),
                "initializer_range", 0.02, "position_embedding_type", "absolute", "pad_token_id", 0,
                "summary_type", "first", "summary_use_proj", 1, "summary_activation", "gelu",
                "summary_last_dropout", 0.1, "torch_dtype", koe_dtype_name(output->dtype));
  bool ok = json != NULL && rest != NULL && json_object_update(json, rest) == 0;
  if (ok && output->problem_type != NULL) {
    ok = json_object_set_new(json, "problem_type", json_string(output->problem_type)) == 0;
  }
  ok = ok && add_labels(json, config);
  json_decref(rest);
  if (ok) return json;
  json_decref(json);
  return NULL;
}

/* ── the other files ────────────────────────────────────────────────────────────────────────────
 */

json_t *koe_tokenizer_json(const koe_checkpoint_output *output) {
  const koe_tokenizer_options *options = &output->config->tokenizer;
  return json_pack("{s:s, s:b, s:b, s:b, s:i, s:s, s:s, s:s, s:s, s:s}", "tokenizer_class",
                   "ElectraTokenizer", "do_lower_case", options->do_lower_case, "strip_accents",
                   options->strip_accents, "tokenize_chinese_chars",
                   options->tokenize_chinese_chars, "model_max_length",
                   output->config->model_max_length, "unk_token", options->unk_token, "sep_token",
                   options->sep_token, "pad_token", options->pad_token, "cls_token",
                   options->cls_token, "mask_token", options->mask_token);
}

static json_t *pooling_json(const koe_checkpoint_output *output) {
  bool cls = output->config->pooling == KOE_POOL_CLS;
  return json_pack("{s:i, s:b, s:b, s:b, s:b}", "word_embedding_dimension",
                   output->config->hidden_size, "pooling_mode_cls_token", cls,
                   "pooling_mode_mean_tokens", !cls, "pooling_mode_max_tokens", 0,
                   "pooling_mode_mean_sqrt_len_tokens", 0);
}

/* The steps that sentence-transformers takes: encoder, pooling, length 1. */
static json_t *modules_json(const koe_checkpoint_output *output) {
  (void)output;
  return json_pack("[{s:i, s:s, s:s, s:s}, {s:i, s:s, s:s, s:s}, {s:i, s:s, s:s, s:s}]", "idx", 0,
                   "name", "0", "path", "", "type", "sentence_transformers.models.Transformer",
                   "idx", 1, "name", "1", "path", "1_Pooling", "type",
                   "sentence_transformers.models.Pooling", "idx", 2, "name", "2", "path",
                   "2_Normalize", "type", "sentence_transformers.models.Normalize");
}

/* The integer that a real number is, or NULL where it is none.  Files are read with all numbers as
 * reals (json_file.h); software that reads what is written wants sizes to be integers. */
static json_t *integer_of(const json_t *value) {
  int64_t number;
  if (!json_is_real(value) || !koe_json_whole(value, INT64_MIN, INT64_MAX, &number)) return NULL;
  return json_integer((json_int_t)number);
}

/* Makes integers of the whole numbers in an object or array, and in what it holds. */
static void restore_integers(json_t *json) {
  for (size_t i = 0; i < json_array_size(json); i++) {
    json_t *item = json_array_get(json, i), *integer = integer_of(item);
    restore_integers(item);
    if (integer != NULL) json_array_set_new(json, i, integer);
  }
  for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
    json_t *item = json_object_iter_value(at), *integer = integer_of(item);
    restore_integers(item);
    if (integer != NULL) json_object_iter_set_new(json, at, integer);
  }
}

/* Drops `json`; NULL is exhausted memory. */
koe_status koe_write_json(const char *directory, const char *name, json_t *json, koe_error *err) {
  restore_integers(json);
  /* 9 digits tell floats apart; 17, jansson's default, would spell 0.1 as 0.10000000000000001. */
  char *text = json != NULL ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(json);
  if (text == NULL) return koe_fail_nomem(err);
  size_t length = strlen(text);
  text[length] = '\n'; /* in place of the NUL */
  koe_status status = koe_write_whole_file(directory, name, text, length + 1, err);
  free(text);
  return status;
}

static koe_status write_pooling(const char *directory, const koe_checkpoint_output *output,
                                koe_error *err) {
  char *folder = koe_path_join(directory, "1_Pooling");
  if (folder == NULL) return koe_fail_nomem(err);
  koe_status status = koe_make_directory(folder, err);
  if (status == KOE_OK) status = koe_write_json(folder, "config.json", pooling_json(output), err);
  if (status == KOE_OK)
    status = koe_write_json(directory, "modules.json", modules_json(output), err);
  koe_free(folder);
  return status;
}

/* ── interface ──────────────────────────────────────────────────────────────────────────────────
 */

/* The weights are written first, since they may fail or fill the disk, and named last. */
koe_status koe_checkpoint_write(const char *directory, const koe_checkpoint_output *output,
                                koe_error *err) {
  koe_file_writer weights = {0};
  if (output->config->architecture[0] == '\0') {
    return koe_fail(err, KOE_INVALID, "a checkpoint needs the name of its architecture");
  }
  koe_status status = koe_make_directory(directory, err);
  if (status != KOE_OK) return status;
  status = koe_file_writer_open(directory, "model.safetensors", &weights, err);
  if (status != KOE_OK) goto cleanup;
  status =
      koe_safetensors_write(&weights, output->tensors, output->tensor_count, output->dtype, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_file_writer_close(&weights, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_write_whole_file(directory, "vocab.txt", output->vocab, output->vocab_length, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_write_json(directory, "tokenizer_config.json", koe_tokenizer_json(output), err);
  if (status != KOE_OK) goto cleanup;
  if (output->sentence_embeddings) status = write_pooling(directory, output, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_write_json(directory, "config.json", koe_config_json(output), err);
  if (status != KOE_OK) goto cleanup;
  status = koe_file_writer_publish(&weights, err);
  if (status == KOE_OK) status = koe_flush_directory(directory, err);

cleanup:
  koe_file_writer_abandon(&weights);
  return status;
}
