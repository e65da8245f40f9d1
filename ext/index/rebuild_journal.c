/* The file, in the numbers of the machine:
 *
 *   0     identity, 72 bytes: what the vectors are
 *   128   standing, 40 bytes: how far the rebuild is
 *   256   records, each of 32 + 4 · dimension bytes, rounded up to 8
 *
 * Checksums are hashes of what follows or precedes them, by the file's key. */
#include "rebuild_journal.h"

#include "storage.h"

#include "../../model/memory.h"
#include "../../model/search/vectors.h"
#include "../../model/siphash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SQLITE_EXTENSION_INIT3

#define MAGIC "koelectra rebuild\n"

enum { VERSION = 1, BYTE_ORDER_MARK = 0x01020304, STANDING = 128, RECORDS = 256 };
enum { MOST_PROBES = 256 }; /* as many only a file has that was made to be slow */
enum { WRITTEN_AT_ONCE = 16, READ_AT_ONCE = 64 }; /* records */

typedef struct identity {
  char magic[sizeof MAGIC + 5];
  uint32_t byte_order, version;
  uint64_t dimension, fingerprint;
  uint64_t key[2];
  uint64_t check; /* of all before */
} identity;

typedef struct standing {
  int64_t total, done, resumed;
  double seconds;
  uint64_t check; /* of all before */
} standing;

typedef struct record {
  uint64_t check; /* of all that follows, the vector too */
  koe_text_key key;
  float vector[];
} record;

_Static_assert(sizeof(identity) == 72 && sizeof(standing) == 40 && sizeof(record) == 32,
               "no padding, which would not be written alike");

/* Where a text's vector is; number 0 is an empty place. */
typedef struct place {
  uint64_t hash, number; /* of the record, from 1 */
} place;

struct koe_journal {
  const koe_rebuild_file *file;
  identity identity;
  int fd;          /* -1: not open */
  bool absent;     /* there is no such file yet */
  bool blank;      /* what is in the file is to be replaced */
  bool broken;     /* it cannot be written any more */
  int64_t count;   /* records */
  int64_t resumed; /* the first of them, which an earlier run wrote */
  place *places;   /* [capacity], a power of two: open addressing */
  size_t capacity;
  unsigned char *buffer; /* room for READ_AT_ONCE records */
};

static size_t record_size_of(uint64_t dimension) {
  return sizeof(record) + ((size_t)dimension + dimension % 2) * sizeof(float);
}

static size_t record_size(const koe_journal *j) {
  return record_size_of(j->identity.dimension);
}

static off_t record_offset(const koe_journal *j, int64_t number) {
  return RECORDS + (off_t)number * (off_t)record_size(j);
}

static uint64_t checksum(const identity *i, const void *bytes, size_t length) {
  uint64_t hash[2];
  koe_siphash(i->key, bytes, length, hash);
  return hash[0];
}

static uint64_t record_check(const koe_journal *j, const record *r) {
  return checksum(&j->identity, &r->key, record_size(j) - sizeof r->check);
}

/* All of it or false. */
static bool read_at(int fd, void *bytes, size_t length, off_t offset) {
  char *to = bytes;
  while (length > 0) {
    ssize_t n = pread(fd, to, length, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n, offset += n, length -= (size_t)n;
  }
  return true;
}

static bool write_at(int fd, const void *bytes, size_t length, off_t offset) {
  const char *from = bytes;
  while (length > 0) {
    ssize_t n = pwrite(fd, from, length, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    from += n, offset += n, length -= (size_t)n;
  }
  return true;
}

/* ── the file ───────────────────────────────────────────────────────────────────────────────────
 */

/* For the whole file, given back when its last descriptor is closed or the process ends, and not
 * when another descriptor of the same file is.  A system without such locks has no journal. */
static bool lock_file(int fd) {
#ifdef F_OFD_SETLK
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_SETLK, &all) == 0;
#else
  (void)fd;
  return false;
#endif
}

static bool is_locked(int fd) {
#ifdef F_OFD_SETLK
  struct flock all = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_GETLK, &all) == 0 && all.l_type != F_UNLCK;
#else
  (void)fd;
  return false;
#endif
}

static int open_file(const char *path, int flags) {
  return open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* A plain file under no other name, of this user or of the one whose the database is. */
static bool is_trusted(int fd, const char *database) {
  struct stat of_file, of_database;
  if (fstat(fd, &of_file) != 0 || !S_ISREG(of_file.st_mode) || of_file.st_nlink != 1) return false;
  return of_file.st_uid == geteuid() ||
         (stat(database, &of_database) == 0 && of_file.st_uid == of_database.st_uid);
}

/* Whether a file has our mark, whatever else is in it; one that was made and not written yet has.
 */
static bool read_identity(int fd, identity *out) {
  struct stat info;
  memset(out, 0, sizeof *out);
  if (fstat(fd, &info) != 0) return false;
  if (info.st_size == 0) return true;
  return read_at(fd, out, sizeof *out, 0) && memcmp(out->magic, MAGIC, sizeof MAGIC) == 0;
}

static bool is_whole(const identity *i) {
  return i->byte_order == BYTE_ORDER_MARK && i->version == VERSION && i->dimension > 0 &&
         i->dimension <= KOE_MAX_DIMENSION && i->check == checksum(i, i, offsetof(identity, check));
}

/* Opens an existing file that is ours, and locks it; -1 where it is not, `*absent` where there is
 * none. */
static int open_ours(const koe_rebuild_file *file, identity *out, bool *absent) {
  int fd = open_file(file->path, O_RDWR);
  *absent = fd < 0 && errno == ENOENT;
  if (fd < 0) return -1;
  if (is_trusted(fd, file->database) && lock_file(fd) && is_trusted(fd, file->database) &&
      read_identity(fd, out)) {
    return fd;
  }
  close(fd);
  return -1;
}

/* ── vectors by texts ───────────────────────────────────────────────────────────────────────────
 */

static void put_place(place *places, size_t capacity, place new) {
  size_t at = (size_t) new.hash;
  for (int probe = 0; probe < MOST_PROBES; probe++, at++) {
    if (places[at & (capacity - 1)].number != 0) continue;
    places[at & (capacity - 1)] = new;
    return;
  }
}

/* Makes room for one more; false where memory is short. */
static bool reserve_place(koe_journal *j) {
  if (j->capacity > 0 && (size_t)j->count < j->capacity - j->capacity / 3) return true;
  size_t capacity = j->capacity > 0 ? 2 * j->capacity : 1024;
  place *places = koe_alloc_zero(capacity, sizeof *places);
  if (places == NULL) return false;
  for (size_t i = 0; i < j->capacity; i++) {
    if (j->places[i].number != 0) put_place(places, capacity, j->places[i]);
  }
  koe_free(j->places);
  j->places = places;
  j->capacity = capacity;
  return true;
}

/* Takes the next record of the file up. */
static bool add_place(koe_journal *j, const koe_text_key *key) {
  if (!reserve_place(j)) return false;
  put_place(j->places, j->capacity, (place){key->hash[0], (uint64_t)j->count + 1});
  j->count++;
  return true;
}

/* Whether the record of that number is whole and the text's. */
static bool read_record(koe_journal *j, int64_t number, const koe_text_key *key, float *out) {
  record *r = (record *)j->buffer;
  float length = 0;
  size_t dimension = j->identity.dimension;
  if (!read_at(j->fd, r, record_size(j), record_offset(j, number)) ||
      memcmp(&r->key, key, sizeof *key) != 0 || r->check != record_check(j, r)) {
    return false;
  }
  memcpy(out, r->vector, dimension * sizeof *out);
  koe_vector_dots(out, out, 1, dimension, &length);
  return length > 0.99f && length < 1.01f;
}

/* Only their keys: a record is checked when it is used. */
static void read_places(koe_journal *j, int64_t most) {
  struct stat info;
  size_t size = record_size(j);
  if (fstat(j->fd, &info) != 0 || info.st_size < RECORDS) return;
  int64_t count = (info.st_size - RECORDS) / (int64_t)size;
  if (count > most) count = most;
  while (j->count < count) {
    int64_t rest = count - j->count;
    size_t now = rest < READ_AT_ONCE ? (size_t)rest : READ_AT_ONCE;
    if (!read_at(j->fd, j->buffer, now * size, record_offset(j, j->count))) return;
    for (size_t i = 0; i < now; i++) {
      if (!add_place(j, &((const record *)(j->buffer + i * size))->key)) return;
    }
  }
}

/* ── opening and closing ────────────────────────────────────────────────────────────────────────
 */

static void close_file(koe_journal *j) {
  if (j->fd >= 0) close(j->fd);
  j->fd = -1;
}

static void open_existing(koe_journal *j, int64_t most) {
  identity found;
  if (j->file->path == NULL) return;
  j->fd = open_ours(j->file, &found, &j->absent);
  if (j->fd < 0) return;
  j->blank = !is_whole(&found) || found.fingerprint != j->identity.fingerprint ||
             found.dimension != j->identity.dimension;
  if (j->blank) return;
  j->identity = found;
  read_places(j, most);
  j->resumed = j->count;
}

koe_journal *koe_journal_open(const koe_rebuild_file *file, uint64_t fingerprint, size_t dimension,
                              int64_t most) {
  koe_journal *j = koe_alloc_zero(1, sizeof *j);
  if (j == NULL) return NULL;
  j->file = file;
  j->fd = -1;
  j->identity = (identity){.magic = MAGIC,
                           .byte_order = BYTE_ORDER_MARK,
                           .version = VERSION,
                           .dimension = dimension,
                           .fingerprint = fingerprint};
  sqlite3_randomness(sizeof j->identity.key, j->identity.key);
  j->identity.check = checksum(&j->identity, &j->identity, offsetof(identity, check));
  j->buffer = koe_alloc(READ_AT_ONCE, record_size(j));
  if (j->buffer == NULL) {
    koe_journal_close(j);
    return NULL;
  }
  open_existing(j, most);
  return j;
}

void koe_journal_close(koe_journal *j) {
  if (j == NULL) return;
  close_file(j);
  koe_free(j->places);
  koe_free(j->buffer);
  koe_free(j);
}

static void create(koe_journal *j) {
  struct stat database;
  j->absent = false;
  if (stat(j->file->database, &database) != 0) return;
  /* Nobody reads it who may not read the database. */
  j->fd = open(j->file->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
               database.st_mode & 0666);
  /* As SQLite does for its own. */
  bool given = j->fd >= 0 &&
               (geteuid() != 0 || fchown(j->fd, database.st_uid, database.st_gid) == 0);
  if (j->fd >= 0 && (!given || !lock_file(j->fd))) close_file(j);
  j->blank = j->fd >= 0;
}

void koe_journal_start(koe_journal *j) {
  if (j->absent) create(j);
  if (!j->blank || j->fd < 0) return;
  j->blank = false;
  unsigned char begin[RECORDS] = {0};
  memcpy(begin, &j->identity, sizeof j->identity);
  /* The mark lasts: after a loss of power the file is still known as ours. */
  j->broken = ftruncate(j->fd, 0) != 0 || !write_at(j->fd, begin, sizeof begin, 0) ||
              fdatasync(j->fd) != 0;
}

bool koe_journal_is_open(const koe_journal *j) {
  return j->fd >= 0 && !j->blank && !j->broken;
}

bool koe_journal_has_file(const koe_journal *j) {
  return j->fd >= 0;
}

/* ── use ────────────────────────────────────────────────────────────────────────────────────────
 */

void koe_journal_key(const koe_journal *j, koe_text text, koe_text_key *out) {
  koe_siphash(j->identity.key, text.bytes, text.length, out->hash);
  out->length = text.length;
}

bool koe_journal_find(koe_journal *j, const koe_text_key *key, float *out, bool *resumed) {
  size_t at = (size_t)key->hash[0];
  for (int probe = 0; j->capacity > 0 && probe < MOST_PROBES; probe++, at++) {
    const place *p = &j->places[at & (j->capacity - 1)];
    if (p->number == 0) break;
    int64_t number = (int64_t)p->number - 1;
    if (p->hash != key->hash[0] || !read_record(j, number, key, out)) continue;
    *resumed = number < j->resumed;
    return true;
  }
  return false;
}

static void fill_record(koe_journal *j, size_t i, const koe_text_key *key, const float *vector) {
  record *r = (record *)(j->buffer + i * record_size(j));
  memset(r, 0, record_size(j));
  r->key = *key;
  memcpy(r->vector, vector, j->identity.dimension * sizeof *vector);
  r->check = record_check(j, r);
}

static bool write_records(koe_journal *j, const koe_text_key *keys, const float *vectors,
                          size_t count) {
  size_t size = record_size(j);
  for (size_t i = 0; i < count; i++)
    fill_record(j, i, &keys[i], vectors + i * j->identity.dimension);
  if (!write_at(j->fd, j->buffer, count * size, record_offset(j, j->count))) return false;
  for (size_t i = 0; i < count; i++) {
    if (!add_place(j, &keys[i])) return false;
  }
  return true;
}

void koe_journal_append(koe_journal *j, const koe_text_key *keys, const float *vectors,
                        size_t count, const koe_operation_state *state) {
  if (!koe_journal_is_open(j)) return;
  size_t dimension = j->identity.dimension;
  for (size_t i = 0; i < count && !j->broken; i += WRITTEN_AT_ONCE) {
    size_t now = count - i < WRITTEN_AT_ONCE ? count - i : WRITTEN_AT_ONCE;
    j->broken = !write_records(j, keys + i, vectors + i * dimension, now);
  }
  standing s = {.total = state->total,
                .done = state->done,
                .resumed = state->resumed,
                .seconds = state->seconds};
  s.check = checksum(&j->identity, &s, offsetof(standing, check));
  if (!j->broken) j->broken = !write_at(j->fd, &s, sizeof s, STANDING);
}

void koe_journal_remove(const koe_rebuild_file *file) {
  identity found;
  bool absent;
  if (file->path == NULL) return;
  int fd = open_ours(file, &found, &absent);
  if (fd < 0) return;
  unlink(file->path);
  close(fd);
}

bool koe_journal_peek(const char *path, koe_operation_state *state, bool *running) {
  enum { TRIES = 3 }; /* it may be written at this moment */
  identity found;
  standing s;
  struct stat info;
  bool good = false;
  *state = (koe_operation_state){.total = -1, .resumable = true};
  int fd = open_file(path, O_RDONLY);
  if (fd < 0) return false;
  bool ours = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= RECORDS &&
              read_identity(fd, &found) && is_whole(&found);
  if (ours) {
    *running = is_locked(fd);
    for (int i = 0; !good && i < TRIES; i++) {
      good = read_at(fd, &s, sizeof s, STANDING) &&
             s.check == checksum(&found, &s, offsetof(standing, check));
    }
  }
  close(fd);
  if (good) {
    state->total = s.total;
    state->done = s.done;
    state->resumed = s.resumed;
    state->seconds = s.seconds;
  }
  if (ours && !*running) {
    state->done = (info.st_size - RECORDS) / (int64_t)record_size_of(found.dimension);
  }
  return ours;
}
