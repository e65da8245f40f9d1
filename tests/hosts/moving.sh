#!/bin/sh
# Moves and copies an index with the sqlite3 shell, and says what survives.
#
#   tests/hosts/moving.sh EXTENSION MODEL_DIRECTORY
set -u

extension=$1 model=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

with_extension() {
  sqlite3 -batch -init /dev/null -cmd ".load $extension" "$@" 2>&1
}

without_extension() {
  sqlite3 -batch -init /dev/null "$@" 2>&1
}

# use TITLE FILE: searches, verifies and changes the index.
use() {
  echo "-- $1"
  with_extension "$2" "SELECT koelectra_load('default', '$model')" \
    "SELECT rowid, body FROM s WHERE s MATCH '문' AND k = 1" \
    "INSERT INTO s(s) VALUES('integrity-check')" "INSERT INTO s(body) VALUES('강')" \
    "INSERT INTO note(body) VALUES('산')" "SELECT count(*), max(rowid) FROM s" \
    "SELECT rowid, body FROM notes WHERE notes MATCH '산' AND k = 1" "PRAGMA integrity_check"
}

with_extension "$folder/a.db" >/dev/null <<SQL
SELECT koelectra_load('default', '$model');
CREATE VIRTUAL TABLE s USING koelectra_index(body);
INSERT INTO s(rowid, body) VALUES(5, '책'), (70, '문'), (900, NULL);
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO note(body) VALUES('책'), ('문');
CREATE VIRTUAL TABLE notes USING koelectra_index(body, content='note', content_rowid='id');
INSERT INTO notes(notes) VALUES('rebuild');
CREATE TRIGGER note_insert AFTER INSERT ON note BEGIN
  INSERT INTO notes(rowid, body) VALUES(new.id, new.body);
END;
SQL

with_extension "$folder/a.db" .dump >"$folder/dump.sql"
without_extension "$folder/a.db" .dump | cmp - "$folder/dump.sql" && echo 'a dump is the same without the extension'
grep -c 'CREATE VIRTUAL TABLE' "$folder/dump.sql"

with_extension "$folder/b.db" <"$folder/dump.sql"
use 'a dump, read with the extension loaded' "$folder/b.db"
without_extension "$folder/c.db" <"$folder/dump.sql"
use 'a dump, read without the extension' "$folder/c.db"
echo '-- a dump, read where the shell is told to be safe: no index'
{ echo '.dbconfig defensive on'; cat "$folder/dump.sql"; } | without_extension "$folder/d.db" |
  grep -c 'may not be modified'

cp "$folder/a.db" "$folder/e.db"
use 'a copy of the file' "$folder/e.db"
without_extension "$folder/a.db" ".backup $folder/f.db"
use '.backup without the extension' "$folder/f.db"
without_extension "$folder/a.db" "VACUUM INTO '$folder/g.db'"
use 'VACUUM INTO without the extension' "$folder/g.db"
without_extension "$folder/a.db" 'PRAGMA page_size = 8192' VACUUM
use 'VACUUM with another page size, without the extension' "$folder/a.db"
without_extension "$folder/a.db" 'PRAGMA journal_mode = WAL'
use 'in WAL mode' "$folder/a.db"
without_extension "$folder/a.db" 'PRAGMA encoding' 'PRAGMA journal_mode = DELETE'

echo '-- without the extension: texts can be read, the index cannot'
without_extension "$folder/g.db" 'SELECT id, c0 FROM s_content WHERE id < 100'
without_extension "$folder/g.db" 'SELECT body FROM s' | grep -o 'no such module: koelectra_index'
without_extension "$folder/g.db" "INSERT INTO note(body) VALUES('x')" |
  grep -o 'no such module: koelectra_index'

echo '-- a file of UTF-16'
{ echo "PRAGMA encoding = 'UTF-16';"; cat "$folder/dump.sql"; } | without_extension "$folder/h.db"
use 'UTF-16' "$folder/h.db"

echo '-- every instruction set that this processor has, and a name that is none: the same answer'
for kernels in portable avx2 avx512 avxvnni avx512vnni neon none; do
  KOELECTRA_KERNELS=$kernels with_extension "$folder/g.db" \
    "SELECT koelectra_load('default', '$model')" \
    "SELECT rowid, round(similarity, 4) FROM s WHERE s MATCH '문 책' AND k = 2"
done | sort | uniq -c | sed 's/^ *//'
