#include "word.h"

koe_status koe_word_finish(koe_word *word, const koe_tokenizer *tokenizer, int32_t segment,
                           koe_tokens *out, koe_error *err) {
  koe_piece pieces[KOE_PIECE_MAX_CHARACTERS];
  size_t characters = word->count;
  if (characters == 0) return KOE_OK;
  word->count = 0;
  if (!koe_tokens_reserve(out, KOE_PIECE_MAX_CHARACTERS)) return koe_fail_nomem(err);

  size_t count = 0;
  if (characters <= KOE_PIECE_MAX_CHARACTERS) {
    count = koe_wordpiece_match(&tokenizer->wordpiece, word->symbols, characters, pieces);
  }
  if (count == 0) {
    out->items[out->count++] =
        (koe_token){tokenizer->unk, segment, word->whole.start, word->whole.end};
    return KOE_OK;
  }
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    size_t next = at + koe_piece_characters(pieces[i]);
    out->items[out->count++] = (koe_token){koe_piece_id(pieces[i]), segment, word->spans[at].start,
                                           word->spans[next - 1].end};
    at = next;
  }
  return KOE_OK;
}
