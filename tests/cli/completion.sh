# Completion for bash.
# needs bash
make_reviews
koelectra label reviews.db review body --into label --quiet
koelectra index reviews.db review body --quiet
# A name that a careless script would run.
sql reviews.db 'CREATE TABLE "$(touch oops)"(a)'
bash -u <<'BASH'
. "$tests/../ext/cli/completions/koelectra.bash"
complete -p koelectra
try() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _koelectra
  echo "${*:2}: ${COMPREPLY[*]}"
}
try koelectra ''
try koelectra cl
try koelectra label --s
try koelectra label rev
try koelectra label reviews.db ''
try koelectra label --json reviews.db rev
try koelectra label -qw 'stars = 5' reviews.db review b
try koelectra label reviews.db review body --into ''
try koelectra search reviews.db ''
try koelectra search reviews.db search ''
try koelectra classify ''
echo '-- every option of every command'
for command in $(koelectra --help | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
  try koelectra "$command" --
done
BASH
if [ ! -e oops ]; then echo 'and nothing was run'; fi
