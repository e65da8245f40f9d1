// koelectra_index through better-sqlite3: transactions, iterators, serialized databases, workers.
//
//   node tests/hosts/sessions.mjs EXTENSION MODEL_DIRECTORY [FOLDER_OF_NODE_MODULES]
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const [extension, model, modules] = isMainThread ? process.argv.slice(2) : workerData.arguments;
const Database = createRequire(join(resolve(modules ?? 'examples/node'), 'x.js'))('better-sqlite3');

function open(path, options) {
  const db = new Database(path, options);
  db.loadExtension(extension);
  db.prepare("SELECT koelectra_load('default', ?)").get(model);
  return db;
}

const nearest = (db, query) =>
  db.prepare('SELECT rowid FROM s WHERE s MATCH ? AND k = 1').pluck().get(query);

function failure(work) {
  try {
    work();
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
  return 'no error';
}

// A worker reads what is committed while the main thread writes.
if (!isMainThread) {
  const db = open(workerData.path, { timeout: 60000 });
  const count = db.prepare("SELECT (SELECT count(*) FROM s) = (SELECT count(*) FROM s WHERE s MATCH '책')");
  let wrong = 0;
  for (let i = 0; i < 50; i++) wrong += count.pluck().get() ? 0 : 1;
  db.close();
  process.exit(wrong);
}

async function sessions(folder) {
  const path = join(folder, 'node.db');
  const db = open(path);
  db.exec('CREATE VIRTUAL TABLE s USING koelectra_index(body)');
  const insert = db.prepare('INSERT INTO s(rowid, body) VALUES(?, ?)');

  console.log('-- a transaction function: commit, or rollback; one within another is a savepoint');
  const insertAll = db.transaction((rows) => rows.forEach((row) => insert.run(row)));
  insertAll([[1, '책'], [2, '문'], [3, '강']]);
  console.log(failure(() => insertAll([[4, '산'], [1, '또']])));
  db.transaction(() => {
    insert.run(5, '눈');
    failure(() => insertAll([[6, '산'], [5, '또']]));
    insertAll([[7, '비']]);
  })();
  console.log(db.prepare('SELECT group_concat(rowid) FROM s').pluck().get(), nearest(db, '비'));

  console.log('-- lastInsertRowid, changes, BigInt, RETURNING');
  const info = db.prepare("INSERT INTO s(body) VALUES('산'), ('산')").run();
  console.log(info.changes, info.lastInsertRowid);
  console.log(insert.safeIntegers().run(2n ** 62n, '바다').lastInsertRowid);
  console.log(db.prepare("SELECT rowid FROM s WHERE s MATCH '바다' AND k = 1").safeIntegers().pluck().get());
  console.log(db.prepare("INSERT INTO s(rowid, body) VALUES(20, '서울') RETURNING rowid, body").get());

  console.log('-- vectors as Buffer');
  const vector = db.prepare("SELECT koelectra_embed('강')").pluck().get();
  insert.run(30, Buffer.from(new Float32Array(vector.buffer, vector.byteOffset, vector.length / 4).buffer));
  console.log(db.prepare('SELECT group_concat(rowid) FROM s WHERE s MATCH ? AND similarity > 0.9999').pluck().get(vector));

  console.log('-- an iterator that is left early, and a statement that is used again');
  const search = db.prepare('SELECT rowid, round(similarity, 3) AS similarity FROM s WHERE s MATCH ? LIMIT ?');
  for (const row of search.iterate('책', 5)) {
    console.log(row.rowid);
    break;
  }
  console.log(search.all('문', 1), search.all('눈', 1));

  console.log('-- serialize and open again; backup');
  const copy = open(db.serialize());
  console.log(nearest(copy, '강'), copy.prepare("INSERT INTO s(s) VALUES('integrity-check')").run().changes);
  copy.close();
  await db.backup(join(folder, 'copy.db'));
  const backup = open(join(folder, 'copy.db'), { readonly: true });
  console.log(nearest(backup, '문'), failure(() => backup.exec("INSERT INTO s(body) VALUES('x')")));
  backup.close();

  console.log('-- a worker that reads beside a writer');
  db.pragma('journal_mode = WAL');
  const worker = new Worker(fileURLToPath(import.meta.url),
    { workerData: { path, arguments: [extension, model, modules] } });
  const ended = new Promise((done) => worker.on('exit', done));
  for (let i = 0; i < 50; i++) {
    db.prepare('INSERT INTO s(body) VALUES(?)').run(`글 ${i}`);
    await new Promise((done) => setImmediate(done));
  }
  console.log('wrong:', await ended);
  db.prepare("INSERT INTO s(s) VALUES('integrity-check')").run();
  db.close();
}

const folder = mkdtempSync(join(tmpdir(), 'koelectra-'));
try {
  await sessions(folder);
} finally {
  rmSync(folder, { recursive: true });
}
