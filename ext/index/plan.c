/* Plans, as EXPLAIN QUERY PLAN shows them:
 *
 *   MATCH ? AND k = 5                          VIRTUAL TABLE INDEX 9:match k
 *   MATCH ? ORDER BY similarity DESC LIMIT 5   VIRTUAL TABLE INDEX 17:match limit
 *   MATCH ? AND rowid IN (…)                   VIRTUAL TABLE INDEX 5:match rowid-in
 *   MATCH ? AND similarity > 0.7               VIRTUAL TABLE INDEX 65:match similarity>
 *   MATCH ? AND k = 5 AND rowid >= 100         VIRTUAL TABLE INDEX 521:match k rowid>=
 *   rowid = ?                                  VIRTUAL TABLE INDEX 2:rowid
 *   (all rows)                                 VIRTUAL TABLE INDEX 0:scan
 *
 * SQLite 3.40 tells of LIMIT beside search(?) only, not beside MATCH; later versions beside both.
 *
 * Constraints on rowid and similarity filter before the k best are taken.  LIMIT stands for k only
 * where that cannot be seen: everything else that SQLite asks for is done here, so that no row of
 * the k is dropped afterwards. */
#include "plan.h"

#include "index.h"

SQLITE_EXTENSION_INIT3

enum { NONE = -1, RANGES = 6, FIRST_RANGE = 6 };

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
  bool others; /* there are constraints that SQLite has to check itself */
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

/* SQLITE_CONSTRAINT where what to search for is not known yet: another join order is needed. */
static int classify(koe_index *index, const sqlite3_index_info *info, constraints *out) {
  *out = (constraints){NONE, NONE, NONE, NONE, NONE, {NONE, NONE, NONE, NONE, NONE, NONE}, false};
  for (int i = 0; i < info->nConstraint; i++) {
    const constraint *c = &info->aConstraint[i];
    bool equals = c->op == SQLITE_INDEX_CONSTRAINT_EQ;
    if (is_match(c)) {
      if (!c->usable) return SQLITE_CONSTRAINT;
      if (out->match != NONE) {
        return koe_index_fail(index, SQLITE_ERROR, "a query can have one MATCH, not several");
      }
      out->match = i;
    } else if (equals && c->iColumn == KOE_COLUMN_K && out->k == NONE) {
      if (!c->usable) return SQLITE_CONSTRAINT;
      out->k = i;
    } else if (c->op == SQLITE_INDEX_CONSTRAINT_LIMIT) {
      note_limit(c, i, &out->limit, &out->others);
    } else if (c->op == SQLITE_INDEX_CONSTRAINT_OFFSET) {
      note_limit(c, i, &out->offset, &out->others);
    } else if (equals && c->iColumn < 0 && c->usable && out->rowid == NONE) {
      out->rowid = i;
    } else if (!note_range(c, i, out->ranges)) {
      out->others = true;
    }
  }
  return SQLITE_OK;
}

/* Hands a constraint to xFilter as its next argument. */
static void use(sqlite3_index_info *info, int i, int plan, int *arguments) {
  info->aConstraintUsage[i].argvIndex = ++*arguments;
  /* The others are exact as well, but cost nothing to check; LIMIT and OFFSET are hints. */
  info->aConstraintUsage[i].omit = plan < KOE_PLAN_LIMIT;
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

/* The rows of an index are not known here; what counts is that ranking costs more than looking up,
 * and that a join does not look rows up one by one to have "the k best" of each: a constant rowid
 * is used whatever it costs. */
static void estimate(sqlite3_index_info *info) {
  int plan = info->idxNum;
  bool by_rowid = (plan & (KOE_PLAN_ROWID | KOE_PLAN_ROWID_IN)) != 0;
  if ((plan & KOE_PLAN_MATCH) == 0) {
    info->estimatedCost = by_rowid ? 10 : 1e6;
    info->estimatedRows = by_rowid ? 1 : 1000000;
    if (by_rowid) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    return;
  }
  bool few = (plan & (KOE_PLAN_K | KOE_PLAN_LIMIT)) != 0;
  info->estimatedCost = by_rowid ? ((plan & KOE_PLAN_K) != 0 ? 1e12 : 1e3) : 1e5;
  bool near = (plan & (KOE_PLAN_SIMILARITY_GT | KOE_PLAN_SIMILARITY_GE)) != 0;
  info->estimatedRows = (plan & KOE_PLAN_ROWID) != 0 ? 1 : few ? 10 : near ? 100 : 10000;
}

static int describe(sqlite3_index_info *info) {
  static const char *const words[KOE_PLAN_BITS] = {
      "match",       "rowid",        "rowid-in", "k",       "limit",  "offset",
      "similarity>", "similarity>=", "rowid>",   "rowid>=", "rowid<", "rowid<="};
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < KOE_PLAN_BITS; i++) {
    if ((info->idxNum >> i & 1) == 0) continue;
    sqlite3_str_appendf(text, "%s%s", sqlite3_str_length(text) > 0 ? " " : "", words[i]);
  }
  if (info->idxNum == 0) sqlite3_str_appendall(text, "scan");
  info->idxStr = sqlite3_str_finish(text);
  info->needToFreeIdxStr = 1;
  return info->idxStr != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

int koe_plan_best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
  constraints found;
  int code = classify((koe_index *)table, info, &found);
  if (code != SQLITE_OK) return code;
  bool ranked = found.match != NONE;
  int arguments = 0;
  info->idxNum = 0;
  info->orderByConsumed = order_is_ours(info, ranked);

  if (ranked) use(info, found.match, KOE_PLAN_MATCH, &arguments);
  if (found.rowid != NONE) {
    /* Without MATCH, SQLite may as well ask for one row after the other. */
    bool in = ranked && sqlite3_vtab_in(info, found.rowid, 1);
    use(info, found.rowid, in ? KOE_PLAN_ROWID_IN : KOE_PLAN_ROWID, &arguments);
  }
  if (found.k != NONE) use(info, found.k, KOE_PLAN_K, &arguments);

  bool rows_are_final = ranked && found.k == NONE && !found.others &&
                        (info->nOrderBy == 0 || info->orderByConsumed);
  if (rows_are_final && found.limit != NONE) {
    use(info, found.limit, KOE_PLAN_LIMIT, &arguments);
    if (found.offset != NONE) use(info, found.offset, KOE_PLAN_OFFSET, &arguments);
  }
  for (int r = 0; ranked && r < RANGES; r++) {
    if (found.ranges[r] != NONE) use(info, found.ranges[r], 1 << (FIRST_RANGE + r), &arguments);
  }
  estimate(info);
  return describe(info);
}
