#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every command of vmmuctl: what it prints, as text and as JSON, its exit codes, its messages. Needs root and the
# module. Prints TAP; exits 0 if all passed, 1 if not, 4 if nothing could be tested.
set -uo pipefail

# shellcheck source=SCRIPTDIR/vmmuctl_lib.sh
. "$(dirname "$(realpath "$0")")/vmmuctl_lib.sh"

test_general()
{
	local command
	run 0 --version && shows '^vmmuctl [0-9]+\.[0-9]+'
	result "--version" $?
	run 0 --help && shows '^  image ' && ! shows '^  audit ' && shows 'Exit codes'
	result "--help" $?
	for command in info list show walk dump read write who stat trap check image; do
		run 0 "$command" --help && shows "^Usage: vmmuctl $command" && shows '^Exit codes: 0' && [ ! -s "$tmp/err" ]
		result "$command --help" $?
		refuses "$command: unknown option" 2 "unrecognized option '--nonsense'" "$command" --nonsense
	done
	refuses "no such command" 2 'nonsense: no such command' nonsense
	run 2 && says '^Usage'
	result "no command at all" $?
	refuses "info: an argument too many" 2 'takes no argument' info extra
	"$vmmuctl" info >/dev/full 2>"$tmp/err"
	status=$?
	[ $status = 3 ] && says 'No space left on device'
	result "full output" $?
	"$vmmuctl" info >&- 2>"$tmp/err"
	status=$?
	[ $status = 3 ] && says 'standard output'
	result "closed output" $?
}

test_info()
{
	run 0 info && shows '^formats +x86-64-4level, x86-64-5level' &&
		shows '^features +populate, real-map, install, translate, mappings, memory, reverse, windows, traps, audit, trapping$'
	result "info" $?
	run 0 info --json && json 'd["info"]["api_version"] == 1 and d["info"]["page_bytes"] == 4096 and
		"x86-64-5level" in d["info"]["formats"] and d["info"]["max_batch"] >= 1024'
	result "info --json" $?
}

test_missing_device()
{
	unshare -m sh -c 'mount -t tmpfs none /dev && exec "$@"' sh "$vmmuctl" info >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 3 ] && says '^vmmuctl: /dev/vmmu: No such file or directory: load the module with .make load'
	result "info without a device" $?
	setpriv --reuid 65534 --clear-groups "$vmmuctl" info >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 3 ] && says '/dev/vmmu: Permission denied: run as root'
	result "info without permission" $?
}

test_list()
{
	run 0 list && shows "held by $pid \(python3\), fd $vm$" && shows 'x86-64-5level, root 0x3000, lazy, mode WP NXE CPL3'
	result "list" $?
	run 0 list --json && json "[v for v in d['vms'] if v['real_bytes'] == 4 << 20 and v['state'] == 'live' and
		{'pid': $pid, 'comm': 'python3', 'fds': [$vm]} in v['holders'] and
		[s['format'] for s in v['spaces']] == ['x86-64-4level', 'x86-64-5level'] and
		v['spaces'][0]['root'] == '0x1000' and v['spaces'][0]['kind'] == 'lazy']"
	result "list --json" $?
	json "[v for v in d['vms'] if v['real_bytes'] is None and not v['holders'] and
		$child in [h['pid'] for s in v['spaces'] for h in s['holders']]]"
	result "list: a VM that only a space keeps" $?
	setpriv --reuid 65534 --clear-groups "$vmmuctl" list >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 1 ] && says 'processes were left out; run as root'
	result "list without permission" $?
}

test_walk()
{
	local at=(--pid "$pid" --fd "$space")
	run 0 walk "${at[@]}" 0x400123 && shows 'level 4  PML4E\[0\] at ra 0x1000 = 0x0*20007: P W U$' &&
		shows 'maps the 4 KiB page at ra 0x10000, grants r-xu' && shows '^  real address  0x10123, in a 4 KiB page' &&
		shows '^  frame         0x' && shows '^  rights        r-xu' && shows 'read by the user'
	result "walk" $?
	run 1 walk "${at[@]}" -a w 0x400000 && shows 'WRITE, level 1 \(PTE\): .*read-only.*error code 0x7: P W U'
	result "walk: a write to a read-only page" $?
	run 1 walk "${at[@]}" -a x 0x402000 && shows 'NX, level 1 \(PTE\): .*error code 0x15: P U I'
	result "walk: a fetch from a no-execute page" $?
	run 1 walk "${at[@]}" --access=read 0xffff800000000000 && shows 'USER, level 1 .*0x5: P U' &&
		run 0 walk "${at[@]}" --supervisor 0xffff800000000000 && shows 'read by the supervisor'
	result "walk: user and supervisor" $?
	run 1 walk "${at[@]}" 0x500000 && shows 'NOT_PRESENT, level 1 .*0x4: U' &&
		run 1 walk "${at[@]}" 0x7fffff000000 && shows 'NOT_PRESENT, level 4 \(PML4E\)'
	result "walk: not mapped" $?
	run 1 walk "${at[@]}" 0x800000000000 && shows 'NONCANONICAL: .*general-protection'
	result "walk: not canonical" $?
	run 1 walk "${at[@]}" 0x405000 && shows 'RESERVED, level 1 .*0xd: P U RSVD'
	result "walk: a reserved bit" $?
	run 1 walk "${at[@]}" 0x404000 && shows 'BEYOND_REAL, level 1'
	result "walk: beyond real memory" $?
	run 0 walk "${at[@]}" 0x600000 && shows 'in a 2 MiB page' && shows 'frame         none'
	result "walk: a large page without a frame" $?
	run 0 walk "${at[@]}" 0x600000 && shows 'frame         none'
	result "walk: looking gave it none" $?
	run 0 walk --pid "$pid" --fd "$space5" -s 0xff00000000000000 && shows 'level 5  PML5E\[256\]' &&
		shows 'real address  0x15000'
	result "walk: 5 levels" $?
	run 1 walk "${at[@]}" --json 0x400123 0x500000 0x404000 && json "d['space']['format'] == 'x86-64-4level' and
		[t['va'] for t in d['translations']] == ['0x400123', '0x500000', '0x404000'] and
		[t['ra'] for t in d['translations']] == ['0x10123', None, '0x80000000'] and
		[t['reason'] for t in d['translations']] == ['NONE', 'NOT_PRESENT', 'BEYOND_REAL'] and
		d['translations'][0]['frame'].startswith('0x') and d['translations'][0]['page_size'] == 4096 and
		d['translations'][0]['rights'] == 'r-xu' and d['translations'][1]['error_code'] == 4 and
		[e['name'] for e in d['translations'][0]['entries']] == ['PML4E', 'PDPTE', 'PDE', 'PTE'] and
		d['translations'][0]['entries'][3]['value'] == '0x10005'"
	result "walk --json" $?
}

test_walk_refusals()
{
	refuses "walk: no address" 2 'which address' walk --pid "$pid" --fd "$space"
	refuses "walk: no target" 2 'pid and --fd are needed' walk 0x1000
	refuses "walk: a bad address" 2 "\`0xzz' is not a 64-bit number" walk --pid "$pid" --fd "$space" 0xzz
	refuses "walk: too large an address" 2 'not a 64-bit number' walk --pid "$pid" --fd "$space" 0x10000000000000000
	refuses "walk: a bad access" 2 'none of r, w, x' walk --pid "$pid" --fd "$space" -a q 0
	refuses "walk: a VM" 2 'a space is needed' walk --pid "$pid" --fd "$vm" 0
	refuses "walk: no file of vmmu" 2 'neither a VM nor a space' walk --pid "$pid" --fd 0 0
	refuses "walk: no such descriptor" 3 'Bad file descriptor' walk --pid "$pid" --fd 999 0
	refuses "walk: no such process" 3 'No such process' walk --pid 4194303 --fd 3 0
	setpriv --reuid 65534 --clear-groups "$vmmuctl" walk --pid "$pid" --fd "$space" 0 >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 3 ] && says 'ptrace permission'
	result "walk: no permission" $?
}

test_dump()
{
	run 0 dump --pid "$pid" --fd "$vm" && shows '^VM [0-9]+: 4 MiB' && shows '^ra 0x0*10000-0x.* frames 0x'
	result "dump of a VM" $?
	run 0 dump --pid "$pid" --fd "$vm" --json && json "d['vm']['real_bytes'] == 4 << 20 and
		sum(r['bytes'] for r in d['real_map']) == d['vm']['frames'] * 4096 and
		all(r['frame'].startswith('0x') for r in d['real_map'])"
	result "dump of a VM --json" $?
	run 0 dump --pid "$pid" --fd "$space" && shows '^0x0*400000-0x0*401fff +8 KiB +ra 0x0*10000 .* r-xu' &&
		shows '^0x0*600000-0x0*7fffff +2 MiB .* rw-u' && shows '^0x0*404000-.*beyond real memory' &&
		! shows '^0x0*405000'
	result "dump of a space" $?
	run 0 dump --pid "$pid" --fd "$space" --json &&
		json "[(m['va'], m['bytes'], m['ra'], m['page_size'], m['rights'], m['beyond_real']) for m in d['mappings']] == [
			('0x400000', 8192, '0x10000', 4096, 'r-xu', False), ('0x402000', 4096, '0x12000', 4096, 'rw-u', False),
			('0x403000', 4096, '0x13000', 4096, 'r--u', False), ('0x404000', 4096, '0x80000000', 4096, 'rw-u', True),
			('0x600000', 2 << 20, '0x200000', 2 << 20, 'rw-u', False),
			('0xffff800000000000', 4096, '0x15000', 4096, 'rw--', False)]"
	result "dump of a space --json" $?
	cp "$tmp/out" "$tmp/space.json"
	run 0 dump --pid "$pid" --fd "$space" --tables && shows '^PML4E\[0\]' && shows '^PML4E\[256\]' &&
		shows '^ {6}PTE\[0\] va 0x0*400000  at ra 0x22000  0x0*10005  P U -> page 0x10000, 4 KiB' &&
		shows '^    PDE\[3\] .*-> page 0x200000, 2 MiB'
	result "dump --tables" $?
	run 0 dump --pid "$pid" --fd "$space5" --ranges --tables --json && json "len(d['mappings']) == 2 and
		[t['level'] for t in d['tables']] == [5, 4, 3, 2, 1, 1, 5, 4, 3, 2, 1] and
		d['tables'][4]['refers_to'] == 'page' and d['tables'][4]['target'] == '0x10000'"
	result "dump --ranges --tables --json" $?
	refuses "dump: tables of a VM" 2 'need a space' dump --pid "$pid" --fd "$vm" --tables
	refuses "dump: an argument too many" 2 'takes no argument' dump --pid "$pid" --fd "$vm" 0x1000
}

test_image()
{
	local raw=("$tmp/raw.img" --root 0x1000 --maxphyaddr 40)
	run 0 image "${raw[@]}" --all --json && cp "$tmp/out" "$tmp/image.json" &&
		json "d['mappings'] == json.load(open('$tmp/space.json'))['mappings']"
	result "image --all agrees with the live space" $?
	run 0 image "$tmp/core.elf" --maxphyaddr 40 --all --json &&
		json "d['mappings'] == json.load(open('$tmp/image.json'))['mappings'] and d['space']['root'] == '0x1000'"
	result "image of an ELF core, root by its note" $?
	run 0 image "${raw[@]}" --all && shows '^0x0*400000-0x0*401fff '
	result "image --all" $?
	run 0 image "${raw[@]}" --user 0x400123 0x601234 && shows '^0x0*400123  ra 0x10123  no frame  4 KiB page  r-xu' &&
		shows '^0x0*601234  ra 0x201234 '
	result "image ADDRESS" $?
	run 1 image "${raw[@]}" --json --access w --user 0x400000 0x402000 &&
		json "[t['reason'] for t in d['translations']] == ['WRITE', 'NOT_BACKED'] and
			d['translations'][0]['error_code'] == 7 and d['translations'][0]['error_text'] == 'P W U' and
			'entries' not in d['translations'][0]"
	result "image --json --access" $?
	run 0 image "${raw[@]}" --json --explain 0x600000 &&
		json "[e['level'] for e in d['translations'][0]['entries']] == [4, 3, 2]"
	result "image --explain" $?
	run 1 image "${raw[@]}" 0x405000 && shows 'RESERVED, level 1' &&
		run 1 image "$tmp/raw.img" --root 0x1000 --mode "nxe, MAXPHYADDR=52" 0x405000 && shows 'BEYOND_REAL, level 1'
	result "image --mode" $?
	run 0 image "$tmp/raw.img" --cr3 0x3fff --levels 5 --maxphyaddr 40 --all && shows '^0xff00000000000000-'
	result "image --cr3 --levels" $?
	run 0 image "$tmp/raw.img" --root 0x3000 --cr4 0x1020 --maxphyaddr 40 0xff00000000000000 && shows 'ra 0x15000'
	result "image --cr4 with LA57" $?
	tail -c +4097 "$tmp/raw.img" >"$tmp/tail.img"
	run 0 image "$tmp/tail.img" --base 0x1000 --real-size 32M --root 0x1000 --maxphyaddr 40 --all --json &&
		json "d['mappings'] == json.load(open('$tmp/space.json'))['mappings'] and d['space']['real_bytes'] == 32 << 20"
	result "image --base --real-size" $?
}

test_image_stdin()
{
	printf '# a comment\n\n0x400000\n  4198400  \n' >"$tmp/addresses"
	"$vmmuctl" image "$tmp/raw.img" --root 0x1000 <"$tmp/addresses" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 0 ] && shows '^0x0*400000 ' && shows '^0x0*401000 ' && [ "$(wc -l <"$tmp/out")" = 2 ]
	result "image: addresses on stdin" $?
	printf '0x400000\nfoo\n0x401000\n' >"$tmp/addresses"
	"$vmmuctl" image "$tmp/raw.img" --root 0x1000 --json <"$tmp/addresses" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 2 ] && says "standard input, line 2: \`foo' is not an address" && json 'len(d["translations"]) == 1'
	result "image: a bad line on stdin" $?
	run 1 image "$tmp/raw.img" --root 0x1000 --json && json 'd["translations"] == []'
	result "image: nothing on stdin" $?
	python3 -c 'for i in range(100000): print(hex(0x400000 + i * 4096))' >"$tmp/addresses"
	timeout 60 "$vmmuctl" image "$tmp/raw.img" --root 0x1000 --json <"$tmp/addresses" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 1 ] && json 'len(d["translations"]) == 100000'
	result "image: 100,000 addresses on stdin" $?
	(trap '' PIPE
	 "$vmmuctl" image "$tmp/raw.img" --root 0x1000 <"$tmp/addresses" 2>"$tmp/err"
	 echo $? >"$tmp/status") | head -1 >"$tmp/out"
	status=$(cat "$tmp/status")
	[ "$status" = 3 ] && [ ! -s "$tmp/err" ] && [ "$(wc -l <"$tmp/out")" = 1 ]
	result "image: a reader that has seen enough" $?
}

test_image_refusals()
{
	local file=$tmp/raw.img
	refuses "image: no file" 2 'which file' image
	refuses "image: no such file" 3 'No such file or directory' image "$tmp/none" --root 0 0
	refuses "image: a folder" 2 'neither a regular file' image "$tmp" --root 0 0
	refuses "image: no root" 2 'give --root or --cr3' image "$file" 0
	refuses "image: a root within a page" 2 'not a multiple of 4096' image "$file" --root 0x1001 0
	refuses "image: two roots" 2 'not both' image "$file" --root 0 --cr3 0 0
	refuses "image: bad levels" 2 'neither 4 nor 5' image "$file" --root 0 --levels 3 0
	refuses "image: bad width" 2 'not from 32 to 52' image "$file" --root 0 --maxphyaddr 53 0
	refuses "image: bad mode" 2 'is not made of' image "$file" --root 0 --mode FOO 0
	refuses "image: mode and registers" 2 'goes without' image "$file" --root 0 --mode WP --cr0 0 0
	refuses "image: no paging" 2 'no 64-bit paging' image "$file" --root 0 --cr0 0 0
	refuses "image: bad format" 2 'none of raw, elf, auto' image "$file" --root 0 --format qcow2 0
	refuses "image: --all and addresses" 2 'goes without addresses' image "$file" --root 0 --all 0
	refuses "image: no processor" 2 "has 1 processors' notes" image "$tmp/core.elf" --cpu 1 0
	refuses "image: base of an ELF core" 2 'is for raw files' image "$tmp/core.elf" --base 0x1000 0
	refuses "image: not ELF" 2 'not an ELF file' image "$file" --format elf 0
	refuses "image: too small a real memory" 2 'which is more' image "$file" --root 0 --real-size 4096 0
	refuses "image: too large a real memory" 2 'a VM can have' image "$file" --root 0 --real-size 1048576T 0
	refuses "image: a root beyond maxphyaddr" 3 'Invalid argument' image "$file" --root 0x10000000000 --maxphyaddr 40 0
	: >"$tmp/empty"
	refuses "image: an empty file" 2 'is empty' image "$tmp/empty" --root 0 0
	head -c 3000000 "$tmp/core.elf" >"$tmp/short.elf"
	refuses "image: a truncated core" 2 'truncated' image "$tmp/short.elf" 0
	head -c 100 "$tmp/core.elf" >"$tmp/shorter.elf"
	refuses "image: a core that ends in its headers" 2 'beyond the end' image "$tmp/shorter.elf" 0
	(ulimit -l 64
	 exec setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock "$vmmuctl" image "$file" --root 0x1000 0x400000) \
		>"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 3 ] && says 'Cannot allocate memory: more memory is needed'
	result "image: more memory than allowed" $?
}

# The example in libvmmu(3), as it stands there, with the shared library.
test_manual()
{
	local flags=(-Wall -Wextra -Werror "-I$top/uapi" "-I$top/userspace/lib")
	if ! command -v cc >/dev/null; then
		count=$((count + 1))
		echo "ok $count - the example in libvmmu(3) # SKIP no compiler"
		return
	fi
	sed -n '/^\.Sh EXAMPLES/,$p' "$top/userspace/lib/libvmmu.3.in" | sed '1,/^\.Bd/d; /^\.Ed/,$d; s/\\e/\\/g' >"$tmp/example.c"
	cc "${flags[@]}" -o "$tmp/example" "$tmp/example.c" "$library" "-Wl,-rpath,${library%/*}" >"$tmp/out" 2>"$tmp/err" &&
		"$tmp/example" >"$tmp/out" 2>"$tmp/err" && shows '^real address 0x81123, nothing went wrong$'
	status=$?
	result "the example in libvmmu(3)" $status
}

start_guest
tool_only test_general
test_info
test_missing_device
test_list
test_walk
tool_only test_walk_refusals
test_dump
test_image
tool_only test_image_stdin
tool_only test_image_refusals
tool_only test_manual
end_guest
