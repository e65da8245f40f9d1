// Prints what Hugging Face's tokenizers do with every code point, as ranges: character_classes.txt.
//
//   class FIRST LAST removed|space|punctuation|ideograph   what is in no range is part of a word
//   accent FIRST LAST                                      removed by strip_accents
//   lower FIRST LAST STEP DIFFERENCE                       lower case = character + difference
//   lower CHARACTER = CHARACTERS                           where it is not one character
//   strip CHARACTER = CHARACTERS                           decomposed, accents removed
//
// Hangul syllables, which decompose by rule, are left out of `strip`.  Numbers are hexadecimal but
// for STEP and DIFFERENCE.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { bertNormalizer, bertPreTokenizer } = require('@anush008/tokenizers');

const off = { cleanText: false, handleChineseChars: false, stripAccents: false, lowercase: false };
const clean = bertNormalizer({ ...off, cleanText: true, handleChineseChars: true });
const strip = bertNormalizer({ ...off, stripAccents: true });
const lower = bertNormalizer({ ...off, lowercase: true });
const split = bertPreTokenizer();

const hex = (codePoint) => codePoint.toString(16).toUpperCase().padStart(4, '0');
const codePoints = (string) => [...string].map((c) => c.codePointAt(0));

function classOf(character) {
  const text = `a${character}b`;
  const cleaned = clean.normalizeString(text);
  if (cleaned === 'ab') return 'removed';
  if (cleaned === 'a b') return 'space';
  if (cleaned === `a ${character} b`) return 'ideograph';
  if (cleaned !== text) throw new Error(`unexpected: ${JSON.stringify([text, cleaned])}`);
  return split.preTokenizeString(text).length === 3 ? 'punctuation' : 'word';
}

// Calls print(first, last, value) for each run of the same value, undefined apart.
function ranges(values, print) {
  let first = 0;
  for (let c = 1; c <= values.length; c++) {
    if (c < values.length && values[c] === values[first]) continue;
    if (values[first] !== undefined) print(first, c - 1, values[first]);
    first = c;
  }
}

const classes = new Array(0x110000);
const accents = new Array(0x110000);
const capitals = [];
const special = [];
const stripped = [];
for (let c = 0; c < 0x110000; c++) {
  if (c >= 0xd800 && c <= 0xdfff) continue; // surrogates are not characters
  const character = String.fromCodePoint(c);
  const kind = classOf(character);
  if (kind !== 'word') classes[c] = kind;

  const bare = strip.normalizeString(character);
  if (bare === '') accents[c] = true;
  if (bare !== '' && bare !== character && !(c >= 0xac00 && c <= 0xd7a3)) stripped.push([c, bare]);

  const small = codePoints(lower.normalizeString(character));
  if (small.length > 1) special.push([c, small]);
  if (small.length === 1 && small[0] !== c) capitals.push([c, small[0] - c]);
}

ranges(classes, (first, last, kind) => console.log(`class ${hex(first)} ${hex(last)} ${kind}`));
ranges(accents, (first, last) => console.log(`accent ${hex(first)} ${hex(last)}`));
for (let i = 0; i < capitals.length; ) {
  const [first, difference] = capitals[i];
  const continues = (k, step) =>
    k < capitals.length && capitals[k][1] === difference && capitals[k][0] - capitals[k - 1][0] === step;
  const step = continues(i + 1, 2) ? 2 : 1;
  let k = i + 1;
  while (continues(k, step)) k++;
  console.log(`lower ${hex(first)} ${hex(capitals[k - 1][0])} ${step} ${difference}`);
  i = k;
}
for (const [c, small] of special) console.log(`lower ${hex(c)} = ${small.map(hex).join(' ')}`);
for (const [c, bare] of stripped) console.log(`strip ${hex(c)} = ${codePoints(bare).map(hex).join(' ')}`);
