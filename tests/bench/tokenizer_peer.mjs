// The peer of bench_tokenizer: Hugging Face's tokenizers (Rust) through @anush008/tokenizers.
//
//   RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false node tokenizer_peer.mjs VOCAB
//
// The same commands: load, run FILE [TIMES].  Texts are encoded in batches of 1000, so that the
// calls from JavaScript do not count for much.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { seconds, serve } from './serve.mjs';

const hf = createRequire(import.meta.url)('@anush008/tokenizers');
const [vocabulary] = process.argv.slice(2);
let tokenizer;

async function open() {
  tokenizer = new hf.Tokenizer(await hf.WordPiece.fromFile(vocabulary, { unkToken: '[UNK]' }));
  tokenizer.setNormalizer(
    hf.bertNormalizer({ cleanText: true, handleChineseChars: true, stripAccents: false, lowercase: false }),
  );
  tokenizer.setPreTokenizer(hf.bertPreTokenizer());
  tokenizer.setPostProcessor(
    hf.bertProcessing(['[SEP]', tokenizer.tokenToId('[SEP]')], ['[CLS]', tokenizer.tokenToId('[CLS]')]),
  );
  tokenizer.addSpecialTokens(['[UNK]', '[SEP]', '[PAD]', '[CLS]', '[MASK]']);
  tokenizer.setTruncation(512);
}

async function run(file, times = '1') {
  const texts = readFileSync(file, 'utf8').trimEnd().split('\n');
  const batches = [];
  for (let i = 0; i < texts.length; i += 1000) batches.push(texts.slice(i, i + 1000));
  let tokens = 0;
  const spent = await seconds(async () => {
    for (let pass = 0; pass < Number(times); pass++) {
      for (const batch of batches) {
        for (const encoding of await tokenizer.encodeBatch(batch)) tokens += encoding.getLength();
      }
    }
  });
  return `${tokens} ${spent.toFixed(6)}`;
}

await serve({ load: () => seconds(open), run });
