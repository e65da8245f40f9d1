// Texts to embeddings as a JavaScript program does it: Transformers.js (@huggingface/transformers),
// its tokenizer and model classes, on the same ONNX file.
//
//   node transformers_peer.mjs DIRECTORY float32|int8 THREADS
//
// Commands, one a line, each answered by a line: load, seconds; run FILE, texts and seconds of one
// pass over the texts of FILE, one a line, in batches of 32.
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { AutoModel, AutoTokenizer, env } from '@huggingface/transformers';
import { seconds, serve } from './serve.mjs';

const BATCH = 32;
const [directory, precision, threads] = process.argv.slice(2);
env.allowRemoteModels = false;
env.localModelPath = dirname(resolve(directory));
let tokenizer, model;

async function open() {
  const name = basename(directory);
  tokenizer = await AutoTokenizer.from_pretrained(name);
  model = await AutoModel.from_pretrained(name, {
    device: 'cpu',
    dtype: precision === 'int8' ? 'q8' : 'fp32',
    session_options: { intraOpNumThreads: Number(threads), interOpNumThreads: 1 },
  });
}

async function run(file) {
  const texts = readFileSync(file, 'utf8').trimEnd().split('\n');
  const spent = await seconds(async () => {
    for (let i = 0; i < texts.length; i += BATCH) {
      await model(tokenizer(texts.slice(i, i + BATCH), { padding: true, truncation: true }));
    }
  });
  return `${texts.length} ${spent.toFixed(6)}`;
}

await serve({ load: () => seconds(open), run });
