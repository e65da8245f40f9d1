// Labels and semantic search from Node, through better-sqlite3.
//
//   npm install --prefix examples/node
//   node examples/node/label.mjs EXTENSION MODEL_DIRECTORY QUERY
//
// EXTENSION is build/koelectra.so, MODEL_DIRECTORY any KoELECTRA directory with a classification head.
import Database from 'better-sqlite3';

const reviews = [
  '배우들의 연기가 정말 좋았습니다.',
  '시간이 아까운 영화였어요.',
  '음악이 아름다워요.',
];

const [extension, model, query] = process.argv.slice(2);
if (query === undefined) {
  console.error('usage: node label.mjs EXTENSION MODEL_DIRECTORY QUERY');
  process.exit(1);
}

const db = new Database(':memory:');
db.loadExtension(extension);
db.prepare("SELECT koelectra_load('reviews', ?)").get(model);

db.exec('CREATE TABLE review(id INTEGER PRIMARY KEY, body TEXT)');
const insert = db.prepare('INSERT INTO review(body) VALUES(?)');
db.transaction(() => reviews.forEach((body) => insert.run(body)))();

const scores = db.prepare("SELECT body, koelectra_scores(body, 'reviews') AS scores FROM review");
for (const { body, scores: json } of scores.iterate()) {
  const [label, score] = Object.entries(JSON.parse(json)).sort((a, b) => b[1] - a[1])[0];
  console.log(`${label}  ${score.toFixed(3)}  ${body}`);
}

// A vector is a BLOB of float32: a Float32Array on this side.
const { vector } = db.prepare("SELECT koelectra_embed(?, 'reviews') AS vector").get(query);
const embedding = new Float32Array(vector.buffer, vector.byteOffset, vector.byteLength / 4);
console.log(`embedding of ${embedding.length} numbers, length ${Math.hypot(...embedding).toFixed(3)}`);

const nearest = db.prepare(
  "SELECT body FROM review ORDER BY koelectra_cosine(koelectra_embed(body, 'reviews'), ?) DESC LIMIT 1",
);
console.log(`nearest to ${query}: ${nearest.get(vector).body}`);
