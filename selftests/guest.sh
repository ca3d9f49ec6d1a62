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

# act TITLE: what the last run has printed under the title that begins so.
act() { sed -nE "/^$1/,/^\$/p" "$tmp/out"; }

# frames: the frames at the notes' address, in the input.
frames() { sed -nE 's/.*va 0x20123 +-> +ra .*-> +frame ([0-9a-f]+) .*/\1/p'; }

# Processes start slowly on the debug kernel: there is not time for everything.
case $(uname -r) in
*-vmmudbg) slow=yes ;;
*) slow=no ;;
esac

# test_parts N [OPTION...]: the guest OS part by part, N results, which become results of this test.
test_parts()
{
	local nr=$1
	shift
	run 0 "$parts" "$@"
	while read -r verdict _ _ name; do
		[ "$verdict" = ok ]
		result $? "$name"
	done < <(sed -nE 's/^not ok /fail /p; /^ok /p' "$tmp/out")
	[ "$status" = 0 ] && shows 1 "^1\.\.$nr\$" && shows "$nr" '^ok '
	result $? "all parts of the guest OS${*:+, $*}"
}

# Page tables are changed in four ways; with 4 levels page faults are records, with 5 they are signals.
if [ $slow = yes ]; then
	test_parts 78 --tables stores
	test_parts 39 --tables batches --levels 4
	test_parts 39 --tables lazy --levels 5
else
	test_parts 312
fi

# A program uses a table of each level and three pages of memory, all of them real pages.
for levels in 4 5; do
	run 0 "$demo" --no-color --levels "$levels" && silent && shows 1 '^All [0-9]+ checks passed\.$'
	result $? "$levels levels: exit status, nothing on stderr, verdict"

	shows 5 'va 0x20123 +-> +ra 0x[0-9a-f]+123 +-> +frame [0-9a-f]+ +byte 123  checked "program [1234] was here"$' &&
		shows 1 "programs' pages of text and stack likewise, at va 0x10000 and 0x1ff000\. Checked\.$" && shows 0 MISMATCH
	result $? "$levels levels: every address ends at a checked frame, with the program's own note"

	act 'Where the addresses end' | frames | distinct 3 &&
		shows 1 'One virtual address, three programs: three frames, three notes\. Checked\.' &&
		shows 1 "$((levels + 3)) real pages, 1 to $((levels + 3)), are used by both VMs: two frames for each\. Checked\."
	result $? "$levels levels: the same address is another frame in each program"

	shows 1 "level 1  PTE\[16\] +. real page [0-9a-f]+ +r-x +$((levels - 1)) -> $levels +none +-> frame [0-9a-f]+$" &&
		shows 10 ' -> real [0-9a-f]+ .* none -> frame [0-9a-f]+$' &&
		shows $((levels - 1)) 'level [2-5]  P[A-Z0-9]+E\[0\] += real page [0-9a-f]+ +a table +[0-9]+ -> [0-9]+ '
	result $? "$levels levels: each install gives its real page a frame that it did not have"

	frame=$(column 'PTE\[16\] .* none +-> frame ([0-9a-f]+)$')
	shows 1 '^  store +\*entry = 0x3005; the entry is at 0x[0-9a-f]+080 for the guest OS: ra 0x[0-9a-f]+080$' &&
		shows 1 "^  trap +real page [0-9a-f]+ is a page table, write-protected: stores that trapped $((levels - 1)) -> $levels$" &&
		shows 1 "^  decode .* by stores $((levels - 1)) -> $levels, tables opened 0 -> 0$" &&
		shows 1 '^  monitor .*: store, va 0x10000, level 1, 0x0 -> 0x3005, real page 3$' &&
		shows 1 "^  real map +real page 3: none -> frame $frame$" &&
		shows 1 "^  frame +reads as zeroes; .* has mapped frame $frame$" &&
		shows 1 '^  continue .* finds 0x3005 in the entry$' && shows 1 'goes on\. .* 0x3005 \(P U\), and is 0x3025 \(P U A\)$'
	result $? "$levels levels: one install step by step, from the store to the program that goes on"

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
		act 'A program forks' | frames | distinct 2
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

# costs PATTERN...: whether the rows of the four ways' table are like these, in this order.
costs()
{
	local lines pattern
	mapfile -t lines < <(grep -E '^  (stores|hypercalls|batches|lazy)( +[0-9]+){9}$' "$tmp/out" | tr -s ' ')
	[ "${#lines[@]}" = "$#" ] || return 1
	for pattern; do
		[[ ${lines[0]} =~ $pattern ]] || return 1
		lines=("${lines[@]:1}")
	done
}

# Entries changed, installs, traps, calls: the same entries in each way, and what they cost there.
costs ' stores ([0-9]+) ([0-9]+) ([0-9]+) 0 ' ' hypercalls ([0-9]+) ([0-9]+) 0 ([0-9]+) ' \
	' batches ([0-9]+) ([0-9]+) 0 ([0-9]+) ' ' lazy ([0-9]+) 0 0 ([0-9]+) ' &&
	[ "$(grep -oE '^  (stores|hypercalls|batches|lazy) +[0-9]{3} ' "$tmp/out" | tr -d ' a-z' | sort -u | wc -l)" = 1 ]
result $? "the four ways are compared"

# The demo in the other three ways: the same outcome, and slow motion of another kind.
test_ways()
{
	local way levels
	for way in 'hypercalls 4' 'batches 5' 'lazy 4'; do
		levels=${way#* }
		way=${way% *}
		run 0 "$demo" --no-color --tables "$way" --levels "$levels" && silent && shows 1 '^All [0-9]+ checks passed\.$' &&
			shows 5 'va 0x20123 +-> +ra 0x[0-9a-f]+123 +-> +frame [0-9a-f]+ +byte 123  checked "program [1234] was here"$' &&
			shows 0 '^  (store|trap|decode) ' && shows 1 'goes on\. .* 0x3005 \(P U\), and is 0x3025 \(P U A\)$'
		result $? "$way: exit status, nothing on stderr, verdict, addresses"

		case $way in
		hypercalls) shows 1 'makes a hypercall for the page' && shows 1 'PTE\[16\] .* 3 -> 4 +none +-> frame ' ;;
		batches) shows 1 'makes one hypercall for the page' && shows 5 'E\[(0|16)\] .* 0 -> 5 ' ;;
		lazy) shows 1 'hears nothing of it' && shows 4 'E\[(0|16)\] .* 0 -> 0 ' && shows 11 ' none +-> none$' ;;
		esac
		result $? "$way: what slow motion shows"
	done
}

# What the demo's options do to what it prints.
test_output()
{
	run 0 "$demo" --levels 5 && [ "$(awk 'length > 100 || /[ \t]$/' "$tmp/out" | wc -l)" = 0 ] &&
		[ "$(wc -l <"$tmp/out")" -le 130 ] && ! grep -q '[^ -~]' "$tmp/out"
	result $? "the output fits on three screens, in plain ASCII"

	run 0 "$demo" -q && [ "$(wc -l <"$tmp/out")" -le 20 ] && shows 5 '  checked "' && shows 1 'checks passed\.$'
	result $? "--quiet"

	run 0 "$demo" -v --no-color && shows 0 ' -> real [0-9a-f]+ ' && shows 11 'real page [0-9a-f]+ +r[w-][x-] +[0-9]+ -> [0-9]+ +none +-> frame' &&
		shows 11 '^  store +\*entry' && shows 11 '^  continue ' &&
		shows 20 'PTE\[(16|32|511)\]' && shows 9 '\| program [123]: (text|data|stack) page [0-9a-f]+ +\|$'
	result $? "--verbose: every fault in slow motion, every entry"

	run 0 "$demo" --color && grep -q $'\033\\[3' "$tmp/out" && run 0 "$demo" && ! grep -q $'\033' "$tmp/out"
	result $? "--color; none by default where there is no terminal"

	run 0 "$demo" --help && shows 1 '^Usage: ' && shows 1 '^Exit status: 0 ' && silent
	result $? "--help"

	run 2 "$demo" --levels 3 && says 'levels' && run 2 "$demo" --tables none &&
		says 'stores, hypercalls, batches or lazy' && run 2 "$demo" --nonsense && run 2 "$demo" argument && says argument
	result $? "bad arguments: 2"

	run 3 "$demo" --programs /nowhere && says '/nowhere/fork: not started' && says 'No such file'
	result $? "no programs: 3"

	run 3 "$demo" --device /nowhere && says '/nowhere: No such file' && run 3 "$demo" --device /dev/null
	result $? "no device: 3"

	# shellcheck disable=SC2016 # the inner shell expands it
	run 3 sh -c 'exec "$0" >/dev/full' "$demo"
	result $? "output that does not get out: 3"
}

if [ $slow = yes ]; then
	count=$((count + 1))
	echo "ok $count - test_ways, test_output # SKIP about the demo alone, and slow on the debug kernel"
else
	test_ways
	test_output
fi

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
