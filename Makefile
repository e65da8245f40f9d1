# sqlite-koelectra.  `make help` lists what there is.

CC      ?= cc
PREFIX  ?= /usr/local
BUILD   ?= build
JOBS    ?= $(shell nproc)
SHARED  ?= ../shared
SHELL   := /bin/sh

MACHINE := $(shell uname -m)
OPENBLAS_A := $(firstword $(wildcard /usr/lib/*/openblas-pthread/libopenblas.a))
OPENBLAS_H := $(patsubst %,-I%,$(firstword $(wildcard /usr/include/*/openblas-pthread)))

# `make V=1` shows the commands.
quiet = $(if $(V),,@echo "  $(1) $@";)

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CPPFLAGS += -D_GNU_SOURCE $(OPENBLAS_H)
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=c11 $(WARNINGS) -fPIC -fvisibility=hidden -fno-math-errno $(CFLAGS) $(VARIANT)

# One thread is what we tell OpenBLAS before it starts any: see model/openblas_threads.c.
OPENBLAS_LIBS = -Wl,--wrap=openblas_num_threads_env $(OPENBLAS_A)
LIBS = $(OPENBLAS_LIBS) -l:libutf8proc.a -l:libjansson.a -lpthread -lm
# jansson's archive in a library: see model/jansson_stdin.c.
LIBRARY_LIBS = -Wl,--wrap=stdin $(LIBS)

MODEL_SRC := $(wildcard model/*.c model/checkpoint/*.c model/default/*.c model/kernels/*.c)
EXT_SRC   := $(wildcard ext/*.c ext/index/*.c)
TRAINER_SRC := $(wildcard model/trainer/*.c)
TEST_SRC  := $(wildcard tests/*.c)
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
BENCH_LIB_SRC := $(filter-out $(BENCH_SRC),$(wildcard tests/bench/*.c))

# The model inside the library; where the folder holds none, the library is built without.
DEFAULT_MODEL ?= model/default
DEFAULT_MODEL_FILES = $(addprefix $(DEFAULT_MODEL)/,config.json vocab.txt tokenizer_config.json \
  1_Pooling/config.json model.safetensors)
DEFAULT_MODEL_WEIGHTS = $(wildcard $(DEFAULT_MODEL)/model.safetensors)

ifneq ($(MACHINE),x86_64)
MODEL_SRC := $(filter-out model/kernels/avx%.c model/kernels/int8_avx%.c,$(MODEL_SRC))
TRAINER_SRC := $(filter-out model/trainer/loops_avx%.c model/trainer/bfloat16_avx%.c,$(TRAINER_SRC))
endif
ifeq ($(filter aarch64 arm64,$(MACHINE)),)
MODEL_SRC := $(filter-out model/kernels/neon.c model/kernels/int8_neon%.c,$(MODEL_SRC))
endif
# GCC knows AVX-VNNI since 11, clang since 12.
ifeq ($(shell $(CC) -mavxvnni -E -x c /dev/null >/dev/null 2>&1 && echo yes),)
MODEL_SRC := $(filter-out model/kernels/int8_avxvnni.c,$(MODEL_SRC))
CPPFLAGS += -DKOE_NO_AVXVNNI
endif

MODEL_OBJ = $(MODEL_SRC:%.c=$(BUILD)/%.o)
EXT_OBJ   = $(EXT_SRC:%.c=$(BUILD)/%.o)
TRAINER_MAIN = $(BUILD)/model/trainer/main.o
TRAINER_OBJ  = $(filter-out $(TRAINER_MAIN),$(TRAINER_SRC:%.c=$(BUILD)/%.o))
TEST_OBJ  = $(TEST_SRC:%.c=$(BUILD)/%.o) $(BUILD)/tests/suites.o
# The suites call the extension through the SQLite they are linked with.
CORE_OBJ  = $(EXT_SRC:%.c=$(BUILD)/core/%.o)
BENCHES   = $(BENCH_SRC:tests/bench/%.c=$(BUILD)/bench/%)
BENCH_LIB = $(BENCH_LIB_SRC:%.c=$(BUILD)/%.o)
.SECONDARY: $(BENCH_LIB) $(BENCH_SRC:%.c=$(BUILD)/%.o)

.DELETE_ON_ERROR:
.PHONY: FORCE all trainer deps demo test check asan tsan bench bench-picture bench-deps format format-check install clean help

## all: build the extension, build/koelectra.so
all: $(BUILD)/koelectra.so

$(BUILD)/koelectra.so: $(MODEL_OBJ) $(EXT_OBJ) ext/koelectra.map
	@test -n "$(OPENBLAS_A)" || { echo "libopenblas.a not found: run 'make deps'" >&2; exit 1; }
	$(call quiet,LD)$(CC) -shared $(VARIANT) -Wl,--version-script=ext/koelectra.map -Wl,--exclude-libs,ALL \
	  -Wl,--gc-sections $(LDFLAGS) -o $@ $(MODEL_OBJ) $(EXT_OBJ) $(LIBRARY_LIBS)

$(BUILD)/model/kernels/%.o: ALL_CFLAGS += -O3 -ffp-contract=fast
$(BUILD)/model/kernels/avx2.o: ALL_CFLAGS += -mavx2 -mfma -mf16c
$(BUILD)/model/kernels/avx512.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
# Equal bit for bit whatever the instruction set: a product and a sum round apart.
$(BUILD)/model/kernels/int8_%.o: ALL_CFLAGS += -ffp-contract=off
$(BUILD)/model/kernels/int8_avx2.o: ALL_CFLAGS += -mavx2
$(BUILD)/model/kernels/int8_avxvnni.o: ALL_CFLAGS += -mavx2 -mavxvnni
$(BUILD)/model/kernels/int8_avx512vnni.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mprefer-vector-width=512
$(BUILD)/model/kernels/int8_neondot.o: ALL_CFLAGS += -march=armv8.2-a+dotprod
# The oracle of the tests: plain C, no contraction, so that every compiler gives the same numbers.
$(BUILD)/model/kernels/portable.o: ALL_CFLAGS += -ffp-contract=off

$(BUILD)/model/checkpoint/quantized.o: ALL_CFLAGS += -O3
ifneq ($(DEFAULT_MODEL_WEIGHTS),)
$(BUILD)/model/default/default_model.o: ALL_CFLAGS += -DKOE_DEFAULT_MODEL='"$(DEFAULT_MODEL)"'
$(BUILD)/model/default/default_model.o: $(DEFAULT_MODEL_FILES)
else
$(BUILD)/model/default/default_model.o: ALL_CFLAGS += -DKOE_NO_DEFAULT_MODEL
endif
# Written anew, and so what depends on it built, when other weights, or none, are embedded.
$(BUILD)/model/default/default_model.o: $(BUILD)/embedded.txt
$(BUILD)/embedded.txt: FORCE
	@mkdir -p $(@D)
	@echo "$(DEFAULT_MODEL_WEIGHTS)" | cmp -s - $@ || echo "$(DEFAULT_MODEL_WEIGHTS)" >$@
FORCE:

# The trainer's loops vectorise by `#pragma omp simd`; no OpenMP runtime is linked.
$(BUILD)/model/trainer/loops_%.o: ALL_CFLAGS += -O3 -ffp-contract=fast -fopenmp-simd
$(BUILD)/model/trainer/loops_avx2.o: ALL_CFLAGS += -mavx2 -mfma
$(BUILD)/model/trainer/loops_avx512.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
$(BUILD)/model/trainer/bfloat16_avx512.o: ALL_CFLAGS += -O3 -mavx512f -mavx512bw -mavx512vl -mavx512bf16 -mprefer-vector-width=512

## trainer: build koelectra-train
trainer: $(BUILD)/koelectra-train

$(BUILD)/koelectra-train: $(MODEL_OBJ) $(TRAINER_OBJ) $(TRAINER_MAIN)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) -lsqlite3

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/core/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) -DSQLITE_CORE $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# One Check suite a file: tests/test_NAME.c defines `Suite *NAME_suite(void)`.
$(BUILD)/tests/suites.c: $(TEST_SRC) Makefile
	@mkdir -p $(@D)
	@{ names=$$(echo $(filter tests/test_%,$(TEST_SRC)) | tr " " "\n" | sed 's,tests/test_\(.*\)\.c,\1,'); \
	   echo '#include "support.h"'; \
	   for n in $$names; do echo "Suite *$${n}_suite(void);"; done; \
	   echo 'const struct koe_suite koe_suites[] = {'; \
	   for n in $$names; do echo "  {\"$$n\", $${n}_suite},"; done; echo '  {NULL, NULL}};'; } > $@

$(BUILD)/tests/suites.o: $(BUILD)/tests/suites.c
	$(call quiet,CC)$(CC) -Itests $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# The suites bring a model inside of their own: tests/built_in.c.
$(BUILD)/suites: $(filter-out $(BUILD)/model/default/%,$(MODEL_OBJ)) $(TRAINER_OBJ) $(CORE_OBJ) $(TEST_OBJ)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) -lcheck -lsubunit -lsqlite3 -lrt

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BENCH_LIB) $(MODEL_OBJ) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) -lsqlite3

ASAN = $(MAKE) -j$(JOBS) BUILD=$(BUILD)/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
  VARIANT="-fsanitize=address,undefined -fno-sanitize-recover=all -DKOE_FAULTS"
TSAN = $(MAKE) -j$(JOBS) BUILD=$(BUILD)/tsan CFLAGS="-O1 -g" VARIANT="-fsanitize=thread -DKOE_FAULTS"

## model-default: train the built-in model anew (an hour or two, needs SHARED=../shared and scikit-learn)
model-default: $(BUILD)/koelectra-train
	model/default/make_model.sh $(BUILD)/koelectra-train $(SHARED) $(BUILD)/model-default
	@$(MAKE) --no-print-directory all
	model/default/evaluate.sh $(BUILD)/koelectra $(SHARED)

## deps: install missing packages with apt (needs root or sudo)
deps:
	@.ci/deps

## demo: label, index and search real Korean text
demo: deps
	@$(MAKE) -j$(JOBS) --no-print-directory all
	@examples/demo.sh $(BUILD)/koelectra

## test: all tests, the suites under ASan and UBSan
test: deps
	@$(MAKE) -j$(JOBS) --no-print-directory all
	@$(MAKE) --no-print-directory check

## check: the same without looking at packages
check: all
	@$(MAKE) --no-print-directory asan
	@tests/run_sql.sh $(BUILD)/koelectra
	@tests/run_examples.sh $(BUILD)/koelectra

## asan: the suites and SQL sessions under AddressSanitizer and UBSan
asan:
	+@$(ASAN) --no-print-directory $(BUILD)/asan/suites $(BUILD)/asan/koelectra.so
	@tests/run_suites.sh $(BUILD)/asan/suites
	@tests/run_sql.sh $(BUILD)/asan/koelectra asan

## tsan: the suites of threads under ThreadSanitizer
tsan:
	+@$(TSAN) --no-print-directory $(BUILD)/tsan/suites
	@tests/run_suites.sh $(BUILD)/tsan/suites registry parallel threads fit batch model_run recent_texts packed_linear

## bench: measure beside peers (QUICK=1: three minutes; ONLY="encoder tokenizer sql index")
bench: $(BENCHES)
	@KOELECTRA_SHARED=$(SHARED) python3 tests/bench/bench.py $(BUILD) $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

## bench-picture: draw what `make bench` measured last
bench-picture:
	@python3 tests/bench/draw.py $(BUILD)/bench/results.tsv tests/bench/bench.svg

## bench-deps: install the peers of `make bench` with npm (half a gigabyte)
bench-deps:
	@npm install --prefix tests/bench --ignore-scripts --no-package-lock --no-audit --no-fund

## format: clang-format every source file
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

## format-check: fail if `make format` would change something
format-check:
	clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')

## install: copy koelectra.so to PREFIX/lib/sqlite3 (PREFIX=/usr/local)
install: all
	install -d $(DESTDIR)$(PREFIX)/lib/sqlite3
	install -m 644 $(BUILD)/koelectra.so $(DESTDIR)$(PREFIX)/lib/sqlite3/koelectra.so

## clean: remove build/
clean:
	rm -rf $(BUILD)

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

-include $(BENCH_SRC:%.c=$(BUILD)/%.d) $(BENCH_LIB:.o=.d)
-include $(MODEL_OBJ:.o=.d) $(TRAINER_OBJ:.o=.d) $(TRAINER_MAIN:.o=.d) $(EXT_OBJ:.o=.d) $(CORE_OBJ:.o=.d) $(TEST_SRC:%.c=$(BUILD)/%.d)
