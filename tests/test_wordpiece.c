/* model/tokenizer/alphabet.c, trie.c, wordpiece.c: the linear matcher against the plain greedy one,
 * over vocabularies made at random and vocabularies made to be awkward. */
#include "support.h"

#include "../model/memory.h"
#include "../model/tokenizer/unicode.h"
#include "../model/tokenizer/wordpiece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static koe_error err;
static koe_vocab vocab;
static koe_alphabet alphabet;
static koe_wordpiece wordpiece;

static uint64_t random_state = 88172645463325252u;

/* Marsaglia's xorshift64: below n. */
static uint32_t random_below(uint32_t n) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state >> 33) % n;
}

static void finish(void) {
  koe_wordpiece_clear(&wordpiece);
  koe_alphabet_clear(&alphabet);
  koe_vocab_clear(&vocab);
}

static void read_vocabulary(const void *bytes, size_t length) {
  static char path[128];
  if (path[0] == '\0') snprintf(path, sizeof path, "%s/vocab.txt", temporary_directory());
  write_file(path, bytes, length);
  assert_ok(koe_vocab_read(path, &vocab, &err));
}

static void build(const void *bytes, size_t length) {
  finish();
  read_vocabulary(bytes, length);
  assert_ok(koe_alphabet_build(&vocab, true, &alphabet, &err));
  assert_ok(koe_wordpiece_build(&vocab, &alphabet, &wordpiece, &err));
}

static void build_text(const char *lines) {
  build(lines, strlen(lines));
}

/* A word as characters. */
typedef struct word {
  uint32_t characters[KOE_PIECE_MAX_CHARACTERS];
  size_t count;
} word;

static word word_of(const char *text) {
  word w = {.count = 0};
  size_t length = strlen(text);
  for (size_t at = 0; at < length;) {
    at += koe_utf8_decode(text + at, length - at, &w.characters[w.count++]);
  }
  return w;
}

static size_t match(const word *w, koe_piece *pieces) {
  uint32_t symbols[KOE_PIECE_MAX_CHARACTERS] = {0};
  for (size_t i = 0; i < w->count; i++) {
    koe_alphabet_look_up(&alphabet, w->characters[i], &symbols[i]);
  }
  return koe_wordpiece_match(&wordpiece, symbols, w->count, pieces);
}

/* The definition: at each place the longest token that fits, by look-up of every candidate. */
static size_t match_greedily(const word *w, koe_piece *pieces) {
  size_t written = 0;
  for (size_t start = 0; start < w->count;) {
    size_t end = w->count;
    int32_t id = -1;
    for (; end > start && id < 0; end--) {
      char spelled[2 + 4 * KOE_PIECE_MAX_CHARACTERS];
      size_t length = 0;
      if (start > 0) length = (size_t)(stpcpy(spelled, "##") - spelled);
      for (size_t i = start; i < end; i++) {
        length += koe_utf8_encode(w->characters[i], spelled + length);
      }
      id = koe_vocab_id(&vocab, (koe_text){spelled, length});
      if (id >= 0) break;
    }
    if (id < 0) return 0;
    pieces[written++] = koe_piece_make(id, end - start);
    start = end;
  }
  return written;
}

/* Aborts where they differ, instead of asserting: Check writes a record of every assertion. */
static void assert_agrees(const word *w) {
  koe_piece expected[KOE_PIECE_MAX_CHARACTERS];
  koe_piece found[KOE_PIECE_MAX_CHARACTERS];
  size_t count = match_greedily(w, expected);
  size_t actual = match(w, found);
  if (actual == count && memcmp(found, expected, count * sizeof *found) == 0) return;

  char spelled[4 * KOE_PIECE_MAX_CHARACTERS + 1];
  size_t length = 0;
  for (size_t i = 0; i < w->count; i++) {
    length += koe_utf8_encode(w->characters[i], spelled + length);
  }
  spelled[length] = '\0';
  if (actual != count) ck_abort_msg("%s: %zu pieces, not %zu", spelled, actual, count);
  for (size_t i = 0; i < count; i++) {
    if (found[i] == expected[i]) continue;
    ck_abort_msg("%s: piece %zu is token %d, not %d", spelled, i, koe_piece_id(found[i]),
                 koe_piece_id(expected[i]));
  }
}

static void assert_splits(const char *text, const char *expected) {
  koe_piece pieces[KOE_PIECE_MAX_CHARACTERS];
  word w = word_of(text);
  size_t count = match(&w, pieces);
  char joined[1024] = "";
  for (size_t i = 0; i < count; i++) {
    koe_text token = vocab.tokens[koe_piece_id(pieces[i])];
    size_t used = strlen(joined);
    snprintf(joined + used, sizeof joined - used, "%s%.*s", i > 0 ? " " : "", (int)token.length,
             token.bytes);
  }
  ck_assert_msg(strcmp(joined, expected) == 0, "%s: \"%s\", not \"%s\"", text, joined, expected);
  assert_agrees(&w);
}

START_TEST(the_longest_token_wins_at_each_place) {
  build_text("a\nabc\n##b\n##bc\n##c\n##bcdefg\n##d\n");
  assert_splits("abc", "abc");
  assert_splits("abcd", "abc ##d");
  assert_splits("ab", "a ##b");
  assert_splits("abb", "a ##b ##b");
  assert_splits("a", "a");
  assert_splits("abcdef", "");
  assert_splits("b", "");
  assert_splits("ax", "");
  assert_splits("abcbcc", "abc ##bc ##c");
}
END_TEST

START_TEST(failure_links_lead_through_several_tokens) {
  build_text("가\n가나다라마바\n##나\n##나다라마사\n##다라\n##다라마아\n##마\n##사\n##아\n##바\n");
  assert_splits("가나다라마바", "가나다라마바");
  assert_splits("가나다라마사", "가 ##나다라마사");
  assert_splits("가나다라마아", "가 ##나 ##다라마아");
  assert_splits("가나다라마마", "가 ##나 ##다라 ##마 ##마");
  assert_splits("가나다라마", "가 ##나 ##다라 ##마");
  assert_splits("가나다", "");
}
END_TEST

START_TEST(tokens_that_cannot_occur_match_nothing) {
  build_text("a\n##b\na b\na\xEA\xB0\n##\xB0\x80\n##\n####b\n\n##a\xE2\x80\x8B\n");
  assert_splits("ab", "a ##b");
  assert_splits("a가", "");
  assert_splits("abb", "a ##b ##b");
  ck_assert_uint_eq(wordpiece.lists == NULL, true);
}
END_TEST

START_TEST(characters_above_plane_0_have_symbols) {
  build_text("🙂\n##🙂\n##🚀🙂\n𠀀\na\n");
  assert_splits("🙂🚀🙂🙂", "🙂 ##🚀🙂 ##🙂");
  assert_splits("𠀀", "𠀀");
  assert_splits("🙂a", "");
  assert_splits("🚀", "");
}
END_TEST

START_TEST(ideographs_and_punctuation_are_told_apart) {
  uint32_t symbol;
  build_text("가\n漢\n.\n");
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, 0xAC00, &symbol), KOE_CHAR_WORD);
  ck_assert_uint_gt(symbol, 0);
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, 0x6F22, &symbol), KOE_CHAR_IDEOGRAPH);
  ck_assert_uint_gt(symbol, 0);
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, 0x5B57, &symbol), KOE_CHAR_IDEOGRAPH);
  ck_assert_uint_eq(symbol, 0);
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, '.', &symbol), KOE_CHAR_PUNCTUATION);
  ck_assert_uint_gt(symbol, 0);
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, ',', &symbol), KOE_CHAR_PUNCTUATION);
  ck_assert_uint_eq(symbol, 0);
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, 0x20000, &symbol), KOE_CHAR_IDEOGRAPH);
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, 0x3000, &symbol), KOE_CHAR_SPACE);
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, 0xE0001, &symbol), KOE_CHAR_REMOVED);

  koe_alphabet_clear(&alphabet);
  assert_ok(koe_alphabet_build(&vocab, false, &alphabet, &err));
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, 0x6F22, &symbol), KOE_CHAR_WORD);
  ck_assert_int_eq(koe_alphabet_look_up(&alphabet, 0x20000, &symbol), KOE_CHAR_WORD);
}
END_TEST

/* The letters of a random vocabulary: few, so that tokens overlap; of one to four bytes. */
static const uint32_t letters[] = {'a', 'b', 0xE9, 0xAC00, 0xAC01, 0x1F642, 0x4E00, 'z'};

static void random_word(word *w, uint32_t letter_count, uint32_t longest) {
  w->count = 1 + random_below(longest);
  for (size_t i = 0; i < w->count; i++)
    w->characters[i] = letters[random_below(letter_count)];
}

static size_t random_vocabulary(char *lines, uint32_t tokens, uint32_t letter_count,
                                uint32_t longest) {
  size_t length = 0;
  for (uint32_t i = 0; i < tokens; i++) {
    word w;
    random_word(&w, letter_count, longest);
    if (random_below(3) > 0) length += (size_t)(stpcpy(lines + length, "##") - (lines + length));
    for (size_t k = 0; k < w.count; k++) {
      length += koe_utf8_encode(w.characters[k], lines + length);
    }
    lines[length++] = '\n';
  }
  return length;
}

START_TEST(linear_and_greedy_agree_on_random_vocabularies) {
  enum { VOCABULARIES = 150, WORDS = 300, TOKENS = 120, LONGEST = 12 };
  char *lines = malloc(TOKENS * (4 * LONGEST + 3));
  int matched = 0;
  for (int v = 0; v < VOCABULARIES; v++) {
    uint32_t letter_count = 1 + random_below(7);
    uint32_t longest = 1 + random_below(LONGEST);
    build(lines, random_vocabulary(lines, 1 + random_below(TOKENS), letter_count, longest));
    for (int i = 0; i < WORDS; i++) {
      word w;
      koe_piece pieces[KOE_PIECE_MAX_CHARACTERS];
      random_word(&w, letter_count + 1, i % 10 == 0 ? KOE_PIECE_MAX_CHARACTERS : 24);
      if (random_below(2) == 0) random_word(&w, letter_count, 10);
      assert_agrees(&w);
      matched += match(&w, pieces) > 0;
    }
  }
  free(lines);
  ck_assert_int_gt(matched, VOCABULARIES * WORDS / 20);
}
END_TEST

START_TEST(tokens_of_up_to_100_characters_match) {
  char lines[8192] = "##a\n";
  for (int n = 1; n <= 101; n += n == 1 ? 1 : 7) {
    size_t at = strlen(lines);
    memset(lines + at, 'a', (size_t)n);
    lines[at + (size_t)n] = '\n'; /* what follows is zero */
  }
  build_text(lines);
  for (size_t n = 1; n <= KOE_PIECE_MAX_CHARACTERS; n++) {
    word w = {.count = n};
    for (size_t i = 0; i < n; i++)
      w.characters[i] = 'a';
    assert_agrees(&w);
  }
}
END_TEST

/* Every state but the last of each long token has a list of failure pops as long as it is deep:
 * written out they would take 5 000 pieces a token. */
START_TEST(lists_of_failure_pops_take_no_more_than_the_vocabulary) {
  enum { TOKENS = 2000, LENGTH = 99 };
  char *lines = malloc(TOKENS * (LENGTH + 16));
  size_t length = (size_t)(stpcpy(lines, "##a\n##b\n") - lines);
  for (int t = 0; t < TOKENS; t++) {
    length += (size_t)sprintf(lines + length, "%c%c\n", 'c' + t / 90, 'c');
    length += (size_t)sprintf(lines + length, "##%02d\n", t % 90);
  }
  for (int t = 0; t < TOKENS; t++) {
    length += (size_t)sprintf(lines + length, "%c%c%02d", 'c' + t / 90, 'c', t % 90);
    for (int i = 4; i < LENGTH; i++)
      lines[length++] = t >> (i % 11) & 1 ? 'a' : 'b';
    lines[length++] = '\n';
  }
  build(lines, length);
  free(lines);
  ck_assert_uint_gt(wordpiece.list_count, TOKENS);
  ck_assert_uint_lt(koe_wordpiece_bytes(&wordpiece), 40 * TOKENS * LENGTH);
  word w = word_of("cc07babababababababababababababababaaaabbbbababa");
  assert_agrees(&w);
  koe_piece pieces[KOE_PIECE_MAX_CHARACTERS];
  ck_assert_uint_gt(match(&w, pieces), 40);
}
END_TEST

START_TEST(an_alphabet_of_every_character_is_numbered) {
  size_t length = 0;
  char *lines = malloc(0x110000 * 6);
  for (uint32_t c = '!'; c < 0x110000; c++) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    length += koe_utf8_encode(c, lines + length);
    lines[length++] = '\n';
  }
  build(lines, length);
  free(lines);
  for (uint32_t c = '!'; c < 0x110000; c++) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    uint32_t symbol;
    koe_piece piece;
    koe_character_class class = koe_alphabet_look_up(&alphabet, c, &symbol);
    if (class != koe_classify_character(c)) ck_abort_msg("U+%04X: class %d", c, class);
    if (class == KOE_CHAR_SPACE || class == KOE_CHAR_REMOVED) continue;
    char bytes[4];
    size_t size = koe_utf8_encode(c, bytes);
    int32_t id = koe_vocab_id(&vocab, (koe_text){bytes, size});
    bool matched = koe_wordpiece_match(&wordpiece, &symbol, 1, &piece) == 1;
    if (!matched || koe_piece_id(piece) != id) ck_abort_msg("U+%04X is not token %d", c, id);
  }
}
END_TEST

START_TEST(sparse_vocabularies_pack) {
  enum { TOKENS = 150000 };
  char *lines = malloc(TOKENS * 10);
  size_t length = 0;
  for (int t = 0; t < TOKENS; t++) {
    for (int i = 0; i < 2; i++)
      length += koe_utf8_encode(0xAC00 + random_below(11172), lines + length);
    lines[length++] = '\n';
  }
  build(lines, length);
  free(lines);
  ck_assert_uint_lt(wordpiece.state_count, 3 * TOKENS);
  for (int i = 0; i < 10000; i++) {
    word w = {{0xAC00 + random_below(11172), 0xAC00 + random_below(11172)}, 2};
    assert_agrees(&w);
  }
}
END_TEST

START_TEST(too_many_prefixes_are_an_error) {
  enum { TOKENS = 90000, LENGTH = 100 };
  char *lines = malloc(TOKENS * (LENGTH + 1));
  for (size_t t = 0; t < TOKENS; t++) {
    char *line = lines + t * (LENGTH + 1);
    for (int i = 0; i < LENGTH; i++)
      line[i] = (char)('a' + random_below(26));
    line[LENGTH] = '\n';
  }
  finish();
  read_vocabulary(lines, TOKENS * (LENGTH + 1));
  free(lines);
  assert_ok(koe_alphabet_build(&vocab, true, &alphabet, &err));
  assert_fails(koe_wordpiece_build(&vocab, &alphabet, &wordpiece, &err), KOE_FORMAT,
               "more than 8388608 distinct prefixes");
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_anywhere) {
  char lines[4096] = "";
  for (int i = 0; i < 26; i++) {
    sprintf(lines + strlen(lines), "%c\n##%c\nab%cd\n##bc%c\n##bd%cef\n", 'a' + i, 'a' + i, 'a' + i,
            'a' + i, 'a' + i);
  }
  strcat(lines, "🙂\n漢\n.\n##eee\n##e\n");
  finish();
  read_vocabulary(lines, strlen(lines));
  koe_status status = KOE_NOMEM;
  long n;
  for (n = 1; status != KOE_OK && n < 1000; n++) {
    koe_memory_fail_after(n);
    status = koe_alphabet_build(&vocab, true, &alphabet, &err);
    if (status == KOE_OK) status = koe_wordpiece_build(&vocab, &alphabet, &wordpiece, &err);
    koe_memory_fail_after(0);
    ck_assert(status == KOE_OK || status == KOE_NOMEM);
    if (status == KOE_OK) break;
    koe_alphabet_clear(&alphabet);
    koe_wordpiece_clear(&wordpiece);
  }
  ck_assert_int_eq(status, KOE_OK);
  ck_assert_int_gt(n, 10);
  assert_splits("abcd", "abcd");
}
END_TEST
#endif

Suite *wordpiece_suite(void);

Suite *wordpiece_suite(void) {
  Suite *suite = suite_create("wordpiece");
  TCase *matching = tcase_create("matching");
  tcase_add_checked_fixture(matching, NULL, finish);
  tcase_add_test(matching, the_longest_token_wins_at_each_place);
  tcase_add_test(matching, failure_links_lead_through_several_tokens);
  tcase_add_test(matching, tokens_that_cannot_occur_match_nothing);
  tcase_add_test(matching, characters_above_plane_0_have_symbols);
  tcase_add_test(matching, ideographs_and_punctuation_are_told_apart);
  tcase_add_test(matching, linear_and_greedy_agree_on_random_vocabularies);
  tcase_add_test(matching, tokens_of_up_to_100_characters_match);
  suite_add_tcase(suite, matching);
  TCase *large = tcase_create("large");
  tcase_add_checked_fixture(large, NULL, finish);
  tcase_add_test(large, lists_of_failure_pops_take_no_more_than_the_vocabulary);
  tcase_add_test(large, an_alphabet_of_every_character_is_numbered);
  tcase_add_test(large, sparse_vocabularies_pack);
  tcase_add_test(large, too_many_prefixes_are_an_error);
#ifdef KOE_FAULTS
  tcase_add_test(large, memory_may_fail_anywhere);
#endif
  suite_add_tcase(suite, large);
  return suite;
}
