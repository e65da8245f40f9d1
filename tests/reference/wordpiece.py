"""A small BERT tokenizer for plain sentences, and vocabularies for it.

Splits at white space and around punctuation, then takes the longest piece from the left
(WordPiece).  It knows nothing of control characters, ideographs, accents or special tokens inside
text: the texts of these goldens have none.  Source: Devlin et al. 2019; Wu et al. 2016.
"""
import collections
import unicodedata

# KoELECTRA's order, which is not BERT's.
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def is_punctuation(character):
    if ord(character) < 128:
        return not character.isalnum() and not character.isspace()
    return unicodedata.category(character).startswith("P")


def words(text):
    spaced = "".join(f" {c} " if is_punctuation(c) else c for c in text)
    return spaced.split()


def build_vocabulary(texts, size):
    """Specials, every character as first and as later one of a word, then the heads and tails that
    several words share, those first that save most tokens, up to `size` in all."""
    first, later = set(), set()
    shared, saved = collections.Counter(), collections.Counter()
    for word in (word for text in texts for word in words(text)):
        first.add(word[0])
        later.update("##" + character for character in word[1:])
        for cut in range(1, len(word) + 1):
            for part, length in ((word[:cut], cut), ("##" + word[cut:], len(word) - cut)):
                if length > 1:
                    shared[part] += 1
                    saved[part] += length - 1
    vocabulary = SPECIALS + sorted(first) + sorted(later)
    if len(vocabulary) > size:
        raise ValueError(f"{len(vocabulary)} characters, but room for {size}")
    ranked = sorted((part for part in saved if shared[part] > 1), key=lambda p: (-saved[p], p))
    return vocabulary + ranked[: size - len(vocabulary)]


class Tokenizer:
    def __init__(self, vocabulary):
        self.ids = {token: i for i, token in enumerate(vocabulary)}

    def pieces(self, word):
        ids, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start > 0 else "") + word[start:end]
                if piece in self.ids:
                    break
            else:
                return [self.ids["[UNK]"]]
            ids.append(self.ids[piece])
            start = end
        return ids

    def tokenize(self, text):
        return [i for word in words(text) for i in self.pieces(word)]

    def encode(self, text, pair, max_length):
        """(input_ids, token_type_ids); of a pair that is too long, the longer text is cut, and the
        shorter must fit in half."""
        cls, sep = self.ids["[CLS]"], self.ids["[SEP]"]
        a = self.tokenize(text)
        if pair is None:
            a = a[: max_length - 2]
            return [cls, *a, sep], [0] * (len(a) + 2)
        b = self.tokenize(pair)
        room = max_length - 3
        if len(a) + len(b) > room:
            if min(len(a), len(b)) > room // 2:
                raise ValueError("both texts of a pair are too long")
            if len(a) > len(b):
                a = a[: room - len(b)]
            else:
                b = b[: room - len(a)]
        return [cls, *a, sep, *b, sep], [0] * (len(a) + 2) + [1] * (len(b) + 1)
