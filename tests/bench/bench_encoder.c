/* Our side of the encoder's figures: texts through tokenizer, encoder and pooling.
 *
 *   bench_encoder DIRECTORY float32|int8 THREADS
 *
 * DIRECTORY is a checkpoint.  Commands, one a line, each answered by a line:
 *
 *   load              seconds until the model is open
 *   run FILE [TIMES]  tokens and seconds of TIMES passes over the texts of FILE, one a line
 *   sql FILE          the same of one pass by koelectra_batch over a table of them
 *   ids FILE OUT      number of texts; OUT gets the token ids of each, a line a text
 *   embed FILE OUT    number of texts; OUT gets their embeddings, float32
 *   peak              bytes of memory that were resident at most
 *   kernels           name of the kernels in use */
#include "../../ext/koelectra.h"
#include "../../model/memory.h"
#include "../../model/registry.h"

#include "harness.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct state {
  const koe_model *model;
  sqlite3 *db; /* once asked for: the extension in a database in memory */
} state;

static void load(void *context, char **arguments, int count) {
  state *s = context;
  koe_error err;
  (void)arguments, (void)count;
  double start = koe_bench_now();
  koe_bench_check(koe_registry_acquire("bench", &s->model, &err), &err);
  printf("%.6f\n", koe_bench_now() - start);
}

/* The file of a command, with its texts read. */
static FILE *begin(const state *s, char **arguments, int count, koe_bench_texts *texts) {
  errno = 0;
  if (s->model == NULL || count < 1) koe_bench_fail("load first; then give a file");
  koe_bench_texts_read(arguments[0], texts);
  if (count < 2) return NULL;
  FILE *out = fopen(arguments[1], "wb");
  if (out == NULL) koe_bench_fail(arguments[1]);
  return out;
}

static void tokenize(const state *s, koe_text text, koe_tokens *tokens) {
  koe_error err;
  koe_bench_check(koe_tokenizer_encode(koe_model_tokenizer(s->model), text, NULL,
                                       koe_model_max_length(s->model), tokens, &err),
                  &err);
}

static float *embed_all(const state *s, const koe_bench_texts *texts) {
  koe_error err;
  float *rows = koe_alloc(texts->count * koe_model_dimension(s->model), sizeof *rows);
  if (rows == NULL) koe_bench_fail("not enough memory for the embeddings");
  koe_bench_check(koe_model_embed(s->model, texts->items, texts->count, rows, &err), &err);
  return rows;
}

static size_t count_tokens(const state *s, const koe_bench_texts *texts) {
  koe_tokens tokens = {0};
  size_t total = 0;
  for (size_t i = 0; i < texts->count; i++) {
    tokenize(s, texts->items[i], &tokens);
    total += tokens.count;
  }
  koe_tokens_clear(&tokens);
  return total;
}

static void run(void *context, char **arguments, int count) {
  const state *s = context;
  koe_bench_texts texts;
  begin(s, arguments, 1 < count ? 1 : count, &texts);
  int times = count > 1 ? atoi(arguments[1]) : 1;
  size_t tokens = count_tokens(s, &texts);
  double start = koe_bench_now();
  for (int i = 0; i < times; i++)
    koe_free(embed_all(s, &texts));
  printf("%zu %.6f\n", tokens * (size_t)times, koe_bench_now() - start);
  koe_bench_texts_clear(&texts);
}

/* ── through SQL ──────────────────────────────────────────────────────────────────────────────
 */

static void check_sql(const state *s, int code) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
  errno = 0;
  koe_bench_fail(sqlite3_errmsg(s->db));
}

static void execute(const state *s, const char *statement) {
  check_sql(s, sqlite3_exec(s->db, statement, NULL, NULL, NULL));
}

static void open_database(state *s) {
  char *message = NULL;
  if (s->db != NULL) return;
  check_sql(s, sqlite3_open(":memory:", &s->db));
  check_sql(s, sqlite3_koelectra_init(s->db, &message, NULL));
}

static void fill_table(const state *s, const koe_bench_texts *texts) {
  sqlite3_stmt *insert;
  execute(s, "DROP TABLE IF EXISTS review; CREATE TABLE review(id INTEGER PRIMARY KEY, body TEXT)");
  check_sql(s, sqlite3_prepare_v2(s->db, "INSERT INTO review(body) VALUES(?)", -1, &insert, NULL));
  for (size_t i = 0; i < texts->count; i++) {
    sqlite3_bind_text(insert, 1, texts->items[i].bytes, (int)texts->items[i].length, SQLITE_STATIC);
    check_sql(s, sqlite3_step(insert));
    sqlite3_reset(insert);
  }
  check_sql(s, sqlite3_finalize(insert));
}

static void sql(void *context, char **arguments, int count) {
  state *s = context;
  koe_bench_texts texts;
  begin(s, arguments, 1 < count ? 1 : count, &texts);
  open_database(s);
  fill_table(s, &texts);
  size_t tokens = count_tokens(s, &texts);
  double start = koe_bench_now();
  execute(s, "SELECT id, embedding FROM koelectra_batch('SELECT id, body FROM review', 'bench')");
  printf("%zu %.6f\n", tokens, koe_bench_now() - start);
  koe_bench_texts_clear(&texts);
}

/* ── files for the peer ───────────────────────────────────────────────────────────────────────
 */

static void ids(void *context, char **arguments, int count) {
  const state *s = context;
  koe_bench_texts texts;
  koe_tokens tokens = {0};
  FILE *out = begin(s, arguments, count, &texts);
  if (out == NULL) koe_bench_fail("ids FILE OUT");
  for (size_t i = 0; i < texts.count; i++) {
    tokenize(s, texts.items[i], &tokens);
    for (size_t t = 0; t < tokens.count; t++)
      fprintf(out, "%s%d", t > 0 ? " " : "", tokens.items[t].id);
    fprintf(out, "\n");
  }
  if (fclose(out) != 0) koe_bench_fail(arguments[1]);
  printf("%zu\n", texts.count);
  koe_tokens_clear(&tokens);
  koe_bench_texts_clear(&texts);
}

static void embed(void *context, char **arguments, int count) {
  const state *s = context;
  koe_bench_texts texts;
  FILE *out = begin(s, arguments, count, &texts);
  if (out == NULL) koe_bench_fail("embed FILE OUT");
  float *rows = embed_all(s, &texts);
  fwrite(rows, sizeof *rows, texts.count * koe_model_dimension(s->model), out);
  if (fclose(out) != 0) koe_bench_fail(arguments[1]);
  printf("%zu\n", texts.count);
  koe_free(rows);
  koe_bench_texts_clear(&texts);
}

static void peak(void *context, char **arguments, int count) {
  (void)context, (void)arguments, (void)count;
  printf("%lld\n", koe_bench_peak_bytes());
}

static void kernels(void *context, char **arguments, int count) {
  (void)context, (void)arguments, (void)count;
  printf("%s\n", koe_registry_kernels());
}

int main(int argc, char **argv) {
  static const koe_bench_command commands[] = {
      {"load", load},   {"run", run},   {"sql", sql},         {"ids", ids},
      {"embed", embed}, {"peak", peak}, {"kernels", kernels}, {NULL, NULL}};
  state s = {0};
  koe_error err;
  char options[64];
  if (argc != 4) {
    fprintf(stderr, "usage: bench_encoder DIRECTORY float32|int8 THREADS\n");
    return EXIT_FAILURE;
  }
  snprintf(options, sizeof options, "{\"precision\": \"%.20s\"}", argv[2]);
  koe_bench_check(koe_registry_config_set("threads", atoi(argv[3]), &err), &err);
  koe_bench_check(koe_registry_load("bench", argv[1], options, &err), &err);
  koe_bench_serve(commands, &s);
  sqlite3_close(s.db);
  koe_registry_release(s.model);
  koe_registry_clear();
  return EXIT_SUCCESS;
}
