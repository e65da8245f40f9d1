-- Extractive question answering: koelectra_answers.

SELECT koelectra_load('qa', 'tests/reference/heads/answers');
SELECT koelectra_load('qa-int8', 'tests/reference/heads/answers', '{"precision": "int8"}');
.nullvalue NULL
.headers on

.print -- the best answer, and the three best
SELECT answer, round(score, 4) AS score, start, "end", round(logit, 3) AS logit,
       round(no_answer, 3) AS no_answer
FROM koelectra_answers('도서관은 언제 닫아요?', '우리 동네 도서관은 월요일에 문을 닫습니다.', 'qa');
SELECT answer, round(score, 4) AS score FROM koelectra_answers(
  '도서관은 언제 닫아요?', '우리 동네 도서관은 월요일에 문을 닫습니다.', 'qa', 3);

.print -- shorter ones
SELECT answer FROM koelectra_answers(
  '도서관은 언제 닫아요?', '우리 동네 도서관은 월요일에 문을 닫습니다.', 'qa', 3, 2);
SELECT count(*) AS spans, round(sum(score), 6) AS all_of_them
FROM koelectra_answers('언제?', '책 문 책', 'qa', 1000);
SELECT count(*) AS tokens FROM koelectra_answers('언제?', '책 문 책') WHERE model = 'qa' AND k = 1000
  AND max_answer_length = 1;

.print -- offsets cut the context, also far in it; windows of another stride find the same words
CREATE TABLE page(id INTEGER PRIMARY KEY, body);
INSERT INTO page SELECT 1, group_concat('음악은 좋았지만 결말이 아쉬웠습니다.', ' ')
FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i FROM n);
INSERT INTO page VALUES (2, '우리 동네 도서관은 월요일에 문을 닫습니다.'), (3, NULL), (4, ' ');
SELECT count(*) AS answers, min(a.answer = substr(body, start + 1, a."end" - start)) AS offsets,
       max(start) > 100 AS far
FROM page, koelectra_answers('언제?', body, 'qa', 100) AS a WHERE id = 1;
SELECT count(*) AS answers, min(logit) <= max(logit) AS ranked
FROM page, koelectra_answers('언제?', body, 'qa', 20, 30, 5) AS a WHERE id = 1;

.print -- the page that answers best
SELECT p.id, a.answer FROM page AS p, koelectra_answers('도서관은 언제 닫아요?', p.body, 'qa') AS a
ORDER BY a.logit DESC;
SELECT question, model, k, max_answer_length, doc_stride FROM koelectra_answers('책', '문', 'qa', 1);

.print -- int8
SELECT answer FROM koelectra_answers('도서관은 언제 닫아요?', '책 문', 'qa-int8');

.print -- NULL, nothing, a question of nothing
SELECT count(*) AS rows FROM koelectra_answers(NULL, '책', 'qa');
SELECT count(*) AS rows FROM koelectra_answers('책', NULL, 'qa');
SELECT count(*) AS rows FROM koelectra_answers('책', '', 'qa');
SELECT count(*) AS rows FROM koelectra_answers('', '책', 'qa');
SELECT count(*) AS rows FROM koelectra_answers('책', '책', 'qa', NULL, NULL, NULL);

.print -- errors
SELECT * FROM koelectra_answers;
SELECT * FROM koelectra_answers('책');
SELECT * FROM koelectra_answers(x'00', '책', 'qa');
SELECT * FROM koelectra_answers('책', x'00', 'qa');
SELECT * FROM koelectra_answers('책', '책', 'qa', 0);
SELECT * FROM koelectra_answers('책', '책', 'qa', 1001);
SELECT * FROM koelectra_answers('책', '책', 'qa', 'many');
SELECT * FROM koelectra_answers('책', '책', 'qa', -1);
SELECT * FROM koelectra_answers('책', '책', 'qa', 1, 0);
SELECT * FROM koelectra_answers('책', '책', 'qa', 1, 30, 0);
SELECT * FROM koelectra_answers('책', '책', 'nobody');
SELECT * FROM koelectra_answers('책', '책');
SELECT koelectra_embed('책', 'qa') IS NOT NULL AS embeds;
SELECT koelectra_scores('책', 'qa');
