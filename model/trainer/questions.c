#include "questions.h"

#include "../memory.h"

#include <math.h>
#include <string.h>

enum { MAX_QUESTION = 64, MAX_ANSWER = 30 };

/* What koe_encode_questions works with. */
typedef struct encoder {
  const koe_tokenizer *tokenizer;
  size_t max_length, stride;
  koe_tokens question, context, sequence;
  koe_token frame[2]; /* [CLS], [SEP] */
  koe_span *spans;    /* [context.count] */
  size_t spans_capacity;
  size_t cached; /* offset + 1 of the context that `context` holds; 0: none */
} encoder;

/* Characters of the tokens' offsets → bytes.  Every byte that does not continue a character begins
 * one. */
static void find_bytes(koe_text text, const koe_tokens *tokens, koe_span *spans) {
  size_t byte = 0;
  int64_t character = 0;
  for (size_t t = 0; t < tokens->count; t++) {
    for (int side = 0; side < 2; side++) {
      int64_t wanted = side == 0 ? tokens->items[t].start : tokens->items[t].end;
      while (character < wanted && byte < text.length) {
        byte++;
        while (byte < text.length && ((unsigned char)text.bytes[byte] & 0xc0) == 0x80)
          byte++;
        character++;
      }
      if (side == 0)
        spans[t].start = (uint32_t)byte;
      else
        spans[t].end = (uint32_t)byte;
    }
  }
}

static koe_status tokenize_context(encoder *e, const koe_examples *examples,
                                   const koe_example *example, koe_error *err) {
  koe_text text = koe_examples_text(examples, example->pair);
  if (e->cached == example->pair.offset + 1) return KOE_OK;
  e->context.count = 0;
  koe_status status = koe_tokenizer_tokenize(e->tokenizer, text, SIZE_MAX, &e->context, err);
  if (status != KOE_OK) return status;
  if (!koe_grow(&e->spans, &e->spans_capacity, e->context.count, sizeof *e->spans))
    return koe_fail_nomem(err);
  find_bytes(text, &e->context, e->spans);
  e->cached = example->pair.offset + 1;
  return KOE_OK;
}

/* The tokens of the context that the first gold answer touches; false if none does. */
static bool find_gold(const encoder *e, const koe_examples *examples, const koe_example *example,
                      size_t *first, size_t *last) {
  if (example->answer_count == 0) return false;
  const koe_gold_answer *gold = &examples->answers[example->answers];
  size_t end = gold->start + gold->text.length;
  bool found = false;
  for (size_t t = 0; t < e->context.count; t++) {
    if (e->spans[t].end <= gold->start || e->spans[t].start >= end) continue;
    if (!found) *first = t;
    *last = t;
    found = true;
  }
  return found;
}

static koe_status append_window(encoder *e, uint32_t example, size_t start, size_t count,
                                koe_dataset *out, koe_windows *windows, koe_error *err) {
  size_t question = e->question.count, total = question + count + 3;
  koe_tokens *sequence = &e->sequence;
  if (!koe_grow(&sequence->items, &sequence->capacity, total, sizeof *sequence->items) ||
      !koe_grow(&windows->items, &windows->capacity, windows->count + 1, sizeof *windows->items) ||
      !koe_grow(&windows->spans, &windows->span_capacity, windows->span_count + count,
                sizeof *windows->spans) ||
      !koe_grow(&out->labels, &out->labels_capacity, 2 * windows->count + 2, sizeof *out->labels)) {
    return koe_fail_nomem(err);
  }
  koe_token *tokens = sequence->items;
  tokens[0] = e->frame[0];
  memcpy(tokens + 1, e->question.items, question * sizeof *tokens);
  tokens[question + 1] = e->frame[1];
  memcpy(tokens + question + 2, e->context.items + start, count * sizeof *tokens);
  tokens[total - 1] = e->frame[1];
  for (size_t t = 0; t < total; t++)
    tokens[t].segment = t >= question + 2;
  windows->items[windows->count++] = (koe_window){.example = example,
                                                  .first = (uint32_t)(question + 2),
                                                  .count = (uint32_t)count,
                                                  .spans = windows->span_count};
  memcpy(windows->spans + windows->span_count, e->spans + start, count * sizeof *e->spans);
  windows->span_count += count;
  return koe_batch_append(&out->tokens, tokens, total, err);
}

static koe_status encode_question(encoder *e, const koe_examples *examples, uint32_t index,
                                  koe_dataset *out, koe_windows *windows, koe_error *err) {
  const koe_example *example = &examples->items[index];
  size_t first = 0, last = 0;
  e->question.count = 0;
  koe_status status = koe_tokenizer_tokenize(
      e->tokenizer, koe_examples_text(examples, example->text), MAX_QUESTION, &e->question, err);
  if (e->question.count > MAX_QUESTION) e->question.count = MAX_QUESTION;
  if (status == KOE_OK) status = tokenize_context(e, examples, example, err);
  if (status != KOE_OK) return status;
  if (e->question.count + 3 + e->stride >= e->max_length) {
    return koe_fail(err, KOE_INVALID,
                    "a question of %zu tokens leaves no room for windows of %zu tokens that "
                    "overlap by %zu",
                    e->question.count, e->max_length, e->stride);
  }
  size_t room = e->max_length - e->question.count - 3;
  bool gold = find_gold(e, examples, example, &first, &last);
  for (size_t start = 0;; start += room - e->stride) {
    size_t left = e->context.count - start, count = left < room ? left : room;
    status = append_window(e, index, start, count, out, windows, err);
    if (status != KOE_OK) return status;
    bool inside = gold && first >= start && last < start + count;
    int32_t *label = out->labels + 2 * (windows->count - 1);
    label[0] = inside ? (int32_t)(first - start + e->question.count + 2) : 0;
    label[1] = inside ? (int32_t)(last - start + e->question.count + 2) : 0;
    if (count == left) return KOE_OK;
  }
}

koe_status koe_encode_questions(const koe_examples *examples, const koe_tokenizer *tokenizer,
                                size_t max_length, size_t stride, koe_dataset *out,
                                koe_windows *windows, koe_error *err) {
  encoder e = {.tokenizer = tokenizer, .max_length = max_length, .stride = stride};
  *out = (koe_dataset){.group = 1, .label_rows = KOE_LABELS_OF_ANSWERS};
  memset(windows, 0, sizeof *windows);
  koe_status status = koe_tokenizer_encode(tokenizer, (koe_text){"", 0}, NULL, 2, &e.sequence, err);
  if (status == KOE_OK) memcpy(e.frame, e.sequence.items, sizeof e.frame);
  for (size_t i = 0; status == KOE_OK && i < examples->count; i++)
    status = encode_question(&e, examples, (uint32_t)i, out, windows, err);
  koe_tokens_clear(&e.question);
  koe_tokens_clear(&e.context);
  koe_tokens_clear(&e.sequence);
  koe_free(e.spans);
  return status;
}

/* ── answers ────────────────────────────────────────────────────────────────────────────────────
 */

/* The best span of one window; -INFINITY where it has no context. */
static float best_span(const koe_window *window, const float *outputs, size_t *first,
                       size_t *last) {
  float best = -INFINITY;
  for (size_t s = 0; s < window->count; s++) {
    for (size_t e = s; e < window->count && e < s + MAX_ANSWER; e++) {
      float score = outputs[2 * (window->first + s)] + outputs[2 * (window->first + e) + 1];
      if (score <= best) continue;
      best = score;
      *first = s;
      *last = e;
    }
  }
  return best;
}

void koe_find_answers(const koe_examples *examples, const koe_dataset *dataset,
                      const koe_windows *windows, const float *outputs, koe_stretch *answers) {
  float best = -INFINITY;
  memset(answers, 0, examples->count * sizeof *answers);
  for (size_t w = 0; w < windows->count; w++) {
    const koe_window *window = &windows->items[w];
    const koe_span *spans = windows->spans + window->spans;
    size_t first = 0, last = 0;
    if (w == 0 || window->example != windows->items[w - 1].example) best = -INFINITY;
    float score = best_span(window, outputs + 2 * dataset->tokens.starts[w], &first, &last);
    if (score <= best) continue;
    best = score;
    answers[window->example] =
        (koe_stretch){.offset = examples->items[window->example].pair.offset + spans[first].start,
                      .length = spans[last].end - spans[first].start};
  }
}

void koe_windows_clear(koe_windows *windows) {
  koe_free(windows->items);
  koe_free(windows->spans);
  memset(windows, 0, sizeof *windows);
}
