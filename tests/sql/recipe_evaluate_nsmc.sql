-- sql/evaluate_nsmc.sql, over a tiny model of the tests and sentences written for them: its weights are random, and so
-- is what it says of them.
SELECT koelectra_load('nsmc', 'tests/reference/tiny');
CREATE TABLE label_name(predicted TEXT PRIMARY KEY, label TEXT);
INSERT INTO label_name VALUES ('부정', '0'), ('중립', '1'), ('긍정', '1');
.cd tests/reference/evaluation
.read ../../../sql/evaluate_nsmc.sql

.print -- all rows are read, quotes as they stand, and every label has a name
SELECT (SELECT count(*) FROM review) AS read, count(*), sum(predicted NOT IN ('0', '1') OR label NOT IN ('0', '1')) FROM prediction;
SELECT document FROM review WHERE document LIKE '"%' OR document LIKE '% "%' ORDER BY 1;
.print -- the figure in plain SQL
SELECT round(100 * avg(predicted = label), 2) FROM prediction;
