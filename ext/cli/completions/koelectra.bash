# bash completion for koelectra: commands, options as --help lists them, tables and columns.

_koelectra_sql() {
  sqlite3 -readonly -batch "$1" "$2" 2>/dev/null
}

# Keeps the lines that begin with the word at hand.  Not by compgen -W, which would run what a name
# of a table may hold.
_koelectra_matching() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == "$cur"* ]] && COMPREPLY+=("$line")
  done
}

# A table of the database, or a column of the table.
_koelectra_names() {
  local command=$1 database=$2 table=${3-}
  if [[ -z $table && $command == search ]]; then
    _koelectra_sql "$database" "SELECT name FROM sqlite_schema WHERE sql LIKE '%koelectra_index%'"
  elif [[ -z $table ]]; then
    _koelectra_sql "$database" "SELECT name FROM pragma_table_list AS t WHERE schema = 'main'
      AND type <> 'shadow' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND NOT EXISTS (SELECT 1
      FROM sqlite_schema AS i WHERE i.sql LIKE '%koelectra_index%' AND
      substr(t.name, 1, length(i.name) + 1) = i.name || '_')"
  else
    _koelectra_sql "$database" "SELECT name FROM pragma_table_info('${table//\'/\'\'}')"
  fi
}

_koelectra() {
  local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} words operands=() i
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    words=$("$program" --help 2>/dev/null | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\) .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$cur")
    return
  fi
  if [[ $cur == -* ]]; then
    words=$("$program" "$command" --help 2>/dev/null | sed -n 's/^  [- ][a-z ][, ] \(--[a-z-]*\) .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    return
  fi
  for ((i = 2; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
    --json | --quiet | --ids | --overwrite | --triggers | --approximate | --*=*) ;;
    --* | -[mktwbnsd] | -[jqip]*[mktwbnsd]) ((i++)) ;;
    -*) ;;
    *) operands+=("${COMP_WORDS[i]}") ;;
    esac
  done
  compopt -o filenames 2>/dev/null
  case $previous in
  -m | --model | -d | --data) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
  --into | --id | --pair | --score | --scores)
    _koelectra_matching < <(_koelectra_names "$command" "${operands[@]:0:2}")
    ;;
  -[kwbtns] | --k | --where | --batch | --threads | --name | --seconds | --head | --timeout | --model-options) ;;
  *)
    case $command:${#operands[@]} in
    models:*) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    label:0 | index:0 | search:0) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    label:[12] | index:[12] | search:1)
      _koelectra_matching < <(_koelectra_names "$command" "${operands[@]}")
      ;;
    esac
    ;;
  esac
}

complete -F _koelectra koelectra
