# SPDX-License-Identifier: GPL-2.0
#
# The only entry point. Everything built goes into $(O); nothing is needed to
# read this file but make and a shell, so that `make demo` and `make check` can
# fetch the rest themselves.
#
#   V=1      show the commands           O=DIR   build folder (default: build)
#   DEBUG=1  -O0, no optimisation        SAN=1   AddressSanitizer and UBSan
#   WERROR=1 warnings are errors         T=STEM  only the tests of that name

VERSION	:= 0.1.0
ABI	:= 0
O	?= build
PREFIX	?= /usr/local
SBINDIR	?= $(PREFIX)/sbin
LIBDIR	?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR	?= $(PREFIX)/share/man
T	?=
KERNEL	?= 6.1
CC	?= gcc
CLANG	?= clang
AR	?= ar
OBJCOPY	?= objcopy
NM	?= nm
READELF	?= readelf
# Debian keeps it where the path of an ordinary user does not lead.
BPFTOOL	?= PATH="$$PATH:/usr/sbin:/sbin" bpftool
JOBS	?= $(shell nproc 2>/dev/null || echo 1)
export O

ifeq ($(V),1)
Q	:=
say	= @:
else
Q	:= @
say	= @printf '  %-8s %s\n' "$(1)" "$(patsubst $(O)/%,%,$(2))"
MAKEFLAGS += --no-print-directory
endif

# ---- flags -----------------------------------------------------------------

INCLUDES  := -Iinclude -Iarch/x86 -Ibpf -Iuser -I$(O)/gen
WARNINGS  := -Wall -Wextra -Wmissing-prototypes -Wshadow
CPPFLAGS  += $(INCLUDES) -D_GNU_SOURCE -DCKPT_VERSION='"$(VERSION)"'
BASEFLAGS := -std=gnu11 -g $(WARNINGS)
CFLAGS	  ?= -O2
# The two packers are linked in: each shared library costs every start some 0.2 ms.
LDLIBS	  := -lbpf -lelf -lz -lxxhash -l:liblz4.a -l:libzstd.a -lnettle -ljson-c
LDFLAGS	  += -Wl,--as-needed
SANFLAGS  := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ifeq ($(DEBUG),1)
override CFLAGS += -O0
CPPFLAGS  += -DCKPT_DEBUG
endif
ifeq ($(SAN),1)
override CFLAGS += $(SANFLAGS)
LDFLAGS	  += $(SANFLAGS)
endif
ifeq ($(WERROR),1)
BASEFLAGS += -Werror
endif
BPF_CFLAGS ?= -g -O2 -Wall -Wextra -Wno-unused-parameter
BPF_CPPFLAGS := -target bpf -D__TARGET_ARCH_x86 -Iinclude -Iarch/x86 -Ibpf -I.
FUZZ_CFLAGS := -O1 $(SANFLAGS)

# The restorer runs in a process that has nothing yet: no libc, no TLS, no GOT
# to relocate, no stack protector's canary, and it must not disturb the xstate.
RESTORER_CFLAGS ?= -Os -ffreestanding -fpie -fvisibility=hidden -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-jump-tables \
	-fno-tree-loop-distribute-patterns -mno-sse -mno-mmx -mgeneral-regs-only
RESTORER_LDFLAGS ?= -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--no-undefined \
	-Wl,--emit-relocs -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

# ---- what there is ---------------------------------------------------------

RESTORER_SRC := $(wildcard user/restorer/*.c user/restorer/*.S arch/x86/restorer*.c arch/x86/restorer*.S)
RESTORER_LDS := $(wildcard user/restorer/restorer.lds)
LIBCKPT_SRC := $(wildcard user/libckpt/*.c arch/x86/selfwait.S)
USER_SRC := $(filter-out $(RESTORER_SRC) $(LIBCKPT_SRC),$(wildcard user/*.c user/*/*.c user/*/*/*.c)) \
	$(filter-out arch/x86/kmod_% $(RESTORER_SRC),$(wildcard arch/x86/*.c))
BPF_SRC	:= $(wildcard bpf/*.bpf.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
PROG_SRC := $(wildcard tests/progs/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/*.c)

USER_OBJ := $(USER_SRC:%.c=$(O)/obj/%.o)
LIB_OBJ	:= $(filter-out $(O)/obj/user/main.o,$(USER_OBJ))
FUZZ_OBJ := $(LIB_OBJ:$(O)/obj/%=$(O)/fuzzobj/%)
BPF_OBJ	:= $(BPF_SRC:bpf/%.c=$(O)/bpf/%.o)
RESTORER_OBJ := $(addprefix $(O)/restorer/,$(addsuffix .o,$(basename $(notdir $(RESTORER_SRC)))))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/%)
PROG_BIN := $(PROG_SRC:tests/progs/%.c=$(O)/tests/progs/%)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/fuzz/%)
LIBA	:= $(O)/libckpt_internal.a
FUZZA	:= $(O)/libckpt_fuzz.a
TOOL	:= $(O)/ckptbpf
SKEL	:= $(if $(BPF_SRC),$(O)/gen/ckptbpf.skel.h)
BLOB	:= $(if $(RESTORER_LDS),$(O)/gen/restorer_blob.h)
GEN	:= $(SKEL) $(BLOB)
TOOL_V1	:= $(O)/tests/ckptbpf-v1
FAULT	:= $(if $(RESTORER_LDS),$(O)/tests/ckptbpf-fault)

# The C interface, for programs of both sizes where this compiler makes both.
BITS	:= 64 $(shell echo 'int main(void) { return 0; }' | $(CC) -m32 -x c -o /dev/null - 2>/dev/null && echo 32)
LIBCKPT_OBJ = $(LIBCKPT_SRC:%=$(O)/lib$(1)/%.o)
LIBCKPT	:= $(O)/libckptbpf.so.$(ABI) $(O)/libckptbpf.pc $(patsubst 32,$(O)/lib32/libckptbpf.a,$(BITS:64=$(O)/libckptbpf.a))
EXAMPLES := $(foreach s,$(wildcard examples/*.c),$(foreach b,$(BITS),$(O)/$(s:.c=)$(b:64=)))

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.DEFAULT_GOAL := all
.PHONY: FORCE all bpf user lib examples kmod progs tests check check-parts unit bats audit fuzz bench bench-check lint fmt \
	demo deps vm-check vm-check-all ci fresh-check docs install uninstall help clean distclean

# A recursive make for the targets that first fetch what they need; it keeps
# the jobs of the caller, else takes one per CPU.
need-root = @[ "$$(id -u)" = 0 ] || { echo "make $@: root is needed (BPF, ptrace): sudo make $@" >&2; exit 1; }
build-it = +$(Q)$(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

## -- build
all: bpf user lib examples	## build everything but the module and the tests
bpf: $(SKEL)		## the BPF object and its skeleton
user: $(TOOL)		## build/ckptbpf
lib: $(LIBCKPT)		## build/libckptbpf.a and .so
examples: $(EXAMPLES)	## build/examples: a program that saves itself, one that brings it back
progs: $(PROG_BIN)	## the self-checking programs of the tests
tests: $(UNIT_BIN) $(PROG_BIN) $(FUZZ_BIN) $(FAULT) $(TOOL_V1)	## everything the tests run
kmod:			## the helper module for the running kernel (KDIR=)
	$(Q)scripts/build-kmod.sh

# ---- user ------------------------------------------------------------------

$(TOOL): $(O)/obj/user/main.o $(LIBA)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASEFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Made anew each time: ar would keep the objects of files that are gone.
$(LIBA): $(LIB_OBJ) $(O)/.objects
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(LIB_OBJ)

$(O)/obj/%.o: %.c $(O)/.flags | $(GEN)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Content changes only when the flags (or the set of objects) do.
keep-if-same = mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' >$@
$(O)/.flags: FORCE
	@$(call keep-if-same,$(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) $(BPF_CFLAGS) $(RESTORER_CFLAGS) $(RESTORER_LDFLAGS))
$(O)/.objects: FORCE
	@$(call keep-if-same,$(sort $(LIB_OBJ)))
FORCE:

# ---- the C interface -------------------------------------------------------

# It runs in other people's programs, partly between vfork and exec: no sanitizer.
LIBCKPT_CFLAGS = $(filter-out $(SANFLAGS),$(CFLAGS)) -fPIC -fvisibility=default

define libckpt-rules
$(O)/lib$(1)/%.c.o: %.c $(O)/.flags
	$$(call say,CC-LIB,$$<)
	@mkdir -p $$(@D)
	$(Q)$(CC) -m$(1) $(CPPFLAGS) -DCKPT_TOOL_PATH='"$(SBINDIR)/ckptbpf"' $(BASEFLAGS) $$(LIBCKPT_CFLAGS) -MMD -MP -c -o $$@ $$<
$(O)/lib$(1)/%.S.o: %.S $(O)/.flags
	@mkdir -p $$(@D)
	$(Q)$(CC) -m$(1) -c -o $$@ $$<
$(2)/libckptbpf.a: $(call LIBCKPT_OBJ,$(1))
	$$(call say,AR,$$@)
	$(Q)rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
$(O)/examples/%$(3): examples/%.c $(2)/libckptbpf.a $(O)/.flags
	$$(call say,EXAMPLE,$$@)
	@mkdir -p $$(@D)
	$(Q)$(CC) -m$(1) -Iinclude $(BASEFLAGS) $$(LIBCKPT_CFLAGS) -o $$@ $$< $(2)/libckptbpf.a
-include $(patsubst %.o,%.d,$(call LIBCKPT_OBJ,$(1)))
endef
$(eval $(call libckpt-rules,32,$(O)/lib32,32))
$(eval $(call libckpt-rules,64,$(O),))

$(O)/libckptbpf.so.$(ABI): $(call LIBCKPT_OBJ,64) user/libckpt/libckptbpf.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(LIBCKPT_CFLAGS) -shared -Wl,-soname,$(@F) -Wl,--version-script=user/libckpt/libckptbpf.map \
		-Wl,-z,defs -Wl,-z,noexecstack -o $@ $(call LIBCKPT_OBJ,64)
	$(Q)ln -sf $(@F) $(O)/libckptbpf.so

$(O)/libckptbpf.pc: user/libckpt/libckptbpf.pc.in $(O)/.flags
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' $< >$@

# ---- BPF -------------------------------------------------------------------

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/.flags
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CPPFLAGS) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

# Linking by bpftool drops DWARF and keeps BTF: the skeleton stays small.
$(O)/bpf/linked/ckptbpf.o: $(BPF_OBJ)
	$(call say,BPF-LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/gen/ckptbpf.skel.h: $(O)/bpf/linked/ckptbpf.o
	$(call say,SKEL,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name ckptbpf_bpf >$@

# ---- restorer --------------------------------------------------------------

define restorer-rule
$(O)/restorer/$(basename $(notdir $(1))).o: $(1) $(O)/.flags
	$$(call say,CC-R,$$<)
	@mkdir -p $$(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(RESTORER_CFLAGS) -MMD -MP -c -o $$@ $$<
endef
$(foreach s,$(RESTORER_SRC),$(eval $(call restorer-rule,$(s))))

$(O)/restorer/restorer.elf: $(RESTORER_OBJ) $(RESTORER_LDS) scripts/check-restorer.sh
	$(call say,LINK-R,$@)
	$(Q)$(CC) $(RESTORER_LDFLAGS) -Wl,-T,$(RESTORER_LDS) -o $@ $(RESTORER_OBJ)
	$(Q)READELF="$(READELF)" scripts/check-restorer.sh $@

$(O)/restorer/restorer.bin: $(O)/restorer/restorer.elf
	$(Q)$(OBJCOPY) -O binary $< $@

$(O)/gen/restorer_blob.h: $(O)/restorer/restorer.bin scripts/gen-blob.sh
	$(call say,BLOB,$@)
	@mkdir -p $(@D)
	$(Q)NM="$(NM)" scripts/gen-blob.sh $< $(O)/restorer/restorer.elf >$@

# A tool for the tests alone: CKPTBPF_FAULT=STEP:INDEX:ERRNO fails that
# operation of the restorer. What differs is linked before the archive.
$(O)/fault/restorer.elf: $(RESTORER_SRC) $(RESTORER_LDS) $(wildcard user/restorer/*.h arch/x86/restorer*.h) $(O)/.flags
	$(call say,CC-R,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(RESTORER_CFLAGS) $(RESTORER_LDFLAGS) -DCKPT_FAULT -Wl,-T,$(RESTORER_LDS) -o $@ $(RESTORER_SRC)

$(O)/fault/gen/restorer_blob.h: $(O)/fault/restorer.elf scripts/gen-blob.sh
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) -O binary $< $(<:.elf=.bin)
	$(Q)NM="$(NM)" scripts/gen-blob.sh $(<:.elf=.bin) $< >$@

$(FAULT): user/flow/restore_layout.c $(O)/fault/gen/restorer_blob.h $(O)/obj/user/main.o $(LIBA)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -I$(O)/fault/gen $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) -DCKPT_FAULT $(LDFLAGS) -o $@ \
		user/flow/restore_layout.c $(O)/obj/user/main.o $(LIBA) $(LDLIBS)

# The tool as it was when there was format 1 alone, as far as it reads images.
$(TOOL_V1): user/image/reader.c $(O)/obj/user/main.o $(LIBA)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) -DCKPT_FORMAT=1 $(LDFLAGS) -o $@ \
		user/image/reader.c $(O)/obj/user/main.o $(LIBA) $(LDLIBS)

# ---- test programs ---------------------------------------------------------

$(O)/tests/progs/selfckpt: $(O)/libckptbpf.a
$(O)/tests/progs/selfckpt: PROG_LIBS := $(O)/libckptbpf.a
$(O)/tests/progs/%: tests/progs/%.c $(O)/.flags
	$(call say,PROG,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests/progs $(BASEFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -pthread -o $@ $< $(PROG_LIBS) -lrt

# One library in two builds, and in one without a name.
$(O)/tests/progs/filecheck: $(patsubst %,$(O)/tests/progs/filecheck-%.so,1 2 none)
$(O)/tests/progs/filecheck-none.so: BUILD_ID := none
$(O)/tests/progs/filecheck-%.so: tests/progs/filecheck.c $(O)/.flags
	$(call say,PROG,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -DFILECHECK_LIBRARY=$(patsubst none,1,$*) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) -fPIC -shared \
		-Wl,--build-id=$(or $(BUILD_ID),sha1) -o $@ $<

$(O)/tests/%: tests/unit/%.c $(LIBA)
	$(call say,UNIT,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit -I. $(BASEFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -pthread -o $@ $< $(LIBA) $(LDLIBS)

$(O)/fuzzobj/%.o: %.c $(O)/.flags | $(GEN)
	$(call say,CC-FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZA): $(FUZZ_OBJ) $(O)/.objects
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(FUZZ_OBJ)

$(O)/fuzz/%: tests/fuzz/%.c $(FUZZA)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests/fuzz -I. $(BASEFLAGS) $(FUZZ_CFLAGS) -MMD -MP -MF $@.d -pthread -o $@ $< $(FUZZA) $(LDLIBS)

-include $(USER_OBJ:.o=.d) $(FUZZ_OBJ:.o=.d) $(BPF_OBJ:.o=.d) $(RESTORER_OBJ:.o=.d) \
	$(addsuffix .d,$(UNIT_BIN) $(PROG_BIN) $(FUZZ_BIN))

## -- try
demo:			## fetch what is missing, build, snapshot a program, kill it, bring it back
	$(need-root)
	@scripts/deps.sh --install build demo
	$(build-it) all
	@scripts/demo.sh

## -- test
check:			## fetch what is missing, build, run every test this machine can (T=)
	$(need-root)
	@scripts/deps.sh --install build demo check
	$(build-it) all tests
	+@scripts/check.sh $(T)
unit: $(UNIT_BIN)	## only the unit tests (T=)
	@scripts/run-unit.sh $(T)
bats: all progs		## only the bats files, CKPT_ENGINES="stock" (T=)
	@scripts/run-bats.sh $(T)
audit:			## has every member of the kernel's structures been thought of? (BTF=)
	@scripts/audit.sh $(BTF)
fuzz: $(FUZZ_BIN)	## mutate images for a long time (FUZZ_RUNS=)
	@FUZZ_RUNS=$${FUZZ_RUNS:-1000000} scripts/run-fuzz.sh $(T)
vm-check:		## the bats files with both engines in a VM (KERNEL=6.1)
	@scripts/deps.sh --install build demo check vm
	$(build-it) all tests
	@tests/vm/check.sh $(KERNEL)
vm-check-all:		## the same on each of KERNELS (6.1 6.12 7.2): an hour and more
	@scripts/deps.sh --install build demo check vm
	$(build-it) all tests
	@tests/vm/check-all.sh $(KERNELS)
bench: all		## speed and frozen time, beside CRIU if it is there
	@tests/bench/run.sh
bench-check: all	## and fail where a bar is missed
	@tests/bench/run.sh -c
ci:			## lint, check, vm-check
	+@scripts/ci.sh $(KERNEL)
fresh-check:		## the README's commands in a clean minimal Debian 12
	@scripts/fresh-check.sh

## -- write
lint: all		## everything that can be checked without running it
	@scripts/lint.sh
fmt:			## clang-format on the lines changed since HEAD
	@scripts/fmt.sh
docs:			## write docs/kinds.md anew, check the manual pages
	@scripts/gen-kinds.sh
	@mandoc -T lint -W warning docs/man/*.[358]
compile_commands.json: FORCE	## for editors and clang tools
	@$(MAKE) -nB V=1 all tests 2>/dev/null | scripts/gen-compdb.sh >$@

## -- other
deps:			## list missing packages with their size, then install them
	@scripts/deps.sh --install build demo check programs lint vm
install: all		## into DESTDIR/PREFIX
	install -D -m 755 $(TOOL) $(DESTDIR)$(SBINDIR)/ckptbpf
	install -D -m 755 $(O)/libckptbpf.so.$(ABI) $(DESTDIR)$(LIBDIR)/libckptbpf.so.$(ABI)
	ln -sf libckptbpf.so.$(ABI) $(DESTDIR)$(LIBDIR)/libckptbpf.so
	install -D -m 644 $(O)/libckptbpf.a $(DESTDIR)$(LIBDIR)/libckptbpf.a
	install -D -m 644 $(O)/libckptbpf.pc $(DESTDIR)$(LIBDIR)/pkgconfig/libckptbpf.pc
	install -D -m 644 include/ckptbpf/ckptbpf.h $(DESTDIR)$(INCLUDEDIR)/ckptbpf/ckptbpf.h
	for m in docs/man/*.[358]; do s=$${m##*.}; \
		install -D -m 644 "$$m" "$(DESTDIR)$(MANDIR)/man$$s/$${m##*/}"; done
uninstall:		## what install put there
	rm -f $(DESTDIR)$(SBINDIR)/ckptbpf $(DESTDIR)$(LIBDIR)/libckptbpf.so.$(ABI) $(DESTDIR)$(LIBDIR)/libckptbpf.so \
		$(DESTDIR)$(LIBDIR)/libckptbpf.a $(DESTDIR)$(LIBDIR)/pkgconfig/libckptbpf.pc \
		$(DESTDIR)$(INCLUDEDIR)/ckptbpf/ckptbpf.h
	for m in docs/man/*.[358]; do s=$${m##*.}; rm -f "$(DESTDIR)$(MANDIR)/man$$s/$${m##*/}"; done
help:			## this list
	@awk -F ':.*## ' '/^## -- / { printf "\n%s:\n", substr($$0, 7) } \
		/^[a-z][a-zA-Z_.-]*:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' Makefile
clean:			## remove what was built
	rm -rf $(O)
distclean: clean	## and what was generated beside it
	rm -f compile_commands.json
