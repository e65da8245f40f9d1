#include "convert.h"

#include "../checkpoint/checkpoint.h"
#include "../checkpoint/convert.h"
#include "../checkpoint/quantized.h"
#include "../checkpoint/weight_files.h"
#include "../config.h"
#include "../json_file.h"
#include "../memory.h"
#include "../path.h"
#include "../writer/checkpoint_writer.h"
#include "../writer/copied_files.h"
#include "../writer/file_writer.h"
#include "derived_config.h"
#include "hdf5.h"
#include "partial_directory.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct conversion {
  const char *in;
  const koe_convert_options *options;
  koe_convert_report *report;
  koe_checkpoint *checkpoint;
  bool two_models;         /* the weights may be of a discriminator and of a generator */
  const koe_tensor **kept; /* [count], by name */
  koe_output_tensor *outputs;
  size_t count;
} conversion;

static volatile sig_atomic_t interrupted;

void koe_convert_interrupt(void) {
  interrupted = 1;
}

/* ── reading ────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status open_hdf5(conversion *c, const char *path, koe_error *err) {
  koe_tensor_list list = {0};
  koe_status status = koe_hdf5_read(path, &list, err);
  if (status == KOE_OK) status = koe_checkpoint_of_tensors(&list, path, &c->checkpoint, err);
  koe_tensor_list_clear(&list);
  return status;
}

static koe_status open_weights(conversion *c, koe_error *err) {
  koe_weight_files found;
  koe_directory from = koe_directory_at(c->in);
  char *hdf5 = koe_path_join(c->in, KOE_HDF5_NAME);
  if (hdf5 == NULL) return koe_fail_nomem(err);
  koe_status status = koe_weight_files_find(&from, &found, err);
  bool none = status == KOE_IO && found.count == 0;
  c->two_models = status == KOE_OK && found.layout == KOE_WEIGHTS_BUNDLE;
  if (none && koe_directory_has(&from, KOE_HDF5_NAME, hdf5)) {
    status = open_hdf5(c, hdf5, err);
  } else if (status == KOE_OK) {
    status = koe_checkpoint_open_part(&from, c->options->part, &c->checkpoint, err);
  }
  koe_weight_files_clear(&found);
  koe_free(hdf5);
  return status;
}

/* Of the weights of one model, whether they are those that were asked for. */
static koe_status check_part(const conversion *c, koe_error *err) {
  koe_electra_part part = c->options->part;
  koe_electra_part found = koe_part_of_architecture(koe_architecture_of(c->checkpoint));
  if (c->two_models || part == KOE_PART_BY_CONFIG || part == found) return KOE_OK;
  return koe_fail(err, KOE_INVALID, "%s holds the weights of one model, which is %s",
                  koe_checkpoint_path(c->checkpoint),
                  found == KOE_PART_GENERATOR ? "a generator" : "no generator");
}

/* ── what is kept ───────────────────────────────────────────────────────────────────────────────
 */

static const koe_tensor *word_embeddings(const koe_checkpoint *checkpoint) {
  static const char name[] = "electra.embeddings.word_embeddings.weight";
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, name);
  return tensor != NULL ? tensor : koe_checkpoint_find(checkpoint, strchr(name, '.') + 1);
}

/* Whether it is the word embeddings under another name, as torch.save has it of a generator, whose
 * output matrix they are. */
static bool is_tied(const koe_checkpoint *checkpoint, const koe_tensor *tensor) {
  const koe_tensor *words = word_embeddings(checkpoint);
  return strcmp(tensor->name, "generator_lm_head.weight") == 0 && words != NULL &&
         words->dtype == tensor->dtype && words->bytes == tensor->bytes &&
         words->transposed == tensor->transposed &&
         (words->data == tensor->data || memcmp(words->data, tensor->data, tensor->bytes) == 0);
}

static bool is_kept(const koe_checkpoint *checkpoint, const koe_tensor *tensor) {
  if (!koe_is_floating(tensor->dtype) && !koe_is_quantized(tensor)) return false;
  return !koe_is_scale(checkpoint, tensor->name) && !is_tied(checkpoint, tensor);
}

static int compare_names(const void *left, const void *right) {
  const koe_tensor *const *a = left, *const *b = right;
  return strcmp((*a)->name, (*b)->name);
}

/* By name, so that the file does not depend on the order of the input. */
static koe_status choose(conversion *c, koe_error *err) {
  size_t all = koe_checkpoint_count(c->checkpoint);
  c->kept = koe_alloc(all, sizeof *c->kept);
  c->outputs = koe_alloc(all, sizeof *c->outputs);
  if (c->kept == NULL || c->outputs == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < all; i++) {
    const koe_tensor *tensor = koe_checkpoint_at(c->checkpoint, i);
    if (is_kept(c->checkpoint, tensor)) c->kept[c->count++] = tensor;
  }
  if (c->count > 1) qsort(c->kept, c->count, sizeof *c->kept, compare_names);
  for (size_t i = 0; i < c->count; i++) {
    const koe_tensor *tensor = c->kept[i];
    c->outputs[i] = (koe_output_tensor){.name = tensor->name, .dims = tensor->dims};
    memcpy(c->outputs[i].shape, tensor->shape, sizeof tensor->shape);
  }
  return KOE_OK;
}

/* The type asked for, or that of the word embeddings where it is one that is written. */
static koe_dtype output_dtype(const conversion *c) {
  const koe_tensor *words = word_embeddings(c->checkpoint);
  if (c->options->has_dtype) return c->options->dtype;
  if (words != NULL && (words->dtype == KOE_F16 || words->dtype == KOE_BF16)) return words->dtype;
  return KOE_F32;
}

/* ── writing ────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status write_tensor(conversion *c, koe_file_writer *writer, size_t i, koe_error *err) {
  koe_output_tensor output = c->outputs[i];
  if (interrupted) return koe_fail(err, KOE_INVALID, "interrupted");
  koe_status status = koe_checkpoint_float32(c->checkpoint, c->kept[i], &output.data, err);
  if (status == KOE_OK) status = koe_safetensors_add(writer, &output, c->report->dtype, err);
  c->report->bytes += c->kept[i]->bytes / koe_dtype_size(c->kept[i]->dtype) *
                      koe_dtype_size(c->report->dtype);
  koe_checkpoint_release(c->checkpoint, c->kept[i]);
  return status;
}

static koe_status write_weights(conversion *c, const char *out, koe_error *err) {
  koe_file_writer writer;
  koe_dtype dtype = c->report->dtype;
  koe_status status = koe_file_writer_open(out, "model.safetensors", &writer, err);
  if (status == KOE_OK) status = koe_safetensors_begin(&writer, c->outputs, c->count, dtype, err);
  for (size_t i = 0; i < c->count && status == KOE_OK; i++)
    status = write_tensor(c, &writer, i, err);
  if (status == KOE_OK) status = koe_file_writer_close(&writer, err);
  if (status == KOE_OK) status = koe_file_writer_publish(&writer, err);
  koe_file_writer_abandon(&writer);
  return status;
}

/* config.json, from the option or the directory; NULL where neither is there. */
static koe_status read_config(const conversion *c, json_t **out, koe_error *err) {
  const char *path = c->options->config;
  koe_file_map map;
  if (path == NULL) return koe_read_json(c->in, "config.json", out, err);
  *out = NULL;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  status = koe_json_read_object(&map, path, out, err);
  koe_file_map_close(&map);
  return status;
}

/* What is written where nothing is known but the weights. */
static koe_config default_config(void) {
  return (koe_config){.architecture = "ElectraModel",
                      .layer_norm_eps = 1e-12f,
                      .hidden_act = KOE_GELU_ERF,
                      .model_max_length = 512,
                      .tokenizer = koe_tokenizer_options_default()};
}

static koe_electra_part described_part(const json_t *config) {
  const json_t *architectures = json_object_get(config, "architectures");
  return koe_part_of_architecture(json_string_value(json_array_get(architectures, 0)));
}

/* Makes the configuration that is written; the caller drops it, also after a failure. */
static koe_status make_config(conversion *c, json_t **out, koe_error *err) {
  koe_config fallback = default_config();
  koe_checkpoint_output output = {.config = &fallback, .dropout = 0.1f, .dtype = c->report->dtype};
  koe_electra_part part = c->options->part;
  koe_status status = read_config(c, out, err);
  if (status != KOE_OK) return status;
  bool derived = *out == NULL;
  if (derived) *out = koe_config_json(&output);
  if (*out == NULL) return koe_fail_nomem(err);
  if (c->two_models && part != KOE_PART_BY_CONFIG && part != described_part(*out)) derived = true;
  if (derived) status = koe_derive_config(c->checkpoint, *out, err);
  if (status != KOE_OK) return status;
  c->report->derived = derived;
  json_t *dtype = json_string(koe_dtype_name(c->report->dtype));
  return json_object_set_new(*out, "torch_dtype", dtype) == 0 ? KOE_OK : koe_fail_nomem(err);
}

static koe_status write_config(conversion *c, const char *out, koe_error *err) {
  json_t *json = NULL;
  koe_status status = make_config(c, &json, err);
  if (status == KOE_OK) status = koe_write_json(out, "config.json", json_incref(json), err);
  json_decref(json);
  return status;
}

static koe_status write_vocab(const conversion *c, const char *out, koe_error *err) {
  const char *path = c->options->vocab;
  koe_file_map map;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  status = koe_write_whole_file(out, "vocab.txt", map.data, map.size, err);
  koe_file_map_close(&map);
  return status;
}

static bool has_file(const char *directory, const char *name) {
  char *path = koe_path_join(directory, name);
  bool there = path != NULL && koe_path_exists(path);
  koe_free(path);
  return there;
}

static koe_status write_tokenizer(const conversion *c, const char *out, koe_error *err) {
  koe_config fallback = default_config();
  koe_checkpoint_output output = {.config = &fallback};
  koe_status status = koe_copy_tokenizer_files(c->in, out, err);
  if (status == KOE_OK && c->options->vocab != NULL) status = write_vocab(c, out, err);
  if (status == KOE_OK && !has_file(out, "vocab.txt")) {
    status = koe_fail(err, KOE_IO, "\"%s\" has no vocab.txt: name the file with --vocab", c->in);
  }
  if (status == KOE_OK && !has_file(out, "tokenizer_config.json")) {
    status = koe_write_json(out, "tokenizer_config.json", koe_tokenizer_json(&output), err);
  }
  return status;
}

/* The written configuration must be one that can be read. */
static koe_status check_config(conversion *c, const char *out, koe_error *err) {
  koe_config config;
  koe_status status = koe_config_read(out, &config, err);
  if (status == KOE_OK) strcpy(c->report->architecture, config.architecture);
  koe_config_clear(&config);
  return status;
}

static koe_status write_all(conversion *c, const char *out, koe_error *err) {
  koe_status status = write_tokenizer(c, out, err);
  if (status == KOE_OK) status = write_config(c, out, err);
  if (status == KOE_OK) status = check_config(c, out, err);
  if (status == KOE_OK) status = write_weights(c, out, err);
  return status == KOE_OK ? koe_flush_directory(out, err) : status;
}

static void fill_report(conversion *c) {
  koe_convert_report *report = c->report;
  const char *path = koe_checkpoint_path(c->checkpoint);
  strncpy(report->source, path, sizeof report->source - 1);
  report->tensors = c->count;
  report->dtype = output_dtype(c);
}

koe_status koe_convert_directory(const char *in, const char *out,
                                 const koe_convert_options *options, koe_convert_report *report,
                                 koe_error *err) {
  conversion c = {.in = in, .options = options, .report = report};
  koe_partial_directory partial = {0};
  memset(report, 0, sizeof *report);
  koe_status status = koe_partial_directory_check(out, err);
  if (status == KOE_OK) status = open_weights(&c, err);
  if (status == KOE_OK) status = check_part(&c, err);
  if (status == KOE_OK) status = choose(&c, err);
  if (status != KOE_OK) goto cleanup;
  fill_report(&c);
  status = koe_partial_directory_open(out, &partial, err);
  if (status == KOE_OK) status = write_all(&c, partial.path, err);
  if (status == KOE_OK) status = koe_partial_directory_publish(&partial, err);

cleanup:
  koe_partial_directory_abandon(&partial);
  koe_free(c.kept);
  koe_free(c.outputs);
  koe_checkpoint_free(c.checkpoint);
  return status;
}
