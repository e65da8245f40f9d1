/* model/trainer/vocabulary_builder.c: against a plain implementation that counts all pairs anew
 * before each merge, and against the tokenizer that is to use the vocabulary. */
#include "support.h"

#include "../model/memory.h"
#include "../model/tokenizer/tokenizer.h"
#include "../model/trainer/vocabulary_builder.h"
#include "../model/trainer/word_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static koe_error err;
static koe_vocabulary_builder *builder;
static char *vocab;
static size_t vocab_length, vocab_tokens;

static void start(void) {
  vocab = NULL;
  assert_ok(koe_vocabulary_builder_new(&builder, &err));
}

static void finish(void) {
  koe_vocabulary_builder_free(builder);
  koe_free(vocab);
}

static void add(const char *text) {
  assert_ok(koe_vocabulary_builder_add(builder, (koe_text){text, strlen(text)}, &err));
}

static koe_status build(size_t vocab_size, size_t alphabet_limit, int64_t min_frequency) {
  koe_vocabulary_options options = {vocab_size, alphabet_limit, min_frequency};
  koe_free(vocab);
  vocab = NULL;
  return koe_vocabulary_builder_build(builder, &options, &vocab, &vocab_length, &vocab_tokens,
                                      &err);
}

/* The lines behind the five special ones, separated by spaces. */
static void assert_vocab(const char *expected) {
  static const char specials[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  ck_assert_uint_eq(strlen(vocab), vocab_length);
  ck_assert_int_eq(strncmp(vocab, specials, sizeof specials - 1), 0);
  char *rest = strdup(vocab + sizeof specials - 1);
  size_t lines = 5;
  for (char *c = rest; *c != '\0'; c++) {
    if (*c == '\n') {
      lines++;
      *c = c[1] == '\0' ? '\0' : ' ';
    }
  }
  ck_assert_str_eq(rest, expected);
  ck_assert_uint_eq(vocab_tokens, lines);
  free(rest);
}

/* ── by hand ────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(characters_come_before_merges) {
  add("나다 가다 가다");
  assert_ok(build(100, 100, 2));
  assert_vocab("가 나 다 ##다 가다");
  assert_ok(build(100, 100, 1));
  assert_vocab("가 나 다 ##다 가다 나다");
}
END_TEST

START_TEST(the_most_frequent_pair_is_merged_first) {
  /* 하+##다 is there 5 times.  After it 하다+##고 is there twice and ##다+##고 once, not thrice. */
  add("하다 하다 하다 하다고 하다고 가다고");
  assert_ok(build(100, 100, 2));
  assert_vocab("가 고 다 하 ##고 ##다 하다 하다고");
}
END_TEST

START_TEST(of_equal_pairs_that_of_the_smaller_ids_is_merged_first) {
  add("cd ab");
  assert_ok(build(14, 100, 1));
  assert_vocab("a b c d ##b ##d ab cd");
}
END_TEST

START_TEST(the_vocabulary_ends_at_its_size) {
  add("abcdef abcdef");
  assert_ok(build(18, 100, 1));
  ck_assert_uint_eq(vocab_tokens, 18);
  assert_vocab("a b c d e f ##b ##c ##d ##e ##f ab ##cd");
}
END_TEST

START_TEST(repeated_characters_overlap) {
  add("aaaa");
  assert_ok(build(100, 100, 1));
  assert_vocab("a ##a ##aa aaa aaaa");
}
END_TEST

START_TEST(rare_characters_are_left_out_and_the_word_closes_up) {
  add("aab aab aqb aqb aqb");
  assert_ok(build(100, 2, 1));
  assert_vocab("a b ##a ##b ab aa aab");
}
END_TEST

START_TEST(of_equally_frequent_characters_the_first_stay) {
  add("c a b");
  assert_ok(build(100, 2, 1));
  assert_vocab("a b");
}
END_TEST

START_TEST(words_are_those_of_the_tokenizer) {
  add("a!b 漢字 c\xE2\x80\x8B"
      "d\te\xFF"
      "f [SEP]"); /* a zero-width space, an invalid byte */
  assert_ok(build(100, 100, 2));
  assert_vocab("! E P S [ ] a b c d e f 字 漢 ##E ##P ##d ##f");
}
END_TEST

/* ── against counting anew ──────────────────────────────────────────────────────────────────────
 */

enum { MAX_TOKENS = 500, MAX_WORD_PIECES = 16 };

typedef struct plain_word {
  int count;
  int length;
  int ids[MAX_WORD_PIECES];
} plain_word;

static char *plain_tokens[MAX_TOKENS];
static int plain_count;

static int plain_id(const char *spelled, bool may_add) {
  for (int i = 0; i < plain_count; i++) {
    if (strcmp(plain_tokens[i], spelled) == 0) return i;
  }
  if (!may_add) return -1;
  ck_assert_int_lt(plain_count, MAX_TOKENS);
  plain_tokens[plain_count] = strdup(spelled);
  return plain_count++;
}

/* The pair of most occurrences; returns how many. */
static int plain_best(const plain_word *words, size_t count, int *first, int *second) {
  static int table[MAX_TOKENS][MAX_TOKENS];
  int best = 0;
  memset(table, 0, sizeof table);
  for (size_t i = 0; i < count; i++) {
    for (int k = 1; k < words[i].length; k++)
      table[words[i].ids[k - 1]][words[i].ids[k]] += words[i].count;
  }
  for (int a = 0; a < plain_count; a++) {
    for (int b = 0; b < plain_count; b++) {
      if (table[a][b] <= best) continue;
      best = table[a][b];
      *first = a;
      *second = b;
    }
  }
  return best;
}

static void plain_merge(plain_word *word, int first, int second, int merged) {
  int kept = 0;
  for (int i = 0; i < word->length; i++) {
    bool here = i + 1 < word->length && word->ids[i] == first && word->ids[i + 1] == second;
    word->ids[kept++] = here ? merged : word->ids[i];
    i += here;
  }
  word->length = kept;
}

/* Merges until there are `size` tokens or the best pair is rarer than `min_frequency`. */
static void plain_train(plain_word *words, size_t count, int size, int min_frequency) {
  while (plain_count < size) {
    int first = 0, second = 0;
    char spelled[256];
    if (plain_best(words, count, &first, &second) < min_frequency) break;
    snprintf(spelled, sizeof spelled, "%s%s", plain_tokens[first], plain_tokens[second] + 2);
    int merged = plain_id(spelled, true);
    for (size_t i = 0; i < count; i++)
      plain_merge(&words[i], first, second, merged);
  }
}

/* Words over a small alphabet, so that pairs repeat, overlap and tie. */
static void random_word(unsigned *seed, char *out) {
  int length = 1 + (int)(rand_r(seed) % 9);
  for (int i = 0; i < length; i++)
    out[i] = (char)('a' + rand_r(seed) % 4 * (rand_r(seed) % 3 > 0));
  out[length] = '\0';
}

START_TEST(merges_are_those_of_counting_anew) {
  enum { WORDS = 300 };
  static plain_word words[WORDS];
  unsigned seed = (unsigned)_i;
  plain_count = 0;
  const char *const first_tokens[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a",  "b",
                                      "c",     "d",     "##a",   "##b",   "##c",    "##d"};
  for (size_t i = 0; i < sizeof first_tokens / sizeof first_tokens[0]; i++)
    plain_id(first_tokens[i], true);
  for (int i = 0; i < WORDS; i++) {
    char word[16], piece[4] = "##?";
    random_word(&seed, word);
    words[i].count = 1 + (int)(rand_r(&seed) % 5);
    for (int k = 0; k < words[i].count; k++)
      add(word);
    words[i].length = (int)strlen(word);
    for (int k = 0; k < words[i].length; k++) {
      piece[2] = word[k];
      words[i].ids[k] = plain_id(k == 0 ? piece + 2 : piece, false);
    }
  }
  int size = 60 + 40 * _i, min_frequency = 1 + _i % 3;
  plain_train(words, WORDS, size, min_frequency);
  assert_ok(build((size_t)size, 100, min_frequency));

  ck_assert_uint_eq(vocab_tokens, (size_t)plain_count);
  char *at = vocab;
  for (int i = 0; i < plain_count; i++) {
    char *line = strsep(&at, "\n");
    ck_assert_msg(strcmp(line, plain_tokens[i]) == 0, "token %d is %s, not %s", i, line,
                  plain_tokens[i]);
    free(plain_tokens[i]);
  }
  ck_assert_int_gt(plain_count, 40);
}
END_TEST

/* ── real text ──────────────────────────────────────────────────────────────────────────────────
 */

/* Adds the sentences of a column of KorSTS, last to first where `backwards`. */
static bool add_sentences(bool backwards) {
  const char *path = shared_path("data/korsts/sts-dev.tsv");
  if (path == NULL) return false;
  size_t length;
  char *bytes = read_file(path, &length);
  for (size_t at = 0, end = length; end > 0;) {
    if (backwards) {
      size_t begin = end - 1;
      while (begin > 0 && bytes[begin - 1] != '\n')
        begin--;
      assert_ok(koe_vocabulary_builder_add(builder, (koe_text){bytes + begin, end - begin}, &err));
      end = begin;
    } else {
      const char *newline = memchr(bytes + at, '\n', length - at);
      size_t stop = newline != NULL ? (size_t)(newline - bytes) + 1 : length;
      assert_ok(koe_vocabulary_builder_add(builder, (koe_text){bytes + at, stop - at}, &err));
      at = stop;
      if (at == length) break;
    }
  }
  free(bytes);
  return true;
}

START_TEST(the_order_of_texts_does_not_matter) {
  if (!add_sentences(false)) return;
  assert_ok(build(3000, 800, 2));
  ck_assert_uint_eq(vocab_tokens, 3000);
  char *forwards = strdup(vocab);
  koe_vocabulary_builder_free(builder);
  assert_ok(koe_vocabulary_builder_new(&builder, &err));
  ck_assert(add_sentences(true));
  assert_ok(build(3000, 800, 2));
  ck_assert_str_eq(forwards, vocab);
  free(forwards);
}
END_TEST

/* With room for every merge each word becomes one token: as many as the tokenizer finds words. */
START_TEST(the_tokenizer_finds_the_same_words) {
  static const char text[] =
      "재밌어요!! 漢字와 ①②, 3.5점\u200B(추천) café naïve\u00A0\u3000끝\uFFFD.";
  char path[128];
  koe_tokenizer *tokenizer;
  koe_tokens tokens = {0};
  koe_word_counts words = {0};
  koe_text all = {text, sizeof text - 1};
  add(text);
  assert_ok(build(1000, 1000, 1));
  snprintf(path, sizeof path, "%s/vocab.txt", temporary_directory());
  write_file(path, vocab, vocab_length);

  koe_tokenizer_options options = koe_tokenizer_options_default();
  assert_ok(koe_tokenizer_open(path, &options, &tokenizer, &err));
  assert_ok(koe_tokenizer_tokenize(tokenizer, all, SIZE_MAX, &tokens, &err));
  assert_ok(koe_word_counts_add(&words, all, &err));
  size_t total = 0;
  for (size_t i = 0; i < words.count; i++)
    total += (size_t)words.items[i].count;
  ck_assert_uint_eq(tokens.count, total);
  for (size_t i = 0; i < tokens.count; i++)
    ck_assert_int_gt(tokens.items[i].id, 4); /* none is [UNK] */
  ck_assert_int_ge(koe_tokenizer_id(tokenizer, (koe_text){"재밌어요", strlen("재밌어요")}), 0);
  ck_assert_uint_eq(koe_vocabulary_builder_words(builder), words.count);
  koe_tokens_clear(&tokens);
  koe_word_counts_clear(&words);
  koe_tokenizer_free(tokenizer);
}
END_TEST

START_TEST(words_too_long_for_the_tokenizer_are_left_out) {
  char word[256];
  memset(word, 'x', sizeof word);
  word[101] = '\0';
  add(word);
  ck_assert_uint_eq(koe_vocabulary_builder_words(builder), 0);
  word[100] = '\0';
  add(word);
  ck_assert_uint_eq(koe_vocabulary_builder_words(builder), 1);
  assert_ok(build(1000, 100, 1));
  ck_assert_ptr_nonnull(strstr(vocab, word));
}
END_TEST

/* ── errors ─────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(what_cannot_be_built_fails) {
  assert_fails(build(100, 100, 1), KOE_INVALID, "have no words");
  add(" \t\n");
  assert_fails(build(100, 100, 1), KOE_INVALID, "have no words");
  add("abcdef");
  assert_fails(build(15, 100, 1), KOE_INVALID, "no room for the 16 of its alphabet");
  ck_assert_ptr_null(vocab);
  assert_ok(build(16, SIZE_MAX, 1));
  assert_fails(build((size_t)1 << 40, 100, 1), KOE_INVALID, "too large");
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_anywhere) {
  koe_status status = KOE_NOMEM;
  long n;
  for (n = 1; status != KOE_OK && n < 1000; n++) {
    koe_memory_fail_after(n);
    koe_vocabulary_builder *other = NULL;
    koe_text text = {"가나다 나다라 다라마 마마마마", 42};
    koe_vocabulary_options options = {100, 100, 1};
    status = koe_vocabulary_builder_new(&other, &err);
    if (status == KOE_OK) status = koe_vocabulary_builder_add(other, text, &err);
    if (status == KOE_OK) {
      status =
          koe_vocabulary_builder_build(other, &options, &vocab, &vocab_length, &vocab_tokens, &err);
    }
    koe_memory_fail_after(0);
    ck_assert(status == KOE_OK || status == KOE_NOMEM);
    koe_vocabulary_builder_free(other);
  }
  ck_assert_int_eq(status, KOE_OK);
  ck_assert_int_gt(n, 15);
}
END_TEST
#endif

Suite *vocabulary_builder_suite(void);

Suite *vocabulary_builder_suite(void) {
  Suite *suite = suite_create("vocabulary_builder");
  TCase *merges = tcase_create("merges");
  tcase_add_checked_fixture(merges, start, finish);
  tcase_add_test(merges, characters_come_before_merges);
  tcase_add_test(merges, the_most_frequent_pair_is_merged_first);
  tcase_add_test(merges, of_equal_pairs_that_of_the_smaller_ids_is_merged_first);
  tcase_add_test(merges, the_vocabulary_ends_at_its_size);
  tcase_add_test(merges, repeated_characters_overlap);
  tcase_add_test(merges, rare_characters_are_left_out_and_the_word_closes_up);
  tcase_add_test(merges, of_equally_frequent_characters_the_first_stay);
  tcase_add_test(merges, words_are_those_of_the_tokenizer);
  tcase_add_loop_test(merges, merges_are_those_of_counting_anew, 0, 8);
  tcase_add_test(merges, the_order_of_texts_does_not_matter);
  tcase_add_test(merges, the_tokenizer_finds_the_same_words);
  tcase_add_test(merges, words_too_long_for_the_tokenizer_are_left_out);
  tcase_add_test(merges, what_cannot_be_built_fails);
#ifdef KOE_FAULTS
  tcase_add_test(merges, memory_may_fail_anywhere);
#endif
  suite_add_tcase(suite, merges);
  return suite;
}
