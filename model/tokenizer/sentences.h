/* Where sentences end, by the marks of Korean and Latin text.
 *
 * A sentence ends at a line's end, and behind . ? ! … 。 and their full-width forms, together with
 * the quotes and brackets that close there, where white space or the text's end follows. Full-width
 * marks need no space behind them, nor does a mark between two Korean words (좋았다.그래서).  These
 * do not end one:
 *
 *   3.14   www.a.kr        no space follows
 *   2024. 1. 5. 서울       a number with a dot, if a number follows or stood before it
 *   1. 목적   가. 목적     a number or a letter that begins the sentence
 *   Dr. Kim   e.g.   J. K. abbreviations
 *   "왜?" he said          a small Latin letter follows
 *
 * No list of words that end Korean sentences is needed: 다. and 요. end with a dot. */
#ifndef KOE_SENTENCES_H
#define KOE_SENTENCES_H

#include "../text.h"

/* The end, in bytes, of the sentence that begins at byte `start`, which is not white space: greater
 * than `start`, and `text.length` for the last one.  White space behind a sentence is not part of
 * it.  All sentences of a text together are found in linear time. */
size_t koe_sentence_end(koe_text text, size_t start);

#endif
