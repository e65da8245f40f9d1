-- Conditions on columns are applied before the k best are taken, as SQLite itself compares.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE TABLE place(id INTEGER PRIMARY KEY, body TEXT, city TEXT, stars INTEGER, price REAL, tag BLOB, url TEXT);
INSERT INTO place VALUES
  (1, '책', 'Seoul', 5, 10.5, NULL, 'u1'), (2, '책방', 'Busan', 4, 3, 'x', 'u2'), (3, '새 책', 'seoul', 3, NULL, 1, 'u3'),
  (4, '문', 'Seoul', NULL, 7.25, x'78', 'u4'), (5, '창문', NULL, 1, -1, 'X', 'u5'), (6, '강', 'Jeju', 2, 100, '1', 'u6'),
  (7, '산', '7', 7, 7, 7, 'u7'), (8, '바다', '07', -1, 0, 7.0, 'u8'), (9, NULL, 'Seoul', 5, 1, 'n', 'u9'), (10, '섬', '', 0, 0.5, '', 'u10'),
  (11, '별', 'Se_ul', 9223372036854775807, 1e300, 'a%', 'u11'), (12, '달', '서울', -9223372036854775808, -1e300, '서', NULL);
CREATE VIRTUAL TABLE s USING koelectra_index(body, city TEXT PARTITION KEY, stars INTEGER, price REAL PARTITION KEY, tag BLOB, +url TEXT);
INSERT INTO s(rowid, body, city, stars, price, tag, url) SELECT * FROM place;

.print -- each condition: the rows of a plain table that have a text, by similarity
.mode list
.headers off
SELECT 'city = ''Seoul''', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 20 AND city = 'Seoul';
SELECT 'city = ''Seoul'', k = 1', group_concat(rowid) FROM s WHERE s MATCH '강' AND k = 1 AND city = 'Seoul';
SELECT 'city <> ''Seoul''', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city <> 'Seoul' ORDER BY rowid));
SELECT 'city IS NULL', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 20 AND city IS NULL;
SELECT 'city IS NOT NULL', count(*) FROM s WHERE s MATCH '책' AND k = 20 AND city IS NOT NULL;
SELECT 'city IS NOT ''Seoul''', count(*) FROM s WHERE s MATCH '책' AND k = 20 AND city IS NOT 'Seoul';
SELECT 'city IS ''Seoul''', count(*) FROM s WHERE s MATCH '책' AND k = 20 AND city IS 'Seoul';
SELECT 'city = NULL', count(*) FROM s WHERE s MATCH '책' AND k = 20 AND city = NULL;
SELECT 'NOCASE', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city = 'SEOUL' COLLATE NOCASE ORDER BY rowid));
SELECT 'NOCASE IN', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city COLLATE NOCASE IN ('SEOUL', 'jeju') ORDER BY rowid));
SELECT 'a number and a column of text', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 20 AND city = 7;
SELECT 'a text and a column of numbers', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 20 AND stars = '5';
SELECT 'a text that is no number', (SELECT count(*) FROM s WHERE s MATCH '책' AND k = 20 AND stars < 'x');
SELECT 'stars > 2', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND stars > 2 ORDER BY rowid));
SELECT 'stars BETWEEN 1 AND 3', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND stars BETWEEN 1 AND 3 ORDER BY rowid));
SELECT 'stars >= the largest', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 20 AND stars >= 9223372036854775807;
SELECT 'price < 5', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND price < 5 ORDER BY rowid));
SELECT 'price <= 1e300', count(*) FROM s WHERE s MATCH '책' AND k = 20 AND price <= 1e300;
SELECT 'tag = x''78''', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 20 AND tag = x'78';
SELECT 'tag = 7', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND tag = 7 ORDER BY rowid));
SELECT 'tag = ''1''', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 20 AND tag = '1';
SELECT 'city = ''''', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 20 AND city = '';
.print -- IN: all values at once
SELECT 'city IN', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city IN ('Seoul', 'Jeju', NULL, 7) ORDER BY rowid));
SELECT 'k counts all of them together', count(*) FROM s WHERE s MATCH '책' AND k = 3 AND city IN ('Seoul', 'Busan', 'Jeju', '7');
SELECT 'two INs', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city IN ('Seoul', 'Busan', 'seoul') AND stars IN (SELECT stars FROM place WHERE id < 4) ORDER BY rowid));
SELECT 'IN ()', count(*) FROM s WHERE s MATCH '책' AND k = 20 AND city IN ();
SELECT 'IN (SELECT nothing)', count(*) FROM s WHERE s MATCH '책' AND k = 20 AND city IN (SELECT city FROM place WHERE 0);
SELECT 'NOT IN', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND city NOT IN ('Seoul', 'Busan') ORDER BY rowid));
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT 'IN of 100 000', count(*) FROM s WHERE s MATCH '책' AND k = 20 AND stars IN (SELECT i FROM n);
SELECT 'with rowid IN', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 2 AND city = 'Seoul' AND rowid IN (SELECT id FROM place WHERE id > 1) ORDER BY rowid));
SELECT 'with rowid >', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 2 AND city = 'Seoul' AND rowid > 1;
SELECT 'with rowid =', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 2 AND city = 'Seoul' AND rowid = 4;
SELECT 'with rowid <>', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 1 AND rowid <> 1;
SELECT 'with a threshold', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city IN ('Seoul', 'Busan', 'seoul') AND similarity > 0.9999 ORDER BY rowid));
.print -- LIKE and GLOB, and what the connection has made of them
SELECT 'LIKE ''se%''', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city LIKE 'se%' ORDER BY rowid));
SELECT 'LIKE ''%ul''', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city LIKE '%ul' ORDER BY rowid));
SELECT 'LIKE ''서%''', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city LIKE '서%' ORDER BY rowid));
SELECT 'LIKE ''%5%'' of numbers', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND price LIKE '%5%' ORDER BY rowid));
SELECT 'GLOB ''S*''', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city GLOB 'S*' ORDER BY rowid));
SELECT 'ESCAPE is for SQLite', group_concat(rowid) FROM s WHERE s MATCH '책' AND city LIKE 'se\_ul' ESCAPE '\';
PRAGMA case_sensitive_like = ON;
SELECT 'LIKE ''se%''', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city LIKE 'se%' ORDER BY rowid));
PRAGMA case_sensitive_like = OFF;
SELECT 'LIKE ''se%''', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND k = 20 AND city LIKE 'se%' ORDER BY rowid));
SELECT 'too long a pattern', count(*) FROM s WHERE s MATCH '책' AND city LIKE replace(hex(zeroblob(50001)), '0', 'x');
.print -- what is not a condition on a column is applied after k
SELECT 'auxiliary', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 1 AND url = 'u2';
SELECT 'auxiliary without k', group_concat(rowid) FROM s WHERE s MATCH '책' AND url = 'u2';
SELECT 'expression', group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 1 AND stars + 1 = 5;
SELECT 'OR', (SELECT group_concat(rowid) FROM (SELECT rowid FROM s WHERE s MATCH '책' AND (stars = 4 OR city = 'Jeju') ORDER BY rowid));
.print -- without MATCH: the same conditions, by rowid, rows without a text too
SELECT rowid, body, city, stars FROM s WHERE city = 'Seoul';
SELECT group_concat(rowid) FROM s WHERE stars IN (5, 1) AND price > 0;
SELECT group_concat(rowid) FROM s WHERE city LIKE 's%' AND rowid > 1 AND rowid <= 9;
SELECT rowid FROM s WHERE rowid BETWEEN 3 AND 5 ORDER BY rowid DESC;
SELECT group_concat(url) FROM s WHERE city IS NULL OR stars = 7;
SELECT rowid FROM s WHERE city <> 'Seoul' ORDER BY rowid LIMIT 2 OFFSET 1;

.print -- pages
SELECT rowid FROM s WHERE s MATCH '책' AND city IN ('Seoul', 'Busan', 'seoul', 'Jeju') LIMIT 2;
SELECT rowid FROM s WHERE s MATCH '책' AND city IN ('Seoul', 'Busan', 'seoul', 'Jeju') LIMIT 2 OFFSET 2;
SELECT rowid FROM s WHERE s MATCH '책' AND city IN ('Seoul', 'Busan', 'seoul', 'Jeju') LIMIT 2 OFFSET 4;
SELECT rowid FROM s('책') WHERE city IN ('Seoul', 'Busan', 'seoul', 'Jeju') LIMIT 2 OFFSET 2;
SELECT rowid FROM s('책') WHERE city IN ('Seoul', 'Busan', 'seoul', 'Jeju') AND stars + 0 > 3 LIMIT 2;
SELECT rowid FROM s('책') WHERE city = 'Seoul' AND url > 'u1' LIMIT 1;
SELECT rowid FROM s('책', 2) WHERE city IN ('Seoul', 'Busan', 'seoul', 'Jeju') LIMIT 5;
SELECT rowid FROM s('책', 2) WHERE city IN ('Seoul', 'Busan', 'seoul', 'Jeju') LIMIT 5 OFFSET 1;
SELECT rowid FROM s('책', 3) WHERE city IN ('Seoul', 'Busan', 'seoul', 'Jeju') ORDER BY stars DESC LIMIT 1;
.print -- equal similarities: by rowid, whatever k is
CREATE VIRTUAL TABLE same USING koelectra_index(body, odd INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 600) INSERT INTO same(rowid, body, odd) SELECT 601 - i, '책', i % 2 FROM n;
SELECT group_concat(rowid) FROM same WHERE same MATCH '책' AND k = 5;
SELECT group_concat(rowid) FROM (SELECT rowid FROM same('책') LIMIT 5 OFFSET 5);
SELECT group_concat(rowid) FROM same WHERE same MATCH '문' AND odd = 1 AND k = 5;
SELECT group_concat(rowid) FROM (SELECT rowid FROM same('문') WHERE odd = 1 LIMIT 5 OFFSET 5);

.print -- EXPLAIN QUERY PLAN says what chooses rows
EXPLAIN QUERY PLAN SELECT 1 FROM s WHERE s MATCH '책' AND k = 3 AND city = 'x' AND stars >= 1 AND stars < 5;
EXPLAIN QUERY PLAN SELECT 1 FROM s WHERE s MATCH '책' AND k = 3 AND city IN ('x', 'y') AND tag IS NOT NULL AND price IS NULL;
EXPLAIN QUERY PLAN SELECT 1 FROM s WHERE s MATCH '책' AND k = 3 AND city LIKE '%x' AND tag GLOB 'a*' AND stars <> 1 AND stars IS NOT 2;
EXPLAIN QUERY PLAN SELECT 1 FROM s WHERE s MATCH '책' AND k = 3 AND city = 'x' COLLATE NOCASE AND rowid > 5 AND similarity > 0.5;
EXPLAIN QUERY PLAN SELECT 1 FROM s WHERE s MATCH '책' AND k = 3 AND url = 'x';
EXPLAIN QUERY PLAN SELECT 1 FROM s WHERE city = 'x' AND rowid > 3;
EXPLAIN QUERY PLAN SELECT 1 FROM s('책') WHERE city = 'x' LIMIT 3;
EXPLAIN QUERY PLAN SELECT 1 FROM s('책') WHERE city = 'x' AND url = 'u' LIMIT 3;

.print -- names that look like something else
CREATE VIRTUAL TABLE odd USING koelectra_index(body, "where " TEXT, "x = ? and y" INTEGER PARTITION KEY, "a collate b" REAL, "and" TEXT, "in (?)" TEXT, """" INTEGER, "$rows" INTEGER, +"m0" TEXT);
INSERT INTO odd VALUES('책', 'w', 1, 1.5, 'd', 'i', 1, 9, 'aux'), ('문', 'w', 2, 2.5, 'e', 'j', 2, 9, 'aux');
SELECT rowid, * FROM odd WHERE odd MATCH '책' AND k = 2 AND "where " = 'W' COLLATE NOCASE AND "x = ? and y" = 1 AND "a collate b" > 1 AND "and" IN ('d', 'e') AND "in (?)" LIKE '%i' AND """" <= 1 AND "$rows" = 9;
SELECT rowid FROM odd WHERE "x = ? and y" = 2 AND "where " <> 'x' AND """" > 1;
EXPLAIN QUERY PLAN SELECT rowid FROM odd WHERE odd MATCH '책' AND "where " = 'W' COLLATE NOCASE AND "x = ? and y" = 1 AND "and" IN ('d', 'e') AND """" <= 1;
UPDATE odd SET "$rows" = 8, "m0" = 'm' WHERE "and" = 'e';
SELECT "$rows", "m0" FROM odd;
INSERT INTO odd(odd) VALUES('integrity-check');

.print -- a table and a function of ours are no use to others
SELECT count(*) FROM koelectra_index_values;
SELECT count(*) FROM koelectra_index_values(x'00');
SELECT koelectra_index_slots(1, 2);
SELECT koelectra_index_slots(x'00', value) FROM json_each('[1, 2]');
