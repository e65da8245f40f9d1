-- sql/batch_labelling.sql, over the tests' tiny model: its weights are random, and so are its labels.
SELECT koelectra_load('sentiment', 'tests/reference/tiny');
.read sql/batch_labelling.sql
SELECT id, label IN ('부정', '중립', '긍정'), score BETWEEN 0 AND 1 FROM review;
SELECT count(*), count(label), min(length(embedding)) FROM review_vector;
