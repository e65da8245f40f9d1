-- Tokens as rows: koelectra_tokens.

SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_load('short', 'tests/reference/tiny', '{"max_length": 8}');
.nullvalue NULL
.headers on

.print -- a text
SELECT * FROM koelectra_tokens('영화가 정말 좋았어요!');

.print -- a pair: offsets are of the text of the segment
SELECT * FROM koelectra_tokens('책 문', '영화가');

.print -- cut to what the model reads, the longer text first
SELECT group_concat(token, ' ') AS tokens FROM koelectra_tokens('책 문 책 문 책 문 책 문', NULL, 'short');
SELECT group_concat(token, ' ') AS tokens FROM koelectra_tokens('책 문 책 문 책 문 책 문', '강아지', 'short');

.print -- offsets cut the text
SELECT token, substr(text, start + 1, t."end" - start) AS piece
FROM koelectra_tokens('  영화가' || char(9) || '뷁 (좋았어요)') AS t WHERE start IS NOT NULL;

.print -- arguments are hidden columns, and can come from a join, in either order
CREATE TABLE review(id INTEGER PRIMARY KEY, body);
INSERT INTO review VALUES (1, '책'), (2, NULL), (3, '문 책'), (4, '');
SELECT r.id, t.position, t.token FROM review r, koelectra_tokens(r.body) t;
SELECT count(*) AS rows FROM koelectra_tokens t CROSS JOIN review r WHERE t.text = r.body;
SELECT count(*) AS rows FROM koelectra_tokens t JOIN review r ON t.text = r.body AND t.model = 'short';
SELECT r.id, count(t.token) AS tokens FROM review r LEFT JOIN koelectra_tokens t ON t.text = r.body GROUP BY 1;
SELECT text, count(*) AS rows FROM koelectra_tokens WHERE text IN ('책', '문 책') GROUP BY text ORDER BY text;
SELECT count(*) AS rows FROM koelectra_tokens WHERE text = '책' AND text = '문';
SELECT count(*) AS rows FROM koelectra_tokens('책') a JOIN koelectra_tokens('책') b ON a.text = b.text;
SELECT text, pair, model, rowid FROM koelectra_tokens('책', NULL, 'short') LIMIT 1;
SELECT (SELECT max(position) FROM koelectra_tokens(body)) AS last FROM review;

.print -- NULL, empty, numbers, invalid UTF-8, NUL characters
SELECT count(*) AS rows FROM koelectra_tokens(NULL);
SELECT count(*) AS rows FROM koelectra_tokens(NULL, '책', 'nobody');
SELECT count(*) AS rows FROM koelectra_tokens('');
SELECT count(*) AS rows FROM koelectra_tokens('', '');
SELECT token, start, "end" FROM koelectra_tokens(35) WHERE start >= 0;
SELECT token, start, "end" FROM koelectra_tokens(CAST(x'ff20ecb185' AS TEXT)) WHERE start >= 0;
SELECT token, start, "end" FROM koelectra_tokens(char(0) || '책' || char(0)) WHERE start >= 0;

.print -- errors
SELECT * FROM koelectra_tokens;
SELECT * FROM koelectra_tokens();
SELECT * FROM koelectra_tokens WHERE pair = '책';
SELECT * FROM koelectra_tokens(x'ecb185');
SELECT * FROM koelectra_tokens('책', x'ecb185');
SELECT * FROM koelectra_tokens('책', NULL, 'nobody');
SELECT * FROM koelectra_tokens('책', NULL, x'00');
SELECT * FROM koelectra_tokens('책', NULL, 'default', 1);
INSERT INTO koelectra_tokens(text) VALUES('책');
CREATE VIRTUAL TABLE other USING koelectra_tokens;

.print -- in a view of a schema that is not trusted
CREATE VIEW words AS SELECT r.id, t.token FROM review r, koelectra_tokens(r.body) t;
PRAGMA trusted_schema = OFF;
SELECT count(*) AS rows FROM words;
