-- Tokens and ids as JSON: koelectra_tokenize, koelectra_token_ids.

SELECT koelectra_load('default', 'tests/reference/tiny');

.print -- tokens, and the ids the model reads
SELECT koelectra_tokenize('영화가 정말 좋았어요!'), koelectra_token_ids('영화가 정말 좋았어요!');
SELECT koelectra_tokenize('[CLS] 책 [MASK] 뷁'), koelectra_token_ids('[CLS] 책 [MASK] 뷁');
SELECT koelectra_tokenize(''), koelectra_token_ids(''), koelectra_tokenize('  '), koelectra_token_ids('  ');
SELECT koelectra_tokenize(NULL) IS NULL, koelectra_token_ids(NULL, 'nobody') IS NULL;
SELECT koelectra_tokenize(35), koelectra_tokenize(0.5), koelectra_token_ids(35) = koelectra_token_ids('35');
SELECT koelectra_tokenize('책', 'default') = koelectra_tokenize('책');
SELECT koelectra_tokenize('책', NULL);
SELECT koelectra_tokenize('책', (SELECT head FROM (SELECT 1 AS head) WHERE head = 2));

.print -- strings are escaped
SELECT koelectra_tokenize('"');
SELECT value FROM json_each(koelectra_tokenize('("좋아요")'));

.print -- JSON functions nest the results
SELECT json_array(koelectra_tokenize('책'), koelectra_token_ids('책'));
SELECT json_array_length(koelectra_token_ids('책 문')), json_extract(koelectra_tokenize('책 문'), '$[1]');

.print -- what is not valid UTF-8 is dropped, so are NUL characters
SELECT koelectra_tokenize(CAST(x'ecb185ff' AS TEXT)), koelectra_tokenize(CAST(x'ecb1' AS TEXT)),
  koelectra_tokenize(CAST(x'c080eda080f4908080' AS TEXT));
SELECT koelectra_tokenize(CAST(x'fffec080eda080f4908080' AS TEXT));
SELECT koelectra_tokenize('책' || char(0) || '문') = koelectra_tokenize('책문');

.print -- long texts: all tokens of ten million bytes, the first 64 for the model
CREATE TABLE long AS SELECT replace(printf('%.*c', 1000000, 'x'), 'x', '책 문 가 ') AS text;
SELECT length(CAST(text AS BLOB)), json_array_length(koelectra_tokenize(text)),
  json_array_length(koelectra_token_ids(text)) FROM long;
SELECT koelectra_tokenize(printf('%.*c', 10000000, 'b'));

.print -- one statement, many texts
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT count(*), sum(json_array_length(koelectra_token_ids(i || ' 권', 'default'))) FROM n;

.print -- errors
SELECT koelectra_tokenize(x'ecb185');
SELECT koelectra_token_ids(x'');
SELECT koelectra_tokenize('책', 'nobody');
SELECT koelectra_tokenize('책', x'00');
SELECT koelectra_tokenize('책', '');
SELECT koelectra_tokenize('책', 'default' || char(0));
SELECT koelectra_tokenize();
SELECT koelectra_token_ids('책', 'default', 1);
