// The peer of bench_encoder: ONNX Runtime (onnxruntime-node) on the graph that bench_onnx writes.
//
//   node onnx_peer.mjs MODEL.onnx THREADS
//
// Commands, one a line, each answered by a line:
//
//   load              seconds until the session is open
//   run FILE [TIMES]  tokens and seconds of TIMES passes over the sequences of FILE
//   embed FILE OUT    number of sequences; OUT gets their embeddings, float32
//   peak              bytes of memory that were resident at most
//
// FILE has a sequence of token ids a line; an empty line ends a batch.  A batch is padded to its
// longest sequence.  Tensors are made before the clock starts.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { peak, seconds, serve } from './serve.mjs';

const ort = createRequire(import.meta.url)('onnxruntime-node');
const [path, threads] = process.argv.slice(2);
let session;

function tensors(sequences) {
  const longest = Math.max(...sequences.map((ids) => ids.length));
  const shape = [sequences.length, longest];
  const ids = new BigInt64Array(sequences.length * longest);
  const mask = new BigInt64Array(ids.length);
  sequences.forEach((sequence, row) => {
    ids.set(sequence, row * longest);
    mask.fill(1n, row * longest, row * longest + sequence.length);
  });
  return {
    input_ids: new ort.Tensor('int64', ids, shape),
    attention_mask: new ort.Tensor('int64', mask, shape),
  };
}

function readBatches(file) {
  const text = readFileSync(file, 'utf8').trimEnd();
  return text.split('\n\n').map((batch) => batch.split('\n').map((line) => line.split(' ').map(BigInt)));
}

async function load() {
  return seconds(async () => {
    session = await ort.InferenceSession.create(path, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      intraOpNumThreads: Number(threads),
      interOpNumThreads: 1,
    });
  });
}

async function run(file, times = '1') {
  const batches = readBatches(file);
  const tokens = batches.flat().reduce((sum, ids) => sum + ids.length, 0);
  const feeds = batches.map(tensors);
  const spent = await seconds(async () => {
    for (let i = 0; i < Number(times); i++) {
      for (const feed of feeds) await session.run(feed);
    }
  });
  return `${tokens * Number(times)} ${spent.toFixed(6)}`;
}

async function embed(file, out) {
  const batches = readBatches(file);
  const rows = [];
  for (const batch of batches) rows.push((await session.run(tensors(batch))).embedding.data);
  writeFileSync(out, Buffer.concat(rows.map((r) => Buffer.from(r.buffer, r.byteOffset, r.byteLength))));
  return batches.flat().length;
}

await serve({ load, run, embed, peak });
