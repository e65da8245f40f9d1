-- sql/few_labels.sql, over the tests' tiny model: its weights are random, and so are its guesses.
SELECT koelectra_load('default', 'tests/reference/tiny');
.output /dev/null
.read sql/few_labels.sql
.output
SELECT count(*), count(guess), min(score) > 0, max(score) < 1 FROM review WHERE id > 200 AND topic IS NOT NULL;
SELECT count(guess), count(score) FROM review WHERE id <= 200;
SELECT count(*) = 0 AS all_known FROM review WHERE guess NOT IN (SELECT topic FROM review WHERE id <= 200);
SELECT guess IS NOT NULL, score IS NULL FROM review WHERE topic IS NULL;
