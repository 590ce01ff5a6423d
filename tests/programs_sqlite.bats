#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# SQLite's shell, whose locks keep others out of its database: killed and brought
# back inside a transaction, and under load.
load helpers
load programs

# What is written into the fifo goes to the shell that runs on it.
shell_of_sqlite() # DATABASE
{
	rm -f orders
	mkfifo orders
	start sqlite bash -c 'exec sqlite3 -batch "$1" <>orders' bash "$1"
	exec {orders}<>orders
}

order() { echo "$*" >&"$orders"; }

another() { sqlite3 -batch "$1" "pragma busy_timeout=0; $2" 2>&1; }

# The fifo's other end is ours, so the program gets it again from the restorer.
again() # ENGINE DATABASE
{
	local before=$pid
	killed "$1" "$dir/$1.img"
	sleep 0.1
	detached in_ns setsid "$CKPT_BUILD/ckptbpf" restore "$dir/$1.img" --engine "$1" <>orders >"$dir/restore.out" 2>&1 3>&- &
	local i
	for ((i = 0; i < $(slow 500); i++)); do
		! grep -q ': running' "$dir/restore.out" || break
		sleep 0.02
	done
	alive "$before" || fail "$(cat "$dir/restore.out")"
}

@test "programs: sqlite3 commits a transaction that was open when it was killed, twice" {
	requires sqlite3
	for e in $(engines); do
		shell_of_sqlite "$e.db"
		order "create table t(n integer primary key, text);"
		order "begin immediate; insert into t values (1, 'before'); select 'inserted', count(*) from t;"
		wait_log '^inserted.1$'
		again "$e" "$e.db"
		# Nobody may write, everybody may read what was before.
		[[ $(another "$e.db" "insert into t values (9, 'other');") == *locked* ]]
		[ "$(another "$e.db" 'select count(*) from t;' | tail -n 1)" = 0 ]
		order "insert into t values (2, 'between'); select 'inserted', count(*) from t;"
		wait_log '^inserted.2$'
		again "$e" "$e.db"
		[[ $(another "$e.db" "insert into t values (9, 'other');") == *locked* ]]
		order "insert into t values (3, 'after'); commit; select 'committed', count(*) from t;"
		wait_log '^committed.3$'
		another "$e.db" "insert into t values (4, 'other');"
		order "select 'sees', count(*) from t;"
		wait_log '^sees.4$'
		order ".quit"
		wait_gone "$pid"
		[ "$(another "$e.db" 'pragma integrity_check; select group_concat(text) from t;' | tail -n 2)" = \
			"ok
before,between,after,other" ]
	done
}

@test "programs: sqlite3 under load writes every row once" {
	requires sqlite3
	local rows=${CKPT_ROWS:-24000} want
	# Transactions of one row, of many, some rolled back, each with a journal.
	awk -v rows="$rows" 'BEGIN {
		print "create table t(n integer primary key, h integer);"
		for (i = 1; i <= rows; i++) {
			if (i % 50 == 1) print "begin;"
			printf "insert into t select %d, coalesce(max(n), 0) * 7919 + (select count(*) from t) from t;\n", i
			if (i % 50 == 0) print "commit;"
			if (i % 200 == 0) print "begin; delete from t where n % 3 = 0; update t set h = h + 1; rollback;"
		}
		print "select '"'done'"', count(*) from t;" }' >load.sql
	sqlite3 -batch undisturbed.db <load.sql
	want=$(sqlite3 undisturbed.db .dump | sha256sum)
	for e in $(engines); do
		start sqlite bash -c 'exec sqlite3 -batch "$1" <load.sql' bash "$e.db"
		disturb "$e" 2
		wait_log "^done.$rows\$" 60
		wait_gone "$pid"
		[ "$(sqlite3 "$e.db" .dump | sha256sum)" = "$want" ]
		[ "$(sqlite3 "$e.db" 'pragma integrity_check;')" = ok ]
	done
}
