-- What koelectra_index refuses, and how it says so.

SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_load('tiny', 'tests/reference/tiny');
SELECT koelectra_load('other', 'tests/reference/bare');

.print -- a model that nobody registered
CREATE VIRTUAL TABLE search USING koelectra_index(body, model='nobody');
SELECT count(*) FROM sqlite_schema;

.print -- CREATE
CREATE VIRTUAL TABLE search USING koelectra_index;
CREATE VIRTUAL TABLE search USING koelectra_index();
CREATE VIRTUAL TABLE search USING koelectra_index(model='default');
CREATE VIRTUAL TABLE search USING koelectra_index(title, body);
CREATE VIRTUAL TABLE search USING koelectra_index(body INTEGER);
CREATE VIRTUAL TABLE search USING koelectra_index(body, modell='default');
CREATE VIRTUAL TABLE search USING koelectra_index(body, model='default', model='default');
CREATE VIRTUAL TABLE search USING koelectra_index(body, model=);
CREATE VIRTUAL TABLE search USING koelectra_index(body, model='default' x);
CREATE VIRTUAL TABLE search USING koelectra_index(body, model='');
CREATE VIRTUAL TABLE search USING koelectra_index(body, content='');
CREATE VIRTUAL TABLE search USING koelectra_index(body, content_rowid='id');
CREATE VIRTUAL TABLE search USING koelectra_index(body, storage='int8');
CREATE VIRTUAL TABLE search USING koelectra_index(body, storage='tiny');
CREATE VIRTUAL TABLE search USING koelectra_index(k);
CREATE VIRTUAL TABLE search USING koelectra_index(Similarity);
CREATE VIRTUAL TABLE search USING koelectra_index(rowid);
CREATE VIRTUAL TABLE search USING koelectra_index(search);
CREATE VIRTUAL TABLE k USING koelectra_index(body);
CREATE VIRTUAL TABLE search USING koelectra_index(-);
CREATE TABLE search_rows(x);
CREATE VIRTUAL TABLE search USING koelectra_index(body);
SELECT name FROM sqlite_schema;
BEGIN;
CREATE VIRTUAL TABLE search USING koelectra_index(body);
SELECT name FROM sqlite_schema;
COMMIT;
DROP TABLE search_rows;

.print -- INSERT and UPDATE
CREATE VIRTUAL TABLE search USING koelectra_index(body, model='tiny');
INSERT INTO search(rowid, body) VALUES(1, '책'), (2, '문');
INSERT INTO search(rowid, body) VALUES(1, '둘');
INSERT INTO search(rowid, body) VALUES('x', '둘');
INSERT INTO search(rowid, body) VALUES(1.5, '둘');
INSERT INTO search(body) VALUES(x'61');
INSERT INTO search(body, k) VALUES('둘', 3);
INSERT INTO search(body, similarity) VALUES('둘', 0.5);
UPDATE search SET rowid = 2 WHERE rowid = 1;
UPDATE search SET rowid = NULL WHERE rowid = 1;
UPDATE search SET body = x'61' WHERE rowid = 1;
UPDATE search SET search = 'rebuild';
INSERT INTO search(rowid, body) VALUES(1, '둘') ON CONFLICT DO NOTHING;
INSERT INTO search(search) VALUES('tidy');
INSERT INTO search(search) VALUES('REBUILD');
INSERT INTO search(search) VALUES('');
INSERT INTO search(search) VALUES(5);
INSERT INTO search(search, rowid) VALUES('delete', 1);
ALTER TABLE search ADD COLUMN title;
CREATE INDEX i ON search(body);
CREATE TRIGGER t AFTER INSERT ON search BEGIN SELECT 1; END;
ALTER TABLE search RENAME TO body;
CREATE TABLE taken_vectors(x);
ALTER TABLE search RENAME TO taken;
BEGIN;
ALTER TABLE search RENAME TO taken;
COMMIT;
SELECT name FROM sqlite_schema WHERE name LIKE '%info%' OR name LIKE '%vectors%';
INSERT INTO search(body) VALUES('글') RETURNING body;
DELETE FROM search WHERE body = '글' RETURNING body;
DELETE FROM search WHERE body = '글';
INSERT INTO search(search) VALUES('integrity-check');
SELECT rowid, body FROM search;

.print -- queries
SELECT * FROM search WHERE k = 3;
SELECT * FROM search WHERE search MATCH '책' AND k = -1;
SELECT * FROM search WHERE search MATCH '책' AND k = NULL;
SELECT * FROM search WHERE search MATCH '책' AND k = 'many';
SELECT * FROM search WHERE search MATCH '책' AND k = 1.5;
SELECT * FROM search WHERE search MATCH '책' AND search MATCH '문';
SELECT * FROM search WHERE search MATCH '책' OR search MATCH '문';
SELECT * FROM search WHERE NOT search MATCH '책';
SELECT search MATCH '책' FROM search;
SELECT * FROM search WHERE k MATCH '책';
SELECT * FROM search WHERE search MATCH koelectra_vector('[1, 2]');
SELECT * FROM search WHERE search MATCH koelectra_embed('책', 'other');
SELECT * FROM search WHERE search MATCH zeroblob(128);
SELECT * FROM search WHERE search MATCH x'010203';
SELECT * FROM search WHERE search MATCH x'';
SELECT * FROM search WHERE search MATCH CAST(replace(hex(zeroblob(16)), '00', x'0000c07f0000c07f') AS BLOB);
SELECT * FROM search WHERE search MATCH '책' ORDER BY similarities;
SELECT * FROM search WHERE search MATCH '책' AND k IN (1, 2);

.print -- another model under the name, and none
SELECT koelectra_load('tiny', 'tests/reference/bare');
SELECT * FROM search WHERE search MATCH '책';
INSERT INTO search(body) VALUES('글');
SELECT koelectra_unload('tiny');
SELECT * FROM search WHERE search MATCH '책';
INSERT INTO search(body) VALUES('글');
INSERT INTO search(search) VALUES('rebuild');
SELECT body FROM search;
DELETE FROM search WHERE rowid = 2;
SELECT koelectra_load('tiny', 'tests/reference/tiny');
SELECT body FROM search WHERE search MATCH '책';

.print -- shadow tables written to
UPDATE search_info SET value = 5 WHERE key = 'version';
SELECT * FROM search WHERE search MATCH '책';
INSERT INTO search(search) VALUES('rebuild');
UPDATE search_info SET value = 2 WHERE key = 'version';
SELECT * FROM search WHERE search MATCH '책';
UPDATE search_info SET value = 3 WHERE key = 'version';
UPDATE search_chunks SET free = 3;
SELECT body FROM search WHERE search MATCH '책';
INSERT INTO search(body) VALUES('글');
INSERT INTO search(search) VALUES('rebuild');
SELECT body FROM search WHERE search MATCH '책';
DELETE FROM search_content;
SELECT body FROM search;
INSERT INTO search(search) VALUES('integrity-check');
DROP TABLE search_vectors;
SELECT rowid FROM search WHERE search MATCH '책';
DROP TABLE search;
SELECT name FROM sqlite_schema;

.print -- a careful host
CREATE VIRTUAL TABLE search USING koelectra_index(body);
.dbconfig defensive on
DELETE FROM search_rows;
INSERT INTO search(body) VALUES('책');
SELECT body FROM search WHERE search MATCH '책';
DROP TABLE search;
