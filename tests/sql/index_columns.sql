-- Columns beside the text: metadata, partition keys, auxiliary columns.
SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_load('tiny', 'tests/reference/tiny');

.print -- what CREATE understands
CREATE VIRTUAL TABLE s USING koelectra_index(body TEXT, shop TEXT PARTITION KEY, stars INTEGER, model='tiny', "a ""b" REAL, +url, [n] numeric, `raw` BLOB, +"그림" blob);
SELECT name, type, hidden FROM pragma_table_xinfo('s');
SELECT sql FROM sqlite_schema WHERE name IN ('s_rows', 's_content') ORDER BY 1;
DROP TABLE s;
SELECT count(*) FROM sqlite_schema;

.print -- and what it refuses
CREATE VIRTUAL TABLE s USING koelectra_index(body, stars);
CREATE VIRTUAL TABLE s USING koelectra_index(body, stars VARCHAR(10));
CREATE VIRTUAL TABLE s USING koelectra_index(body, stars money);
CREATE VIRTUAL TABLE s USING koelectra_index(body, stars INTEGER NOT NULL);
CREATE VIRTUAL TABLE s USING koelectra_index(body, stars INTEGER PARTITION);
CREATE VIRTUAL TABLE s USING koelectra_index(body, stars PARTITION KEY);
CREATE VIRTUAL TABLE s USING koelectra_index(body, stars INTEGER PARTITION KEY KEY);
CREATE VIRTUAL TABLE s USING koelectra_index(body, +stars INTEGER PARTITION KEY);
CREATE VIRTUAL TABLE s USING koelectra_index(body, stars INTEGER, Stars TEXT);
CREATE VIRTUAL TABLE s USING koelectra_index(body, BODY INTEGER);
CREATE VIRTUAL TABLE s USING koelectra_index(body, k INTEGER);
CREATE VIRTUAL TABLE s USING koelectra_index(body, +similarity);
CREATE VIRTUAL TABLE s USING koelectra_index(body, rowid INTEGER);
CREATE VIRTUAL TABLE s USING koelectra_index(body, s INTEGER);
CREATE VIRTUAL TABLE s USING koelectra_index(body, "" INTEGER);
CREATE VIRTUAL TABLE s USING koelectra_index(+url, body);
CREATE VIRTUAL TABLE s USING koelectra_index(stars INTEGER, body TEXT);
CREATE VIRTUAL TABLE s USING koelectra_index(body, +url='x');
CREATE VIRTUAL TABLE s USING koelectra_index(body, +);
CREATE VIRTUAL TABLE s USING koelectra_index(body,c1 INT,c2 INT,c3 INT,c4 INT,c5 INT,c6 INT,c7 INT,c8 INT,c9 INT,c10 INT,c11 INT,c12 INT,c13 INT,c14 INT,c15 INT,c16 INT,c17 INT,c18 INT,c19 INT,c20 INT,c21 INT,c22 INT,c23 INT,c24 INT,c25 INT,c26 INT,c27 INT,c28 INT,c29 INT,c30 INT,c31 INT,c32 INT,c33 INT,c34 INT,c35 INT,c36 INT,c37 INT,c38 INT,c39 INT,c40 INT,c41 INT,c42 INT,c43 INT,c44 INT,c45 INT,c46 INT,c47 INT,c48 INT,c49 INT,c50 INT,c51 INT,c52 INT,c53 INT,c54 INT,c55 INT,c56 INT,c57 INT,c58 INT,c59 INT,c60 INT,c61 INT,c62 INT,c63 INT,c64 INT,c65 INT);
SELECT count(*) FROM sqlite_schema;
.print -- 64 are not too many
CREATE VIRTUAL TABLE w USING koelectra_index(body,c1 INT,c2 INT,c3 INT,c4 INT,c5 INT,c6 INT,c7 INT,c8 INT,c9 INT,c10 INT,c11 INT,c12 INT,c13 INT,c14 INT,c15 INT,c16 INT,c17 INT,c18 INT,c19 INT,c20 INT,c21 INT,c22 INT,c23 INT,c24 INT,c25 INT,c26 INT,c27 INT,c28 INT,c29 INT,c30 INT,c31 INT,c32 INT,c33 INT,c34 INT,c35 INT,c36 INT,c37 INT,c38 INT,c39 INT,c40 INT,c41 INT,c42 INT,c43 INT,c44 INT,c45 INT,c46 INT,c47 INT,c48 INT,c49 INT,c50 INT,c51 INT,c52 INT,c53 INT,c54 INT,c55 INT,c56 INT,c57 INT,c58 INT,c59 INT,c60 INT,c61 INT,c62 INT,c63 INT,c64 INT);
INSERT INTO w(rowid, body, c1, c2, c40, c62, c63, c64) VALUES(1, '책', 1, 2, 40, 62, 63, 64), (2, '문', 1, 2, 40, 62, 63, 65);
UPDATE w SET c61 = 61 WHERE c64 = 64;
SELECT rowid, c1, c2, c3, c40, c61, c62, c63, c64 FROM w WHERE w MATCH '책' AND k = 5 AND c1 = 1 AND c2 = 2 AND c40 = 40 AND c61 IS 61 AND c62 = 62 AND c63 = 63 AND c64 = 64;
.print -- MATCH behind many conditions
SELECT rowid FROM w WHERE c3 IS NULL AND c4 IS NULL AND c5 IS NULL AND c6 IS NULL AND c7 IS NULL AND c8 IS NULL AND c9 IS NULL AND c10 IS NULL AND c11 IS NULL AND c12 IS NULL AND c13 IS NULL AND c14 IS NULL AND c15 IS NULL AND c16 IS NULL AND c17 IS NULL AND c18 IS NULL AND c19 IS NULL AND c20 IS NULL AND c21 IS NULL AND w MATCH '책' AND k = 1 AND c64 = 65;
SELECT rowid FROM w WHERE c3 IS NULL AND c4 IS NULL AND c5 IS NULL AND c6 IS NULL AND c7 IS NULL AND c8 IS NULL AND c9 IS NULL AND c10 IS NULL AND c11 IS NULL AND c12 IS NULL AND c13 IS NULL AND c14 IS NULL AND c15 IS NULL AND c16 IS NULL AND c17 IS NULL AND c18 IS NULL AND c19 IS NULL AND c20 IS NULL AND c21 IS NULL AND w MATCH '책' AND (w MATCH '책' OR c1 = 5);
SELECT rowid FROM w WHERE c3 IS NULL AND c4 IS NULL AND c5 IS NULL AND c6 IS NULL AND c7 IS NULL AND c8 IS NULL AND c9 IS NULL AND c10 IS NULL AND c11 IS NULL AND c12 IS NULL AND c13 IS NULL AND c14 IS NULL AND c15 IS NULL AND c16 IS NULL AND c17 IS NULL AND c18 IS NULL AND c19 IS NULL AND c20 IS NULL AND c21 IS NULL AND w MATCH '책' AND (w MATCH '문' OR c1 = 5);
SELECT rowid FROM w('책', 1) WHERE c3 IS NULL AND c4 IS NULL AND c5 IS NULL AND c6 IS NULL AND c7 IS NULL AND c8 IS NULL AND c9 IS NULL AND c10 IS NULL AND c11 IS NULL AND c12 IS NULL AND c13 IS NULL AND c14 IS NULL AND c15 IS NULL AND c16 IS NULL AND c17 IS NULL AND c18 IS NULL AND c19 IS NULL AND c20 IS NULL AND c21 IS NULL;
SELECT rowid, typeof(w) FROM w WHERE w MATCH '책' AND k = 1;
DROP TABLE w;

CREATE VIRTUAL TABLE s USING koelectra_index(body, shop TEXT PARTITION KEY, stars INTEGER, price REAL, +url TEXT, +raw);
.print -- values take the affinity of their column; what does not fit is stored as it is
INSERT INTO s(rowid, body, shop, stars, price, url, raw) VALUES(1, '책', 5, '5', 3, 7, '7'), (2, '문', 'b', 'many', 'x', x'00', 1.5), (3, NULL, NULL, 2.0, x'01', NULL, NULL), (4, '강', 'b', 2.5, 1e300, 'u4', 4);
SELECT rowid, body, quote(shop), quote(stars), quote(price), quote(url), quote(raw) FROM s;
INSERT INTO s VALUES('산', 'c', 1, 1, 'u5', 5);
SELECT rowid, * FROM s WHERE rowid = last_insert_rowid();

.print -- an UPDATE of columns embeds nothing: it needs no model
CREATE TABLE before AS SELECT id, stamp FROM s_chunks;
SELECT koelectra_unload('default');
UPDATE s SET stars = stars + 1, url = 'new' WHERE shop = 'b';
UPDATE s SET price = 0 WHERE rowid = 3;
UPDATE s SET raw = 'r' WHERE rowid IN (1, 3);
SELECT rowid, quote(shop), quote(stars), quote(price), quote(url), quote(raw) FROM s;
SELECT count(*) FROM s_chunks JOIN before USING(id, stamp);
SELECT koelectra_load('default', 'tests/reference/tiny');
.print -- a new text keeps the columns, a new rowid keeps everything
UPDATE s SET body = '바다' WHERE rowid = 4;
UPDATE s SET rowid = 40 WHERE rowid = 4;
UPDATE s SET rowid = 30, stars = 3, body = '섬' WHERE rowid = 3;
UPDATE s SET rowid = 20, url = 'moved' WHERE rowid = 2;
SELECT rowid, * FROM s;
SELECT rowid, round(similarity, 3) FROM s WHERE s MATCH '바다' AND k = 1;
INSERT INTO s(s) VALUES('integrity-check');

.print -- conflicts
INSERT INTO s(rowid, body, stars) VALUES(1, '책', 9);
INSERT OR IGNORE INTO s(rowid, body, stars) VALUES(1, '책', 9);
SELECT * FROM s WHERE rowid = 1;
.print -- REPLACE is a new row: columns that it does not name are NULL
INSERT OR REPLACE INTO s(rowid, body, stars) VALUES(1, '책', 9);
SELECT * FROM s WHERE rowid = 1;
UPDATE OR REPLACE s SET rowid = 1 WHERE rowid = 20;
UPDATE OR IGNORE s SET rowid = 1 WHERE rowid = 40;
UPDATE s SET rowid = 1 WHERE rowid = 40;
SELECT rowid, * FROM s;
INSERT INTO s(s) VALUES('integrity-check');

.print -- savepoints
BEGIN;
UPDATE s SET stars = 100 WHERE rowid = 1;
SAVEPOINT one;
UPDATE s SET stars = 101, url = 'x' WHERE rowid IN (1, 30);
INSERT INTO s(rowid, body, shop) VALUES(7, '별', 'z');
SELECT rowid, shop, stars, url FROM s WHERE s MATCH '별' AND shop = 'z';
ROLLBACK TO one;
SELECT rowid, shop, stars, url FROM s;
ROLLBACK;
SELECT rowid, shop, stars, url FROM s;
INSERT INTO s(s) VALUES('integrity-check');

.print -- commands and names
INSERT INTO s(s) VALUES('optimize');
INSERT INTO s(s) VALUES('rebuild');
SELECT rowid, * FROM s;
ALTER TABLE s RENAME TO Stars;
ALTER TABLE s RENAME TO "new name";
SELECT rowid, shop FROM "new name" WHERE "new name" MATCH '별' AND shop = 'b';
INSERT INTO "new name"("new name") VALUES('integrity-check');
SELECT name FROM sqlite_schema ORDER BY 1;
DROP TABLE "new name";
SELECT name FROM sqlite_schema ORDER BY 1;
DROP TABLE before;

.print -- content='table': columns have the same names there
CREATE TABLE review(id INTEGER PRIMARY KEY, body TEXT, shop TEXT, stars, url TEXT);
INSERT INTO review VALUES(1, '책', 'a', 5, 'u1'), (2, '문', 'b', 4, 'u2'), (3, NULL, 'a', '3', 'u3'), (4, '강', NULL, NULL, NULL);
CREATE VIRTUAL TABLE s USING koelectra_index(body, shop TEXT PARTITION KEY, star INTEGER, content='review', content_rowid='id');
CREATE VIRTUAL TABLE s USING koelectra_index(body, +link, content='review', content_rowid='id');
CREATE VIRTUAL TABLE s USING koelectra_index(body, shop TEXT PARTITION KEY, stars INTEGER, +url, content='review', content_rowid='id');
INSERT INTO s(s) VALUES('rebuild');
SELECT rowid, shop, typeof(stars), stars, url FROM s;
SELECT * FROM s_rows;
INSERT INTO s(s) VALUES('integrity-check');
CREATE TRIGGER review_insert AFTER INSERT ON review BEGIN INSERT INTO s(rowid, body, shop, stars) VALUES(new.id, new.body, new.shop, new.stars); END;
CREATE TRIGGER review_delete AFTER DELETE ON review BEGIN DELETE FROM s WHERE rowid = old.id; END;
CREATE TRIGGER review_text AFTER UPDATE OF id, body ON review BEGIN DELETE FROM s WHERE rowid = old.id; INSERT INTO s(rowid, body, shop, stars) VALUES(new.id, new.body, new.shop, new.stars); END;
CREATE TRIGGER review_columns AFTER UPDATE OF shop, stars ON review BEGIN UPDATE s SET shop = new.shop, stars = new.stars WHERE rowid = new.id; END;
INSERT INTO review VALUES(5, '산', 'b', 1, 'u5');
UPDATE review SET stars = stars + 1 WHERE shop = 'b';
UPDATE review SET body = '바다' WHERE id = 1;
UPDATE review SET url = 'u22' WHERE id = 2;
DELETE FROM review WHERE id = 3;
SELECT rowid, body, shop, stars, url, similarity > 0 FROM s WHERE s MATCH '산' AND k = 3 AND shop IN ('a', 'b') ORDER BY rowid;
INSERT INTO s(s) VALUES('integrity-check');
.print -- out of step is found
UPDATE s SET stars = 77 WHERE rowid = 1;
INSERT INTO s(s) VALUES('integrity-check');
INSERT INTO s(s) VALUES('rebuild');
INSERT INTO s(s) VALUES('integrity-check');
SELECT * FROM s_rows;
