#include "trained_model.h"

#include "../file_map.h"
#include "../memory.h"
#include "../path.h"

#include <string.h>

static koe_status read_vocab(const char *path, koe_trained_model *model, koe_error *err) {
  koe_file_map map;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  model->vocab = koe_copy_string((const char *)map.data, map.size);
  model->vocab_length = map.size;
  koe_file_map_close(&map);
  if (model->vocab == NULL) return koe_fail_nomem(err);
  return koe_tokenizer_open(path, &model->config.tokenizer, &model->tokenizer, err);
}

static koe_status declare(koe_trained_model *model, const char *path, koe_error *err) {
  if (koe_tokenizer_vocab_size(model->tokenizer) > model->config.vocab_size) {
    return koe_fail(err, KOE_FORMAT, "%s has %d words, the model %d", path,
                    (int)koe_tokenizer_vocab_size(model->tokenizer), (int)model->config.vocab_size);
  }
  return koe_trained_encoder_declare(&model->parameters, "", &model->config, NULL, &model->encoder,
                                     err);
}

koe_status koe_trained_model_open(const char *directory, koe_trained_model *out, koe_error *err) {
  memset(out, 0, sizeof *out);
  koe_status status = koe_config_read(directory, &out->config, err);
  if (status != KOE_OK) return status;
  char *path = koe_path_join(directory, "vocab.txt");
  if (path == NULL) return koe_fail_nomem(err);
  status = read_vocab(path, out, err);
  if (status == KOE_OK) status = declare(out, path, err);
  koe_free(path);
  return status;
}

koe_status koe_trained_model_new(const koe_config *sizes, const char *vocab, koe_trained_model *out,
                                 koe_error *err) {
  memset(out, 0, sizeof *out);
  out->config = *sizes;
  out->config.tokenizer = koe_tokenizer_options_default();
  koe_status status = read_vocab(vocab, out, err);
  if (status != KOE_OK) return status;
  out->config.vocab_size = koe_tokenizer_vocab_size(out->tokenizer);
  return declare(out, vocab, err);
}

koe_status koe_trained_model_load(koe_trained_model *model, const char *directory, uint64_t seed,
                                  koe_error *err) {
  koe_checkpoint *checkpoint;
  size_t read;
  koe_status status = koe_parameters_allocate(&model->parameters, seed, err);
  if (status != KOE_OK || directory == NULL) return status;
  status = koe_checkpoint_open(directory, &checkpoint, err);
  if (status != KOE_OK) return status;
  status = koe_parameters_load(&model->parameters, "", checkpoint, &read, err);
  koe_checkpoint_free(checkpoint);
  return status;
}

static koe_status start_parameters(koe_parameters *parameters, koe_checkpoint *checkpoint,
                                   koe_error *err) {
  for (size_t i = 0; i < koe_checkpoint_count(checkpoint); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(checkpoint, i);
    const koe_parameter *parameter = koe_parameters_find(parameters, tensor->name);
    const float *values;
    if (parameter == NULL || (uint64_t)tensor->shape[0] != parameter->rows ||
        tensor->dims != (parameter->columns == 0 ? 1 : 2) ||
        (parameter->columns != 0 && (uint64_t)tensor->shape[1] != parameter->columns)) {
      return koe_fail(err, KOE_FORMAT, "%s: the model has no \"%s\" of that shape",
                      koe_checkpoint_path(checkpoint), tensor->name);
    }
    koe_status status = koe_checkpoint_float32(checkpoint, tensor, &values, err);
    if (status != KOE_OK) return status;
    memcpy(parameters->values + parameter->offset, values,
           koe_parameter_size(parameter) * sizeof *values);
  }
  return KOE_OK;
}

koe_status koe_trained_model_start(koe_trained_model *model, const char *path, koe_error *err) {
  koe_file_map map = {0};
  koe_checkpoint *checkpoint = NULL;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status == KOE_OK)
    status = koe_checkpoint_open_memory(map.data, map.size, path, &checkpoint, err);
  if (status == KOE_OK) status = start_parameters(&model->parameters, checkpoint, err);
  koe_checkpoint_free(checkpoint);
  koe_file_map_close(&map);
  return status;
}

static koe_output_tensor tensor_of(const koe_parameters *parameters, const koe_parameter *parameter,
                                   size_t prefix) {
  return (koe_output_tensor){.name = parameter->name + prefix,
                             .dims = parameter->columns == 0 ? 1 : 2,
                             .shape = {(int64_t)parameter->rows, (int64_t)parameter->columns},
                             .data = parameters->values + parameter->offset};
}

static bool has_prefix(const koe_parameter *parameter, const char *prefix) {
  return strncmp(parameter->name, prefix, strlen(prefix)) == 0;
}

koe_status koe_trained_model_write(const koe_trained_model *model, const char *prefix,
                                   const koe_config *config, const char *directory,
                                   const koe_trained_model_output *output, koe_error *err) {
  const koe_parameters *parameters = &model->parameters;
  size_t count = 0, length = strlen(prefix);
  koe_config written = *config;
  koe_output_tensor *tensors = koe_alloc(parameters->count, sizeof *tensors);
  if (tensors == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < parameters->count; i++) {
    const koe_parameter *parameter = &parameters->items[i];
    if (has_prefix(parameter, prefix)) {
      if (length != 0 || !has_prefix(parameter, KOE_GENERATOR_PREFIX))
        tensors[count++] = tensor_of(parameters, parameter, length);
    } else if (has_prefix(parameter, "electra.embeddings.")) {
      tensors[count++] = tensor_of(parameters, parameter, 0); /* which the generator shares */
    }
  }
  strncpy(written.architecture, output->architecture, sizeof written.architecture - 1);
  koe_checkpoint_output checkpoint = {.config = &written,
                                      .problem_type = output->problem_type,
                                      .dropout = output->dropout,
                                      .vocab = model->vocab,
                                      .vocab_length = model->vocab_length,
                                      .tensors = tensors,
                                      .tensor_count = count,
                                      .dtype = output->float16 ? KOE_F16 : KOE_F32,
                                      .sentence_embeddings = output->sentence_embeddings};
  koe_status status = koe_checkpoint_write(directory, &checkpoint, err);
  koe_free(tensors);
  return status;
}

static void free_labels(koe_config *config) {
  for (int32_t i = 0; config->labels != NULL && i < config->num_labels; i++)
    koe_free(config->labels[i]);
  koe_free(config->labels);
  config->labels = NULL;
  config->num_labels = 0;
}

koe_status koe_trained_model_set_labels(koe_trained_model *model, char *const *labels, size_t count,
                                        koe_error *err) {
  koe_config *config = &model->config;
  free_labels(config);
  config->labels = koe_alloc_zero(count, sizeof *config->labels);
  if (config->labels == NULL) return koe_fail_nomem(err);
  config->num_labels = (int32_t)count;
  for (size_t i = 0; i < count; i++) {
    config->labels[i] = koe_copy_string(labels[i], strlen(labels[i]));
    if (config->labels[i] == NULL) return koe_fail_nomem(err);
  }
  return KOE_OK;
}

void koe_trained_model_clear(koe_trained_model *model) {
  koe_tokenizer_free(model->tokenizer);
  koe_free(model->vocab);
  koe_parameters_clear(&model->parameters);
  koe_trained_encoder_clear(&model->encoder);
  koe_config_clear(&model->config);
  memset(model, 0, sizeof *model);
}
