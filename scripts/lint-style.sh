#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# lint-style.sh: rules that a grep can hold. Includes go one way (cmd -> flow,
# core -> engine, res -> image -> lib); kernel versions are tested in kmod/compat only;
# each file begins with its licence; nothing is left half done.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
bad=0
# A pipe may end in complain(), which keeps count.
shopt -s lastpipe
complain()	# RULE: findings on stdin
{
	local found
	found=$(cat)
	[ -n "$found" ] || return 0
	printf '%s:\n%s\n' "$1" "$(sed 's/^/  /' <<<"$found")"
	bad=1
}
tracked() { git ls-files "$@" ':!vmlinux.h' ':!tests/golden' ':!LICENSES'; }
search() { local re=$1; shift; tracked "$@" | xargs -r grep -nE -e "$re" -- /dev/null; }

# May a file of the first folder include one of the second?
arrows()
{
	search '^#[[:space:]]*include "(cmd|flow|core|engine|res|image|restorer|lib)/' 'user/*.c' 'user/*.h' |
	awk -F: '
	BEGIN {
		may["cmd"] = " cmd flow core engine res image restorer lib "
		may["flow"] = " flow engine res image restorer lib "
		may["core"] = " core res image lib "
		may["engine"] = " engine image restorer lib "
		may["res"] = " res engine image restorer lib "
		may["restorer"] = " restorer lib "
		may["image"] = " image lib "
		may["lib"] = " lib "
	}
	{
		split($1, path, "/"); from = path[2]
		to = $3; sub(/^[^"]*"/, "", to); sub(/\/.*/, "", to)
		if (from in may && index(may[from], " " to " ") == 0)
			print $1 ":" $2 ": " from "/ may not include " to "/"
	}'
}

arrows | complain "an include against the arrows"
search 'ckpt_engine_(stock|kmod)|"engine/(stock|kmod)|ops->name' 'user/res/*' | complain "res/ must not know which engine runs"
search 'LINUX_VERSION_CODE|KERNEL_VERSION *\(' '*.c' '*.h' ':!kmod/compat' |
	complain "a kernel version outside kmod/compat"
search '\b(TODO|FIXME|XXX|HACK)\b' '*.c' '*.h' '*.S' '*.sh' '*.bash' '*.bats' '*.py' Makefile ':!scripts/lint-style.sh' |
	complain "left undone"
search '[[:space:]]+$' '*.c' '*.h' '*.S' '*.sh' '*.bash' '*.bats' '*.py' '*.def' Makefile '*.md' | complain "space at the end of a line"
search '^ {8}' '*.c' '*.h' | complain "indented by spaces"
search '^[[:space:]]*skip[[:space:]]*$' '*.bats' '*.bash' | complain "a skip that does not say why"
tracked | grep -E '(^|/)utils?\.[ch]$' | complain "a name that says nothing"
tracked '*.c' '*.h' '*.S' '*.sh' '*.bash' '*.bats' '*.py' '*.def' '*.lds' Makefile '*Kbuild' .ci/run | while read -r f; do
	[ -e "$f" ] || continue
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: ' || echo "$f"
done | complain "no SPDX line"
tracked 'kmod/*.c' 'kmod/*.h' | xargs -r grep -L 'SPDX-License-Identifier: GPL-2.0' | complain "kmod/ is GPL-2.0"
tracked 'bpf/*' 'include/*' | xargs -r grep -LE 'SPDX-License-Identifier: (GPL-2.0|\(GPL-2.0 WITH Linux-syscall-note\)) OR BSD-2-Clause' |
	complain "bpf/ and include/ are GPL-2.0 OR BSD-2-Clause"
exit $bad
