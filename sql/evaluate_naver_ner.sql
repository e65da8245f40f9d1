-- Naver NER, as in KoELECTRA's README: F1 over entities of 9 000 sentences, as seqeval counts them.
--
-- The model is a directory fine-tuned from KoELECTRA on naver-ner/train.tsv, with labels like PER-B.
-- The reference reads 128 tokens of a sentence and forgets the words beyond; here they count.
--
--   sqlite3
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('naver-ner', '/models/koelectra-small-v3-naver-ner', '{"aggregation": "word"}');
--   sqlite> .read sql/evaluate_naver_ner.sql
--
-- Data: naver-ner/test.tsv, in the folder where the shell runs (or .cd there):
-- https://github.com/monologg/KoELECTRA, folder finetune/data; from https://github.com/naver/nlp-challenge.

CREATE TABLE sentence(text TEXT, tags TEXT);

-- In this mode quotes are characters like others, as the data has them.
.mode ascii
.separator "\t" "\n"
.import naver-ner/test.tsv sentence
.mode list
.separator "|" "\n"

-- Words are what single spaces separate, and each has a tag.
CREATE TABLE word AS
SELECT sentence.rowid AS sentence_id, word.key AS position,
       sum(length(word.value) + 1) OVER (PARTITION BY sentence.rowid ORDER BY word.key) - length(word.value) - 1 AS start,
       sum(length(word.value) + 1) OVER (PARTITION BY sentence.rowid ORDER BY word.key) - 1 AS "end"
FROM sentence, json_each('["' || replace(replace(replace(sentence.text, '\', '\\'), '"', '\"'), ' ', '","') || '"]') AS word;
CREATE INDEX word_of_sentence ON word(sentence_id);

CREATE TABLE entity AS
SELECT sentence.rowid AS sentence_id, e.entity, e.text, e.start, e."end"
FROM sentence, koelectra_entities(sentence.text, 'naver-ner') AS e;
CREATE INDEX entity_of_sentence ON entity(sentence_id, start);

-- Entities as tags: B where one begins, I where it goes on, O outside.
CREATE TABLE prediction AS
SELECT sentence.rowid AS id, sentence.tags AS label, (
  SELECT group_concat(tag, ' ') FROM (
    SELECT coalesce((
      SELECT entity || iif(entity.start >= word.start, '-B', '-I') FROM entity
      WHERE entity.sentence_id = word.sentence_id AND entity.start < word."end" AND entity."end" > word.start
      ORDER BY entity.start LIMIT 1), 'O') AS tag
    FROM word WHERE word.sentence_id = sentence.rowid ORDER BY word.position)) AS predicted
FROM sentence;

SELECT count(*) AS sentences, round(100 * koelectra_entity_f1(predicted, label), 2) AS f1 FROM prediction;

-- What it finds most.
SELECT entity, count(*) AS entities, count(DISTINCT text) AS different FROM entity GROUP BY entity ORDER BY entities DESC, entity;
