/* The int8 products, compiled once an instruction set.
 *
 * The including file is compiled with the instruction set's flags, and without contraction of
 * a · b + c.  Before it includes this one it gives
 *
 *   TABLE, TABLE_NAME
 *   input                type of a quantized element; INPUT_OFFSET is added to it
 *   TILE_ROWS            rows of x, and
 *   TILE_STRIPS          strips of outputs, whose sums are held in registers
 *   STRIP                outputs of a strip: a panel, or, if TILE_STRIPS is 1, a part of one
 *   STRIP_VECTORS        vectors of a strip's sums, of one row
 *   LANES                floats of a vector, and vector_int, of as many int32
 *   sums, weights        vectors: sums, and weights of one group for them
 *   group                the inputs of one group, repeated
 *   load_weights(p, v)   vector v of a strip's weights of the group at p
 *   load_group(x)        the four inputs at x
 *   multiply_add(s, g, w)
 *   total(s, i)          sums i · LANES … of a strip, of its vectors s
 *
 * A tile is all products of TILE_ROWS rows with TILE_STRIPS strips; its sums stay in registers from
 * the first input to the last, so inputs need no blocks: both operands are read once a tile, front
 * to back.  Rows are taken in blocks that fit the cache while all strips pass by. */
#include "int8.h"
#include "int8_tables.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

enum {
  GROUP_WEIGHTS = KOE_INT8_PANEL * KOE_INT8_GROUP,
  MAX_TILE_ROWS = TILE_ROWS > 4 ? TILE_ROWS : 4,
  BLOCK_BYTES = 1 << 18
};

/* ── quantize ───────────────────────────────────────────────────────────────────────────────────
 */

static inline int32_t bits_of(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* Magnitudes compare as their bits do, infinity and NaN above all numbers. */
static float largest_magnitude(const float *x, size_t columns) {
  int32_t largest = 0;
  for (size_t c = 0; c < columns; c++) {
    int32_t magnitude = bits_of(x[c]) & 0x7FFFFFFF;
    largest = magnitude > largest ? magnitude : largest;
  }
  float result;
  memcpy(&result, &largest, sizeof result);
  return result;
}

/* Adding 1.5 · 2^23 rounds to the nearest integer, ties to even, and leaves it in the low bits. */
static void round_row(const float *x, float inverse, size_t columns, input *out) {
  const float rounding = 12582912.0f;
  const int32_t zero = 0x4B400000 - INPUT_OFFSET;
  for (size_t c = 0; c < columns; c++)
    out[c] = (input)(bits_of(x[c] * inverse + rounding) - zero);
}

static void quantize(const float *x, size_t rows, size_t columns, void *out, float *scales) {
  input *out_r = out;
  size_t padded = koe_int8_padded(columns);
  for (size_t r = 0; r < rows; r++, x += columns, out_r += padded) {
    float largest = largest_magnitude(x, columns);
    if (largest >= 1e-30f && largest <= 3.40282347e38f) {
      round_row(x, 127 / largest, columns, out_r);
      scales[r] = largest / 127;
    } else {
      for (size_t c = 0; c < columns; c++)
        out_r[c] = INPUT_OFFSET;
      scales[r] = largest < 1e-30f ? 0 : NAN;
    }
    /* Any value: the weights there are zero. */
    memset(out_r + columns, 0, (padded - columns) * sizeof *out_r);
  }
}

/* ── multiply ───────────────────────────────────────────────────────────────────────────────────
 */

typedef uint32_t vector_unsigned __attribute__((vector_size(LANES * sizeof(uint32_t))));
typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

/* What the tiles of one call have in common. */
typedef struct product {
  const koe_int8_matrix *matrix;
  size_t groups;     /* of inputs */
  const float *bias; /* [panels · KOE_INT8_PANEL] or NULL */
} product;

INLINE vector load_floats(const float *x) {
  vector v;
  memcpy(&v, x, sizeof v);
  return v;
}

/* LANES columns of y, from column `first` on, of the vectors s of their strip, of which each row
 * has `vectors`.  `part` says which LANES of the strip. */
INLINE void scale_sums(const product *p, const sums *s, size_t vectors, size_t part, size_t first,
                       const float *x_scales, size_t rows, float *y) {
  const koe_int8_matrix *m = p->matrix;
  size_t outputs = m->out_features, columns = outputs - first;
  vector scale = load_floats(m->scales + first);
  vector bias = p->bias != NULL ? load_floats(p->bias + first) : (vector){0};
  vector_unsigned offset = {0}; /* unsigned, so that sums on the way may wrap around */
  if (INPUT_OFFSET != 0) memcpy(&offset, m->offsets + first, sizeof offset);
  for (size_t r = 0; r < rows; r++) {
    vector_int sum = (vector_int)((vector_unsigned)total(s + r * vectors, part) + offset);
    vector value = __builtin_convertvector(sum, vector) * x_scales[r] * scale + bias;
    if (columns >= LANES) {
      memcpy(y + r * outputs + first, &value, sizeof value);
    } else {
      memcpy(y + r * outputs + first, &value, columns * sizeof *y);
    }
  }
}

/* Products of some rows of x with one strip, or TILE_STRIPS, from number `strip` on. */
typedef void tile(const product *p, const input *x, const float *x_scales, size_t strip,
                  size_t strips, float *y);

/* `rows` and `strips` are constants where this is inlined, and no loop that looks at `s` has
 * another in it: so compilers unroll these early, and keep `s` in registers. */
INLINE void multiply_tile(const product *p, const input *x, const float *x_scales, size_t strip,
                          float *y, size_t rows, size_t strips) {
  enum { MAX_VECTORS = TILE_STRIPS * STRIP_VECTORS };
  size_t panel_size = p->groups * GROUP_WEIGHTS, stride = p->groups * KOE_INT8_GROUP;
  size_t vectors = strips * STRIP_VECTORS, count = rows * vectors, first = strip * STRIP;
  const int8_t *w = p->matrix->weights + first / KOE_INT8_PANEL * panel_size +
                    first % KOE_INT8_PANEL * KOE_INT8_GROUP;
  sums s[MAX_TILE_ROWS * MAX_VECTORS], result[MAX_TILE_ROWS * MAX_VECTORS];
  UNROLL for (size_t i = 0; i < count; i++) s[i] = (sums){0};
  for (size_t g = 0; g < p->groups; g++, w += GROUP_WEIGHTS, x += KOE_INT8_GROUP) {
    weights loaded[MAX_VECTORS];
    UNROLL for (size_t v = 0; v < vectors; v++) {
      loaded[v] = load_weights(w + v / STRIP_VECTORS * panel_size, v % STRIP_VECTORS);
    }
    UNROLL for (size_t i = 0; i < count; i++) {
      s[i] = multiply_add(s[i], load_group(x + i / vectors * stride), loaded[i % vectors]);
    }
  }
  UNROLL for (size_t i = 0; i < count; i++) result[i] = s[i];
  for (size_t c = 0; c < strips * STRIP && first + c < p->matrix->out_features; c += LANES) {
    const sums *of_strip = result + c / STRIP * STRIP_VECTORS;
    scale_sums(p, of_strip, vectors, c % STRIP / LANES, first + c, x_scales, rows, y);
  }
}

#define TILE(name, rows)                                                                         \
  static __attribute__((noinline)) void name(const product *p, const input *x,                   \
                                             const float *x_scales, size_t strip, size_t strips, \
                                             float *y) {                                         \
    if (strips == TILE_STRIPS) {                                                                 \
      multiply_tile(p, x, x_scales, strip, y, rows, TILE_STRIPS);                                \
    } else {                                                                                     \
      multiply_tile(p, x, x_scales, strip, y, rows, 1);                                          \
    }                                                                                            \
  }

TILE(tile_full, TILE_ROWS)
TILE(tile_4, 4)
TILE(tile_2, 2)
TILE(tile_1, 1)

/* Large tiles while there are rows for them, then smaller ones. */
static const struct {
  size_t rows;
  tile *multiply;
} tiles[] = {{TILE_ROWS, tile_full}, {4, tile_4}, {2, tile_2}, {1, tile_1}};

static void multiply_strips(const product *p, const input *x, const float *x_scales, size_t rows,
                            size_t strip, size_t strips, float *y) {
  size_t stride = p->groups * KOE_INT8_GROUP, outputs = p->matrix->out_features;
  for (size_t t = 0; t < sizeof tiles / sizeof tiles[0]; t++) {
    size_t n = tiles[t].rows;
    for (; rows >= n; rows -= n, x += n * stride, x_scales += n, y += n * outputs)
      tiles[t].multiply(p, x, x_scales, strip, strips, y);
  }
}

static void multiply(const koe_int8_matrix *matrix, const void *x, const float *x_scales,
                     size_t rows, const float *bias, float *y) {
  const input *x_r = x;
  product p = {matrix, koe_int8_groups(matrix->in_features), bias};
  size_t strips = (matrix->out_features + STRIP - 1) / STRIP, stride = p.groups * KOE_INT8_GROUP;
  size_t block = BLOCK_BYTES / (stride * sizeof *x_r) / TILE_ROWS * TILE_ROWS;
  if (block == 0) block = TILE_ROWS;
  for (size_t r = 0; r < rows; r += block) {
    size_t n = rows - r < block ? rows - r : block, wide;
    for (size_t strip = 0; strip < strips; strip += wide) {
      wide = strip + TILE_STRIPS <= strips ? TILE_STRIPS : 1;
      multiply_strips(&p, x_r + r * stride, x_scales + r, n, strip, wide,
                      y + r * matrix->out_features);
    }
  }
}

const koe_int8_kernels TABLE = {
    .name = TABLE_NAME, .input_size = sizeof(input), .quantize = quantize, .multiply = multiply};
