-- sql/evaluate_hate_speech.sql, over a tiny model of the tests and sentences written for them: its weights are random, and so
-- is what it says of them.
SELECT koelectra_load('hate-speech', 'tests/reference/tiny');
CREATE TABLE label_name(predicted TEXT PRIMARY KEY, label TEXT);
INSERT INTO label_name VALUES ('부정', 'hate'), ('중립', 'offensive'), ('긍정', 'none');
.cd tests/reference/evaluation
.read ../../../sql/evaluate_hate_speech.sql

.print -- all rows are read, quotes as they stand, and every label has a name
SELECT (SELECT count(*) FROM comment) AS read, count(*), sum(predicted NOT IN ('none', 'offensive', 'hate') OR label NOT IN ('none', 'offensive', 'hate')) FROM prediction;
SELECT text FROM comment WHERE text LIKE '"%' OR text LIKE '% "%' ORDER BY 1;
.print -- the figure in plain SQL
SELECT round(100 * avg(predicted = label), 2) FROM prediction;
SELECT round(100 * avg(f1), 2) FROM (
  SELECT 2.0 * sum(predicted = name AND label = name) / (sum(predicted = name) + sum(label = name)) AS f1
  FROM prediction, (SELECT label AS name FROM prediction UNION SELECT predicted FROM prediction) GROUP BY name);
.print -- two heads
SELECT koelectra_load('hate-speech', '../heads/hate_speech');
SELECT koelectra_f1(koelectra_classify_pair(text, title, 'hate-speech', 'hate'), hate),
       koelectra_f1(koelectra_classify_pair(text, title, 'hate-speech', 'bias'), bias) FROM comment;
