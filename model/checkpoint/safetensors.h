/* The safetensors format.
 *
 *   8 bytes   N, length of the header, unsigned little-endian
 *   N bytes   JSON: {"NAME": {"dtype": "F32", "shape": […], "data_offsets": [begin, end]}, …,
 *             "__metadata__": {…}}, padded with spaces
 *   the rest  elements, row-major little-endian; offsets count from here
 *
 * As the reference implementation does, the reader wants the tensors to fill the rest without gap
 * or overlap, and a header of at most 100 MB.
 * Source: github.com/huggingface/safetensors, README "Format". */
#ifndef KOE_SAFETENSORS_H
#define KOE_SAFETENSORS_H

#include "tensor_list.h"
#include "weight_file.h"

#include <stdbool.h>

/* Whether the file begins as safetensors files do. */
bool koe_safetensors_detect(const koe_weight_file *file);

/* Appends the file's tensors, their data pointing into the file, in the order of their data.  A
 * dtype that koe_dtype does not have (F8_E4M3, U16, …) is an error.  Fails with KOE_FORMAT,
 * KOE_NOMEM. */
koe_status koe_safetensors_read(const koe_weight_file *file, koe_tensor_list *list, koe_error *err);

#endif
