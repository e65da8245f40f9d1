/* Products with a matrix in panels (kernels.h), in vectors of simd.h, which includes this file.
 *
 * The including file of simd.h defines TILE_ROWS and TILE_PANELS: the sums of so many rows and
 * panels are held in registers from the first input to the last.  So inputs need no blocks, and
 * every sum is taken in the order of the inputs, beginning with the bias, whatever the tile: one
 * row's products do not depend on the other rows, and are the same with every instruction set that
 * multiplies and adds in one rounding.
 * Source: Goto & van de Geijn 2008 (register tiles); Heinecke et al. 2016 (LIBXSMM, no blocks). */

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

enum {
  PANEL_VECTORS = KOE_PANEL / LANES,
  TILE_VECTORS = TILE_PANELS * PANEL_VECTORS,
  TILE_SUMS = TILE_ROWS * TILE_VECTORS,
  /* x of a block of rows stays in the second-level cache while all panels pass by. */
  BLOCK_FLOATS = 1 << 16
};

/* Rows of x and y, and what is done to the latter. */
typedef struct tile_task {
  const koe_panels *panels;
  const koe_epilogue *epilogue;
  size_t x_stride, y_stride;
} tile_task;

INLINE vector load_columns(const float *x, size_t columns) {
  return columns >= LANES ? load(x) : load_part(x, columns, 0);
}

/* Columns [first, first + KOE_PANEL · panels) of `rows` rows of y, which are constants where this
 * is inlined.  Three rows of x share a pointer: the others are one and two strides from it, which
 * is what an address can hold. */
INLINE void multiply_tile(const tile_task *task, const float *x, size_t first, size_t panels,
                          size_t rows, float *y) {
  const koe_panels *p = task->panels;
  const float *bias = task->epilogue->bias;
  const float *w = p->values + first / KOE_PANEL * p->panel_stride;
  size_t inputs = p->in_features, stride = task->x_stride, vectors = panels * PANEL_VECTORS;
  size_t count = rows * vectors, columns = p->out_features - first, panel = p->panel_stride;
  size_t step = p->input_stride;
  vector sums[TILE_SUMS], start[TILE_VECTORS];
  const float *x_r[(TILE_ROWS + 2) / 3];
  UNROLL for (size_t r = 0; r < (rows + 2) / 3; r++) x_r[r] = x + 3 * r * stride;
  UNROLL for (size_t v = 0; v < vectors; v++) {
    size_t c = v * LANES;
    start[v] = (vector){0};
    if (bias != NULL && c < columns) start[v] = load_columns(bias + first + c, columns - c);
  }
  UNROLL for (size_t i = 0; i < count; i++) sums[i] = start[i % vectors];
  for (size_t k = 0; k < inputs; k++, w += step) {
    vector loaded[TILE_VECTORS];
    UNROLL for (size_t v = 0; v < vectors; v++) {
      loaded[v] = load(w + v / PANEL_VECTORS * panel + v % PANEL_VECTORS * LANES);
    }
    UNROLL for (size_t i = 0; i < count; i++) {
      size_t r = i / vectors;
      sums[i] += loaded[i % vectors] * x_r[r / 3][r % 3 * stride];
    }
    UNROLL for (size_t r = 0; r < (rows + 2) / 3; r++) x_r[r]++;
  }
  if (columns >= panels * KOE_PANEL) {
    UNROLL for (size_t i = 0; i < count; i++) {
      store(y + i / vectors * task->y_stride + first + i % vectors * LANES, sums[i]);
    }
    return;
  }
  vector last[TILE_SUMS];
  UNROLL for (size_t i = 0; i < count; i++) last[i] = sums[i];
  for (size_t i = 0; i < count; i++) {
    size_t c = i % vectors * LANES;
    float *y_c = y + i / vectors * task->y_stride + first + c;
    if (c >= columns) continue;
    if (columns - c >= LANES) {
      store(y_c, last[i]);
    } else {
      store_part(y_c, last[i], columns - c);
    }
  }
}

typedef void tile(const tile_task *task, const float *x, size_t first, size_t panels, float *y);

#define TILE(rows)                                                                           \
  static __attribute__((noinline)) void tile_##rows(const tile_task *task, const float *x,   \
                                                    size_t first, size_t panels, float *y) { \
    if (panels == TILE_PANELS) {                                                             \
      multiply_tile(task, x, first, TILE_PANELS, rows, y);                                   \
    } else {                                                                                 \
      multiply_tile(task, x, first, 1, rows, y);                                             \
    }                                                                                        \
  }

TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
#if TILE_ROWS > 6
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#endif

static tile *const tiles[TILE_ROWS + 1] = {
    NULL,   tile_1, tile_2, tile_3,  tile_4,  tile_5,  tile_6,
#if TILE_ROWS > 6
    tile_7, tile_8, tile_9, tile_10, tile_11, tile_12,
#endif
};

/* The activation of a tile while it is in the first-level cache. */
static void activate_tile(const koe_epilogue *epilogue, float *y, size_t y_stride, size_t rows,
                          size_t columns) {
  if (!epilogue->activates) return;
  switch (epilogue->activation) {
  case KOE_GELU_ERF:
    activate_rows(y, y_stride, KOE_GELU_ERF, rows, columns);
    break;
  case KOE_GELU_TANH:
    activate_rows(y, y_stride, KOE_GELU_TANH, rows, columns);
    break;
  case KOE_RELU:
    activate_rows(y, y_stride, KOE_RELU, rows, columns);
    break;
  }
}

/* Some rows with all panels.  Tiles of about equal height: the last of 13 rows is no single one,
 * whose sums would wait for each other. */
static void multiply_block(const tile_task *task, const float *x, size_t rows, float *y) {
  size_t panels = koe_panel_count(task->panels->out_features);
  size_t tile_count = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (size_t p = 0, wide; p < panels; p += wide) {
    wide = p + TILE_PANELS <= panels ? TILE_PANELS : 1;
    size_t first = p * KOE_PANEL, columns = task->panels->out_features - first;
    if (columns > wide * KOE_PANEL) columns = wide * KOE_PANEL;
    const float *x_t = x;
    float *y_t = y;
    for (size_t t = 0, left = rows; t < tile_count; t++) {
      size_t n = left / (tile_count - t);
      tiles[n](task, x_t, first, wide, y_t);
      activate_tile(task->epilogue, y_t + first, task->y_stride, n, columns);
      x_t += n * task->x_stride;
      y_t += n * task->y_stride;
      left -= n;
    }
  }
}

static void multiply(const koe_panels *panels, const float *x, size_t x_stride, size_t rows,
                     const koe_epilogue *epilogue, float *y, size_t y_stride) {
  tile_task task = {panels, epilogue, x_stride, y_stride};
  size_t block = BLOCK_FLOATS / (panels->in_features + 1) / TILE_ROWS * TILE_ROWS;
  if (block == 0) block = TILE_ROWS;
  for (size_t r = 0; r < rows; r += block) {
    multiply_block(&task, x + r * x_stride, rows - r < block ? rows - r : block, y + r * y_stride);
  }
}
