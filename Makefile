# SPDX-License-Identifier: GPL-2.0
# The front door: `make help` lists what it opens. The work is done by Kbuild, userspace/, selftests/.

KERNEL ?=
TEST ?=
MINUTES ?= 10
BASE ?=
PREFIX ?= /usr/local
DESTDIR ?=

RELEASE := $(shell uname -r)
HEADERS := /lib/modules/$(RELEASE)/build
VM := selftests/vm

.PHONY: all module userspace load unload setup vm demo check soak style unit model oracle kselftest coverage install clean help
.PHONY: bench bench-scale bench-compare

all: module userspace

help:
	@echo 'On this machine:'
	@echo '  make             build the module for the running kernel, the library, the tool and the demo'
	@echo '  make load        load the module (as root)'
	@echo '  make unload      unload it (as root)'
	@echo '  make install     install library, tool, header and man pages; PREFIX=/usr/local DESTDIR='
	@echo '  make clean       remove build/'
	@echo 'In a virtual machine, which needs neither root nor hardware support; KERNEL=6.1, 6.12, debug or a path:'
	@echo '  make setup       install the Debian packages that are missing'
	@echo '  make demo        two VMs of a miniature guest OS, drawn step by step'
	@echo '  make vm          a shell, with the module loaded and this folder as it is here'
	@echo '  make check       every test; narrowed by KERNEL= and TEST=name'
	@echo '  make soak        races and the oracle over and over, for MINUTES=10'
	@echo '  make style       checkpatch, sparse, W=1, kernel-doc, shellcheck, man pages, layers'
	@echo '  make unit        the pure code in userspace, under ASan and UBSan'
	@echo '  make model       the lock-free protocols, in every order that CPUs and weak memory allow'
	@echo '  make oracle      vmmu against an emulated processor, on random page tables'
	@echo '  make kselftest   the kselftests on all three kernels, or on KERNEL='
	@echo '  make coverage    which lines of the module the kselftests execute: build/coverage/index.html'
	@echo '  make bench       instructions that operations take, against goals, floors and other ways; 4 minutes, on 6.1'
	@echo '  make bench-scale how they grow with the size of real memory, numbers of VMs, windows and tables, batches'
	@echo '  make bench-compare  which operations moved since BASE=file.json, kept from build/bench/results.json'
	@echo 'The debug kernel (KASAN, lockdep, kmemleak and so on) is built once, in about 10 minutes on two idle CPUs.'

# The running kernel's module is built in build/RELEASE like every other kernel's.
module: | headers
	@$(VM)/module $(HEADERS) >/dev/null
	@echo "build/$(RELEASE)/vmmu.ko"

.PHONY: headers
headers:
	@test -e $(HEADERS)/Makefile || { \
		echo "No headers of the running kernel, $(RELEASE), in $(HEADERS)."; \
		echo "Debian's kernels: apt-get install linux-headers-$(RELEASE); others: install what they were built with."; \
		echo "No need of them for make vm, demo and check, which bring kernels of their own."; \
		exit 1; } >&2

userspace:
	@echo "building the library, the tool and the demo in build/userspace"
	@$(MAKE) -s --no-print-directory -C userspace

load: | root
	@test -e build/$(RELEASE)/vmmu.ko || { echo "Not built for $(RELEASE) yet: run \`make\` first." >&2; exit 1; }
	@test ! -e /sys/module/vmmu || { echo "vmmu is loaded already; \`make unload\` first." >&2; exit 1; }
	@insmod build/$(RELEASE)/vmmu.ko || { \
		echo "This kernel refuses the module; \`dmesg | tail\` tells why. The usual causes: Secure Boot wants a"; \
		echo "signature (mokutil --sb-state), or the kernel was updated since the build (make clean, make):"; \
		echo "the module is for $$(modinfo -F vermagic build/$(RELEASE)/vmmu.ko)"; exit 1; } >&2
	@echo "vmmu is loaded; /dev/vmmu is there."

unload: | root
	@test -e /sys/module/vmmu || { echo "vmmu is not loaded." >&2; exit 1; }
	@rmmod vmmu || { echo "vmmu is in use by: $$(fuser /dev/vmmu 2>&1 || echo 'a VM that some process holds')" >&2; exit 1; }
	@echo "vmmu is unloaded."

.PHONY: root
root:
	@test "$$(id -u)" = 0 || { echo "Only root may do that: run sudo make $(MAKECMDGOALS)." >&2; exit 1; }

setup:
	@selftests/vm/setup

vm: setup userspace
	@$(VM)/run --kernel $(or $(KERNEL),6.12) --tty -- "$${SHELL:-/bin/bash}"

demo: setup userspace
	@$(VM)/run --kernel $(or $(KERNEL),6.12) --icount -- build/userspace/demo

check:
	@command -v python3 >/dev/null || selftests/vm/setup
	@KERNEL='$(KERNEL)' TEST='$(TEST)' selftests/check

soak:
	@command -v python3 >/dev/null || selftests/vm/setup
	@KERNEL='$(KERNEL)' selftests/soak --minutes '$(MINUTES)'

style unit model oracle kselftest:
	@KERNEL='$(KERNEL)' TEST='$(TEST)' selftests/check --step $@

coverage: setup
	@selftests/coverage

bench: setup
	@selftests/bench/run --kernel '$(or $(KERNEL),6.1)'

bench-scale: setup
	@selftests/bench/run --scale --kernel '$(or $(KERNEL),6.1)'

bench-compare:
	@test -n '$(BASE)' || { echo "Compare with what? make bench-compare BASE=file.json, an earlier build/bench/results.json." >&2; exit 1; }
	@selftests/bench/compare '$(BASE)'

install:
	@$(MAKE) --no-print-directory -C userspace install PREFIX='$(abspath $(PREFIX))' DESTDIR='$(DESTDIR)'

clean:
	rm -rf build
