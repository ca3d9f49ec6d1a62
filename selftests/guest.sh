#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The miniature guest OS: its parts, and what its demo shows and says. Needs root and the module. Prints TAP; exits 0
# if all passed, 1 if not, 4 if nothing could be tested.
set -uo pipefail

top=$(cd "$(dirname "$(realpath "$0")")/.." && pwd)
demo=${VMMU_DEMO:-$top/build/userspace/demo}
parts=${VMMU_GUEST_TEST:-$top/build/userspace/guest/test}
count=0
failed=0

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}

echo "TAP version 13"
[ "$(id -u)" = 0 ] || skip_all "root is needed"
[ -e /dev/vmmu ] || skip_all "/dev/vmmu is missing: load the module"
[ -x "$demo" ] || skip_all "$demo is not built"
[ -x "$parts" ] || skip_all "$parts is not built"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# result STATUS NAME: a line of TAP, and what the last command printed if STATUS is not 0.
result()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $count - $2"
	echo "# exit status $status"
	sed 's/^/# stdout: /' "$tmp/out" | tail -120
	sed 's/^/# stderr: /' "$tmp/err" | tail -20
}

# run STATUS COMMAND...: false if it does not exit with STATUS.
run()
{
	local expected=$1
	shift
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ "$status" = "$expected" ]
}

# shows N PATTERN: whether stdout of the last run has N lines like it.
shows() { [ "$(grep -cE -- "$2" "$tmp/out")" = "$1" ]; }
says() { grep -qE -- "$1" "$tmp/err"; }
silent() { [ ! -s "$tmp/err" ]; }

# column PATTERN: what is in the place of (...) in each line like it.
column() { sed -nE "s/.*$1.*/\1/p" "$tmp/out"; }

# distinct N: whether the input has N lines, all different.
distinct()
{
	local lines
	mapfile -t lines
	[ "${#lines[@]}" = "$1" ] && [ "$(printf '%s\n' "${lines[@]}" | sort -u | wc -l)" = "$1" ]
}

# The guest OS part by part: its results become results of this test.
run 0 "$parts"
while read -r verdict _ _ name; do
	[ "$verdict" = ok ]
	result $? "$name"
done < <(sed -nE 's/^not ok /fail /p; /^ok /p' "$tmp/out")
[ "$status" = 0 ] && shows 1 '^1\.\.72$' && shows 72 '^ok '
result $? "all parts of the guest OS"

# A program uses a table of each level and three pages of memory, all of them real pages.
for levels in 4 5; do
	run 0 "$demo" --no-color --levels "$levels" && silent && shows 1 '^All [0-9]+ checks passed\.$'
	result $? "$levels levels: exit status, nothing on stderr, verdict"

	shows 5 'va 0x20123 +-> +ra 0x[0-9a-f]+123 +-> +frame [0-9a-f]+ +byte 123  checked "program [1234] was here"$' &&
		shows 1 "programs' pages of text and stack likewise, at va 0x10000 and 0x1ff000\. Checked\.$" && shows 0 MISMATCH
	result $? "$levels levels: every address ends at a checked frame, with the program's own note"

	head -75 "$tmp/out" | sed -nE 's/.*va 0x20123 +-> +ra .*-> +frame ([0-9a-f]+) .*/\1/p' | distinct 3 &&
		shows 1 'One virtual address, three programs: three frames, three notes\. Checked\.' &&
		shows 1 "$((levels + 3)) real pages, 1 to $((levels + 3)), are used by both VMs: two frames for each\. Checked\."
	result $? "$levels levels: the same address is another frame in each program"

	shows 1 'level 1  PTE\[16\] +. real page [0-9a-f]+ +r-x +none +-> frame [0-9a-f]+$' &&
		shows 10 ' -> real [0-9a-f]+ .* none -> frame [0-9a-f]+$' &&
		shows $((levels - 1)) 'level [2-5]  P[A-Z0-9]+E\[0\] += real page [0-9a-f]+ +a table '
	result $? "$levels levels: each install gives its real page a frame that it did not have"

	shows 1 "VM 1: $((2 * levels + 6)) of its 256 real pages" && shows 1 "VM 2: $((levels + 3)) of its 256 real pages" &&
		shows $((2 * levels)) '\| program [12]: level [1-5] table +\|$' &&
		shows 6 '\| program [12]: (text|data|stack) page [0-9a-f]+ +\|$' &&
		shows 1 "had $((3 * levels + 8)) entries and has $((2 * levels + 5))$"
	result $? "$levels levels: the tables hold what the programs use, and not what a killed one used"

	shows 7 '(fetch|write) +0x[0-9a-f]+ .* record ' && shows 3 '(fetch|read) +0x[0-9a-f]+ .* signal ' &&
		shows 1 '^  [0-9]+ host page-table entries in 3 windows grant no more than both levels do\. Checked\.$'
	result $? "$levels levels: page faults come as records in one VM and as signals in the other"

	shows 1 'program 1   calls fork\. Program 4 gets a process' && shows 1 'the same 3 real pages' &&
		shows 1 'write 0x20123 +P W U .*20 -> real [0-9a-f]+ +copy of [0-9a-f]+ ' && shows 2 'copy of' &&
		tail -25 "$tmp/out" | sed -nE 's/.*va 0x20123 +-> +ra .*-> +frame ([0-9a-f]+) .*/\1/p' | distinct 2
	result $? "$levels levels: a fork shares pages, and a write copies one"

	shows 1 '2 KiB of variables each\. 8 page faults$' && shows 1 'later its stack has 9 pages; it had 1\. It prints: "deep down'
	result $? "$levels levels: a stack grows"

	shows 1 'kills it: page fault at va 0xdead000, error code 0x6 \(W U\):$' &&
		shows 1 'a write to a page that is not present, by a user program; it has no region there' &&
		shows 1 'program 1   prints what it has at va 0x20123: "program 1 was here"'
	result $? "$levels levels: a wild access kills its program, in words, and no other"

	shows 1 'the real map tables have 0 and 0 entries\.$' && shows 1 'VM 1 had 9 page faults as records, and answered 8; one was wild$'
	result $? "$levels levels: exit gives everything back, and the records are accounted for"
done

# What the demo's options do to what it prints.
test_output()
{
	[ "$(awk 'length > 100 || /[ \t]$/' "$tmp/out" | wc -l)" = 0 ] && [ "$(wc -l <"$tmp/out")" -le 108 ] &&
		! grep -q '[^ -~]' "$tmp/out"
	result $? "the output fits on two screens, in plain ASCII"

	run 0 "$demo" -q && [ "$(wc -l <"$tmp/out")" -le 20 ] && shows 5 '  checked "' && shows 1 'checks passed\.$'
	result $? "--quiet"

	run 0 "$demo" -v --no-color && shows 0 ' -> real [0-9a-f]+ ' && shows 11 'real page [0-9a-f]+ +r[w-][x-] +none +-> frame' &&
		shows 20 'PTE\[(16|32|511)\]' && shows 9 '\| program [123]: (text|data|stack) page [0-9a-f]+ +\|$'
	result $? "--verbose: every fault in slow motion, every entry"

	run 0 "$demo" --color && grep -q $'\033\\[3' "$tmp/out" && run 0 "$demo" && ! grep -q $'\033' "$tmp/out"
	result $? "--color; none by default where there is no terminal"

	run 0 "$demo" --help && shows 1 '^Usage: ' && shows 1 '^Exit status: 0 ' && silent
	result $? "--help"

	run 2 "$demo" --levels 3 && says 'levels' && run 2 "$demo" --nonsense && run 2 "$demo" argument && says argument
	result $? "bad arguments: 2"

	run 3 "$demo" --programs /nowhere && says '/nowhere/fork: not started' && says 'No such file'
	result $? "no programs: 3"

	run 3 "$demo" --device /nowhere && says '/nowhere: No such file' && run 3 "$demo" --device /dev/null
	result $? "no device: 3"

	# shellcheck disable=SC2016 # the inner shell expands it
	run 3 sh -c 'exec "$0" >/dev/full' "$demo"
	result $? "output that does not get out: 3"
}

# Processes start slowly on the debug kernel.
case $(uname -r) in
*-vmmudbg)
	count=$((count + 1))
	echo "ok $count - test_output # SKIP about the demo alone, and slow on the debug kernel"
	;;
*) test_output ;;
esac

# Without CAP_SYS_ADMIN frames are hidden, and never said to be checked.
if command -v setpriv >/dev/null; then
	run 0 setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$demo" && shows 0 '  checked' &&
		shows 1 'Checked\.$' && shows 1 'grant no more than both levels do\. Checked\.$' &&
		shows 1 'Frames are shown only to those with CAP_SYS_ADMIN: not checked\.' && shows 0 'frame [0-9]' &&
		shows 1 '^All [0-9]+ checks passed; frames were not checked\.$'
	result $? "without CAP_SYS_ADMIN: no frames, and it says so"
fi

echo "1..$count"
[ "$failed" = 0 ]
