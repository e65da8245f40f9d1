-- KorQuAD 1.0, as in KoELECTRA's README: exact match and character F1 of answers to 5 774 questions.
--
-- The model is a directory fine-tuned from KoELECTRA on KorQuAD_v1.0_train.json.
--
--   sqlite3
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('korquad', '/models/koelectra-small-v3-korquad', '{"max_length": 512}');
--   sqlite> .read sql/evaluate_korquad.sql
--
-- Data: korquad/KorQuAD_v1.0_dev.json, in the folder where the shell runs (or .cd there):
-- https://korquad.github.io/category/1.0_KOR.html.

-- A question may have several right answers: a JSON array of them.
CREATE TABLE question AS
SELECT json_extract(question.value, '$.id') AS id,
       json_extract(article.value, '$.title') AS title,
       json_extract(paragraph.value, '$.context') AS context,
       json_extract(question.value, '$.question') AS question,
       (SELECT json_group_array(json_extract(value, '$.text')) FROM json_each(question.value, '$.answers')) AS answers
FROM json_each(CAST(readfile('korquad/KorQuAD_v1.0_dev.json') AS TEXT), '$.data') AS article,
     json_each(article.value, '$.paragraphs') AS paragraph,
     json_each(paragraph.value, '$.qas') AS question;

-- Windows of the model's length, one each 128 tokens, answers of at most 30: the reference's numbers,
-- which are those of koelectra_answers.  (Its own columns are named question and context too: write q.)
CREATE TABLE prediction AS
SELECT id, (SELECT answer FROM koelectra_answers(q.question, q.context, 'korquad')) AS predicted, answers
FROM question AS q;

-- No answer is a wrong one: NULL would not count.
SELECT count(*) AS questions,
       round(100 * koelectra_exact_match(coalesce(predicted, ''), answers), 2) AS exact_match,
       round(100 * koelectra_character_f1(coalesce(predicted, ''), answers), 2) AS f1
FROM prediction;

-- Answers that have least in common with the right ones.
SELECT question, answers, predicted FROM prediction JOIN question USING (id, answers)
GROUP BY id ORDER BY koelectra_character_f1(coalesce(predicted, ''), answers), id LIMIT 5;
