-- Embeddings and their comparison: koelectra_embed, koelectra_similarity.

SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_load('bare', 'tests/reference/bare');

.print -- a vector of hidden_size float32, of length 1
SELECT typeof(koelectra_embed('책')), length(koelectra_embed('책')), length(koelectra_embed('책', 'bare'));
SELECT round(sum(value * value), 5) FROM json_each(koelectra_vector_json(koelectra_embed('영화가 좋았어요')));
SELECT group_concat(round(value, 3), ' ') FROM json_each(koelectra_vector_json(koelectra_embed('오늘은 아침부터 비가 내려서 창문을 닫았어요.')))
WHERE key < 8;

.print -- what PyTorch gives for the same texts (mean of the tokens, scaled)
CREATE TABLE expected AS
SELECT value ->> 'text' AS text, value ->> 'pair' AS pair, value -> 'mean' AS mean
FROM json_each(CAST(readfile('tests/reference/tiny/expected.json') AS TEXT), '$.cases');
SELECT count(*) > 20 AS texts, min(koelectra_cosine(koelectra_embed(text), koelectra_vector(mean))) > 0.999999 AS agree
FROM expected WHERE pair IS NULL;

.print -- NULL, empty, numbers, invalid UTF-8, NUL characters, ten million bytes
SELECT koelectra_embed(NULL) IS NULL, koelectra_embed(NULL, 'nobody') IS NULL, length(koelectra_embed(''));
SELECT koelectra_embed(35) = koelectra_embed('35'), koelectra_embed('책', 'default') = koelectra_embed('책');
SELECT koelectra_embed(CAST(x'ecb185ff' AS TEXT)) = koelectra_embed('책'), koelectra_embed('책' || char(0)) = koelectra_embed('책');
SELECT koelectra_embed(replace(printf('%.*c', 1000000, 'x'), 'x', '책 문 가 ')) = koelectra_embed(replace(printf('%.*c', 100, 'x'), 'x', '책 문 가 '));

.print -- similarity is the cosine of the embeddings
SELECT round(koelectra_similarity('영화가 좋았어요', '영화가 정말 좋았습니다'), 4), round(koelectra_similarity('영화가 좋았어요', '오늘은 비가 내려서 창문을 닫았어요', 'bare'), 3);
SELECT round(koelectra_similarity('책', '문') - koelectra_cosine(koelectra_embed('책'), koelectra_embed('문')), 5) = 0;
SELECT koelectra_similarity('책', '책') BETWEEN 0.999999 AND 1;
SELECT koelectra_similarity(NULL, '책') IS NULL, koelectra_similarity('책', NULL) IS NULL, koelectra_similarity(NULL, NULL, 'nobody') IS NULL;

.print -- a constant side, of either side, and none give the same
CREATE TABLE review(id INTEGER PRIMARY KEY, body TEXT, other TEXT DEFAULT '영화가 좋았어요');
INSERT INTO review(body) VALUES ('책'), (NULL), ('영화가 정말 좋았습니다'), ('비가 내려요'), ('');
SELECT id, round(koelectra_similarity('영화가 좋았어요', body), 4) AS a, round(koelectra_similarity(body, '영화가 좋았어요'), 4) AS b,
  round(koelectra_similarity(other, body, 'default'), 4) AS c
FROM review ORDER BY a DESC;

.print -- the model of a statement stays when its name goes
SELECT id, length(koelectra_embed(body, 'bare')), iif(id = 1, koelectra_unload('bare'), '') FROM review;

.print -- one statement, ten thousand texts
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT count(*), sum(length(koelectra_embed(i || ' 권'))), sum(koelectra_similarity('5 권', i || ' 권') > 0.9999) > 0 FROM n;

.print -- an expression index and a generated column
CREATE TABLE note(body TEXT, embedding BLOB AS (koelectra_embed(body)) STORED);
CREATE INDEX note_bytes ON note(length(koelectra_embed(body)));
INSERT INTO note VALUES ('책'), (NULL);
SELECT body, embedding = koelectra_embed('책') FROM note;

.print -- errors
SELECT koelectra_embed(x'ecb185');
SELECT koelectra_embed('책', 'nobody');
SELECT koelectra_embed('책', x'ecb185');
SELECT koelectra_embed('책', '');
SELECT koelectra_embed();
SELECT koelectra_embed('책', 'default', 1);
SELECT koelectra_similarity('책');
SELECT koelectra_similarity('책', x'00');
SELECT koelectra_similarity(x'00', '책');
SELECT koelectra_similarity('책', '문', 'nobody');
SELECT koelectra_similarity('책', '문', 'default', 1);
