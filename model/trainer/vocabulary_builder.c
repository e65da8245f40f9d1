#include "vocabulary_builder.h"

#include "../hash.h"
#include "../memory.h"
#include "../tokenizer/trie.h"
#include "../tokenizer/unicode.h"
#include "../tokenizer/vocab.h"
#include "pair_counts.h"
#include "word_counts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_POINTS = 0x110000, SPECIALS = 5 };

static const char *const special_tokens[SPECIALS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

struct koe_vocabulary_builder {
  koe_word_counts words;
};

koe_vocabulary_options koe_vocabulary_options_default(void) {
  return (koe_vocabulary_options){.vocab_size = 8000, .alphabet_limit = 1000, .min_frequency = 2};
}

koe_status koe_vocabulary_builder_new(koe_vocabulary_builder **out, koe_error *err) {
  *out = koe_alloc_zero(1, sizeof **out);
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

void koe_vocabulary_builder_free(koe_vocabulary_builder *builder) {
  if (builder == NULL) return;
  koe_word_counts_clear(&builder->words);
  koe_free(builder);
}

koe_status koe_vocabulary_builder_add(koe_vocabulary_builder *builder, koe_text text,
                                      koe_error *err) {
  return koe_word_counts_add(&builder->words, text, err);
}

size_t koe_vocabulary_builder_words(const koe_vocabulary_builder *builder) {
  return builder->words.count;
}

/* ── tokens ─────────────────────────────────────────────────────────────────────────────────────
 */

/* Lines of the vocabulary-to-be, with a look-up by spelling. */
typedef struct token_list {
  char *bytes; /* content of vocab.txt */
  size_t byte_count, byte_capacity;
  size_t *starts; /* [count] of lines */
  size_t count, capacity;
  uint32_t *slots; /* [slot_count] hash table: id + 1, or 0 */
  size_t slot_count;
} token_list;

static koe_text token_at(const token_list *tokens, size_t id) {
  size_t end = id + 1 < tokens->count ? tokens->starts[id + 1] : tokens->byte_count;
  return (koe_text){tokens->bytes + tokens->starts[id], end - tokens->starts[id] - 1};
}

static size_t find_token_slot(const token_list *tokens, koe_text token) {
  uint64_t hash = koe_hash(KOE_HASH_START, token.bytes, token.length);
  size_t mask = tokens->slot_count - 1;
  size_t slot = (hash ^ hash >> 32) & mask;
  while (tokens->slots[slot] != 0) {
    koe_text found = token_at(tokens, tokens->slots[slot] - 1);
    if (found.length == token.length && memcmp(found.bytes, token.bytes, token.length) == 0) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

/* The id of a token, which is added if it is new.  `token` is not in `tokens->bytes`.  False if
 * memory is short. */
static bool intern(token_list *tokens, koe_text token, uint32_t *id) {
  size_t slot = find_token_slot(tokens, token);
  if (tokens->slots[slot] != 0) {
    *id = tokens->slots[slot] - 1;
    return true;
  }
  if (!koe_grow(&tokens->starts, &tokens->capacity, tokens->count + 1, sizeof *tokens->starts) ||
      !koe_grow(&tokens->bytes, &tokens->byte_capacity, tokens->byte_count + token.length + 2, 1)) {
    return false;
  }
  *id = (uint32_t)tokens->count;
  tokens->starts[tokens->count++] = tokens->byte_count;
  memcpy(tokens->bytes + tokens->byte_count, token.bytes, token.length);
  tokens->byte_count += token.length;
  tokens->bytes[tokens->byte_count++] = '\n';
  tokens->bytes[tokens->byte_count] = '\0';
  tokens->slots[slot] = (uint32_t)tokens->count;
  return true;
}

/* The token that a pair becomes: the second is never at the beginning of a word, so it is spelled
 * with "##", which falls away. */
static bool intern_merge(token_list *tokens, uint64_t key, uint32_t *id) {
  char spelled[4 * KOE_PIECE_MAX_CHARACTERS + 2];
  koe_text first = token_at(tokens, (size_t)(key >> 32));
  koe_text second = token_at(tokens, (uint32_t)key);
  memcpy(spelled, first.bytes, first.length);
  memcpy(spelled + first.length, second.bytes + 2, second.length - 2);
  return intern(tokens, (koe_text){spelled, first.length + second.length - 2}, id);
}

/* ── the alphabet ───────────────────────────────────────────────────────────────────────────────
 */

typedef struct counted_character {
  uint32_t character;
  int64_t count;
} counted_character;

static int compare_frequency(const void *a, const void *b) {
  const counted_character *x = a;
  const counted_character *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  return (x->character > y->character) - (x->character < y->character);
}

/* What building needs: the vocabulary, the words as tokens, the pairs. */
typedef struct build {
  const koe_word_counts *words;
  const koe_vocabulary_options *options;
  int64_t *frequencies; /* [CODE_POINTS] of characters; 0 where they are not kept */
  uint32_t *first_ids;  /* [CODE_POINTS] of the token at the beginning of a word */
  uint32_t *inside_ids; /* [CODE_POINTS] of the "##" token; 0 if there is none (yet) */
  token_list tokens;
  uint32_t *symbols; /* the words as token ids, one behind the other */
  size_t *starts;    /* [words->count] in `symbols` */
  uint8_t *lengths;  /* [words->count] symbols */
  koe_pair_counts pairs;
} build;

static bool add_character_token(build *b, const char *prefix, uint32_t character, uint32_t *id) {
  char spelled[8];
  size_t length = strlen(prefix);
  memcpy(spelled, prefix, length);
  length += koe_utf8_encode(character, spelled + length);
  return intern(&b->tokens, (koe_text){spelled, length}, id);
}

/* Counts characters and forgets the rare ones beyond alphabet_limit. */
static koe_status choose_alphabet(build *b, koe_error *err) {
  counted_character *characters = NULL;
  size_t count = 0, capacity = 0;
  koe_status status = KOE_OK;
  for (size_t i = 0; i < b->words->count; i++) {
    const koe_counted_word *word = &b->words->items[i];
    const char *bytes = b->words->bytes + word->offset;
    for (uint32_t at = 0; at < word->length;) {
      uint32_t character;
      at += (uint32_t)koe_utf8_decode(bytes + at, word->length - at, &character);
      b->frequencies[character] += word->count;
    }
  }
  for (uint32_t c = 0; c < CODE_POINTS; c++) {
    if (b->frequencies[c] == 0) continue;
    if (!koe_grow(&characters, &capacity, count + 1, sizeof *characters)) {
      status = koe_fail_nomem(err);
      goto cleanup;
    }
    characters[count++] = (counted_character){c, b->frequencies[c]};
  }
  if (count > 0) qsort(characters, count, sizeof *characters, compare_frequency);
  for (size_t i = b->options->alphabet_limit; i < count; i++)
    b->frequencies[characters[i].character] = 0;

cleanup:
  koe_free(characters);
  return status;
}

/* Special tokens, then each character kept, then with "##" each that occurs within a word. */
static koe_status add_first_tokens(build *b, koe_error *err) {
  uint32_t id;
  for (size_t i = 0; i < SPECIALS; i++) {
    koe_text token = {special_tokens[i], strlen(special_tokens[i])};
    if (!intern(&b->tokens, token, &id)) return koe_fail_nomem(err);
  }
  for (uint32_t c = 0; c < CODE_POINTS; c++) {
    if (b->frequencies[c] == 0) continue;
    if (!add_character_token(b, "", c, &b->first_ids[c])) return koe_fail_nomem(err);
  }
  for (uint32_t c = 0; c < CODE_POINTS; c++) {
    if (b->inside_ids[c] == 0) continue;
    if (!add_character_token(b, "##", c, &b->inside_ids[c])) return koe_fail_nomem(err);
  }
  if (b->tokens.count <= b->options->vocab_size) return KOE_OK;
  return koe_fail(err, KOE_INVALID,
                  "a vocabulary of %zu tokens has no room for the %zu of its alphabet: make it "
                  "larger or limit the alphabet to fewer than %zu characters",
                  b->options->vocab_size, b->tokens.count, b->options->alphabet_limit);
}

/* ── words as tokens ────────────────────────────────────────────────────────────────────────────
 */

/* Marks the characters that stand within words. */
static void mark_inside(build *b) {
  for (size_t i = 0; i < b->words->count; i++) {
    const koe_counted_word *word = &b->words->items[i];
    const char *bytes = b->words->bytes + word->offset;
    for (uint32_t at = 0; at < word->length;) {
      uint32_t character;
      bool first = at == 0;
      at += (uint32_t)koe_utf8_decode(bytes + at, word->length - at, &character);
      if (!first && b->frequencies[character] > 0) b->inside_ids[character] = 1;
    }
  }
}

/* Characters that are not kept are skipped and what follows closes up, as Hugging Face does. */
static koe_status split_words(build *b, koe_error *err) {
  size_t count = b->words->count, used = 0;
  b->symbols = koe_alloc(b->words->byte_count, sizeof *b->symbols); /* no fewer than characters */
  b->starts = koe_alloc(count, sizeof *b->starts);
  b->lengths = koe_alloc(count, sizeof *b->lengths);
  if (b->symbols == NULL || b->starts == NULL || b->lengths == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < count; i++) {
    const koe_counted_word *word = &b->words->items[i];
    const char *bytes = b->words->bytes + word->offset;
    b->starts[i] = used;
    for (uint32_t at = 0; at < word->length;) {
      uint32_t character;
      bool first = at == 0;
      at += (uint32_t)koe_utf8_decode(bytes + at, word->length - at, &character);
      if (b->frequencies[character] == 0) continue;
      b->symbols[used++] = first ? b->first_ids[character] : b->inside_ids[character];
    }
    b->lengths[i] = (uint8_t)(used - b->starts[i]);
  }
  return KOE_OK;
}

static bool count_pairs(build *b) {
  for (size_t i = 0; i < b->words->count; i++) {
    const uint32_t *symbols = b->symbols + b->starts[i];
    for (size_t k = 1; k < b->lengths[i]; k++) {
      uint64_t key = koe_pair_key(symbols[k - 1], symbols[k]);
      if (!koe_pair_counts_add(&b->pairs, key, b->words->items[i].count, (uint32_t)i)) return false;
    }
  }
  return koe_pair_counts_flush(&b->pairs);
}

/* ── merges ─────────────────────────────────────────────────────────────────────────────────────
 */

/* Replaces each occurrence of a pair in one word, from left to right. */
static bool merge_in_word(build *b, uint32_t word, uint64_t key, uint32_t merged) {
  uint32_t first = (uint32_t)(key >> 32), second = (uint32_t)key;
  uint32_t *symbols = b->symbols + b->starts[word];
  int64_t count = b->words->items[word].count;
  koe_pair_counts *pairs = &b->pairs;
  size_t length = b->lengths[word], kept = 0;
  for (size_t i = 0; i < length; i++) {
    if (i + 1 == length || symbols[i] != first || symbols[i + 1] != second) {
      symbols[kept++] = symbols[i];
      continue;
    }
    if (!koe_pair_counts_add(pairs, key, -count, word)) return false;
    if (kept > 0) {
      uint32_t left = symbols[kept - 1];
      if (!koe_pair_counts_add(pairs, koe_pair_key(left, first), -count, word) ||
          !koe_pair_counts_add(pairs, koe_pair_key(left, merged), count, word)) {
        return false;
      }
    }
    if (i + 2 < length) {
      uint32_t right = symbols[i + 2];
      if (!koe_pair_counts_add(pairs, koe_pair_key(second, right), -count, word) ||
          !koe_pair_counts_add(pairs, koe_pair_key(merged, right), count, word)) {
        return false;
      }
    }
    symbols[kept++] = merged;
    i++;
  }
  b->lengths[word] = (uint8_t)kept;
  return true;
}

/* Merges a pair wherever it is. */
static bool merge_pair(build *b, uint32_t number) {
  uint64_t key = b->pairs.items[number].key;
  uint32_t *words = b->pairs.items[number].words;
  size_t count = b->pairs.items[number].word_count;
  uint32_t merged;
  bool ok = intern_merge(&b->tokens, key, &merged);
  /* The list is taken out, so that the pair has none unless it comes back. */
  b->pairs.items[number].words = NULL;
  b->pairs.items[number].word_count = 0;
  b->pairs.items[number].word_capacity = 0;
  for (size_t i = 0; ok && i < count; i++)
    ok = merge_in_word(b, words[i], key, merged);
  koe_free(words);
  return ok && koe_pair_counts_flush(&b->pairs);
}

static koe_status merge_pairs(build *b, koe_error *err) {
  while (b->tokens.count < b->options->vocab_size) {
    uint32_t pair;
    bool found;
    if (!koe_pair_counts_take(&b->pairs, &pair, &found)) return koe_fail_nomem(err);
    if (!found || b->pairs.items[pair].count < b->options->min_frequency) break;
    if (!merge_pair(b, pair)) return koe_fail_nomem(err);
  }
  return KOE_OK;
}

/* ── interface ──────────────────────────────────────────────────────────────────────────────────
 */

/* The alphabet may have more tokens than the vocabulary has room for: that is told once they are
 * counted, so the table has room for both. */
static bool allocate(build *b) {
  size_t characters = b->options->alphabet_limit;
  if (characters > CODE_POINTS) characters = CODE_POINTS;
  size_t slots = 1024;
  while (slots / 2 < b->options->vocab_size + 2 * characters + SPECIALS)
    slots *= 2;
  b->tokens.slots = koe_alloc_zero(slots, sizeof *b->tokens.slots);
  b->tokens.slot_count = slots;
  b->frequencies = koe_alloc_zero(CODE_POINTS, sizeof *b->frequencies);
  b->first_ids = koe_alloc_zero(CODE_POINTS, sizeof *b->first_ids);
  b->inside_ids = koe_alloc_zero(CODE_POINTS, sizeof *b->inside_ids);
  return b->tokens.slots != NULL && b->frequencies != NULL && b->first_ids != NULL &&
         b->inside_ids != NULL;
}

static void release(build *b) {
  koe_free(b->frequencies);
  koe_free(b->first_ids);
  koe_free(b->inside_ids);
  koe_free(b->tokens.bytes);
  koe_free(b->tokens.starts);
  koe_free(b->tokens.slots);
  koe_free(b->symbols);
  koe_free(b->starts);
  koe_free(b->lengths);
  koe_pair_counts_clear(&b->pairs);
}

koe_status koe_vocabulary_builder_build(const koe_vocabulary_builder *builder,
                                        const koe_vocabulary_options *options, char **out,
                                        size_t *length, size_t *tokens, koe_error *err) {
  build b = {.words = &builder->words, .options = options};
  koe_status status;
  *out = NULL;
  if (builder->words.count == 0) {
    return koe_fail(err, KOE_INVALID, "the texts have no words: no vocabulary can be made of them");
  }
  if (options->vocab_size > KOE_VOCAB_MAX_TOKENS) {
    return koe_fail(err, KOE_INVALID, "a vocabulary of %zu tokens is too large: at most %d",
                    options->vocab_size, KOE_VOCAB_MAX_TOKENS);
  }
  if (!allocate(&b)) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = choose_alphabet(&b, err);
  if (status != KOE_OK) goto cleanup;
  mark_inside(&b);
  status = add_first_tokens(&b, err);
  if (status != KOE_OK) goto cleanup;
  status = split_words(&b, err);
  if (status != KOE_OK) goto cleanup;
  if (!count_pairs(&b)) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = merge_pairs(&b, err);
  if (status != KOE_OK) goto cleanup;
  *out = b.tokens.bytes;
  *length = b.tokens.byte_count;
  *tokens = b.tokens.count;
  b.tokens.bytes = NULL;

cleanup:
  release(&b);
  return status;
}
