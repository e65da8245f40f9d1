#include "config.h"

#include "json_file.h"
#include "memory.h"
#include "path.h"

#include <stdio.h>
#include <string.h>

enum {
  MAX_LABELS = 100000,
  MIN_POSITIONS = 3, /* [CLS], a token, [SEP] */
};

/* A JSON file of the directory and its path, for messages. */
typedef struct config_file {
  json_t *json; /* NULL where an optional file is absent */
  char *path;
} config_file;

static void close_file(config_file *file) {
  json_decref(file->json);
  koe_free(file->path);
  memset(file, 0, sizeof *file);
}

/* Opens `name` in the directory; close_file releases `file`, also after a failure. */
static koe_status open_file(const koe_directory *directory, const char *name, config_file *file,
                            koe_error *err) {
  koe_file_map map;
  file->json = NULL;
  file->path = koe_path_join(directory->path, name);
  if (file->path == NULL) return koe_fail_nomem(err);
  if (!koe_directory_has(directory, name, file->path)) return KOE_OK;
  koe_status status = koe_directory_open(directory, name, file->path, &map, err);
  if (status != KOE_OK) return status;
  status = koe_json_read_object(&map, file->path, &file->json, err);
  koe_file_map_close(&map);
  return status;
}

/* Copies a string into a field of `size` bytes.  False if it does not fit. */
static bool copy_field(const char *string, char *field, size_t size) {
  size_t length = strlen(string);
  if (length >= size) return false;
  memcpy(field, string, length + 1);
  return true;
}

/* ── config.json ────────────────────────────────────────────────────────────────────────────────
 */

static koe_status read_architecture(const config_file *file, koe_config *out, koe_error *err) {
  const json_t *names = json_object_get(file->json, "architectures");
  const json_t *first = json_array_get(names, 0);
  if (names != NULL && !json_is_null(names) && !json_is_array(names)) {
    return koe_fail(err, KOE_FORMAT, "%s: \"architectures\" is %s; expected an array of strings",
                    file->path, koe_json_type_name(names));
  }
  if (first != NULL && !json_is_string(first)) {
    return koe_fail(err, KOE_FORMAT, "%s: \"architectures\" holds %s; expected strings", file->path,
                    koe_json_type_name(first));
  }
  if (first != NULL &&
      !copy_field(json_string_value(first), out->architecture, sizeof out->architecture)) {
    return koe_fail(err, KOE_FORMAT, "%s: the name in \"architectures\" is longer than %zu bytes",
                    file->path, sizeof out->architecture - 1);
  }
  return KOE_OK;
}

/* An ELECTRA model?  Old files have no model_type; the architecture then tells. */
static koe_status check_model_type(const config_file *file, const koe_config *config,
                                   koe_error *err) {
  const char *type = NULL;
  koe_status status = koe_json_string(file->json, file->path, "model_type", &type, err);
  if (status != KOE_OK) return status;
  if (type != NULL && strcmp(type, "electra") != 0) {
    return koe_fail(err, KOE_FORMAT, "%s: \"model_type\" is \"%.64s\"; only \"electra\" is read",
                    file->path, type);
  }
  const char *name = config->architecture;
  if (type == NULL && name[0] != '\0' && strncmp(name, "Electra", 7) != 0) {
    return koe_fail(err, KOE_FORMAT, "%s: the architecture is \"%s\"; only ELECTRA models are read",
                    file->path, name);
  }
  return KOE_OK;
}

/* Sizes that config.json omits are those of transformers' ElectraConfig.
 * Source: Hugging Face transformers, models/electra/configuration_electra.py. */
static koe_status read_sizes(const config_file *file, koe_config *out, koe_error *err) {
  const struct {
    const char *key;
    int32_t *field;
    int32_t low, high, missing;
  } sizes[] = {
      {"vocab_size", &out->vocab_size, 1, 10000000, 30522},
      {"embedding_size", &out->embedding_size, 1, 65536, 128},
      {"hidden_size", &out->hidden_size, 1, 65536, 256},
      {"num_hidden_layers", &out->num_hidden_layers, 1, 1024, 12},
      {"num_attention_heads", &out->num_attention_heads, 1, 1024, 4},
      {"intermediate_size", &out->intermediate_size, 1, 1048576, 1024},
      {"max_position_embeddings", &out->max_position_embeddings, MIN_POSITIONS, 1048576, 512},
      {"type_vocab_size", &out->type_vocab_size, 1, 1024, 2},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    *sizes[i].field = sizes[i].missing;
    koe_status status = koe_json_int(file->json, file->path, sizes[i].key, sizes[i].low,
                                     sizes[i].high, sizes[i].field, err);
    if (status != KOE_OK) return status;
  }
  if (out->hidden_size % out->num_attention_heads != 0) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: \"hidden_size\" %d is not a multiple of \"num_attention_heads\" %d",
                    file->path, out->hidden_size, out->num_attention_heads);
  }
  return KOE_OK;
}

static koe_status read_layer_norm_eps(const config_file *file, koe_config *out, koe_error *err) {
  double eps = 1e-12;
  koe_status status = koe_json_number(file->json, file->path, "layer_norm_eps", &eps, err);
  if (status != KOE_OK) return status;
  out->layer_norm_eps = (float)eps;
  if (out->layer_norm_eps > 0 && eps < 1) return KOE_OK;
  return koe_fail(err, KOE_FORMAT, "%s: \"layer_norm_eps\" is %g; expected a small positive number",
                  file->path, eps);
}

static koe_status read_activation(const config_file *file, koe_config *out, koe_error *err) {
  static const struct {
    const char *name;
    koe_activation activation;
  } activations[] = {
      {"gelu", KOE_GELU_ERF},      {"gelu_python", KOE_GELU_ERF},
      {"gelu_new", KOE_GELU_TANH}, {"gelu_pytorch_tanh", KOE_GELU_TANH},
      {"relu", KOE_RELU},
  };
  const char *name = "gelu";
  koe_status status = koe_json_string(file->json, file->path, "hidden_act", &name, err);
  if (status != KOE_OK) return status;
  for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
    if (strcmp(activations[i].name, name) == 0) {
      out->hidden_act = activations[i].activation;
      return KOE_OK;
    }
  }
  return koe_fail(err, KOE_FORMAT,
                  "%s: \"hidden_act\" is \"%.64s\"; read are gelu, gelu_new, gelu_pytorch_tanh and "
                  "relu",
                  file->path, name);
}

/* Refuses variants of the architecture whose outputs would silently be wrong. */
static koe_status check_variant(const config_file *file, koe_error *err) {
  const char *positions = "absolute";
  bool decoder = false;
  koe_status status =
      koe_json_string(file->json, file->path, "position_embedding_type", &positions, err);
  if (status == KOE_OK) {
    status = koe_json_bool(file->json, file->path, "is_decoder", &decoder, err);
  }
  if (status != KOE_OK) return status;
  if (strcmp(positions, "absolute") != 0) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: \"position_embedding_type\" is \"%.64s\"; only \"absolute\" is read",
                    file->path, positions);
  }
  if (decoder) {
    return koe_fail(err, KOE_FORMAT, "%s: \"is_decoder\" is true; only encoders are read",
                    file->path);
  }
  return KOE_OK;
}

/* As transformers assumes where nothing is said. */
static koe_status read_tied(const config_file *file, koe_config *out, koe_error *err) {
  out->tie_word_embeddings = true;
  return koe_json_bool(file->json, file->path, "tie_word_embeddings", &out->tie_word_embeddings,
                       err);
}

static koe_status read_dtype(const config_file *file, koe_config *out, koe_error *err) {
  const char *name = NULL;
  koe_status status = koe_json_string(file->json, file->path, "torch_dtype", &name, err);
  out->stored_int8 = status == KOE_OK && name != NULL && strcmp(name, "int8") == 0;
  return status;
}

/* A label: a string, or a whole number, which stands for its digits. */
static koe_status copy_label(const config_file *file, const json_t *value, size_t id, char **out,
                             koe_error *err) {
  char digits[32];
  const char *label = json_string_value(value);
  int64_t number;
  if (label == NULL && koe_json_whole(value, INT32_MIN, INT32_MAX, &number)) {
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    label = digits;
  }
  if (label == NULL) {
    return koe_fail(err, KOE_FORMAT, "%s: \"id2label\": the label of %zu is %s; expected a string",
                    file->path, id, koe_json_type_name(value));
  }
  *out = koe_copy_string(label, strlen(label));
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

/* id2label, else num_labels.  Where both are there id2label counts, as in transformers. */
static koe_status read_labels(const config_file *file, koe_config *out, koe_error *err) {
  const json_t *map = json_object_get(file->json, "id2label");
  if (map == NULL || json_is_null(map)) {
    return koe_json_int(file->json, file->path, "num_labels", 0, MAX_LABELS, &out->num_labels, err);
  }
  size_t count = json_object_size(map);
  if (!json_is_object(map) || count == 0 || count > MAX_LABELS) {
    return koe_fail(err, KOE_FORMAT, "%s: \"id2label\" is not an object of 1 to %d labels",
                    file->path, MAX_LABELS);
  }
  out->labels = koe_alloc_zero(count, sizeof *out->labels);
  if (out->labels == NULL) return koe_fail_nomem(err);
  out->num_labels = (int32_t)count;
  for (size_t id = 0; id < count; id++) {
    char key[32];
    snprintf(key, sizeof key, "%zu", id);
    const json_t *value = json_object_get(map, key);
    if (value == NULL) {
      return koe_fail(err, KOE_FORMAT,
                      "%s: \"id2label\" has %zu labels, but none for \"%zu\": expected \"0\" to "
                      "\"%zu\"",
                      file->path, count, id, count - 1);
    }
    koe_status status = copy_label(file, value, id, &out->labels[id], err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

static koe_status read_model(const koe_directory *directory, koe_config *out, koe_error *err) {
  config_file file;
  koe_status status = open_file(directory, "config.json", &file, err);
  if (status == KOE_OK && file.json == NULL) {
    status = koe_fail(err, KOE_IO, "\"%s\" has no config.json", directory->path);
  }
  if (status == KOE_OK) status = read_architecture(&file, out, err);
  if (status == KOE_OK) status = check_model_type(&file, out, err);
  if (status == KOE_OK) status = check_variant(&file, err);
  if (status == KOE_OK) status = read_sizes(&file, out, err);
  if (status == KOE_OK) status = read_layer_norm_eps(&file, out, err);
  if (status == KOE_OK) status = read_activation(&file, out, err);
  if (status == KOE_OK) status = read_tied(&file, out, err);
  if (status == KOE_OK) status = read_dtype(&file, out, err);
  if (status == KOE_OK) status = read_labels(&file, out, err);
  close_file(&file);
  return status;
}

/* ── tokenizer_config.json ──────────────────────────────────────────────────────────────────────
 */

/* A special token: a string, or the object that an AddedToken is saved as. */
static koe_status read_special(const config_file *file, const char *key, char *field, size_t size,
                               koe_error *err) {
  const json_t *value = json_object_get(file->json, key);
  if (value == NULL || json_is_null(value)) return KOE_OK;
  if (json_is_object(value)) value = json_object_get(value, "content");
  const char *token = json_string_value(value);
  if (token == NULL) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: \"%s\" is neither a string nor an object with a string \"content\"",
                    file->path, key);
  }
  if (token[0] == '\0' || !copy_field(token, field, size)) {
    return koe_fail(err, KOE_FORMAT, "%s: \"%s\" has %zu bytes; expected 1 to %zu", file->path, key,
                    strlen(token), size - 1);
  }
  return KOE_OK;
}

static koe_status read_specials(const config_file *file, koe_tokenizer_options *options,
                                koe_error *err) {
  const struct {
    const char *key;
    char *field;
  } specials[] = {
      {"unk_token", options->unk_token},   {"sep_token", options->sep_token},
      {"pad_token", options->pad_token},   {"cls_token", options->cls_token},
      {"mask_token", options->mask_token},
  };
  for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
    koe_status status =
        read_special(file, specials[i].key, specials[i].field, sizeof options->unk_token, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

/* model_max_length, or max_len as transformers before 4.0 called it.  Where there is no limit
 * transformers writes 1e30. */
static koe_status read_max_length(const config_file *file, koe_config *out, koe_error *err) {
  double length = out->max_position_embeddings;
  const char *key = "max_len";
  koe_status status = koe_json_number(file->json, file->path, key, &length, err);
  if (status == KOE_OK && json_is_number(json_object_get(file->json, "model_max_length"))) {
    key = "model_max_length";
  }
  if (status == KOE_OK) {
    status = koe_json_number(file->json, file->path, "model_max_length", &length, err);
  }
  if (status != KOE_OK) return status;
  if (!(length >= MIN_POSITIONS)) {
    return koe_fail(err, KOE_FORMAT, "%s: \"%s\" is %g; expected at least %d tokens", file->path,
                    key, length, MIN_POSITIONS);
  }
  if (length < out->max_position_embeddings) out->model_max_length = (int32_t)length;
  return KOE_OK;
}

/* A missing key means the same as a missing file: KoELECTRA's setting.  (transformers would assume
 * do_lower_case, which no KoELECTRA vocabulary is made for.) */
static koe_status read_tokenizer(const koe_directory *directory, koe_config *out, koe_error *err) {
  config_file file;
  koe_tokenizer_options *options = &out->tokenizer;
  *options = koe_tokenizer_options_default();
  out->model_max_length = out->max_position_embeddings;
  koe_status status = open_file(directory, "tokenizer_config.json", &file, err);
  if (status != KOE_OK || file.json == NULL) goto cleanup;
  status = koe_json_bool(file.json, file.path, "do_lower_case", &options->do_lower_case, err);
  if (status != KOE_OK) goto cleanup;
  options->strip_accents = options->do_lower_case; /* as BertTokenizerFast, unless it is said */
  status = koe_json_bool(file.json, file.path, "strip_accents", &options->strip_accents, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_json_bool(file.json, file.path, "tokenize_chinese_chars",
                         &options->tokenize_chinese_chars, err);
  if (status == KOE_OK) status = read_max_length(&file, out, err);
  if (status == KOE_OK) status = read_specials(&file, options, err);

cleanup:
  close_file(&file);
  return status;
}

/* ── 1_Pooling/config.json ──────────────────────────────────────────────────────────────────────
 */

/* Finds the pooling modes that are on, a key "pooling_mode_NAME" each.  sentence-transformers
 * concatenates the vectors of several, which is refused. */
static koe_status read_modes(const config_file *file, bool *mean, bool *cls, koe_error *err) {
  static const char prefix[] = "pooling_mode_";
  const char *key;
  json_t *value;
  json_object_foreach(file->json, key, value) {
    if (strncmp(key, prefix, sizeof prefix - 1) != 0) continue;
    bool on = false;
    koe_status status = koe_json_bool(file->json, file->path, key, &on, err);
    if (status != KOE_OK) return status;
    const char *mode = key + sizeof prefix - 1;
    if (strcmp(mode, "mean_tokens") == 0) {
      *mean = on;
    } else if (strcmp(mode, "cls_token") == 0) {
      *cls = on;
    } else if (on) {
      return koe_fail(err, KOE_FORMAT,
                      "%s: \"%.64s\" is not supported; supported are pooling_mode_mean_tokens and "
                      "pooling_mode_cls_token",
                      file->path, key);
    }
  }
  if (*mean && *cls) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: both pooling_mode_mean_tokens and pooling_mode_cls_token are true; one is "
                    "supported",
                    file->path);
  }
  return KOE_OK;
}

static koe_status read_pooling(const koe_directory *directory, koe_config *out, koe_error *err) {
  config_file file;
  bool mean = false, cls = false;
  out->pooling = KOE_POOL_MEAN;
  koe_status status = open_file(directory, "1_Pooling/config.json", &file, err);
  if (status != KOE_OK || file.json == NULL) goto cleanup;
  status = read_modes(&file, &mean, &cls, err);
  if (status != KOE_OK) goto cleanup;
  bool stated = json_object_get(file.json, "pooling_mode_mean_tokens") != NULL;
  if (stated && !mean && !cls) {
    status = koe_fail(err, KOE_FORMAT,
                      "%s: no pooling mode is true; supported are pooling_mode_mean_tokens and "
                      "pooling_mode_cls_token",
                      file.path);
  } else if (cls) {
    out->pooling = KOE_POOL_CLS;
  }

cleanup:
  close_file(&file);
  return status;
}

/* ── interface ──────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_config_read_in(const koe_directory *directory, koe_config *out, koe_error *err) {
  memset(out, 0, sizeof *out);
  koe_status status = koe_directory_check(directory, err);
  if (status == KOE_OK) status = read_model(directory, out, err);
  if (status == KOE_OK) status = read_tokenizer(directory, out, err);
  if (status == KOE_OK) status = read_pooling(directory, out, err);
  return status;
}

koe_status koe_config_read(const char *directory, koe_config *out, koe_error *err) {
  koe_directory at = koe_directory_at(directory);
  return koe_config_read_in(&at, out, err);
}

void koe_config_clear(koe_config *config) {
  if (config->labels != NULL) {
    for (int32_t i = 0; i < config->num_labels; i++)
      koe_free(config->labels[i]);
  }
  koe_free(config->labels);
  memset(config, 0, sizeof *config);
}

const char *koe_pooling_name(koe_pooling pooling) {
  return pooling == KOE_POOL_CLS ? "cls" : "mean";
}

koe_status koe_pooling_parse(const char *name, koe_pooling *out, koe_error *err) {
  for (koe_pooling pooling = KOE_POOL_MEAN; pooling <= KOE_POOL_CLS; pooling++) {
    if (strcmp(name, koe_pooling_name(pooling)) == 0) {
      *out = pooling;
      return KOE_OK;
    }
  }
  return koe_fail(err, KOE_INVALID, "pooling \"%.64s\" is not known; expected mean or cls", name);
}
