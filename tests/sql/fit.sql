-- A head of one's own: koelectra_fit, and its BLOB wherever a model name goes.

SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_load('bare', 'tests/reference/bare');

CREATE TABLE review(id INTEGER PRIMARY KEY, body TEXT, topic TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 240)
INSERT INTO review(body, topic) SELECT
  CASE i % 4 WHEN 0 THEN '비가 ' || i || '번 내려요' WHEN 1 THEN '책 ' || i || '권' ELSE i || ' 영화가 좋았어요' END,
  CASE i % 4 WHEN 0 THEN '날씨' WHEN 1 THEN '책' ELSE '영화' END FROM n;

.print -- fitted to 60 rows, kept in a table, used for the rest
CREATE TABLE heads(name TEXT PRIMARY KEY, head BLOB);
INSERT INTO heads SELECT 'topic', koelectra_fit(body, topic) FROM review WHERE id <= 60;
SELECT name, typeof(head), length(head), substr(head, 1, 4) = CAST('KOEH' AS BLOB) FROM heads;
SELECT topic, count(*) AS rows, sum(koelectra_classify(body, (SELECT head FROM heads WHERE name = 'topic')) = topic) AS correct
FROM review WHERE id > 60 GROUP BY topic;
SELECT key, value > 0.5 FROM heads, json_each(koelectra_scores('책 999권', head));
SELECT round(sum(value), 5) FROM heads, json_each(koelectra_scores('비가 0번 내려요', head));

.print -- of a head, functions that need none use the encoder
SELECT koelectra_embed('책', head) = koelectra_embed('책'), koelectra_similarity('책', '문', head) = koelectra_similarity('책', '문') FROM heads;
SELECT koelectra_tokenize('책 문', head), koelectra_token_ids('책 문', head) FROM heads;
SELECT group_concat(token) FROM heads, koelectra_tokens('책 문', NULL, head);

.print -- labels are sorted; a number is its text; NULL texts and labels are skipped
SELECT group_concat(key) FROM json_each(koelectra_scores('책',
  (SELECT koelectra_fit(column1, column2) FROM (VALUES ('책', 10), ('문', '9'), ('강', 2.5), (NULL, 'x'), ('책', NULL), ('책', '10')))));

.print -- options
SELECT koelectra_scores('책 999권', koelectra_fit(body, topic, '{"l2": 1e9}')) ->> '영화' BETWEEN 0.4 AND 0.6 AS share FROM review;
SELECT round(koelectra_scores('책 999권', koelectra_fit(body, topic, '{"l2": 1e9, "class_weight": "balanced"}')) ->> '영화', 3) FROM review;
SELECT koelectra_fit(body, topic, '{"class_weight": "none"}') = koelectra_fit(body, topic) AND koelectra_fit(body, topic, NULL) = koelectra_fit(body, topic, '{}') FROM review;
SELECT length(koelectra_fit(body, topic, '{"model": "bare"}')) - length(koelectra_fit(body, topic, '{"model": "default"}')) = -3 * (32 - 24) * 4 - 4 FROM review;

.print -- groups, DISTINCT and FILTER are those of any aggregate
SELECT id % 2, koelectra_classify('책 999권', koelectra_fit(body, topic)) FROM review GROUP BY 1;
SELECT koelectra_fit(body, topic) FILTER (WHERE id <= 60) = (SELECT head FROM heads) FROM review;

.print -- the same in every order of the rows
SELECT max(abs((koelectra_scores(r.body, a) ->> '책') - (koelectra_scores(r.body, head) ->> '책'))) < 1e-4
FROM review r, heads, (SELECT koelectra_fit(body, topic) AS a FROM (SELECT * FROM review WHERE id <= 60 ORDER BY id * 37 % 61));

.print -- views and triggers may use it
CREATE VIEW guess AS SELECT id, koelectra_classify(body, (SELECT head FROM heads WHERE name = 'topic')) AS topic FROM review;
CREATE TRIGGER fill AFTER INSERT ON review WHEN new.topic IS NULL BEGIN
  UPDATE review SET topic = (SELECT topic FROM guess WHERE id = new.id) WHERE id = new.id;
END;
INSERT INTO review(body) VALUES ('책 1000권') RETURNING id;
SELECT id, topic FROM review WHERE id > 240;
PRAGMA trusted_schema = OFF;
SELECT count(topic) FROM guess;

.print -- nothing to learn from
SELECT koelectra_fit(body, topic) FROM review WHERE 0;
SELECT koelectra_fit(body, NULL) FROM review;
SELECT koelectra_fit(NULL, topic) FROM review;
SELECT koelectra_fit(body, topic) FROM review WHERE topic = '책';
SELECT koelectra_fit(body, id * 1000 + n.value) FROM review, generate_series(1, 60) AS n;

.print -- wrong arguments
SELECT koelectra_fit(x'ecb185', topic) FROM review;
SELECT koelectra_fit(body, x'ecb185') FROM review;
SELECT koelectra_fit(body, topic || char(0)) FROM review;
SELECT koelectra_fit(body, printf('%.*c', 2000, 'x')) FROM review;
SELECT koelectra_fit(body) FROM review;
SELECT koelectra_fit(body, topic) OVER () FROM review;

.print -- wrong options
SELECT koelectra_fit(body, topic, '{"L2": 1}') FROM review;
SELECT koelectra_fit(body, topic, '{"l2": 0}') FROM review;
SELECT koelectra_fit(body, topic, '{"l2": "1"}') FROM review;
SELECT koelectra_fit(body, topic, '{"class_weight": "equal"}') FROM review;
SELECT koelectra_fit(body, topic, '{"model": 1}') FROM review;
SELECT koelectra_fit(body, topic, '{"model": "nobody"}') FROM review;
SELECT koelectra_fit(body, topic, '[1]') FROM review;
SELECT koelectra_fit(body, topic, '{"l2": 1') FROM review;
SELECT koelectra_fit(body, topic, x'7b7d') FROM review;

.print -- what is no head, a damaged one, one of another encoder
SELECT koelectra_classify('책', x'');
SELECT koelectra_scores('책', x'00');
SELECT koelectra_embed('책', koelectra_embed('책'));
SELECT koelectra_classify('책', substr(head, 1, 100)) FROM heads;
SELECT koelectra_classify('책', CAST(substr(head, 1, length(head) - 1) || x'7f' AS BLOB)) FROM heads;
SELECT koelectra_classify('책', CAST(head || x'00' AS BLOB)) FROM heads;
SELECT koelectra_classify_pair('책', '문', head) FROM heads;
SELECT koelectra_load('default', 'tests/reference/bare');
SELECT koelectra_classify('책', head) FROM heads;
SELECT koelectra_load('default', 'tests/reference/tiny'), koelectra_load('other', 'tests/reference/tiny');
CREATE TABLE orphan AS SELECT koelectra_fit(body, topic, '{"model": "other"}') AS head FROM review;
SELECT koelectra_unload('other');
SELECT koelectra_classify('책', head) FROM orphan;
SELECT count(koelectra_classify(body, head)) FROM review, heads;
