# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# make            builds build/hctrace          make V=1        shows the commands
# make demo       the lab, traced live (root)   make check      every test (root)
#                 HERE=1: this host itself, checked by hctrace probe
# make test       unit tests, cases and what holds for all of them, the same with events lost, and
#                 recordings of them, without root
# make bench      what it costs, beside tcpdump and bpftrace (root; doc/performance.md);
#                 SECTIONS="unrelated points" REPEAT=3 BENCH_OPTIONS="--markdown -o FILE"
# make fuzz       FUZZ_SECONDS of hostile recordings, and some of hostile answers and words for a shell
# make report     reports of the cases, read by tshark and other programs, without root
# make agreement   real load balancers' clients beside hctrace, row by row (root; doc/agreement.md);
#                 AGREEMENT=short plays the rows for CI and writes nothing; CLIENTS="haproxy-http curl"
# make nightly    the long tail: agreement whole, all kernels, fuzzing for an hour (root; doc/nightly.md)
# make arm64      cross-builds build-arm64/hctrace and tests it as far as that goes without such a machine
# make check-kernels   the live scenarios on other kernels, in guests; KERNELS="5.10 new"
#                 SCENARIOS=short|all|"live tests" HERE=1 (on this one, too; root)
#                 INTO=1 (writes doc/kernels.md and README.md)
# make SAN=address,undefined                    builds build-san/hctrace
# make install DESTDIR= PREFIX=/usr/local

VERSION := 0.1.0

SAN     ?=
BUILD   := $(if $(SAN),build-san,build)
PREFIX  ?= /usr/local
CLANG   ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKGS    := libbpf libelf zlib libmnl libnftnl json-c libarchive libnghttp2
# loaded at run time, by what needs it (user/probe/gnutls_late.c)
LATE_PKGS := gnutls

ARCH    := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
Q       := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

CFLAGS  ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wno-unused-parameter -Wno-missing-field-initializers $(if $(WERROR),-Werror) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined) \
	-DHCT_VERSION='"$(VERSION)"' -D_GNU_SOURCE -I. -Iuser -I$(BUILD) $(shell pkg-config --cflags $(PKGS) $(LATE_PKGS)) $(CFLAGS)
ALL_LDFLAGS := $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
LDLIBS  := $(shell pkg-config --libs $(PKGS)) -pthread
BPF_CFLAGS := -target bpf -g -O2 -mcpu=v3 -Wall $(if $(WERROR),-Werror) -D__TARGET_ARCH_$(ARCH) -I. -Ivmlinux

USER_SRC  := $(wildcard user/*.c user/*/*.c user/*/*/*.c)
# What knows libbpf; everything else is the core, which builds and tests without it.
# nftables' trace and its policy do not, but for their live side.
TRACE_CORE := $(wildcard user/trace/nft_*.c) user/trace/rule_kinds.c user/trace/rule_watch.c
BPF_USERS := $(filter-out $(TRACE_CORE),$(wildcard user/trace/*.c)) user/cli/run_live.c user/cli/live_stream.c user/cli/cmd_live.c user/cli/cmd_record.c user/cli/cmd_bundle.c \
	user/cli/cmd_check.c user/cli/cmd_probe.c $(addprefix user/probe/,bottle_tc.c guest.c judge.c prober.c) user/main.c
CORE_SRC  := $(filter-out $(BPF_USERS),$(USER_SRC))
TEST_SRC  := $(wildcard tests/unit/test_*.c)
# state first: bpftool's linker (7.1) gets map offsets wrong when it meets the extern ones before it
BPF_SRC   := bpf/state.bpf.c $(filter-out bpf/state.bpf.c bpf/bottle.bpf.c,$(wildcard bpf/*.bpf.c))

USER_OBJ := $(USER_SRC:%.c=$(BUILD)/%.o)
CORE_OBJ := $(CORE_SRC:%.c=$(BUILD)/%.o)
BPF_OBJ  := $(BPF_SRC:%.c=$(BUILD)/%.o)
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)
TOOL_BIN := $(BUILD)/tests/tools/check_fields
TRAFFIC  := $(addprefix $(BUILD)/tests/bench/,traffic_udp traffic_http traffic_serve)
LOAD     := $(addprefix $(BUILD)/tests/bench/,lb_load load_server)
RECORD_TOOLS := $(addprefix $(BUILD)/tests/tools/,case_to_record record_rate record_raw)
SKEL     := $(BUILD)/hctrace.skel.h
BOTTLE   := $(BUILD)/bottle.skel.h

.PHONY: nightly agreement docs arm64 check-kernels bench fuzz recordings all clean install demo check test unit cases invariants commands lint-commands losses report live setup check-vmlinux tests-build bench-build
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/hctrace docs

# A file that changes when the flags do, so that objects made with others are rebuilt.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','"'"',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) | $(CLANG) $(BPF_CFLAGS))' | cmp -s - $@ || \
	printf '%s\n' '$(subst ','"'"',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) | $(CLANG) $(BPF_CFLAGS))' > $@
.PHONY: FORCE

$(BUILD)/bpf/%.o: bpf/%.c $(BUILD)/flags
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@ && $(LLVM_STRIP) -g $@

$(BUILD)/hctrace.bpf.o: $(BPF_OBJ)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKEL): $(BUILD)/hctrace.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name hctrace_bpf > $@

# What hctrace probe alone needs is an object by itself.
$(BOTTLE): $(BUILD)/bpf/bottle.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name bottle_bpf > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BPF_USERS:%.c=$(BUILD)/%.o): | $(SKEL) $(BOTTLE)

# The parts of the html report as strings, with the hashes that its Content-Security-Policy names.
PAGE    := user/render/page
PAGE_JS := $(addprefix $(PAGE)/,words.js charts.js detail.js list.js page.js)
c_string = sed 's/[\\"]/\\&/g; s/^/"/; s/$$/\\n"/'
sha256_base64 = env printf "$$(sha256sum | cut -c -64 | sed 's/../\\x&/g')" | base64

$(BUILD)/page.h: $(PAGE)/page.html $(PAGE)/page.css $(PAGE_JS)
	$(call say,PAGE,$@)
	@mkdir -p $(@D)
	$(Q){ \
		echo 'static const char page_html[] ='; $(c_string) $(PAGE)/page.html; echo ';'; \
		echo 'static const char page_css[] ='; $(c_string) $(PAGE)/page.css; echo ';'; \
		echo 'static const char page_js[] ='; cat $(PAGE_JS) | $(c_string); echo ';'; \
		echo "static const char page_css_hash[] = \"$$(cat $(PAGE)/page.css | $(sha256_base64))\";"; \
		echo "static const char page_js_hash[] = \"$$(cat $(PAGE_JS) | $(sha256_base64))\";"; \
	} > $@

$(BUILD)/user/render/html_page.o: | $(BUILD)/page.h

# The documents that list the verdicts or the points, of their templates; VERSION is in this file.
DOCS := doc/hctrace.8 doc/hctrace.bash doc/hctrace.schema.json
docs: $(DOCS)
$(DOCS): %: %.in scripts/make-doc Makefile user/diagnose/verdict_list.h include/hct_points.h \
		$(wildcard user/diagnose/verdict/*.c)
	$(call say,DOC,$@)
	$(Q)scripts/make-doc $< $(VERSION) > $@

$(BUILD)/hctrace: $(USER_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(LDLIBS)

$(BUILD)/libcore.a: $(CORE_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(LDLIBS) -lcmocka

$(BUILD)/tests/tools/%: $(BUILD)/tests/tools/%.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(LDLIBS)

$(RECORD_TOOLS): $(BUILD)/libcore.a

$(TRAFFIC): %: %.o $(BUILD)/tests/bench/traffic.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

LB_LOAD_OBJ := $(patsubst %,$(BUILD)/tests/bench/%.o,lb_load load_plan load_probe load_raw load_truth)
$(BUILD)/tests/bench/lb_load: $(LB_LOAD_OBJ)
$(BUILD)/tests/bench/load_server: $(BUILD)/tests/bench/load_server.o
$(LOAD):
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

tests-build: $(TEST_BIN) $(TOOL_BIN) $(RECORD_TOOLS) $(LOAD) $(BUILD)/hctrace docs

# The core once more, with clang and libFuzzer's eyes in it.
FUZZ_FLAGS = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -O1 -g
FUZZ_CORE := $(CORE_SRC:%.c=$(BUILD)/fuzz-obj/%.o)
FUZZ_BIN  := $(BUILD)/tests/fuzz/fuzz_record $(BUILD)/tests/fuzz/fuzz_shell $(BUILD)/tests/fuzz/fuzz_protocol
FUZZ_OBJ  := $(FUZZ_CORE) $(FUZZ_BIN:$(BUILD)/%=$(BUILD)/fuzz-obj/%.o)
$(BUILD)/fuzz-obj/%.o: %.c $(BUILD)/flags
	$(call say,FUZZCC,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(filter-out -Werror -O2 -fsanitize=%,$(ALL_CFLAGS)) $(FUZZ_FLAGS) -MMD -MP -c $< -o $@
$(BUILD)/tests/fuzz/fuzz_record: $(FUZZ_CORE)
$(BUILD)/tests/fuzz/fuzz_shell: $(BUILD)/fuzz-obj/user/base/shell.o
$(BUILD)/tests/fuzz/fuzz_protocol: $(patsubst %.c,$(BUILD)/fuzz-obj/%.o,$(wildcard user/protocol/*.c))
$(FUZZ_BIN): $(BUILD)/%: $(BUILD)/fuzz-obj/%.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $^ -o $@ $(LDLIBS)

FUZZ_SECONDS ?= 25
fuzz: $(FUZZ_BIN) $(RECORD_TOOLS)
	$(Q)tests/fuzz/run-fuzz --build $(BUILD) --seconds $(FUZZ_SECONDS)

unit: $(TEST_BIN)
	$(Q)tests/run-unit $^
cases: $(BUILD)/hctrace
	$(Q)tests/run-cases --hctrace $(BUILD)/hctrace
report: $(BUILD)/hctrace $(RECORD_TOOLS) docs
	$(Q)tests/run-report --hctrace $(BUILD)/hctrace
recordings: $(BUILD)/hctrace $(RECORD_TOOLS)
	$(Q)tests/run-recordings --hctrace $(BUILD)/hctrace
commands: $(BUILD)/hctrace
	$(Q)tests/run-commands --hctrace $(BUILD)/hctrace
lint-commands:
	$(Q)tests/lint-commands
losses: $(BUILD)/hctrace
	$(Q)tests/run-losses --hctrace $(BUILD)/hctrace
invariants: $(BUILD)/hctrace
	$(Q)tests/run-invariants --hctrace $(BUILD)/hctrace
test: unit cases invariants commands lint-commands losses recordings

# BTF="FILE …" names further kernels' BTF to check vmlinux/vmlinux.h against.
BTF ?= $(wildcard /sys/kernel/btf/vmlinux)
check-vmlinux: $(TOOL_BIN) $(BUILD)/hctrace.bpf.o
	$(Q)$(TOOL_BIN) vmlinux/vmlinux.h $(BUILD)/hctrace.bpf.o $(BTF)

# These install what is missing first, so they need root.
setup:
	$(Q)scripts/setup
demo:
	$(Q)scripts/demo $(if $(HERE),--here)
check:
	$(Q)scripts/check
KERNELS   ?=
SCENARIOS ?= catalogue
KERNEL_CACHE ?= build/kernels
check-kernels:
	$(Q)scripts/setup kernels
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/kernels/check-kernels --hctrace $(BUILD)/hctrace --kernels "$(KERNELS)" \
		--scenarios "$(SCENARIOS)" --cache $(KERNEL_CACHE) $(if $(HERE),--here) $(if $(INTO),--into)
AGREEMENT ?= whole
CLIENTS   ?=
agreement:
	$(Q)scripts/setup agreement
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/agreement/run --hctrace $(BUILD)/hctrace \
		$(if $(filter short,$(AGREEMENT)),--short,$(if $(CLIENTS),,--into)) $(CLIENTS)
nightly:
	$(Q)scripts/nightly
arm64:
	$(Q)scripts/arm64
SECTIONS ?=
REPEAT   ?= 5
bench:
	$(Q)scripts/setup bench
	$(Q)$(MAKE) --no-print-directory bench-build
	$(Q)tests/bench/bench --build $(BUILD) --repeat $(REPEAT) $(BENCH_OPTIONS) $(SECTIONS)
bench-build: $(BUILD)/hctrace $(TRAFFIC) $(LOAD) $(RECORD_TOOLS)
live: $(BUILD)/hctrace $(LOAD)
	$(Q)tests/run-live --hctrace $(BUILD)/hctrace

install: $(BUILD)/hctrace docs
	install -D -m 755 $(BUILD)/hctrace $(DESTDIR)$(PREFIX)/sbin/hctrace
	install -D -m 644 doc/hctrace.8 $(DESTDIR)$(PREFIX)/share/man/man8/hctrace.8
	install -D -m 644 doc/hctrace.schema.json $(DESTDIR)$(PREFIX)/share/hctrace/hctrace.schema.json
	install -D -m 644 doc/hctrace.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hctrace

clean:
	rm -rf build build-san build-arm64 build-arm64-root
	rm -f $(DOCS)

-include $(USER_OBJ:.o=.d) $(BPF_OBJ:.o=.d) $(BUILD)/bpf/bottle.bpf.d $(TEST_BIN:=.d) $(TRAFFIC:=.d) $(LB_LOAD_OBJ:.o=.d) $(BUILD)/tests/bench/load_server.d $(TOOL_BIN:=.d) $(RECORD_TOOLS:=.d) $(FUZZ_OBJ:.o=.d)
