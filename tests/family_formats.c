/* The files of family_model.h. */
#include "../model/writer/safetensors_writer.h"
#include "family_model.h"
#include "registry_support.h"
#include "support.h"
#include "table_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 18 }; /* elements written at once */

static void write_bytes(FILE *file, const void *bytes, size_t size) {
  ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
}

/* Writes all elements of a parameter. */
static void write_elements(FILE *file, const family_tensor *tensor) {
  static float chunk[CHUNK];
  for (size_t done = 0; done < tensor->count;) {
    size_t count = tensor->count - done < CHUNK ? tensor->count - done : CHUNK;
    family_fill(tensor, done, count, chunk);
    write_bytes(file, chunk, count * sizeof *chunk);
    done += count;
  }
}

/* ── torch.save ─────────────────────────────────────────────────────────────────────────────────
 */

static void pickle_parameter(buffer *b, const char *name, const family_tensor *tensor, size_t key,
                             int legacy) {
  char digits[24];
  int64_t strides[2] = {tensor->dims == 2 ? tensor->shape[1] : 1, 1};
  snprintf(digits, sizeof digits, "%zu", key);
  pickle_string(b, name);
  pickle_tensor(b, digits, (int64_t)tensor->count, 0, tensor->shape, strides, tensor->dims, legacy);
}

/* The state dict: parameters, whose storages are 0 …, the buffer, whose storage is the next, and a
 * generator's tied matrix. */
static void pickle_state_dict(buffer *b, const family_model *model, const family_tensor *tensors,
                              size_t count, int legacy) {
  char key[24];
  int64_t shape[2] = {1, FAMILY_POSITIONS}, strides[2] = {FAMILY_POSITIONS, 1};
  PUT(b, "\x80\x02");
  pickle_global(b, "collections", "OrderedDict");
  PUT(b, ")R(");
  for (size_t i = 0; i < count; i++)
    pickle_parameter(b, tensors[i].name, &tensors[i], i, legacy);
  snprintf(key, sizeof key, "%zu", count);
  pickle_string(b, "electra.embeddings.position_ids");
  pickle_typed_tensor(b, "LongStorage", key, FAMILY_POSITIONS, 0, shape, strides, 2, legacy);
  if (model->generator) pickle_parameter(b, "generator_lm_head.weight", &tensors[0], 0, legacy);
  PUT(b, "u.");
}

static void position_ids(buffer *b) {
  for (uint64_t i = 0; i < FAMILY_POSITIONS; i++)
    put64(b, i);
}

void family_write_legacy(const family_model *model, const char *directory) {
  static family_tensor tensors[FAMILY_MAX_TENSORS];
  size_t count = family_tensors(model, tensors);
  buffer start = {0}, end = {0};
  PUT(&start, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  PUT(&start, "\x80\x02M\xe9\x03.");
  PUT(&start, "\x80\x02}");
  pickle_string(&start, "little_endian");
  PUT(&start, "\x88s.");
  pickle_state_dict(&start, model, tensors, count, 1);
  PUT(&start, "\x80\x02](");
  for (size_t i = 0; i <= count; i++) {
    char key[24];
    snprintf(key, sizeof key, "%zu", i);
    pickle_string(&start, key);
  }
  PUT(&start, "e.");
  FILE *file = fopen(file_in(directory, "pytorch_model.bin"), "wb");
  ck_assert_ptr_nonnull(file);
  write_bytes(file, start.bytes, start.size);
  for (size_t i = 0; i < count; i++) {
    write_bytes(file, &(uint64_t){tensors[i].count}, 8);
    write_elements(file, &tensors[i]);
  }
  put64(&end, FAMILY_POSITIONS);
  position_ids(&end);
  write_bytes(file, end.bytes, end.size);
  ck_assert_int_eq(fclose(file), 0);
  buffer_clear(&start);
  buffer_clear(&end);
}

void family_write_zip(const family_model *model, const char *directory) {
  static family_tensor tensors[FAMILY_MAX_TENSORS];
  size_t count = family_tensors(model, tensors);
  zip_writer zip = {0};
  buffer content = {0};
  char name[64];
  pickle_state_dict(&content, model, tensors, count, 0);
  zip_add(&zip, "archive/data.pkl", content.bytes, content.size);
  for (size_t i = 0; i < count; i++) {
    float *elements = malloc(tensors[i].count * sizeof *elements);
    family_fill(&tensors[i], 0, tensors[i].count, elements);
    snprintf(name, sizeof name, "archive/data/%zu", i);
    zip_add(&zip, name, elements, tensors[i].count * sizeof *elements);
    free(elements);
  }
  content.size = 0;
  position_ids(&content);
  snprintf(name, sizeof name, "archive/data/%zu", count);
  zip_add(&zip, name, content.bytes, content.size);
  zip_finish(&zip);
  write_file(file_in(directory, "pytorch_model.bin"), zip.file.bytes, zip.file.size);
  zip_clear(&zip);
  buffer_clear(&content);
}

/* ── shards ─────────────────────────────────────────────────────────────────────────────────────
 */

static void write_shard(const family_tensor *tensors, size_t count, const char *directory,
                        const char *name, json_t *map) {
  static koe_output_tensor outputs[FAMILY_MAX_TENSORS];
  koe_error err;
  koe_file_writer writer;
  for (size_t i = 0; i < count; i++) {
    outputs[i] = (koe_output_tensor){.name = tensors[i].name, .dims = tensors[i].dims};
    memcpy(outputs[i].shape, tensors[i].shape, sizeof tensors[i].shape);
    json_object_set_new(map, tensors[i].name, json_string(name));
  }
  assert_ok(koe_file_writer_open(directory, name, &writer, &err));
  assert_ok(koe_safetensors_begin(&writer, outputs, count, KOE_F32, &err));
  for (size_t i = 0; i < count; i++) {
    float *elements = malloc(tensors[i].count * sizeof *elements);
    family_fill(&tensors[i], 0, tensors[i].count, elements);
    outputs[i].data = elements;
    assert_ok(koe_safetensors_add(&writer, &outputs[i], KOE_F32, &err));
    free(elements);
  }
  assert_ok(koe_file_writer_close(&writer, &err));
  assert_ok(koe_file_writer_publish(&writer, &err));
  koe_file_writer_abandon(&writer);
}

void family_write_sharded(const family_model *model, const char *directory) {
  static family_tensor tensors[FAMILY_MAX_TENSORS];
  size_t count = family_tensors(model, tensors), shards = 3, done = 0;
  json_t *map = json_object();
  for (size_t i = 0; i < shards; i++) {
    char name[64];
    size_t piece = (count - done) / (shards - i);
    snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards);
    write_shard(tensors + done, piece, directory, name, map);
    done += piece;
  }
  json_t *index = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 0, "weight_map", map);
  ck_assert_int_eq(json_dump_file(index, file_in(directory, "model.safetensors.index.json"), 0), 0);
  json_decref(index);
}

/* ── TensorFlow 1 ───────────────────────────────────────────────────────────────────────────────
 */

/* A variable: google-research/electra's name of a parameter. */
typedef struct variable {
  char name[128];
  const family_tensor *tensor;
} variable;

/* Replaces the first `from` in a name. */
static void replace(char name[128], const char *from, const char *to) {
  char *at = strstr(name, from);
  if (at == NULL) return;
  char rest[128];
  strcpy(rest, at + strlen(from));
  ck_assert_uint_lt((size_t)(at - name) + strlen(to) + strlen(rest), 128);
  strcpy(at, to);
  strcat(at, rest);
}

static void name_variable(const family_tensor *tensor, bool generator, variable *out) {
  strcpy(out->name, tensor->name);
  out->tensor = tensor;
  replace(out->name, "_embeddings.weight", "_embeddings");
  replace(out->name, "LayerNorm.weight", "LayerNorm.gamma");
  replace(out->name, "LayerNorm.bias", "LayerNorm.beta");
  replace(out->name, "encoder.layer.", "encoder.layer_");
  replace(out->name, "dense_prediction", "dense_1");
  replace(out->name, "generator_lm_head.bias", "generator_predictions.output_bias");
  replace(out->name, ".weight", ".kernel");
  if (generator) replace(out->name, "electra.", "generator.");
  for (char *c = out->name; *c != '\0'; c++) {
    if (*c == '.') *c = '/';
  }
}

static int compare_variables(const void *left, const void *right) {
  const variable *a = left, *b = right;
  return strcmp(a->name, b->name);
}

/* Elements [in, out] of a kernel, otherwise as they are; the caller frees. */
static float *tensorflow_elements(const family_tensor *tensor, bool kernel) {
  size_t rows = (size_t)tensor->shape[0], columns = (size_t)tensor->shape[1];
  float *elements = malloc(tensor->count * sizeof *elements);
  ck_assert_ptr_nonnull(elements);
  family_fill(tensor, 0, tensor->count, elements);
  if (!kernel) return elements;
  float *turned = malloc(tensor->count * sizeof *turned);
  ck_assert_ptr_nonnull(turned);
  for (size_t row = 0; row < rows; row++) {
    for (size_t column = 0; column < columns; column++)
      turned[column * rows + row] = elements[row * columns + column];
  }
  free(elements);
  return turned;
}

static bool is_kernel(const char *name) {
  size_t length = strlen(name);
  return length > 7 && strcmp(name + length - 7, "/kernel") == 0;
}

static void write_variable(table_writer *table, FILE *data, const variable *v, uint64_t offset) {
  bool kernel = is_kernel(v->name);
  float *elements = tensorflow_elements(v->tensor, kernel);
  size_t size = v->tensor->count * sizeof *elements;
  bundle_entry entry = {.dtype = 1, .dims = v->tensor->dims, .offset = offset, .size = size};
  entry.shape[0] = v->tensor->shape[kernel ? 1 : 0];
  entry.shape[1] = v->tensor->shape[kernel ? 0 : 1];
  entry.checksum = masked_checksum(elements, size);
  write_bytes(data, elements, size);
  table_add_entry(table, v->name, &entry);
  free(elements);
}

void family_write_bundle(const family_model *discriminator, const family_model *generator,
                         const char *directory) {
  static family_tensor tensors[2][FAMILY_MAX_TENSORS];
  static variable variables[2 * FAMILY_MAX_TENSORS];
  size_t counts[2] = {family_tensors(discriminator, tensors[0]),
                      family_tensors(generator, tensors[1])};
  size_t count = 0;
  for (size_t part = 0; part < 2; part++) {
    for (size_t i = 0; i < counts[part]; i++) {
      const char *name = tensors[part][i].name;
      if (part == 1 && strncmp(name, "electra.embeddings.", 19) == 0) continue; /* shared */
      name_variable(&tensors[part][i], part == 1, &variables[count++]);
    }
  }
  qsort(variables, count, sizeof *variables, compare_variables);
  table_writer table = {0};
  uint64_t offset = 0;
  FILE *data = fopen(file_in(directory, "model.ckpt-1000000.data-00000-of-00001"), "wb");
  ck_assert_ptr_nonnull(data);
  table_add_header(&table, 1);
  for (size_t i = 0; i < count; i++) {
    write_variable(&table, data, &variables[i], offset);
    offset += variables[i].tensor->count * sizeof(float);
  }
  ck_assert_int_eq(fclose(data), 0);
  table_finish(&table);
  write_file(file_in(directory, "model.ckpt-1000000.index"), table.file.bytes, table.file.size);
  table_clear(&table);
}

/* ── HDF5 ───────────────────────────────────────────────────────────────────────────────────────
 */

#ifdef KOE_NO_HDF5

bool family_write_hdf5(const family_model *model, const char *directory) {
  (void)model;
  (void)directory;
  return false;
}

#else

#include <hdf5.h>

static void keras_path(const family_tensor *tensor, char path[256], bool *kernel) {
  char name[128];
  strcpy(name, tensor->name);
  bool words = strstr(name, "word_embeddings") != NULL;
  if (!words) replace(name, "_embeddings.weight", "_embeddings.embeddings");
  replace(name, "LayerNorm.weight", "LayerNorm.gamma");
  replace(name, "LayerNorm.bias", "LayerNorm.beta");
  replace(name, "encoder.layer.", "encoder.layer_._");
  if (!words) replace(name, ".weight", ".kernel");
  int layer = (int)(strchr(name, '.') - name);
  char *last = strrchr(name, '.');
  *kernel = strcmp(last, ".kernel") == 0;
  snprintf(path, 256, "%.*s/tf_electra/%s:0", layer, name, name);
  for (char *c = path + layer; *c != '\0'; c++) {
    bool list = c > path && strncmp(c - 1, "_._", 3) == 0; /* stays */
    if (*c == '.' && !list) *c = '/';
  }
}

bool family_write_hdf5(const family_model *model, const char *directory) {
  static family_tensor tensors[FAMILY_MAX_TENSORS];
  size_t count = family_tensors(model, tensors);
  hid_t file =
      H5Fcreate(file_in(directory, "tf_model.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  for (size_t i = 0; i < count; i++) {
    char path[256];
    bool kernel;
    keras_path(&tensors[i], path, &kernel);
    hsize_t shape[2] = {(hsize_t)tensors[i].shape[kernel ? 1 : 0],
                        (hsize_t)tensors[i].shape[kernel ? 0 : 1]};
    float *elements = tensorflow_elements(&tensors[i], kernel);
    hid_t space = H5Screate_simple(tensors[i].dims, shape, NULL);
    hid_t dataset = H5Dcreate2(file, path, H5T_IEEE_F32LE, space, links, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements),
                     0);
    H5Dclose(dataset);
    H5Sclose(space);
    free(elements);
  }
  H5Pclose(links);
  ck_assert_int_ge(H5Fclose(file), 0);
  return true;
}

#endif
