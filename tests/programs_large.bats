#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Programs that are large packages (group `programs` of scripts/deps.sh), killed
# and brought back twice: the result is that of a run nobody disturbed.
load helpers
load programs

@test "programs: java, a pool of threads, a timer, a selector, much garbage" {
	packaged java ecj
	local want
	/usr/bin/ecj -proc:none -17 -d . "$BATS_TEST_DIRNAME/progs/Work.java"
	want=$(/usr/bin/java -cp . Work 0)
	for e in $(engines); do
		start java /usr/bin/java -cp . Work "$(slow 8)"
		disturb "$e" 2
		: >finish
		wait_gone "$pid" 60
		rm finish
		[ "$(cat "$log")" = "$want" ] || fail "$(cat "$log"), undisturbed $want"
	done
}

@test "programs: node, timers, files, a worker thread, a watch on a folder" {
	packaged node
	local want
	mkdir undisturbed
	want=$(/usr/bin/node "$BATS_TEST_DIRNAME/progs/work.js" undisturbed 0)
	for e in $(engines); do
		mkdir "$e"
		start node /usr/bin/node "$BATS_TEST_DIRNAME/progs/work.js" "$e" "$(slow 8)"
		disturb "$e" 2
		: >finish
		wait_gone "$pid" 60
		rm finish
		[ "$(cat "$log")" = "$want" ] || fail "$(cat "$log"), undisturbed $want"
		cmp undisturbed/chain "$e/chain"
	done
}

@test "programs: ffmpeg with 4 threads writes the very film it would have written" {
	packaged ffmpeg
	film() { echo "-nostdin -loglevel error -f lavfi -i testsrc=size=640x360:rate=30:duration=${CKPT_FILM_SECONDS:-400}" \
		"-threads 4 -flags +bitexact -fflags +bitexact -c:v mpeg4 -y $1"; }
	# shellcheck disable=SC2046 # words
	/usr/bin/ffmpeg $(film undisturbed.avi)
	for e in $(engines); do
		# shellcheck disable=SC2046
		start ffmpeg /usr/bin/ffmpeg $(film "$e.avi")
		disturb "$e" 2
		wait_gone "$pid" 120
		[ ! -s "$log" ] || fail "it complains"
		cmp undisturbed.avi "$e.avi"
	done
}
