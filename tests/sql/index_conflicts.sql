-- A rowid that is taken: INSERT OR … and UPDATE OR …, and what to write instead of UPSERT.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE VIRTUAL TABLE search USING koelectra_index(body);
CREATE VIEW rows AS SELECT group_concat(rowid || ' ' || coalesce(body, 'NULL'), ', ') AS all_rows FROM search;
INSERT INTO search(rowid, body) VALUES(1, '책'), (2, '문'), (3, NULL);

.print -- OR REPLACE (sqlite-vec #259, #127)
INSERT OR REPLACE INTO search(rowid, body) VALUES(1, '새 책'), (3, '강'), (4, '비');
REPLACE INTO search(rowid, body) VALUES(4, NULL), (4, '눈');
SELECT all_rows FROM rows;
SELECT rowid FROM search WHERE search MATCH '강' AND k = 1;
SELECT count(*) FROM search WHERE search MATCH '강';
UPDATE OR REPLACE search SET rowid = 2 WHERE rowid = 1;
UPDATE OR REPLACE search SET rowid = rowid + 1 WHERE rowid > 2;
SELECT all_rows FROM rows;
INSERT OR REPLACE INTO search(body) VALUES('구름');
SELECT last_insert_rowid();

.print -- OR IGNORE (sqlite-vec #259, #127)
INSERT OR IGNORE INTO search(rowid, body) VALUES(2, '다른 글'), (9, '아홉'), (9, '또 아홉');
UPDATE OR IGNORE search SET rowid = 9 WHERE rowid = 2;
SELECT all_rows FROM rows;
SELECT count(*) FROM search WHERE search MATCH '또 아홉' AND similarity > 0.9999;

.print -- OR ABORT, which is what INSERT does: the statement is undone, the transaction goes on
BEGIN;
INSERT INTO search(rowid, body) VALUES(20, '스물');
INSERT OR ABORT INTO search(rowid, body) VALUES(21, '스물하나'), (2, '둘');
INSERT INTO search(rowid, body) SELECT value, '글' FROM json_each('[22, 9]');
UPDATE search SET rowid = rowid + 1 WHERE rowid IN (2, 3, 4);
SELECT all_rows FROM rows;
SELECT count(*) FROM search WHERE search MATCH '글' AND similarity > 0.9999;
COMMIT;

.print -- OR FAIL: what went before stays
INSERT OR FAIL INTO search(rowid, body) VALUES(30, '서른'), (2, '둘'), (31, '서른하나');
SELECT all_rows FROM rows;

.print -- OR ROLLBACK: the transaction is undone
BEGIN;
DELETE FROM search;
INSERT OR ROLLBACK INTO search(rowid, body) VALUES(1, '하나'), (1, '둘');
COMMIT;
SELECT all_rows FROM rows;
INSERT INTO search(search) VALUES('integrity-check');

.print -- the same with vectors, and with texts that are elsewhere
CREATE TABLE article(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO article VALUES(1, '책'), (2, '문');
CREATE VIRTUAL TABLE other USING koelectra_index(body, content='article', content_rowid='id');
INSERT INTO other(rowid, body) SELECT id, koelectra_embed(body) FROM article;
INSERT INTO other(rowid, body) SELECT id, body FROM article;
INSERT OR IGNORE INTO other(rowid, body) SELECT id, '강' FROM article;
INSERT OR REPLACE INTO other(rowid, body) SELECT id, koelectra_embed('강') FROM article WHERE id = 2;
SELECT rowid FROM other WHERE other MATCH '강' AND k = 1;
INSERT OR REPLACE INTO other(rowid, body) SELECT id, body FROM article;
SELECT rowid FROM other WHERE other MATCH '문' AND k = 1;
INSERT INTO other(other) VALUES('integrity-check');

.print -- INTO … ON CONFLICT is not for virtual tables; DO NOTHING is OR IGNORE, DO UPDATE is OR REPLACE
INSERT INTO search(rowid, body) VALUES(2, '둘') ON CONFLICT DO NOTHING;
INSERT INTO search(rowid, body) VALUES(2, '둘') ON CONFLICT(rowid) DO UPDATE SET body = excluded.body;
INSERT OR IGNORE INTO search(rowid, body) VALUES(2, '둘');
INSERT OR REPLACE INTO search(rowid, body) VALUES(2, '둘');
SELECT body FROM search WHERE rowid = 2;

.print -- a row that depends on the old one: UPDATE it, and insert it where it was not there
CREATE TABLE incoming(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO incoming VALUES(2, '셋'), (77, '일흔일곱');
UPDATE search SET body = search.body || ' ' || i.body FROM incoming i WHERE i.id = search.rowid;
INSERT OR IGNORE INTO search(rowid, body) SELECT id, body FROM incoming;
SELECT rowid, body FROM search WHERE rowid IN (2, 77);
INSERT INTO search(search) VALUES('integrity-check');
