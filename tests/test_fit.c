/* koelectra_fit: the regression against scikit-learn (reference/fit), the serialised head, and both
 * from SQL.  Sessions a user would have are in sql/fit.sql. */
#include "../model/fit/fitted_head.h"
#include "../model/fit/lbfgs.h"
#include "../model/fit/softmax_regression.h"
#include "../model/hash.h"
#include "../model/memory.h"
#include "database.h"
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ── rows by a formula, as in reference/fit/make_fit.py ─────────────────────────────────────────
 */

typedef struct made_rows {
  koe_labelled_rows data;
  float *features;
  uint32_t *classes, *order;
} made_rows;

static double uniform(uint32_t *state) {
  *state = 1664525 * *state + 1013904223;
  return (*state >> 8) / 16777216.0;
}

/* order: by class, then by row. */
static void sort_by_class(made_rows *m) {
  size_t next = 0;
  for (size_t c = 0; c < m->data.class_count; c++) {
    for (size_t i = 0; i < m->data.rows; i++) {
      if (m->classes[i] == c) m->order[next++] = (uint32_t)i;
    }
  }
}

/* `signal`: how far rows of different classes are from each other; 0.25 in make_fit.py. */
static made_rows make_rows(size_t rows, size_t dimension, size_t classes, float signal) {
  uint32_t state = (uint32_t)rows;
  made_rows m = {.features = malloc(rows * dimension * sizeof(float)),
                 .classes = malloc(rows * sizeof(uint32_t)),
                 .order = malloc(rows * sizeof(uint32_t))};
  for (size_t i = 0; i < rows; i++) {
    m.classes[i] = (uint32_t)(sqrt(uniform(&state)) * (double)classes);
    for (size_t j = 0; j < dimension; j++) {
      m.features[i * dimension + j] = (float)uniform(&state) - 0.5F +
                                      (j % classes == m.classes[i] ? signal : 0);
    }
  }
  m.data = (koe_labelled_rows){m.features, m.classes, m.order, rows, dimension, classes};
  sort_by_class(&m);
  return m;
}

static void free_rows(made_rows *m) {
  free(m->features);
  free(m->classes);
  free(m->order);
}

/* Weight [classes, dimension] and bias [classes] behind it; the caller frees. */
static float *fit(const made_rows *m, koe_softmax_options options, koe_softmax_report *report) {
  koe_error err;
  size_t classes = m->data.class_count, dimension = m->data.dimension;
  float *weight = malloc(classes * (dimension + 1) * sizeof *weight);
  assert_ok(
      koe_softmax_fit(&m->data, &options, weight, weight + classes * dimension, report, &err));
  return weight;
}

static void probabilities(const made_rows *m, const float *weight, size_t row, double *out) {
  size_t classes = m->data.class_count, dimension = m->data.dimension;
  double sum = 0;
  for (size_t c = 0; c < classes; c++) {
    out[c] = weight[classes * dimension + c];
    for (size_t j = 0; j < dimension; j++)
      out[c] += (double)weight[c * dimension + j] * m->features[row * dimension + j];
    sum += out[c] = exp(out[c]);
  }
  for (size_t c = 0; c < classes; c++)
    out[c] /= sum;
}

/* ── the regression ─────────────────────────────────────────────────────────────────────────────
 */

static void check_case(const json_t *expected) {
  size_t classes = (size_t)json_integer_value(json_object_get(expected, "classes"));
  made_rows m = make_rows((size_t)json_integer_value(json_object_get(expected, "rows")),
                          (size_t)json_integer_value(json_object_get(expected, "dimension")),
                          classes, 0.25F);
  koe_softmax_report report;
  koe_softmax_options options = {
      .l2 = json_number_value(json_object_get(expected, "l2")),
      .balanced = json_is_true(json_object_get(expected, "balanced")),
      .threads = 1,
  };
  float *weight = fit(&m, options, &report);
  double objective = json_number_value(json_object_get(expected, "objective"));
  ck_assert_msg(fabs(report.objective - objective) < 1e-8, "%zu rows: objective %.10f, not %.10f",
                m.data.rows, report.objective, objective);
  ck_assert_double_eq(report.l2, options.l2);
  const json_t *all = json_object_get(expected, "probabilities");
  ck_assert_uint_eq(json_array_size(all), 6);
  for (size_t i = 0; i < json_array_size(all); i++) {
    double p[16];
    probabilities(&m, weight, i, p);
    for (size_t c = 0; c < classes; c++) {
      double wanted = json_number_value(json_array_get(json_array_get(all, i), c));
      ck_assert_msg(fabs(p[c] - wanted) < 2e-5, "%zu rows: row %zu, class %zu: %.7f, not %.7f",
                    m.data.rows, i, c, p[c], wanted);
    }
  }
  free(weight);
  free_rows(&m);
}

START_TEST(scikit_learn_agrees) {
  json_t *file = load_json(test_path("reference/fit/expected.json"));
  const json_t *cases = json_object_get(file, "cases");
  ck_assert_uint_eq(json_array_size(cases), 5);
  for (size_t i = 0; i < json_array_size(cases); i++)
    check_case(json_array_get(cases, i));
  json_decref(file);
}
END_TEST

/* The same bits from one thread and from many, over rows that are stored in any order. */
START_TEST(same_result_anyhow) {
  made_rows m = make_rows(3000, 20, 4, 0.25F), reversed = make_rows(3000, 20, 4, 0.25F);
  size_t rows = m.data.rows, dimension = m.data.dimension;
  for (size_t i = 0; i < rows; i++) {
    size_t from = rows - 1 - i;
    reversed.classes[i] = m.classes[from];
    reversed.order[i] = (uint32_t)rows - 1 - m.order[i];
    memcpy(reversed.features + i * dimension, m.features + from * dimension,
           dimension * sizeof(float));
  }
  for (int chosen = 0; chosen < 2; chosen++) {
    koe_softmax_report report;
    koe_softmax_options one = {.l2 = chosen ? 0 : 1, .threads = 1}, many = one;
    many.threads = 7;
    float *a = fit(&m, one, &report), *b = fit(&m, many, &report),
          *c = fit(&reversed, one, &report);
    size_t bytes = m.data.class_count * (dimension + 1) * sizeof(float);
    ck_assert_mem_eq(a, b, bytes);
    ck_assert_mem_eq(a, c, bytes);
    free(a);
    free(b);
    free(c);
  }
  free_rows(&m);
  free_rows(&reversed);
}
END_TEST

/* Labels that have nothing to do with the rows ask for a strong penalty, clear ones for a weak one.
 */
START_TEST(strength_is_chosen) {
  koe_softmax_report noise, clear, many;
  made_rows m = make_rows(200, 40, 2, 0), n = make_rows(200, 40, 2, 2);
  koe_softmax_options options = {.threads = 2};
  free(fit(&m, options, &noise));
  free(fit(&n, options, &clear));
  ck_assert_double_ge(noise.l2, 100);
  ck_assert_double_le(clear.l2, 0.1);
  free_rows(&m);
  free_rows(&n);
  /* One row a class: none can be held out. */
  m = make_rows(4, 8, 4, 0.25F);
  for (uint32_t i = 0; i < 4; i++)
    m.classes[i] = m.order[i] = i;
  free(fit(&m, options, &many));
  ck_assert_double_eq(many.l2, 1);
  free_rows(&m);
}
END_TEST

/* All rows alike, and classes that hold the same rows: probabilities are the shares of the classes.
 */
START_TEST(nothing_to_learn) {
  made_rows m = make_rows(100, 8, 2, 0);
  koe_softmax_report report;
  for (size_t i = 0; i < m.data.rows * m.data.dimension; i++)
    m.features[i] = 0.5F;
  for (size_t i = 0; i < m.data.rows; i++)
    m.classes[i] = i >= 25;
  sort_by_class(&m);
  for (int balanced = 0; balanced < 2; balanced++) {
    double p[2];
    float *weight = fit(&m, (koe_softmax_options){.balanced = balanced, .threads = 1}, &report);
    probabilities(&m, weight, 0, p);
    ck_assert_double_eq_tol(p[0], balanced ? 0.5 : 0.25, 1e-5);
    free(weight);
  }
  free_rows(&m);
}
END_TEST

/* Rosenbrock 1960 in `n` variables, whose minimum is 0 at (1, …, 1). */
static koe_status rosenbrock(void *context, const double *x, double *value, double *gradient,
                             koe_error *err) {
  size_t n = *(size_t *)context;
  (void)err;
  *value = 0;
  for (size_t i = 0; i < n; i++)
    gradient[i] = 0;
  for (size_t i = 0; i + 1 < n; i++) {
    double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];
    *value += a * a + 100 * b * b;
    gradient[i] += -2 * a - 400 * b * x[i];
    gradient[i + 1] += 200 * b;
  }
  return KOE_OK;
}

START_TEST(minimum_of_rosenbrock) {
  koe_error err;
  koe_lbfgs_result result;
  double x[10] = {-1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1};
  size_t n = 2;
  assert_ok(koe_lbfgs(rosenbrock, &n, n, x, &(koe_lbfgs_options){1e-9, 100, 5}, &result, &err));
  ck_assert_double_eq_tol(x[0], 1, 1e-8);
  ck_assert_double_eq_tol(x[1], 1, 1e-8);
  ck_assert_double_le(result.gradient, 1e-9);
  ck_assert_int_lt(result.iterations, 60);
  n = 10;
  assert_ok(koe_lbfgs(rosenbrock, &n, n, x, &(koe_lbfgs_options){1e-9, 3, 5}, &result, &err));
  ck_assert_int_eq(result.iterations, 3);
  ck_assert_double_gt(result.gradient, 1e-9);
  assert_ok(koe_lbfgs(rosenbrock, &n, n, x, &(koe_lbfgs_options){1e-9, 500, 1}, &result, &err));
  for (size_t i = 0; i < n; i++)
    ck_assert_double_eq_tol(x[i], 1, 1e-8);
}
END_TEST

/* ── the serialised head ────────────────────────────────────────────────────────────────────────
 */

static const float numbers[] = {1, 2, 3, -1, -2, -3, 0.5F, 0.25F}; /* [2, 3] and [2] */

static unsigned char *write_head(size_t *size) {
  koe_error err;
  const char *labels[] = {"가", "나"};
  koe_fitted_head head = {
      UINT64_C(0x0123456789abcdef), "이름", labels, {numbers, numbers + 6, 3, 2, NULL, NULL}};
  void *bytes;
  assert_ok(koe_fitted_head_write(&head, &bytes, size, &err));
  return bytes;
}

static void seal(unsigned char *bytes, size_t size) {
  uint64_t checksum = koe_hash(KOE_HASH_START, bytes + 16, size - 16);
  memcpy(bytes + 8, &checksum, sizeof checksum);
}

/* Reads a copy of exactly that size, so that AddressSanitizer sees any read beyond; not aligned. */
static koe_status read_head(const void *bytes, size_t size, koe_fitted_head **head,
                            koe_error *err) {
  unsigned char *copy = malloc(size + 1);
  if (size > 0) memcpy(copy + 1, bytes, size);
  koe_status status = koe_fitted_head_read(copy + 1, size, head, err);
  free(copy);
  return status;
}

START_TEST(head_is_read_as_written) {
  /* The layout that fitted_head.h tells, byte by byte. */
  static const unsigned char layout[] = {
      'K', 'O',  'E',  'H',  1,    0,    0,    0,    0,    0,    0,    0,    0,    0,
      0,   0,    0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 3,    0,    0,    0,
      2,   0,    0,    0,    16,   0,    0,    0,    0xec, 0x9d, 0xb4, 0xeb, 0xa6, 0x84,
      0,   0xea, 0xb0, 0x80, 0,    0xeb, 0x82, 0x98, 0,    0,    0,    0,    0x80, 0x3f};
  koe_error err;
  koe_fitted_head *head;
  size_t size;
  unsigned char *bytes = write_head(&size);
  ck_assert_uint_eq(size, 36 + 16 + sizeof numbers);
  ck_assert_mem_eq(bytes, layout, 8);
  ck_assert_mem_eq(bytes + 16, layout + 16, 32 + 12 - 16 + 8);
  assert_ok(read_head(bytes, size, &head, &err));
  ck_assert_str_eq(head->model, "이름");
  ck_assert_str_eq(head->labels[0], "가");
  ck_assert_str_eq(head->labels[1], "나");
  ck_assert_uint_eq(head->fingerprint, UINT64_C(0x0123456789abcdef));
  ck_assert_uint_eq(head->linear.in_features, 3);
  ck_assert_uint_eq(head->linear.out_features, 2);
  ck_assert_mem_eq(head->linear.weight, numbers, sizeof numbers);
  const float embeddings[] = {1, 0, 0, 0, 1, 1};
  float logits[4];
  koe_fitted_head_logits(head, embeddings, 2, logits);
  ck_assert_mem_eq(logits, ((float[]){1.5F, -0.75F, 5.5F, -4.75F}), sizeof logits);
  koe_fitted_head_free(head);
  koe_free(bytes);
}
END_TEST

START_TEST(damaged_heads) {
  koe_error err;
  koe_fitted_head *head;
  size_t size;
  unsigned char *bytes = write_head(&size);
  for (size_t length = 0; length < size; length++) {
    ck_assert_msg(read_head(bytes, length, &head, &err) == KOE_FORMAT, "%zu of %zu bytes are read",
                  length, size);
    ck_assert_ptr_null(head);
    ck_assert_msg(strstr(err.message, length < 4 ? "is not a head" : "cut short") != NULL,
                  "%zu bytes: %s", length, err.message);
  }
  for (size_t i = 0; i < size; i++) {
    for (int bit = 0; bit < 8; bit++) {
      bytes[i] ^= (unsigned char)(1 << bit);
      ck_assert_msg(read_head(bytes, size, &head, &err) == KOE_FORMAT, "byte %zu may be damaged",
                    i);
      bytes[i] ^= (unsigned char)(1 << bit);
    }
  }
  unsigned char *longer = calloc(size + 1, 1);
  memcpy(longer, bytes, size);
  assert_fails(read_head(longer, size + 1, &head, &err), KOE_FORMAT, "is damaged");
  free(longer);
  koe_free(bytes);
}
END_TEST

/* With a checksum that agrees: what somebody made on purpose. */
START_TEST(forged_heads) {
  koe_error err;
  koe_fitted_head *head;
  size_t size;
  static const struct {
    size_t at;
    unsigned char bytes[4];
    const char *message;
  } forgeries[] = {{0, {'K', 'O', 'E', 'X'}, "is not a head"},
                   {4, {2, 0, 0, 0}, "version 2"},
                   {24, {0, 0, 0, 0}, "dimension 0"},
                   {24, {0xff, 0xff, 0xff, 0xff}, "damaged"},
                   {28, {1, 0, 0, 0}, "1 labels"},
                   {28, {0xff, 0xff, 0, 0}, "65535 labels"},
                   {28, {0xff, 0xff, 0xff, 0xff}, "damaged"},
                   {32, {0xff, 0xff, 0xff, 0xff}, "damaged"},
                   {32, {0xf0, 0xff, 0xff, 0x3f}, "cut short"},
                   {48, {1, 1, 1, 1}, "lacks labels"},
                   {52, {0, 0, 0xc0, 0x7f}, "not finite"},
                   {80, {0, 0, 0x80, 0xff}, "not finite"}};
  for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
    unsigned char *bytes = write_head(&size);
    memcpy(bytes + forgeries[i].at, forgeries[i].bytes, 4);
    seal(bytes, size);
    assert_fails(read_head(bytes, size, &head, &err), KOE_FORMAT, forgeries[i].message);
    koe_free(bytes);
  }
}
END_TEST

/* ── SQL ────────────────────────────────────────────────────────────────────────────────────────
 */

/* Texts of two kinds in the tiny model's words, t(id, body, topic). */
static sqlite3 *open_labelled(void) {
  sqlite3 *db = open_database();
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  assert_sql(db,
             "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT, topic TEXT);"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
             "INSERT INTO t(body, topic) SELECT iif(i % 3 = 0, '비가 ', '책 ') || i || "
             "iif(i % 3 = 0, ' 내려요', ' 문'), iif(i % 3 = 0, 'weather', 'book') FROM n",
             "");
  return db;
}

START_TEST(fit_and_classify) {
  sqlite3 *db = open_labelled();
  assert_sql(db,
             "CREATE TABLE heads(name, head); INSERT INTO heads "
             "SELECT 'topic', koelectra_fit(body, topic) FROM t WHERE id <= 300;"
             "SELECT count(*) FROM t WHERE id > 300 AND "
             "topic = koelectra_classify(body, (SELECT head FROM heads))",
             "300");
  /* The head stands for its encoder where no head is needed. */
  assert_sql(db,
             "SELECT koelectra_embed('책', head) = koelectra_embed('책'), "
             "koelectra_similarity('책', '문', head) = koelectra_similarity('책', '문'), "
             "koelectra_tokenize('책 문', head), koelectra_token_ids('책 문', head), "
             "(SELECT count(*) FROM koelectra_tokens('책 문', NULL, head)) FROM heads",
             "1|1|[\"책\",\"문\"]|[2,124,62,3]|4");
  close_database(db);
}
END_TEST

/* As a bound parameter, which is constant: resolved once, and kept while the statement runs. */
START_TEST(bound_head) {
  sqlite3 *db = open_labelled();
  sqlite3_stmt *make = prepare(db, "SELECT koelectra_fit(body, topic) FROM t");
  sqlite3_stmt *use = prepare(db, "SELECT koelectra_classify(body, ?1) FROM t");
  ck_assert_int_eq(sqlite3_step(make), SQLITE_ROW);
  ck_assert_int_eq(sqlite3_bind_value(use, 1, sqlite3_column_value(make, 0)), SQLITE_OK);
  sqlite3_finalize(make);
  int rows = 0;
  for (; sqlite3_step(use) == SQLITE_ROW; rows++) {
    const char *label = (const char *)sqlite3_column_text(use, 0);
    ck_assert_str_eq(label, rows % 3 == 2 ? "weather" : "book");
    if (rows == 10) assert_sql(db, "SELECT koelectra_unload('default')", "default");
  }
  ck_assert_int_eq(rows, 600);
  ck_assert_int_eq(sqlite3_reset(use), SQLITE_OK);
  ck_assert_int_eq(sqlite3_bind_zeroblob(use, 1, 0), SQLITE_OK);
  ck_assert_int_eq(sqlite3_step(use), SQLITE_ERROR);
  ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "this BLOB is not a head"));
  sqlite3_finalize(use);
  close_database(db);
}
END_TEST

/* The order of the rows and the number of threads change nothing. */
START_TEST(reproducible) {
  sqlite3 *db = open_labelled();
  assert_sql(db,
             "SELECT koelectra_config('threads', 1); CREATE TABLE h AS "
             "SELECT koelectra_fit(body, topic) AS head FROM t;"
             "SELECT koelectra_config('threads', 3);"
             "SELECT (SELECT koelectra_fit(body, topic) FROM t) = head FROM h",
             "1\n3\n1");
  assert_sql(db,
             "CREATE TABLE other AS SELECT koelectra_fit(body, topic) AS head FROM "
             "(SELECT * FROM t ORDER BY id * 7 % 601 LIMIT -1);"
             "SELECT length(o.head) = length(h.head), max(abs((koelectra_scores(body, o.head) ->> "
             "'book') - (koelectra_scores(body, h.head) ->> 'book'))) < 1e-4 FROM other o, h, t",
             "1|1");
  close_database(db);
}
END_TEST

START_TEST(limits) {
  sqlite3 *db = open_database();
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  assert_sql(db,
             "CREATE TABLE n AS SELECT value FROM json_each('[' || "
             "substr(replace(printf('%.*c', 10001, 'x'), 'x', ',0'), 2) || ']')",
             "");
  assert_sql_fails(db, "SELECT koelectra_fit('책', rowid) FROM n", SQLITE_ERROR,
                   "more than 10000 classes");
  assert_sql_fails(db, "SELECT koelectra_fit('책', printf('%.*c', 1001, 'x'))", SQLITE_ERROR,
                   "1001 bytes");
  assert_sql(db,
             "SELECT length(koelectra_fit(rowid % 7, printf('%.*c', 1000, char(97 + rowid % 2)))) "
             "FROM n WHERE rowid <= 700",
             "2312"); /* 36 + 2010 and 2 to fill + 8 · 33 */
  assert_sql_fails(db, "SELECT koelectra_fit('책', 'a' || char(0) || 'b')", SQLITE_ERROR, "NUL");
  /* An error in a later group, and in a group whose rows go on after it. */
  assert_sql_fails(db,
                   "SELECT koelectra_fit(iif(rowid = 9, x'00', rowid), rowid % 2) FROM n "
                   "WHERE rowid < 20 GROUP BY rowid > 5",
                   SQLITE_ERROR, "text is a BLOB");
  close_database(db);
}
END_TEST

/* Memory that runs out anywhere ends the statement with SQLITE_NOMEM, and the next one works. */
#ifdef KOE_FAULTS
START_TEST(memory) {
  static const char sql[] =
      "SELECT koelectra_classify('책', koelectra_fit(body, topic, '{\"model\": \"default\"}')) "
      "FROM t WHERE id < 25";
  sqlite3 *db = open_labelled();
  /* One thread: the n-th allocation is the same one each time. */
  assert_sql(db, "SELECT koelectra_config('threads', 1)", "1");
  int code = SQLITE_NOMEM;
  long n = 0;
  while (code == SQLITE_NOMEM) {
    char *text;
    koe_memory_fail_after(++n);
    code = run_sql(db, sql, &text);
    koe_memory_fail_after(0);
    ck_assert_msg(code == SQLITE_NOMEM || code == SQLITE_OK, "allocation %ld: %s", n, text);
    sqlite3_free(text);
  }
  ck_assert_int_gt(n, 100);
  assert_sql(db, sql, "book");
  close_database(db);
}
END_TEST
#endif

typedef struct worker {
  pthread_t thread;
  const char *expected;
  bool agreed;
} worker;

static void *work(void *argument) {
  worker *w = argument;
  sqlite3 *db;
  w->agreed = true;
  db = open_labelled();
  for (int round = 0; round < 5; round++) {
    char *text;
    int code = run_sql(db, "SELECT hex(koelectra_fit(body, topic)) FROM t", &text);
    w->agreed &= code == SQLITE_OK && strcmp(text, w->expected) == 0;
    sqlite3_free(text);
  }
  w->agreed &= sqlite3_close(db) == SQLITE_OK;
  return NULL;
}

START_TEST(threads_at_once) {
  sqlite3 *db = open_labelled();
  char *expected;
  worker workers[3];
  ck_assert_int_eq(run_sql(db, "SELECT hex(koelectra_fit(body, topic)) FROM t", &expected), 0);
  for (int i = 0; i < 3; i++) {
    workers[i] = (worker){.expected = expected};
    ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < 3; i++) {
    pthread_join(workers[i].thread, NULL);
    ck_assert_msg(workers[i].agreed, "thread %d fits another head than one thread does", i);
  }
  sqlite3_free(expected);
  close_database(db);
}
END_TEST

Suite *fit_suite(void);

Suite *fit_suite(void) {
  Suite *suite = suite_create("fit");
  TCase *tests = tcase_create("fit");
  tcase_add_test(tests, scikit_learn_agrees);
  tcase_add_test(tests, same_result_anyhow);
  tcase_add_test(tests, strength_is_chosen);
  tcase_add_test(tests, nothing_to_learn);
  tcase_add_test(tests, minimum_of_rosenbrock);
  tcase_add_test(tests, head_is_read_as_written);
  tcase_add_test(tests, damaged_heads);
  tcase_add_test(tests, forged_heads);
  tcase_add_test(tests, fit_and_classify);
  tcase_add_test(tests, bound_head);
  tcase_add_test(tests, reproducible);
  tcase_add_test(tests, limits);
#ifdef KOE_FAULTS
  tcase_add_test(tests, memory);
#endif
  tcase_add_test(tests, threads_at_once);
  suite_add_tcase(suite, tests);
  return suite;
}
