/* model/tokenizer/tokenizer.c and the stages under it, as far as Hugging Face's outputs
 * (test_tokenizer_golden.c) cannot show it: invalid UTF-8, limits, NFC offsets, odd special names,
 * faults. */
#include "support.h"

#include "../model/memory.h"
#include "../model/tokenizer/tokenizer.h"
#include "../model/tokenizer/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static koe_error err;
static koe_tokenizer *tokenizer;
static koe_tokens tokens;

static void finish(void) {
  koe_tokens_clear(&tokens);
  koe_tokenizer_free(tokenizer);
  tokenizer = NULL;
}

static koe_text text_of(const char *string) {
  return (koe_text){string, strlen(string)};
}

static const char *write_vocabulary(const char *lines) {
  static char path[128];
  snprintf(path, sizeof path, "%s/vocab.txt", temporary_directory());
  write_file(path, lines, strlen(lines));
  return path;
}

/* ── a small vocabulary ─────────────────────────────────────────────────────────────────────────
 */

#define SPECIALS "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
enum { PAD, UNK, CLS, SEP, MASK, GA, IN_NA, HAN, IN_GUK, A, IN_B, DOT, HANJA, LETTER_R };

static const char small[] = SPECIALS "가\n##나\n한\n##국\na\n##b\n.\n漢\nᄒ\n";

static void open_small(koe_tokenizer_options options) {
  assert_ok(koe_tokenizer_open(write_vocabulary(small), &options, &tokenizer, &err));
}

static void setup_small(void) {
  open_small(koe_tokenizer_options_default());
}

typedef struct expectation {
  int32_t id;
  int64_t start;
  int64_t end;
} expectation;

static void assert_tokens(const char *what, const expectation *expected, size_t count) {
  ck_assert_msg(tokens.count == count, "%s: %zu tokens, not %zu", what, tokens.count, count);
  for (size_t i = 0; i < count; i++) {
    const koe_token *token = &tokens.items[i];
    bool same = token->id == expected[i].id && token->start == expected[i].start &&
                token->end == expected[i].end;
    ck_assert_msg(same, "%s: token %zu is %d [%lld, %lld)", what, i, token->id,
                  (long long)token->start, (long long)token->end);
  }
}

static void tokenize(koe_text text) {
  tokens.count = 0;
  assert_ok(koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &tokens, &err));
}

#define assert_tokenizes(text, ...)                                                           \
  do {                                                                                        \
    const expectation expected_tokens[] = {__VA_ARGS__};                                      \
    tokenize((koe_text){text, sizeof(text) - 1});                                             \
    assert_tokens(text, expected_tokens, sizeof expected_tokens / sizeof expected_tokens[0]); \
  } while (0)

START_TEST(ids_and_spellings) {
  ck_assert_int_eq(koe_tokenizer_vocab_size(tokenizer), 14);
  ck_assert_int_eq(koe_tokenizer_id(tokenizer, text_of("##국")), IN_GUK);
  ck_assert_int_eq(koe_tokenizer_id(tokenizer, text_of("국")), -1);
  koe_text token = koe_tokenizer_token(tokenizer, IN_GUK);
  ck_assert_uint_eq(token.length, strlen("##국"));
  ck_assert_int_eq(memcmp(token.bytes, "##국", token.length), 0);
  ck_assert_uint_eq(koe_tokenizer_token(tokenizer, -1).length, 0);
  ck_assert_uint_eq(koe_tokenizer_token(tokenizer, 14).length, 0);
}
END_TEST

START_TEST(nothing_gives_nothing) {
  tokenize((koe_text){NULL, 0});
  ck_assert_uint_eq(tokens.count, 0);
  static const char blank[] = "\0\0 \t\r\n\x01\xFF\xEF\xBF\xBD\xC2\xA0";
  tokenize((koe_text){blank, sizeof blank - 1});
  ck_assert_uint_eq(tokens.count, 0);
  assert_ok(koe_tokenizer_encode(tokenizer, text_of(""), &(koe_text){NULL, 0}, 8, &tokens, &err));
  const expectation specials[] = {{CLS, -1, -1}, {SEP, -1, -1}, {SEP, -1, -1}};
  assert_tokens("nothing", specials, 3);
  ck_assert_int_eq(tokens.items[1].segment, 0);
  ck_assert_int_eq(tokens.items[2].segment, 1);
}
END_TEST

START_TEST(invalid_bytes_are_dropped_and_counted) {
  assert_tokenizes("\xFF가\xEA\xB0나", {GA, 1, 2}, {IN_NA, 3, 4});
  assert_tokenizes("가\x80\x80나\xF0\x9F\x99", {GA, 0, 1}, {IN_NA, 3, 4});
  assert_tokenizes("a\xED\xA0\x80.\xEA\xB0", {A, 0, 1}, {DOT, 4, 5});
  assert_tokenizes("\xED\xBF\xBF가 \xED\xA0\x80.", {GA, 3, 4}, {DOT, 8, 9});
  assert_tokenizes("\xEA\xB0\x80\xEB\x82", {GA, 0, 1});
  assert_tokenizes("[MA\xFFSK]", {UNK, 0, 1}, {UNK, 1, 6}, {UNK, 6, 7});
}
END_TEST

START_TEST(removed_characters_do_not_part_a_word) {
  assert_tokenizes("가\0나", {GA, 0, 1}, {IN_NA, 2, 3});
  assert_tokenizes("\x01 \x01한\x7F국\x01.", {HAN, 3, 4}, {IN_GUK, 5, 6}, {DOT, 7, 8});
}
END_TEST

START_TEST(isolated_characters) {
  assert_tokenizes("가.나", {GA, 0, 1}, {DOT, 1, 2}, {UNK, 2, 3});
  assert_tokenizes("한漢국", {HAN, 0, 1}, {HANJA, 1, 2}, {UNK, 2, 3});
  assert_tokenizes("!字𠀀", {UNK, 0, 1}, {UNK, 1, 2}, {UNK, 2, 3});
}
END_TEST

/* The next text of `length` bytes or less, of pieces that matter to the tokenizer. */
static size_t random_text(char *out, size_t length) {
  static const char *const parts[] = {"가",        "나",       "한국",         "a",     "b",
                                      ".",         "漢",       "[SEP]",        "[MASK", " ",
                                      "\t",        "\x01",     "\xE2\x80\x8D", "🙂",  "é",
                                      "e\xCC\x81", "ᄒ",       "ᅡ",           "ᆫ",    "\xFF",
                                      "\xEA\xB0",  "\xF0\x9F", "\xC2",         "\x80",  "]",
                                      "["};
  static uint32_t state = 2463534242u; /* Marsaglia's xorshift32 */
  size_t used = 0;
  for (;;) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    const char *part = parts[state % (sizeof parts / sizeof parts[0])];
    if (used + strlen(part) > length) return used;
    memcpy(out + used, part, strlen(part));
    used += strlen(part);
    if (state >> 27 == 0) return used;
  }
}

START_TEST(invalid_bytes_are_read_as_replacement_characters) {
  koe_tokens replaced = {0};
  for (int round = 0; round < 20000; round++) {
    char text[64];
    char clean[3 * sizeof text];
    size_t length = random_text(text, sizeof text);
    size_t used = 0;
    for (size_t at = 0; at < length;) {
      uint32_t character;
      at += koe_utf8_decode(text + at, length - at, &character);
      used += koe_utf8_encode(character, clean + used);
    }
    tokens.count = 0;
    replaced.count = 0;
    koe_status status =
        koe_tokenizer_tokenize(tokenizer, (koe_text){text, length}, SIZE_MAX, &tokens, &err);
    if (status == KOE_OK) {
      koe_text whole = {clean, used};
      status = koe_tokenizer_tokenize(tokenizer, whole, SIZE_MAX, &replaced, &err);
    }
    if (status != KOE_OK || tokens.count != replaced.count ||
        (tokens.count > 0 &&
         memcmp(tokens.items, replaced.items, tokens.count * sizeof *tokens.items) != 0)) {
      ck_abort_msg("round %d: %.*s", round, (int)used, clean);
    }
  }
  koe_tokens_clear(&replaced);
}
END_TEST

START_TEST(a_limit_gives_the_first_tokens) {
  koe_tokens first = {0};
  for (int round = 0; round < 5000; round++) {
    char text[96];
    koe_text whole = {text, random_text(text, sizeof text)};
    size_t limit = (size_t)round % 12;
    tokens.count = 0;
    first.count = 0;
    koe_status status = koe_tokenizer_tokenize(tokenizer, whole, SIZE_MAX, &tokens, &err);
    if (status == KOE_OK) status = koe_tokenizer_tokenize(tokenizer, whole, limit, &first, &err);
    size_t expected = tokens.count < limit ? tokens.count : limit;
    if (status != KOE_OK || first.count != expected ||
        (expected > 0 && memcmp(first.items, tokens.items, expected * sizeof *first.items) != 0)) {
      ck_abort_msg("round %d: %zu tokens of %zu", round, first.count, tokens.count);
    }
  }
  koe_tokens_clear(&first);
}
END_TEST

START_TEST(tokenizing_appends) {
  assert_ok(koe_tokenizer_tokenize(tokenizer, text_of("가"), SIZE_MAX, &tokens, &err));
  assert_ok(koe_tokenizer_tokenize(tokenizer, text_of("한국 a"), 2, &tokens, &err));
  const expectation expected[] = {{GA, 0, 1}, {HAN, 0, 1}, {IN_GUK, 1, 2}};
  assert_tokens("three", expected, 3);
}
END_TEST

/* ── encoding ───────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(max_length_has_a_least_value) {
  koe_text text = text_of("가나");
  assert_fails(koe_tokenizer_encode(tokenizer, text, NULL, 1, &tokens, &err), KOE_INVALID,
               "max_length is 1");
  assert_fails(koe_tokenizer_encode(tokenizer, text, &text, 2, &tokens, &err), KOE_INVALID,
               "max_length is 2");
  assert_ok(koe_tokenizer_encode(tokenizer, text, NULL, 2, &tokens, &err));
  ck_assert_uint_eq(tokens.count, 2);
  assert_ok(koe_tokenizer_encode(tokenizer, text, &text, 3, &tokens, &err));
  ck_assert_uint_eq(tokens.count, 3);
}
END_TEST

static char *repeat(const char *part, size_t times) {
  size_t length = strlen(part);
  char *text = malloc(length * times + 1);
  ck_assert_ptr_nonnull(text);
  for (size_t i = 0; i < times; i++)
    memcpy(text + i * length, part, length);
  text[length * times] = '\0';
  return text;
}

/* Tokens of each segment after encoding `first` and `second` times "가 ". */
static void encode_repeated(size_t first, size_t second, size_t max_length, size_t counts[2]) {
  char *text = repeat("가 ", first);
  char *pair = repeat("가 ", second);
  koe_text pair_text = text_of(pair);
  assert_ok(koe_tokenizer_encode(tokenizer, text_of(text), &pair_text, max_length, &tokens, &err));
  free(text);
  free(pair);
  counts[0] = 0;
  counts[1] = 0;
  for (size_t i = 0; i < tokens.count; i++) {
    if (tokens.items[i].id == GA) counts[tokens.items[i].segment]++;
  }
}

START_TEST(pairs_are_truncated_longest_first) {
  /* texts' tokens, max_length, what stays */
  static const size_t rows[][5] = {
      {3, 4, 10, 3, 4},
      {3, 4, 9, 3, 3},
      {4, 3, 9, 3, 3},
      {5, 3, 10, 4, 3},
      {3, 5, 10, 3, 4},
      {5, 5, 10, 3, 4},
      {6, 5, 10, 4, 3},
      {5, 6, 10, 3, 4},
      {100, 1, 20, 16, 1},
      {1, 100, 20, 1, 16},
      {100, 0, 20, 17, 0},
      {7, 7, 4, 0, 1},
      {8, 7, 4, 1, 0},
      {9000, 9001, 512, 254, 255},
      {9001, 9000, 512, 255, 254},
      {9000, 9000, 512, 254, 255},
      {8, 9000, 8, 2, 3},
      {9000, 8, 8, 3, 2},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t counts[2];
    encode_repeated(rows[i][0], rows[i][1], rows[i][2], counts);
    ck_assert_msg(counts[0] == rows[i][3] && counts[1] == rows[i][4],
                  "%zu and %zu in %zu: %zu and %zu", rows[i][0], rows[i][1], rows[i][2], counts[0],
                  counts[1]);
  }
}
END_TEST

START_TEST(ten_megabytes_are_read) {
  static const struct {
    const char *part;
    size_t tokens; /* a part, or 0: one for the whole text */
  } texts[] = {{"가 ", 1},  {".", 1},         {"[", 1},    {"가", 0},   {"x", 0},
               {"\xFF", 0}, {"e\xCC\x81", 0}, {"한국", 0}, {"[SEP", 2}, {"\xE2\x80\x8D", 0},
               {"字", 1},   {" ", 0}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    size_t parts = (i < 4 ? 10000000 : 2000000) / strlen(texts[i].part);
    char *text = repeat(texts[i].part, parts);
    koe_text whole = text_of(text);
    assert_ok(koe_tokenizer_encode(tokenizer, whole, NULL, 512, &tokens, &err));
    ck_assert_uint_le(tokens.count, 512);
    parts = 300000 / strlen(texts[i].part);
    whole.length = parts * strlen(texts[i].part);
    assert_ok(koe_tokenizer_encode(tokenizer, whole, &whole, 512, &tokens, &err));
    ck_assert_uint_le(tokens.count, 512);
    assert_ok(koe_tokenizer_encode(tokenizer, whole, NULL, SIZE_MAX, &tokens, &err));
    size_t expected = texts[i].tokens > 0 ? texts[i].tokens * parts + 2 : tokens.count;
    ck_assert_msg(tokens.count == expected && (texts[i].tokens > 0 || expected <= 3), "%s: %zu",
                  texts[i].part, tokens.count);
    free(text);
  }
}
END_TEST

/* ── options ────────────────────────────────────────────────────────────────────────────────────
 */

/* 한, 국, 가, 나 as separate letters, U+11xx */
#define HAN_PARTS "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"
#define GUK_PARTS "\xE1\x84\x80\xE1\x85\xAE\xE1\x86\xA8"
#define GA_PARTS  "\xE1\x84\x80\xE1\x85\xA1"
#define NA_PARTS  "\xE1\x84\x82\xE1\x85\xA1"
#define FINAL_N   "\xE1\x86\xAB"

START_TEST(composing_keeps_the_offsets_of_the_input) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  options.normalize_nfc = true;
  open_small(options);
  assert_tokenizes(HAN_PARTS GUK_PARTS, {HAN, 0, 3}, {IN_GUK, 3, 6});
  assert_tokenizes("가" NA_PARTS " " GA_PARTS "나", {GA, 0, 1}, {IN_NA, 1, 3}, {GA, 4, 6},
                   {IN_NA, 6, 7});
  assert_tokenizes("하" FINAL_N "국", {HAN, 0, 2}, {IN_GUK, 2, 3});
  assert_tokenizes("ᄒ ab", {LETTER_R, 0, 1}, {A, 2, 3}, {IN_B, 3, 4});
  assert_tokenizes(GA_PARTS "[SEP]" HAN_PARTS ".", {GA, 0, 2}, {SEP, 2, 7}, {HAN, 7, 10},
                   {DOT, 10, 11});
  assert_tokenizes(HAN_PARTS "\xFF국", {HAN, 0, 3}, {IN_GUK, 4, 5});
  koe_tokenizer_free(tokenizer);
  setup_small();
  assert_tokenizes(HAN_PARTS GUK_PARTS, {UNK, 0, 6});
}
END_TEST

START_TEST(long_runs_of_marks_are_put_in_order) {
  enum { MARKS = 200000 };
  koe_tokenizer_options options = koe_tokenizer_options_default();
  options.normalize_nfc = true;
  options.strip_accents = true;
  options.do_lower_case = true;
  open_small(options);
  char *text = repeat("\xCC\x81\xCC\xA3", MARKS); /* U+0301, then U+0323, which goes before it */
  text[0] = 'A';
  text[1] = 'B';
  assert_ok(koe_tokenizer_encode(tokenizer, text_of(text), NULL, 512, &tokens, &err));
  const expectation stripped[] = {
      {CLS, -1, -1}, {A, 0, 1}, {IN_B, 1, 2 * MARKS + 1}, {SEP, -1, -1}};
  assert_tokens("marks", stripped, 4);
  free(text);
}
END_TEST

START_TEST(special_names_may_be_any) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  strcpy(options.unk_token, "<unk>");
  strcpy(options.sep_token, "</s>");
  strcpy(options.pad_token, "한");
  strcpy(options.cls_token, "</s>x");
  strcpy(options.mask_token, "m");
  const char *path = write_vocabulary("<unk>\n</s>\n한\n</s>x\nm\n##국\n국\n강\n##m\n<\n/\ns\n>\n");
  assert_ok(koe_tokenizer_open(path, &options, &tokenizer, &err));
  assert_tokenizes("강한국", {7, 0, 1}, {2, 1, 2}, {6, 2, 3});
  assert_tokenizes("</s></s>x</s", {1, 0, 4}, {3, 4, 9}, {9, 9, 10}, {10, 10, 11}, {11, 11, 12});
  assert_tokenizes("강m M", {7, 0, 1}, {4, 1, 2}, {0, 3, 4});
}
END_TEST

START_TEST(special_tokens_must_be_in_the_vocabulary) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  const char *path = write_vocabulary("[PAD]\n[UNK]\n[CLS]\n[SEP]\n가\n");
  assert_fails(koe_tokenizer_open(path, &options, &tokenizer, &err), KOE_FORMAT,
               "lacks the special token '[MASK]'");
  ck_assert_ptr_null(tokenizer);
  path = write_vocabulary(small);
  options.cls_token[0] = '\0';
  assert_fails(koe_tokenizer_open(path, &options, &tokenizer, &err), KOE_FORMAT,
               "lacks the special token ''");
  assert_fails(koe_tokenizer_open("/nonexistent/vocab.txt", &options, &tokenizer, &err), KOE_IO,
               "/nonexistent/vocab.txt");
}
END_TEST

START_TEST(a_vocabulary_may_be_odd) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  assert_ok(koe_tokenizer_open(write_vocabulary(SPECIALS), &options, &tokenizer, &err));
  assert_tokenizes("가나 a[MASK].", {UNK, 0, 2}, {UNK, 3, 4}, {MASK, 4, 10}, {UNK, 10, 11});
  koe_tokenizer_free(tokenizer);

  const char *no_inside = SPECIALS "가\n나\n##\n#\n\n";
  assert_ok(koe_tokenizer_open(write_vocabulary(no_inside), &options, &tokenizer, &err));
  assert_tokenizes("가 나 가나 ##", {5, 0, 1}, {6, 2, 3}, {UNK, 4, 6}, {8, 7, 8}, {8, 8, 9});
  koe_tokenizer_free(tokenizer);

  const char *repeated =
      "##가\r\n\r\n[PAD]\r\n[SEP]\r\n[UNK]\r\n[CLS]\r\n[MASK]\r\n[SEP]\r\n가\r\n가";
  assert_ok(koe_tokenizer_open(write_vocabulary(repeated), &options, &tokenizer, &err));
  assert_tokenizes("가가 [SEP]", {9, 0, 1}, {0, 1, 2}, {7, 3, 8});
}
END_TEST

static uint64_t hash_of(const char *lines, koe_tokenizer_options options) {
  koe_tokenizer *other;
  assert_ok(koe_tokenizer_open(write_vocabulary(lines), &options, &other, &err));
  uint64_t hash = koe_tokenizer_hash(other);
  ck_assert_uint_gt(koe_tokenizer_bytes(other), 0x20000);
  koe_tokenizer_free(other);
  return hash;
}

START_TEST(the_hash_tells_vocabularies_and_options_apart) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  uint64_t hash = hash_of(SPECIALS "a\n##b\n", options);
  ck_assert_uint_eq(hash, hash_of(SPECIALS "a\r\n##b", options));
  ck_assert_uint_ne(hash, hash_of(SPECIALS "a\n##c\n", options));
  ck_assert_uint_ne(hash, hash_of(SPECIALS "a##b\n\n", options));
  ck_assert_uint_ne(hash, hash_of(SPECIALS "##b\na\n", options));
  bool *flags[] = {&options.do_lower_case, &options.strip_accents, &options.tokenize_chinese_chars,
                   &options.normalize_nfc};
  for (size_t i = 0; i < 4; i++) {
    *flags[i] = !*flags[i];
    ck_assert_uint_ne(hash, hash_of(SPECIALS "a\n##b\n", options));
    *flags[i] = !*flags[i];
  }
  strcpy(options.mask_token, "a");
  ck_assert_uint_ne(hash, hash_of(SPECIALS "a\n##b\n", options));
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_while_opening) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  const char *path = write_vocabulary(small);
  koe_status status = KOE_NOMEM;
  long n = 0;
  while (status != KOE_OK && n < 1000) {
    koe_memory_fail_after(++n);
    status = koe_tokenizer_open(path, &options, &tokenizer, &err);
    koe_memory_fail_after(0);
    ck_assert(status == KOE_OK || (status == KOE_NOMEM && tokenizer == NULL));
  }
  ck_assert_int_eq(status, KOE_OK);
  ck_assert_int_gt(n, 10);
}
END_TEST

START_TEST(memory_may_fail_while_encoding) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  options.normalize_nfc = _i == 1;
  options.strip_accents = _i == 1;
  open_small(options);
  char *text = repeat("한국\x01나 e\xCC\x81\xCC\xA3각 [SEP]", 60);
  koe_text pair = text_of(text);
  koe_status status = KOE_NOMEM;
  long n = 0;
  while (status != KOE_OK && n < 10000) {
    koe_tokens_clear(&tokens);
    koe_memory_fail_after(++n);
    status = koe_tokenizer_encode(tokenizer, pair, &pair, 512, &tokens, &err);
    koe_memory_fail_after(0);
    ck_assert(status == KOE_OK || status == KOE_NOMEM);
  }
  free(text);
  ck_assert_int_eq(status, KOE_OK);
  ck_assert_int_gt(n, 3);
}
END_TEST
#endif

static void add_small_cases(Suite *suite) {
  TCase *texts = tcase_create("texts");
  tcase_add_checked_fixture(texts, setup_small, finish);
  tcase_add_test(texts, ids_and_spellings);
  tcase_add_test(texts, nothing_gives_nothing);
  tcase_add_test(texts, invalid_bytes_are_dropped_and_counted);
  tcase_add_test(texts, removed_characters_do_not_part_a_word);
  tcase_add_test(texts, isolated_characters);
  tcase_add_test(texts, invalid_bytes_are_read_as_replacement_characters);
  tcase_add_test(texts, a_limit_gives_the_first_tokens);
  tcase_add_test(texts, tokenizing_appends);
  tcase_add_test(texts, max_length_has_a_least_value);
  tcase_add_test(texts, pairs_are_truncated_longest_first);
  tcase_add_test(texts, ten_megabytes_are_read);
  suite_add_tcase(suite, texts);
}

Suite *tokenizer_suite(void);

Suite *tokenizer_suite(void) {
  Suite *suite = suite_create("tokenizer");
  add_small_cases(suite);
  TCase *options = tcase_create("options");
  tcase_add_checked_fixture(options, NULL, finish);
  tcase_add_test(options, composing_keeps_the_offsets_of_the_input);
  tcase_add_test(options, long_runs_of_marks_are_put_in_order);
  tcase_add_test(options, special_names_may_be_any);
  tcase_add_test(options, special_tokens_must_be_in_the_vocabulary);
  tcase_add_test(options, a_vocabulary_may_be_odd);
  tcase_add_test(options, the_hash_tells_vocabularies_and_options_apart);
#ifdef KOE_FAULTS
  tcase_add_test(options, memory_may_fail_while_opening);
  tcase_add_loop_test(options, memory_may_fail_while_encoding, 0, 2);
#endif
  suite_add_tcase(suite, options);
  return suite;
}
