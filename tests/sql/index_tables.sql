-- An index beside whatever SQLite has: kinds of content tables, schemas, triggers, savepoints.
SELECT koelectra_load('default', 'tests/reference/tiny');

.print -- a STRICT table
CREATE TABLE firm(id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
INSERT INTO firm VALUES(1, '책'), (2, '문');
CREATE VIRTUAL TABLE a USING koelectra_index(body, content='firm', content_rowid='id');
INSERT INTO a(a) VALUES('rebuild');
SELECT rowid, body FROM a WHERE a MATCH '문' AND k = 1;

.print -- a WITHOUT ROWID table: its integer key is the row number, a text cannot be
CREATE TABLE keyed(id INTEGER PRIMARY KEY, name TEXT UNIQUE, body TEXT) WITHOUT ROWID;
INSERT INTO keyed VALUES(1, '가', '책'), (2, '나', '문');
CREATE VIRTUAL TABLE b USING koelectra_index(body, content='keyed', content_rowid='id');
INSERT INTO b(b) VALUES('rebuild');
SELECT rowid, body FROM b WHERE b MATCH '문' AND k = 1;
CREATE VIRTUAL TABLE c USING koelectra_index(body, content='keyed');
CREATE VIRTUAL TABLE c USING koelectra_index(body, content='keyed', content_rowid='name');
INSERT INTO c(c) VALUES('rebuild');
DROP TABLE c;

.print -- generated columns and a view as texts
CREATE TABLE article(id INTEGER PRIMARY KEY, title TEXT, body TEXT, virtual_text TEXT AS (title || ' ' || body), stored_text TEXT AS (title || ': ' || body) STORED);
INSERT INTO article(title, body) VALUES('책', '한 권'), ('문', '두 짝');
CREATE VIRTUAL TABLE d USING koelectra_index(virtual_text, content='article', content_rowid='id');
CREATE VIRTUAL TABLE e USING koelectra_index(stored_text, content='article', content_rowid='id');
INSERT INTO d(d) VALUES('rebuild');
INSERT INTO e(e) VALUES('rebuild');
SELECT d.virtual_text, e.stored_text FROM d('문 두 짝', 1) d JOIN e ON e.rowid = d.rowid;
CREATE VIEW whole AS SELECT id, title || ' - ' || body AS text FROM article;
CREATE VIRTUAL TABLE f USING koelectra_index(text, content='whole', content_rowid='id');
INSERT INTO f(f) VALUES('rebuild');
SELECT rowid, text FROM f WHERE f MATCH '문 - 두 짝' AND k = 1;
INSERT INTO f(f) VALUES('integrity-check');

.print -- ALTER TABLE and DROP TABLE of the content table: the index says what it misses
ALTER TABLE firm ADD COLUMN more TEXT;
SELECT rowid, body FROM a WHERE a MATCH '문' AND k = 1;
ALTER TABLE firm RENAME TO hard;
SELECT rowid, body FROM a WHERE a MATCH '문' AND k = 1;
SELECT rowid FROM a WHERE a MATCH '문' AND k = 1;
ALTER TABLE hard RENAME TO firm;
ALTER TABLE firm RENAME COLUMN body TO text;
SELECT rowid, body FROM a WHERE a MATCH '문' AND k = 1;
ALTER TABLE firm RENAME COLUMN text TO body;
SELECT rowid, body FROM a WHERE a MATCH '문' AND k = 1;
DROP TABLE firm;
INSERT INTO a(a) VALUES('rebuild');
SELECT count(*) FROM a;
DROP TABLE a;
SELECT count(*) FROM sqlite_schema WHERE name GLOB 'a_*' AND sql LIKE '%slot%';

.print -- ALTER TABLE of the index, with a trigger and a view that name it
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
CREATE VIRTUAL TABLE g USING koelectra_index(body);
CREATE TRIGGER note_insert AFTER INSERT ON note BEGIN INSERT INTO g(rowid, body) VALUES(new.id, new.body); END;
CREATE VIEW notes AS SELECT rowid AS id, body FROM g;
INSERT INTO note(body) VALUES('책'), ('문');
ALTER TABLE g RENAME TO "다른 이름";
INSERT INTO note(body) VALUES('강');
SELECT count(*) FROM notes;
SELECT body FROM "다른 이름" WHERE "다른 이름" MATCH '강' AND k = 1;
INSERT INTO "다른 이름"("다른 이름") VALUES('integrity-check');
ALTER TABLE "다른 이름" ADD COLUMN x;
DROP TABLE "다른 이름";
DROP VIEW notes;
DROP TRIGGER note_insert;

.print -- the same name in main, temp and an attached database
ATTACH ':memory:' AS other;
CREATE VIRTUAL TABLE temp.s USING koelectra_index(body);
CREATE VIRTUAL TABLE main.s USING koelectra_index(body);
CREATE VIRTUAL TABLE other.s USING koelectra_index(body, kind TEXT);
INSERT INTO temp.s(rowid, body) VALUES(1, '책');
INSERT INTO main.s(rowid, body) VALUES(2, '문'), (1, '책');
INSERT INTO other.s(rowid, body, kind) VALUES(3, '문 책', 'x');
SELECT (SELECT group_concat(rowid) FROM temp.s), (SELECT group_concat(rowid) FROM main.s), (SELECT group_concat(rowid) FROM other.s);
SELECT t.rowid, m.rowid, o.rowid FROM temp.s('문', 1) t, main.s('문', 1) m, other.s('문', 1) o;
INSERT INTO main.s(s) VALUES('integrity-check');
INSERT INTO other.s(s) VALUES('integrity-check');
BEGIN;
DELETE FROM temp.s;
DELETE FROM main.s WHERE rowid = 1;
INSERT INTO other.s(rowid, body) VALUES(4, '넷');
ROLLBACK;
SELECT (SELECT count(*) FROM temp.s), (SELECT count(*) FROM main.s), (SELECT count(*) FROM other.s);
.print -- texts come from the index's own database
CREATE VIRTUAL TABLE other.x USING koelectra_index(body, content='note');
DETACH other;
SELECT count(*) FROM main.s;
DROP TABLE temp.s;
SELECT count(*) FROM s;

.print -- one statement that writes two indexes and a table through triggers
CREATE VIRTUAL TABLE bodies USING koelectra_index(body);
CREATE VIRTUAL TABLE titles USING koelectra_index(title);
CREATE TABLE log(what TEXT CHECK(what <> '금지'));
CREATE TRIGGER article_insert AFTER INSERT ON article BEGIN
  INSERT INTO titles(rowid, title) VALUES(new.id, new.title);
  INSERT INTO bodies(rowid, body) VALUES(new.id, new.body);
  INSERT INTO log VALUES(new.title);
END;
CREATE TRIGGER article_delete AFTER DELETE ON article BEGIN
  DELETE FROM titles WHERE rowid = old.id;
  DELETE FROM bodies WHERE rowid = old.id;
END;
INSERT INTO article(id, title, body) VALUES(10, '강', '물'), (11, '산', '나무');
INSERT INTO article(id, title, body) VALUES(12, '섬', '모래'), (13, '금지', '없다');
INSERT OR IGNORE INTO article(id, title, body) VALUES(10, '강', '다른 물'), (14, '들', '꽃');
SELECT (SELECT group_concat(rowid) FROM titles), (SELECT group_concat(rowid) FROM bodies), (SELECT group_concat(what) FROM log);
SELECT t.title, b.body FROM titles('들', 1) t JOIN bodies b ON b.rowid = t.rowid;
.print -- REPLACE runs delete triggers where recursive_triggers is on
REPLACE INTO article(id, title, body) VALUES(10, '강', '바뀐 물');
SELECT body FROM bodies WHERE rowid = 10;
PRAGMA recursive_triggers = ON;
REPLACE INTO article(id, title, body) VALUES(10, '강', '바뀐 물');
SELECT body FROM bodies WHERE rowid = 10;
PRAGMA recursive_triggers = OFF;

.print -- foreign keys: a cascade reaches the index, a violation at COMMIT leaves the transaction open
PRAGMA foreign_keys = ON;
CREATE TABLE shop(id INTEGER PRIMARY KEY);
CREATE TABLE review(id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shop ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, body TEXT);
CREATE VIRTUAL TABLE reviews USING koelectra_index(body);
CREATE TRIGGER review_insert AFTER INSERT ON review BEGIN INSERT INTO reviews(rowid, body) VALUES(new.id, new.body); END;
CREATE TRIGGER review_delete AFTER DELETE ON review BEGIN DELETE FROM reviews WHERE rowid = old.id; END;
INSERT INTO shop VALUES(1), (2);
INSERT INTO review VALUES(1, 1, '책'), (2, 2, '문'), (3, 1, '강');
DELETE FROM shop WHERE id = 1;
SELECT group_concat(rowid) FROM reviews;
BEGIN;
INSERT INTO review VALUES(4, 99, '산');
COMMIT;
SELECT rowid FROM reviews WHERE reviews MATCH '산' AND k = 1;
INSERT INTO shop VALUES(99);
COMMIT;
SELECT group_concat(rowid) FROM reviews;
INSERT INTO reviews(reviews) VALUES('integrity-check');
PRAGMA foreign_keys = OFF;

.print -- savepoints within savepoints
BEGIN;
SAVEPOINT one;
INSERT INTO s(rowid, body) VALUES(10, '영화');
SAVEPOINT two;
INSERT INTO s(rowid, body) VALUES(11, '책 책');
ROLLBACK TO two;
INSERT INTO s(rowid, body) VALUES(12, '문 책 문');
RELEASE two;
SELECT group_concat(rowid) FROM s('문 책 문') WHERE similarity > 0.9999;
SAVEPOINT three;
DELETE FROM s;
SELECT count(*) FROM s('영화');
ROLLBACK TO three;
SELECT count(*) FROM s('영화');
ROLLBACK TO one;
INSERT INTO s(rowid, body) VALUES(13, '문 책 문');
COMMIT;
SELECT group_concat(rowid) FROM s;
INSERT INTO s(s) VALUES('integrity-check');

.print -- query_only: searches, and nothing else
PRAGMA query_only = ON;
SELECT body FROM s WHERE s MATCH '문 책 문' AND k = 1;
INSERT INTO s(body) VALUES('글');
INSERT INTO s(s) VALUES('optimize');
PRAGMA query_only = OFF;

.print -- VACUUM
VACUUM;
SELECT body FROM s WHERE s MATCH '문 책 문' AND k = 1;
INSERT INTO s(s) VALUES('integrity-check');
