-- koelectra_index over a table of the user's, which keeps the texts.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE TABLE review(id INTEGER PRIMARY KEY, stars, body TEXT);
INSERT INTO review VALUES(1, 5, '배우 연기가 좋았어요'), (2, 1, '비가 내려서 창문을 닫았어요'), (3, 4, '김치찌개가 맛있어요'), (4, 3, NULL), (70, 2, '');

.print -- the index holds vectors only
CREATE VIRTUAL TABLE search USING koelectra_index(body, content='review', content_rowid='id');
SELECT count(*) FROM search;
SELECT count(*) FROM search WHERE search MATCH '연기';
INSERT INTO search(search) VALUES('rebuild');
SELECT name FROM sqlite_schema WHERE name LIKE 'search%' ORDER BY name;
SELECT rowid, quote(body) FROM search;
SELECT rowid, body, round(similarity, 3) FROM search WHERE search MATCH '연기가 좋았어요' AND k = 2;
SELECT r.stars, s.body FROM search s JOIN review r ON r.id = s.rowid WHERE s.search MATCH '연기가 좋았어요' AND s.k = 2;
SELECT rowid FROM search WHERE search MATCH '연기가 좋았어요' AND k = 1 AND rowid IN (SELECT id FROM review WHERE stars < 4);

.print -- without triggers it does not follow
INSERT INTO review VALUES(5, 5, '영화가 좋았어요');
SELECT count(*) FROM search;
INSERT INTO search(search) VALUES('integrity-check');
INSERT INTO search(rowid, body) SELECT id, body FROM review WHERE id = 5;
INSERT INTO search(search) VALUES('integrity-check');
DELETE FROM review WHERE id = 2;
SELECT rowid, body FROM search WHERE rowid = 2;
INSERT INTO search(search) VALUES('integrity-check');

.print -- the command delete, as for FTS5, or DELETE
INSERT INTO search(search, rowid, body) VALUES('delete', 2, '비가 내려서 창문을 닫았어요');
INSERT INTO search(search, rowid) VALUES('delete', 2);
INSERT INTO search(search) VALUES('integrity-check');
DELETE FROM review WHERE id = 70;
DELETE FROM search WHERE rowid = 70;
INSERT INTO search(search) VALUES('integrity-check');
UPDATE review SET body = NULL WHERE id = 1;
INSERT INTO search(search) VALUES('integrity-check');
INSERT INTO search(search) VALUES('rebuild');
INSERT INTO search(search) VALUES('integrity-check');
SELECT rowid, quote(body) FROM search;

.print -- with triggers
CREATE TRIGGER review_insert AFTER INSERT ON review BEGIN
  INSERT INTO search(rowid, body) VALUES(new.id, new.body);
END;
CREATE TRIGGER review_delete AFTER DELETE ON review BEGIN
  DELETE FROM search WHERE rowid = old.id;
END;
CREATE TRIGGER review_update AFTER UPDATE ON review WHEN new.id <> old.id OR new.body IS NOT old.body BEGIN
  DELETE FROM search WHERE rowid = old.id;
  INSERT INTO search(rowid, body) VALUES(new.id, new.body);
END;
INSERT INTO review(body) VALUES('새 글'), (NULL), ('다른 글');
UPDATE review SET body = body || ', 정말', id = id + 100;
UPDATE review SET stars = 0;
DELETE FROM review WHERE id = 104;
REPLACE INTO review VALUES(105, 1, '바꾼 글');
INSERT OR IGNORE INTO review VALUES(105, 1, '안 바꾼 글');
BEGIN;
DELETE FROM review;
SELECT count(*) FROM search;
ROLLBACK;
SELECT rowid, quote(body) FROM search;
SELECT body FROM search WHERE search MATCH '바꾼 글' AND k = 1;
INSERT INTO search(search) VALUES('integrity-check');

.print -- a view as content: rows in any order, texts from several columns
CREATE VIEW written AS SELECT id AS number, stars || ' ' || body AS text FROM review ORDER BY body;
CREATE VIRTUAL TABLE of_view USING koelectra_index(text, content=written, content_rowid=number);
INSERT INTO of_view(of_view) VALUES('rebuild');
SELECT rowid, text FROM of_view ORDER BY rowid;
INSERT INTO of_view(of_view) VALUES('integrity-check');
DROP TABLE of_view;

.print -- a table without INTEGER PRIMARY KEY
CREATE TABLE plain(body);
INSERT INTO plain VALUES('하나'), ('둘');
CREATE VIRTUAL TABLE of_plain USING koelectra_index(body, content='plain');
INSERT INTO of_plain(of_plain) VALUES('rebuild');
SELECT rowid, body FROM of_plain WHERE of_plain MATCH '둘' AND k = 1;

.print -- content that changes its shape
ALTER TABLE plain RENAME COLUMN body TO words;
SELECT body FROM of_plain WHERE rowid = 1;
ALTER TABLE plain RENAME COLUMN words TO body;
SELECT body FROM of_plain WHERE rowid = 1;
DROP TABLE plain;
SELECT rowid FROM of_plain WHERE of_plain MATCH '둘' AND k = 1;
SELECT body FROM of_plain WHERE of_plain MATCH '둘' AND k = 1;
INSERT INTO of_plain(of_plain) VALUES('rebuild');
DROP TABLE of_plain;

.print -- content that the index would not like
CREATE VIRTUAL TABLE bad USING koelectra_index(body, content='nowhere');
CREATE VIRTUAL TABLE bad USING koelectra_index(text, content='review');
CREATE VIRTUAL TABLE bad USING koelectra_index(body, content='review', content_rowid='number');
CREATE VIRTUAL TABLE bad USING koelectra_index(body, content='bad');
CREATE TABLE odd(id, body);
INSERT INTO odd VALUES('x', '글');
CREATE VIRTUAL TABLE of_odd USING koelectra_index(body, content='odd', content_rowid='id');
INSERT INTO of_odd(of_odd) VALUES('rebuild');
UPDATE odd SET id = 1;
INSERT INTO odd VALUES(1, '둘');
INSERT INTO of_odd(of_odd) VALUES('rebuild');
UPDATE odd SET body = x'61', id = rowid;
INSERT INTO of_odd(of_odd) VALUES('rebuild');
UPDATE odd SET id = NULL;
INSERT INTO of_odd(of_odd) VALUES('rebuild');
SELECT count(*) FROM of_odd;
DROP TABLE of_odd;
CREATE VIEW circle AS SELECT rowid AS id, body FROM loop;
CREATE VIRTUAL TABLE loop USING koelectra_index(body, content='circle', content_rowid='id');
DROP VIEW circle;
CREATE TABLE circle(id INTEGER PRIMARY KEY, body);
CREATE VIRTUAL TABLE loop USING koelectra_index(body, content='circle', content_rowid='id');
DROP TABLE circle;
CREATE VIEW circle AS SELECT rowid AS id, body FROM loop;
INSERT INTO loop(rowid, body) VALUES(1, '글');
SELECT body FROM loop;
INSERT INTO loop(loop) VALUES('rebuild');
DROP TABLE loop;
DROP VIEW circle;

.print -- a content table with the name of a shadow table is not the index's to drop or rename
CREATE TABLE s_content(id INTEGER PRIMARY KEY, body);
INSERT INTO s_content VALUES(1, '내 글');
CREATE VIRTUAL TABLE s USING koelectra_index(body, content='s_content', content_rowid='id');
INSERT INTO s(s) VALUES('rebuild');
ALTER TABLE s RENAME TO t;
SELECT body FROM t WHERE t MATCH '글';
ALTER TABLE t RENAME TO s;
DROP TABLE s;
SELECT * FROM s_content;
