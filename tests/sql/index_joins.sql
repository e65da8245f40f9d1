-- Many queries at once, and an index joined to other tables.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE TABLE shop(name TEXT PRIMARY KEY, city TEXT);
INSERT INTO shop VALUES('a', 'Seoul'), ('b', 'Busan'), ('c', 'Jeju');
CREATE TABLE review(id INTEGER PRIMARY KEY, body TEXT, shop TEXT, stars INTEGER);
INSERT INTO review VALUES(1, '책', 'a', 5), (2, '새 책', 'b', 4), (3, '책방', 'c', 3), (4, '문', 'a', 2), (5, '창문', 'b', 1), (6, '강', 'c', 5), (7, '산', 'a', 4), (8, '바다', 'b', 3), (9, '섬', 'c', 2);
CREATE VIRTUAL TABLE s USING koelectra_index(body, shop TEXT PARTITION KEY, stars INTEGER, content='review', content_rowid='id');
INSERT INTO s(rowid, body, shop, stars) SELECT id, body, shop, stars FROM review;
CREATE TABLE query(id INTEGER PRIMARY KEY, text TEXT, n INTEGER, shop TEXT, least INTEGER, vector BLOB);
INSERT INTO query(id, text, n, shop, least) VALUES(1, '책', 1, 'a', 1), (2, '문', 2, 'b', 3), (3, '강', 3, 'c', 9), (4, NULL, 1, 'a', 1), (5, '산', 0, 'c', 1);
UPDATE query SET vector = koelectra_embed(text);
CREATE TABLE truth AS SELECT q.id AS query, r.id, r.shop, r.stars, row_number() OVER (PARTITION BY q.id ORDER BY koelectra_cosine(q.vector, koelectra_embed(r.body)) DESC, r.id) AS place FROM query q JOIN review r WHERE q.text IS NOT NULL;

.print -- k for each query
SELECT q.id, group_concat(s.rowid) FROM query q JOIN s ON s MATCH q.text AND k = 3 GROUP BY q.id;
SELECT query, group_concat(id) FROM (SELECT * FROM truth WHERE place <= 3 ORDER BY query, place) GROUP BY query;
SELECT q.id, group_concat(s.rowid) FROM query q JOIN s ON s MATCH q.vector AND k = 3 GROUP BY q.id;
SELECT q.id, group_concat(s.rowid) FROM query q, s(q.text, 3) GROUP BY q.id;
SELECT q.id, group_concat(s.rowid) FROM s JOIN query q ON s MATCH q.text WHERE k = 3 GROUP BY q.id;
SELECT q.id, group_concat(s.rowid) FROM query q, s WHERE s MATCH q.text AND s.k = 3 GROUP BY q.id;
.print -- k from a column, of an expression, and 0
SELECT q.id, group_concat(s.rowid) FROM query q JOIN s ON s MATCH q.text AND k = q.n GROUP BY q.id;
SELECT q.id, group_concat(s.rowid) FROM query q JOIN s ON s MATCH q.text || '' AND k = q.n + 1 GROUP BY q.id;
SELECT q.id, count(s.rowid) FROM query q LEFT JOIN s ON s MATCH q.text AND k = q.n GROUP BY q.id;
.print -- conditions from the query: each has its own k
SELECT q.id, group_concat(s.rowid) FROM query q JOIN s ON s MATCH q.text AND k = 2 AND s.shop = q.shop GROUP BY q.id;
SELECT query, group_concat(id) FROM (SELECT t.query, t.id, row_number() OVER (PARTITION BY query ORDER BY place) AS n FROM truth t JOIN query q ON q.id = t.query AND q.shop = t.shop ORDER BY 1, 3) WHERE n <= 2 GROUP BY query;
SELECT q.id, group_concat(s.rowid) FROM query q JOIN s ON s MATCH q.text AND k = 2 AND s.shop IN (q.shop, 'a') AND s.stars >= q.least GROUP BY q.id;
SELECT query, group_concat(id) FROM (SELECT t.query, t.id, row_number() OVER (PARTITION BY query ORDER BY place) AS n FROM truth t JOIN query q ON q.id = t.query AND t.shop IN (q.shop, 'a') AND t.stars >= q.least ORDER BY 1, 3) WHERE n <= 2 GROUP BY query;
SELECT q.id, s.rowid FROM query q LEFT JOIN s ON s MATCH q.text AND k = 1 AND s.shop = q.shop AND s.stars >= q.least ORDER BY q.id;
SELECT q.id FROM query q LEFT JOIN s ON s MATCH q.text AND k = 1 AND s.stars >= q.least WHERE s.rowid IS NULL ORDER BY q.id;
.print -- correlated: a subquery, IN, EXISTS
SELECT q.id, (SELECT group_concat(rowid) FROM s WHERE s MATCH q.text AND k = 2) FROM query q;
SELECT q.id, (SELECT s.rowid FROM s WHERE s MATCH q.text AND s.shop = q.shop LIMIT 1) FROM query q;
SELECT q.id, (SELECT s.rowid FROM s(q.text) WHERE s.shop = q.shop LIMIT 1 OFFSET 1) FROM query q;
SELECT q.id, (SELECT max(similarity) > 0.5 FROM s WHERE s MATCH q.text AND s.rowid IN (SELECT id FROM review r WHERE r.shop = q.shop)) FROM query q;
SELECT id FROM query q WHERE EXISTS (SELECT 1 FROM s WHERE s MATCH q.text AND k = 1 AND s.shop = q.shop AND similarity > 0.99999);
SELECT id FROM review WHERE id IN (SELECT rowid FROM s WHERE s MATCH '책' AND k = 2) ORDER BY id;
SELECT count(*) FROM s WHERE s MATCH '책' AND k = 2 AND rowid IN (SELECT id FROM review WHERE stars > 3);
SELECT count(*) FROM s WHERE s MATCH (SELECT text FROM query WHERE id = 1) AND k = (SELECT n + 1 FROM query WHERE id = 1) AND shop = (SELECT shop FROM query WHERE id = 1);
.print -- a common table expression, a view, a window
WITH found AS (SELECT rowid AS id, similarity FROM s WHERE s MATCH '책' AND k = 4) SELECT group_concat(review.id) FROM found JOIN review USING(id) WHERE review.stars > 2;
WITH found AS MATERIALIZED (SELECT q.id AS query, s.rowid AS id, s.similarity FROM query q JOIN s ON s MATCH q.text AND k = 2) SELECT query, max(similarity) > 0.99999 FROM found GROUP BY query;
CREATE VIEW best AS SELECT q.id AS query, s.rowid AS id, row_number() OVER (PARTITION BY q.id ORDER BY s.similarity DESC) AS place FROM query q JOIN s ON s MATCH q.text AND k = 3;
SELECT * FROM best WHERE place = 1;
WITH RECURSIVE hop(n, id) AS (SELECT 0, 1 UNION ALL SELECT n + 1, (SELECT rowid FROM s WHERE s MATCH (SELECT body FROM review WHERE review.id = hop.id) AND k = 1 AND rowid <> hop.id) FROM hop WHERE n < 3) SELECT count(*), count(id), count(DISTINCT id) > 1 FROM hop;
.print -- an index joined to itself: what is nearest to each row
SELECT count(*), sum(a.rowid = b.rowid) FROM s a JOIN s b ON b.s MATCH a.body AND b.k = 1 WHERE a.shop = 'a';

.print -- the k best come first, then their table, in whatever order they are written
SELECT group_concat(r.id) FROM s JOIN review r ON r.id = s.rowid WHERE s MATCH '책' AND k = 3;
SELECT group_concat(r.id) FROM review r JOIN s ON r.id = s.rowid WHERE s MATCH '책' AND k = 3;
SELECT count(*) FROM s JOIN shop ON shop.name = s.shop WHERE s MATCH '책' AND k = 3;
SELECT count(*) FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 3;
SELECT count(*) FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 3 AND s.stars > 1;
SELECT count(*) FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 3 AND shop.name <> 'zz';
SELECT count(*) FROM shop JOIN s ON shop.name = s.shop AND s.stars > length(shop.city) - 5 WHERE s MATCH '책' AND k = 3;
CREATE INDEX review_shop ON review(shop);
INSERT INTO shop SELECT 'x' || value, NULL FROM json_each('[1,2,3,4,5,6,7,8,9]');
ANALYZE;
SELECT count(*) FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 3;
SELECT count(*) FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 3 AND shop.rowid = 1;
SELECT group_concat(s.rowid) FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 2 AND shop.name = 'b';
.print -- MATCH beside an OR, whose sides could be looked up
SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND (rowid = 2 OR rowid = 4) ORDER BY rowid);
SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 3 AND stars > 1 AND (rowid IN (1, 2) OR shop = 'a') ORDER BY rowid);
SELECT group_concat(rowid) FROM (SELECT rowid FROM s('책', 3) WHERE rowid = 1 OR rowid = 2 ORDER BY rowid);
SELECT group_concat(rowid) FROM (SELECT s.rowid FROM query q JOIN s ON s MATCH q.text AND k = 3 AND (s.rowid = q.id OR s.shop = q.shop) ORDER BY s.rowid);
.print -- an UPDATE from another table
UPDATE s SET stars = n.n FROM (SELECT 7 AS n, 'a' AS shop) AS n WHERE s.shop = n.shop AND s.rowid < 5;
SELECT group_concat(rowid) FROM s WHERE stars = 7;
UPDATE s SET stars = review.stars FROM review WHERE review.id = s.rowid;
SELECT group_concat(rowid) FROM s WHERE stars = 7;
UPDATE s SET stars = 8 WHERE rowid IN (SELECT rowid FROM s WHERE s MATCH '책' AND k = 2 AND shop = 'b');
SELECT group_concat(rowid) FROM s WHERE stars = 8;
UPDATE s SET stars = review.stars FROM review WHERE review.id = s.rowid;
.print -- CROSS JOIN: k for each shop
SELECT shop.name, count(*) FROM shop CROSS JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 2 GROUP BY 1;
.print -- without k every order gives the same
SELECT count(*) FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND shop.city = 'Seoul';
SELECT group_concat(rowid) FROM (SELECT s.rowid FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND shop.city = 'Seoul' ORDER BY similarity DESC LIMIT 2);

.print -- what has no plan says what to write
SELECT count(*) FROM s WHERE s MATCH body;
SELECT count(*) FROM s a JOIN s b ON a.s MATCH b.body AND b.s MATCH a.body;
SELECT count(*) FROM s LEFT JOIN query q ON s MATCH q.text;
SELECT count(*) FROM query q LEFT JOIN s ON k = 3 WHERE s MATCH q.text OR q.id = 3;
SELECT count(*) FROM s CROSS JOIN query q WHERE s MATCH q.text AND k = 3;
SELECT count(*) FROM s CROSS JOIN query q WHERE s MATCH '책' AND k = q.n;
SELECT count(*) FROM s WHERE s MATCH '책' AND k = stars;
SELECT count(*) FROM query q JOIN s ON k = q.n;

.print -- plans
EXPLAIN QUERY PLAN SELECT 1 FROM s JOIN query q ON s MATCH q.text AND k = 3;
EXPLAIN QUERY PLAN SELECT 1 FROM s JOIN query q ON s MATCH q.text AND k = q.n AND s.shop = q.shop;
EXPLAIN QUERY PLAN SELECT 1 FROM shop JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 3;
EXPLAIN QUERY PLAN SELECT 1 FROM shop CROSS JOIN s ON shop.name = s.shop WHERE s MATCH '책' AND k = 3;
EXPLAIN QUERY PLAN SELECT 1 FROM query q LEFT JOIN s ON s MATCH q.text AND k = 1 AND s.stars IN (1, 2);
EXPLAIN QUERY PLAN SELECT 1 FROM s CROSS JOIN query q WHERE s MATCH q.text AND k = 3;
EXPLAIN QUERY PLAN SELECT r.body FROM s LEFT JOIN review r ON r.id = s.rowid WHERE s MATCH '책' AND k = 3 AND s.shop = 'a';
EXPLAIN QUERY PLAN SELECT 1 FROM review r JOIN s ON r.id = s.rowid WHERE s MATCH '책' AND k = 3 AND s.shop = 'a';
EXPLAIN QUERY PLAN SELECT 1 FROM review r JOIN s ON r.id = s.rowid WHERE r.shop = 'a';
