-- Labels and their probabilities: koelectra_classify, koelectra_scores, and both for pairs.

SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_load('score', 'tests/reference/odd');
SELECT koelectra_load('bare', 'tests/reference/bare');

.print -- the label of the largest output, the probabilities of all, in the order of their ids
SELECT koelectra_classify('책'), koelectra_classify('다시 보고 싶은 영화예요.', 'default');
SELECT key, round(value, 3) FROM json_each(koelectra_scores('다시 보고 싶은 영화예요.'));
SELECT round(sum(value), 5) FROM json_each(koelectra_scores('책', 'default'));
SELECT koelectra_classify_pair('책', '문'), koelectra_classify_pair('책', '문', 'default');
SELECT key, round(value, 3) FROM json_each(koelectra_scores_pair('책', '문'));
SELECT key, round(value, 3) FROM json_each(koelectra_scores_pair('문', '책'));

.print -- what PyTorch gives for the same texts
CREATE TABLE expected AS
SELECT value ->> 'text' AS text, value ->> 'pair' AS pair, value -> 'probabilities' AS probabilities
FROM json_each(CAST(readfile('tests/reference/tiny/expected.json') AS TEXT), '$.cases');
CREATE TABLE computed AS
SELECT text, pair, probabilities, iif(pair IS NULL, koelectra_scores(text), koelectra_scores_pair(text, pair)) AS scores,
  iif(pair IS NULL, koelectra_classify(text), koelectra_classify_pair(text, pair)) AS label FROM expected;
SELECT pair IS NULL AS single, count(*) > 5 AS texts,
  max(abs((scores ->> '부정') - (probabilities ->> 0)), abs((scores ->> '중립') - (probabilities ->> 1)),
    abs((scores ->> '긍정') - (probabilities ->> 2))) < 1e-4 AS agree
FROM computed GROUP BY 1, 3;
SELECT count(*) = 0 AS none_differs FROM computed
WHERE label <> (SELECT key FROM json_each(scores) ORDER BY value DESC LIMIT 1);

.print -- a head with one output
SELECT koelectra_scores('책', 'score') LIKE '{"score":%}', round(koelectra_scores_pair('책', '문', 'score') ->> 'score', 3);
SELECT koelectra_classify('책', 'score');
SELECT koelectra_classify_pair('책', '문', 'score');

.print -- no head
SELECT koelectra_classify('책', 'bare');
SELECT koelectra_scores_pair('책', '문', 'bare');

.print -- JSON functions nest the scores
SELECT json_type(json_array(koelectra_scores('책')), '$[0]');

.print -- NULL, empty, numbers, invalid UTF-8, NUL characters, ten million bytes
SELECT koelectra_classify(NULL) IS NULL, koelectra_scores(NULL, 'nobody') IS NULL, koelectra_classify_pair('책', NULL) IS NULL,
  koelectra_classify_pair(NULL, '책') IS NULL, koelectra_scores_pair(NULL, NULL, 'nobody') IS NULL;
SELECT koelectra_classify(''), koelectra_classify_pair('', ''), koelectra_classify(5) = koelectra_classify('5');
SELECT koelectra_scores(CAST(x'ecb185ff' AS TEXT)) = koelectra_scores('책'), koelectra_scores('책' || char(0)) = koelectra_scores('책');
SELECT koelectra_classify(replace(printf('%.*c', 1000000, 'x'), 'x', '책 문 가 ')) = koelectra_classify(replace(printf('%.*c', 100, 'x'), 'x', '책 문 가 '));
SELECT length(koelectra_classify_pair(replace(printf('%.*c', 1000000, 'x'), 'x', '책 문 가 '), printf('%.*c', 5000000, 'b'))) > 0;

.print -- one statement, ten thousand texts
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT count(*), count(koelectra_classify(i || ' 권')), count(DISTINCT koelectra_scores(i % 5)) FROM n;

.print -- errors
SELECT koelectra_classify(x'ecb185');
SELECT koelectra_scores(x'ecb185');
SELECT koelectra_classify_pair('책', x'ecb185');
SELECT koelectra_scores_pair(x'ecb185', '책');
SELECT koelectra_classify('책', 'nobody');
SELECT koelectra_scores('책', x'00');
SELECT koelectra_classify_pair('책', '문', 'nobody');
SELECT koelectra_scores_pair('책', '문', '');
SELECT koelectra_classify();
SELECT koelectra_classify('책', 'default', '', 1);
SELECT koelectra_scores();
SELECT koelectra_scores('책', 'default', '', 1);
SELECT koelectra_classify_pair('책');
SELECT koelectra_classify_pair('책', '문', 'default', '', 1);
SELECT koelectra_scores_pair('책');
SELECT koelectra_scores_pair('책', '문', 'default', '', 1);
