#include "hdf5_file.h"

#ifdef KOE_NO_HDF5

koe_status koe_hdf5_each(const char *path, koe_hdf5_take *take, void *context, koe_error *err) {
  (void)take;
  (void)context;
  return koe_fail(
      err, KOE_UNSUPPORTED,
      "%s: this koelectra-convert was built without HDF5: install libhdf5-dev and build "
      "it again",
      path);
}

#else

#include "../checkpoint/convert.h"
#include "../checkpoint/tf_names.h"
#include "../memory.h"

#include <hdf5.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What visiting the objects of a file needs. */
typedef struct reading {
  const char *path;
  uint64_t file_size;
  uint64_t read;        /* bytes of elements */
  koe_tensor_list list; /* names and shapes; no elements */
  bool has_words;       /* the word embeddings are among them */
  koe_hdf5_take *take;
  void *context;
  koe_status status;
  koe_error *err;
} reading;

static koe_status fail_at(const reading *r, const char *name, const char *fault) {
  return koe_fail(r->err, KOE_FORMAT, "%s: tensor \"%.200s\": %s", r->path, name, fault);
}

/* A little-endian type as koe_tensor holds it.  False where it is no float. */
static bool floating_type(hid_t type, koe_dtype *dtype, hid_t *memory) {
  if (H5Tget_class(type) != H5T_FLOAT) return false;
  switch (H5Tget_size(type)) {
  case 2: /* IEEE's, which libhdf5 knows no name of: taken as it is stored */
    if (H5Tget_order(type) != H5T_ORDER_LE || H5Tget_ebias(type) != 15) return false;
    *dtype = KOE_F16;
    *memory = type;
    return true;
  case 4:
    *dtype = KOE_F32;
    *memory = H5T_IEEE_F32LE;
    return true;
  case 8:
    *dtype = KOE_F64;
    *memory = H5T_IEEE_F64LE;
    return true;
  default:
    return false;
  }
}

/* Elements must be in this file: a name of another could be any file of the user's. */
static bool is_in_file(hid_t dataset) {
  hid_t creation = H5Dget_create_plist(dataset);
  H5D_layout_t layout = H5Pget_layout(creation);
  bool inside = H5Pget_external_count(creation) == 0 &&
                (layout == H5D_COMPACT || layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED);
  H5Pclose(creation);
  return inside;
}

/* Adds a tensor of the shape of `space`, [in, out] turned around where it is a kernel. */
static koe_status add_shape(reading *r, const char *name, const koe_parameter_name *parameter,
                            hid_t space, koe_dtype dtype, koe_tensor **out) {
  hsize_t stored[H5S_MAX_RANK];
  int64_t shape[KOE_TENSOR_MAX_DIMS];
  int dims = H5Sget_simple_extent_ndims(space);
  if (dims < 0 || dims > KOE_TENSOR_MAX_DIMS) return fail_at(r, name, "it has no simple shape");
  H5Sget_simple_extent_dims(space, stored, NULL);
  for (int i = 0; i < dims; i++) {
    if (stored[i] > INT64_MAX) return fail_at(r, name, "it has an impossible shape");
    shape[i] = (int64_t)stored[i];
  }
  bool transposed = parameter->kernel && dims == 2;
  if (transposed) {
    shape[0] = (int64_t)stored[1];
    shape[1] = (int64_t)stored[0];
  }
  koe_status status = koe_tensor_list_add(&r->list, r->path, parameter->bytes,
                                          strlen(parameter->bytes), dtype, shape, dims, out,
                                          r->err);
  if (status == KOE_OK) (*out)->transposed = transposed;
  return status;
}

/* Elements that are compressed may take more than the file, within reason. */
static bool is_plausible(const reading *r, size_t bytes) {
  return bytes / KOE_HDF5_EXPANSION <= r->file_size && r->read / KOE_HDF5_EXPANSION <= r->file_size;
}

static koe_status read_dataset(reading *r, hid_t dataset, const char *name,
                               const koe_parameter_name *parameter) {
  koe_status status;
  koe_tensor *tensor;
  koe_dtype dtype;
  hid_t memory;
  uint8_t *elements = NULL;
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  if (type < 0 || space < 0 || !is_in_file(dataset)) {
    status = fail_at(r, name, "its elements are not in this file");
    goto cleanup;
  }
  if (!floating_type(type, &dtype, &memory)) {
    status = koe_fail(r->err, KOE_UNSUPPORTED,
                      "%s: tensor \"%.200s\" is not float16, float32 or "
                      "float64",
                      r->path, name);
    goto cleanup;
  }
  status = add_shape(r, name, parameter, space, dtype, &tensor);
  if (status != KOE_OK) goto cleanup;
  r->read += tensor->bytes;
  if (!is_plausible(r, tensor->bytes)) {
    status = fail_at(r, name, "it is larger than its file can hold");
    goto cleanup;
  }
  elements = koe_alloc(tensor->bytes, 1);
  if (elements == NULL) {
    status = koe_fail_nomem(r->err);
    goto cleanup;
  }
  tensor->data = elements;
  if (H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements) < 0) {
    status = fail_at(r, name, "it cannot be read: the file is truncated or damaged");
    goto cleanup;
  }
  if (strstr(tensor->name, "embeddings.word_embeddings.weight") != NULL) r->has_words = true;
  status = r->take(r->context, tensor, r->err);

cleanup:
  koe_free(elements);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return status;
}

/* The variable's name in a dataset's path: what follows the layer's group. */
static const char *variable_name(const char *path) {
  static const char model[] = "model_weights/";
  if (strncmp(path, model, sizeof model - 1) == 0) path += sizeof model - 1;
  const char *slash = strchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* Takes an object of the file; other than 0 ends the visit. */
static herr_t visit(hid_t file, const char *path, const H5O_info_t *info, void *context) {
  reading *r = context;
  koe_parameter_name parameter;
  if (info->type != H5O_TYPE_DATASET) return 0;
  if (!koe_keras_parameter(variable_name(path), &parameter)) return 0;
  hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  if (dataset < 0) {
    r->status = fail_at(r, path, "it cannot be opened: the file is damaged");
    return 1;
  }
  r->status = read_dataset(r, dataset, path, &parameter);
  H5Dclose(dataset);
  return r->status != KOE_OK;
}

koe_status koe_hdf5_each(const char *path, koe_hdf5_take *take, void *context, koe_error *err) {
  struct stat info;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* the message is ours to print */
  H5PLset_loading_state(0);              /* a file may name a filter, and so a library to load */
  if (stat(path, &info) != 0 || access(path, R_OK) != 0)
    return koe_fail(err, KOE_IO, "cannot open %s", path);
  reading r = {.path = path,
               .file_size = (uint64_t)info.st_size,
               .take = take,
               .context = context,
               .status = KOE_OK,
               .err = err};
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) return koe_fail(err, KOE_FORMAT, "%s: not an HDF5 file, or truncated", path);
  herr_t visited = H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit, &r, H5O_INFO_BASIC);
  H5Fclose(file);
  koe_tensor_list_clear(&r.list);
  if (r.status != KOE_OK) return r.status;
  if (visited < 0) return koe_fail(err, KOE_FORMAT, "%s: its groups are damaged", path);
  if (r.has_words) return KOE_OK;
  return koe_fail(err, KOE_FORMAT, "%s: no ELECTRA model under the names of transformers", path);
}

#endif
