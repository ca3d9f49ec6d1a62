#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What vmmuctl shows of one object, and of a guest's memory: show, read, write, who. Needs root and the module. Prints
# TAP; exits 0 if all passed, 1 if not, 4 if nothing could be tested.
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

# unprivileged STATUS ARGUMENT...: like run, without CAP_SYS_ADMIN.
unprivileged()
{
	local expected=$1
	shift
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$vmmuctl" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ "$status" = "$expected" ]
}

# stranger STATUS ARGUMENT...: like run, as nobody.
stranger()
{
	local expected=$1
	shift
	setpriv --reuid 65534 --clear-groups "$vmmuctl" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ "$status" = "$expected" ]
}

# stopped STATUS ARGUMENT...: like run, with a Ctrl-C after two seconds.
stopped()
{
	local expected=$1
	shift
	timeout --foreground --preserve-status -k 60 -s INT 2 "$vmmuctl" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ "$status" = "$expected" ]
}

# on_terminal STATUS COMMAND...: run it on a terminal of its own; both of its outputs are stdout then.
on_terminal()
{
	local expected=$1 command
	shift
	printf -v command '%q ' "$@"
	script -qec "$command" /dev/null >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ "$status" = "$expected" ]
}

# flags_of ADDRESS: the flags of its last-level entry.
flags_of()
{
	"$vmmuctl" walk "$at" --supervisor --json "$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["translations"][0]["entries"][-1]["flags"])'
}

test_show()
{
	run 0 show "$pid:$vm" && shows '^real memory +4 MiB$' && shows '^state +live$' && shows '^frames +[1-9]' &&
		shows '^limit +without bound$' && shows '^sequence +[0-9]' && shows '^frame numbers +shown$' &&
		shows "^held by $pid \(python3\), fd $vm$" && shows '^space 2: x86-64-5level, root 0x3000' &&
		shows "^    held by $pid \(python3\), fd $space5$" && ! says .
	result "show a VM" $?
	run 0 show --pid "$pid" --fd "$vm" --json && json "d['vm']['limit_bytes'] is None and d['vm']['frames_shown'] and
		d['holders'] == [{'pid': $pid, 'comm': 'python3', 'fds': [$vm]}] and
		[s['format'] for s in d['spaces']] == ['x86-64-4level', 'x86-64-5level']"
	result "show a VM --json" $?
	unprivileged 0 show "$pid:$vm" && shows '^frame numbers +hidden: CAP_SYS_ADMIN'
	result "show a VM without CAP_SYS_ADMIN" $?
	run 0 show "$at" && shows '^kind +lazy$' && shows '^root +0x1000$' && shows '^mode +WP NXE CPL3 MAXPHYADDR=40$' &&
		shows '^virtual address +48 bits$' && shows "^held by $pid \(python3\), fd $space$" &&
		shows '^0x0*400000-0x0*401fff +8 KiB ' && shows '^0xffff800000000000-' && ! shows 'more'
	result "show a space" $?
	run 0 show "$at" --json && json "d['space']['levels'] == 4 and d['holders'][0]['fds'] == [$space] and
		len(d['mappings']) == 6 and d['more_mappings'] == 0"
	result "show a space --json" $?
	run 0 show "$child:$empty" && shows '^nothing is mapped$'
	result "show a space that maps nothing" $?
	run 0 show "$pid:$endless_space" && [ "$(grep -c '^0x' "$tmp/out")" = 16 ] &&
		shows '^and at least 16384 more; --all lists them$'
	result "show a space with more runs than can be counted" $?
}

test_show_address()
{
	run 0 write "$at" 0x402000 --text 'Hello, guest' && run 0 show "$at" 0x402000 &&
		shows '^  real address  0x12000, in a 4 KiB page' && shows '^  frame         0x' && shows '^  rights        rw-u' &&
		shows '^0x0*402000  48 65 6c 6c 6f 2c 20 67  75 65 73 74 00 00 00 00  \|Hello, guest\.\.\.\.\|$' &&
		[ "$(grep -c '|$' "$tmp/out")" = 4 ]
	result "show ADDRESS" $?
	run 1 show "$at" 0x404000 && shows 'fails         BEYOND_REAL, level 1 \(PTE\)' && ! shows '\|$'
	result "show ADDRESS: not translated" $?
	run 1 show "$at" -a w 0x400000 && shows 'fails         WRITE, level 1'
	result "show ADDRESS --access" $?
	run 0 show "$at" 0x403ff0 && [ "$(grep -c '|$' "$tmp/out")" = 1 ] &&
		says '^vmmuctl: 0x0*404000: BEYOND_REAL, .*; 16 bytes before it were read$'
	result "show ADDRESS: memory that ends" $?
	run 0 show "$at" 0x600000 --json && json "d['translation']['reason'] == 'NOT_BACKED' and
		d['memory'] == [{'va': '0x600000', 'hex': '00' * 64}] and d['done'] == 64 and d['stopped'] is None" &&
		run 0 show "$at" 0x600000 && shows 'frame         none'
	result "show ADDRESS --json, without giving a frame" $?
	run 0 show "$pid:$endless_space" 0xffffffffffffffff && shows '^0xffffffffffffffff  00                +\|\.\|$'
	result "show the last address" $?
	refuses "show: an address of a VM" 2 'a space is needed' show "$pid:$vm" 0
	refuses "show: --all and an address" 2 'goes without an address' show "$at" --all 0
	refuses "show: an access of nothing" 2 'go with an address' show "$at" --user
	refuses "show: no PID:FD" 2 "\`$pid:x' is not PID:FD" show "$pid:x"
	stranger 3 show "$at" && says 'ptrace permission'
	result "show: no permission" $?
}

test_read()
{
	run 0 write "$at" 0x402ff8 --hex '00 ff 20 7e 41' && run 0 read "$at" 0x402000 4K &&
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

test_who()
{
	local frame
	run 0 who "$pid:$vm" 0x10123 && shows '^real page 0x10000 of VM [0-9]+, frame 0x[0-9a-f]+$' &&
		shows '^space 1 +va 0x0*400000 +4 KiB page  r-xu$' && shows '^space 2 +va 0x0*400000 ' &&
		[ "$(wc -l <"$tmp/out")" = 3 ]
	result "who" $?
	run 0 who "$pid:$vm" 0x3ff000 --json && json "d['vm']['real_bytes'] == 4 << 20 and d['complete'] is True and
		d['ra'] == '0x3ff000' and d['frame'] is None and d['mappers'] == [{'space': 1, 'va': '0x7ff000',
		'page_size': 2 << 20, 'attributes': '0x8000000000000087', 'rights': 'rw-u'}]"
	result "who --json" $?
	run 0 who "$at" 0x401fff && shows '^0x0*401fff  ra 0x11fff ' && shows '^space 1 +va 0x0*401000 ' &&
		shows '^space 2 +va 0x0*401000 ' && run 1 who "$at" 0xffff800000000000 && says 'USER, level 1' &&
		run 0 who "$at" --supervisor 0xffff800000000000 --json &&
		json "d['translation']['ra'] == '0x15000' and
			[m['va'] for m in d['mappers']] == ['0xffff800000000000', '0xff00000000000000']"
	result "who of a space's address" $?
	run 0 who "$pid:$vm" 0x10000 --json && frame=$(sed -n 's/^"frame":"\(0x.*\)",$/\1/p' "$tmp/out") &&
		run 0 who "$pid:$vm" --frame "$frame" && shows '^real page 0x10000 ' && shows '^space 2 '
	result "who --frame" $?
	unprivileged 3 who "$pid:$vm" --frame "$frame" && says 'not permitted: CAP_SYS_ADMIN .*ask by real address' &&
		unprivileged 0 who "$pid:$vm" 0x10000 && shows 'frame hidden$'
	result "who --frame without CAP_SYS_ADMIN" $?
	run 1 who "$pid:$vm" --frame 1 && says 'frame 0x1 backs no real page of VM'
	result "who --frame of somebody else" $?
	run 1 who "$pid:$vm" 0x100000 && shows 'no frame$' && says 'no space maps real page 0x100000'
	result "who: nobody" $?
}

test_who_endless()
{
	stopped 130 who "$pid:$endless_space" 0x7fffff123456 --json && says 'interrupted; the list is incomplete' &&
		json 'd["complete"] is False and d["translation"]["ra"] == "0x456" and d["ra"] == "0x0" and
			len(d["mappers"]) > 1000 and d["mappers"][1]["va"] == "0x1000"'
	result "who: Ctrl-C in a long list" $?
	stopped 130 who "$pid:$endless" 0x1000 && says 'interrupted; the list is incomplete' && shows '^real page 0x1000 '
	result "who: Ctrl-C in a long search" $?
	on_terminal 130 timeout --foreground --preserve-status -k 60 -s INT 4 "$vmmuctl" who "$pid:$endless" 0x1000 &&
		shows 'space 1, at 0x0*[1-9a-f][0-9a-f]+: 0 found'
	result "who: progress on a terminal" $?
	timeout --foreground --preserve-status 60 "$vmmuctl" who "$pid:$endless" 0 2>"$tmp/err" | head -3 >"$tmp/out"
	status=${PIPESTATUS[0]}
	[ "$status" = 141 ] && [ "$(wc -l <"$tmp/out")" = 3 ]
	result "who: a reader that has seen enough" $?
}

test_who_refusals()
{
	refuses "who: no address" 2 'which address' who "$pid:$vm"
	refuses "who: beyond real memory" 2 'beyond the 4 MiB of real memory' who "$pid:$vm" 0x400000
	refuses "who: an address and a frame" 2 'not both' who "$pid:$vm" 0 --frame 1
	refuses "who: a frame of a space" 2 'frame needs a VM' who "$at" --frame 1
	run 1 who "$child:$empty" 0 && says '^vmmuctl: 0x0+: TABLE_BEYOND_REAL'
	result "who: an address that is not mapped" $?
	run 3 who "$child:$orphan" 0 && says '^vmmuctl: VM [0-9]+: .*no process that you may look at holds the VM itself'
	result "who: a VM that only its spaces keep" $?
}

start_guest
at=$pid:$space
test_show
test_show_address
test_read
test_read_refusals
test_write
test_exchange
test_write_refusals
test_who
test_who_endless
test_who_refusals
end_guest
