-- A SELECT labelled and embedded in batches: koelectra_batch.

SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_load('score', 'tests/reference/odd');
SELECT koelectra_load('bare', 'tests/reference/bare');
CREATE TABLE review(id INTEGER PRIMARY KEY, body, reply);
INSERT INTO review VALUES (1, '책', '문'), (2, '문 책 영화', '책'), (3, NULL, '책'), (4, '', NULL), (5, '다시 보고 싶은 영화예요.', ''), (6, 35, 7);

.print -- id, text: as the scalar functions
SELECT id, label, round(score, 3) AS score, length(embedding) AS bytes FROM koelectra_batch('SELECT id, body FROM review');
SELECT b.id, key, round(value, 3) FROM koelectra_batch('SELECT id, body FROM review WHERE id < 3') b, json_each(b.scores);
SELECT count(*) AS rows, sum(b.label IS koelectra_classify(body)) AS labels,
  sum(b.embedding IS koelectra_embed(body)) AS embeddings
FROM koelectra_batch('SELECT id, body FROM review', 'default') b JOIN review r ON r.id = b.id;

.print -- id, text, pair
SELECT id, label, round(score, 3) AS score FROM koelectra_batch('SELECT id, body, reply FROM review');
SELECT count(*) AS rows, sum(b.label IS koelectra_classify_pair(body, reply)) AS labels
FROM koelectra_batch('SELECT id, body, reply FROM review') b JOIN review USING (id);

.print -- the id is any value, as it is, and need not be one
SELECT typeof(id), quote(id), label FROM koelectra_batch('VALUES (1.5, ''책''), (''글'', ''책''), (x''00ff'', ''책''), (NULL, ''책'')');
SELECT b.id ->> 'who' AS who, label FROM koelectra_batch('SELECT json_object(''who'', id), body FROM review WHERE id < 3') b;

.print -- a head with one output, no head, a head of koelectra_fit
SELECT id, label, round(score, 3) AS score, scores LIKE '{"score":%}' AS scores FROM koelectra_batch('SELECT id, body, reply FROM review WHERE id = 1', 'score');
SELECT id, length(embedding) AS bytes FROM koelectra_batch('SELECT id, body FROM review', 'bare');
SELECT label FROM koelectra_batch('SELECT id, body FROM review', 'bare');
CREATE TABLE heads AS SELECT koelectra_fit(body, iif(id % 2, '홀', '짝'), '{"l2": 0.01}') AS head FROM review;
SELECT count(*) AS rows, sum(b.label IS koelectra_classify(body, (SELECT head FROM heads))) AS labels
FROM koelectra_batch('SELECT id, body FROM review', (SELECT head FROM heads)) b JOIN review USING (id);
SELECT label FROM koelectra_batch('SELECT id, body, reply FROM review', (SELECT head FROM heads));

.print -- only counted
SELECT count(*) FROM koelectra_batch('SELECT id, body FROM review', 'bare');
SELECT count(*), count(id), count(label) FROM koelectra_batch('SELECT id, body FROM review WHERE id > 100');

.print -- INSERT, CREATE TABLE AS, UPDATE FROM, DELETE
CREATE TABLE labelled(id, label);
INSERT INTO labelled SELECT id, label FROM koelectra_batch('SELECT id, body FROM review');
SELECT group_concat(id || ' ' || ifnull(label, '-'), ', ') FROM labelled;
CREATE TABLE vectors AS SELECT id, embedding FROM koelectra_batch('SELECT id, body FROM review WHERE body IS NOT NULL');
SELECT count(*), min(length(embedding)), max(length(embedding)) FROM vectors;
ALTER TABLE review ADD COLUMN label;
UPDATE review SET label = b.label FROM koelectra_batch('SELECT id, body FROM review WHERE label IS NULL') b WHERE review.id = b.id;
SELECT group_concat(id || ' ' || ifnull(label, '-'), ', ') FROM review;
DELETE FROM labelled WHERE id IN (SELECT id FROM koelectra_batch('SELECT id, body FROM review') WHERE label = '긍정');
SELECT group_concat(id) FROM labelled;
BEGIN;
INSERT INTO labelled SELECT id, label FROM koelectra_batch('SELECT id, body FROM review');
ROLLBACK;
SELECT count(*) FROM labelled;

.print -- into the table that it reads: the rows are those that were there
CREATE TABLE note(id INTEGER PRIMARY KEY, body);
INSERT INTO note(body) SELECT body FROM review;
INSERT INTO note(body) SELECT label FROM koelectra_batch('SELECT id, body FROM note; -- with a comment');
SELECT count(*), group_concat(ifnull(body, '-'), ', ') FROM note;
DELETE FROM note WHERE id IN (SELECT id FROM koelectra_batch('SELECT id, body FROM note') WHERE label IS NULL);
SELECT count(*) FROM note;

.print -- in joins, in either order, twice, nested, correlated
SELECT count(*) FROM review r JOIN koelectra_batch('SELECT id, body FROM review') b ON b.id = r.id;
SELECT r.id, b.label FROM review r LEFT JOIN koelectra_batch('SELECT id, body FROM review WHERE id < 3') b ON b.id = r.id;
SELECT a.id, a.label = b.label AS same FROM koelectra_batch('SELECT id, body FROM review WHERE id < 3') a
JOIN koelectra_batch('SELECT id, reply FROM review WHERE id < 3') b ON a.id = b.id;
SELECT id FROM koelectra_batch('SELECT id, label FROM koelectra_batch(''SELECT id, body FROM review'')');
CREATE TABLE job(name, sql, model);
INSERT INTO job VALUES ('bodies', 'SELECT id, body FROM review', 'default'), ('replies', 'SELECT id, reply FROM review ORDER BY id DESC', 'score');
SELECT name, group_concat(id) AS ids, count(label) AS labels, count(score) AS scores FROM job, koelectra_batch(job.sql, job.model) GROUP BY name;
SELECT name, (SELECT count(score) FROM koelectra_batch(job.sql) WHERE id > 1) AS scores FROM job;
SELECT sql, model, label FROM koelectra_batch('SELECT 1, ''책''', 'default');
SELECT count(*) FROM koelectra_batch WHERE sql = 'SELECT id, body FROM review' AND model = 'default';

.print -- a million rows, of which some are read
WITH b AS (SELECT id, label FROM koelectra_batch(
  'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT i, i || '' 책'' FROM n') LIMIT 1000)
SELECT count(*), min(id), max(id), count(label) FROM b;
SELECT count(*) FROM koelectra_batch('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i, i FROM n');

.print -- what it reads must be a SELECT of two or three columns
SELECT * FROM koelectra_batch('');
SELECT * FROM koelectra_batch(' /* nothing */ ; ');
SELECT * FROM koelectra_batch('SELECT body FROM review');
SELECT * FROM koelectra_batch('SELECT * FROM review');
SELECT * FROM koelectra_batch('SELECT id, body FROM review;') LIMIT 0;
SELECT * FROM koelectra_batch('SELECT id, body FROM review; DELETE FROM review');
SELECT * FROM koelectra_batch('DELETE FROM review');
SELECT * FROM koelectra_batch('INSERT INTO review(body) VALUES (''책'') RETURNING id, body');
SELECT * FROM koelectra_batch('CREATE TABLE other(x)');
SELECT * FROM koelectra_batch('/* */ PRAGMA database_list');
SELECT count(*) FROM koelectra_batch('; -- a comment' || char(10) || 'SELECT 1, 2; /* and another */ ;; -- end');
SELECT * FROM koelectra_batch('EXPLAIN SELECT id, body FROM review');
SELECT * FROM koelectra_batch('SELECT id, body FROM review WHERE id = ?');
SELECT * FROM koelectra_batch('SELECT id, body FROM review WHERE id = $id');
SELECT count(*) AS rows FROM review;

.print -- errors of the inner SQL
SELECT * FROM koelectra_batch('SELECT id, body FORM review');
SELECT * FROM koelectra_batch('SELECT id, body FROM reviews');
SELECT * FROM koelectra_batch('SELECT id, json(body) FROM review');
SELECT * FROM koelectra_batch('SELECT id, x''ecb185'' FROM review WHERE id > 3');
SELECT * FROM koelectra_batch('SELECT ''다섯'', body, CAST(reply AS BLOB) FROM review');

.print -- texts with NUL characters
SELECT hex(id), label IS koelectra_classify('책' || char(0) || ' 문') AS same FROM koelectra_batch('SELECT char(97, 0, 98), ''책'' || char(0) || '' 문''');

.print -- hidden columns as columns
SELECT sql, model IS NULL AS no_model, count(*) FROM koelectra_batch('SELECT 1, ''책''') GROUP BY 1;
SELECT id FROM koelectra_batch('SELECT 1, ''책''') WHERE sql = 'SELECT 2, ''문''';
SELECT id FROM koelectra_batch WHERE sql LIKE 'SELECT%';
UPDATE koelectra_batch SET id = 1;

.print -- errors of the arguments
SELECT * FROM koelectra_batch;
SELECT * FROM koelectra_batch();
SELECT * FROM koelectra_batch(NULL);
SELECT * FROM koelectra_batch(x'00');
SELECT * FROM koelectra_batch('SELECT 1, 2' || char(0) || 'x');
SELECT * FROM koelectra_batch('SELECT 1, 2', 'nobody');
SELECT * FROM koelectra_batch('SELECT 1, 2', NULL);
SELECT * FROM koelectra_batch('SELECT 1, 2', x'00');
SELECT * FROM koelectra_batch('SELECT 1, 2', 'default', '', 4);
INSERT INTO koelectra_batch(sql) VALUES ('SELECT 1, 2');
CREATE VIRTUAL TABLE other USING koelectra_batch;

.print -- one that reads itself
INSERT INTO job(sql) VALUES ('SELECT 1, b.label FROM job, koelectra_batch(job.sql) b');
SELECT count(b.label) FROM job, koelectra_batch(job.sql) b;

.print -- not in views and triggers of the database; a view of this connection may
CREATE VIEW labels AS SELECT id, label FROM koelectra_batch('SELECT id, body FROM review');
SELECT count(*) FROM labels;
CREATE TRIGGER review_insert AFTER INSERT ON review BEGIN INSERT INTO labelled SELECT id, label FROM koelectra_batch('SELECT id, body FROM review'); END;
INSERT INTO review(body) VALUES ('책');
CREATE TEMP VIEW own_labels AS SELECT id, label FROM koelectra_batch('SELECT id, body FROM review');
SELECT count(*) FROM own_labels;
