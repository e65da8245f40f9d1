-- sql/evaluate_naver_ner.sql, over a tiny model of the tests and sentences written for them: its weights are random, and so
-- is which entities it finds.
SELECT koelectra_load('naver-ner', 'tests/reference/heads/entities');
.cd tests/reference/evaluation
.read ../../../sql/evaluate_naver_ner.sql

.print -- every word has a tag, whatever characters it has; entities are where words are
SELECT count(*), sum(length(predicted) - length(replace(predicted, ' ', '')) <> length(label) - length(replace(label, ' ', ''))) FROM prediction;
SELECT count(*), sum(substr(s.text, word.start + 1, word."end" - word.start) LIKE '% %') FROM word JOIN sentence AS s ON s.rowid = word.sentence_id;
SELECT predicted FROM prediction ORDER BY id;
SELECT sentence_id, entity, text FROM entity ORDER BY 1, start;
.print -- the figure of the right tags, and of right tags but for one
SELECT koelectra_entity_f1(label, label), round(koelectra_entity_f1(iif(id = 1, replace(label, 'O LOC-B', 'O DAT-B'), label), label), 4) FROM prediction;
