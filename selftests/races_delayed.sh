#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the races once more, with random delays where they matter. This is for inside the test VM.
set -uo pipefail

usage()
{
	cat <<'EOT'
usage: selftests/races_delayed.sh [OPTION...] [PROGRAM...]

Load selftests/delays, which delays programs named races* where vmmu and the kernel pass from one step of a fault or
a discard to the next; run the programs of build/selftests, by default every races*; unload it. Prints TAP. Each test
takes as long as it does without delays: its share of VMMU_RACE_SECONDS, 120 for all, with delays and without.

	--chance N	delay one in N passes
	--longest US	by US microseconds at most

Exit status: 0 all passed, 1 some failed, 2 wrong usage, 4 skipped (the module is not built), 125 could not start.
EOT
}

# start_cpus 0 or 1: all but the first off or on. Where the kernel patches its code, an emulated CPU that comes by may
# keep the breakpoint that is there for a moment: selftests/vm/init tells more.
start_cpus()
{
	local cpu
	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$cpu" ] || echo "$1" >"$cpu" || exit 125
	done
}

options=()
while :; do
	case ${1-} in
	-h | --help) usage; exit 0 ;;
	--chance | --longest) [ $# -ge 2 ] || { usage >&2; exit 2; }; options+=("${1#--}=$2"); shift 2 ;;
	-*) usage >&2; exit 2 ;;
	*) break ;;
	esac
done

top=$(cd "$(dirname "$(realpath "$0")")/.." && pwd) || exit 125
programs=("$@")
[ $# != 0 ] || mapfile -t programs < <(grep '^races' "$top/build/selftests/TESTS" | grep -v '\.sh$')

why=
module=$top/build/delays-$(uname -r)/delays.ko
[ -e "$module" ] || why="$module is not built: selftests/vm/module --from selftests/delays KERNEL"
[ -e /sys/module/vmmu ] || why="vmmu is not loaded"
[ "$(id -u)" = 0 ] || why="needs root, to load a module"
[ -z "$why" ] || { echo "1..0 # SKIP $why"; exit 4; }

start_cpus 0
insmod "$module" "${options[@]}" || { start_cpus 1; exit 125; }
trap 'start_cpus 0; rmmod delays; start_cpus 1' EXIT
start_cpus 1

status=0
for program in "${programs[@]}"; do
	"$top/build/selftests/$program" || status=1
done
exit $status
