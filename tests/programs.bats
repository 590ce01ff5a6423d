#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Packaged programs at real work, killed in the middle and brought back: the
# result is that of a run nobody disturbed.
load helpers
load programs

@test "programs: python3 with 4 threads, three times from one image, each going on exactly there" {
	requires python3
	local demo=$BATS_TEST_DIRNAME/progs/demo.py last i n
	for e in $(engines); do
		start demo "$(python)" "$demo" run "$PWD/$e.log"
		for ((i = 0; i < $(slow 500); i++)); do
			[ "$(cat "$e.log" 2>/dev/null | wc -l)" -lt 100 ] || break
			sleep 0.02
		done
		ck snapshot "$pid" --engine "$e" --kill --force -o "$e.img"
		[ "$status" = 0 ] || [ "$status" = 3 ]
		wait_gone "$pid"
		cp "$e.log" "$e.then"
		last=$(wc -l <"$e.then")
		[ "$last" -ge 100 ]
		for n in 1 2 3; do
			cat "$e.then" >"$e.log"
			restore_detached "$e" "$e.img"
			for ((i = 0; i < $(slow 500); i++)); do
				[ "$(wc -l <"$e.log")" -lt $((last + 100)) ] || break
				sleep 0.02
			done
			in_ns kill -TERM "$pid"
			wait_gone "$pid"
			cmp -n "$(stat -c %s "$e.then")" "$e.then" "$e.log"
			# Every step from the first on, hashed over what was in memory.
			"$(python)" "$demo" verify "$e.log" "$last"
		done
	done
}

@test "programs: xz -T2 writes the very file it would have written" {
	requires xz
	# Neither all zeroes nor noise: numbers, 20 MB of them.
	seq -f %.0f 1000000000 7919 1000000000000 2>/dev/null | head -c "${CKPT_XZ_BYTES:-20000000}" >input || true
	[ "$(stat -c %s input)" = "${CKPT_XZ_BYTES:-20000000}" ]
	xz -T2 -6 --block-size=4MiB -c input >undisturbed.xz
	for e in $(engines); do
		start xz bash -c 'exec xz -T2 -6 --block-size=4MiB -c input >"$1.xz"' bash "$e"
		disturb "$e" 2
		wait_gone "$pid" 60
		cmp undisturbed.xz "$e.xz"
	done
}

@test "programs: perl writes every line once" {
	requires perl
	cat >lines.pl <<-'PERL'
		use strict; use warnings;
		open(my $out, '>', $ARGV[0]) or die; my ($h, $n) = (1, 0);
		while ($n++ < 200000) {
			$h = ($h * 1103515245 + 12345 + $n) % 2147483648;
			print $out "$n $h\n";
			select(undef, undef, undef, 0.04) if $n % 2000 == 0;
		}
		close($out) or die; print "done\n";
	PERL
	perl lines.pl undisturbed.txt
	for e in $(engines); do
		start perl perl lines.pl "$e.txt"
		disturb "$e" 2
		wait_log '^done$' 30
		wait_gone "$pid"
		cmp undisturbed.txt "$e.txt"
	done
}

@test "programs: python3, 4 threads hashing, a queue between them" {
	requires python3
	cat >hash.py <<-'PYTHON'
		import hashlib, queue, sys, threading, time
		jobs, results, lock = queue.Queue(8), {}, threading.Lock()
		def work():
		    while (job := jobs.get()) is not None:
		        digest = hashlib.sha256(b"%d" % job * 20000).hexdigest()
		        with lock:
		            results[job] = digest
		threads = [threading.Thread(target=work) for _ in range(4)]
		for t in threads: t.start()
		for job in range(400):
		    jobs.put(job)
		    time.sleep(float(sys.argv[1]))
		for t in threads: jobs.put(None)
		for t in threads: t.join()
		whole = hashlib.sha256("".join(results[j] for j in range(400)).encode())
		print(whole.hexdigest(), len(results), flush=True)
	PYTHON
	# Longer than two rounds take, on a slow machine too.
	local want pause
	pause=$(awk -v slow="$(slow 1)" 'BEGIN { print 0.008 * slow }')
	want=$("$(python)" hash.py 0)
	for e in $(engines); do
		start hash "$(python)" hash.py "$pause"
		disturb "$e" 2
		wait_gone "$pid" 120
		[ "$(cat "$log")" = "$want" ] || fail "$(cat "$log"), undisturbed $want"
	done
}
