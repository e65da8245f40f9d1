/* bfloat16 products by vdpbf16ps, which adds to each of 16 floats the products of a pair of
 * bfloat16: so both operands are packed in pairs (2p, 2p + 1) along the depth.
 *
 * The blocking is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication" (2008): a block of b, then blocks of rows of a are packed, and tiles of
 * TILE_ROWS × 64 are summed in registers. */
#include "bfloat16_product.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum {
  LANES = 16,    /* floats, or pairs of bfloat16, in a register */
  TILE_ROWS = 6, /* 6 · 4 sums, 4 registers of b and 1 of a are 29 of 32 */
  TILE_VECTORS = 4,
  PANEL = TILE_VECTORS * LANES, /* columns of a panel of b */
  STRIP = 48 /* rows of a strip of a transposed a: whole tiles, whole registers */
};

#define INLINE static inline __attribute__((always_inline))

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* ── packing ────────────────────────────────────────────────────────────────────────────────────
 */

static __mmask16 first_lanes(size_t count) {
  return (__mmask16)(count >= LANES ? 0xffff : (1u << count) - 1);
}

/* 32 floats at x as 16 pairs; those from `count` on are zero. */
INLINE __m512i pairs_along(const float *x, size_t count) {
  size_t rest = count > LANES ? count - LANES : 0;
  __m512 low = _mm512_maskz_loadu_ps(first_lanes(count), x);
  __m512 high = _mm512_maskz_loadu_ps(first_lanes(rest), rest > 0 ? x + LANES : x);
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* Pairs of 16 columns: (even[c], odd[c]). */
INLINE __m512i pairs_across(const float *even, const float *odd, __mmask16 columns,
                            __mmask16 odd_columns) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  __m512 low = _mm512_maskz_loadu_ps(columns, even);
  __m512 high = _mm512_maskz_loadu_ps(odd_columns, odd);
  return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

/* x [depth, …], rows `stride` apart: the pairs of `columns` of it, to out [⌈depth / 2⌉, width]. */
static void pack_across(const float *x, size_t stride, size_t depth, size_t columns, size_t width,
                        uint32_t *out) {
  for (size_t k = 0; k < depth; k += 2, out += width) {
    const float *even = x + k * stride, *odd = k + 1 < depth ? even + stride : even;
    for (size_t c = 0; c < columns; c += LANES) {
      __mmask16 mask = first_lanes(columns - c);
      __m512i pairs = pairs_across(even + c, odd + c, mask, k + 1 < depth ? mask : 0);
      _mm512_store_si512(out + c, pairs);
    }
  }
}

INLINE void transpose(__m512i v[LANES]) {
  __m512i t[LANES];
  for (int i = 0; i < LANES; i += 2) {
    t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
  for (int i = 0; i < LANES; i += 4) {
    v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    v[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    v[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    v[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    v[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

/* x [columns, …], rows `stride` apart: the pairs of `depth` of each of 16 columns or fewer, to out
 * [⌈depth / 2⌉, PANEL]. */
static void pack_transposed(const float *x, size_t stride, size_t depth, size_t columns,
                            uint32_t *out) {
  size_t pairs = (depth + 1) / 2;
  for (size_t p = 0; p < pairs; p += LANES) {
    __m512i v[LANES];
    for (size_t c = 0; c < LANES; c++)
      v[c] = c < columns ? pairs_along(x + c * stride + 2 * p, depth - 2 * p)
                         : _mm512_setzero_si512();
    transpose(v);
    for (size_t i = 0; i < LANES; i++) {
      if (p + i < pairs) _mm512_store_si512(out + (p + i) * PANEL, v[i]);
    }
  }
}

/* Columns [from, from + count) of depth [first, first + depth) of b, in panels of 64 columns, to
 * out [panels, pairs, PANEL]. */
static void pack_b(const koe_product *product, size_t first, size_t depth, size_t from,
                   size_t count, uint32_t *out) {
  size_t pairs = (depth + 1) / 2;
  for (size_t c = 0; c < count; c += PANEL, out += pairs * PANEL) {
    size_t columns = least(PANEL, count - c);
    if (!product->b_transposed) {
      pack_across(product->b + first * product->columns + from + c, product->columns, depth,
                  columns, PANEL, out);
      continue;
    }
    const float *b = product->b + (from + c) * product->depth + first;
    for (size_t i = 0; i < columns; i += LANES)
      pack_transposed(b + i * product->depth, product->depth, depth, columns - i, out + i);
  }
}

/* A packed block of a: pair p of row r is at block[r · row_stride + p · pair_stride], but that a
 * transposed a is in strips of STRIP rows, one behind the other. */
typedef struct packed_rows {
  uint32_t *block;
  size_t row_stride, pair_stride, strip_stride;
} packed_rows;

/* Rows [from, from + count) of depth [first, first + depth) of a; fills whole tiles. */
static void pack_a(const koe_product *product, size_t first, size_t depth, size_t from,
                   size_t count, packed_rows *out) {
  size_t pairs = (depth + 1) / 2;
  if (product->a_transposed) {
    out->row_stride = 1;
    out->pair_stride = STRIP;
    out->strip_stride = pairs * STRIP;
    for (size_t r = 0; r < count; r += STRIP) {
      size_t rows = least(STRIP, count - r);
      uint32_t *strip = out->block + r / STRIP * out->strip_stride;
      if (rows < STRIP) memset(strip, 0, out->strip_stride * sizeof *strip);
      pack_across(product->a + first * product->rows + from + r, product->rows, depth, rows, STRIP,
                  strip);
    }
    return;
  }
  size_t stride = (pairs + LANES - 1) / LANES * LANES;
  out->row_stride = stride;
  out->pair_stride = 1;
  out->strip_stride = STRIP * stride;
  for (size_t r = 0; r < count; r++) {
    const float *a = product->a + (from + r) * product->depth + first;
    for (size_t p = 0; p < pairs; p += LANES)
      _mm512_store_si512(out->block + r * stride + p, pairs_along(a + 2 * p, depth - 2 * p));
  }
  size_t whole = (count + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
  memset(out->block + count * stride, 0, (whole - count) * stride * sizeof *out->block);
}

/* ── tiles ──────────────────────────────────────────────────────────────────────────────────────
 */

typedef struct tile {
  const uint32_t *a; /* row r, pair p: a[r · row_stride + p · pair_stride] */
  size_t row_stride;
  const uint32_t *b; /* [pairs, PANEL] */
  size_t pairs, rows;
  __mmask16 last; /* columns of the last register */
  float keep;
  float *c;
  size_t c_stride;
} tile;

/* The sums stay in registers only where every loop over them is unrolled early. */
INLINE void store_row(const tile *t, int row, int vectors, const __m512 *sums) {
  float *c = t->c + (size_t)row * t->c_stride;
  __m512 keep = _mm512_set1_ps(t->keep);
#pragma GCC unroll 4
  for (int v = 0; v < vectors; v++) {
    __mmask16 mask = v + 1 < vectors ? (__mmask16)0xffff : t->last;
    __m512 sum = sums[v];
    if (t->keep != 0) sum = _mm512_fmadd_ps(keep, _mm512_maskz_loadu_ps(mask, c + v * LANES), sum);
    _mm512_mask_storeu_ps(c + v * LANES, mask, sum);
  }
}

INLINE void multiply_tile(const tile *t, int vectors, size_t row_stride, size_t pair_stride) {
  __m512 sums[TILE_ROWS][TILE_VECTORS];
  const uint32_t *a = t->a, *b = t->b;
#pragma GCC unroll 6
  for (int r = 0; r < TILE_ROWS; r++) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      sums[r][v] = _mm512_setzero_ps();
  }
  for (size_t p = 0; p < t->pairs; p++, a += pair_stride, b += PANEL) {
    __m512bh columns[TILE_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      columns[v] = (__m512bh)_mm512_load_si512(b + v * LANES);
#pragma GCC unroll 6
    for (int r = 0; r < TILE_ROWS; r++) {
      __m512bh row = (__m512bh)_mm512_set1_epi32((int)a[(size_t)r * row_stride]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++)
        sums[r][v] = _mm512_dpbf16_ps(sums[r][v], row, columns[v]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < TILE_ROWS; r++) {
    if ((size_t)r < t->rows) store_row(t, r, vectors, sums[r]);
  }
}

/* One function for each count of registers and each layout of a, so that sums stay in registers. */
#define TILE_FUNCTION(VECTORS)                      \
  static void tile_##VECTORS(const tile *t) {       \
    multiply_tile(t, VECTORS, t->row_stride, 1);    \
  }                                                 \
  static void strip_tile_##VECTORS(const tile *t) { \
    multiply_tile(t, VECTORS, 1, STRIP);            \
  }
TILE_FUNCTION(1)
TILE_FUNCTION(2)
TILE_FUNCTION(3)
TILE_FUNCTION(4)

static void (*const tile_functions[2][TILE_VECTORS])(const tile *) = {
    {tile_1, tile_2, tile_3, tile_4}, {strip_tile_1, strip_tile_2, strip_tile_3, strip_tile_4}};

/* ── product ────────────────────────────────────────────────────────────────────────────────────
 */

/* A block of `rows` by `columns` of c. */
static void multiply_block(const koe_product *product, const packed_rows *a, const uint32_t *b,
                           size_t rows, size_t columns, size_t pairs, float keep, float *c) {
  tile t = {.row_stride = a->row_stride, .pairs = pairs, .keep = keep};
  t.c_stride = product->columns;
  for (size_t column = 0; column < columns; column += PANEL, b += pairs * PANEL) {
    size_t width = least(PANEL, columns - column), vectors = (width + LANES - 1) / LANES;
    void (*multiply)(const tile *) = tile_functions[product->a_transposed][vectors - 1];
    t.b = b;
    t.last = first_lanes(width - (vectors - 1) * LANES);
    for (size_t row = 0; row < rows; row += TILE_ROWS) {
      t.a = a->block + row / STRIP * a->strip_stride + row % STRIP * a->row_stride;
      t.rows = least(TILE_ROWS, rows - row);
      t.c = c + row * t.c_stride + column;
      multiply(&t);
    }
  }
}

void koe_bfloat16_multiply_avx512(const koe_product *product, float *scratch) {
  uint32_t *b = (uint32_t *)scratch;
  packed_rows a = {.block = b + (size_t)KOE_BFLOAT16_COLUMNS * (KOE_BFLOAT16_DEPTH / 2)};
  for (size_t column = 0; column < product->columns; column += KOE_BFLOAT16_COLUMNS) {
    size_t columns = least(KOE_BFLOAT16_COLUMNS, product->columns - column);
    for (size_t first = 0; first < product->depth; first += KOE_BFLOAT16_DEPTH) {
      size_t depth = least(KOE_BFLOAT16_DEPTH, product->depth - first);
      float keep = first == 0 ? product->keep : 1;
      pack_b(product, first, depth, column, columns, b);
      for (size_t row = 0; row < product->rows; row += KOE_BFLOAT16_ROWS) {
        size_t rows = least(KOE_BFLOAT16_ROWS, product->rows - row);
        pack_a(product, first, depth, row, rows, &a);
        multiply_block(product, &a, b, rows, columns, (depth + 1) / 2, keep,
                       product->c + row * product->columns + column);
      }
    }
  }
}
