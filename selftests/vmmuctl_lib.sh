# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of vmmuctl share; to be sourced by them.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
vmmuctl=${VMMUCTL:-$top/build/userspace/vmmuctl}
library=${LIBVMMU:-$top/build/userspace/libvmmu.so}
guest=$top/selftests/vmmuctl_guest.py
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
[ -x "$vmmuctl" ] || skip_all "$vmmuctl is not built"
command -v python3 >/dev/null || skip_all "python3 is missing"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# result NAME STATUS: a line of TAP, and what the last command printed if STATUS is not 0.
result()
{
	count=$((count + 1))
	if [ "$2" = 0 ]; then
		echo "ok $count - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $count - $1"
	echo "# exit status $status"
	sed 's/^/# stdout: /' "$tmp/out" | head -20
	sed 's/^/# stderr: /' "$tmp/err" | head -20
}

# run STATUS ARGUMENT...: run vmmuctl; false if it does not exit with STATUS.
run()
{
	local expected=$1
	shift
	"$vmmuctl" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ "$status" = "$expected" ]
}

# shows PATTERN, says PATTERN: whether stdout or stderr of the last run has a line like it.
shows() { grep -qE -- "$1" "$tmp/out"; }
says() { grep -qE -- "$1" "$tmp/err"; }

# json EXPRESSION: whether stdout is one JSON text, and the expression holds for it as d. One Python does all.
coproc judge { python3 -uc '
import json, sys
for line in sys.stdin:
    try:
        with open(sys.argv[1]) as out:
            d = json.load(out)
        print("no" if not eval(line) else "yes")
    except Exception as e:
        print(type(e).__name__, e)' "$tmp/out"; }

json()
{
	local answer
	echo "${1//[$'\n\t']/ }" >&"${judge[1]}"
	read -r answer <&"${judge[0]}"
	[ "$answer" = yes ] || { echo "json: $answer: $1" >>"$tmp/err"; false; }
}

# refuses NAME STATUS MESSAGE ARGUMENT...: an exit status, a message on stderr, nothing on stdout.
refuses()
{
	local name=$1 expected=$2 message=$3
	shift 3
	run "$expected" "$@" && says "$message" && [ ! -s "$tmp/out" ]
	result "$name" $?
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

# tool_only TESTS: they say little about the kernel, and processes start slowly on the debug kernel.
tool_only()
{
	case $(uname -r) in
	*-vmmudbg)
		count=$((count + 1))
		echo "ok $count - $1 # SKIP about the tool alone, and slow on the debug kernel"
		;;
	*) "$1" ;;
	esac
}

# start_guest: a process whose VMs there are to look at; see vmmuctl_guest.py for what $vm to $stale are.
start_guest()
{
	mkfifo "$tmp/hold"
	python3 "$guest" "$library" "$tmp" <"$tmp/hold" >"$tmp/held" 2>"$tmp/guest.err" &
	pid=$!
	exec 9>"$tmp/hold"
	for _ in $(seq 1200); do
		[ -s "$tmp/held" ] && break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	# shellcheck disable=SC2034 # the tests use them
	read -r vm space space5 endless endless_space child orphan empty trap windowed stale <"$tmp/held" || {
		sed 's/^/# /' "$tmp/guest.err"
		echo "Bail out! the guest to look at did not start"
		exit 1
	}
}

# audits FD...: whatever the tests have done to these VMs, nothing is wrong in them.
audits()
{
	local fd
	for fd in "$@"; do
		run 0 check "$pid:$fd"
		result "check: the VM of descriptor $fd, at the end" $?
	done
}

# end_guest: ends the guest, and the test with it.
end_guest()
{
	audits "$vm" "$endless" "$windowed"
	exec 9>&-
	wait "$pid"
	echo "1..$count"
	[ "$failed" = 0 ]
}
