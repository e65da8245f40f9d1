-- A model computed in int8: {"precision": "int8"}.

SELECT koelectra_load('exact', 'tests/reference/tiny');
SELECT koelectra_load('int8', 'tests/reference/tiny', '{"precision": "int8"}');

.print -- near the float32 embedding, not equal to it
SELECT a = b AS equal, koelectra_cosine(a, b) > 0.998 AS near, length(a) = length(b) AS same_size
FROM (SELECT koelectra_embed('오늘은 비가 내려요.', 'exact') AS a, koelectra_embed('오늘은 비가 내려요.', 'int8') AS b);
SELECT koelectra_classify('오늘은 비가 내려요.', 'exact') = koelectra_classify('오늘은 비가 내려요.', 'int8') AS same_label;

.print -- smaller; another fingerprint
SELECT e.precision, i.precision, i.bytes < e.bytes AS smaller, e.fingerprint = i.fingerprint AS same_fingerprint
FROM koelectra_models e, koelectra_models i WHERE e.name = 'exact' AND i.name = 'int8';

.print -- so an index keeps to the precision that it was made in
CREATE TABLE texts(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO texts(body) VALUES('비가 내려요.'), ('영화가 좋아요.');
CREATE VIRTUAL TABLE search USING koelectra_index(body, model='int8', content='texts', content_rowid='id');
INSERT INTO search(search) VALUES('rebuild');
SELECT count(*) FROM search WHERE search MATCH '비가 와요' AND k = 2;
SELECT koelectra_load('int8', 'tests/reference/tiny', '{"precision": "float32"}');
SELECT count(*) FROM search WHERE search MATCH '비가 와요' AND k = 2;

.print -- what there is not
SELECT koelectra_load('x', 'tests/reference/tiny', '{"precision": "int4"}');
SELECT koelectra_load('x', 'tests/reference/tiny', '{"precision": 8}');
