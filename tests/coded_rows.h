/* Rows of random vectors, coded in blocks, for tests of scans. */
#ifndef KOE_TEST_CODED_ROWS_H
#define KOE_TEST_CODED_ROWS_H

#include "../model/search/vector_scan.h"
#include "../model/search/vectors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Random numbers, the same for the same seed on every machine. */
void start_random(uint64_t seed);
uint32_t random_bits(void);
float random_element(void); /* -1 … 1 */

/* Memory for vector loads; fails the test if there is none. */
void *take_memory(size_t count, size_t size);

typedef enum row_kind {
  UNIFORM,
  CLUSTERED,    /* around seven centres */
  REPEATED,     /* five vectors, over and over */
  SPARSE,       /* one large element */
  POSITIVE,     /* far from 0 */
  ALMOST_EQUAL, /* closer to each other than codes can tell */
  CONCENTRATED, /* around one direction, as mean-pooled embeddings are: cosines of 0.999 */
  FEW_FACTORS,  /* nearly in a space of five dimensions: cosines of neighbours of 0.999 */
  KINDS
} row_kind;

/* Rowids do not go by place: rowid_of(i) is row i's. */
typedef struct coded_rows {
  size_t count, dimension, blocks;
  float *vectors;                       /* [count, dimension] */
  koe_scan_block *scanned;              /* [blocks] */
  uint8_t (*live)[KOE_BLOCK_SLOTS / 8]; /* [blocks] what `scanned` says; all at first */
  float *similarities;                  /* [count] with the query of compare_rows */
} coded_rows;

int64_t rowid_of(size_t row);

/* Rows without vectors; fill_rows gives them some of length 1, code_rows makes blocks of them. */
coded_rows new_rows(size_t count, size_t dimension);
void fill_rows(coded_rows *r, row_kind kind);
void code_rows(coded_rows *r, bool signs);
void free_rows(coded_rows *r);

bool row_is_live(const coded_rows *r, size_t row);

/* Computes the similarities of all rows with a query, as a search does: cut to [-1, 1]. */
void compare_rows(coded_rows *r, const float *query);

/* The best of all live rows, and of candidates, by the similarities; koe_top_k_clear `top`. */
void rank_rows(const coded_rows *r, size_t k, double least, koe_top_k *top);
void rank_candidates(const coded_rows *r, const koe_candidates *found, size_t k, double least,
                     koe_top_k *top);

#endif
