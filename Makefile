# libinfer. `make help` lists the targets.

CC ?= cc
CXX ?= c++
AR ?= ar
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=

MAJOR := 0
VERSION := 0.1.0

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion $(if $(WERROR),-Werror)
OPT ?= -O3
CFLAGS ?= -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(CFLAGS) $(WARN) -ffp-contract=off -fno-math-errno \
             -fvisibility=hidden -fPIC -pthread -Iinclude -I. $(SAN)
LDLIBS := -lm -pthread

# Which kernel folders this machine's compiler builds, and with which flags.
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)
ifeq ($(ARCH),x86_64)
ISA_DIRS := avx2 avx512
else ifeq ($(ARCH),aarch64)
ISA_DIRS := neon dotprod
else
ISA_DIRS :=
endif
FLAGS_avx2 := -mavx2 -mfma -mf16c -mbmi2
FLAGS_avx512 := -mavx2 -mfma -mf16c -mbmi2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni \
                -mavx512vbmi -mavx512vbmi2 -mavx512bitalg -mprefer-vector-width=512
FLAGS_neon :=
FLAGS_dotprod := -march=armv8.2-a+dotprod+fp16

LIB_DIRS := lib/base formats kernels kernels/ref kernels/exact $(ISA_DIRS:%=kernels/%) lib/vocab lib/sample lib/grammar \
            lib/chat lib/arch lib/plan lib/device lib
LIB_SRC := $(foreach d,$(LIB_DIRS),$(wildcard $(d)/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)

.PHONY: all
all: $(BUILD)/libinfer.a

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

$(BUILD)/obj/kernels/avx2/%.o: EXTRA = $(FLAGS_avx2)
$(BUILD)/obj/kernels/avx512/%.o: EXTRA = $(FLAGS_avx512)
$(BUILD)/obj/kernels/neon/%.o: EXTRA = $(FLAGS_neon)
$(BUILD)/obj/kernels/dotprod/%.o: EXTRA = $(FLAGS_dotprod)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

$(BUILD)/libinfer.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# ---- Examples: programs over <libinfer.h> alone ------------------------------------------------
INFER_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard examples/infer/*.c))
INFER_DEPS := jansson libedit

$(BUILD)/obj/examples/infer/%.o: EXTRA = $(shell pkg-config --cflags $(INFER_DEPS))

$(BUILD)/infer: $(INFER_OBJ) $(BUILD)/libinfer.a
	$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs $(INFER_DEPS)) $(LDLIBS)

$(BUILD)/hello: $(BUILD)/obj/examples/hello.o $(BUILD)/libinfer.a
	$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: clean
clean:
	rm -rf $(BUILD)
