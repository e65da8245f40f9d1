/* koelectra-train vocabulary: a vocab.txt from raw text. */
#ifndef KOE_VOCABULARY_COMMAND_H
#define KOE_VOCABULARY_COMMAND_H

#include "../status.h"

/* Runs the command on what is behind its name.  Fails with KOE_INVALID (an option), and as
 * examples.h and vocabulary_builder.h do. */
koe_status koe_vocabulary_command(int argc, char **argv, koe_error *err);

#endif
