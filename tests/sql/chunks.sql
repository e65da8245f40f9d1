-- koelectra_chunks: pieces of a long text, cut at the ends of sentences.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE TABLE document(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO document VALUES
  (1, '도서관에서 책을 읽었어요. 책이 좋았습니다! 따뜻한 날, 산에 갔습니다. 3.5점? "또 갈게요."'),
  (2, '제목
산에서 내려왔습니다. 물이 맑았습니다.'),
  (3, NULL), (4, ''), (5, '   ');

.print -- whole sentences, as many as fit
SELECT chunk, start, "end", tokens FROM koelectra_chunks((SELECT body FROM document WHERE id = 1), 24);
.print -- a chunk repeats the last sentences of the one before
SELECT chunk, start, "end", tokens FROM koelectra_chunks((SELECT body FROM document WHERE id = 1), 24, 12);
.print -- sentences that are too long are cut at spaces, words between tokens
SELECT chunk, tokens FROM koelectra_chunks((SELECT body FROM document WHERE id = 1), 6);
.print -- without a number, what the model reads at most
SELECT count(*), max(tokens) FROM koelectra_chunks(replace(hex(zeroblob(60)), '00', '책을 읽었어요. '));
SELECT count(*), max(tokens) FROM koelectra_chunks(replace(hex(zeroblob(60)), '00', '책을 읽었어요. '), NULL, NULL);
.print -- every chunk is where it says, and has the tokens it says
SELECT d.id, max_tokens.value, overlap.value, count(*),
       sum(c.chunk <> substr(d.body, c.start + 1, c."end" - c.start)) AS misplaced,
       sum(c.tokens <> json_array_length(koelectra_token_ids(c.chunk))) AS miscounted,
       sum(c.tokens > max_tokens.value) AS too_long
FROM document d, json_each('[5, 9, 30, 64]') max_tokens, json_each('[0, 2]') overlap,
     koelectra_chunks(d.body, max_tokens.value, overlap.value) AS c
GROUP BY 1, 2, 3;
.print -- nothing gives no rows
SELECT count(*) FROM document d, koelectra_chunks(d.body, 8) WHERE d.id >= 3;
.print -- text without any mark or space
SELECT count(*), max(tokens), group_concat(chunk, '') = replace(hex(zeroblob(500)), '00', '다니') AS whole
FROM koelectra_chunks(replace(hex(zeroblob(500)), '00', '다니'), 16);
.print -- errors
SELECT * FROM koelectra_chunks();
SELECT * FROM koelectra_chunks('책', 4);
SELECT * FROM koelectra_chunks('책', 100000);
SELECT * FROM koelectra_chunks('책', 9, 5);
SELECT * FROM koelectra_chunks('책', 9, -1);
SELECT * FROM koelectra_chunks('책', 'many');
SELECT * FROM koelectra_chunks('책', 9.5);
SELECT * FROM koelectra_chunks(x'ecb185', 9);
SELECT * FROM koelectra_chunks('책', 9, 0, 'nobody');
