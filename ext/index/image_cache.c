/* The images in memory.
 *
 * The cache holds images, an image holds its blocks, and blocks are found by their stamp as long as
 * an image has them: so what two versions of an index share is there once.  Images go, the one used
 * least lately first, where cache_bytes is reached; one that is being searched lives until that is
 * done.  An image that nobody has any more goes when a newer version of it comes. */
#include "image.h"

#include "../../model/memory.h"
#include "../../model/registry.h"

#include <pthread.h>

enum { FIRST_BUCKETS = 1024 };

/* All guarded by the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static koe_image *newest, *oldest; /* by last use */
static size_t image_count;
static koe_image_block **buckets; /* [bucket_count], lists */
static size_t bucket_count;       /* a power of 2, or 0 */
static size_t block_count;
static size_t total_bytes;    /* of blocks and images */
static size_t reserved_bytes; /* of blocks to come */

static size_t limit(void) {
  koe_error err;
  int64_t bytes;
  if (koe_registry_config_get("cache_bytes", &bytes, &err) != KOE_OK || bytes < 0) return 0;
  return (size_t)bytes;
}

/* ── blocks ─────────────────────────────────────────────────────────────────────────────────────
 */

static bool block_is(const koe_image_block *b, int64_t chunk, int64_t stamp, size_t dimension,
                     bool signs) {
  return b->stamp == stamp && b->chunk == chunk && b->dimension == dimension && b->signs == signs;
}

/* Stamps are random already. */
static koe_image_block **bucket_of(int64_t stamp) {
  return &buckets[(size_t)stamp & (bucket_count - 1)];
}

/* Doubles the table where it is full.  Without memory for that, lists grow longer. */
static bool grow_buckets(void) {
  if (block_count < bucket_count) return true;
  size_t old_count = bucket_count, count = old_count == 0 ? FIRST_BUCKETS : 2 * old_count;
  koe_image_block **old = buckets, **grown = koe_alloc_zero(count, sizeof *grown);
  if (grown == NULL) return old_count > 0;
  buckets = grown;
  bucket_count = count;
  for (size_t i = 0; i < old_count; i++) {
    for (koe_image_block *b = old[i], *next; b != NULL; b = next) {
      next = b->next;
      b->next = *bucket_of(b->stamp);
      *bucket_of(b->stamp) = b;
    }
  }
  koe_free(old);
  return true;
}

static koe_image_block *find_block(int64_t chunk, int64_t stamp, size_t dimension, bool signs) {
  if (bucket_count == 0) return NULL;
  for (koe_image_block *b = *bucket_of(stamp); b != NULL; b = b->next) {
    if (block_is(b, chunk, stamp, dimension, signs)) return b;
  }
  return NULL;
}

static void block_free(koe_image_block *block) {
  koe_vector_block_free(block->vectors);
  koe_free(block);
}

static void release_block(koe_image_block *block) {
  if (--block->uses > 0) return;
  koe_image_block **link = bucket_of(block->stamp);
  while (*link != block)
    link = &(*link)->next;
  *link = block->next;
  total_bytes -= block->bytes;
  if (--block_count == 0) {
    koe_free(buckets);
    buckets = NULL;
    bucket_count = 0;
  }
  block_free(block);
}

koe_image_block *koe_image_block_find(int64_t chunk, int64_t stamp, size_t dimension, bool signs) {
  pthread_mutex_lock(&mutex);
  koe_image_block *block = find_block(chunk, stamp, dimension, signs);
  if (block != NULL) block->uses++;
  pthread_mutex_unlock(&mutex);
  return block;
}

koe_image_block *koe_image_block_add(koe_image_block *block) {
  koe_image_block *unwanted = block;
  pthread_mutex_lock(&mutex);
  koe_image_block *found = find_block(block->chunk, block->stamp, block->dimension, block->signs);
  if (found != NULL) {
    found->uses++;
  } else if (grow_buckets()) {
    block->uses = 1;
    block->bytes = sizeof *block + koe_vector_block_bytes(block->vectors);
    block->next = *bucket_of(block->stamp);
    *bucket_of(block->stamp) = block;
    block_count++;
    total_bytes += block->bytes;
    found = block;
    unwanted = NULL;
  }
  pthread_mutex_unlock(&mutex);
  if (unwanted != NULL) block_free(unwanted);
  return found;
}

void koe_image_block_release(koe_image_block *block) {
  pthread_mutex_lock(&mutex);
  release_block(block);
  pthread_mutex_unlock(&mutex);
}

/* ── images ─────────────────────────────────────────────────────────────────────────────────────
 */

static void image_free(koe_image *image) {
  for (size_t i = 0; i < image->count; i++)
    if (image->blocks[i] != NULL) release_block(image->blocks[i]);
  total_bytes -= image->bytes;
  koe_free(image->blocks);
  koe_free(image->scan);
  koe_free(image);
}

static void release_image(koe_image *image) {
  if (--image->uses == 0) image_free(image);
}

static void unlink_image(koe_image *image) {
  *(image->previous != NULL ? &image->previous->next : &newest) = image->next;
  *(image->next != NULL ? &image->next->previous : &oldest) = image->previous;
  image->previous = image->next = NULL;
}

static void link_newest(koe_image *image) {
  image->next = newest;
  *(newest != NULL ? &newest->previous : &oldest) = image;
  newest = image;
}

/* Takes an image out of the cache. */
static void let_go(koe_image *image) {
  unlink_image(image);
  image_count--;
  release_image(image);
}

static koe_image *find_image(int64_t stamp, size_t dimension, bool signs) {
  for (koe_image *i = newest; i != NULL; i = i->next)
    if (i->stamp == stamp && i->dimension == dimension && i->signs == signs) return i;
  return NULL;
}

static koe_image *use_image(koe_image *image) {
  if (image != newest) {
    unlink_image(image);
    link_newest(image);
  }
  image->uses++;
  return image;
}

koe_image *koe_image_find(int64_t stamp, size_t dimension, bool signs) {
  pthread_mutex_lock(&mutex);
  koe_image *image = find_image(stamp, dimension, signs);
  if (image != NULL) use_image(image);
  pthread_mutex_unlock(&mutex);
  return image;
}

/* Whether two images have a block in common. */
static bool share_block(const koe_image *a, const koe_image *b) {
  for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
    if (a->blocks[i] == b->blocks[j]) return true;
    if (a->blocks[i]->chunk <= b->blocks[j]->chunk) {
      i++;
    } else {
      j++;
    }
  }
  return false;
}

/* Lets go the images that nobody has and that look like another version of this one: a host that
 * connects anew for each request leaves one behind each time. */
static void let_go_older(const koe_image *image) {
  for (koe_image *i = newest, *next; i != NULL; i = next) {
    next = i->next;
    if (i != image && i->users == 0 && share_block(i, image)) let_go(i);
  }
}

koe_image *koe_image_add(koe_image *image) {
  pthread_mutex_lock(&mutex);
  koe_image *found = find_image(image->stamp, image->dimension, image->signs);
  if (found != NULL) {
    image_free(image);
    image = use_image(found);
  } else {
    image->uses = 2; /* the cache's and the caller's */
    image->bytes = sizeof *image + image->count * (sizeof *image->blocks + sizeof *image->scan);
    total_bytes += image->bytes;
    link_newest(image);
    image_count++;
    let_go_older(image);
  }
  pthread_mutex_unlock(&mutex);
  return image;
}

void koe_image_release(koe_image *image) {
  if (image == NULL) return;
  pthread_mutex_lock(&mutex);
  release_image(image);
  pthread_mutex_unlock(&mutex);
}

void koe_image_free(koe_image *image) {
  pthread_mutex_lock(&mutex);
  image_free(image);
  pthread_mutex_unlock(&mutex);
}

void koe_image_user_add(koe_image *image) {
  pthread_mutex_lock(&mutex);
  image->users++;
  pthread_mutex_unlock(&mutex);
}

/* An image that went and came back does not know its earlier users: it may go once too early, and
 * is read again then. */
void koe_image_user_remove(int64_t stamp, size_t dimension, bool signs, bool to_let_go) {
  pthread_mutex_lock(&mutex);
  koe_image *image = find_image(stamp, dimension, signs);
  if (image != NULL) {
    if (image->users > 0) image->users--;
    if (to_let_go && image->users == 0) let_go(image);
  }
  pthread_mutex_unlock(&mutex);
}

/* ── room ───────────────────────────────────────────────────────────────────────────────────────
 */

static bool make_room(size_t bytes, size_t most) {
  while (oldest != NULL && total_bytes + reserved_bytes + bytes > most)
    let_go(oldest);
  return total_bytes + reserved_bytes + bytes <= most;
}

bool koe_image_reserve(size_t bytes) {
  size_t most = limit();
  if (bytes > most) return false;
  pthread_mutex_lock(&mutex);
  bool room = make_room(bytes, most);
  if (room) reserved_bytes += bytes;
  pthread_mutex_unlock(&mutex);
  return room;
}

void koe_image_unreserve(size_t bytes) {
  pthread_mutex_lock(&mutex);
  reserved_bytes -= bytes;
  pthread_mutex_unlock(&mutex);
}

void koe_image_trim(void) {
  size_t most = limit();
  pthread_mutex_lock(&mutex);
  make_room(0, most);
  pthread_mutex_unlock(&mutex);
}

void koe_image_clear(void) {
  pthread_mutex_lock(&mutex);
  while (oldest != NULL)
    let_go(oldest);
  pthread_mutex_unlock(&mutex);
}

void koe_image_count(size_t *images, size_t *bytes) {
  pthread_mutex_lock(&mutex);
  *images = image_count;
  *bytes = total_bytes;
  pthread_mutex_unlock(&mutex);
}
