/* Full-text search of Korean: a tokenizer for FTS5, and queries for it.
 *
 *   CREATE VIRTUAL TABLE words USING fts5(body, tokenize = 'koelectra');
 *   SELECT highlight(words, 0, '[', ']') FROM words WHERE words MATCH '영화';
 *   -- [영화]관에서 봤어요
 *   -- 전쟁[영화]가 좋아요
 *   SELECT rowid FROM words WHERE words MATCH koelectra_fts_query('전쟁을 다룬 영화는?')
 *   ORDER BY rank LIMIT 10;
 *
 * fts5_terms.h tells what the terms are.  What that means for the syntax of queries:
 *
 *   영화            these letters side by side, anywhere in a word
 *   책              one letter, the same
 *   영화*           no more than 영화; of other scripts, elec* finds ELECTRA
 *   ^영화           texts that begin so
 *
 *   "전쟁 영화"     전쟁 영화 and 전쟁영화, not 전쟁의 영화; 전쟁 + 영화 is the same
 *
 *   전쟁 영화       both, wherever they are; OR and NOT as ever
 *
 *   NEAR(전쟁 영화, 5)  at most 5 letters apart; a word of another script counts as one
 *
 * snippet() counts letters too.  A Korean word is a phrase to FTS5, so a table needs detail=full,
 * which is the default.  Column filters, bm25() and highlight() are as ever.
 *
 * koelectra_fts_query(text) makes a query of any text, such as a question: its pairs of letters and
 * its words, each quoted, joined by OR; bm25 then ranks what shares most with it.  Nothing in the
 * text is read as syntax.  The query of a text without a word finds nothing.  Of a long text it has
 * the first 500 different terms.
 *
 * Where a connection has no FTS5 there is koelectra_fts_query alone, and CREATE VIRTUAL TABLE says
 * "no such module: fts5". */
#include "fts5_terms.h"
#include "koelectra_ext.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* ── the tokenizer ──────────────────────────────────────────────────────────────────────────────
 */

/* No tokenizer keeps anything: this is all of them. */
static char the_tokenizer;

static int create_tokenizer(void *unused, const char **arguments, int count, Fts5Tokenizer **out) {
  (void)unused;
  if (count > 0) {
    /* FTS5 says "error in tokenizer constructor" and nothing else. */
    sqlite3_log(SQLITE_ERROR, "the tokenizer koelectra takes no arguments: '%s'", arguments[0]);
    return SQLITE_ERROR;
  }
  *out = (Fts5Tokenizer *)&the_tokenizer;
  return SQLITE_OK;
}

static void delete_tokenizer(Fts5Tokenizer *tokenizer) {
  (void)tokenizer;
}

typedef int (*fts5_token_callback)(void *context, int flags, const char *bytes, int length,
                                   int start, int end);

typedef struct fts5_sink {
  fts5_token_callback callback;
  void *context;
} fts5_sink;

static int pass_to_fts5(void *context, const koe_term *term) {
  const fts5_sink *sink = context;
  return sink->callback(sink->context, term->colocated ? FTS5_TOKEN_COLOCATED : 0, term->bytes,
                        term->length, term->start, term->end);
}

static int tokenize(Fts5Tokenizer *tokenizer, void *context, int flags, const char *bytes,
                    int length, fts5_token_callback callback) {
  fts5_sink sink = {callback, context};
  (void)tokenizer;
  if (bytes == NULL || length <= 0) return SQLITE_OK;
  koe_terms_mode mode = flags & FTS5_TOKENIZE_QUERY ? KOE_TERMS_QUERY : KOE_TERMS_DOCUMENT;
  return koe_terms_read((koe_text){bytes, (size_t)length}, mode, pass_to_fts5, &sink);
}

/* ── queries ────────────────────────────────────────────────────────────────────────────────────
 */

/* A query costs time for each term, and so many are a page of text. */
enum { QUERY_TERMS_MAX = 500 };

typedef struct query {
  sqlite3_str *text;
  int terms;
} query;

/* Appends ` OR "term"` unless it is there.  No term contains a quotation mark: they separate. */
static int add_to_query(void *context, const koe_term *term) {
  char quoted[KOE_TERM_MAX + sizeof "\"\""];
  query *q = context;
  if (q->terms == QUERY_TERMS_MAX) return SQLITE_DONE;
  sqlite3_snprintf(sizeof quoted, quoted, "\"%.*s\"", term->length, term->bytes);
  const char *before = sqlite3_str_value(q->text);
  if (before != NULL && strstr(before, quoted) != NULL) return SQLITE_OK;
  if (before != NULL) sqlite3_str_appendall(q->text, " OR ");
  sqlite3_str_appendall(q->text, quoted);
  q->terms++;
  return sqlite3_str_errcode(q->text);
}

static void query_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  koe_text text;
  bool is_null;
  (void)argc;
  if (koe_text_argument(argv[0], "text", &text, &is_null, &err) != KOE_OK) {
    koe_sql_result_error(context, "koelectra_fts_query", &err);
    return;
  }
  if (is_null) return;
  query q = {.text = sqlite3_str_new(sqlite3_context_db_handle(context))};
  (void)koe_terms_read(text, KOE_TERMS_LOOSE, add_to_query, &q);
  /* FTS5 finds nothing for a phrase without words, and an error in an empty query. */
  if (sqlite3_str_length(q.text) == 0) sqlite3_str_appendall(q.text, "\"\"");
  int code = sqlite3_str_errcode(q.text);
  int length = sqlite3_str_length(q.text);
  char *result = sqlite3_str_finish(q.text);
  if (code == SQLITE_OK && result != NULL) {
    sqlite3_result_text(context, result, length, sqlite3_free);
  } else {
    sqlite3_free(result);
    sqlite3_result_error_code(context, code == SQLITE_OK ? SQLITE_NOMEM : code);
  }
}

/* ── registration ───────────────────────────────────────────────────────────────────────────────
 */

/* The interface of the connection's FTS5; NULL where it has none. */
static int find_fts5(sqlite3 *db, fts5_api **out) {
  sqlite3_stmt *statement = NULL;
  *out = NULL;
  int code = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL);
  /* There is no such function, or the host's authorizer forbids it. */
  if (code != SQLITE_OK) return code == SQLITE_NOMEM ? code : SQLITE_OK;
  code = sqlite3_bind_pointer(statement, 1, out, "fts5_api_ptr", NULL);
  if (code == SQLITE_OK) (void)sqlite3_step(statement);
  int finished = sqlite3_finalize(statement);
  return code == SQLITE_OK ? finished : code;
}

int koe_register_fts5(sqlite3 *db) {
  static const koe_sql_function functions[] = {
      {"koelectra_fts_query", 1, 1, KOE_PURE, query_function},
  };
  fts5_tokenizer tokenizer = {create_tokenizer, delete_tokenizer, tokenize};
  fts5_api *api;
  int code = koe_register_functions(db, functions, sizeof functions / sizeof functions[0], NULL);
  if (code == SQLITE_OK) code = find_fts5(db, &api);
  if (code != SQLITE_OK || api == NULL || api->iVersion < 2) return code;
  return api->xCreateTokenizer(api, "koelectra", NULL, &tokenizer, NULL);
}
