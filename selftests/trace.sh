#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tracepoints: each install and each change of a real map is told, with its numbers. Prints TAP.
set -uo pipefail
cd "$(dirname "$(realpath "$0")")/.." || exit 1

tracing=/sys/kernel/tracing
skip=4

if [ ! -w $tracing/events/vmmu/enable ]; then
	echo "1..0 # SKIP no $tracing/events/vmmu: not root, or vmmu.ko is not loaded"
	exit $skip
fi

count=0
failed=0

# check NAME COMMAND...: one test.
check()
{
	local name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		failed=$((failed + 1))
	fi
}

# seen EVENT PATTERN: whether the trace has such a line.
seen()
{
	grep -Eq " vmmu_$1: .*$2" "$trace"
}

# Tracepoints are switched by patching the kernel's code, which QEMU's emulation of several CPUs gets wrong at times.
cpus()
{
	local file
	for file in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$file" ] || echo "$1" >"$file"
	done
}

trace=$(mktemp)
cpus 0
trap 'echo 0 >$tracing/events/vmmu/enable; cpus 1; rm -f "$trace"' EXIT
echo >$tracing/trace
echo 1 >$tracing/events/vmmu/enable
build/userspace/demo --quiet >/dev/null
status=$?
echo 0 >$tracing/events/vmmu/enable
cat $tracing/trace >"$trace"

check "the demo ran" test $status = 0
check "a table is installed" seen install "level=4 entry=0x[0-9a-f]+ old=0x0 new=0x[0-9a-f]+ cause=hypercall outcome=table"
check "a page is installed by a store" seen install "va=0x10000 level=1 .* cause=store outcome=page"
check "a page is installed" seen install "va=0x10000 level=1 .* cause=hypercall outcome=page"
check "a real page gets its frame" seen realmap_set "real_page=0x[0-9a-f]+ entry=0x[0-9a-f]+3"
check "a real page loses it" seen realmap_clear "real_page=0x[0-9a-f]+ entry=0x[0-9a-f]+"
check "a window lacks a page" seen window_fault "va=0x10000 access=2 reason=3 pages=0"
check "a window gets a page" seen window_fault "va=0x10000 access=2 reason=0 pages=[1-9]"
check "a window loses pages" seen zap "space=1 first_page=0x20 last_page=0x20"
check "two VMs, at least" test "$(grep -o ' vm=[0-9]*' "$trace" | sort -u | wc -l)" -ge 2

# Programs end before their VMs do, and the guest OS gives back all that they had.
check "each frame that is set is cleared" test "$(grep -c vmmu_realmap_set: "$trace")" = "$(grep -c vmmu_realmap_clear: "$trace")"
echo "1..$count"
[ $failed = 0 ] || { head -40 "$trace" | sed 's/^/# /'; exit 1; }
