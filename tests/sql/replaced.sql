-- Tokens that look replaced, by a discriminator: koelectra_replaced.

SELECT koelectra_load('v3', 'tests/reference/heads/replaced');
SELECT koelectra_load('v3-int8', 'tests/reference/heads/replaced', '{"precision": "int8"}');
.nullvalue NULL
.headers on

SELECT position, token, start, "end", round(probability, 4) AS probability
FROM koelectra_replaced('다시 보고 싶은 영화예요.', 'v3');

.print -- positions and offsets are those of koelectra_tokens
SELECT count(*) AS tokens, min(t.token = r.token AND t.start = r.start AND t."end" = r."end") AS same
FROM koelectra_replaced('사과가 달고 배는 시원했어요.', 'v3') AS r
JOIN koelectra_tokens('사과가 달고 배는 시원했어요.', NULL, 'v3') AS t USING (position);

.print -- a text longer than the model reads: every token, once
CREATE TABLE long(body);
INSERT INTO long SELECT group_concat('음악은 좋았지만 결말이 아쉬웠습니다.', ' ')
FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i FROM n);
SELECT count(*) = json_array_length(koelectra_tokenize(body, 'v3')) AS every_token,
       count(DISTINCT position) = count(*) AS once, min(position) AS first,
       max(r."end") = length(body) AS to_the_end
FROM long, koelectra_replaced(body, 'v3') AS r;

.print -- int8
SELECT count(*) AS tokens, max(abs(a.probability - b.probability)) < 0.1 AS near
FROM koelectra_replaced('다시 보고 싶은 영화예요.', 'v3') AS a
JOIN koelectra_replaced('다시 보고 싶은 영화예요.', 'v3-int8') AS b USING (position);

.print -- joins, NULL, nothing
CREATE TABLE t(id, body);
INSERT INTO t VALUES (1, '책 문'), (2, NULL), (3, ''), (4, '책');
SELECT t.id, count(r.token) AS tokens FROM t LEFT JOIN koelectra_replaced(t.body, 'v3') AS r GROUP BY 1;

.print -- errors
SELECT * FROM koelectra_replaced;
SELECT * FROM koelectra_replaced(x'00', 'v3');
SELECT * FROM koelectra_replaced('책', 'nobody');
SELECT * FROM koelectra_replaced('책');
