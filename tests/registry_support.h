/* For the suites of registered models. */
#ifndef KOE_REGISTRY_SUPPORT_H
#define KOE_REGISTRY_SUPPORT_H

#include "../model/registry.h"

/* The path of a file in a directory; static buffer, a few calls deep. */
const char *file_in(const char *directory, const char *name);

/* The model of a directory, registered as `name` with these options, or NULL; fails the test if it
 * cannot be opened.  The caller ends the use with koe_registry_release. */
const koe_model *open_model_as(const char *name, const char *directory, const char *options);

/* The same for a test of one model, which ends with close_model. */
const koe_model *open_model(const char *directory, const char *options);

/* Ends the use of a model and forgets all that are registered.  Takes NULL. */
void close_model(const koe_model *model);

/* The one model that is registered; fails the test if there is not just one.  The caller frees it
 * with koe_registry_entries_free. */
koe_registry_entry *only_entry(void);

#endif
