-- koelectra_index with vectors that are ready: BLOBs of float32 instead of text.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE TABLE source(id INTEGER PRIMARY KEY, body TEXT, v BLOB);
INSERT INTO source(id, body) VALUES(1, '배우 연기가 좋았어요'), (2, '비가 내려서 창문을 닫았어요'), (3, '김치찌개가 맛있어요'), (4, '책');
UPDATE source SET v = koelectra_embed(body);

.print -- beside texts; a vector of another length is scaled to 1
CREATE VIRTUAL TABLE search USING koelectra_index(body);
INSERT INTO search(rowid, body) SELECT id, v FROM source WHERE id < 3;
INSERT INTO search(rowid, body) VALUES(3, '김치찌개가 맛있어요'), (5, NULL);
INSERT INTO search(rowid, body) SELECT 4, koelectra_vector(json_group_array(value * 1000)) FROM source AS o, json_each(koelectra_vector_json(o.v)) WHERE o.id = 4;
SELECT rowid FROM search WHERE search MATCH '배우 연기가 좋았어요' AND k = 1;
SELECT count(*) FROM search JOIN source ON id = search.rowid WHERE search MATCH (SELECT v FROM source WHERE id = 2) AND abs(similarity - koelectra_cosine(v, (SELECT v FROM source WHERE id = 2))) < 1e-5;
INSERT INTO search(search) VALUES('integrity-check');

.print -- body is what was inserted: the text, or the vector
SELECT rowid, typeof(body), length(body) FROM search;
SELECT count(*) FROM search JOIN source ON id = search.rowid WHERE typeof(search.body) = 'blob' AND koelectra_cosine(search.body, v) > 0.999999;

.print -- text becomes vector, vector becomes text, vector becomes another, rows move
UPDATE search SET body = (SELECT v FROM source WHERE id = 4) WHERE rowid = 3;
SELECT rowid, typeof(body) FROM search WHERE search MATCH '책' AND k = 2;
UPDATE search SET body = '다시 글' WHERE rowid = 3;
UPDATE search SET body = (SELECT v FROM source WHERE id = 3) WHERE rowid = 1;
UPDATE search SET rowid = 10 WHERE rowid = 1;
UPDATE search SET body = NULL WHERE rowid = 4;
UPDATE search SET body = (SELECT v FROM source WHERE id = 1) WHERE rowid = 5;
INSERT OR REPLACE INTO search(rowid, body) SELECT 2, v FROM source WHERE id = 4;
INSERT OR IGNORE INTO search(rowid, body) SELECT 2, v FROM source WHERE id = 1;
SELECT rowid, typeof(body) FROM search;
SELECT rowid FROM search WHERE search MATCH '책' AND k = 1;
SELECT rowid FROM search WHERE search MATCH '김치찌개가 맛있어요' AND k = 1;
INSERT INTO search(search) VALUES('integrity-check');

.print -- rebuild embeds the texts and keeps the vectors; optimize moves both
CREATE TABLE before AS SELECT rowid AS id, body FROM search;
INSERT INTO search(search) VALUES('rebuild');
INSERT INTO search(search) VALUES('optimize');
INSERT INTO search(search) VALUES('integrity-check');
SELECT count(*) FROM before JOIN search ON search.rowid = id WHERE search.body IS before.body OR koelectra_cosine(search.body, before.body) > 0.999999;

.print -- another model of other dimensions
SELECT koelectra_load('default', 'tests/reference/bare');
INSERT INTO search(search) VALUES('rebuild');
DELETE FROM search WHERE typeof(body) = 'blob';
INSERT INTO search(search) VALUES('rebuild');
SELECT rowid, body FROM search WHERE search MATCH '글';
INSERT INTO search(rowid, body) SELECT id, v FROM source;
SELECT koelectra_load('default', 'tests/reference/tiny');
INSERT INTO search(search) VALUES('rebuild');

.print -- refused: another size, not finite, without direction
INSERT INTO search(body) VALUES(x'');
INSERT INTO search(body) VALUES(x'0000803f');
INSERT INTO search(body) VALUES(CAST('글' AS BLOB));
INSERT INTO search(body) VALUES(zeroblob(128));
INSERT INTO search(body) VALUES(CAST(replace(hex(zeroblob(16)), '00', x'0000c07f0000c07f') AS BLOB));
INSERT INTO search(body) VALUES(CAST(replace(hex(zeroblob(16)), '00', x'0000807f0000807f') AS BLOB));
UPDATE search SET body = zeroblob(128) WHERE rowid = 3;
UPDATE search SET body = zeroblob(12) WHERE rowid = 3;
SELECT rowid, typeof(body) FROM search;
INSERT INTO search(search) VALUES('integrity-check');

.print -- no model is needed for them
CREATE VIRTUAL TABLE vectors USING koelectra_index(v, model='default', content='source', content_rowid='id');
INSERT INTO vectors(vectors) VALUES('rebuild');
SELECT s.rowid FROM vectors s, source q WHERE s.vectors MATCH q.v AND k = 1 AND q.id = 3;
INSERT INTO source(id, v) SELECT 9, v FROM source WHERE id = 4;
INSERT INTO vectors(rowid, v) SELECT id, v FROM source WHERE id = 9;
INSERT INTO vectors(vectors) VALUES('integrity-check');
SELECT rowid, typeof(v), length(v) FROM vectors;
INSERT INTO source(id, v) VALUES(11, zeroblob(128));
INSERT INTO vectors(vectors) VALUES('rebuild');
UPDATE source SET v = x'00' WHERE id = 11;
INSERT INTO vectors(vectors) VALUES('rebuild');
SELECT count(*) FROM vectors;

.print -- a query vector from a join, from a column, from a subquery (sqlite-vector #28)
SELECT q.id, s.rowid FROM source q JOIN vectors s ON s.vectors MATCH q.v AND s.k = 1 WHERE q.id < 5;
SELECT q.id, s.rowid FROM vectors s JOIN source q ON s.vectors MATCH q.v AND s.k = 1 WHERE q.id IN (2, 3);
SELECT q.id, (SELECT group_concat(rowid) FROM vectors WHERE vectors MATCH q.v AND k = 1) FROM source q WHERE q.id < 3;
SELECT q.id, s.rowid FROM source q LEFT JOIN vectors s ON s.vectors MATCH q.v AND k = 1 WHERE q.id < 3;
SELECT q.id, s.rowid FROM source q, vectors(q.v, 1) s WHERE q.id < 3;
WITH q(v) AS (SELECT v FROM source WHERE id = 2) SELECT rowid FROM q JOIN vectors ON vectors MATCH q.v AND k = 1;
SELECT s.rowid FROM vectors s CROSS JOIN source q WHERE s.vectors MATCH q.v AND k = 1 AND q.id = 2;
