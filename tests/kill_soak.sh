#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# kill_soak.sh MODE ENGINE PID COUNT [SIGNAL]
#
# In the current folder, COUNT times: start the tool, send it SIGNAL (KILL) after
# a random time, and look at the program as the kernel shows it: mappings,
# signal state, threads, descriptors, children, tracer.
#
#   snapshot   it goes on as it was; unless it was KILL: one line and status 1,
#              or all done and 0, and no file of a snapshot that failed
#   kill       snapshot --kill: it goes on as it was, or it is gone and the image
#              is whole, from which it is brought back
#   restore    from an image: it is there as it was, or not at all
#   steps      snapshot, but not at random: killed behind its first SIGNAL call
#              (ptrace, ioctl), its second and so on, COUNT apart, until it is
#              through; strace is what kills
#
# The tool is $CKPT_TOOL; CKPT_SLOW stretches every time, CKPT_SEED the moments,
# which lie within CKPT_MOMENTS us; CKPT_CAPTURE is how a snapshot has memory.
set -uo pipefail
mode=$1 engine=$2 pid=$3 count=$4 signal=${5:-KILL}
tool=${CKPT_TOOL:?}
slow=${CKPT_SLOW:-1}
RANDOM=${CKPT_SEED:-$((RANDOM))}
echo "seed ${CKPT_SEED:-of the day}, $count times $mode with $engine, $signal"

die() { echo "FAIL: round ${i-}, after ${moment-} us: $*"; exit 1; }

# Everything of it that someone else may look at; what changes by itself is left out.
state()
{
	local t
	cat "/proc/$pid/maps" || return 1
	for t in /proc/"$pid"/task/*; do
		echo "$t"
		grep -E '^(Name|Umask|Tgid|TracerPid|Uid|Gid|Groups|Threads|SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt|Cap...|NoNewPrivs|Seccomp):' "$t/status"
		cat "$t/children"
		# Stopped is not as it was.
		grep -oE '^State:[[:space:]]*[TtZXDI]' "$t/status"
	done
	for t in /proc/"$pid"/fd/*; do
		readlink "$t"
		cat "/proc/$pid/fdinfo/${t##*/}"
	done
	readlink "/proc/$pid/cwd" "/proc/$pid/exe"
	cat "/proc/$pid/auxv" "/proc/$pid/cmdline" | cksum
}

# A tracer's end, or an own end, takes a moment to be seen.
settled()
{
	local n
	for ((n = 0; n < 100 * slow; n++)); do
		now=$(state 2>/dev/null)
		[ "$now" != "$before" ] || return 0
		[ "${1-}" != may_be_gone ] || [ -d "/proc/$pid" ] || return 0
		sleep 0.02
	done
	return 1
}

# start ARGS...: the tool, and the signal at its moment; $status, err.
interrupted()
{
	: >err
	# A shell's background job ignores SIGINT and would hand that on.
	env --default-signal=INT,QUIT "$tool" "$@" </dev/null >out 2>err &
	local job=$!
	moment=$((RANDOM % ${CKPT_MOMENTS:-15000} * slow))
	sleep "$(printf '%d.%06d' $((moment / 1000000)) $((moment % 1000000)))"
	kill -s "$signal" "$job" 2>/dev/null
	wait "$job" 2>/dev/null
	status=$?
}

# steps: behind the i-th call of that name; the status is strace's, which is the tool's.
behind_call()
{
	moment=$((1 + (i - 1) * count))
	strace -qq -o /dev/null -e "trace=$signal" -e "inject=$signal:signal=KILL:when=$moment" \
		"$tool" snapshot "$pid" --engine "$engine" --capture "${CKPT_CAPTURE:-auto}" -q -o soak.img \
		</dev/null >out 2>err
	status=$?
}

differs() { diff <(echo "$before") <(echo "$now") | head -n 20; }

before=$(state) || die "no process $pid"
[ "$mode" != restore ] || { "$tool" snapshot "$pid" --engine "$engine" --kill -q --force -o base.img || die "no image"; }
done=0 broken=0
if [ "$mode" = steps ]; then
	for ((i = 1; i < 2000; i++)); do
		rm -f soak.img
		{ behind_call; } 2>/dev/null
		# Starved of its processor, the thread of the round before may still be on its way back.
		for ((again = 0; again < 20 && status == 1; again++)); do
			grep -q 'its stack is almost full' err || break
			sleep 0.2
			{ behind_call; } 2>/dev/null
		done
		settled || die "behind call $moment of $signal it is not as it was: $(differs)"
		[ "$status" != 0 ] || break
		[ "$status" = 137 ] || die "status $status: $(cat err)"
	done
	[ "$status" = 0 ] || die "it never got through"
	"$tool" verify -q soak.img || die "the image is not whole"
	echo "killed behind $((i - 1)) of $moment calls"
	exit 0
fi
for ((i = 1; i <= count; i++)); do
	rm -f soak.img
	case $mode in
	snapshot)
		interrupted snapshot "$pid" --engine "$engine" --capture "${CKPT_CAPTURE:-auto}" -o soak.img
		settled || die "it is not as it was: $(differs)"
		if [ "$status" = 0 ]; then
			"$tool" verify -q soak.img || die "status 0, and the image is not whole"
		elif [ "$signal" != KILL ]; then
			[ ! -e soak.img ] || die "a file of a snapshot that failed"
			# Before the first line of main() nobody can catch a signal.
			if [ "$status" -lt 128 ] || [ -s err ]; then
				[ "$status" = 1 ] || die "status $status: $(cat err)"
				[ "$(grep -c . err)" = 1 ] || die "not one line: $(cat err)"
				grep -q "interrupted by SIG$signal" err || die "$(cat err)"
			fi
		fi
		[ "$signal" = KILL ] || [ -z "$(find . -name '.*.tmp')" ] || die "left: $(find . -name '.*.tmp')"
		;;
	kill)
		interrupted snapshot "$pid" --engine "$engine" --kill -o soak.img
		settled may_be_gone || die "it is not as it was: $(differs)"
		if [ ! -d "/proc/$pid" ]; then
			status=0
			"$tool" verify -q soak.img || die "it is gone, and so is its image"
			"$tool" restore --engine "$engine" -q --detach soak.img || die "it does not come back"
			settled || die "it came back as another: $(differs)"
		fi
		;;
	restore)
		interrupted restore --engine "$engine" --detach base.img
		settled may_be_gone || die "it is half there: $(differs)"
		if [ -d "/proc/$pid" ]; then
			status=0
			kill -KILL "$pid"
			while [ -d "/proc/$pid" ]; do sleep 0.01; done
		fi
		;;
	esac
	if [ "$status" = 0 ]; then done=$((done + 1)); else broken=$((broken + 1)); fi
done
[ "$mode" != restore ] || "$tool" restore --engine "$engine" -q --detach base.img || die "it does not come back"
settled || die "it is not as it was: $(differs)"
echo "$count rounds: $broken broken off, $done done"
