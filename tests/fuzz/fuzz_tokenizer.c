/* Fuzzes vocabulary, options and texts of the tokenizer, and chunks of the texts, with libFuzzer:
 * see README.md.
 *
 * The input: a byte of option bits, a byte of max_length, two bytes of the vocabulary's length, the
 * vocabulary (the special tokens are added), then the text, whose second half is the pair. */
#include "../../model/tokenizer/chunking.h"
#include "../../model/tokenizer/tokenizer.h"
#include "../../model/tokenizer/unicode.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char specials[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";

static void require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

/* Spans lie in the text, none is empty, and they do not go back. */
static void check_tokens(const koe_tokenizer *tokenizer, const koe_tokens *tokens, koe_text text,
                         int32_t segment) {
  int64_t characters = (int64_t)koe_utf8_count(text.bytes, text.length);
  int64_t start = 0;
  int64_t end = 0;
  for (size_t i = 0; i < tokens->count; i++) {
    const koe_token *token = &tokens->items[i];
    require(token->id >= 0 && token->id < koe_tokenizer_vocab_size(tokenizer), "id in range");
    if (token->start < 0 || token->segment != segment) continue;
    require(token->start < token->end, "span not empty");
    require(token->start >= start && token->end >= end, "spans in order");
    require(token->end <= characters, "span inside the text");
    start = token->start;
    end = token->end;
  }
}

static void check_texts(const koe_tokenizer *tokenizer, koe_text text, koe_text pair,
                        size_t max_length) {
  koe_error err;
  koe_tokens all = {0};
  koe_tokens some = {0};
  require(koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &all, &err) == KOE_OK, "tokenize");
  check_tokens(tokenizer, &all, text, 0);

  require(koe_tokenizer_tokenize(tokenizer, text, max_length, &some, &err) == KOE_OK, "limited");
  require(some.count == (all.count < max_length ? all.count : max_length), "as many as wanted");
  require(some.count == 0 || memcmp(some.items, all.items, some.count * sizeof *some.items) == 0,
          "the first tokens");

  require(koe_tokenizer_encode(tokenizer, text, &pair, max_length, &some, &err) == KOE_OK, "pair");
  require(some.count >= 3 && some.count <= max_length, "at most max_length");
  require(some.items[0].id == koe_tokenizer_id(tokenizer, (koe_text){"[CLS]", 5}), "[CLS]");
  require(some.items[some.count - 1].segment == 1, "[SEP]");
  check_tokens(tokenizer, &some, text, 0);
  check_tokens(tokenizer, &some, pair, 1);
  koe_tokens_clear(&all);
  koe_tokens_clear(&some);
}

static size_t count_tokens(const koe_tokenizer *tokenizer, const char *bytes, size_t length) {
  koe_error err;
  koe_tokens tokens = {0};
  koe_text text = {bytes, length};
  require(koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &tokens, &err) == KOE_OK, "tokenize");
  size_t count = tokens.count;
  koe_tokens_clear(&tokens);
  return count;
}

/* Chunks go on, have the tokens they say, at most `max_tokens`, and leave none out. */
static void check_chunks(const koe_tokenizer *tokenizer, koe_text text, size_t max_tokens) {
  koe_error err;
  koe_chunks chunks = {0};
  size_t end = 0;
  require(koe_chunk_text(tokenizer, text, max_tokens, max_tokens / 2, &chunks, &err) == KOE_OK,
          "chunks");
  for (size_t i = 0; i < chunks.count; i++) {
    const koe_chunk *chunk = &chunks.items[i];
    require(chunk->length > 0 && chunk->offset + chunk->length <= text.length, "chunk inside");
    require(i == 0 || chunk->offset > chunk[-1].offset, "begins later");
    require(chunk->offset + chunk->length > end, "ends later");
    require(chunk->tokens > 2 && chunk->tokens <= max_tokens, "tokens of a chunk");
    require(count_tokens(tokenizer, text.bytes + chunk->offset, chunk->length) + 2 == chunk->tokens,
            "tokens counted");
    require(chunk->offset <= end ||
                count_tokens(tokenizer, text.bytes + end, chunk->offset - end) == 0,
            "nothing left out");
    end = chunk->offset + chunk->length;
  }
  require(count_tokens(tokenizer, text.bytes + end, text.length - end) == 0, "nothing left");
  koe_chunks_clear(&chunks);
}

/* A file in memory that koe_tokenizer_open can read. */
static int write_vocabulary(const uint8_t *bytes, size_t length) {
  int file = memfd_create("vocab.txt", 0);
  require(file >= 0, "memory file");
  require(write(file, bytes, length) == (ssize_t)length, "written");
  require(write(file, "\n", 1) == 1, "written");
  require(write(file, specials, sizeof specials - 1) == (ssize_t)sizeof specials - 1, "written");
  return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  koe_tokenizer_options options = koe_tokenizer_options_default();
  options.do_lower_case = data[0] & 1;
  options.strip_accents = data[0] & 2;
  options.normalize_nfc = data[0] & 4;
  options.tokenize_chinese_chars = data[0] & 8;
  size_t max_length = 3 + data[1] % 64u;
  size_t length = data[2] | (size_t)data[3] << 8;
  data += 4;
  size -= 4;
  if (length > size) length = size;

  int file = write_vocabulary(data, length);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  koe_tokenizer *tokenizer;
  koe_error err;
  require(koe_tokenizer_open(path, &options, &tokenizer, &err) == KOE_OK, "opened");
  close(file);

  koe_text text = {(const char *)data + length, (size - length) / 2};
  koe_text pair = {text.bytes + text.length, size - length - text.length};
  check_texts(tokenizer, text, pair, max_length);
  check_texts(tokenizer, pair, text, max_length);
  check_chunks(tokenizer, text, max_length < KOE_CHUNK_LEAST_TOKENS ? 5 : max_length);
  koe_tokenizer_free(tokenizer);
  return 0;
}
