#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What vmmuctl tells of installs: stat, trap, and what show, list and dump say of trapping spaces. Needs root and the
# module. Prints TAP; exits 0 if all passed, 1 if not, 4 if nothing could be tested.
set -uo pipefail

# shellcheck source=SCRIPTDIR/vmmuctl_lib.sh
. "$(dirname "$(realpath "$0")")/vmmuctl_lib.sh"

# start_installer [COMMAND...]: a guest OS that changes its page table when told, run by COMMAND; see vmmuctl_installer.py
# for $vm, $space and $lazy.
start_installer()
{
	rm -f "$tmp/orders" "$tmp/replies"
	mkfifo "$tmp/orders" "$tmp/replies"
	"$@" python3 "$top/selftests/vmmuctl_installer.py" "$library" <"$tmp/orders" >"$tmp/replies" 2>"$tmp/guest.err" 8>&- 7<&- &
	pid=$!
	exec 8>"$tmp/orders" 7<"$tmp/replies"
	read -r vm space lazy <&7 || {
		sed 's/^/# /' "$tmp/guest.err"
		echo "Bail out! the guest to look at did not start"
		exit 1
	}
}

# tell WORD...: a command to it; true when it is done.
tell()
{
	local reply
	echo "$*" >&8 && read -r reply <&7 && [ "$reply" = "done" ]
}

end_installer()
{
	exec 8>&- 7<&-
	wait "$pid"
}

# comes CONDITION...: whether a command comes true within some time.
comes()
{
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" && return
		sleep 0.1
	done
	false
}

has_lines() { [ "$(wc -l <"$tmp/watched")" -ge "$1" ]; }

# seen PATTERN: like shows, in what comes while vmmuctl runs.
seen() { grep -qE -- "$1" "$tmp/watched"; }

# watch ARGUMENT...: start vmmuctl beside the test, as $watcher, until it shows a line.
watch()
{
	# A test that failed before its end has left one behind.
	[ -z "${watcher-}" ] || kill -KILL "$watcher" 2>/dev/null
	: >"$tmp/watched"
	: >"$tmp/err"
	env --default-signal=INT "$vmmuctl" "$@" >"$tmp/watched" 2>>"$tmp/err" </dev/null 8>&- 7<&- &
	watcher=$!
	comes has_lines 1
}

# ends STATUS: wait for it; false if it does not exit with STATUS. Its output is that of the last run then.
ends()
{
	# The shell tells there who was killed.
	{
		comes is_over || kill -KILL "$watcher"
		wait "$watcher"
		status=$?
	} 2>/dev/null
	watcher=
	cp "$tmp/watched" "$tmp/out"
	[ "$status" = "$1" ]
}

is_over() { ! grep -q '^State:.*[^Z] (' "/proc/$watcher/status" 2>/dev/null; }

# stopped STATUS: the same, after a Ctrl-C.
stopped()
{
	kill -INT "$watcher"
	ends "$1"
}

# json_lines EXPRESSION: like json, where d is a list of the objects of the lines that vmmuctl has shown so far.
json_lines()
{
	{ echo '['; paste -sd, "$tmp/watched"; echo ']'; } >"$tmp/out"
	json "$1"
}

test_stat()
{
	run 0 stat "$at" && shows '^space 1 of VM [0-9]+: .*, trapping, ' && shows '^hypercalls +[1-9]' && shows '^stores +0$' &&
		shows '^refusals +0$' && tell store 10007 && run 0 stat "$at" && shows '^stores +1$' && shows '^traps +1$'
	result "stat of a space" $?
	run 0 stat "$pid:$vm" --json && [ "$(wc -l <"$tmp/out")" = 1 ] && json 'd["vm"] >= 1 and d["space"] is None and
		d["seconds"] is None and len(d["ledger"]) == 15 and d["ledger"]["by_store"] == 1 and d["ledger"]["traps"] == 1'
	result "stat of a VM --json" $?
	run 0 stat "$pid:$lazy" --json && json 'd["space"] == 2 and d["ledger"]["by_hypercall"] == 0'
	result "stat of a lazy space --json" $?
	run 0 stat "$pid:$vm" -i 0.01 -n 21 && [ "$(grep -c '^ *hyper ' "$tmp/out")" = 2 ] && [ "$(wc -l <"$tmp/out")" = 26 ] &&
		[ "$(grep -cE '^( +0){15}$' "$tmp/out")" = 21 ] && shows '^VM [0-9]+: 4 MiB'
	result "stat --interval: a table" $?
}

stores_sum_to() { json_lines "sum(r['ledger']['by_store'] for r in d) == $1"; }

test_stat_interval()
{
	watch stat "$at" --interval 0.2 --json && tell flood 200 && comes stores_sum_to 512 && stopped 130 && json_lines '
		all(r["space"] == 1 and r["seconds"] > 0 for r in d) and d[0]["ledger"]["by_store"] == 0 and
		sum(r["seconds"] for r in d) >= 0.199 * len(d)'
	result "stat --interval: what was added, and Ctrl-C" $?
}

test_stat_end()
{
	local number
	start_installer
	run 0 stat "$pid:$vm" --json && number=$(sed 's/.*"vm":\([0-9]*\),.*/\1/' "$tmp/out")
	# A line comes when the first look has been taken.
	watch stat "$pid:$vm" -i 1000 && end_installer && run_beside list --json && ! grep -q "\"id\":$number," "$tmp/beside"
	result "stat: a VM that it looks at can end" $?
	start_installer
	watch stat "$pid:$vm" -i 0.1 --json && end_installer && ends 0 && says "^vmmuctl: VM [0-9]+: process $pid does not hold it" &&
		json_lines 'len(d) >= 1'
	result "stat: the VM ends" $?
	start_installer
	watch stat "$pid:$space" -i 0.1 -n 100000 && tell close && ends 1 && says '^vmmuctl: space 1 of VM [0-9]+: process'
	result "stat --count: the space is closed" $?
	end_installer
}

# A preload with which the process $LATE_PID gets $LATE_SIGNAL, and obeys, as soon as its descriptor has been looked at.
late_source='
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int stat64(const char *path, struct stat64 *status)
{
	int (*real)(const char *, struct stat64 *) = dlsym(RTLD_NEXT, "stat64");
	const char *pid = getenv("LATE_PID");
	int ret = real(path, status);
	struct stat64 now;

	if (!pid || !strstr(path, "/fd/"))
		return ret;
	kill(atoi(pid), atoi(getenv("LATE_SIGNAL")));
	unsetenv("LATE_PID");
	while (!real(path, &now) && now.st_ino == status->st_ino)
		usleep(1000);
	return ret;
}
'

# goes_late SIGNAL: whether stat says that the space is gone, and shows nothing, if it goes behind a look at the descriptor.
goes_late()
{
	local status
	start_installer
	LD_PRELOAD=$tmp/late.so LATE_PID=$pid LATE_SIGNAL=$1 "$vmmuctl" stat "$pid:$space" -i 0.01 -n 3 --json \
		>"$tmp/out" 2>"$tmp/err" </dev/null 8>&- 7<&-
	status=$?
	{ end_installer; } 2>/dev/null
	[ $status = 1 ] && ! shows . && [ "$(wc -l <"$tmp/err")" = 1 ] && says '^vmmuctl: space 1 of VM [0-9]+: process .* any more$'
}

test_stat_late()
{
	if ! cc -shared -fPIC -o "$tmp/late.so" -x c - <<<"$late_source" 2>/dev/null; then
		count=$((count + 1))
		echo "ok $count - stat: the space goes late # SKIP no compiler"
		return
	fi
	goes_late 9
	result "stat: the process ends behind a look at its descriptor" $?
	goes_late 10
	result "stat: the descriptor becomes another space's behind a look at it" $?
}

# denied ARGUMENT...: like run 3, where vmmuctl would go on if nothing was wrong.
denied()
{
	timeout --foreground 60 "$vmmuctl" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ "$status" = 3 ]
}

# run_beside ARGUMENT...: like run, but with the output apart.
run_beside() { "$vmmuctl" "$@" >"$tmp/beside" 2>/dev/null </dev/null || [ $? = 1 ]; }

test_stat_refusals()
{
	refuses "stat: no object" 2 'PID:FD, or --pid and --fd are needed' stat
	refuses "stat: --count alone" 2 'goes with --interval' stat "$at" -n 3
	refuses "stat: no count" 2 '0 is nothing to do' stat "$at" -i 1 -n 0
	for interval in 0 0.0001 -1 x 1e3 1000001 1.5s inf ''; do
		refuses "stat: interval \`$interval'" 2 'is no time in seconds' stat "$at" --interval="$interval"
	done
	refuses "stat: no such descriptor" 3 'Bad file descriptor' stat "$pid:999"
	refuses "stat: an argument too many" 2 'takes no argument' stat "$at" 1
}

test_trap()
{
	watch trap "$pid:$vm" && seen '^VM [0-9]+: installs in 2 spaces$' && tell store 0 && tell store 10007 && tell hypercall 11007 &&
		tell back 12007 && tell table 20007 && tell lazy 5007 && tell byte 31 && run_beside walk "$at" 0x400000 &&
		tell discard && ends_after 10 && [ "$(wc -l <"$tmp/out")" = 10 ] && ! says .
	result "trap" $?
	shows "^store +thread $pid +space 1 +PTE of va 0x0*400000 at ra 0x4000  0x0 => 0x10007  P W U -> page 0x10000, frame 0x[0-9a-f]+$"
	result "trap: a store" $?
	shows '^hypercall +thread .* 0x10007 => 0x11007 ' && shows '^hypercall .* 0x11007 => 0x12007 .*frame 0x[0-9a-f]+$' &&
		shows '^hypercall .* 0x12007 => 0x11007 .*  \(put back\)$'
	result "trap: hypercalls" $?
	shows '^store .* PDE of va 0x0*600000 at ra 0x3018  0x0 => 0x20007  P W U -> table 0x20000, ' &&
		shows '^hypercall +thread [0-9]+ +space 2 +PML4E of va 0x0+ at ra 0x8000 .* -> table 0x5000'
	result "trap: tables, and a lazy space" $?
	shows '^reread .* 0x11007 => 0x13107 ' && shows '^discard .* 0x13107 => 0x0  not present$'
	result "trap: what was not seen, and discards" $?
}

test_trap_words()
{
	watch trap "$at" --kind store,discard --json && tell store 8000000000000007 && tell store 10000010007 &&
		tell store 80000007 && tell hypercall 0 && tell store 10107 && ends_after 5 && json_lines '
		d[0]["spaces"] == [1] and d[0]["kinds"] == ["store", "discard"] and
		[r["record"]["outcome"] for r in d[1:]] == ["PAGE", "RESERVED", "BEYOND_REAL", "PAGE"] and
		d[2]["record"]["ra"] is None and d[3]["record"]["ra"] == "0x80000000" and d[3]["record"]["frame"] is None'
	result "trap --json --kind" $?
	json_lines "d[4]['record'] == {'kind': 'store', 'cookie': 4, 'tid': $pid, 'space': 1, 'va': '0x400000', 'shared': False,
		'put_back': False, 'level': 1, 'name': 'PTE', 'entry': '0x4000', 'old': '0x0', 'new': '0x10107', 'flags': 'P W U G',
		'outcome': 'PAGE', 'ra': '0x10000', 'frame': d[4]['record']['frame']} and
		d[4]['record']['frame'].startswith('0x')"
	result "trap --json: a record" $?
	watch trap "$at" -k store && tell store 0 && tell store 10000010007 && tell store 80000007 && ends_after 4 &&
		shows ' 0x0  not present$' && shows ' -> nothing: a reserved bit is set$' &&
		shows ' -> nothing: 0x80000000 is beyond real memory$'
	result "trap: nothing established" $?
}

# ends_after N: a Ctrl-C when N lines have come.
ends_after() { comes has_lines "$1" && stopped 130; }

test_trap_count()
{
	watch trap "$pid:$vm" --count 3 --json && tell flood 40 && ends 0 && json_lines '
		len(d) == 4 and [r["record"]["cookie"] for r in d[1:]] == [1, 2, 3]'
	result "trap --count" $?
	watch trap "$pid:$vm" --space 2 && seen 'installs in 1 space$' && tell store 10007 && tell lazy 6007 && ends_after 2 &&
		[ "$(wc -l <"$tmp/out")" = 2 ] && shows ' space 2 '
	result "trap --space" $?
}

# Nobody listens to the space.
is_silent() { delivers 'hypercall none, store none, reread none, discard none$'; }

# delivers PATTERN: where the space's records of installs go. What show finds of others may end meanwhile.
delivers() { run_beside show "$at" && grep -q "^installs  *$1" "$tmp/beside"; }

test_trap_restores()
{
	is_silent && watch trap "$at" --kind store --kind reread &&
		delivers 'hypercall none, store notify, reread notify, discard none$' && stopped 130 && is_silent
	result "trap: Ctrl-C puts deliveries back" $?
	watch trap "$at" && kill -KILL "$watcher" && ends 137 && comes is_silent
	result "trap: so does kill -9" $?
}

test_trap_others()
{
	tell listen 3 3 && denied trap "$at" && says 'space 1: kind store goes to another monitor \(notify\): .*--replace' && ! shows .
	result "trap: another monitor is there" $?
	denied trap "$pid:$vm" && delivers 'hypercall none, store notify, reread none,'
	result "trap: what was refused changed nothing" $?
	watch trap "$at" --kind hypercall && tell store 0 && tell hypercall 10007 && ends_after 2 &&
		[ "$(wc -l <"$tmp/out")" = 2 ] && delivers 'hypercall none, store notify, '
	result "trap: beside another monitor" $?
	watch trap "$at" --replace && tell store 11007 && ends_after 2 && shows ' => 0x11007 ' && is_silent
	result "trap --replace" $?
}

test_trap_end()
{
	start_installer
	watch trap "$pid:$vm" && tell store 10007 && tell close && ends 0 && shows ' => 0x10007 ' &&
		says '^vmmuctl: VM [0-9]+: no space delivers here any more$'
	result "trap: the spaces are closed" $?
	end_installer
	start_installer
	watch trap "$pid:$vm" --json --count 2 && tell store 10007 && end_installer && ends 1 && json_lines 'len(d) == 2'
	result "trap --count: the guest ends" $?
}

# Where the VM has room for what it is, but not for records.
test_trap_limit()
{
	start_installer prlimit --memlock=98304 setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock
	denied trap "$pid:$vm" && says '^vmmuctl: space 1: Cannot allocate memory: the VM is at the limit that it was created under'
	result "trap: the VM is at its limit" $?
	end_installer
}

# More records than a trap file has room for, while nobody reads. That some are missing shows when the next one comes.
test_trap_dropped()
{
	watch trap "$at" --json --kind store && kill -STOP "$watcher" && comes is_stopped && tell flood 1000 && tell store 0 &&
		kill -CONT "$watcher" && comes has_lines 500 && tell store 10007 && comes tells_of_all && stopped 130 && json_lines '
		sum(r.get("dropped", 0) for r in d) > 0 and d[-1]["record"]["new"] == "0x10007" and "dropped" in d[-2]'
	result "trap: dropped records" $?
	watch trap "$at" && kill -STOP "$watcher" && comes is_stopped && tell flood 1000 && tell store 0 && kill -CONT "$watcher" &&
		comes has_lines 500 && tell store 10007 && comes seen ' 0x10007 ' && stopped 130 &&
		shows '^\.\.\. [1-9][0-9]* records were dropped'
	result "trap: dropped records, as text" $?
}

tells_of_all() { json_lines "sum(r.get('dropped', 0) + ('record' in r) for r in d) == 0x1002"; }

is_stopped() { grep -q '^State:.*T (stopped)' "/proc/$watcher/status"; }

test_trap_refusals()
{
	refuses "trap: no object" 2 'PID:FD, or --pid and --fd are needed' trap
	refuses "trap: no such space" 1 'space 9 of VM [0-9]+: no process that you may look at holds it' trap "$pid:$vm" --space 9
	refuses "trap: a space of a space" 2 'space needs a VM' trap "$at" --space 1
	for kind in fault stores '' 'store,' ',store' STORE; do
		refuses "trap: kind \`$kind'" 2 'is not out of hypercall, store, reread, discard' trap "$at" --kind "$kind"
	done
	refuses "trap: no count" 2 '0 is nothing to do' trap "$at" --count 0
	refuses "trap: an argument too many" 2 'takes no argument' trap "$at" 1
	is_silent
	result "trap: refusals changed nothing" $?
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin env --default-signal=INT "$vmmuctl" trap "$at" --count 2 \
		>"$tmp/watched" 2>"$tmp/err" </dev/null 8>&- 7<&- &
	watcher=$!
	comes has_lines 1 && tell store 0 && tell store 12007 && ends 0 && shows '-> page 0x12000, frame hidden$'
	result "trap: frames are hidden" $?
}

test_words_of_others()
{
	run 0 dump "$pid:$vm" && shows '^ra 0x0*1000-0x.*  table$' && run 0 dump "$pid:$vm" --json && json '
		[r["ra"] for r in d["real_map"] if "table" in r["flags"]][0] == "0x1000" and
		sum(r["bytes"] for r in d["real_map"] if "table" in r["flags"]) >= 4 * 4096'
	result "dump: page tables" $?
	run 0 show "$at" && shows '^kind +trapping$' && shows '^installs +hypercall none, store none, reread none, discard none$' &&
		shows '^traps +[0-9]+$' && shows '^opened tables +' && run 0 show "$at" --json && json '
		d["installs"]["store"] == "none" and d["ledger"]["by_hypercall"] >= 4 and d["space"]["kind"] == "trapping"'
	result "show: a trapping space" $?
	run 0 show "$pid:$vm" && shows '^zaps +[0-9]+$' && shows '^prefills +[0-9]+$' && shows '^space 1: .*, trapping, ' &&
		run 0 show "$pid:$vm" --json && json 'd["ledger"]["zaps"] >= 0 and d["spaces"][0]["installs"]["discard"] == "none"'
	result "show: a VM's ledger" $?
	tell listen 2 4 && run 0 list && shows '^    space 1: .*, faults by signal, hypercall by ask$' && run 0 list --json && json '
		[s["installs"]["hypercall"] for v in d["vms"] for s in v["spaces"]] == ["ask", "none"]'
	result "list: deliveries" $?
	run 0 check "$pid:$vm" && shows '^page tables +[4-9]$' && shows '^wrong tables +0$' && run 0 check "$pid:$vm" --json && json '
		d["audit"]["tables"] >= 4 and d["audit"]["tables_wrong"] == 0 and d["audit"]["ra"] is None'
	result "check: page tables" $?
}

start_installer
at=$pid:$space
test_stat
test_trap
test_trap_words
test_stat_interval
test_trap_count
test_trap_restores
test_trap_others
test_trap_dropped
tool_only test_trap_refusals
tool_only test_stat_refusals
test_words_of_others
audits "$vm"
end_installer
test_stat_end
test_trap_end
tool_only test_stat_late
tool_only test_trap_limit
echo "1..$count"
[ "$failed" = 0 ]
