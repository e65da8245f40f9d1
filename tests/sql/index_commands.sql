-- Commands of koelectra_index: what they do, and the errors they give.
SELECT koelectra_load('default', 'tests/reference/tiny');

.print -- optimize gives back what deletes have left
CREATE VIRTUAL TABLE search USING koelectra_index(body);
INSERT INTO search(rowid, body) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT i, '글 ' || i FROM n;
SELECT count(*), sum(free) FROM search_chunks;
DELETE FROM search WHERE rowid % 10;
SELECT count(*), sum(free) FROM search_chunks;
INSERT INTO search(search) VALUES('optimize');
SELECT count(*), sum(free) FROM search_chunks;
INSERT INTO search(search) VALUES('integrity-check');
SELECT freelist_count > page_count / 2 FROM pragma_freelist_count, pragma_page_count;
VACUUM;
SELECT freelist_count FROM pragma_freelist_count;

.print -- texts and their vectors
INSERT INTO search(search) VALUES('integrity-check-texts');
UPDATE search_content SET c0 = '비가 내려서 창문을 닫았어요' WHERE id = 500;
INSERT INTO search(search) VALUES('integrity-check');
INSERT INTO search(search) VALUES('integrity-check-texts');
INSERT INTO search(search) VALUES('rebuild');
INSERT INTO search(search) VALUES('integrity-check-texts');

.print -- an approximate index is exact until it has learnt, and while it is small
CREATE VIRTUAL TABLE many USING koelectra_index(body, search='approximate');
INSERT INTO many(rowid, body) VALUES(1, '책'), (2, '문'), (3, NULL);
EXPLAIN QUERY PLAN SELECT body FROM many WHERE many MATCH '책' AND k = 1;
EXPLAIN QUERY PLAN SELECT body FROM search WHERE search MATCH '책' AND k = 1;
SELECT count(*) FROM many_info WHERE key = 'sketch';
INSERT INTO many(many) VALUES('optimize');
SELECT length(value) FROM many_info WHERE key = 'sketch';
SELECT body FROM many WHERE many MATCH '책' AND k = 1;
INSERT INTO many(many) VALUES('integrity-check-texts');
CREATE VIRTUAL TABLE wrong USING koelectra_index(body, search='fast');
CREATE VIRTUAL TABLE wrong USING koelectra_index(body, search='');
