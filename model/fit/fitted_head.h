/* A softmax head fitted on the embeddings of a model, and its serialised form: the BLOB that
 * koelectra_fit returns.
 *
 * The form, version 1; numbers are little-endian:
 *
 *   offset  bytes
 *   0       4       "KOEH"
 *   4       4       version: 1
 *   8       8       checksum: koe_hash (FNV-1a, 64 bits) of all bytes from offset 16 on
 *   16      8       fingerprint of the encoder, as koe_model_fingerprint gives it
 *   24      4       dimension of its embeddings
 *   28      4       labels, 2 … 10 000
 *   32      4       bytes of names, n, a multiple of 4
 *   36      n       name of the model, then the labels in ascending order of bytes: UTF-8, each
 *                   ended by a NUL; zeros fill up
 *   36 + n  4 · labels · dimension   weight [labels, dimension], float32
 *   …       4 · labels               bias [labels], float32; the last bytes
 *
 * A reader refuses versions it does not know. */
#ifndef KOE_FITTED_HEAD_H
#define KOE_FITTED_HEAD_H

#include "../linear.h"
#include "../status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct koe_fitted_head {
  uint64_t fingerprint; /* of the model whose embeddings it reads */
  const char *model;    /* the name that model was registered by */
  const char **labels;  /* [linear.out_features] */
  koe_linear linear;    /* [labels, dimension] */
} koe_fitted_head;

/* Serialises a head.  `*bytes` [*size] is freed by the caller with koe_free.  Fails with KOE_NOMEM,
 * or KOE_TOO_LONG beyond 1 GiB, more than an SQLite value holds. */
koe_status koe_fitted_head_write(const koe_fitted_head *head, void **bytes, size_t *size,
                                 koe_error *err);

/* Reads a serialised head, of any alignment, into memory of its own; koe_fitted_head_free frees it.
 * Everything is checked.  Fails with KOE_FORMAT for what is not such a head, is damaged or of
 * another version, KOE_NOMEM. */
koe_status koe_fitted_head_read(const void *bytes, size_t size, koe_fitted_head **out,
                                koe_error *err);

/* Takes NULL; for heads that were read. */
void koe_fitted_head_free(koe_fitted_head *head);

/* Logits of embeddings, which are in the unit that koe_model_embed gives.
 *
 *   embeddings [count, dimension]
 *   out        [count, labels] */
void koe_fitted_head_logits(const koe_fitted_head *head, const float *embeddings, size_t count,
                            float *out);

#endif
