-- koelectra_index with texts of its own.
SELECT koelectra_load('default', 'tests/reference/tiny');

.print -- a table with a column of text
CREATE VIRTUAL TABLE search USING koelectra_index(body);
INSERT INTO search(body) VALUES('배우 연기가 좋았어요'), ('비가 내려서 창문을 닫았어요'), ('김치찌개가 맛있어요'), ('');
INSERT INTO search(rowid, body) VALUES(10, '영화가 좋았어요'), (11, NULL), (-3, '책');
INSERT INTO search VALUES('서울은 오늘 맑아요');
SELECT last_insert_rowid();
SELECT rowid, quote(body), k, similarity FROM search;
SELECT count(*) FROM search;
SELECT name FROM sqlite_schema ORDER BY name;
SELECT body FROM search WHERE rowid = 10;
SELECT rowid FROM search WHERE rowid IN (10, 2, 99) ORDER BY rowid DESC;
SELECT rowid FROM search WHERE rowid > 4 AND body LIKE '%아요';

.print -- MATCH with text: the nearest first; a NULL text is never found
SELECT rowid, body, round(similarity, 3) FROM search WHERE search MATCH '영화가 좋았어요' AND k = 3;
SELECT rowid, body, k FROM search WHERE body MATCH '영화가 좋았어요' AND k = 2;
SELECT rowid FROM search WHERE search = '영화가 좋았어요' AND k = 2;
SELECT rowid, body FROM search('영화가 좋았어요', 2);
SELECT count(*) FROM search WHERE search MATCH '영화';
SELECT count(*) FROM search WHERE search MATCH NULL;
SELECT count(*) FROM search WHERE search MATCH '';

.print -- MATCH with a vector, of any length; as far as float32 goes they agree
SELECT rowid FROM search WHERE search MATCH koelectra_embed('영화가 좋았어요') AND k = 2;
CREATE TABLE query AS SELECT koelectra_vector(json_group_array(value * 1000)) AS v FROM json_each(koelectra_vector_json(koelectra_embed('영화가 좋았어요')));
SELECT rowid, round(similarity, 3) FROM search WHERE search MATCH (SELECT v FROM query) AND k = 2;
SELECT count(*) FROM search AS s WHERE s.search MATCH '책' AND abs(similarity - koelectra_similarity('책', body)) > 1e-5;

.print -- how many: k, LIMIT, OFFSET, both
SELECT count(*) FROM search WHERE search MATCH '책' AND k = 0;
SELECT count(*) FROM search WHERE search MATCH '책' AND k = 1000000;
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' LIMIT 3);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' LIMIT 2 OFFSET 1);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' AND k = 3 LIMIT 2);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' LIMIT -1);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' AND k = 3 ORDER BY rowid);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' ORDER BY similarity DESC LIMIT 3);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' ORDER BY similarity LIMIT 3);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' ORDER BY rowid LIMIT 3);

.print -- rows chosen before the k are taken; other conditions after
SELECT rowid FROM search WHERE search MATCH '책' AND k = 2 AND rowid IN (1, 2, 3, 11, 77, 2);
SELECT rowid FROM search WHERE search MATCH '책' AND k = 2 AND rowid IN (SELECT rowid FROM search WHERE body LIKE '%요');
SELECT rowid FROM search WHERE search MATCH '책' AND k = 5 AND rowid = 2;
SELECT rowid FROM search WHERE search MATCH '책' AND rowid IN (1, 2, 3) LIMIT 1;
SELECT rowid FROM search WHERE search MATCH '책' AND similarity > 0.99;
SELECT count(*) FROM search WHERE search MATCH '책' AND k = 3 AND rowid > 5;
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' AND rowid > 5 LIMIT 2);

.print -- plans
EXPLAIN QUERY PLAN SELECT * FROM search;
EXPLAIN QUERY PLAN SELECT * FROM search WHERE rowid = 1;
EXPLAIN QUERY PLAN SELECT * FROM search WHERE search MATCH '책' AND k = 5 ORDER BY similarity DESC;
EXPLAIN QUERY PLAN SELECT * FROM search('책') LIMIT 5 OFFSET 2;
EXPLAIN QUERY PLAN SELECT * FROM search('책') ORDER BY similarity DESC LIMIT 5;
SELECT group_concat(rowid) FROM (SELECT rowid FROM search('책') LIMIT 2 OFFSET 1);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search('책') WHERE rowid IN (1, 2, 3, 4) LIMIT 2 OFFSET 1);
EXPLAIN QUERY PLAN SELECT * FROM search WHERE search MATCH '책' AND rowid IN (1, 2) AND k = 5;
EXPLAIN QUERY PLAN SELECT * FROM search('책') WHERE body LIKE '요%' LIMIT 5;
EXPLAIN QUERY PLAN SELECT * FROM search('책') ORDER BY similarity LIMIT 5;

.print -- joins: each query of a table, and the k of one query with more about them
CREATE TABLE question(id INTEGER PRIMARY KEY, text);
INSERT INTO question VALUES(1, '영화가 좋았어요'), (2, '책'), (3, NULL);
SELECT q.id, s.rowid FROM question q JOIN search s ON s.search MATCH q.text AND s.k = 2;
SELECT q.id, (SELECT rowid FROM search WHERE search MATCH q.text AND k = 1) FROM question q;
SELECT q.id, s.rowid FROM question q LEFT JOIN search s ON s.search MATCH q.text AND s.k = 1;
CREATE TABLE more(id INTEGER PRIMARY KEY, stars);
INSERT INTO more VALUES(1, 5), (2, 4), (3, 3), (10, 1), (-3, 2);
SELECT s.rowid, m.stars FROM search s JOIN more m ON m.id = s.rowid WHERE s.search MATCH '영화가 좋았어요' AND s.k = 3;
SELECT a.rowid, b.rowid FROM search a, search b WHERE a.search MATCH '책' AND a.k = 2 AND b.search MATCH a.body AND b.k = 1;

.print -- changes
UPDATE search SET body = '영화가 별로였어요' WHERE rowid = 10;
UPDATE search SET body = NULL WHERE rowid = 1;
UPDATE search SET body = '이제 글이 있어요' WHERE rowid = 11;
UPDATE search SET rowid = 100 WHERE rowid = 2;
UPDATE search SET body = body || '!' WHERE rowid = 3;
DELETE FROM search WHERE rowid = -3;
SELECT changes();
SELECT rowid, body FROM search;
SELECT rowid, body FROM search WHERE search MATCH '이제 글이 있어요' AND k = 1;
UPDATE search SET body = '비슷한 글' WHERE rowid IN (SELECT rowid FROM search WHERE search MATCH '이제 글이 있어요' AND k = 1);
SELECT body FROM search WHERE rowid = 11;
UPDATE search SET body = m.stars FROM more m WHERE m.id = search.rowid AND m.id = 3;
SELECT rowid, typeof(body), body FROM search WHERE rowid = 3;
DELETE FROM search WHERE search MATCH '비슷한 글' AND k = 1;
SELECT group_concat(rowid) FROM search;

.print -- conflicts
INSERT OR IGNORE INTO search(rowid, body) VALUES(1, '하나'), (200, '이백');
INSERT OR REPLACE INTO search(rowid, body) VALUES(200, '다시 이백');
REPLACE INTO search(rowid, body) VALUES(1, '하나');
UPDATE OR REPLACE search SET rowid = 200 WHERE rowid = 1;
SELECT rowid, body FROM search WHERE rowid >= 100;
INSERT INTO search(search) VALUES('integrity-check');

.print -- transactions and savepoints
BEGIN;
INSERT INTO search(rowid, body) VALUES(300, '삼백');
SAVEPOINT a;
DELETE FROM search;
SELECT count(*) FROM search;
ROLLBACK TO a;
SELECT rowid FROM search WHERE search MATCH '삼백' AND k = 1;
ROLLBACK;
SELECT count(*), sum(rowid = 300) FROM search;
INSERT INTO search(search) VALUES('integrity-check');

.print -- rowids of any size
INSERT INTO search(rowid, body) VALUES(-9223372036854775808, '가장 작은'), (9223372036854775807, '가장 큰');
SELECT rowid, body FROM search WHERE search MATCH '가장 큰' AND k = 1;
SELECT rowid FROM search WHERE rowid IN (-9223372036854775808, 9223372036854775807);
INSERT INTO search(body) VALUES('다음');
DELETE FROM search WHERE abs(rowid / 2) > 4611686018427387902;
INSERT INTO search(search) VALUES('optimize');
INSERT INTO search(search) VALUES('integrity-check');

.print -- another name, and odd ones
ALTER TABLE search RENAME TO "찾기 ""표""";
INSERT INTO "찾기 ""표"""(body) VALUES('새 이름');
SELECT body FROM "찾기 ""표""" WHERE "찾기 ""표""" MATCH '새 이름' AND k = 1;
SELECT count(*) FROM sqlite_schema WHERE name LIKE 'search%';
ALTER TABLE "찾기 ""표""" RENAME TO search;
CREATE VIRTUAL TABLE "a'b" USING koelectra_index('its "column"', MODEL = "default");
INSERT INTO "a'b" VALUES('글');
SELECT "its ""column""" FROM "a'b" WHERE "a'b" MATCH '글';
DROP TABLE "a'b";

.print -- views and triggers
CREATE VIEW best AS SELECT rowid AS id, body FROM search WHERE search MATCH '새 이름' AND k = 1;
SELECT body FROM best;
DROP VIEW best;
CREATE TABLE log(body);
CREATE TRIGGER keep AFTER INSERT ON log BEGIN INSERT INTO search(body) SELECT new.body WHERE NOT EXISTS (SELECT 1 FROM search WHERE search MATCH new.body AND k = 1 AND similarity > 0.9999); END;
INSERT INTO log VALUES('한 번만'), ('한 번만'), ('두 번');
SELECT last_insert_rowid(), (SELECT count(*) FROM search WHERE body LIKE '%번%');

.print -- temporary and attached databases
CREATE VIRTUAL TABLE temp.t USING koelectra_index(body);
INSERT INTO t VALUES('잠시');
SELECT body FROM t WHERE t MATCH '잠시';
ATTACH ':memory:' AS side;
CREATE VIRTUAL TABLE side.search USING koelectra_index(body);
INSERT INTO side.search(body) VALUES('곁에');
SELECT body FROM side.search WHERE search MATCH '곁에';
ALTER TABLE side.search RENAME TO other;
SELECT body FROM other WHERE other MATCH '곁에';
DETACH side;
SELECT body FROM main.search WHERE search MATCH '한 번만' AND k = 1;

.print -- copied by VACUUM and by a dump
VACUUM;
INSERT INTO search(search) VALUES('integrity-check');
SELECT body FROM search WHERE search MATCH '한 번만' AND k = 1;
.shell mkdir -p build
.output build/index_basic.dump
.dump search%
.output stdout
CREATE TABLE before AS SELECT rowid AS id, body FROM search;
DROP TABLE search;
.read build/index_basic.dump
.shell rm build/index_basic.dump
PRAGMA writable_schema = RESET;
INSERT INTO search(search) VALUES('integrity-check');
SELECT count(*) = (SELECT count(*) FROM before) FROM search JOIN before ON id = search.rowid AND before.body IS search.body;
SELECT body FROM search WHERE search MATCH '한 번만' AND k = 1;

.print -- gone without a trace
DROP TABLE search;
SELECT name FROM sqlite_schema ORDER BY name;
