-- Named entities: koelectra_entities.

SELECT koelectra_load('ner', 'tests/reference/heads/entities');
SELECT koelectra_load('ner-token', 'tests/reference/heads/entities', '{"aggregation": "token"}');
SELECT koelectra_load('ner-int8', 'tests/reference/heads/entities', '{"precision": "int8"}');
.nullvalue NULL
.headers on

.print -- words: each has the label of its first token
SELECT entity, text, round(score, 4) AS score, start, "end"
FROM koelectra_entities('기차가 20분 늦게 도착해서 회의에 늦었습니다.', 'ner');

.print -- tokens
SELECT entity, text, round(score, 4) AS score, start, "end"
FROM koelectra_entities('기차가 20분 늦게 도착해서', 'ner-token');

.print -- offsets cut the text; white space of any kind ends a word
SELECT e.text = substr(input, start + 1, e."end" - start) AS same, e.text, e.start
FROM koelectra_entities('  두' || char(9) || '시간이' || char(10, 12288) || '아까웠어요...', 'ner') AS e;

.print -- a text longer than the model reads (40 tokens): all of it, in windows
CREATE TABLE long(body);
INSERT INTO long SELECT group_concat('음악은 좋았지만 결말이 아쉬웠습니다.', ' ')
FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i FROM n);
SELECT count(*) > 40 AS many, max(e."end") = length(body) AS to_the_end,
       min(e.text = substr(body, start + 1, e."end" - start)) AS offsets
FROM long, koelectra_entities(body, 'ner') AS e;
SELECT count(*) FROM long, koelectra_entities(body, 'ner') AS e, koelectra_entities(body, 'ner') AS f
WHERE e.start = f.start AND e."end" <> f."end";

.print -- int8
SELECT entity, text FROM koelectra_entities('우리 동네 도서관은', 'ner-int8');

.print -- joins, in either order
CREATE TABLE news(id INTEGER PRIMARY KEY, body);
INSERT INTO news VALUES (1, '우리 동네'), (2, NULL), (3, '월요일에'), (4, ''), (5, '   ');
SELECT n.id, e.entity, e.text FROM news AS n, koelectra_entities(n.body, 'ner') AS e;
SELECT n.id, count(e.entity) AS entities
FROM news AS n LEFT JOIN koelectra_entities AS e ON e.input = n.body AND e.model = 'ner' GROUP BY 1;
SELECT id, (SELECT group_concat(text, '/') FROM koelectra_entities(body, 'ner')) AS entities FROM news;
SELECT input, model, rowid FROM koelectra_entities('우리 동네', 'ner');

.print -- NULL, nothing, numbers, invalid UTF-8, NUL characters
SELECT count(*) AS rows FROM koelectra_entities(NULL, 'ner');
SELECT count(*) AS rows FROM koelectra_entities('', 'ner');
SELECT count(*) >= 0 AS rows FROM koelectra_entities(20, 'ner');
SELECT start >= 0 AS rows FROM koelectra_entities(CAST(x'ff20ec9ab0eba6ac' AS TEXT), 'ner') LIMIT 1;
SELECT start >= 0 AS rows FROM koelectra_entities(char(0) || '우리' || char(0), 'ner') LIMIT 1;

.print -- errors
SELECT * FROM koelectra_entities;
SELECT * FROM koelectra_entities(x'00', 'ner');
SELECT * FROM koelectra_entities('책', 'nobody');
SELECT * FROM koelectra_entities('책', NULL);
SELECT * FROM koelectra_entities('책');
SELECT koelectra_classify('책', 'ner');
SELECT label FROM koelectra_batch('SELECT 1, ''책''', 'ner');
SELECT koelectra_load('x', 'tests/reference/heads/entities', '{"aggregation": "sentence"}');

.print -- what each model is for
SELECT name, architecture, task, labels, loaded FROM koelectra_models WHERE name LIKE 'ner%';
