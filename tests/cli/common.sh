# shellcheck shell=sh disable=SC2154
# What sessions share.

# Prints a command of koelectra, what it prints, and its status unless that is 0.
show() {
  printf '$ koelectra'
  for word; do
    case $word in
    *[!A-Za-z0-9._/=-]*) printf " '%s'" "$word" ;;
    *) printf ' %s' "$word" ;;
    esac
  done
  echo
  # A session that has standard input for the command names it with <<.
  shown=0
  koelectra "$@" 2>&1 || shown=$?
  if [ "$shown" -ne 0 ]; then echo "[status $shown]"; fi
}

# Prints what SQL says of a database, as others see it.
sql() {
  sqlite3 -batch -init /dev/null "$@" 2>&1
}

# Makes reviews.db from the example's data: review(id, topic, stars, body), 300 rows.
make_reviews() {
  sql reviews.db 'CREATE TABLE review(id INTEGER PRIMARY KEY, topic TEXT, stars INTEGER, body TEXT)' \
    '.mode tabs' ".import --skip 1 '$tests/../examples/data/reviews.tsv' review"
}

# Prints a value of each line of JSON on standard input, by a path of json_extract.
json() {
  cat >lines.json
  sql :memory: 'CREATE TABLE l(j)' '.mode ascii' '.separator "\037" "\n"' '.import lines.json l' \
    '.mode list' "SELECT json_extract(j, '$1') FROM l"
}
