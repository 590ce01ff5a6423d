#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# gen-compdb.sh <(make -nB V=1): each compiler command of a dry run becomes an
# entry of compile_commands.json.
set -eu
awk -v dir="$PWD" '
function quote(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return s }
BEGIN { print "[" }
/(^| )-o [^ ]+/ && / [^ ]+\.[cS]( |$)/ && !/^ *(mkdir|printf|install|for)/ {
	file = ""
	for (i = 1; i <= NF; i++)
		if ($i ~ /\.[cS]$/)
			file = $i
	if (file == "")
		next
	printf "%s{ \"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s\" }", (n++ ? ",\n" : ""), quote(dir), quote(file), quote($0)
}
END { print "\n]" }'
