#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What vmmuctl reads from a guest's memory, and what it writes there. Needs root and the module. Prints TAP; exits 0
# if all passed, 1 if not, 4 if nothing could be tested.
set -uo pipefail

# shellcheck source=SCRIPTDIR/vmmuctl_lib.sh
. "$(dirname "$(realpath "$0")")/vmmuctl_lib.sh"

# input STATUS ARGUMENT...: like run, with this shell's stdin.
input()
{
	local expected=$1
	shift
	"$vmmuctl" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ "$status" = "$expected" ]
}

# flags_of ADDRESS: the flags of its last-level entry.
flags_of()
{
	"$vmmuctl" walk "$at" --supervisor --json "$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["translations"][0]["entries"][-1]["flags"])'
}

test_read()
{
	run 0 write "$at" 0x402000 --text 'Hello, guest' && run 0 write "$at" 0x402ff8 --hex '00 ff 20 7e 41' &&
		run 0 read "$at" 0x402000 4K &&
		"$vmmuctl" read "$at" 0x402000 0x1000 --raw >"$tmp/raw" && [ "$(stat -c %s "$tmp/raw")" = 4096 ] &&
		hexdump -Cv "$tmp/raw" | sed '$d' | cut -c9- >"$tmp/expected" &&
		run 0 read "$at" 0x402000 4096 -v && cut -c19- "$tmp/out" | diff "$tmp/expected" - >>"$tmp/err"
	result "read agrees with hexdump -C" $?
	run 0 read "$at" 0x402000 4K && [ "$(cut -c1-18 "$tmp/out" | tr -d '\n')" = \
		"0x00000000004020000x0000000000402010*0x0000000000402ff0" ]
	result "read: a star for equal rows" $?
	run 1 read "$at" 0x403f00 0x200 && shows '^0x0*403f00 ' && shows '^0x0*404000$' &&
		says '^vmmuctl: 0x0*404000: BEYOND_REAL, level 1 \(PTE\): .*; 256 bytes before it were read$'
	result "read stops at what is not mapped" $?
	run 1 read "$at" 0x500000 1 && says 'NOT_PRESENT, level 1 .*error code 0x4: U; nothing was read$' && ! shows .
	result "read: nothing there" $?
	run 1 read "$at" 0xffff800000000000 8 && says 'USER, level 1' && run 0 read "$at" -s 0xffff800000000000 8 &&
		shows '^0xffff800000000000  00 00 00 00 00 00 00 00 +\|\.{8}\|$'
	result "read --supervisor" $?
	run 1 read "$at" 0x403fc0 0x80 --json && json "d['memory'] == [{'va': '0x403fc0', 'hex': '00' * 64}] and
		d['done'] == 64 and d['stopped']['va'] == '0x404000' and d['stopped']['reason'] == 'BEYOND_REAL'"
	result "read --json" $?
	[ "$(flags_of 0x403000)" = "P U NX" ] && run 0 read "$at" 0x403000 1 && [ "$(flags_of 0x403000)" = "P U NX" ] &&
		run 0 read "$at" 0x403000 1 --set-ad && [ "$(flags_of 0x403000)" = "P U A NX" ]
	result "read --set-ad" $?
	(ulimit -d 2048 && "$vmmuctl" read "$pid:$endless_space" 0x100000 5M --raw) 2>"$tmp/err" | wc -c >"$tmp/out"
	status=${PIPESTATUS[0]}
	[ "$status" = 0 ] && shows '^5242880$'
	result "read more than it has memory for" $?
}

test_read_refusals()
{
	refuses "read: no address" 2 'which address' read "$at"
	refuses "read: no length" 2 'how many bytes' read "$at" 0x402000
	refuses "read: 0 bytes" 2 '0 bytes are none' read "$at" 0x402000 0
	refuses "read: a bad length" 2 'is not a size' read "$at" 0x402000 4X
	refuses "read: beyond 64 bits" 2 'beyond 64 bits' read "$at" 0xfffffffffffffff0 17
	run 0 read "$pid:$endless_space" 0xfffffffffffffff0 16 && shows '^0xfffffffffffffff0 '
	result "read up to the last address" $?
	refuses "read: an argument too many" 2 "one argument too many: \`3'" read "$at" 1 2 3
	refuses "read: raw JSON" 2 'not both' read "$at" 0 1 --raw --json
	refuses "read: a VM" 2 'a space is needed' read "$pid:$vm" 0 1
	on_terminal 2 "$vmmuctl" read "$at" 0x402000 5 --raw && shows 'needs --force' &&
		on_terminal 0 "$vmmuctl" read "$at" 0x402000 5 --raw --force && shows '^Hello'
	result "read --raw on a terminal" $?
	"$vmmuctl" read "$at" 0x402000 4096 --raw >/dev/full 2>"$tmp/err"
	status=$?
	[ $status = 3 ] && says 'No space left on device'
	result "read: full output" $?
}

test_write()
{
	run 0 write "$at" 0x402100 --hex 'deadbe EF' && shows '^wrote 4 bytes at 0x0*402100$' && run 0 read "$at" 0x402100 5 &&
		shows '  de ad be ef 00 '
	result "write --hex" $?
	run 0 write "$at" 0x402200 --value 0x1234 --width 4 && shows '^wrote 4 bytes' &&
		run 0 write "$at" 0x402203 --value 0xff --width 1 && run 0 write "$at" 0x402208 --value 1 && shows '^wrote 8 bytes' &&
		run 0 read "$at" 0x402200 16 && shows '  34 12 00 ff 00 00 00 00  01 00 00 00 00 00 00 00  '
	result "write --value" $?
	printf 'from stdin' | input 1 write "$at" 0x402ffc && shows '^wrote 4 bytes at 0x0*402ffc$' &&
		says '0x0*403000: WRITE, level 1 .*error code 0x7: P W U; 4 bytes before it were written$' &&
		run 0 read "$at" 0x402ffc 4 && shows '\|from\|'
	result "write stdin, up to a read-only page" $?
	printf 'from' | input 0 write "$at" 0x402ffc --json && json 'd["done"] == 4 and d["stopped"] is None' &&
		run 1 write "$at" 0x400000 --text x --json && json 'd["done"] == 0 and d["stopped"]["reason"] == "WRITE"'
	result "write --json" $?
	run 1 write "$at" 0x400000 --text x && says 'WRITE, level 1 .*; nothing was written$' && ! shows .
	result "write: nothing granted" $?
	seq 100000 | head -c 500000 >"$tmp/data"
	{ head -c 1000 "$tmp/data"; sleep 1; tail -c +1001 "$tmp/data"; } | input 0 write "$at" 0x600123 &&
		"$vmmuctl" read "$at" 0x600123 500000 --raw | cmp - "$tmp/data" 2>>"$tmp/err"
	result "write half a megabyte from a slow stdin" $?
	[ "$(flags_of 0x402000)" = "P W U NX" ] && run 0 write "$at" 0x402000 --text H --set-ad &&
		[ "$(flags_of 0x402000)" = "P W U A D NX" ]
	result "write --set-ad" $?
	run 1 write "$at" 0xffff800000000000 --text k && says 'USER, level 1' &&
		run 0 write "$at" --supervisor 0xffff800000000000 --text k
	result "write --supervisor" $?
}

test_exchange()
{
	run 0 write "$at" 0x402300 --value 5 --width 2 && run 0 write "$at" 0x402300 --value 6 --width 2 --expect 5 &&
		shows '^0x0*402300 held 0x5 and holds 0x6 now$' && run 0 read "$at" 0x402300 2 && shows '  06 00 '
	result "write --expect" $?
	run 1 write "$at" 0x402300 --value 7 --width 2 --expect 5 && says 'holds 0x6, not 0x5: nothing was written' &&
		run 0 read "$at" 0x402300 2 && shows '  06 00 '
	result "write --expect: another value" $?
	run 1 write "$at" 0x402300 --value 7 --width 2 --expect 5 --json && json "d['exchange'] == {'expected': '0x5',
		'desired': '0x7', 'seen': '0x6', 'swapped': False} and d['done'] == 0 and d['stopped'] is None" &&
		run 0 write "$at" 0x402300 --value 7 --width 2 --expect 6 --json && json 'd["exchange"]["swapped"] and d["done"] == 2'
	result "write --expect --json" $?
	run 1 write "$at" 0x400000 --value 7 --expect 5 && says 'WRITE, level 1 .*nothing was written' &&
		run 1 write "$at" 0x400000 --value 7 --expect 5 --json && json "d['exchange']['seen'] is None and
		d['exchange']['swapped'] is False and d['stopped']['reason'] == 'WRITE'"
	result "write --expect: nothing granted" $?
}

test_write_refusals()
{
	refuses "write: no address" 2 'which address' write "$at"
	refuses "write: empty stdin" 2 'standard input is empty' write "$at" 0x402000
	refuses "write: empty text" 2 'nothing to write' write "$at" 0x402000 --text ''
	refuses "write: half a byte" 2 "\`abc' is not made of bytes" write "$at" 0x402000 --hex abc
	refuses "write: two sources" 2 'one of --hex, --text and --value' write "$at" 0x402000 --hex ab --value 1
	refuses "write: a bad width" 2 'none of 1, 2, 4, 8' write "$at" 0x402000 --value 1 --width 3
	refuses "write: a width of text" 2 'go with --value' write "$at" 0x402000 --text a --width 1
	refuses "write: too wide a value" 2 'does not fit in 1 bytes' write "$at" 0x402000 --value 256 --width 1
	refuses "write: too wide an expectation" 2 'does not fit in 4 bytes' write "$at" 0x402000 --value 1 -w 4 -e 0x100000000
	refuses "write: a crooked exchange" 2 'needs a multiple of 4' write "$at" 0x402002 --value 1 -w 4 -e 0
	refuses "write: beyond 64 bits" 2 'beyond 64 bits' write "$at" 0xffffffffffffffff --hex '00 00'
	echo | input 3 write "$pid:99" 0x402000 && says 'Bad file descriptor'
	result "write: no such descriptor" $?
	printf 'ab' | input 2 write "$pid:$endless_space" 0xffffffffffffffff && says 'goes on beyond the last address'
	result "write: stdin goes on beyond 64 bits" $?
	"$vmmuctl" write "$at" 0x402000 <&- >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 2 ] && says 'standard input is empty'
	result "write: closed stdin" $?
	input 3 write "$at" 0x402000 <"$tmp" && says 'standard input: Is a directory'
	result "write: stdin that can't be read" $?
}

start_guest
at=$pid:$space
test_read
tool_only test_read_refusals
test_write
test_exchange
tool_only test_write_refusals
end_guest
