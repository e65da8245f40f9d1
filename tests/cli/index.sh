# An index, and searches.
make_reviews
show index reviews.db review body
show search reviews.db search '배우 연기가 좋았어요' -k 3
show search reviews.db search '배우 연기가 좋았어요' -k 2 --json
show search reviews.db search '배우 연기가 좋았어요' -k 2 --where 'rowid < 100 AND similarity > 0.3'
koelectra search reviews.db search '커피가 맛있다' | wc -l
echo '-- no triggers: a row that comes is not found until the command is run again'
sql reviews.db "INSERT INTO review VALUES(1001, 'film', 5, '배우 연기가 좋았어요')"
koelectra search reviews.db search '배우 연기가 좋았어요' -k 1 | cut -f2
show index reviews.db review body --json
koelectra search reviews.db search '배우 연기가 좋았어요' -k 1 | cut -f2
echo '-- with triggers'
show index reviews.db review body --name both --triggers --approximate --quiet
sql reviews.db "SELECT sql FROM sqlite_schema WHERE name LIKE 'both%' AND (type = 'trigger' OR name = 'both')"
sql reviews.db "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
echo '-- labels and triggers together'
show label reviews.db review body --into label
show index reviews.db review body --name both --triggers --approximate --quiet

echo '-- a model of its own'
show index reviews.db review body --name tiny --model "small=$tests/reference/tiny" -q
sql reviews.db "SELECT sql FROM sqlite_schema WHERE name = 'tiny'"
show search reviews.db tiny '영화' -k 1
show search reviews.db tiny '영화' -k 1 --model "small=$tests/reference/tiny"
show index reviews.db review body --name plain --model "$tests/reference/tiny" -q
show search reviews.db plain '영화' -k 1
show search reviews.db plain '영화' -k 1 --model "$tests/reference/tiny"

echo '-- names of all kinds'
sql odd.db <<'SQL'
CREATE TABLE "we""ird 'tab;le--"(rowid, "te""xt';", _rowid_);
INSERT INTO "we""ird 'tab;le--" VALUES('a', '좋아요', 1), ('b', '싫어요', 2), (NULL, NULL, 3);
CREATE TABLE keyed(k PRIMARY KEY, body);
INSERT INTO keyed VALUES('x', '좋아요');
CREATE TABLE nr(k PRIMARY KEY, body) WITHOUT ROWID;
INSERT INTO nr VALUES('x', '좋아요');
CREATE VIEW view AS SELECT 7 AS id, '좋아요' AS body;
SQL
show index odd.db "we\"ird 'tab;le--" "te\"xt';" --name "i\"dx'" --triggers
show search odd.db "i\"dx'" '좋다' -k 1
show search odd.db "i\"dx'" '좋다' -k 1 --json
show index odd.db keyed body
show search odd.db search '좋다'
show index odd.db nr body --name n
show index odd.db view body --name v
show index odd.db view body --name v --id id
show index odd.db view body --name v --id id --triggers
show search odd.db v '좋다'

echo '-- what is wrong'
show index reviews.db review label
show index reviews.db review body --name review
show index reviews.db nobody body --name new
show index reviews.db review nothing --name new
show index missing.db review body
show search reviews.db review '영화'
show search reviews.db search '영화' --where 'stars = 5'
: >empty.db
show search empty.db search '영화'
sql reviews.db "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'new%'"
