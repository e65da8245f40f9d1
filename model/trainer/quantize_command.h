/* koelectra-train quantize: makes a checkpoint directory small. */
#ifndef KOE_QUANTIZE_COMMAND_H
#define KOE_QUANTIZE_COMMAND_H

#include "../status.h"

/* Runs the subcommand with its own arguments [argc], those behind its name.  Fails as quantize.h
 * does, or with KOE_INVALID (arguments). */
koe_status koe_quantize_command(int argc, char **argv, koe_error *err);

#endif
