# libinfer. `make help` lists the targets.

CC ?= cc
CXX ?= c++
AR ?= ar
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config
STRIP ?= strip
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
MODEL ?=
# V=1 shows every command.
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

VERSION := 0.1.0
SOVERSION := 0

# A newer compiler may warn of more: WERROR=1 is for CI. SAN (sanitizers) leaves the AVX kernels out: the
# compiler takes minutes and a gigabyte for each, and their tests have guard pages instead.
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion $(if $(WERROR),-Werror)
OPT ?= -O3
CFLAGS ?= -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(CFLAGS) $(WARN) -ffp-contract=off -fno-math-errno \
             -fvisibility=hidden -fPIC -pthread -Iinclude -I. \
             $(if $(findstring kernels/avx,$<),,$(SAN))
LDLIBS := -lm -pthread

# ---- Optional parts: 1 wants them, 0 leaves them out, auto takes what pkg-config finds ------------------
BLAS ?= auto
HWLOC ?= 0
# optional VALUE,PACKAGE: "yes" or nothing
optional = $(if $(filter auto,$(1)),$(shell $(PKG_CONFIG) --exists $(2) 2>/dev/null && echo yes),$(if $(filter 1,$(1)),$(if \
    $(shell $(PKG_CONFIG) --exists $(2) && echo yes),yes,$(error $(2) is asked for, but pkg-config does not find it))))
HAVE_BLAS := $(call optional,$(BLAS),openblas)
HAVE_HWLOC := $(call optional,$(HWLOC),hwloc)
# OpenBLAS is loaded at run time, when a plan asks for it; hwloc is linked.
OPTIONAL := $(if $(HAVE_BLAS),-DINF_HAVE_BLAS) $(if $(HAVE_HWLOC),-DINF_HAVE_HWLOC)
OPTIONAL_LIBS := $(if $(HAVE_BLAS),-ldl) $(if $(HAVE_HWLOC),$(shell $(PKG_CONFIG) --libs hwloc))
ALL_CFLAGS += $(OPTIONAL)
LDLIBS += $(OPTIONAL_LIBS)

# ---- The library ---------------------------------------------------------------------------------
# Which kernel folders the compiler's target has, and with which flags: one binary holds all levels.
ARCH := $(shell $(CC) -dumpmachine 2>/dev/null | cut -d- -f1)
ISA_x86_64 := avx2 avx512
ISA_aarch64 := neon dotprod
ISA_DIRS := $(ISA_$(ARCH))
FLAGS_avx2 := -mavx2 -mfma -mf16c -mbmi2
FLAGS_avx512 := $(FLAGS_avx2) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni \
                -mavx512vbmi -mavx512vbmi2 -mavx512bitalg -mprefer-vector-width=512
# gcc's scheduling before it assigns registers makes it spill in the long unrolled loops; clang has none
FLAGS_neon := $(if $(filter aarch64,$(ARCH)),$(shell $(CC) --version | grep -q clang || echo -fno-schedule-insns))
FLAGS_dotprod := $(FLAGS_neon) -march=armv8.2-a+dotprod+fp16

LIB_DIRS := lib/base formats kernels kernels/ref kernels/exact $(if $(HAVE_BLAS),kernels/blas) $(ISA_DIRS:%=kernels/%) lib/vocab \
            lib/sample lib/grammar lib/tools lib/chat lib/arch lib/plan lib/device lib
LIB_SRC := $(foreach d,$(LIB_DIRS),$(wildcard $(d)/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)

INFER_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard examples/infer/*.c))
EXAMPLE_DEPS := jansson libedit libmd
AGENT_SRC := $(wildcard examples/agent/*.c)

.PHONY: all
all: lib examples
	@sh tools/need.sh --name optional || echo "built without them"

.PHONY: lib
lib: $(BUILD)/libinfer.a $(BUILD)/libinfer.so.$(SOVERSION) $(BUILD)/libinfer.pc

# The examples need three small libraries; without them the library is still built.
.PHONY: examples
examples: $(BUILD)/hello $(BUILD)/chat $(BUILD)/tool_turn $(BUILD)/infer-bench
	@sh tools/need.sh --name examples && $(MAKE) --no-print-directory $(BUILD)/infer $(BUILD)/infer-agent

# Objects stay, so that the next build finds them.
.SECONDARY:

-include $(shell find $(BUILD)/obj $(BUILD)/obj-test -name '*.d' 2>/dev/null)

$(BUILD)/obj/kernels/avx2/%.o: EXTRA = $(FLAGS_avx2)
$(BUILD)/obj/kernels/avx512/%.o: EXTRA = $(FLAGS_avx512)
$(BUILD)/obj/kernels/neon/%.o: EXTRA = $(FLAGS_neon)
$(BUILD)/obj/kernels/dotprod/%.o: EXTRA = $(FLAGS_dotprod)
$(BUILD)/obj/lib/base/topo_hwloc.o: EXTRA = $(if $(HAVE_HWLOC),$(shell $(PKG_CONFIG) --cflags hwloc))
$(BUILD)/obj/examples/infer/%.o $(BUILD)/obj/examples/agent/%.o: EXTRA = $(shell $(PKG_CONFIG) --cflags $(EXAMPLE_DEPS))
$(BUILD)/obj/tests/%.o: EXTRA = $(shell $(PKG_CONFIG) --cflags check)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)$(CC) $(ALL_CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

# One object in the archive, so that what is not public stays inside here too.
$(BUILD)/libinfer.a: $(LIB_OBJ)
	@echo '  LD  $@'
	$(Q)$(CC) -r -nostdlib -o $(BUILD)/libinfer.o $^
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/libinfer.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $(BUILD)/libinfer.o

$(BUILD)/libinfer.so.$(SOVERSION): $(LIB_OBJ) lib/libinfer.map
	@echo '  LD  $@'
	$(Q)$(CC) -shared $(SAN) $(LDFLAGS) -Wl,-soname,libinfer.so.$(SOVERSION) -Wl,-z,defs -Wl,-z,relro \
	    -Wl,-z,now -Wl,--version-script=lib/libinfer.map -o $@ $(LIB_OBJ) $(LDLIBS)
	ln -sf libinfer.so.$(SOVERSION) $(BUILD)/libinfer.so

$(BUILD)/libinfer.pc: lib/libinfer.pc.in Makefile
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LDLIBS@|$(LDLIBS)|' $< > $@

# ---- Examples: programs over <libinfer.h> alone ---------------------------------------------------
$(BUILD)/infer: $(INFER_OBJ) $(BUILD)/libinfer.a
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(EXAMPLE_DEPS)) $(LDLIBS)

$(BUILD)/infer-agent: $(AGENT_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/libinfer.a
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(EXAMPLE_DEPS)) $(LDLIBS)

$(BUILD)/hello $(BUILD)/chat $(BUILD)/tool_turn: $(BUILD)/%: $(BUILD)/obj/examples/%.o $(BUILD)/libinfer.a
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

INFER_BENCH := infer_bench measure report resident ceilings loops
$(BUILD)/infer-bench: $(INFER_BENCH:%=$(BUILD)/obj/bench/%.o) $(BUILD)/libinfer.a
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/grammar-masks: $(BUILD)/obj/bench/grammar_masks.o $(LIB_OBJ)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: demo
demo: ## get a small model and chat with it (MODEL=path: with one of yours)
	@sh tools/need.sh demo
	@$(MAKE) --no-print-directory -j$$(nproc) $(BUILD)/infer
	@sh tools/demo.sh $(BUILD) $(MODEL)

.PHONY: demo-agent
demo-agent: ## get a small model and let it work in a sample folder (MODEL=path: with one of yours)
	@sh tools/need.sh demo
	@$(MAKE) --no-print-directory -j$$(nproc) $(BUILD)/infer-agent
	@sh tools/demo_agent.sh $(BUILD) $(MODEL)

# ---- Tests ----------------------------------------------------------------------------------------
# They link the library's objects, whose inner functions they call.
TEST_COMMON := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/*.c tests/tiny/*.c))
UNIT_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/unit/*.c))
TEST_MAINS := $(patsubst tests/kernels/%.c,$(BUILD)/tests/%,$(wildcard tests/kernels/check_*.c)) \
              $(patsubst tests/golden/%.c,$(BUILD)/tests/%,$(wildcard tests/golden/check_*.c)) \
              $(patsubst tests/models/%.c,$(BUILD)/tests/%,$(wildcard tests/models/check_*.c)) \
              $(patsubst tests/oom/%.c,$(BUILD)/tests/%,$(wildcard tests/oom/check_*.c)) \
              $(patsubst tests/api/%.c,$(BUILD)/tests/%,$(wildcard tests/api/check_*.c)) \
              $(patsubst tests/tools/%.c,$(BUILD)/tests/%,$(wildcard tests/tools/check_*.c))
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

$(BUILD)/tests/unit: $(UNIT_OBJ) $(TEST_COMMON) $(LIB_OBJ)
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs check) $(LDLIBS)

define TEST_MAIN
$(BUILD)/tests/check_%: $(BUILD)/obj/tests/$(1)/check_%.o $(TEST_COMMON) $(LIB_OBJ)
	@mkdir -p $$(@D)
	@echo '  LD  $$@'
	$$(Q)$$(CC) $$(CFLAGS) $$(SAN) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach d,kernels golden models oom api tools,$(eval $(call TEST_MAIN,$(d))))

$(BUILD)/tests/replay_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/replay_main.o $(TEST_COMMON) $(LIB_OBJ)
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The tools of infer-agent, with a stand-in for its sandbox and with allocations that fail.
HANDS := answer arguments below commit diff digest edit file_tools git journal json_text names pattern run search shown tools
$(BUILD)/tests/check_hands: $(patsubst %.c,$(BUILD)/obj/%.o,tests/agent/check_hands.c tests/agent/counting.c $(wildcard tests/agent/hands_*.c)) \
                            $(HANDS:%=$(BUILD)/obj/examples/agent/%.o)
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ \
	    $(shell $(PKG_CONFIG) --libs $(EXAMPLE_DEPS)) $(LDLIBS)

# Its gate: policy, question, log, servers; with another stand-in.
GATE := approval digest json_text log mcp mcp_schema policy rpc terminal shown
$(BUILD)/tests/check_gate: $(patsubst %.c,$(BUILD)/obj/%.o,tests/agent/check_gate.c tests/agent/counting.c $(wildcard tests/agent/gate_*.c)) \
                           $(GATE:%=$(BUILD)/obj/examples/agent/%.o) $(BUILD)/libinfer.a
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ \
	    $(shell $(PKG_CONFIG) --libs $(EXAMPLE_DEPS)) $(LDLIBS)

# infer-agent with what only tests may do: turns from a script, a tier that is forced, allocations that fail.
FAILING := malloc calloc realloc strdup strndup fopen fdopen opendir fdopendir realpath asprintf
COMMA := ,
$(BUILD)/obj-test/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC  $< (for tests)'
	$(Q)$(CC) $(ALL_CFLAGS) $(shell $(PKG_CONFIG) --cflags $(EXAMPLE_DEPS)) -DAGENT_TEST -MMD -MP -c -o $@ $<
$(BUILD)/tests/infer-agent-test: $(AGENT_SRC:%.c=$(BUILD)/obj-test/%.o) $(BUILD)/obj-test/tests/agent/failing.o $(BUILD)/libinfer.a
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) $(FAILING:%=-Wl$(COMMA)--wrap=%) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(EXAMPLE_DEPS)) $(LDLIBS)

# The sandbox of infer-agent alone, and a static program that attacks it from inside.
SANDBOX := child guarded_walk keeper landlock_rules names namespaces probe programs sandbox sandbox_run seccomp_filter
$(BUILD)/tests/check_sandbox: $(BUILD)/obj-test/tests/agent/check_sandbox.o \
                              $(SANDBOX:%=$(BUILD)/obj-test/examples/agent/%.o) | $(BUILD)/tests/attacker
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/attacker: tests/agent/attacker.c
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 $(WARN) -static -o $@ $<

# Its filter on system calls, played by an interpreter: for any architecture.
$(BUILD)/tests/check_filter: $(BUILD)/obj/tests/agent/check_filter.o $(BUILD)/obj/examples/agent/seccomp_filter.o
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^

.PHONY: check-agent
check-agent: $(BUILD)/tests/check_filter $(BUILD)/tests/check_hands $(BUILD)/tests/check_gate $(BUILD)/tests/check_sandbox $(BUILD)/tests/infer-agent-test
check-agent: ## the tests of infer-agent: its tools, its gate, its sandbox, the forty attacks
	@bash tools/check.sh $(BUILD) agent

# A small model in a file, for the tests of the command.
$(BUILD)/tests/make_tiny: $(BUILD)/obj/tests/cli/make_tiny.o $(TEST_COMMON) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: check tests
check: ## build and run the tests (installs what they need)
	@sh tools/need.sh check
	@$(MAKE) --no-print-directory -j$$(nproc) all tests
	@bash tools/check.sh $(BUILD)

tests: $(BUILD)/tests/check_filter $(BUILD)/tests/check_hands $(BUILD)/tests/check_gate $(BUILD)/tests/check_sandbox $(BUILD)/tests/infer-agent-test
tests: $(BUILD)/tests/unit $(TEST_MAINS) $(FUZZERS:%=$(BUILD)/tests/replay_%) $(BUILD)/tests/make_tiny

.PHONY: asan ubsan tsan
asan: ## the tests under AddressSanitizer and UBSan
	$(MAKE) BUILD=$(BUILD)-asan OPT=-O1 SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" check
ubsan: asan
tsan: ## the tests under ThreadSanitizer
	$(MAKE) BUILD=$(BUILD)-tsan OPT=-O1 SAN="-fsanitize=thread" check

.PHONY: fuzz
fuzz: ## libFuzzer programs in build-fuzz/ (needs clang)
	@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)-fuzz OPT=-O1 \
	    SAN="-fsanitize=fuzzer-no-link,address,undefined" fuzzers

.PHONY: fuzzers
fuzzers: $(FUZZERS:%=$(BUILD)/fuzz_%)
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(TEST_COMMON) $(LIB_OBJ)
	@echo '  LD  $@'
	$(Q)$(CC) $(CFLAGS) $(SAN) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

.PHONY: lint
lint: ## format, static checks, include rules, names, headers
	@bash tools/lint.sh $(BUILD)

# ---- Benchmarks -----------------------------------------------------------------------------------
# OpenBLAS, where it is, stands beside our float tile.
OPENBLAS = $(shell $(PKG_CONFIG) --exists openblas 2>/dev/null && echo openblas)
BENCH_DEPS = benchmark $(OPENBLAS)
$(BUILD)/obj/bench/kernels.o: EXTRA = $(if $(OPENBLAS),-DHAVE_OPENBLAS $(shell $(PKG_CONFIG) --cflags openblas))
$(BUILD)/kernel-bench: bench/shim.cc bench/shim.h $(BUILD)/obj/bench/kernels.o $(TEST_COMMON) $(LIB_OBJ)
	@echo '  LD  $@'
	$(Q)$(CXX) -std=c++17 -O2 -g -I. -Iinclude -o $@ $(filter-out %.h,$^) $(shell $(PKG_CONFIG) --libs $(BENCH_DEPS)) $(LDLIBS)

.PHONY: bench
bench: ## every row of kernels.def by Google Benchmark
	@sh tools/need.sh bench
	@$(MAKE) --no-print-directory -j$$(nproc) $(BUILD)/kernel-bench
	$(BUILD)/kernel-bench $(BENCH_ARGS)

# ---- Installing -----------------------------------------------------------------------------------
.PHONY: install install-strip uninstall
install: all ## to DESTDIR and PREFIX
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -d $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 644 include/libinfer.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(BUILD)/libinfer.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(BUILD)/libinfer.so.$(SOVERSION) $(DESTDIR)$(PREFIX)/lib/
	ln -sf libinfer.so.$(SOVERSION) $(DESTDIR)$(PREFIX)/lib/libinfer.so
	@rm -f $(BUILD)/libinfer.pc && $(MAKE) --no-print-directory $(BUILD)/libinfer.pc
	install -m 644 $(BUILD)/libinfer.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/
	install -m 755 $(BUILD)/infer-bench $(DESTDIR)$(PREFIX)/bin/
	if [ -x $(BUILD)/infer ]; then install -m 755 $(BUILD)/infer $(DESTDIR)$(PREFIX)/bin/; fi
	if [ -x $(BUILD)/infer-agent ]; then install -m 755 $(BUILD)/infer-agent $(DESTDIR)$(PREFIX)/bin/; fi
	install -m 644 examples/infer/man/*.1 examples/agent/man/*.1 bench/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 examples/infer/completion/infer.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/infer
	install -m 644 bench/completion/infer-bench.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/infer-bench
	install -m 644 examples/agent/completion/infer-agent.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/infer-agent
	install -m 644 examples/infer/completion/_infer bench/completion/_infer-bench examples/agent/completion/_infer-agent $(DESTDIR)$(PREFIX)/share/zsh/site-functions/
	@[ -n "$(DESTDIR)" ] || ldconfig 2>/dev/null || true # so that programs find the library

# Packagers take the debug information from what `install` puts there; who installs by hand wants none.
install-strip: install ## the same without debug information (a tenth of the size)
	cd $(DESTDIR)$(PREFIX) && $(STRIP) -g lib/libinfer.a && $(STRIP) --strip-unneeded \
	    lib/libinfer.so.$(SOVERSION) bin/infer-bench $$([ ! -x bin/infer ] || echo bin/infer) \
	    $$([ ! -x bin/infer-agent ] || echo bin/infer-agent)

uninstall: ## what install put there
	cd $(DESTDIR)$(PREFIX) && rm -f include/libinfer.h lib/libinfer.a lib/libinfer.so \
	    lib/libinfer.so.$(SOVERSION) lib/pkgconfig/libinfer.pc bin/infer bin/infer-bench \
	    share/man/man1/infer.1 share/man/man1/infer-bench.1 share/bash-completion/completions/infer share/zsh/site-functions/_infer \
	    share/bash-completion/completions/infer-bench share/zsh/site-functions/_infer-bench \
	    bin/infer-agent share/man/man1/infer-agent.1 share/bash-completion/completions/infer-agent \
	    share/zsh/site-functions/_infer-agent

.PHONY: clean help
clean: ## remove build/
	rm -rf $(BUILD)

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /\1: /' | \
	    sed -E 's/^([^:]*): (.*)/  make \1\t\2/' | expand -t 22
