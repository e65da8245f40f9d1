/* The terms of full-text search: what a text is cut into for an index, and for a query over it.
 *
 * Korean nouns have two syllables, mostly, and stand inside longer words: 영화 in 영화관에서 and in
 * 전쟁영화가.  So letters of scripts that join their words (Hangul, Chinese characters, kana) are
 * indexed by pairs, and every other word as a whole:
 *
 *   text       영     화     관     에     서          KoELECTRA   를
 *   document   영화   화관   관에   에서   서          koelectra   를
 *              영     화     관     에                                  at the same positions
 *   query      영화   화관   관에   에서   서          koelectra   를
 *
 * Each letter is a position of its own.  A query is a phrase of pairs that ends with its last
 * letter alone, so it is found wherever its letters stand side by side in a word; one letter is
 * found as well.  Between two words of a phrase the text may have white space or none, as writers
 * differ in that.  A position's place in the text is its one letter, so that what highlight() marks
 * is exactly what was asked for, and places never overlap: highlight() of SQLite 3.40 repeats text
 * where they do.
 *
 * No vocabulary decides anything here, so an index lasts whatever models come and go; and pairs
 * find more than WordPiece's pieces do, which cut a word here one way and there another
 * (tests/bench/full_text.py).
 *
 * Characters are composed (NFC), lower-cased, and lose their accents if they are Latin, Greek or
 * Cyrillic.  What separates words is white space and punctuation.  Characters that the tokenizer of
 * the models drops (control characters, invalid UTF-8) are skipped, and do not separate.  A symbol,
 * such as an emoji, is a term of its own. */
#ifndef KOE_FTS5_TERMS_H
#define KOE_FTS5_TERMS_H

#include "../model/text.h"

#include <stdbool.h>

enum { KOE_TERM_MAX = 1000 }; /* bytes: of a longer word the beginning is the term */

typedef struct koe_term {
  const char *bytes; /* UTF-8, not terminated; lives until the callback returns */
  int length;
  int start; /* in the text, in bytes */
  int end;
  bool colocated; /* at the position of the term before it */
} koe_term;

typedef enum koe_terms_mode {
  KOE_TERMS_DOCUMENT,
  KOE_TERMS_QUERY,
  KOE_TERMS_LOOSE /* pairs and words, each worth looking for alone: 영화 화관 관에 에서 koelectra 를
                   */
} koe_terms_mode;

/* Takes the terms of a text, in order; SQLITE_OK, or a code that ends the reading. */
typedef int (*koe_term_callback)(void *context, const koe_term *term);

/* Gives the terms of a text of at most INT_MAX bytes to the callback; SQLITE_OK or its code.
 * Allocates nothing. */
int koe_terms_read(koe_text text, koe_terms_mode mode, koe_term_callback callback, void *context);

#endif
