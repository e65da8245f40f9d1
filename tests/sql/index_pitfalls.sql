-- What users of other vector tables for SQLite trip over.  INSERT OR … and what to write instead of
-- UPSERT are in index_conflicts.sql; space that comes back, in tests/test_index_connections.c.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE TABLE review(id INTEGER PRIMARY KEY, shop TEXT, stars INTEGER, body TEXT);
INSERT INTO review VALUES(1, 'a', 5, '책'), (2, 'b', 1, '새 책'), (3, 'a', 4, '책방'), (4, 'b', 3, '문'), (5, 'a', 2, '창문'), (6, 'b', 5, '강'), (7, 'a', 1, '산'), (8, 'b', 2, '바다');
CREATE VIRTUAL TABLE s USING koelectra_index(body, shop TEXT PARTITION KEY, stars INTEGER);
INSERT INTO s(rowid, body, shop, stars) SELECT id, body, shop, stars FROM review;

.print -- a query vector that comes from a column, a join, a subquery, a common table expression, a parameter
CREATE TABLE query(id INTEGER PRIMARY KEY, text TEXT, vector BLOB);
INSERT INTO query(text) VALUES('책'), ('문'), ('강');
UPDATE query SET vector = koelectra_embed(text);
SELECT q.text, s.body FROM query q JOIN s ON s.s MATCH q.vector AND s.k = 1;
SELECT q.text, s.body FROM s JOIN query q ON s.s MATCH q.vector AND s.k = 1 ORDER BY q.id;
SELECT q.text, s.body FROM query q, s WHERE s.s MATCH q.vector AND s.k = 1 AND q.id > 1;
SELECT body FROM s WHERE s MATCH (SELECT vector FROM query WHERE text = '문') AND k = 1;
WITH wanted(v) AS (SELECT vector FROM query WHERE id = 3) SELECT s.body FROM wanted, s WHERE s MATCH v AND k = 1;
SELECT q.text, (SELECT s.body FROM s WHERE s.s MATCH q.vector AND k = 1) FROM query q;
SELECT q.text FROM query q WHERE EXISTS (SELECT 1 FROM s WHERE s MATCH q.vector AND similarity > 0.9999 AND stars > 3);
.param init
.param set :text 책
SELECT body FROM s WHERE s MATCH :text AND k = 1;
.param set :k 2
SELECT count(*) FROM s WHERE s MATCH :text AND k = :k;

.print -- k counts the rows that meet the other conditions, not the rows before them
SELECT count(*) FROM s WHERE s MATCH '책' AND k = 3 AND shop = 'b';
SELECT count(*) FROM s WHERE s MATCH '책' AND k = 3 AND stars < 3;
SELECT count(*) FROM s WHERE s MATCH '책' AND k = 3 AND rowid IN (5, 6, 7, 8);
SELECT count(*) FROM s WHERE s MATCH '책' AND k = 3 AND rowid IN (SELECT id FROM review WHERE body LIKE '%문%' OR stars = 5);
SELECT count(*) FROM (SELECT * FROM s WHERE s MATCH '책' AND stars < 3 LIMIT 3);
.print -- a condition on another table comes after: say it to the index with rowid IN
SELECT count(*) FROM s JOIN review r ON r.id = s.rowid WHERE s MATCH '책' AND k = 3 AND r.body LIKE '%문%';
SELECT count(*) FROM s WHERE s MATCH '책' AND k = 3 AND rowid IN (SELECT id FROM review WHERE body LIKE '%문%');

.print -- nothing to do by hand after an insert: the next search knows the row, in and after its transaction
SELECT count(*) FROM s WHERE s MATCH '새로 온 글' AND similarity > 0.9999;
BEGIN;
INSERT INTO s(rowid, body, shop, stars) VALUES(100, '새로 온 글', 'a', 5);
SELECT rowid FROM s WHERE s MATCH '새로 온 글' AND similarity > 0.9999;
UPDATE s SET body = '고친 글' WHERE rowid = 100;
SELECT count(*) FROM s WHERE s MATCH '새로 온 글' AND similarity > 0.9999;
SELECT rowid FROM s WHERE s MATCH '고친 글' AND similarity > 0.9999;
COMMIT;
DELETE FROM s WHERE rowid = 100;
SELECT count(*) FROM s WHERE s MATCH '고친 글' AND similarity > 0.9999;

.print -- RETURNING: SQLite gives -1 for a rowid that the table chose, as of every virtual table; last_insert_rowid() is right
INSERT INTO s(body, shop) VALUES('돌려주는 글', 'a') RETURNING rowid, shop;
SELECT last_insert_rowid(), (SELECT max(rowid) FROM s);
INSERT INTO s(rowid, body) VALUES(500, '번호가 있는 글') RETURNING rowid;

.print -- a vector of another size, of a number type, of text that looks like one
INSERT INTO s(body) VALUES(x'0000803f');
SELECT count(*) FROM s WHERE s MATCH koelectra_vector('[1, 2, 3]') AND k = 1;
INSERT INTO s(body) VALUES(3.5);
SELECT count(*) FROM s WHERE s MATCH 3 AND k = 1;

.print -- neither k, LIMIT nor a threshold: every row, best first
SELECT count(*) FROM s WHERE s MATCH '책';
SELECT body FROM s WHERE s MATCH '책' LIMIT 1;
SELECT rowid FROM s WHERE s MATCH '책' AND k = -1;
SELECT rowid FROM s WHERE s MATCH NULL AND k = 3;
SELECT rowid FROM s WHERE s MATCH '' AND k = 0;

.print -- one text of ten megabytes beside short ones
INSERT INTO s(rowid, body) SELECT 1000 + id, CASE id WHEN 4 THEN replace(hex(zeroblob(2500000)), '00', '책 ') ELSE body END FROM review;
SELECT length(body) FROM s WHERE rowid = 1004;
SELECT count(*) FROM s WHERE rowid > 1000;
INSERT INTO s(s) VALUES('integrity-check');
