/* For the suites of registered models. */
#ifndef KOE_REGISTRY_SUPPORT_H
#define KOE_REGISTRY_SUPPORT_H

#include "../model/registry.h"

/* The path of a file in a directory; static buffer, a few calls deep. */
const char *file_in(const char *directory, const char *name);

/* The one model that is registered; fails the test if there is not just one.  The caller frees it
 * with koe_registry_entries_free. */
koe_registry_entry *only_entry(void);

#endif
