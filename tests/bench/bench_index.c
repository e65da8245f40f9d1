/* Nearest vectors and inserts: koelectra_index beside other extensions, over the same vectors, each
 * in a file of its own.
 *
 *   bench_index DIRECTORY TEXTS ROWS FOLDER [PACKAGE=LIBRARY …]
 *
 * DIRECTORY is a checkpoint; TEXTS has a text a line, of which the last QUERIES become queries and
 * the others rows.  Where ROWS are more than these, the others are mixtures of two of them each.
 * FOLDER takes the files.  PACKAGE is one that an engine below names; several libraries of one are
 * loaded in that order.  Commands, one a line, each answered by a line; NAME is that of an engine,
 * `build` comes first, then `open`:
 *
 *   build NAME   rows, seconds of an INSERT of ready vectors, seconds of what follows it (training,
 *                quantizing)
 *   open NAME    seconds until the first answer of a new connection, bytes of memory it has taken,
 *                bytes of the engine's files
 *   search NAME  queries, seconds, and how many of the 10 rows of each were truly among the nearest
 */
#include "../../ext/koelectra.h"
#include "../../model/memory.h"
#include "../../model/search/vectors.h"

#include "harness.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { QUERIES = 20, NEAREST = 10, ENGINES = 8 };

typedef struct state {
  sqlite3 *db; /* that of the command in progress, or of the source */
  sqlite3 *connections[ENGINES];
  const char *directory, *folder;
  char **libraries; /* PACKAGE=LIBRARY, up to a NULL */
  size_t rows, dimension;
  float *vectors;       /* [rows, dimension]; row i has rowid i + 1 */
  float *queries;       /* [QUERIES, dimension] */
  float tenth[QUERIES]; /* cosine of a query and its NEAREST-th row */
} state;

/* In statements, {dimension}, {rows} and {folder} stand for what these are. */
typedef struct engine {
  const char *name;            /* NULL terminates the list */
  const char *package;         /* whose libraries it needs; NULL: none */
  const char *file;            /* several may share one: the first builds it */
  const char *create;          /* NULL: another has built the file */
  const char *insert;          /* from source.vector(id, v) */
  const char *train, *connect; /* after that, and in each connection */
  const char *search;          /* ?1 a vector: rowids */
} engine;

#define INIT_VECTOR \
  "SELECT vector_init('t', 'v', 'dimension={dimension},type=FLOAT32,distance=COSINE')"
#define INSERT_BODY "INSERT INTO t(rowid, body) SELECT id, v FROM source.vector"
#define INSERT_V    "INSERT INTO t(rowid, v) SELECT id, v FROM source.vector"
#define SEARCH_BODY "SELECT rowid FROM t WHERE t MATCH ?1 AND k = 10"

static const engine engines[ENGINES + 1] = {
    {"exact", NULL, "exact.db", "CREATE VIRTUAL TABLE t USING koelectra_index(body, model='bench')",
     INSERT_BODY, NULL, NULL, SEARCH_BODY},
    {"approximate", NULL, "approximate.db",
     "CREATE VIRTUAL TABLE t USING koelectra_index(body, model='bench', search='approximate')",
     INSERT_BODY, "INSERT INTO t(t) VALUES('optimize')", NULL, SEARCH_BODY},
    {"vec0", "sqlite-vec", "vec0.db", "CREATE VIRTUAL TABLE t USING vec0(v float[{dimension}])",
     INSERT_V, NULL, NULL, "SELECT rowid FROM t WHERE v MATCH ?1 AND k = 10"},
    {"full", "sqlite-vector", "vector.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)",
     "INSERT INTO t SELECT id, v FROM source.vector", NULL, INIT_VECTOR,
     "SELECT rowid FROM vector_full_scan('t', 'v', ?1, 10)"},
    {"quantized", "sqlite-vector", "vector.db", NULL, NULL,
     INIT_VECTOR "; SELECT vector_quantize('t', 'v')", INIT_VECTOR,
     "SELECT rowid FROM vector_quantize_scan('t', 'v', ?1, 10)"},
    {"preloaded", "sqlite-vector", "vector.db", NULL, NULL, NULL,
     INIT_VECTOR "; SELECT vector_quantize_preload('t', 'v')",
     "SELECT rowid FROM vector_quantize_scan('t', 'v', ?1, 10)"},
    {"vss", "sqlite-vss", "vss.db", "CREATE VIRTUAL TABLE t USING vss0(v({dimension}))", INSERT_V,
     NULL, NULL, "SELECT rowid FROM t WHERE vss_search(v, vss_search_params(?1, 10))"},
    {"vectorlite", "vectorlite", "vectorlite.db",
     "CREATE VIRTUAL TABLE t USING vectorlite(v float32[{dimension}] cosine, "
     "hnsw(max_elements={rows}), '{folder}/vectorlite.db.index')",
     INSERT_V, NULL, NULL, "SELECT rowid FROM t WHERE knn_search(v, knn_param(?1, 10, 100))"},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL}};

_Noreturn static void fail(const state *s, const char *sql) {
  fprintf(stderr, "%s\n  %s\n", sqlite3_errmsg(s->db), sql);
  exit(EXIT_FAILURE);
}

static char *expand(const state *s, const char *format) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (const char *p = format; *p != '\0'; p++) {
    if (strncmp(p, "{dimension}", 11) == 0) {
      sqlite3_str_appendf(out, "%lld", (sqlite3_int64)s->dimension);
    } else if (strncmp(p, "{rows}", 6) == 0) {
      sqlite3_str_appendf(out, "%lld", (sqlite3_int64)s->rows);
    } else if (strncmp(p, "{folder}", 8) == 0) {
      sqlite3_str_appendall(out, s->folder);
    } else {
      sqlite3_str_append(out, p, 1);
      continue;
    }
    p = strchr(p, '}');
  }
  return sqlite3_str_finish(out);
}

static void execute(const state *s, const char *format) {
  char *sql = expand(s, format);
  if (sql == NULL || sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK) fail(s, format);
  sqlite3_free(sql);
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

/* Rows that are mixtures of two of the first `given`. */
static void mix_rows(state *s, size_t given) {
  unsigned seed = 1;
  for (size_t row = given; row < s->rows; row++) {
    const float *a = s->vectors + (size_t)rand_r(&seed) % given * s->dimension;
    const float *b = s->vectors + (size_t)rand_r(&seed) % given * s->dimension;
    float *to = s->vectors + row * s->dimension;
    float part = 0.5F + (float)(rand_r(&seed) % 1000) / 2500;
    for (size_t i = 0; i < s->dimension; i++)
      to[i] = part * a[i] + (1 - part) * b[i];
    koe_vector_normalize(to, s->dimension);
  }
}

/* Reads the vectors of `texts` texts, of which the last are the queries. */
static void read_vectors(state *s, size_t texts) {
  size_t given = texts - QUERIES;
  sqlite3_stmt *statement = prepare(s, "SELECT embedding FROM koelectra_batch("
                                       "'SELECT id, body FROM text', 'bench') ORDER BY id");
  for (size_t i = 0; sqlite3_step(statement) == SQLITE_ROW; i++) {
    size_t bytes = (size_t)sqlite3_column_bytes(statement, 0);
    if (i == 0) {
      s->dimension = bytes / sizeof *s->vectors;
      s->vectors = allocate(s->rows * s->dimension, sizeof *s->vectors);
      s->queries = allocate(QUERIES * s->dimension, sizeof *s->queries);
    }
    float *to = i >= given ? s->queries + (i - given) * s->dimension
                           : s->vectors + i * s->dimension;
    if (i >= given || i < s->rows) memcpy(to, sqlite3_column_blob(statement, 0), bytes);
  }
  finish(s, statement);
  if (s->rows > given) mix_rows(s, given);
}

/* Writes them to source.db, where all engines read them. */
static void write_vectors(const state *s) {
  execute(s, "CREATE TABLE source.vector(id INTEGER PRIMARY KEY, v BLOB); BEGIN");
  sqlite3_stmt *statement = prepare(s, "INSERT INTO source.vector(v) VALUES(?)");
  for (size_t i = 0; i < s->rows; i++) {
    sqlite3_bind_blob(statement, 1, s->vectors + i * s->dimension,
                      (int)(s->dimension * sizeof *s->vectors), SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE) fail(s, "INSERT INTO source.vector");
    sqlite3_reset(statement);
  }
  finish(s, statement);
  execute(s, "COMMIT");
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

static void load_libraries(const state *s, const char *package) {
  size_t length = strlen(package);
  sqlite3_enable_load_extension(s->db, 1);
  for (char **library = s->libraries; *library != NULL; library++) {
    char *message = NULL;
    if (strncmp(*library, package, length) != 0 || (*library)[length] != '=') continue;
    if (sqlite3_load_extension(s->db, *library + length + 1, NULL, &message) != SQLITE_OK) {
      errno = 0;
      koe_bench_fail(message);
    }
  }
}

static void path_of(const state *s, const char *file, char out[1024]) {
  snprintf(out, 1024, "%s/%s", s->folder, file);
}

/* Connects to a file, with our extension, a package's and the source. */
static void connect_to(state *s, const char *file, const char *package) {
  static const char options[] = "{\"precision\": \"int8\", \"max_length\": 32}";
  char path[1024], source[1024];
  char *message = NULL;
  errno = 0;
  path_of(s, file, path);
  path_of(s, "source.db", source);
  if (sqlite3_open(file[0] == ':' ? file : path, &s->db) != SQLITE_OK) fail(s, path);
  if (sqlite3_koelectra_init(s->db, &message, NULL) != SQLITE_OK) koe_bench_fail(message);
  /* Several indexes of ours are in this process, and shall all stay in memory. */
  execute(s, "SELECT koelectra_config('cache_bytes', 1 << 31)");
  if (package != NULL) load_libraries(s, package);
  sqlite3_stmt *load = prepare(s, "SELECT koelectra_load('bench', ?, ?)");
  sqlite3_bind_text(load, 1, s->directory, -1, SQLITE_STATIC);
  sqlite3_bind_text(load, 2, options, -1, SQLITE_STATIC);
  sqlite3_step(load);
  finish(s, load);
  sqlite3_stmt *attach = prepare(s, "ATTACH ? AS source");
  sqlite3_bind_text(attach, 1, source, -1, SQLITE_STATIC);
  sqlite3_step(attach);
  finish(s, attach);
}

static void prepare_source(state *s, const char *path) {
  koe_bench_texts texts;
  char source[1024];
  koe_bench_texts_read(path, &texts);
  errno = 0;
  if (texts.count <= QUERIES + NEAREST) koe_bench_fail("too few texts");
  path_of(s, "source.db", source);
  unlink(source);
  connect_to(s, ":memory:", NULL);
  fill_texts(s, &texts);
  read_vectors(s, texts.count);
  koe_bench_texts_clear(&texts);
  write_vectors(s);
  find_truth(s);
  if (sqlite3_close(s->db) != SQLITE_OK) fail(s, "closing");
}

/* ── commands ─────────────────────────────────────────────────────────────────────────────────
 */

static const engine *engine_named(char **arguments, int count) {
  for (const engine *e = engines; count > 0 && e->name != NULL; e++)
    if (strcmp(e->name, arguments[0]) == 0) return e;
  errno = 0;
  koe_bench_fail("which engine?");
}

/* Connects an engine to its file anew. */
static void reconnect(state *s, const engine *e) {
  sqlite3 **connection = &s->connections[e - engines];
  s->db = *connection;
  if (sqlite3_close(*connection) != SQLITE_OK) fail(s, "closing");
  connect_to(s, e->file, e->package);
  *connection = s->db;
}

static long long resident_bytes(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long long pages = 0;
  if (file == NULL || fscanf(file, "%*d %lld", &pages) != 1) koe_bench_fail("/proc/self/statm");
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

/* Bytes of the engine's file and of what lies beside it, which it removes if asked to. */
static long long count_files(const state *s, const engine *e, bool remove) {
  static const char *const endings[] = {"", "-wal", ".index"};
  long long bytes = 0;
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    char path[1024 + 8];
    struct stat info;
    path_of(s, e->file, path);
    strcat(path, endings[i]);
    if (stat(path, &info) == 0) bytes += info.st_size;
    if (remove) unlink(path);
  }
  return bytes;
}

static double timed(const state *s, const char *sql) {
  double start = koe_bench_now();
  if (sql != NULL) execute(s, sql);
  return koe_bench_now() - start;
}

static void build(void *context, char **arguments, int count) {
  state *s = context;
  const engine *e = engine_named(arguments, count);
  if (e->create != NULL) count_files(s, e, true);
  reconnect(s, e);
  if (e->create != NULL) execute(s, e->create);
  double inserting = timed(s, e->insert), training = timed(s, e->train);
  printf("%zu %.6f %.6f\n", s->rows, inserting, training);
}

static void ask(const state *s, sqlite3_stmt *statement, size_t query,
                sqlite3_int64 found[NEAREST]) {
  sqlite3_bind_blob(statement, 1, s->queries + query * s->dimension,
                    (int)(s->dimension * sizeof *s->queries), SQLITE_STATIC);
  for (int i = 0; sqlite3_step(statement) == SQLITE_ROW && i < NEAREST; i++)
    found[i] = sqlite3_column_int64(statement, 0);
  if (sqlite3_reset(statement) != SQLITE_OK) fail(s, "searching");
}

static void open_file(void *context, char **arguments, int count) {
  state *s = context;
  const engine *e = engine_named(arguments, count);
  sqlite3_int64 found[NEAREST];
  sqlite3_close(s->connections[e - engines]);
  s->connections[e - engines] = NULL;
#ifdef __GLIBC__
  malloc_trim(0); /* what was freed before shall not hide what is taken now */
#endif
  long long before = resident_bytes();
  double start = koe_bench_now();
  reconnect(s, e);
  if (e->connect != NULL) execute(s, e->connect);
  sqlite3_stmt *statement = prepare(s, e->search);
  ask(s, statement, 0, found);
  finish(s, statement);
  double spent = koe_bench_now() - start;
  printf("%.6f %lld %lld\n", spent, resident_bytes() - before, count_files(s, e, false));
}

static void search(void *context, char **arguments, int count) {
  state *s = context;
  const engine *e = engine_named(arguments, count);
  s->db = s->connections[e - engines];
  sqlite3_stmt *statement = prepare(s, e->search);
  sqlite3_int64 found[QUERIES][NEAREST] = {{0}};
  double start = koe_bench_now();
  for (size_t q = 0; q < QUERIES; q++)
    ask(s, statement, q, found[q]);
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

int main(int argc, char **argv) {
  static const koe_bench_command commands[] = {
      {"build", build}, {"open", open_file}, {"search", search}, {NULL, NULL}};
  if (argc < 5) {
    fprintf(stderr, "usage: bench_index DIRECTORY TEXTS ROWS FOLDER [PACKAGE=LIBRARY ...]\n");
    return EXIT_FAILURE;
  }
  state s = {.directory = argv[1],
             .rows = strtoul(argv[3], NULL, 10),
             .folder = argv[4],
             .libraries = argv + 5};
  prepare_source(&s, argv[2]);
  koe_bench_serve(commands, &s);
  for (int i = 0; i < ENGINES; i++)
    sqlite3_close(s.connections[i]);
  koe_free(s.vectors);
  koe_free(s.queries);
  return EXIT_SUCCESS;
}
