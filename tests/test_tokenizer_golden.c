/* The tokenizer against Hugging Face's: tests/reference/tokenizer/ and, where it is there, the
 * shared folder. */
#include "support.h"

#include "../model/tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static koe_error err;
static koe_tokenizer *tokenizer;
static koe_tokens tokens;

/* ── outputs of Hugging Face's tokenizers ───────────────────────────────────────────────────────
 */

static koe_text json_text(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  ck_assert_msg(json_is_string(value), "no %s", key);
  return (koe_text){json_string_value(value), json_string_length(value)};
}

static int64_t number_at(const json_t *array, size_t index) {
  const json_t *value = json_array_get(array, index);
  if (json_is_array(value)) return number_at(value, 0);
  return json_integer_value(value);
}

/* Offsets of token `index`: pairs, flat or nested. */
static void expected_offsets(const json_t *offsets, size_t index, int64_t span[2]) {
  const json_t *nested = json_array_get(offsets, index);
  bool is_nested = json_is_array(nested);
  for (size_t i = 0; i < 2; i++) {
    span[i] = is_nested ? number_at(nested, i) : number_at(offsets, 2 * index + i);
  }
}

static void compare_ids(const json_t *ids, const char *line) {
  bool same = json_is_array(ids) && tokens.count == json_array_size(ids);
  for (size_t i = 0; same && i < tokens.count; i++)
    same = tokens.items[i].id == number_at(ids, i);
  if (same) return;
  char found[2000] = "";
  for (size_t i = 0; i < tokens.count && strlen(found) < sizeof found - 16; i++) {
    sprintf(found + strlen(found), " %d", tokens.items[i].id);
  }
  ck_abort_msg("%s\nids are%s", line, found);
}

/* Tokens that were added have offsets -1; Hugging Face writes 0, 0. */
static void compare_offsets(const json_t *offsets, const char *line) {
  size_t length = json_array_size(offsets);
  if (length != (json_is_array(json_array_get(offsets, 0)) ? 1 : 2) * tokens.count) {
    ck_abort_msg("%s\n%zu offsets of %zu tokens", line, length, tokens.count);
  }
  for (size_t i = 0; i < tokens.count; i++) {
    int64_t expected[2];
    expected_offsets(offsets, i, expected);
    int64_t start = tokens.items[i].start < 0 ? 0 : tokens.items[i].start;
    int64_t end = tokens.items[i].end < 0 ? 0 : tokens.items[i].end;
    if (start == expected[0] && end == expected[1]) continue;
    ck_abort_msg("%s\ntoken %zu is [%lld, %lld)", line, i, (long long)start, (long long)end);
  }
}

static void compare_segments(const json_t *segments, const char *line) {
  if (json_array_size(segments) != tokens.count) ck_abort_msg("%s\nsegments lack", line);
  for (size_t i = 0; i < tokens.count; i++) {
    if (tokens.items[i].segment == number_at(segments, i)) continue;
    ck_abort_msg("%s\ntoken %zu has segment %d", line, i, tokens.items[i].segment);
  }
}

static void compare_spellings(const json_t *spelled, const char *line) {
  if (json_array_size(spelled) != tokens.count) ck_abort_msg("%s\ntokens lack", line);
  for (size_t i = 0; i < tokens.count; i++) {
    koe_text token = koe_tokenizer_token(tokenizer, tokens.items[i].id);
    const json_t *expected = json_array_get(spelled, i);
    if (token.length == json_string_length(expected) &&
        memcmp(token.bytes, json_string_value(expected), token.length) == 0) {
      continue;
    }
    ck_abort_msg("%s\ntoken %zu is %.*s", line, i, (int)token.length, token.bytes);
  }
}

static void encode_case(const json_t *object, size_t max_length) {
  koe_text text = json_text(object, "text");
  if (json_object_get(object, "pair") == NULL) {
    assert_ok(koe_tokenizer_encode(tokenizer, text, NULL, max_length, &tokens, &err));
    return;
  }
  koe_text pair = json_text(object, "pair");
  assert_ok(koe_tokenizer_encode(tokenizer, text, &pair, max_length, &tokens, &err));
}

static json_t *parse_line(const char *line) {
  json_error_t error;
  json_t *object = json_loads(line, JSON_ALLOW_NUL, &error);
  if (object == NULL) ck_abort_msg("%s: %s", line, error.text);
  return object;
}

enum { LINE_BYTES = 1 << 20 };

/* Calls `check` for each line of a file; returns their number. */
static int each_line(const char *path, void (*check)(const json_t *object, const char *line)) {
  FILE *file = fopen(path, "r");
  ck_assert_msg(file != NULL, "cannot read %s", path);
  char *line = malloc(LINE_BYTES);
  int lines = 0;
  for (; fgets(line, LINE_BYTES, file) != NULL; lines++) {
    json_t *object = parse_line(line);
    check(object, line);
    json_decref(object);
  }
  free(line);
  fclose(file);
  return lines;
}

/* One tokenizer for each combination of options, opened when a case first needs it. */
static koe_tokenizer *by_options[16];

static koe_tokenizer *tokenizer_for(const json_t *object) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  options.do_lower_case = json_object_get(object, "lower") != NULL;
  options.strip_accents = json_object_get(object, "strip") != NULL;
  options.tokenize_chinese_chars = json_object_get(object, "chinese") == NULL;
  options.normalize_nfc = json_object_get(object, "nfc") != NULL;
  koe_tokenizer **slot =
      &by_options[options.do_lower_case | options.strip_accents << 1 |
                  options.tokenize_chinese_chars << 2 | options.normalize_nfc << 3];
  if (*slot == NULL) {
    const char *path = test_path("reference/tokenizer/vocab.txt");
    assert_ok(koe_tokenizer_open(path, &options, slot, &err));
  }
  return *slot;
}

static void check_committed(const json_t *object, const char *line) {
  const json_t *max_length = json_object_get(object, "max_length");
  tokenizer = tokenizer_for(object);
  if (max_length != NULL || json_object_get(object, "pair") != NULL) {
    encode_case(object, max_length != NULL ? (size_t)json_integer_value(max_length) : SIZE_MAX);
  } else {
    tokens.count = 0;
    koe_text text = json_text(object, "text");
    if (koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &tokens, &err) != KOE_OK) {
      ck_abort_msg("%s: %s", line, err.message);
    }
  }
  compare_ids(json_object_get(object, "ids"), line);
  const json_t *offsets = json_object_get(object, "offsets");
  if (offsets != NULL) compare_offsets(offsets, line);
  const json_t *segments = json_object_get(object, "segments");
  if (segments != NULL) compare_segments(segments, line);
}

START_TEST(committed_cases_match) {
  int cases = each_line(test_path("reference/tokenizer/cases.jsonl"), check_committed);
  ck_assert_int_eq(cases, 589);
  tokenizer = NULL;
  for (size_t i = 0; i < sizeof by_options / sizeof by_options[0]; i++) {
    koe_tokenizer_free(by_options[i]);
    by_options[i] = NULL;
  }
}
END_TEST

/* Cases of the shared folder seen so far. */
static struct {
  int whole;
  int truncated;
  int pairs;
} shared_cases;

static void check_shared(const json_t *object, const char *line) {
  const json_t *max_length = json_object_get(object, "max_length");
  const json_t *ids = json_object_get(object, "ids");
  if (ids != NULL) {
    tokens.count = 0;
    koe_text text = json_text(object, "text");
    if (koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &tokens, &err) != KOE_OK) {
      ck_abort_msg("%s: %s", line, err.message);
    }
    compare_ids(ids, line);
    compare_offsets(json_object_get(object, "offsets"), line);
    compare_spellings(json_object_get(object, "tokens"), line);
  }
  encode_case(object, max_length != NULL ? (size_t)json_integer_value(max_length) : SIZE_MAX);
  compare_ids(json_object_get(object, "ids_special"), line);
  if (ids == NULL) compare_offsets(json_object_get(object, "offsets"), line);
  const json_t *segments = json_object_get(object, "type_ids");
  if (segments != NULL) compare_segments(segments, line);
  shared_cases.whole += max_length == NULL;
  shared_cases.pairs += segments != NULL;
  shared_cases.truncated += max_length != NULL && segments == NULL;
}

/* Opens KoELECTRA v1's vocabulary; false where there is no shared folder. */
static bool open_v1(void) {
  const char *vocabulary = shared_path("fixtures/tokenizer/koelectra-v1.vocab.txt");
  if (vocabulary == NULL) return false;
  koe_tokenizer_options options = koe_tokenizer_options_default();
  assert_ok(koe_tokenizer_open(vocabulary, &options, &tokenizer, &err));
  return true;
}

START_TEST(shared_cases_match) {
  if (!open_v1()) return;
  const char *cases = shared_path("fixtures/tokenizer/koelectra-v1.jsonl");
  if (cases == NULL) return;
  ck_assert_int_eq(each_line(cases, check_shared), 6960);
  ck_assert_int_eq(shared_cases.whole, 6360);
  ck_assert_int_eq(shared_cases.truncated, 300);
  ck_assert_int_eq(shared_cases.pairs, 300);
}
END_TEST

/* The example of KoELECTRA's README, with v1's vocabulary. */
START_TEST(the_example_of_the_models_authors_has_their_ids) {
  static const int32_t ids[] = {2, 18429, 41, 6240, 15229, 6204, 20894, 5689, 12622, 10690, 18, 3};
  static const char text[] = "한국어 ELECTRA를 공유합니다.";
  static const char raw[] = "[CLS] 한국어 ELECTRA를 공유합니다. [SEP]";
  if (!open_v1()) return;
  ck_assert_int_eq(koe_tokenizer_vocab_size(tokenizer), 32200);
  for (int with_names = 0; with_names < 2; with_names++) {
    tokens.count = 0;
    koe_status status = with_names
                            ? koe_tokenizer_tokenize(tokenizer, (koe_text){raw, sizeof raw - 1},
                                                     SIZE_MAX, &tokens, &err)
                            : koe_tokenizer_encode(tokenizer, (koe_text){text, sizeof text - 1},
                                                   NULL, 512, &tokens, &err);
    ck_assert_int_eq(status, KOE_OK);
    ck_assert_uint_eq(tokens.count, sizeof ids / sizeof ids[0]);
    for (size_t i = 0; i < tokens.count; i++)
      ck_assert_int_eq(tokens.items[i].id, ids[i]);
  }
}
END_TEST

static void finish(void) {
  koe_tokens_clear(&tokens);
  koe_tokenizer_free(tokenizer);
  tokenizer = NULL;
}

Suite *tokenizer_golden_suite(void);

Suite *tokenizer_golden_suite(void) {
  Suite *suite = suite_create("tokenizer_golden");
  TCase *cases = tcase_create("cases");
  tcase_add_checked_fixture(cases, NULL, finish);
  tcase_add_test(cases, committed_cases_match);
  tcase_add_test(cases, shared_cases_match);
  tcase_add_test(cases, the_example_of_the_models_authors_has_their_ids);
  suite_add_tcase(suite, cases);
  return suite;
}
