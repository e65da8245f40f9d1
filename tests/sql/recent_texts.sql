-- Texts are encoded once: for all functions of a row, for rows that repeat them.  What is remembered is never another
-- text's, another model's, or an error.

SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_load('cls', 'tests/reference/tiny', '{"pooling": "cls"}');
SELECT koelectra_load('short', 'tests/reference/tiny', '{"max_length": 8}');
CREATE TABLE review(id INTEGER PRIMARY KEY, body, reply);
INSERT INTO review VALUES (1, '책', '문'), (2, '문', '책'), (3, '책', '문'), (4, '책 문', ''), (5, '', '책 문'), (6, NULL, '책'),
  (7, '다시 보고 싶은 영화예요. 책 문 영화', '책'), (8, 35, '35'), (9, '35', 35), (10, '책' || char(0) || '문', '책');

.print -- several functions of a row, in any order, with several models
SELECT id, koelectra_classify(body) AS label, round(koelectra_scores(body) ->> '긍정', 3) AS positive, round(koelectra_similarity(body, '책'), 3) AS book,
  koelectra_embed(body) = koelectra_embed(body, 'cls') AS cls, koelectra_embed(body) = koelectra_embed(body, 'short') AS short FROM review;
SELECT id, round(koelectra_similarity('책', body), 3) AS book, round(koelectra_scores(body) ->> '긍정', 3) AS positive, koelectra_classify(body) AS label
FROM review ORDER BY id DESC;

.print -- a pair is not its texts, nor the pair the other way round
SELECT id, round(koelectra_scores_pair(body, reply) ->> '긍정', 3) AS pair, round(koelectra_scores_pair(reply, body) ->> '긍정', 3) AS turned,
  round(koelectra_scores(body) ->> '긍정', 3) AS body, round(koelectra_scores(reply) ->> '긍정', 3) AS reply FROM review;

.print -- the same bits, first computed or remembered
SELECT count(*) AS rows, sum(a.v IS b.v) AS equal FROM (SELECT id, koelectra_embed(body) AS v FROM review) a
JOIN (SELECT id, koelectra_embed(body) AS v FROM review ORDER BY id DESC) b USING (id);

.print -- many values: some are forgotten, none is confused
CREATE TABLE many AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999) SELECT i, i % 700 || ' 권' AS body FROM n;
CREATE TABLE vectors AS SELECT i, body, koelectra_embed(body) AS v FROM many;
SELECT count(*) AS rows, count(DISTINCT body) AS bodies, count(DISTINCT v) AS vectors, count(DISTINCT body || hex(v)) AS both FROM vectors;
SELECT count(*) AS rows, sum(koelectra_embed(body) = v) AS equal FROM vectors WHERE i % 3 = 0;

.print -- another model under the name, in one statement and after it
SELECT length(koelectra_embed('책')) AS bytes, koelectra_load('default', 'tests/reference/odd') AS loaded, length(koelectra_embed('책')) AS bytes_then;
SELECT length(koelectra_embed('책')) AS bytes, koelectra_scores('책') LIKE '{"score":%' AS one_output;
SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT length(koelectra_embed('책')) AS bytes, koelectra_scores('책') LIKE '{"score":%' AS one_output;

.print -- forgotten with its model, although it was asked a moment ago
SELECT koelectra_load('m', 'tests/reference/tiny'), koelectra_classify('책', 'm');
SELECT koelectra_classify('책', 'm') IS NOT NULL, koelectra_unload('m');
SELECT koelectra_classify('책', 'm');
SELECT koelectra_load('m', 'tests/reference/bare');
SELECT koelectra_classify('책', 'm');
SELECT koelectra_classify('책', 'm');
SELECT length(koelectra_embed('책', 'm'));
SELECT koelectra_load('m', 'tests/reference/tiny');
SELECT koelectra_classify('책', 'm');

.print -- settings of the process change no answer
SELECT koelectra_config('threads', 1), hex(koelectra_embed('책')) = (SELECT hex(koelectra_embed(body)) FROM review WHERE id = 1) AS equal;
SELECT koelectra_config('threads', 3), hex(koelectra_embed('책')) = (SELECT hex(koelectra_embed(body)) FROM review WHERE id = 1) AS equal;
