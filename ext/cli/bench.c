/* koelectra bench: how fast a model reads here.
 *
 *   text by text     2 threads     0.434 ms/text      2303 texts/s     41205 tokens/s  ±4 %
 *   batches          1 thread      0.392 ms/text      2554 texts/s     45698 tokens/s  ±3 %
 *   batches          2 threads     0.204 ms/text      4901 texts/s     87680 tokens/s  ±5 %
 *
 * Texts are made up of sentences of the program, all different, so that nothing is remembered; or
 * lines of a file.  Rounds read one part of them after another, for --seconds at least; the median
 * of the rounds is told, and how far the others are from it. */
#include "progress_bar.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS, DATA };

/* A connection remembers what a model said of its last 256 texts. */
enum { TEXTS = 4000, REMEMBERED = 256, LEAST_TEXTS = 300, LEAST_ROUNDS = 3, MOST_ROUNDS = 100 };

/* ── texts ──────────────────────────────────────────────────────────────────────────────────────
 */

/* As long as reviews are, some longer. */
static const char sentences[] =
    "VALUES('배우들의 연기가 정말 좋았습니다.'), ('시간이 아까운 영화였어요.'), ('그냥 그래요.'),"
    "('음악이 아름답고 화면도 예뻐서 두 번 봤습니다. 다음 편이 벌써 기다려지네요.'),"
    "('이야기가 너무 지루해서 중간에 졸았다'), ('김치찌개가 맛있고 반찬도 넉넉하게 나옵니다.'),"
    "('새로 산 노트북의 배터리가 생각보다 오래 가서 출장 때 충전기를 두고 다닙니다.'),"
    "('ㅋㅋㅋ 웃다가 눈물 남'), ('직원이 친절하고 자리가 넓어서 아이들과 가기에 좋았어요. 주차가 조금 "
    "불편한 것 말고는 흠잡을 데가 없고, 값도 이만하면 괜찮은 편이라 다음 달 부모님 생신에도 다시 오려고 "
    "합니다.'), ('배송은 빨랐는데 상자가 찌그러져서 왔네요.')";

/* Numbers make each text another one. */
static koe_status make_texts(koe_cli_session *session, koe_error *err) {
  return koe_cli_run(session, err,
                     "WITH RECURSIVE s(text) AS MATERIALIZED (%s), n(i) AS (SELECT 1 UNION ALL "
                     "SELECT i + 1 FROM n WHERE i < %d) INSERT INTO temp.koelectra_texts(text) "
                     "SELECT i || '. ' || text FROM n CROSS JOIN s LIMIT %d",
                     sentences, TEXTS, TEXTS);
}

static koe_status read_texts(koe_cli_session *session, const char *path, koe_error *err) {
  sqlite3_stmt *add = NULL;
  char *line = NULL;
  size_t capacity = 0;
  bool row;
  FILE *file = fopen(path, "r");
  if (file == NULL) return koe_fail(err, KOE_IO, "%s cannot be opened", path);
  koe_status status = koe_cli_prepare(
      session, &add, err, "INSERT OR IGNORE INTO temp.koelectra_texts(text) VALUES(?1)");
  for (ssize_t length; status == KOE_OK && (length = getline(&line, &capacity, file)) > 0;) {
    if (line[length - 1] == '\n') length--;
    sqlite3_bind_text(add, 1, line, (int)length, SQLITE_TRANSIENT);
    status = koe_cli_step(session, add, &row, err);
  }
  if (status == KOE_OK && ferror(file) != 0)
    status = koe_fail(err, KOE_IO, "%s cannot be read", path);
  sqlite3_finalize(add);
  free(line);
  fclose(file);
  return status;
}

/* ── measuring ──────────────────────────────────────────────────────────────────────────────────
 */

/* How a model is made to read the texts of rows ?1 to ?2. */
typedef struct way {
  const char *name;
  const char *sql;
  long long least; /* texts of a round */
  bool is_remembered;
} way;

static const way text_by_text = {
    "text by text",
    "SELECT count(koelectra_embed(text, ?3)) FROM temp.koelectra_texts WHERE rowid BETWEEN ?1 AND ?2",
    10, true};

static const way batches = {
    "batches",
    "SELECT count(embedding) FROM koelectra_batch(format('SELECT rowid, text FROM "
    "temp.koelectra_texts WHERE rowid BETWEEN %d AND %d', ?1, ?2), ?3)",
    100, false};

typedef struct measurement {
  const way *way;
  sqlite3_stmt *read, *count_tokens;
  long long threads;
  long long rows;            /* of all texts */
  long long first, texts;    /* of a round */
  double tokens_per_text;    /* of all texts */
  double rates[MOST_ROUNDS]; /* tokens/s */
  size_t rounds;
} measurement;

/* Reads `texts` texts; `*rate` in tokens/s. */
static koe_status read_round(koe_cli_session *session, measurement *m, long long texts,
                             double *rate, koe_error *err) {
  bool row;
  double tokens = 0;
  if (koe_cli_stopped()) return koe_fail(err, KOE_INVALID, "interrupted");
  if (m->first + texts - 1 > m->rows) m->first = 1;
  sqlite3_stmt *both[] = {m->count_tokens, m->read};
  for (size_t i = 0; i < 2; i++) {
    sqlite3_bind_int64(both[i], 1, m->first);
    sqlite3_bind_int64(both[i], 2, m->first + texts - 1);
  }
  koe_status status = koe_cli_step(session, m->count_tokens, &row, err);
  if (status != KOE_OK) return status;
  tokens = sqlite3_column_double(m->count_tokens, 0);
  sqlite3_reset(m->count_tokens);
  double began = koe_cli_now();
  status = koe_cli_step(session, m->read, &row, err);
  *rate = tokens / (koe_cli_now() - began);
  sqlite3_reset(m->read);
  m->first += texts;
  return status;
}

/* The first round opens the model, the second tells how many texts make a good round: a quarter of
 * the time.  What is remembered of texts is forgotten before they come again. */
static koe_status choose_round(koe_cli_session *session, measurement *m, double seconds,
                               koe_error *err) {
  double rate;
  koe_status status = read_round(session, m, m->way->least, &rate, err);
  if (status == KOE_OK) status = read_round(session, m, m->way->least, &rate, err);
  if (status != KOE_OK) return status;
  double texts = seconds / 4 * rate / m->tokens_per_text;
  long long most = m->way->is_remembered ? m->rows - REMEMBERED : m->rows;
  m->texts = texts < (double)most ? (long long)texts : most;
  if (m->texts < m->way->least) m->texts = m->way->least;
  return KOE_OK;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_measurement(const measurement *m, bool json) {
  double tokens = m->rates[m->rounds / 2];
  double texts = tokens / m->tokens_per_text;
  double spread = 100 * (m->rates[m->rounds - 1] - m->rates[0]) / 2 / tokens;
  if (json) {
    printf("{\"measured\":\"%s\",\"threads\":%lld,\"ms_per_text\":%.4f,\"texts_per_second\":%.1f,"
           "\"tokens_per_second\":%.0f,\"plus_minus_percent\":%.0f}\n",
           m->way->name, m->threads, 1000 / texts, texts, tokens, spread);
  } else {
    printf("%-14s %3lld thread%s %9.3f ms/text %9.0f texts/s %9.0f tokens/s  ±%.0f %%\n",
           m->way->name, m->threads, m->threads == 1 ? " " : "s", 1000 / texts, texts, tokens,
           spread);
  }
  fflush(stdout);
}

static koe_status prepare(koe_cli_session *session, measurement *m, koe_error *err) {
  koe_status status =
      koe_cli_run(session, err, "SELECT koelectra_config('threads', %lld)", m->threads);
  if (status == KOE_OK) status = koe_cli_prepare(session, &m->read, err, "%s", m->way->sql);
  if (status == KOE_OK) {
    status = koe_cli_prepare(
        session, &m->count_tokens, err,
        "SELECT sum(tokens) FROM temp.koelectra_texts WHERE rowid BETWEEN ?1 AND ?2");
  }
  if (status == KOE_OK) sqlite3_bind_text(m->read, 3, session->model, -1, SQLITE_STATIC);
  return status;
}

static koe_status measure(koe_cli_session *session, const way *how, long long threads,
                          const koe_cli_arguments *arguments, koe_error *err) {
  measurement m = {.way = how, .threads = threads, .first = 1};
  long long tokens;
  double seconds =
      arguments->options[SECONDS].text != NULL ? (double)arguments->options[SECONDS].count : 2;
  koe_status status =
      koe_cli_integer(session, &m.rows, 0, err, "SELECT count(*) FROM temp.koelectra_texts");
  if (status == KOE_OK) {
    status =
        koe_cli_integer(session, &tokens, 0, err, "SELECT sum(tokens) FROM temp.koelectra_texts");
  }
  if (status == KOE_OK) m.tokens_per_text = (double)tokens / (double)m.rows;
  if (status == KOE_OK) status = prepare(session, &m, err);
  if (status == KOE_OK) status = choose_round(session, &m, seconds, err);
  double began = koe_cli_now();
  while (status == KOE_OK && m.rounds < MOST_ROUNDS &&
         (m.rounds < LEAST_ROUNDS || koe_cli_now() - began < seconds)) {
    status = read_round(session, &m, m.texts, &m.rates[m.rounds++], err);
  }
  if (status == KOE_OK) {
    qsort(m.rates, m.rounds, sizeof m.rates[0], compare);
    print_measurement(&m, arguments->json);
  }
  sqlite3_finalize(m.read);
  sqlite3_finalize(m.count_tokens);
  return status;
}

/* Tells how many tokens the model reads of each text. */
static koe_status count_tokens(koe_cli_session *session, koe_error *err) {
  long long rows;
  koe_status status = koe_cli_run(session, err,
                                  "UPDATE temp.koelectra_texts SET tokens = "
                                  "json_array_length(koelectra_token_ids(text, %Q))",
                                  session->model);
  if (status == KOE_OK) {
    status = koe_cli_integer(session, &rows, 0, err, "SELECT count(*) FROM temp.koelectra_texts");
  }
  if (status == KOE_OK && rows < LEAST_TEXTS) {
    status = koe_fail(err, KOE_INVALID, "--data has %lld different texts: %d are needed", rows,
                      LEAST_TEXTS);
  }
  return status;
}

static koe_status measure_all(koe_cli_session *session, const koe_cli_arguments *arguments,
                              koe_error *err) {
  long long threads;
  koe_status status =
      koe_cli_integer(session, &threads, 1, err, "SELECT koelectra_config('threads')");
  if (status == KOE_OK) status = count_tokens(session, err);
  if (status == KOE_OK) status = measure(session, &text_by_text, threads, arguments, err);
  if (status == KOE_OK) status = measure(session, &batches, 1, arguments, err);
  if (status == KOE_OK && threads > 1) status = measure(session, &batches, threads, arguments, err);
  return status;
}

static koe_status run_bench(const koe_cli_arguments *arguments, koe_error *err) {
  koe_cli_session session;
  const char *path = arguments->options[DATA].text;
  koe_status status = koe_cli_open(arguments, NULL, KOE_CLI_READ, &session, err);
  if (status == KOE_OK)
    status = koe_cli_run(&session, err,
                         "CREATE TEMP TABLE koelectra_texts(text UNIQUE, tokens INTEGER)");
  if (status == KOE_OK) {
    status = path != NULL ? read_texts(&session, path, err) : make_texts(&session, err);
  }
  if (status == KOE_OK) status = measure_all(&session, arguments, err);
  koe_cli_close(&session);
  return status;
}

const koe_cli_command koe_cli_bench = {
    .name = "bench",
    .operands = "",
    .summary = "measure how fast a model reads here",
    .details =
        "Each line is the median of several rounds; half the distance between the fastest and\n"
        "the slowest stands behind ±.\n",
    .example = "  koelectra bench --model monologg/koelectra-small-v3-discriminator\n",
    .options = {[SECONDS] = {"--seconds", 's', "N", true, false,
                             "how long to measure each; default: 2"},
                [DATA] = {"--data", 'd', "FILE", false, false,
                          "texts, one a line; default: 4000 like reviews"}},
    .run = run_bench};
