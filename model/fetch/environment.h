/* What the environment says of the hub, in the variables of Hugging Face's tools. */
#ifndef KOE_FETCH_ENVIRONMENT_H
#define KOE_FETCH_ENVIRONMENT_H

#include "../status.h"

#include <stdbool.h>

/* The hub's URL without a slash at its end: `url`, else $HF_ENDPOINT, else https://huggingface.co.
 * The caller frees with koe_free.  Fails with KOE_NOMEM. */
koe_status koe_environment_endpoint(const char *url, char **out, koe_error *err);

/* The user's token: $HF_TOKEN, else what is in the file $HF_TOKEN_PATH, else in $HF_HOME/token;
 * NULL where there is none or $HF_HUB_DISABLE_IMPLICIT_TOKEN is set.  The caller frees with
 * koe_free. Fails with KOE_IO (a file that cannot be read), KOE_INVALID (no token: spaces inside),
 * KOE_NOMEM.
 */
koe_status koe_environment_token(char **out, koe_error *err);

/* Whether $HF_HUB_OFFLINE, or $TRANSFORMERS_OFFLINE, says that the network is not to be used. */
bool koe_environment_offline(void);

/* Seconds to wait for a byte: $HF_HUB_DOWNLOAD_TIMEOUT, else 10. */
long koe_environment_patience(void);

#endif
