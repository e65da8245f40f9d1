#include "tensor.h"

static const struct {
  size_t size;
  const char *name;
} dtypes[] = {
    [KOE_F64] = {8, "float64"},   [KOE_F32] = {4, "float32"}, [KOE_F16] = {2, "float16"},
    [KOE_BF16] = {2, "bfloat16"}, [KOE_I64] = {8, "int64"},   [KOE_I32] = {4, "int32"},
    [KOE_I16] = {2, "int16"},     [KOE_I8] = {1, "int8"},     [KOE_U8] = {1, "uint8"},
    [KOE_BOOL] = {1, "bool"},
};

size_t koe_dtype_size(koe_dtype dtype) {
  return dtypes[dtype].size;
}

const char *koe_dtype_name(koe_dtype dtype) {
  return dtypes[dtype].name;
}
