-- sql/evaluate_korsts.sql, over a tiny model of the tests and sentences written for them: its weights are random, and so
-- is how similar it finds them.
SELECT koelectra_load('korsts', 'tests/reference/odd');
.cd tests/reference/evaluation
.read ../../../sql/evaluate_korsts.sql

.print -- all rows are read, and the correlation is that of the ranks
SELECT (SELECT count(*) FROM pair) AS read, count(predicted), min(typeof(score)), max(score) FROM prediction;
SELECT round(100 * koelectra_pearson(a, b), 2) FROM (
  SELECT rank() OVER (ORDER BY predicted) AS a, rank() OVER (ORDER BY score) AS b FROM prediction);
SELECT round(koelectra_spearman(koelectra_similarity(sentence1, sentence2, 'korsts'), score), 4) FROM pair;
