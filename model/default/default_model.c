#include "default_model.h"

#ifdef KOE_NO_DEFAULT_MODEL

const koe_memory_file *koe_default_model(size_t *count) {
  *count = 0;
  return NULL;
}

#else

/* The assembler copies a file into read-only data, between two symbols: an array of four million
 * numbers would take the compiler long.  64 bytes are the alignment of vector loads. */
#define EMBED(symbol, name)                                            \
  __asm__(".pushsection .rodata.koe_default_model, \"a\", %progbits\n" \
          ".balign 64\n"                                               \
          ".hidden koe_default_" #symbol "\n"                          \
          ".globl koe_default_" #symbol "\n"                           \
          "koe_default_" #symbol ":\n"                                 \
          ".incbin \"" KOE_DEFAULT_MODEL "/" name "\"\n"               \
          ".hidden koe_default_" #symbol "_end\n"                      \
          ".globl koe_default_" #symbol "_end\n"                       \
          "koe_default_" #symbol "_end:\n"                             \
          ".popsection\n");                                            \
  extern const uint8_t koe_default_##symbol[], koe_default_##symbol##_end[]

EMBED(config, "config.json");
EMBED(vocab, "vocab.txt");
EMBED(tokenizer, "tokenizer_config.json");
EMBED(pooling, "1_Pooling/config.json");
EMBED(weights, "model.safetensors");

#define FILE_OF(symbol, name) \
  { name, koe_default_##symbol, koe_default_##symbol##_end }

const koe_memory_file *koe_default_model(size_t *count) {
  static const koe_memory_file files[] = {
      FILE_OF(config, "config.json"),
      FILE_OF(vocab, "vocab.txt"),
      FILE_OF(tokenizer, "tokenizer_config.json"),
      FILE_OF(pooling, "1_Pooling/config.json"),
      FILE_OF(weights, "model.safetensors"),
  };
  *count = sizeof files / sizeof files[0];
  return files;
}

#endif
