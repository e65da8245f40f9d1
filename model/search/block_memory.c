#include "block_memory.h"

#include "../memory.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

enum {
  FIRST_PLACES = 4, /* of the first slab of a shape; each later one has twice as many */
  MOST_PLACES = 64,
  HIGH_BYTES = 4 << 20, /* about, of the upper halves in a slab */
  PAGE = 4096
};

/* Codes lie by themselves: even 3 KB of other things between those of two blocks halve the speed of
 * a scan. */
enum { HIGH, HIGH_NUMBERS, LOW, SIGNS, SIGN_NUMBERS, SECTIONS };

struct koe_block_slab {
  koe_block_slab *next;
  size_t dimension;
  bool signs;
  size_t places;
  uint64_t taken;           /* bit i: place i */
  koe_vector_block *blocks; /* [places] */
  uint8_t *memory;          /* its sections */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static koe_block_slab *slabs; /* guarded by it, as what slabs say of their places */

/* ── shapes ─────────────────────────────────────────────────────────────────────────────────────
 */

/* An array of a block, and the section it lies in, behind those before it: in the order of
 * reading. */
typedef struct array {
  void *pointer; /* in the block */
  size_t bytes;
  int section;
} array;

/* Lays out the arrays of a place: section s of it begins at starts[s].  Gives the bytes of each
 * section in `sizes`. */
static void lay_out(koe_vector_block *b, bool signs, uint8_t *const starts[SECTIONS],
                    size_t sizes[SECTIONS]) {
  size_t codes = KOE_BLOCK_SLOTS * b->units * KOE_SCAN_UNIT_BYTES;
  size_t floats = KOE_BLOCK_SLOTS * sizeof(float);
  const array arrays[] = {
      {&b->centre, b->dimension * sizeof(float), signs ? SIGN_NUMBERS : HIGH_NUMBERS},
      {&b->high, codes, HIGH},
      {&b->high_gains, floats, HIGH_NUMBERS},
      {&b->high_factors, floats, HIGH_NUMBERS},
      {&b->high_errors, floats, HIGH_NUMBERS},
      {&b->low, codes, LOW},
      {&b->low_gains, floats, LOW},
      {&b->low_factors, floats, LOW},
      {&b->low_errors, floats, LOW},
      {&b->signs, signs ? KOE_BLOCK_SLOTS * b->units * sizeof(uint64_t) : 0, SIGNS},
      {&b->sign_gains, signs ? floats : 0, SIGN_NUMBERS},
      {&b->sign_factors, signs ? floats : 0, SIGN_NUMBERS},
  };
  memset(sizes, 0, SECTIONS * sizeof *sizes);
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
    size_t *size = &sizes[arrays[i].section];
    uint8_t *start = starts != NULL && arrays[i].bytes > 0 ? starts[arrays[i].section] : NULL;
    uint8_t *at = start != NULL ? start + *size : NULL;
    memcpy(arrays[i].pointer, &at, sizeof at);
    *size += (arrays[i].bytes + 63) / 64 * 64;
  }
}

static size_t total_of(const size_t sizes[SECTIONS]) {
  size_t total = 0;
  for (int s = 0; s < SECTIONS; s++)
    total += sizes[s];
  return total;
}

static koe_vector_block shape_of(size_t dimension) {
  return (koe_vector_block){.dimension = dimension,
                            .units = (dimension + KOE_SCAN_UNIT - 1) / KOE_SCAN_UNIT};
}

size_t koe_block_memory_bytes(size_t dimension, bool signs) {
  koe_vector_block shape = shape_of(dimension);
  size_t sizes[SECTIONS];
  lay_out(&shape, signs, NULL, sizes);
  return sizeof shape + total_of(sizes);
}

/* ── slabs ──────────────────────────────────────────────────────────────────────────────────────
 */

static void slab_free(koe_block_slab *slab) {
  if (slab == NULL) return;
  koe_free(slab->memory);
  koe_free(slab->blocks);
  koe_free(slab);
}

/* Large pages, where the system has them: a scan goes through many. */
static void ask_for_large_pages(uint8_t *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
  uintptr_t first = ((uintptr_t)memory + PAGE - 1) / PAGE * PAGE;
  uintptr_t end = ((uintptr_t)memory + bytes) / PAGE * PAGE;
  if (end > first) madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

static size_t place_count(size_t earlier, size_t high_bytes) {
  size_t places = FIRST_PLACES, most = HIGH_BYTES / high_bytes;
  for (; earlier > 0 && places < MOST_PLACES; earlier--)
    places *= 2;
  if (most < 1) most = 1;
  return places < most ? places : most;
}

/* A slab for a shape of which there are `earlier` slabs. */
static koe_block_slab *slab_new(size_t dimension, bool signs, size_t earlier) {
  koe_vector_block shape = shape_of(dimension);
  size_t sizes[SECTIONS];
  lay_out(&shape, signs, NULL, sizes);
  koe_block_slab *slab = koe_alloc_zero(1, sizeof *slab);
  if (slab == NULL) return NULL;
  size_t places = place_count(earlier, sizes[0]);
  slab->dimension = dimension;
  slab->signs = signs;
  slab->places = places;
  slab->blocks = koe_alloc_zero(places, sizeof *slab->blocks);
  slab->memory = koe_alloc_aligned(places, total_of(sizes));
  if (slab->blocks == NULL || slab->memory == NULL) {
    slab_free(slab);
    return NULL;
  }
  /* A small index shall not fill large pages. */
  if (earlier > 1) ask_for_large_pages(slab->memory, places * total_of(sizes));
  for (size_t i = 0; i < places; i++) {
    uint8_t *starts[SECTIONS], *section = slab->memory;
    for (int s = 0; s < SECTIONS; section += places * sizes[s++])
      starts[s] = section + i * sizes[s];
    slab->blocks[i] = shape;
    lay_out(&slab->blocks[i], signs, starts, sizes);
    slab->blocks[i].slab = slab;
  }
  return slab;
}

/* Takes the first free place of a shape; the mutex is held. */
static koe_vector_block *take(size_t dimension, bool signs) {
  koe_block_slab **end = &slabs, *slab;
  size_t earlier = 0;
  for (; (slab = *end) != NULL; end = &slab->next) {
    if (slab->dimension != dimension || slab->signs != signs) continue;
    uint64_t all = slab->places < 64 ? (UINT64_C(1) << slab->places) - 1 : UINT64_MAX;
    if (slab->taken != all) break;
    earlier++;
  }
  if (slab == NULL) slab = *end = slab_new(dimension, signs, earlier);
  if (slab == NULL) return NULL;
  int place = __builtin_ctzll(~slab->taken);
  slab->taken |= UINT64_C(1) << place;
  return &slab->blocks[place];
}

koe_vector_block *koe_block_memory_take(size_t count, size_t dimension, bool signs) {
  pthread_mutex_lock(&mutex);
  koe_vector_block *block = take(dimension, signs);
  pthread_mutex_unlock(&mutex);
  if (block == NULL) return NULL;
  block->count = count;
  size_t units = koe_block_slots(block) * block->units;
  memset(block->high, 0, units * KOE_SCAN_UNIT_BYTES);
  memset(block->low, 0, units * KOE_SCAN_UNIT_BYTES);
  if (signs) memset(block->signs, 0, units * sizeof *block->signs);
  block->longest = block->largest_square = block->spread = 0;
  return block;
}

void koe_block_memory_give(koe_vector_block *block) {
  if (block == NULL) return;
  koe_block_slab *slab = block->slab;
  pthread_mutex_lock(&mutex);
  slab->taken &= ~(UINT64_C(1) << (block - slab->blocks));
  bool empty = slab->taken == 0;
  if (empty) {
    koe_block_slab **link = &slabs;
    while (*link != slab)
      link = &(*link)->next;
    *link = slab->next;
  }
  pthread_mutex_unlock(&mutex);
  if (empty) slab_free(slab);
}
