#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What vmmuctl shows of one object, and who maps a page. Needs root and the module. Prints TAP; exits 0 if all passed,
# 1 if not, 4 if nothing could be tested.
set -uo pipefail

# shellcheck source=SCRIPTDIR/vmmuctl_lib.sh
. "$(dirname "$(realpath "$0")")/vmmuctl_lib.sh"

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

test_show_windows()
{
	run 0 show "$pid:$vm" && shows '^zaps +[0-9]+$' && shows '^space 1: .*, faults by signal$' &&
		shows '^space 2: .*, faults by record$' &&
		shows '^trap file: records 0 made, 0 read, 0 withdrawn, 0 overflowed, 0 answered; threads waiting 0$' &&
		shows "^    held by $pid \(python3\), fd $trap$"
	result "show a VM: how page faults come" $?
	run 0 show "$pid:$vm" --json && json "d['vm']['zaps'] >= 0 and [s['delivery'] for s in d['spaces']] ==
		['signal', 'record'] and [t['waiting'] for t in d['traps']] == [0] and
		d['traps'][0]['holders'][0]['fds'] == [$trap]"
	result "show a VM: how page faults come --json" $?
	run 0 show "$at" && shows '^page faults +signals$' && run 0 show "$pid:$space5" && shows '^page faults +records on a trap'
	result "show a space: how page faults come" $?
	run 0 show "$pid:$trap" && shows '^trap file +of VM [0-9]+$' && shows '^spaces +1$' && shows '^records made +0$' &&
		shows '^threads waiting +0$'
	result "show a trap file" $?
	run 0 show "$pid:$trap" --json && json 'd["trap"]["nr_spaces"] == 1 and d["trap"]["made"] == d["trap"]["waiting"] == 0'
	result "show a trap file --json" $?
	run 0 list && shows '^    trap file: records 0 made' && run 0 list --json &&
		json "$trap in [f for v in d['vms'] for t in v['traps'] for h in t['holders'] for f in h['fds']]"
	result "list trap files" $?
	refuses "read from a trap file" 2 'is a trap file; a space is needed' read "$pid:$trap" 0 1
	refuses "who maps a page of a trap file" 2 'is a trap file; a VM or a space is needed' who "$pid:$trap" 0
}

test_check()
{
	run 0 check "$pid:$windowed" && shows '^windows +1$' && shows '^host entries +1$' && shows '^wrong +0$' && shows '^page tables +0$' &&
		shows '^wrong tables +0$' && ! shows first
	result "check" $?
	run 0 check "$pid:$windowed" --json && json 'd["audit"]["windows"] == 1 and d["audit"]["checked"] >= 1 and
		d["audit"]["wrong"] == 0 and d["audit"]["va"] is None and d["vm"]["id"] >= 1'
	result "check --json" $?
	run 1 check "$pid:$stale" && shows '^wrong +1$' && shows '^the first +space 1, va 0x0$'
	result "check: a window grants too much" $?
	run 1 check "$pid:$stale" --json && json 'd["audit"]["wrong"] == 1 and d["audit"]["space"] == 1 and d["audit"]["va"] == "0x0"'
	result "check: a window grants too much --json" $?
	refuses "check of a space" 2 'is a space; a VM is needed' check "$at"
	run 1 audit "$pid:$stale" && shows '^wrong +1$' && run 0 audit --help && shows '^Usage: vmmuctl check '
	result "audit: another name of check" $?
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
test_show_windows
test_check
test_who
test_who_endless
tool_only test_who_refusals
end_guest
