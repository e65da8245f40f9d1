/* The commands that read texts and print what a model says of each.
 *
 *   koelectra classify '배우 연기가 좋았어요'
 *   positive  0.9721  배우 연기가 좋았어요
 *
 *   koelectra tokenize < texts.txt
 *
 * Each is two SELECTs, for lines with tabs and for JSON.  Their parameters: */
#include "output.h"
#include "session.h"
#include "texts.h"

#include <stdio.h>
#include <string.h>

/* ?1 … of the SELECTs.  QUESTION is what stands before the texts on the command line. */
enum { TEXT = 1, PAIR, MODEL, HEAD, QUESTION, COUNT };

/* Texts of a page: read together by those SELECTs that read temp.koelectra_page, in batches. */
enum { PAGE = 512 };

typedef struct reading {
  const char *plain, *json; /* json: one column */
  bool is_paged;
  bool is_paired;   /* a text is two: two operands, or a line with a tab */
  bool is_grouped;  /* a text has several lines of output; an empty one behind each */
  const char *head; /* NULL: not given */
  const char *question;
  long long count;
} reading;

typedef struct reader {
  const reading *reading;
  koe_cli_session session;
  koe_cli_texts texts;
  sqlite3_stmt *answer, *add;
  size_t paged; /* texts of the page */
  bool json;
} reader;

/* ── one text, or a page ────────────────────────────────────────────────────────────────────────
 */

static void bind_text(sqlite3_stmt *statement, int parameter, koe_text text) {
  sqlite3_bind_text64(statement, parameter, text.bytes, text.length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static koe_status cut_pair(const reader *r, koe_text *text, koe_text *pair, koe_error *err) {
  const char *tab = memchr(text->bytes, '\t', text->length);
  if (tab == NULL) {
    return koe_fail(err, KOE_INVALID, "line %zu has no tab: --pair reads TEXT, a tab, TEXT",
                    r->texts.line);
  }
  *pair = (koe_text){tab + 1, text->length - (size_t)(tab + 1 - text->bytes)};
  text->length = (size_t)(tab - text->bytes);
  return KOE_OK;
}

/* Binds the next text, and its pair, to a statement. */
static koe_status bind_next(reader *r, sqlite3_stmt *statement, bool *more, koe_error *err) {
  koe_text text, pair;
  koe_status status = koe_cli_texts_next(&r->texts, &text, more, err);
  if (status != KOE_OK || !*more) return status;
  if (r->reading->is_paired && r->texts.count == 0) {
    status = cut_pair(r, &text, &pair, err);
    if (status != KOE_OK) return status;
  }
  bind_text(statement, TEXT, text);
  if (!r->reading->is_paired) return KOE_OK;
  if (r->texts.count > 0) {
    status = koe_cli_texts_next(&r->texts, &pair, more, err);
    if (status != KOE_OK) return status;
  }
  bind_text(statement, PAIR, pair);
  return KOE_OK;
}

static koe_status print_answer(reader *r, koe_error *err) {
  koe_status status = koe_cli_print_rows(&r->session, r->answer, r->json, NULL, err);
  if (status != KOE_OK) return status;
  bool is_one = r->texts.count == 1;
  if (r->reading->is_grouped && !r->json && !is_one) putchar('\n');
  if (fflush(stdout) != 0) return koe_fail(err, KOE_IO, "the output cannot be written");
  return KOE_OK;
}

static koe_status print_page(reader *r, koe_error *err) {
  if (r->paged == 0) return KOE_OK;
  r->paged = 0;
  koe_status status = print_answer(r, err);
  if (status != KOE_OK) return status;
  return koe_cli_run(&r->session, err, "DELETE FROM temp.koelectra_page");
}

static koe_status print_pages(reader *r, koe_error *err) {
  bool more = true, row;
  koe_status status = KOE_OK;
  while (status == KOE_OK) {
    /* Who writes one line and waits for its answer gets it. */
    if (r->paged == PAGE || !koe_cli_texts_ready(&r->texts)) status = print_page(r, err);
    if (status == KOE_OK) status = bind_next(r, r->add, &more, err);
    if (status != KOE_OK || !more) break;
    status = koe_cli_step(&r->session, r->add, &row, err);
    r->paged++;
  }
  if (status == KOE_OK) return print_page(r, err);
  /* What stands before a line that is wrong is answered. */
  koe_error ignored;
  if (!koe_cli_stopped()) print_page(r, &ignored);
  return status;
}

static koe_status print_each(reader *r, koe_error *err) {
  bool more;
  for (;;) {
    koe_status status = bind_next(r, r->answer, &more, err);
    if (status != KOE_OK || !more) return status;
    status = print_answer(r, err);
    if (status == KOE_OK) continue;
    koe_error cause = *err;
    if (r->texts.count == 0 && !koe_cli_stopped())
      koe_fail(err, status, "line %zu: %s", r->texts.line, cause.message);
    return status;
  }
}

/* ── all of them ────────────────────────────────────────────────────────────────────────────────
 */

static void bind_string(sqlite3_stmt *statement, int parameter, const char *text) {
  if (parameter <= sqlite3_bind_parameter_count(statement))
    sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

static koe_status prepare(reader *r, koe_error *err) {
  koe_cli_session *session = &r->session;
  koe_status status = KOE_OK;
  if (r->reading->is_paged) {
    status = koe_cli_run(session, err, "CREATE TEMP TABLE koelectra_page(text, pair)");
    if (status == KOE_OK) {
      status =
          koe_cli_prepare(session, &r->add, err, "INSERT INTO temp.koelectra_page VALUES(?1, ?2)");
    }
  }
  if (status == KOE_OK) {
    status = koe_cli_prepare(session, &r->answer, err, "%s",
                             r->json ? r->reading->json : r->reading->plain);
  }
  if (status != KOE_OK) return status;
  bind_string(r->answer, MODEL, session->model);
  bind_string(r->answer, HEAD, r->reading->head);
  bind_string(r->answer, QUESTION, r->reading->question);
  if (sqlite3_bind_parameter_count(r->answer) >= COUNT)
    sqlite3_bind_int64(r->answer, COUNT, r->reading->count);
  return KOE_OK;
}

/* `operands` [count] are the texts. */
static koe_status run_reading(const koe_cli_arguments *arguments, const reading *what,
                              const char *const *operands, size_t count, koe_error *err) {
  reader r = {.reading = what, .json = arguments->json};
  koe_cli_texts_open(&r.texts, operands, count, arguments->quiet);
  koe_status status = koe_cli_open(arguments, NULL, KOE_CLI_READ, &r.session, err);
  if (status == KOE_OK) status = prepare(&r, err);
  if (status == KOE_OK) status = what->is_paged ? print_pages(&r, err) : print_each(&r, err);
  sqlite3_finalize(r.answer);
  sqlite3_finalize(r.add);
  koe_cli_close(&r.session);
  koe_cli_texts_close(&r.texts);
  return status;
}

enum { ANY_NUMBER = 1 << 30 };

/* ── tokenize ───────────────────────────────────────────────────────────────────────────────────
 */

enum { IDS };

static koe_status run_tokenize(const koe_cli_arguments *arguments, koe_error *err) {
  static const char tokens[] =
      "SELECT group_concat(value, ' ') FROM json_each(koelectra_tokenize(?1, ?3))";
  static const char ids[] =
      "SELECT group_concat(value, ' ') FROM json_each(koelectra_token_ids(?1, ?3))";
  bool wants_ids = arguments->options[IDS].text != NULL;
  reading what = {.plain = wants_ids ? ids : tokens,
                  .json = "SELECT json_object('text', ?1, 'tokens', json(koelectra_tokenize(?1, "
                          "?3)), 'ids', json(koelectra_token_ids(?1, ?3)))"};
  return run_reading(arguments, &what, arguments->operands, arguments->operand_count, err);
}

const koe_cli_command koe_cli_tokenize = {
    .name = "tokenize",
    .operands = "[TEXT …]",
    .summary = "print the tokens of texts",
    .details = "Texts are operands, or lines of standard input.\n",
    .example = "  koelectra tokenize '배우 연기가 좋았어요'\n",
    .most_operands = ANY_NUMBER,
    .options = {[IDS] = {"--ids", 'i', NULL, false, false, "token ids, as the model reads them"}},
    .run = run_tokenize};

/* ── embed ──────────────────────────────────────────────────────────────────────────────────────
 */

#define FROM_PAGE(columns, head)                                                          \
  " FROM koelectra_batch('SELECT rowid, " columns " FROM temp.koelectra_page', ?3, " head \
  ") AS b CROSS JOIN temp.koelectra_page AS p ON p.rowid "                                \
  "= b.id"

static koe_status run_embed(const koe_cli_arguments *arguments, koe_error *err) {
  static const reading what = {
      .plain = "SELECT koelectra_vector_json(b.embedding)" FROM_PAGE("text", "NULL"),
      .json = "SELECT json_object('text', p.text, 'embedding', "
              "json(koelectra_vector_json(b.embedding)))" FROM_PAGE("text", "NULL"),
      .is_paged = true};
  return run_reading(arguments, &what, arguments->operands, arguments->operand_count, err);
}

const koe_cli_command koe_cli_embed = {
    .name = "embed",
    .operands = "[TEXT …]",
    .summary = "print the embeddings of texts, as JSON arrays",
    .details = "Texts are operands, or lines of standard input.\n",
    .example = "  koelectra embed < texts.txt > vectors.jsonl\n",
    .most_operands = ANY_NUMBER,
    .run = run_embed};

/* ── classify ───────────────────────────────────────────────────────────────────────────────────
 */

enum { IN_PAIRS, OF_HEAD };

/* Of a model with several heads there is no label, but all scores. */
#define SAID                                                                         \
  "SELECT coalesce(b.label, CASE WHEN b.score IS NULL THEN b.scores END, 'score'), " \
  "CASE WHEN b.score IS NOT NULL THEN format('%.4f', b.score) END, p.text"
#define SAID_JSON "'label', b.label, 'score', round(b.score, 6), 'scores', json(b.scores))"

static koe_status check_classify(const koe_cli_arguments *arguments, koe_error *err) {
  if (arguments->options[IN_PAIRS].text == NULL || arguments->operand_count % 2 == 0) return KOE_OK;
  return koe_fail(err, KOE_INVALID,
                  "--pair takes two texts, or four, six …; %.100s has none beside it",
                  arguments->operands[arguments->operand_count - 1]);
}

static koe_status run_classify(const koe_cli_arguments *arguments, koe_error *err) {
  static const reading one = {
      .plain = SAID FROM_PAGE("text", "?4"),
      .json = "SELECT json_object('text', p.text, " SAID_JSON FROM_PAGE("text", "?4"),
      .is_paged = true};
  static const reading two = {
      .plain = SAID ", p.pair" FROM_PAGE("text, pair", "?4"),
      .json = "SELECT json_object('text', p.text, 'pair', p.pair, " SAID_JSON FROM_PAGE(
          "text, pair", "?4"),
      .is_paged = true,
      .is_paired = true};
  reading what = arguments->options[IN_PAIRS].text != NULL ? two : one;
  what.head = arguments->options[OF_HEAD].text;
  return run_reading(arguments, &what, arguments->operands, arguments->operand_count, err);
}

const koe_cli_command koe_cli_classify = {
    .name = "classify",
    .operands = "[TEXT …]",
    .summary = "print the labels of texts, and their probabilities",
    .details = "Texts are operands, or lines of standard input; pairs are two operands, or lines\n"
               "with a tab.\n",
    .example = "  koelectra classify '배우 연기가 좋았어요' '시간이 아까워요'\n",
    .most_operands = ANY_NUMBER,
    .options = {[IN_PAIRS] = {"--pair", 'p', NULL, false, false, "texts are pairs"},
                [OF_HEAD] = {"--head", 0, "NAME", false, false, "of a model with several heads"}},
    .check = check_classify,
    .run = run_classify};

/* ── entities ───────────────────────────────────────────────────────────────────────────────────
 */

static koe_status run_entities(const koe_cli_arguments *arguments, koe_error *err) {
  static const reading what = {
      .plain = "SELECT entity, text, format('%.4f', score), start, \"end\" FROM "
               "koelectra_entities(?1, ?3)",
      .json = "SELECT json_object('text', ?1, 'entities', json((SELECT "
              "json_group_array(json_object('entity', entity, 'text', text, 'score', round(score, "
              "6), 'start', start, 'end', \"end\")) FROM koelectra_entities(?1, ?3))))",
      .is_grouped = true};
  return run_reading(arguments, &what, arguments->operands, arguments->operand_count, err);
}

const koe_cli_command koe_cli_entities = {
    .name = "entities",
    .operands = "[TEXT …]",
    .summary = "print the named entities of texts",
    .details = "Needs a model fine-tuned for that (--model).  Prints kind, text, probability, and\n"
               "from which character to which; an empty line behind each of several texts.\n",
    .example = "  koelectra entities --model naver-ner '송인영은 5년 전 CJ에 입사했다.'\n",
    .most_operands = ANY_NUMBER,
    .run = run_entities};

/* ── answers ────────────────────────────────────────────────────────────────────────────────────
 */

enum { K };

static long long count_option(const koe_cli_arguments *arguments, int option, long long otherwise) {
  return arguments->options[option].text != NULL ? arguments->options[option].count : otherwise;
}

static koe_status run_answers(const koe_cli_arguments *arguments, koe_error *err) {
  reading what = {
      .plain =
          "SELECT answer, format('%.4f', score), start, \"end\" FROM koelectra_answers(?5, ?1, "
          "?3, ?6)",
      .json = "SELECT json_object('text', ?1, 'answers', json((SELECT "
              "json_group_array(json_object('answer', answer, 'score', round(score, 6), 'logit', "
              "round(logit, 6), 'no_answer', round(no_answer, 6), 'start', start, 'end', \"end\")) "
              "FROM koelectra_answers(?5, ?1, ?3, ?6))))",
      .is_grouped = true,
      .question = arguments->operands[0],
      .count = count_option(arguments, K, 1)};
  return run_reading(arguments, &what, arguments->operands + 1, arguments->operand_count - 1, err);
}

const koe_cli_command koe_cli_answers = {
    .name = "answers",
    .operands = "QUESTION [TEXT …]",
    .summary = "print the answers to a question that stand in texts",
    .details =
        "Needs a model fine-tuned for that (--model).  Prints answer, probability, and from\n"
        "which character to which.\n",
    .example = "  koelectra answers --model korquad '에펠탑은 언제 세워졌나?' < page.txt\n",
    .least_operands = 1,
    .most_operands = ANY_NUMBER,
    .options = {[K] = {"--k", 'k', "N", true, false, "answers of a text, best first; default: 1"}},
    .run = run_answers};

/* ── fill-mask ──────────────────────────────────────────────────────────────────────────────────
 */

static koe_status run_fill_mask(const koe_cli_arguments *arguments, koe_error *err) {
  reading what = {
      .plain = "SELECT token, format('%.4f', score), text FROM koelectra_fill_mask(?1, ?3, ?6)",
      .json =
          "SELECT json_object('text', ?1, 'words', json((SELECT "
          "json_group_array(json_object('mask', mask, 'token', token, 'score', round(score, 6), "
          "'text', text)) FROM koelectra_fill_mask(?1, ?3, ?6))))",
      .is_grouped = true,
      .count = count_option(arguments, K, 5)};
  return run_reading(arguments, &what, arguments->operands, arguments->operand_count, err);
}

const koe_cli_command koe_cli_fill_mask = {
    .name = "fill-mask",
    .operands = "[TEXT …]",
    .summary = "print likely words in the place of [MASK]",
    .details = "Needs a generator (--model).\n",
    .example = "  koelectra fill-mask --model monologg/koelectra-base-v3-generator \\\n"
               "    '나는 [MASK]에 밥을 먹었다.'\n",
    .most_operands = ANY_NUMBER,
    .options = {[K] = {"--k", 'k', "N", true, false, "words of a mask, best first; default: 5"}},
    .run = run_fill_mask};
