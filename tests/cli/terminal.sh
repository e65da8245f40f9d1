# The bar, on a terminal and nowhere else.
# needs script
make_reviews
sql reviews.db "CREATE TABLE other AS SELECT * FROM review"
command='koelectra label reviews.db review body --into label --batch 50'
script -qec "$command" /dev/null | tr '\r' '\n' | sed 's/\o33\[K//; s/  [0-9]* rows.*//'
koelectra label reviews.db other body --into label --batch 50 2>&1
koelectra label reviews.db other body --into label --batch 50 --overwrite 2>&1 >/dev/null | wc -c
echo '-- and not with --quiet'
script -qec "$command --overwrite --quiet" /dev/null | wc -c
