/* Nearest vectors and inserts: koelectra_index beside sqlite-vec's vec0 and sqlite-vector, in one
 * process, over the same vectors.
 *
 *   bench_index DIRECTORY TEXTS VEC0|- VECTOR|-
 *
 * DIRECTORY is a checkpoint; TEXTS has a text a line, of which the last QUERIES become queries and
 * the others rows; VEC0 and VECTOR are the peers' libraries.  NAME is koelectra, vec0 or vector.
 * Commands, one a line, each answered by a line:
 *
 *   search NAME  queries, seconds, and how many of the 10 rows of each were truly among the nearest
 *   insert NAME  rows and seconds of an INSERT of ready vectors, or what the database says instead
 *
 * sqlite-vector searches quantized vectors that are preloaded, its fastest way.  All tables are in
 * memory. */
#include "../../ext/koelectra.h"
#include "../../model/memory.h"

#include "harness.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERIES = 20, NEAREST = 10 };

typedef struct state {
  sqlite3 *db;
  size_t rows, dimension;
  float *vectors;       /* [rows, dimension]; row i has rowid i + 1 */
  float *queries;       /* [QUERIES, dimension] */
  float tenth[QUERIES]; /* cosine of a query and its NEAREST-th row */
} state;

typedef struct engine {
  const char *name;
  const char *prepare; /* after `vector(id, v)` is filled; NULL terminates the list */
  const char *search;  /* ?1 a vector: rowids */
  const char *empty, *insert, *drop;
} engine;

static const engine engines[] = {
    {"koelectra",
     "CREATE VIRTUAL TABLE ours USING koelectra_index(body, model='bench', content='text', "
     "content_rowid='id'); INSERT INTO ours(ours) VALUES('rebuild')",
     "SELECT rowid FROM ours WHERE ours MATCH ?1 AND k = 10",
     "CREATE VIRTUAL TABLE ours_new USING koelectra_index(body, model='bench')",
     "INSERT INTO ours_new(rowid, body) SELECT id, v FROM vector", "DROP TABLE ours_new"},
    {"vec0",
     "CREATE VIRTUAL TABLE theirs USING vec0(v float[%lld]); INSERT INTO theirs(rowid, v) SELECT id, v FROM "
     "vector",
     "SELECT rowid FROM theirs WHERE v MATCH ?1 AND k = 10",
     "CREATE VIRTUAL TABLE theirs_new USING vec0(v float[%lld])",
     "INSERT INTO theirs_new(rowid, v) SELECT id, v FROM vector", "DROP TABLE theirs_new"},
    {"vector",
     "SELECT vector_init('vector', 'v', 'dimension=%lld,type=FLOAT32,distance=DOT'); "
     "SELECT vector_quantize('vector', 'v'); SELECT vector_quantize_preload('vector', 'v')",
     "SELECT rowid FROM vector_quantize_scan('vector', 'v', ?1, 10)", NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

_Noreturn static void fail(const state *s, const char *sql) {
  fprintf(stderr, "%s\n  %s\n", sqlite3_errmsg(s->db), sql);
  exit(EXIT_FAILURE);
}

static int try(const state *s, const char *format) {
  char *sql = sqlite3_mprintf(format, (sqlite3_int64)s->dimension);
  int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
  sqlite3_free(sql);
  return code;
}

static void execute(const state *s, const char *format) {
  if (try(s, format) != SQLITE_OK) fail(s, format);
}

static sqlite3_stmt *prepare(const state *s, const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) != SQLITE_OK) fail(s, sql);
  return statement;
}

static void finish(const state *s, sqlite3_stmt *statement) {
  if (sqlite3_finalize(statement) != SQLITE_OK) fail(s, "at the end of a statement");
}

static void *allocate(size_t count, size_t size) {
  void *memory = koe_alloc_aligned(count, size);
  if (memory == NULL) koe_bench_fail("not enough memory for the vectors");
  return memory;
}

/* ── filling ──────────────────────────────────────────────────────────────────────────────────
 */

static void fill_texts(const state *s, const koe_bench_texts *texts) {
  execute(s, "CREATE TABLE text(id INTEGER PRIMARY KEY, body TEXT)");
  sqlite3_stmt *statement = prepare(s, "INSERT INTO text(body) VALUES(?)");
  for (size_t i = 0; i < texts->count; i++) {
    sqlite3_bind_text(statement, 1, texts->items[i].bytes, (int)texts->items[i].length,
                      SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE) fail(s, "INSERT INTO text");
    sqlite3_reset(statement);
  }
  finish(s, statement);
}

/* Reads the vectors of all texts; those behind the first `rows` are the queries. */
static void fill_vectors(state *s) {
  execute(s, "CREATE TABLE vector(id INTEGER PRIMARY KEY, v BLOB)");
  execute(s, "INSERT INTO vector SELECT id, embedding "
             "FROM koelectra_batch('SELECT id, body FROM text', 'bench')");
  sqlite3_stmt *statement = prepare(s, "SELECT v FROM vector ORDER BY id");
  for (size_t i = 0; sqlite3_step(statement) == SQLITE_ROW; i++) {
    size_t bytes = (size_t)sqlite3_column_bytes(statement, 0);
    if (i == 0) {
      s->dimension = bytes / sizeof *s->vectors;
      s->vectors = allocate(s->rows * s->dimension, sizeof *s->vectors);
      s->queries = allocate(QUERIES * s->dimension, sizeof *s->queries);
    }
    float *to = i < s->rows ? s->vectors + i * s->dimension
                            : s->queries + (i - s->rows) * s->dimension;
    memcpy(to, sqlite3_column_blob(statement, 0), bytes);
  }
  finish(s, statement);
}

static float cosine(const state *s, size_t query, size_t row) {
  const float *a = s->queries + query * s->dimension, *b = s->vectors + row * s->dimension;
  double sum = 0;
  for (size_t i = 0; i < s->dimension; i++)
    sum += (double)a[i] * (double)b[i];
  return (float)sum;
}

/* Finds, for each query, the cosine that its NEAREST-th row has. */
static void find_truth(state *s) {
  for (size_t q = 0; q < QUERIES; q++) {
    float best[NEAREST];
    for (int i = 0; i < NEAREST; i++)
      best[i] = -2;
    for (size_t row = 0; row < s->rows; row++) {
      float value = cosine(s, q, row);
      for (int i = 0; i < NEAREST; i++) {
        if (value <= best[i]) continue;
        float worse = best[i];
        best[i] = value;
        value = worse;
      }
    }
    s->tenth[q] = best[NEAREST - 1];
  }
}

static void load_library(const state *s, const char *path) {
  char *message = NULL;
  if (strcmp(path, "-") == 0) return;
  if (sqlite3_load_extension(s->db, path, NULL, &message) != SQLITE_OK) {
    errno = 0;
    koe_bench_fail(message);
  }
}

static void open_database(state *s, char **argv) {
  static const char options[] = "{\"precision\": \"int8\", \"max_length\": 32}";
  koe_bench_texts texts;
  char *message = NULL;
  koe_bench_texts_read(argv[2], &texts);
  errno = 0;
  if (texts.count <= QUERIES + NEAREST) koe_bench_fail("too few texts");
  s->rows = texts.count - QUERIES;
  if (sqlite3_open(":memory:", &s->db) != SQLITE_OK) fail(s, "opening");
  if (sqlite3_koelectra_init(s->db, &message, NULL) != SQLITE_OK) koe_bench_fail(message);
  sqlite3_enable_load_extension(s->db, 1);
  load_library(s, argv[3]);
  load_library(s, argv[4]);
  sqlite3_stmt *load = prepare(s, "SELECT koelectra_load('bench', ?, ?)");
  sqlite3_bind_text(load, 1, argv[1], -1, SQLITE_STATIC);
  sqlite3_bind_text(load, 2, options, -1, SQLITE_STATIC);
  sqlite3_step(load);
  finish(s, load);
  fill_texts(s, &texts);
  koe_bench_texts_clear(&texts);
  fill_vectors(s);
  char *remove =
      sqlite3_mprintf("DELETE FROM vector WHERE id > %lld; DELETE FROM text WHERE id > %lld",
                      (sqlite3_int64)s->rows, (sqlite3_int64)s->rows);
  if (remove != NULL) execute(s, remove);
  sqlite3_free(remove);
  find_truth(s);
  for (int i = 0; engines[i].name != NULL; i++) {
    if (i > 0 && strcmp(argv[2 + i], "-") == 0) continue;
    execute(s, engines[i].prepare);
  }
}

/* ── commands ─────────────────────────────────────────────────────────────────────────────────
 */

static const engine *engine_named(char **arguments, int count) {
  for (const engine *e = engines; count > 0 && e->name != NULL; e++)
    if (strcmp(e->name, arguments[0]) == 0) return e;
  errno = 0;
  koe_bench_fail("search or insert: koelectra, vec0 or vector?");
}

static void search(void *context, char **arguments, int count) {
  const state *s = context;
  const engine *e = engine_named(arguments, count);
  sqlite3_stmt *statement = prepare(s, e->search);
  sqlite3_int64 found[QUERIES][NEAREST] = {{0}};
  double start = koe_bench_now();
  for (size_t q = 0; q < QUERIES; q++) {
    sqlite3_bind_blob(statement, 1, s->queries + q * s->dimension,
                      (int)(s->dimension * sizeof *s->queries), SQLITE_STATIC);
    for (int i = 0; sqlite3_step(statement) == SQLITE_ROW && i < NEAREST; i++)
      found[q][i] = sqlite3_column_int64(statement, 0);
    if (sqlite3_reset(statement) != SQLITE_OK) fail(s, e->search);
  }
  double spent = koe_bench_now() - start;
  finish(s, statement);
  int hits = 0;
  for (size_t q = 0; q < QUERIES; q++) {
    for (int i = 0; i < NEAREST; i++) {
      if (found[q][i] < 1 || (size_t)found[q][i] > s->rows) continue;
      /* Rows may be equally near: any of them is right. */
      if (cosine(s, q, (size_t)found[q][i] - 1) >= s->tenth[q] - 1e-6F) hits++;
    }
  }
  printf("%d %.6f %d\n", QUERIES, spent, hits);
}

static void insert(void *context, char **arguments, int count) {
  const state *s = context;
  const engine *e = engine_named(arguments, count);
  errno = 0;
  if (e->insert == NULL) koe_bench_fail("insert: koelectra or vec0?");
  execute(s, e->empty);
  double start = koe_bench_now();
  if (try(s, e->insert) == SQLITE_OK)
    printf("%zu %.6f\n", s->rows, koe_bench_now() - start);
  else
    printf("error %s\n", sqlite3_errmsg(s->db));
  execute(s, e->drop);
}

int main(int argc, char **argv) {
  static const koe_bench_command commands[] = {
      {"search", search}, {"insert", insert}, {NULL, NULL}};
  state s = {0};
  if (argc != 5) {
    fprintf(stderr, "usage: bench_index DIRECTORY TEXTS VEC0|- VECTOR|-\n");
    return EXIT_FAILURE;
  }
  open_database(&s, argv);
  koe_bench_serve(commands, &s);
  sqlite3_close(s.db);
  koe_free(s.vectors);
  koe_free(s.queries);
  return EXIT_SUCCESS;
}
