// Tokens a second of Hugging Face's tokenizers (Rust), the peer of bench_tokenizer:
//
//   RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false node tokenizer_peer.mjs VOCAB TEXTFILE [seconds]
//
// Needs the package @anush008/tokenizers (0.6.0), in tests/bench/node_modules or on NODE_PATH.
// Texts are encoded in batches of 1 000, so that the calls from JavaScript do not count for much.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const hf = require('@anush008/tokenizers');

const [vocabulary, textFile, seconds = '3'] = process.argv.slice(2);
const model = await hf.WordPiece.fromFile(vocabulary, { unkToken: '[UNK]' });
const tokenizer = new hf.Tokenizer(model);
tokenizer.setNormalizer(
  hf.bertNormalizer({ cleanText: true, handleChineseChars: true, stripAccents: false, lowercase: false }),
);
tokenizer.setPreTokenizer(hf.bertPreTokenizer());
tokenizer.setPostProcessor(
  hf.bertProcessing(['[SEP]', tokenizer.tokenToId('[SEP]')], ['[CLS]', tokenizer.tokenToId('[CLS]')]),
);
tokenizer.addSpecialTokens(['[UNK]', '[SEP]', '[PAD]', '[CLS]', '[MASK]']);
tokenizer.setTruncation(512);

const texts = readFileSync(textFile, 'utf8').split('\n');
if (texts.at(-1) === '') texts.pop();

let best = 0;
let tokens = 0;
for (const end = Date.now() + Number(seconds) * 1000; best === 0 || Date.now() < end; ) {
  const start = process.hrtime.bigint();
  tokens = 0;
  for (let i = 0; i < texts.length; i += 1000) {
    const encodings = await tokenizer.encodeBatch(texts.slice(i, i + 1000));
    for (const encoding of encodings) tokens += encoding.getLength();
  }
  best = Math.max(best, (tokens * 1e9) / Number(process.hrtime.bigint() - start));
}
const threads = process.env.RAYON_NUM_THREADS ?? 'all';
console.log(
  `Hugging Face tokenizers: ${(best / 1e6).toFixed(2)} M tokens/s ` +
    `(${texts.length} texts, ${tokens} tokens; threads: ${threads})`,
);
