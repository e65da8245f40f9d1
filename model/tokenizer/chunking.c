#include "chunking.h"

#include "../memory.h"
#include "chunk_words.h"

#include <stdbool.h>
#include <string.h>

enum { SPECIAL_TOKENS = 2 }; /* [CLS], [SEP] */

typedef struct chunker {
  koe_chunk_reader reader;
  size_t budget;  /* tokens of the words of a chunk */
  size_t overlap; /* tokens */
  /* From the beginning of the chunk that comes to where has been read. */
  koe_chunk_word *words;
  size_t count;
  size_t capacity;
  size_t repeated; /* how many of the words, the first ones, the chunk before has too */
  bool over;       /* all words are read */
} chunker;

static size_t sum_tokens(const chunker *c, size_t first, size_t end) {
  size_t sum = 0;
  for (size_t i = first; i < end; i++)
    sum += c->words[i].tokens;
  return sum;
}

static void drop_words(chunker *c, size_t count) {
  c->count -= count;
  memmove(c->words, c->words + count, c->count * sizeof *c->words);
}

/* Reads on until the words that are not repeated are more than a chunk takes, one is split, or the
 * text is over. */
static koe_status read_ahead(chunker *c, koe_error *err) {
  size_t tokens = sum_tokens(c, c->repeated, c->count);
  while (!c->over && tokens <= c->budget &&
         (c->count == c->repeated || c->words[c->count - 1].after != KOE_BREAK_SPLIT)) {
    bool found;
    if (!koe_grow(&c->words, &c->capacity, c->count + 1, sizeof *c->words)) {
      return koe_fail_nomem(err);
    }
    koe_chunk_word *word = &c->words[c->count];
    koe_status status = koe_chunk_reader_next(&c->reader, word, &found, err);
    if (status != KOE_OK) return status;
    c->over = !found;
    if (!found) break;
    tokens += word->tokens;
    c->count++;
  }
  return KOE_OK;
}

/* The first of the words from `least` to `end` from which `limit` tokens reach to `end`: one that
 * begins a sentence, or else one behind white space; `end` if there is none. */
static size_t find_overlap(const chunker *c, size_t least, size_t end, size_t limit) {
  size_t best = end, tokens = 0;
  koe_word_break best_break = KOE_BREAK_NONE;
  for (size_t i = end; i > least; i--) {
    const koe_chunk_word *word = &c->words[i - 1];
    tokens += word->tokens;
    if (tokens > limit || word->after == KOE_BREAK_SPLIT) break;
    if (word->before >= KOE_BREAK_SPACE && word->before >= best_break) {
      best = i - 1;
      best_break = word->before;
    }
  }
  return best;
}

/* Repeats less where the next sentence, or if that is too long itself the next word, has no room
 * otherwise. */
static void shrink_overlap(chunker *c) {
  size_t end = c->repeated;
  while (end < c->count && c->words[end].after != KOE_BREAK_SENTENCE &&
         c->words[end].after != KOE_BREAK_SPLIT)
    end++;
  size_t needed = end < c->count ? sum_tokens(c, c->repeated, end + 1) : c->budget + 1;
  if (needed > c->budget) needed = c->words[c->repeated].tokens;
  if (sum_tokens(c, 0, c->repeated) + needed <= c->budget) return;
  size_t first = find_overlap(c, 0, c->repeated, c->budget - needed);
  drop_words(c, first);
  c->repeated -= first;
}

/* How many of the words the chunk takes: at least one that is not repeated. */
static size_t find_end(const chunker *c) {
  size_t end = c->repeated, best = c->repeated, tokens = sum_tokens(c, 0, c->repeated);
  koe_word_break best_break = KOE_BREAK_SPLIT;
  while (end < c->count && tokens + c->words[end].tokens <= c->budget) {
    const koe_chunk_word *word = &c->words[end++];
    tokens += word->tokens;
    if (word->after == KOE_BREAK_SPLIT) return end;
    if (word->after >= best_break) {
      best = end;
      best_break = word->after;
    }
  }
  return best;
}

static koe_status append_chunk(const chunker *c, size_t words, koe_chunks *out, koe_error *err) {
  if (!koe_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items)) {
    return koe_fail_nomem(err);
  }
  const koe_chunk_word *first = &c->words[0], *last = &c->words[words - 1];
  out->items[out->count++] = (koe_chunk){.offset = first->offset,
                                         .length = last->end_offset - first->offset,
                                         .start = first->start,
                                         .end = last->end,
                                         .tokens = sum_tokens(c, 0, words) + SPECIAL_TOKENS};
  return KOE_OK;
}

static koe_status cut(chunker *c, koe_chunks *out, koe_error *err) {
  for (;;) {
    koe_status status = read_ahead(c, err);
    if (status != KOE_OK || c->count == c->repeated) return status;
    shrink_overlap(c);
    size_t end = find_end(c);
    status = append_chunk(c, end, out, err);
    if (status != KOE_OK) return status;
    size_t first = find_overlap(c, 1, end, c->overlap);
    drop_words(c, first);
    c->repeated = end - first;
  }
}

koe_status koe_chunk_text(const koe_tokenizer *tokenizer, koe_text text, size_t max_tokens,
                          size_t overlap, koe_chunks *out, koe_error *err) {
  if (max_tokens < KOE_CHUNK_LEAST_TOKENS || max_tokens > KOE_CHUNK_MOST_TOKENS) {
    return koe_fail(err, KOE_INVALID, "max_tokens is %zu: it must be from %d to %d", max_tokens,
                    KOE_CHUNK_LEAST_TOKENS, KOE_CHUNK_MOST_TOKENS);
  }
  if (overlap > max_tokens / 2) {
    return koe_fail(err, KOE_INVALID, "overlap is %zu: it can be half of max_tokens (%zu) at most",
                    overlap, max_tokens);
  }
  chunker c = {.budget = max_tokens - SPECIAL_TOKENS, .overlap = overlap};
  koe_chunk_reader_start(&c.reader, tokenizer, text, c.budget);
  koe_status status = cut(&c, out, err);
  koe_chunk_reader_stop(&c.reader);
  koe_free(c.words);
  return status;
}

void koe_chunks_clear(koe_chunks *chunks) {
  koe_free(chunks->items);
  memset(chunks, 0, sizeof *chunks);
}
