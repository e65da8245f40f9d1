# What is asked of the program itself, and command lines that are wrong.
show --help
show label --help
for command in index search classify embed tokenize entities answers fill-mask models info bench; do
  koelectra $command --help | head -1
done
koelectra --version | sed 's/ [0-9.]* (SQLite .*)/ VERSION/'
koelectra label --version | sed 's/ [0-9.]* (SQLite .*)/ VERSION/'

show
show frobnicate
show label
show label reviews.db review
show label reviews.db review body
show label reviews.db review body more --into label
show label reviews.db review body --into
show label reviews.db review body --into label --into other
show label reviews.db review body --into label --batch 0
show label reviews.db review body --into label --batch=many
show label reviews.db review body --into label --overwrite=yes
show search reviews.db search
show search reviews.db search 영화 -k
show search reviews.db search 영화 -k0
show tokenize --frobnicate
show tokenize -jx
show classify --pair 하나 둘 셋
show info --json more
