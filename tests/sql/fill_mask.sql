-- A generator's words for [MASK]: koelectra_fill_mask.

SELECT koelectra_load('generator', 'tests/reference/heads/fill_mask');
SELECT koelectra_load('generator-int8', 'tests/reference/heads/fill_mask', '{"precision": "int8"}');
.nullvalue NULL
.headers on

.print -- five words, or as many as asked for
SELECT token, round(score, 4) AS score, text, mask, start, "end"
FROM koelectra_fill_mask('산에는 아직 [MASK]이 남아 있어요.', 'generator');
SELECT token FROM koelectra_fill_mask('[MASK]', 'generator', 1);
SELECT count(*) AS words, round(sum(score), 4) AS all_of_them
FROM koelectra_fill_mask('[MASK]', 'generator', 1000);

.print -- several masks: words of each, in its place
SELECT mask, token, text, start, "end"
FROM koelectra_fill_mask('[MASK] 책[MASK] 문', 'generator', 2);
.print -- ## goes on with the word before
SELECT DISTINCT substr(token, 1, 2) = '##' AS goes_on, instr(text, '##') = 0 AS plain
FROM koelectra_fill_mask('책[MASK]', 'generator', 100) ORDER BY 1;

.print -- masks far apart in a text longer than the model reads
CREATE TABLE long(body);
INSERT INTO long SELECT '[MASK] ' || group_concat('음악은 좋았지만 결말이 아쉬웠습니다.', ' ') || ' [MASK].'
FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i FROM n);
SELECT mask, start = 0 AS first, length(body) - "end" AS behind, substr(text, -5) AS last
FROM long, koelectra_fill_mask(body, 'generator', 1);

.print -- int8
SELECT count(*) AS words FROM koelectra_fill_mask('책 [MASK]', 'generator-int8');

.print -- rows that have a mask
CREATE TABLE quiz(id INTEGER PRIMARY KEY, body);
INSERT INTO quiz VALUES (1, '[MASK] 책'), (2, NULL), (3, '책'), (4, '문 [MASK]');
SELECT id, count(*) AS words FROM quiz, koelectra_fill_mask(body, 'generator', 3)
WHERE body LIKE '%[MASK]%' GROUP BY id;
SELECT count(*) AS rows FROM koelectra_fill_mask(NULL, 'generator');

.print -- errors
SELECT * FROM koelectra_fill_mask;
SELECT * FROM koelectra_fill_mask('책', 'generator');
SELECT * FROM koelectra_fill_mask('', 'generator');
SELECT * FROM koelectra_fill_mask('[mask]', 'generator');
SELECT * FROM koelectra_fill_mask(x'00', 'generator');
SELECT * FROM koelectra_fill_mask('[MASK]', 'generator', 0);
SELECT * FROM koelectra_fill_mask('[MASK]', 'generator', 1001);
SELECT * FROM koelectra_fill_mask('[MASK]', 'generator', 1.5);
SELECT * FROM koelectra_fill_mask('[MASK]', 'nobody');
SELECT * FROM koelectra_fill_mask('[MASK]');
SELECT koelectra_classify('[MASK]', 'generator');
