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

# Headers of SQLite may be there without the library.
SQLITE3 := $(shell echo 'int main(void) { return 0; }' | $(CC) -x c - -lsqlite3 -o /dev/null 2>/dev/null && echo yes)

# Debian's libhdf5-dev.  For koelectra-convert alone, which reads no tf_model.h5 where it is missing.
HDF5_H := $(firstword $(wildcard /usr/include/hdf5/serial))
HDF5_LIBS := $(firstword $(wildcard /usr/lib/*/libhdf5_serial.so))
# libcurl and OpenSSL's hashes: for koelectra-fetch alone, whose tests are left out where they are missing.
FETCH_LIBS := -lcurl -lcrypto
CURL_H := $(firstword $(wildcard /usr/include/curl/curl.h /usr/include/*/curl/curl.h))

MODEL_SRC := $(wildcard model/*.c model/checkpoint/*.c model/default/*.c model/fit/*.c model/kernels/*.c \
  model/metrics/*.c model/search/*.c model/tasks/*.c model/tokenizer/*.c)
EXT_SRC   := $(wildcard ext/*.c ext/index/*.c)
WRITER_SRC := $(wildcard model/writer/*.c)
TRAINER_SRC := $(wildcard model/trainer/*.c)
CONVERT_SRC := $(wildcard model/convert/*.c)
CLI_SRC     := $(wildcard ext/cli/*.c)
FETCH_SRC := $(wildcard model/fetch/*.c)
TEST_SRC  := $(wildcard tests/*.c)
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
BENCH_LIB_SRC := $(filter-out $(BENCH_SRC),$(wildcard tests/bench/*.c))

# The model inside the library; where the folder holds none, the library is built without.
DEFAULT_MODEL ?= model/default
DEFAULT_MODEL_FILES = $(addprefix $(DEFAULT_MODEL)/,config.json vocab.txt tokenizer_config.json \
  1_Pooling/config.json model.safetensors)
DEFAULT_MODEL_WEIGHTS = $(wildcard $(DEFAULT_MODEL)/model.safetensors)

ifneq ($(MACHINE),x86_64)
MODEL_SRC := $(filter-out model/kernels/avx%.c model/kernels/int8_avx%.c model/kernels/scan_avx%.c,$(MODEL_SRC))
TRAINER_SRC := $(filter-out model/trainer/loops_avx%.c model/trainer/bfloat16_avx%.c,$(TRAINER_SRC))
endif
ifeq ($(filter aarch64 arm64,$(MACHINE)),)
MODEL_SRC := $(filter-out model/kernels/neon.c model/kernels/int8_neon%.c model/kernels/scan_neon%.c,$(MODEL_SRC))
endif
# GCC knows AVX-VNNI since 11, clang since 12.
ifeq ($(shell $(CC) -mavxvnni -E -x c /dev/null >/dev/null 2>&1 && echo yes),)
MODEL_SRC := $(filter-out model/kernels/int8_avxvnni.c model/kernels/scan_avxvnni.c,$(MODEL_SRC))
CPPFLAGS += -DKOE_NO_AVXVNNI
endif

MODEL_OBJ = $(MODEL_SRC:%.c=$(BUILD)/%.o)
EXT_OBJ   = $(EXT_SRC:%.c=$(BUILD)/%.o)
WRITER_OBJ = $(WRITER_SRC:%.c=$(BUILD)/%.o)
TRAINER_MAIN = $(BUILD)/model/trainer/main.o
TRAINER_OBJ  = $(filter-out $(TRAINER_MAIN),$(TRAINER_SRC:%.c=$(BUILD)/%.o))
CONVERT_MAIN = $(BUILD)/model/convert/main.o
CONVERT_OBJ  = $(filter-out $(CONVERT_MAIN),$(CONVERT_SRC:%.c=$(BUILD)/%.o))
FETCH_OBJ    = $(FETCH_SRC:%.c=$(BUILD)/%.o)
TEST_OBJ  = $(TEST_SRC:%.c=$(BUILD)/%.o) $(BUILD)/tests/suites.o
# The suites call the extension through the SQLite they are linked with.
CORE_OBJ  = $(EXT_SRC:%.c=$(BUILD)/core/%.o)
CLI_OBJ   = $(CLI_SRC:%.c=$(BUILD)/%.o)
BENCHES   = $(BENCH_SRC:tests/bench/%.c=$(BUILD)/bench/%)
BENCH_LIB = $(BENCH_LIB_SRC:%.c=$(BUILD)/%.o)
.SECONDARY: $(BENCH_LIB) $(BENCH_SRC:%.c=$(BUILD)/%.o)

.DELETE_ON_ERROR:
.PHONY: FORCE all cli trainer convert fetch family deps demo test check asan kill tsan bench bench-picture bench-deps format format-check install clean help

## all: build the extension, build/koelectra.so, and the command line, build/koelectra
all: $(BUILD)/koelectra.so $(if $(SQLITE3),cli)

$(BUILD)/koelectra.so: $(MODEL_OBJ) $(EXT_OBJ) ext/koelectra.map
	@test -n "$(OPENBLAS_A)" || { echo "libopenblas.a not found: run 'make deps'" >&2; exit 1; }
	$(call quiet,LD)$(CC) -shared $(VARIANT) -Wl,--version-script=ext/koelectra.map -Wl,--exclude-libs,ALL \
	  -Wl,--gc-sections $(LDFLAGS) -o $@ $(MODEL_OBJ) $(EXT_OBJ) $(LIBRARY_LIBS)

$(BUILD)/model/kernels/%.o: ALL_CFLAGS += -O3 -ffp-contract=fast
$(BUILD)/model/kernels/avx2.o: ALL_CFLAGS += -mavx2 -mfma -mf16c
$(BUILD)/model/kernels/avx512.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
# Equal bit for bit whatever the instruction set: a product and a sum round apart.
$(BUILD)/model/kernels/int8_%.o $(BUILD)/model/kernels/scan_%.o: ALL_CFLAGS += -ffp-contract=off
$(BUILD)/model/kernels/int8_avx2.o: ALL_CFLAGS += -mavx2
$(BUILD)/model/kernels/int8_avxvnni.o: ALL_CFLAGS += -mavx2 -mavxvnni
$(BUILD)/model/kernels/int8_avx512vnni.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mprefer-vector-width=512
$(BUILD)/model/kernels/int8_neondot.o: ALL_CFLAGS += -march=armv8.2-a+dotprod
$(BUILD)/model/kernels/scan_avx2.o: ALL_CFLAGS += -mavx2
$(BUILD)/model/kernels/scan_avxvnni.o: ALL_CFLAGS += -mavx2 -mavxvnni
$(BUILD)/model/kernels/scan_avx512vnni.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx512vpopcntdq -mprefer-vector-width=512
$(BUILD)/model/kernels/scan_neondot.o: ALL_CFLAGS += -march=armv8.2-a+dotprod
# The oracle of the tests: plain C, no contraction, so that every compiler gives the same numbers.
$(BUILD)/model/kernels/portable.o: ALL_CFLAGS += -ffp-contract=off

$(BUILD)/model/checkpoint/quantized.o $(BUILD)/model/search/rotation.o $(BUILD)/model/search/vector_block.o: ALL_CFLAGS += -O3
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

ifneq ($(and $(HDF5_H),$(HDF5_LIBS)),)
$(BUILD)/model/convert/hdf5_file.o $(BUILD)/tests/family_formats.o: CPPFLAGS += -isystem $(HDF5_H)
else
HDF5_LIBS :=
$(BUILD)/model/convert/hdf5_file.o $(BUILD)/tests/family_formats.o: CPPFLAGS += -DKOE_NO_HDF5
endif

## trainer: build koelectra-train
trainer: $(BUILD)/koelectra-train

$(BUILD)/koelectra-train: $(MODEL_OBJ) $(WRITER_OBJ) $(TRAINER_OBJ) $(TRAINER_MAIN)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) -lsqlite3

## convert: build koelectra-convert
convert: $(BUILD)/koelectra-convert

$(BUILD)/koelectra-convert: $(MODEL_OBJ) $(WRITER_OBJ) $(CONVERT_OBJ) $(CONVERT_MAIN)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) $(HDF5_LIBS)

## fetch: build koelectra-fetch
fetch: $(BUILD)/koelectra-fetch

# Of model/ it takes what it needs, and no model: an archive leaves the rest out.
$(BUILD)/koelectra-fetch: $(FETCH_OBJ) $(BUILD)/fetch/no_model.o $(BUILD)/fetch/model.a
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ -l:libutf8proc.a -l:libjansson.a -lpthread -lm $(FETCH_LIBS)

$(BUILD)/fetch/model.a: $(filter-out $(BUILD)/model/default/%,$(MODEL_OBJ)) $(WRITER_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(call quiet,AR)$(AR) rcsT $@ $^

$(BUILD)/fetch/no_model.o: model/default/default_model.c model/default/default_model.h
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -DKOE_NO_DEFAULT_MODEL -c -o $@ $<

## cli: build koelectra, the command line
cli: $(BUILD)/koelectra

# `koelectra` is the extension linked with SQLite instead of loaded by it.
$(BUILD)/koelectra: $(MODEL_OBJ) $(CORE_OBJ) $(CLI_OBJ)
	$(call quiet,LD)$(CC) $(VARIANT) -Wl,--gc-sections $(LDFLAGS) -o $@ $^ $(LIBS) -lsqlite3

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
$(BUILD)/suites: $(filter-out $(BUILD)/model/default/%,$(MODEL_OBJ)) $(WRITER_OBJ) $(TRAINER_OBJ) $(CONVERT_OBJ) $(CORE_OBJ) $(TEST_OBJ)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) $(HDF5_LIBS) -lcheck -lsubunit -lsqlite3 -lrt

$(BUILD)/kill: $(BUILD)/tests/kill/kill.o $(MODEL_OBJ) $(CORE_OBJ)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) -lsqlite3

# The suite of KoELECTRA's twelve models alone: with sanitizers it takes two of them.
FAMILY_OBJ = $(patsubst %,$(BUILD)/tests/%.o,main support registry_support built_in torch_file table_file \
  family_model family_formats test_family family_suites)

$(BUILD)/tests/family_suites.c: Makefile
	@mkdir -p $(@D)
	@printf '%s\n' '#include "support.h"' 'Suite *family_suite(void);' \
	  'const struct koe_suite koe_suites[] = {{"family", family_suite}, {NULL, NULL}};' >$@

$(BUILD)/tests/family_suites.o: $(BUILD)/tests/family_suites.c
	$(call quiet,CC)$(CC) -Itests $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/family: $(filter-out $(BUILD)/model/default/%,$(MODEL_OBJ)) $(WRITER_OBJ) $(CONVERT_OBJ) $(FAMILY_OBJ)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) $(HDF5_LIBS) -lcheck -lsubunit -lrt

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BENCH_LIB) $(MODEL_OBJ) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(VARIANT) $(LDFLAGS) -o $@ $^ $(LIBS) -lsqlite3

ASAN = $(MAKE) -j$(JOBS) BUILD=$(BUILD)/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
  VARIANT="-fsanitize=address,undefined -fno-sanitize-recover=all -DKOE_FAULTS"
# The suites that start threads.
TSAN_SUITES := registry parallel threads fit batch model_run recent_texts packed_linear vector_scan vector_sketch index_image \
  operations index_connections
TSAN = $(MAKE) -j$(JOBS) BUILD=$(BUILD)/tsan CFLAGS="-O1 -g" VARIANT="-fsanitize=thread -DKOE_FAULTS" \
  TEST_SRC="$(filter-out tests/test_%,$(TEST_SRC)) $(TSAN_SUITES:%=tests/test_%.c)"

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
	@$(MAKE) -j$(JOBS) --no-print-directory $(BUILD)/koelectra-convert $(BUILD)/family
	@tests/run_convert.sh $(BUILD)/koelectra-convert
	@tests/run_cli.sh $(BUILD)/koelectra
	@tests/run_fetch.sh $(BUILD)/asan/koelectra-fetch $(BUILD)/koelectra
	@$(BUILD)/family

## asan: the suites and SQL sessions under AddressSanitizer and UBSan
asan:
	+@$(ASAN) --no-print-directory $(BUILD)/asan/suites $(BUILD)/asan/koelectra.so $(BUILD)/asan/kill \
	  $(if $(CURL_H),$(BUILD)/asan/koelectra-fetch)
	@tests/run_suites.sh $(BUILD)/asan/suites
	@tests/run_sql.sh $(BUILD)/asan/koelectra asan
	@tests/run_kill.sh $(BUILD)/asan/kill

## family: load KoELECTRA's twelve models at their true sizes in every file format (2.5 GB in /tmp)
family: $(BUILD)/family
	@$(BUILD)/family

## kill: kill -9 at random points of inserts and rebuilds (ROUNDS=100 SEED=)
kill: $(BUILD)/kill
	@tests/run_kill.sh $(BUILD)/kill $(or $(ROUNDS),100) $(SEED)

## tsan: the suites of threads under ThreadSanitizer
tsan:
	+@$(TSAN) --no-print-directory $(BUILD)/tsan/suites
	@tests/run_suites.sh $(BUILD)/tsan/suites

## bench: measure beside peers (QUICK=1: three minutes; ONLY="encoder tokenizer sql index"; ROWS=1000000 to search)
bench: $(BENCHES)
	@KOELECTRA_SHARED=$(SHARED) python3 tests/bench/bench.py $(BUILD) $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(ROWS),--rows $(ROWS))

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

# koelectra-fetch needs libcurl and OpenSSL.
FETCH := $(if $(CURL_H),fetch)
SHARE = $(DESTDIR)$(PREFIX)/share

## install: copy library, programs, manual pages and shell completions to PREFIX (PREFIX=/usr/local)
install: all cli trainer convert $(FETCH)
	install -d $(DESTDIR)$(PREFIX)/lib/sqlite3 $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 \
	  $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	install -m 644 $(BUILD)/koelectra.so $(DESTDIR)$(PREFIX)/lib/sqlite3/koelectra.so
	install -m 755 $(BUILD)/koelectra $(BUILD)/koelectra-train $(BUILD)/koelectra-convert \
	  $(FETCH:%=$(BUILD)/koelectra-%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 ext/cli/koelectra.1 model/trainer/koelectra-train.1 model/convert/koelectra-convert.1 \
	  $(FETCH:fetch=model/fetch/koelectra-fetch.1) $(SHARE)/man/man1
	install -m 644 ext/cli/completions/koelectra.bash $(SHARE)/bash-completion/completions/koelectra
	install -m 644 ext/cli/completions/_koelectra $(SHARE)/zsh/site-functions/_koelectra
	install -m 644 ext/cli/completions/koelectra.fish $(SHARE)/fish/vendor_completions.d/koelectra.fish

## clean: remove build/
clean:
	rm -rf $(BUILD)

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

-include $(BUILD)/tests/kill/kill.d $(BENCH_SRC:%.c=$(BUILD)/%.d) $(BENCH_LIB:.o=.d)
-include $(WRITER_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(CONVERT_OBJ:.o=.d) $(CONVERT_MAIN:.o=.d) $(FETCH_OBJ:.o=.d)
-include $(MODEL_OBJ:.o=.d) $(TRAINER_OBJ:.o=.d) $(TRAINER_MAIN:.o=.d) $(EXT_OBJ:.o=.d) $(CORE_OBJ:.o=.d) $(TEST_SRC:%.c=$(BUILD)/%.d)
