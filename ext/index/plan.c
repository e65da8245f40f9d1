/* Plans, as EXPLAIN QUERY PLAN shows them:
 *
 *   MATCH ? AND k = 5                          VIRTUAL TABLE INDEX 9:match k
 *     the same where search='approximate'      VIRTUAL TABLE INDEX 9:match-approximate k
 *   MATCH ? ORDER BY similarity DESC LIMIT 5   VIRTUAL TABLE INDEX 17:match limit
 *   MATCH ? AND rowid IN (…)                   VIRTUAL TABLE INDEX 5:match rowid-in
 *   MATCH ? AND similarity > 0.7               VIRTUAL TABLE INDEX 65:match similarity>
 *   MATCH ? AND k = 5 AND rowid >= 100         VIRTUAL TABLE INDEX 521:match k rowid>=
 *   MATCH ? AND k = 5 AND shop = 'x'           VIRTUAL TABLE INDEX 4105:match k where shop = ?
 *   rowid = ?                                  VIRTUAL TABLE INDEX 2:rowid
 *   shop = 'x'                                 VIRTUAL TABLE INDEX 4096:scan where shop = ?
 *   (all rows)                                 VIRTUAL TABLE INDEX 0:scan
 *
 * SQLite 3.40 tells of LIMIT beside search(?) only, not beside MATCH; later versions beside both.
 *
 * Constraints on rowid, similarity and metadata filter before the k best are taken.  LIMIT stands
 * for k only where that cannot be seen: everything else that SQLite asks for is done here, so that
 * no row of the k is dropped afterwards.
 *
 * A plan in which MATCH or k is not known yet is so expensive that any other join order is better.
 * So is one with several.  It is not refused (SQLITE_CONSTRAINT): where there is no other, SQLite
 * would say "no query solution", which tells nobody what to write. */
#include "plan.h"

#include "cursor.h"
#include "filter.h"

#include <math.h>

SQLITE_EXTENSION_INIT3

enum {
  NONE = -1,
  RANGES = 6,
  FIRST_RANGE = 6,
  NOT_CHECKED = 16, /* so many constraints, the first ones, may be omitted; SQLite checks others */
};

/* What narrows a ranking, in the order of its bits, which begin at 1 << FIRST_RANGE. */
static const struct {
  int column; /* -1: rowid */
  int op;
} ranges[RANGES] = {{KOE_COLUMN_SIMILARITY, SQLITE_INDEX_CONSTRAINT_GT},
                    {KOE_COLUMN_SIMILARITY, SQLITE_INDEX_CONSTRAINT_GE},
                    {-1, SQLITE_INDEX_CONSTRAINT_GT},
                    {-1, SQLITE_INDEX_CONSTRAINT_GE},
                    {-1, SQLITE_INDEX_CONSTRAINT_LT},
                    {-1, SQLITE_INDEX_CONSTRAINT_LE}};

/* Which constraint is which: indices into aConstraint, or NONE. */
typedef struct constraints {
  int match, rowid, k, limit, offset;
  int ranges[RANGES];
  bool filters; /* there are constraints for filter.h */
  bool unknown; /* MATCH or k is there, but not usable */
  bool several; /* MATCHes */
  bool waits;   /* one that would narrow the ranking is not usable */
  bool others;  /* there are constraints that SQLite has to check itself */
} constraints;

typedef struct sqlite3_index_constraint constraint;

static bool is_match(const constraint *c) {
  return (c->op == SQLITE_INDEX_CONSTRAINT_MATCH &&
          (c->iColumn == KOE_COLUMN_BODY || c->iColumn == KOE_COLUMN_TABLE)) ||
         (c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->iColumn == KOE_COLUMN_TABLE);
}

static void note_limit(const constraint *c, int i, int *place, bool *others) {
  if (c->usable) {
    *place = i;
  } else {
    *others = true;
  }
}

/* Notes a constraint that narrows a ranking; false if it is none, or the second of its kind. */
static bool note_range(const constraint *c, int i, int places[RANGES]) {
  int column = c->iColumn < 0 ? -1 : c->iColumn;
  for (int r = 0; c->usable && r < RANGES; r++) {
    if (column != ranges[r].column || c->op != ranges[r].op || places[r] != NONE) continue;
    places[r] = i;
    return true;
  }
  return false;
}

static bool is_filter(const koe_index *index, sqlite3_index_info *info, int i) {
  const constraint *c = &info->aConstraint[i];
  return c->usable && c->op != SQLITE_INDEX_CONSTRAINT_LIMIT &&
         c->op != SQLITE_INDEX_CONSTRAINT_OFFSET &&
         koe_filter_knows(index, c->iColumn < 0 ? -1 : c->iColumn, c->op,
                          sqlite3_vtab_collation(info, i));
}

/* Whether `column < value` may be what SQLite has made of LIKE (filter.h). */
static bool is_beside_like(const sqlite3_index_info *info, int i) {
  int column = info->aConstraint[i].iColumn;
  for (int j = 0; j < info->nConstraint && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_LT;
       j++) {
    int op = info->aConstraint[j].op;
    bool like = op == SQLITE_INDEX_CONSTRAINT_LIKE || op == SQLITE_INDEX_CONSTRAINT_GLOB;
    if (like && info->aConstraint[j].iColumn == column) return true;
  }
  return false;
}

/* A filter that lets more rows pass than the condition does, which SQLite checks again.  It does
 * not tell of the collation of <> and IS NOT. */
static bool is_rough(const sqlite3_index_info *info, int i) {
  int op = info->aConstraint[i].op;
  return op == SQLITE_INDEX_CONSTRAINT_NE || op == SQLITE_INDEX_CONSTRAINT_ISNOT ||
         is_beside_like(info, i);
}

static int classify(koe_index *index, sqlite3_index_info *info, constraints *out) {
  *out = (constraints){
      .match = NONE, .rowid = NONE, .k = NONE, .limit = NONE, .offset = NONE, .ranges = {0}};
  for (int r = 0; r < RANGES; r++)
    out->ranges[r] = NONE;
  for (int i = 0; i < info->nConstraint; i++) {
    const constraint *c = &info->aConstraint[i];
    bool equals = c->op == SQLITE_INDEX_CONSTRAINT_EQ;
    if (is_match(c)) {
      if (out->match != NONE) out->several = true;
      if (equals && i >= NOT_CHECKED) {
        return koe_index_fail(index, SQLITE_ERROR,
                              "%s('…') can stand beside fewer conditions: write %s MATCH '…'",
                              index->name, index->name);
      }
      out->match = i;
      if (!c->usable) out->unknown = true;
    } else if (equals && c->iColumn == KOE_COLUMN_K && out->k == NONE) {
      out->k = i;
      if (!c->usable) out->unknown = true;
    } else if (c->op == SQLITE_INDEX_CONSTRAINT_LIMIT) {
      note_limit(c, i, &out->limit, &out->others);
    } else if (c->op == SQLITE_INDEX_CONSTRAINT_OFFSET) {
      note_limit(c, i, &out->offset, &out->others);
    } else if (equals && c->iColumn < 0 && c->usable && out->rowid == NONE) {
      out->rowid = i;
    } else if (note_range(c, i, out->ranges)) {
      continue;
    } else if (is_filter(index, info, i)) {
      out->filters = true;
      if (is_rough(info, i)) out->others = true;
    } else {
      out->others = true;
      if (!c->usable) out->waits = true;
    }
  }
  return SQLITE_OK;
}

/* Hands a constraint to xFilter as its next argument. */
static void use(sqlite3_index_info *info, int i, int plan, int *arguments) {
  info->aConstraintUsage[i].argvIndex = ++*arguments;
  /* The others are exact as well, but cost nothing to check; LIMIT and OFFSET are hints. */
  info->aConstraintUsage[i].omit = plan < KOE_PLAN_LIMIT || plan == KOE_PLAN_FILTER;
  info->idxNum |= plan;
}

/* Ranked rows come by similarity, best first, and by rowid among equals; others by rowid. */
static bool order_is_ours(const sqlite3_index_info *info, bool ranked) {
  int i = 0;
  if (ranked) {
    if (info->nOrderBy == 0 || info->aOrderBy[0].iColumn != KOE_COLUMN_SIMILARITY ||
        !info->aOrderBy[0].desc) {
      return false;
    }
    i = 1;
  }
  if (i < info->nOrderBy && (info->aOrderBy[i].iColumn >= 0 || info->aOrderBy[i].desc)) {
    return false;
  }
  return info->nOrderBy > 0 && info->nOrderBy <= i + 1;
}

/* The rows of an index are not known here; what counts is what is dearer than what, and by how
 * much: what one table costs must not be beyond all comparison with what the others do.
 *
 * With k, what narrows a ranking decides which rows come, not only how fast.  In a join on such a
 * column SQLite may read the index first, which gives the k best of all, or the other table, which
 * gives the k best for each of its rows.  That must not be left to statistics: a narrowed ranking
 * costs so much more that even one row of the other table is one too many, and the index comes
 * first unless MATCH or k needs the other table, or CROSS JOIN says otherwise.
 *
 * Beside an OR, SQLite also thinks of running each side of it by itself.  It asks what that costs
 * with MATCH, which it then forgets, or without, though the column of MATCH is used; in the end it
 * would compute MATCH row by row, which is an error.  Both are dearer than MATCH alone. */
static void estimate(sqlite3_index_info *info, const constraints *found, int narrowing) {
  int plan = info->idxNum;
  bool by_rowid = (plan & (KOE_PLAN_ROWID | KOE_PLAN_ROWID_IN)) != 0;
  if ((plan & KOE_PLAN_IMPOSSIBLE) != 0) {
    info->estimatedCost = 1e200;
    info->estimatedRows = 1;
    return;
  }
  if ((plan & KOE_PLAN_MATCH) == 0) {
    bool match_elsewhere = (info->colUsed >> KOE_COLUMN_TABLE & 1) != 0;
    double cost = by_rowid ? 10 : 1e6 / pow(5, narrowing < 4 ? narrowing : 4);
    info->estimatedRows = by_rowid ? 1 : (sqlite3_int64)cost;
    info->estimatedCost = match_elsewhere ? 1e6 * cost : cost;
    if (by_rowid) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    return;
  }
  bool near = (plan & (KOE_PLAN_SIMILARITY_GT | KOE_PLAN_SIMILARITY_GE)) != 0;
  info->estimatedCost = narrowing > 0 && !found->waits ? 3e6 : 1e5;
  if ((plan & KOE_PLAN_ROWID) != 0) {
    info->estimatedRows = 1;
  } else if ((plan & (KOE_PLAN_K | KOE_PLAN_LIMIT)) != 0) {
    info->estimatedRows = 10;
  } else {
    info->estimatedRows = near ? 100 : (plan & KOE_PLAN_FILTER) != 0 ? 1000 : 10000;
  }
}

/* What EXPLAIN QUERY PLAN says of the bits. */
static void append_words(const koe_index *index, int plan, sqlite3_str *out) {
  static const char *const words[KOE_PLAN_BITS] = {
      "match",       "rowid",        "rowid-in", "k",       "limit",  "offset",
      "similarity>", "similarity>=", "rowid>",   "rowid>=", "rowid<", "rowid<="};
  for (int i = 0; i < KOE_PLAN_BITS; i++) {
    if ((plan >> i & 1) == 0) continue;
    sqlite3_str_appendf(out, "%s%s", sqlite3_str_length(out) > 0 ? " " : "", words[i]);
    if (1 << i == KOE_PLAN_MATCH && index->definition.approximate) {
      sqlite3_str_appendall(out, "-approximate");
    }
  }
  if (sqlite3_str_length(out) == 0) {
    sqlite3_str_appendall(out, (plan & KOE_PLAN_IMPOSSIBLE) != 0 ? "impossible" : "scan");
  }
}

/* Hands over all constraints for filter.h, and their words. */
static void use_filters(koe_index *index, sqlite3_index_info *info, sqlite3_str *words,
                        int *arguments) {
  for (int i = 0; i < info->nConstraint; i++) {
    const constraint *c = &info->aConstraint[i];
    if (info->aConstraintUsage[i].argvIndex != 0 || !is_filter(index, info, i)) continue;
    koe_filter_kind kind = KOE_FILTER_PLAIN;
    if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && sqlite3_vtab_in(info, i, 1)) kind = KOE_FILTER_IN;
    if (is_beside_like(info, i)) kind = KOE_FILTER_BESIDE_LIKE;
    koe_filter_append(index, c->iColumn < 0 ? -1 : c->iColumn, c->op, kind,
                      sqlite3_vtab_collation(info, i), words);
    use(info, i, KOE_PLAN_FILTER, arguments);
    if (is_rough(info, i)) info->aConstraintUsage[i].omit = 0;
  }
}

static bool has_rowid_range(const constraints *found) {
  for (int r = 0; r < RANGES; r++) {
    if (ranges[r].column < 0 && found->ranges[r] != NONE) return true;
  }
  return false;
}

/* Chooses the plan; the filters go into `words`, which begin with the bits. */
static void choose(koe_index *index, sqlite3_index_info *info, const constraints *found,
                   sqlite3_str *words) {
  bool ranked = found->match != NONE;
  /* Conditions on rowid join the others in one statement, but for looking one row up. */
  bool look_up = found->rowid != NONE && !(ranked && found->filters);
  bool filters = ranked ? found->filters : !look_up && (found->filters || has_rowid_range(found));
  int arguments = 0;

  if (ranked) use(info, found->match, KOE_PLAN_MATCH, &arguments);
  if (look_up) {
    /* Without MATCH, SQLite may as well ask for one row after the other. */
    bool in = ranked && sqlite3_vtab_in(info, found->rowid, 1);
    use(info, found->rowid, in ? KOE_PLAN_ROWID_IN : KOE_PLAN_ROWID, &arguments);
  }
  if (found->k != NONE) use(info, found->k, KOE_PLAN_K, &arguments);

  bool rows_are_final = ranked && found->k == NONE && !found->others &&
                        (info->nOrderBy == 0 || info->orderByConsumed);
  if (rows_are_final && found->limit != NONE) {
    use(info, found->limit, KOE_PLAN_LIMIT, &arguments);
    if (found->offset != NONE) use(info, found->offset, KOE_PLAN_OFFSET, &arguments);
  }
  for (int r = 0; ranked && r < RANGES; r++) {
    if (found->ranges[r] == NONE || (filters && ranges[r].column < 0)) continue;
    use(info, found->ranges[r], 1 << (FIRST_RANGE + r), &arguments);
  }
  append_words(index, info->idxNum, words);
  if (filters) use_filters(index, info, words, &arguments);
  estimate(info, found, arguments - ranked - (found->k != NONE));
}

int koe_plan_best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
  koe_index *index = (koe_index *)table;
  constraints found;
  int code = classify(index, info, &found);
  if (code != SQLITE_OK) return code;
  sqlite3_str *words = sqlite3_str_new(NULL);
  info->idxNum = 0;
  if (found.unknown || found.several) {
    info->idxNum = KOE_PLAN_IMPOSSIBLE | (found.several ? KOE_PLAN_SEVERAL : 0);
    append_words(index, info->idxNum, words);
    estimate(info, &found, 0);
  } else {
    info->orderByConsumed = order_is_ours(info, found.match != NONE);
    choose(index, info, &found, words);
  }
  info->idxStr = sqlite3_str_finish(words);
  info->needToFreeIdxStr = 1;
  return info->idxStr != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

int koe_plan_find_function(sqlite3_vtab *table, int count, const char *name,
                           void (**function)(sqlite3_context *, int, sqlite3_value **),
                           void **client) {
  (void)table;
  if (count != 2 || sqlite3_stricmp(name, "match") != 0) return 0;
  *function = koe_cursor_match;
  *client = NULL;
  return 1;
}
