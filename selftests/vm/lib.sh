# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the shell tools of the test VM share: the cache, messages, and packages fetched without installing them.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
CACHE=$(realpath -ms "${VMMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmmu}")
PATH=$PATH:/usr/sbin:/sbin
export TOP CACHE PATH

# Progress and errors go to stderr; stdout is for facts that another program reads.
say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "error: $*"
	exit 125
}

need()
{
	local tool
	for tool; do
		command -v "$tool" >/dev/null || die "$tool is not installed; \`make setup\` installs what is missing"
	done
}

# Hold LOCK until this process ends. A second caller waits and says so, once.
lock()
{
	local fd
	mkdir -p "$(dirname "$1")" || die "cannot create $(dirname "$1"); set VMMU_CACHE to a folder you can write"
	exec {fd}>"$1" || die "cannot write $1"
	flock -n "$fd" || { say "waiting for another process that holds $1"; flock "$fd"; }
}

# With empty package lists every package is unknown, so this is tried before giving up, and once only.
update_lists()
{
	[ -z "${LISTS_UPDATED:-}" ] || return 1
	LISTS_UPDATED=1
	local sudo=()
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "$1; run \`apt-get update\` as root, then try again"
		sudo=(sudo)
	fi
	say "$1; running ${sudo[*]:+sudo }apt-get update"
	"${sudo[@]}" apt-get -q update >&2 || die "apt-get update failed; is the network reachable?"
}

# The packages that PACKAGE depends on, one a line.
depends()
{
	local out
	out=$(apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Depends: //p' | sed 's/[,|]/\n/g' |
	      sed 's/^ *//; s/ .*//')
	[ -n "$out" ] || return 1
	printf '%s\n' "$out"
}

# Download packages into DIR, without root.
fetch()
{
	local dir=$1
	shift
	say "downloading $*"
	(cd "$dir" && apt-get -q -o "APT::Sandbox::User=$(id -un)" download "$@" >&2) && return
	update_lists "the download failed, perhaps because the package lists are old"
	(cd "$dir" && apt-get -q -o "APT::Sandbox::User=$(id -un)" download "$@" >&2) ||
		die "cannot download $*; is the network reachable?"
}
