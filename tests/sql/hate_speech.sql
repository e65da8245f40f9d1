-- Classifiers with two heads, and those of one layer, as the hub has them.

SELECT koelectra_load('hate-speech', 'tests/reference/heads/hate_speech');
SELECT koelectra_load('old', 'tests/reference/heads/one_layer');
SELECT koelectra_load('sts', 'tests/reference/odd');
.nullvalue NULL
.headers on

.print -- both heads, and one of them
SELECT fullkey, round(atom, 3) FROM json_tree(koelectra_scores('영화가 좋았어요.', 'hate-speech'))
WHERE atom IS NOT NULL;
SELECT key, round(value, 3) FROM json_each(koelectra_scores('영화가 좋았어요.', 'hate-speech', 'bias'));
SELECT koelectra_classify('영화가 좋았어요.', 'hate-speech', 'bias') AS bias,
       koelectra_classify('영화가 좋았어요.', 'hate-speech', 'hate') AS hate,
       round(koelectra_score('영화가 좋았어요.', 'hate-speech', 'hate'), 4) AS score;
SELECT koelectra_scores('영화가 좋았어요.', 'hate-speech') ->> '$.hate.offensive' < 0.1 AS path;

.print -- comment and title, as the reference pairs them
SELECT koelectra_classify_pair('영화가 좋았어요.', '영화', 'hate-speech', 'hate') AS hate,
       round(koelectra_score_pair('영화가 좋았어요.', '영화', 'hate-speech', 'bias'), 4) AS score,
       koelectra_scores_pair('영화가 좋았어요.', '영화', 'hate-speech', 'hate') ->> 'hate' > 0.9 AS scores;
SELECT koelectra_scores_pair('영화가 좋았어요.', NULL, 'hate-speech') AS scores;

.print -- in batches: of one head, or the scores of both
CREATE TABLE comment(id INTEGER PRIMARY KEY, body, title);
INSERT INTO comment VALUES (1, '영화가 좋았어요.', '영화'), (2, NULL, '책'), (3, '두 시간이 아까웠어요...', '영화');
SELECT id, label, round(score, 4) AS score, round(scores ->> 'hate', 4) AS scores
FROM koelectra_batch('SELECT id, body, title FROM comment', 'hate-speech', 'hate');
SELECT id, label, score, round(scores ->> '$.bias.none', 3) AS bias, round(scores ->> '$.hate.hate', 3) AS hate
FROM koelectra_batch('SELECT id, body FROM comment', 'hate-speech');
SELECT min(b.label = koelectra_classify_pair(c.body, c.title, 'hate-speech', 'bias')) AS same_labels,
       min(b.score = koelectra_score_pair(c.body, c.title, 'hate-speech', 'bias')) AS same_scores
FROM koelectra_batch('SELECT id, body, title FROM comment', 'hate-speech', 'bias') AS b JOIN comment AS c USING (id);

.print -- one layer on [CLS], as of transformers before 2.10
SELECT koelectra_classify('영화가 좋았어요.', 'old') AS label,
       round(koelectra_score('영화가 좋았어요.', 'old'), 4) AS score,
       round(koelectra_scores('영화가 좋았어요.', 'old') ->> 'negative', 4) AS scores;

.print -- regression: a REAL, and the same in batches
SELECT typeof(koelectra_score_pair('비가 온다', '비가 내린다', 'sts')) AS type,
       koelectra_score_pair('비가 온다', '비가 내린다', 'sts') - b.score AS difference,
       b.label
FROM koelectra_batch('SELECT 1, ''비가 온다'', ''비가 내린다''', 'sts') AS b;
SELECT koelectra_score(NULL, 'sts') AS score, koelectra_score_pair('책', NULL, 'sts') AS pair;

.print -- the score of the built-in kind: of the label
SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_classify('책') AS label, round(koelectra_score('책'), 4) AS score,
       koelectra_scores('책', 'default', '') = koelectra_scores('책') AS unnamed;

.print -- errors
SELECT koelectra_classify('책', 'hate-speech');
SELECT koelectra_score('책', 'hate-speech');
SELECT koelectra_classify('책', 'hate-speech', 'love');
SELECT koelectra_scores('책', 'hate-speech', 'love');
SELECT koelectra_classify('책', 'default', 'hate');
SELECT koelectra_classify('책', 'hate-speech', x'68');
SELECT koelectra_classify('책', 'sts');
SELECT koelectra_score('책', 'nobody');
SELECT id, label FROM koelectra_batch('SELECT 1, ''책''', 'hate-speech', 'love');
