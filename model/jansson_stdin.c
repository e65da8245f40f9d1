/* Lets Debian's static jansson be linked into a shared library.
 *
 * Its archive is compiled for executables, and the only thing that does not fit a library is that
 * json_loadf compares its argument with stdin.  We parse strings only, so the Makefile links that
 * reference to this. */
#include <stdio.h>

extern FILE *const __wrap_stdin;
FILE *const __wrap_stdin __attribute__((visibility("hidden"))) = NULL;
