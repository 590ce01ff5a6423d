# SPDX-License-Identifier: GPL-2.0
# run.sh's raw lines -> a table, a JSON file (-v json=), the bars; exit 3 if one is missed.

# What is measured, in the table's order: name, unit.
BEGIN {
	split("dump_ms frozen_ms gap_ms own_frozen_ms restore_ms image_mib peak_mib anon_mib", columns, " ")
	ncolumns = 8
}

function add(load, tool, what, v,   k)
{
	k = load SUBSEP tool SUBSEP what
	value[k, ++count[k]] = v
}

function median(load, tool, what,   k, n, i, j, t, a)
{
	k = load SUBSEP tool SUBSEP what
	n = count[k]
	if (!n)
		return -1
	for (i = 1; i <= n; i++) {
		t = value[k, i] + 0
		for (j = i - 1; j >= 1 && a[j] > t; j--)
			a[j + 1] = a[j]
		a[j + 1] = t
	}
	low = a[1]
	high = a[n]
	return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}

!($1 in seen)	{ seen[$1] = 1; loads[++nloads] = $1 }
$3 == "shape"	{ maps[$1] = $4; fds[$1] = $5; threads[$1] = $6 }
$3 == "quiet"	{ quiet[$1] = $5 / 1e6 }
$3 == "memory"	{ add($1, $2, "anon_mib", $4 / 1024) }
$3 == "restore"	{ add($1, $2, "restore_ms", $5 / 1e3) }
$3 == "dump" {
	add($1, $2, "dump_ms", $5 / 1e3)
	add($1, $2, "peak_mib", $6 / 1024)
	add($1, $2, "gap_ms", $8 / 1e6)
	add($1, $2, "frozen_ms", $9 / 1e6)
	add($1, $2, "own_frozen_ms", $10 / 1e3)
	add($1, $2, "image_mib", $11 / 1048576)
}

function both(load)
{
	return count[load, "ckptbpf", "dump_ms"] && count[load, "criu", "dump_ms"]
}

function row(load, tool,   c, m, line)
{
	if (!count[load, tool, "dump_ms"])
		return
	line = sprintf("%-12s %-8s", load, tool)
	printf "%s\n    { \"load\": \"%s\", \"tool\": \"%s\", \"quiet_ms\": %.3f", sep, load, tool, quiet[load] > json
	sep = ","
	for (c = 1; c <= ncolumns; c++) {
		m = median(load, tool, columns[c])
		line = line sprintf(" %13.2f", m)
		med[load, tool, columns[c]] = m
		printf ", \"%s\": { \"median\": %.3f, \"min\": %.3f, \"max\": %.3f }", columns[c], m, low, high > json
	}
	printf " }" > json
	print line
}

# bar NAME VALUE LIMIT UNIT: ok or MISSED
function bar(name, v, limit, unit,   ok)
{
	ok = v <= limit
	printf "%-7s %-58s %9.3f  at most %.3f %s\n", ok ? "ok" : "MISSED", name, v, limit, unit
	printf "%s\n    { \"bar\": \"%s\", \"value\": %.3f, \"limit\": %.3f, \"met\": %s }", bsep, name, v, limit, ok ? "true" : "false" > json
	bsep = ","
	if (!ok)
		missed = 3
}

END {
	if (!nloads)
		exit 1
	printf "{ \"rounds\": %d, \"kernel\": \"%s\", \"criu\": \"%s\", \"loadavg\": \"%s\",\n  \"results\": [", rounds, kernel, criu, avg > json
	printf "%-12s %-8s", "load", "tool"
	for (i = 1; i <= ncolumns; i++)
		printf " %13s", columns[i]
	print ""
	for (i = 1; i <= nloads; i++) {
		l = loads[i]
		row(l, "ckptbpf")
		row(l, "criu")
		if (!both(l))
			continue
		line = sprintf("%-12s %-8s", "", "ratio")
		for (c = 1; c <= ncolumns; c++) {
			b = med[l, "criu", columns[c]]
			line = line (b > 0 ? sprintf(" %13.2f", med[l, "ckptbpf", columns[c]] / b) : sprintf(" %13s", "-"))
		}
		print line
	}
	print ""
	printf "\n  ],\n  \"bars\": [" > json
	for (i = 1; i <= nloads; i++) {
		l = loads[i]
		split(l, part, ":")
		if (both(l) && part[2] == 1) {
			bar(l ": frozen, of CRIU's", med[l, "ckptbpf", "frozen_ms"] / med[l, "criu", "frozen_ms"], 1 / 3, "")
			bar(l ": whole snapshot, of CRIU's", med[l, "ckptbpf", "dump_ms"] / med[l, "criu", "dump_ms"], 1, "")
		}
		if (both(l) && part[2] >= 1024)
			bar(l ": whole snapshot, of CRIU's", med[l, "ckptbpf", "dump_ms"] / med[l, "criu", "dump_ms"], 1, "")
		if (count[l, "ckptbpf", "anon_mib"])
			bar(l ": anonymous memory of the command", med[l, "ckptbpf", "anon_mib"], \
			    24 + (maps[l] + fds[l]) / 1024 + threads[l] / 64, "MiB")
	}
	printf "\n  ]\n}\n" > json
	exit missed
}
