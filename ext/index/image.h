/* The memory image of an index: its chunks, coded as searches read them
 * (model/search/vector_block.h).
 *
 * Images are the process's, shared by connections and threads.  A chunk's stamp, a random number
 * drawn anew with every change (FORMAT.md), says which block of the cache is the chunk's: the same
 * whatever connection, snapshot or copy of the file asks, and another after every change, whoever
 * made it.  So a search reads one stamp to know that its image is the right one, after a change the
 * stamps of all chunks, and the vectors of the changed ones. */
#ifndef KOE_INDEX_IMAGE_H
#define KOE_INDEX_IMAGE_H

#include "storage.h"

#include "../../model/search/vector_scan.h"

/* A chunk.  Immutable. */
typedef struct koe_image_block {
  int64_t chunk, stamp; /* the chunk's id and stamp */
  size_t dimension;
  bool signs; /* as koe_vector_block_new had it */
  int rows;   /* live slots */
  int64_t least_rowid, largest_rowid;
  uint8_t live[KOE_CHUNK_SLOTS / 8];
  int64_t rowids[KOE_CHUNK_SLOTS];
  koe_vector_block *vectors;
  /* image_cache.c's own: */
  size_t bytes, uses;
  struct koe_image_block *next;
} koe_image_block;

/* All chunks of an index, of one info.stamp.  Immutable. */
typedef struct koe_image {
  int64_t stamp;
  size_t dimension;
  bool signs;
  size_t count;             /* of chunks */
  size_t rows;              /* of live slots */
  koe_image_block **blocks; /* [count], by chunk id */
  koe_scan_block *scan;     /* [count], all live slots: what koe_vector_scan takes */
  /* image_cache.c's own: */
  size_t bytes, uses, users;
  struct koe_image *previous, *next;
} koe_image;

/* ── image.c ────────────────────────────────────────────────────────────────────────────────────
 */

/* Gives the image of what the tables hold in the transaction of the caller, who has flushed the
 * queue, and ends its use with koe_image_release.  Where it is not in memory, it is read if `load`.
 * NULL where it is not there, or is larger than cache_bytes. */
int koe_image_acquire(koe_index *index, const koe_index_info *info, bool load, koe_image **out);

/* Ends an index's (a connection's) interest in its image: `dropped` where nobody can want it any
 * more, otherwise it stays in memory while there is room. */
void koe_image_leave(koe_index *index, bool dropped);

/* ── image_cache.c: what is in memory.  All functions may be called from any thread. ────────────
 */

/* The image of that stamp, or NULL; it is now the one used last. */
koe_image *koe_image_find(int64_t stamp, size_t dimension, bool signs);

/* A block, or NULL; koe_image_block_release it. */
koe_image_block *koe_image_block_find(int64_t chunk, int64_t stamp, size_t dimension, bool signs);

/* Adds a block, which is taken over, and gives it back with a use; another thread's of the same
 * stamp may take its place. */
koe_image_block *koe_image_block_add(koe_image_block *block);

void koe_image_block_release(koe_image_block *block);

/* Makes room for so many bytes within cache_bytes, by letting go the images used least lately.
 * Where true, koe_image_unreserve must follow, once what the room was for has been added. */
bool koe_image_reserve(size_t bytes);
void koe_image_unreserve(size_t bytes);

/* Adds an image whose blocks have a use each for it; it is taken over and given back with a use for
 * the caller.  Another thread's of the same stamp may take its place. */
koe_image *koe_image_add(koe_image *image);

/* Ends a use; takes NULL. */
void koe_image_release(koe_image *image);

/* Frees an image that is in no cache, and the uses of its blocks. */
void koe_image_free(koe_image *image);

/* Counts the indexes whose image it is.  An image that the last of them has left behind, for a
 * newer one or because it was dropped, is let go; where the connection was closed, it stays. */
void koe_image_user_add(koe_image *image);
void koe_image_user_remove(int64_t stamp, size_t dimension, bool signs, bool let_go);

/* Images and bytes in memory.  cache_bytes is a setting of the process (model/registry.h). */
void koe_image_count(size_t *images, size_t *bytes);

/* Lets go images that are over cache_bytes now; or all. */
void koe_image_trim(void);
void koe_image_clear(void);

#endif
