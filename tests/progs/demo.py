#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A program at real work whose log proves that no step was lost or repeated.

demo.py run LOG            four threads until SIGTERM
demo.py verify LOG [SEQ]   recompute the whole run from its log alone; SEQ: the
                           last step before the snapshot

Each step takes the next sequence number, hashes the step before it together
with 4 KiB out of a 16 MiB table and writes the result back into the table. So
step N is right only if every step before it happened exactly once and the
memory is what it was: an image with one wrong byte shows within seconds.
"""
import hashlib
import os
import signal
import sys
import threading
import time

TABLE = 16 << 20
BLOCK = 4096


class Chain:
    """The state in memory: everything here has to survive."""

    def __init__(self):
        self.table = bytearray(hashlib.shake_128(b"ckptbpf demo").digest(TABLE))
        self.digest = b"\0" * 32
        self.seq = 0

    def step(self, thread):
        at = int.from_bytes(self.digest[:4], "little") % (TABLE // BLOCK) * BLOCK
        self.seq += 1
        text = b"%d %d " % (self.seq, thread)
        self.digest = hashlib.sha256(self.digest + text + self.table[at:at + BLOCK]).digest()
        self.table[at:at + 32] = self.digest
        return text + self.digest.hex().encode()


def run(path):
    chain, lock, stop = Chain(), threading.Lock(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def work(thread):
        while not stop.is_set():
            with lock:
                line = chain.step(thread)
                os.write(log, b"%s %.4f\n" % (line, time.time()))
            time.sleep(0.002 * (thread + 1))

    others = [threading.Thread(target=work, args=(n,)) for n in (1, 2, 3)]
    for t in others:
        t.start()
    work(0)
    for t in others:
        t.join()


def verify(path, last_before):
    chain, gap, gap_at, before, threads = Chain(), 0.0, 0, None, set()
    with open(path, "rb") as log:
        for line in log:
            seq, thread, digest, when = line.split()
            want = chain.step(int(thread)).split()
            if int(seq) != chain.seq:
                sys.exit(f"FAIL: step {int(seq)} where {chain.seq} must come")
            if digest != want[2]:
                sys.exit(f"FAIL: step {chain.seq}: the hash chain is broken")
            if before is not None and float(when) - before > gap:
                gap, gap_at = float(when) - before, chain.seq
            before = float(when)
            if chain.seq > last_before:
                threads.add(int(thread))
    after = chain.seq - last_before
    if after <= 0:
        sys.exit(f"FAIL: no step after {last_before}: it did not go on")
    if last_before and threads != {0, 1, 2, 3}:
        sys.exit(f"FAIL: after the restore only threads {sorted(threads)} worked")
    print(f"steps 1 to {chain.seq}: none lost, none repeated, the hash chain unbroken")
    if last_before:
        print(f"{after} of them after the restore, by all 4 threads; "
              f"longest pause {gap:.1f} s, before step {gap_at}")


if len(sys.argv) == 3 and sys.argv[1] == "run":
    run(sys.argv[2])
elif len(sys.argv) in (3, 4) and sys.argv[1] == "verify":
    verify(sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 0)
else:
    sys.exit(__doc__)
