#include "wordpiece.h"

#include "../memory.h"

#include <stdbool.h>
#include <string.h>

void koe_wordpiece_clear(koe_wordpiece *wordpiece) {
  koe_free(wordpiece->states);
  koe_free(wordpiece->lists);
  memset(wordpiece, 0, sizeof *wordpiece);
}

size_t koe_wordpiece_bytes(const koe_wordpiece *wordpiece) {
  return wordpiece->state_count * sizeof *wordpiece->states +
         wordpiece->list_count * sizeof *wordpiece->lists;
}

size_t koe_wordpiece_pops(const koe_wordpiece *wordpiece, uint32_t pops, koe_piece *out) {
  bool is_list = (pops & KOE_POPS_LIST) != 0;
  size_t total = is_list ? wordpiece->lists[(pops & ~KOE_POPS_LIST) + KOE_LIST_TOTAL] : 1;
  size_t left = total; /* to be written, from the end */
  while ((pops & KOE_POPS_LIST) != 0) {
    const uint32_t *list = wordpiece->lists + (pops & ~KOE_POPS_LIST);
    left -= list[KOE_LIST_OWN];
    memcpy(out + left, list + KOE_LIST_PIECES, list[KOE_LIST_OWN] * sizeof *out);
    pops = list[KOE_LIST_PREFIX];
  }
  out[0] = pops;
  return total;
}

size_t koe_wordpiece_match(const koe_wordpiece *wordpiece, const uint32_t *symbols, size_t count,
                           koe_piece *out) {
  const koe_wordpiece_state *states = wordpiece->states;
  size_t written = 0;
  uint32_t state = KOE_STATE_WORD;
  for (size_t i = 0; i < count; i++) {
    uint32_t next = koe_wordpiece_next(states, state, symbols[i]);
    while (next == KOE_STATE_DEAD) {
      if (states[state].fail == KOE_STATE_DEAD) return 0;
      written += koe_wordpiece_pops(wordpiece, states[state].pops, out + written);
      state = states[state].fail;
      next = koe_wordpiece_next(states, state, symbols[i]);
    }
    state = next;
  }
  while (state > KOE_STATE_INSIDE) {
    if (states[state].fail == KOE_STATE_DEAD) return 0;
    written += koe_wordpiece_pops(wordpiece, states[state].pops, out + written);
    state = states[state].fail;
  }
  return written;
}
