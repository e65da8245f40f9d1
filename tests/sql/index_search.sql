-- What a query may ask beside MATCH: thresholds, rowids, pages, many queries at once.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE TABLE source(id INTEGER PRIMARY KEY, body TEXT, stars);
INSERT INTO source VALUES(1, '배우 연기가 좋았어요', 5), (2, '비가 내려서 창문을 닫았어요', 2), (3, '김치찌개가 맛있어요', 4), (4, '책', 3), (5, '영화가 좋았어요', 5), (6, '문', 1), (7, '새 책', 4), (8, NULL, 5), (-9, '서울은 오늘 맑아요', 1), (10, '강', 2);
CREATE VIRTUAL TABLE search USING koelectra_index(body, content='source', content_rowid='id');
INSERT INTO search(search) VALUES('rebuild');
CREATE TABLE truth AS SELECT id, koelectra_similarity('책', body) AS similarity FROM source WHERE body IS NOT NULL;
CREATE TABLE rank AS SELECT id, similarity, row_number() OVER (ORDER BY similarity DESC) AS place FROM truth;

.print -- every row above a threshold, without k
CREATE TABLE threshold AS SELECT (a.similarity + b.similarity) / 2 AS value FROM rank a, rank b WHERE a.place = 4 AND b.place = 5;
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > (SELECT value FROM threshold);
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity >= (SELECT value FROM threshold) AND rowid IN (SELECT id FROM rank WHERE place > 2);
SELECT count(*), min(place), max(place) FROM search JOIN rank ON id = search.rowid WHERE search MATCH '책' AND search.similarity > (SELECT value FROM threshold);
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > (SELECT value FROM threshold) AND k = 3;
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > (SELECT value FROM threshold) AND k = 30;
SELECT count(*) FROM (SELECT rowid FROM search('책') WHERE similarity > (SELECT value FROM threshold) LIMIT 2 OFFSET 1);
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity BETWEEN (SELECT value FROM threshold) AND 0.99;
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity < (SELECT value FROM threshold);
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > 1;
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity >= -1;
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > '-1';
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > 'much';
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > NULL;
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > 0.999 AND similarity > -1 AND similarity >= -1;
.print -- a similarity that is equal: >= takes it, > does not
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity >= (SELECT similarity FROM search WHERE search MATCH '책' AND rowid = 7) AND rowid = 7;
SELECT count(*) FROM search WHERE search MATCH '책' AND similarity > (SELECT similarity FROM search WHERE search MATCH '책' AND rowid = 7) AND rowid = 7;

.print -- rows are chosen before the k are taken (sqlite-vec #152)
SELECT count(*), min(rowid) FROM search WHERE search MATCH '책' AND k = 3 AND rowid > 4;
SELECT count(*), min(rowid), max(rowid) FROM search WHERE search MATCH '책' AND k = 3 AND rowid >= 2 AND rowid < 5;
SELECT count(*) FROM search WHERE search MATCH '책' AND k = 30 AND rowid BETWEEN 2 AND 5;
SELECT count(*) FROM search WHERE search MATCH '책' AND k = 2 AND rowid IN (SELECT id FROM source WHERE stars > 3);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' AND k = 9 AND rowid > 2.5 AND rowid <= 5.9 ORDER BY rowid);
SELECT group_concat(rowid) FROM (SELECT rowid FROM search WHERE search MATCH '책' AND k = 9 AND rowid >= 2.5 AND rowid < 5.9 ORDER BY rowid);
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid > 1e300;
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid < 1e300;
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid > -1e300 AND rowid <= 9223372036854775807;
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid > 9223372036854775807;
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid < -9223372036854775808;
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid >= -9223372036854775808;
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid < -9;
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid > 'x';
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid < 'x';
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid > NULL;
SELECT count(*) FROM search WHERE search MATCH '책' AND rowid <= '5';

.print -- pages
SELECT count(*) FROM rank r JOIN (SELECT rowid AS id, row_number() OVER () + 3 AS place FROM (SELECT rowid FROM search WHERE search MATCH '책' LIMIT 3 OFFSET 3)) p ON p.id = r.id AND p.place = r.place;
SELECT count(*) FROM rank r JOIN (SELECT rowid AS id, row_number() OVER () + 3 AS place FROM (SELECT rowid FROM search('책') LIMIT 3 OFFSET 3)) p ON p.id = r.id AND p.place = r.place;
SELECT count(*) FROM rank r JOIN (SELECT rowid AS id, row_number() OVER () + 6 AS place FROM (SELECT rowid FROM search WHERE search MATCH '책' AND k = 9 LIMIT 9 OFFSET 6)) p ON p.id = r.id AND p.place = r.place;
SELECT count(*) FROM (SELECT rowid FROM search('책') LIMIT 3 OFFSET 100);

.print -- many queries at once: k for each
CREATE TABLE query(id INTEGER PRIMARY KEY, text, k);
INSERT INTO query VALUES(1, '책', 1), (2, '문', 2), (3, NULL, 2), (4, '강', 3);
SELECT q.id, count(*) FROM query q JOIN search s ON s.search MATCH q.text AND s.k = q.k GROUP BY q.id;
SELECT q.id, count(*) FROM query q JOIN search s ON s.search MATCH q.text AND s.k = 2 AND s.rowid > 4 GROUP BY q.id;
SELECT q.id, (SELECT body FROM search WHERE search MATCH q.text AND k = 1) FROM query q;
SELECT q.id, s.body FROM query q JOIN search s ON s.search MATCH q.text AND s.similarity > 0.9999;
SELECT q.id, count(s.rowid) FROM query q LEFT JOIN search s ON s.search MATCH q.text AND s.k = 2 GROUP BY q.id;
SELECT count(*) FROM search s, query q WHERE s.search MATCH q.text AND s.k = 1;

.print -- plans
EXPLAIN QUERY PLAN SELECT rowid FROM search WHERE search MATCH '책' AND similarity > 0.7;
EXPLAIN QUERY PLAN SELECT rowid FROM search WHERE search MATCH '책' AND similarity >= 0.7 AND k = 5 ORDER BY similarity DESC;
EXPLAIN QUERY PLAN SELECT rowid FROM search WHERE search MATCH '책' AND similarity BETWEEN 0.5 AND 0.7;
EXPLAIN QUERY PLAN SELECT rowid FROM search WHERE search MATCH '책' AND rowid > 5 AND rowid <= 9 AND k = 5;
EXPLAIN QUERY PLAN SELECT rowid FROM search WHERE search MATCH '책' AND rowid IN (SELECT id FROM source WHERE stars > 3) AND k = 5;
EXPLAIN QUERY PLAN SELECT rowid FROM search('책') WHERE similarity > 0.7 LIMIT 5;
EXPLAIN QUERY PLAN SELECT q.id, s.rowid FROM query q JOIN search s ON s.search MATCH q.text AND s.k = 3;
