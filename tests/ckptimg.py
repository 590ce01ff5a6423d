#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Takes images apart and damages them, with sums that are right or wrong.

ckptimg.py same IMAGE                      written anew it is the very same file
ckptimg.py set IN OUT TYPE.FIELD=VALUE...  in the first record of TYPE (TYPE[n]: the n-th)
ckptimg.py insert IN OUT TYPE FLAGS        an empty record of that number behind the header
ckptimg.py name IN OUT N TEXT              a VMANAME behind the N-th private anonymous VMA
ckptimg.py drop IN OUT TYPE                without any record of TYPE
ckptimg.py storm IMAGE COUNT SEED COMMAND  COMMAND restore|verify of COUNT damaged ones

set, insert and drop make every sum right again: what remains wrong is the content.
storm damages bytes, each time anew: every try must end with status 1 and one
line, and must leave no process.
"""
import hashlib
import os
import random
import re
import struct
import subprocess
import sys
import time

HDR = struct.Struct("<HHIIIQ")	# type version flags owner crc len
PAGE = 4096
HERE = os.path.dirname(os.path.abspath(__file__))

# offset and size in the payload; include/ckptbpf/image.h, arch/x86/image_arch.h
FIELDS = {
    "HEADER.format": (8, 4), "HEADER.required": (16, 8), "HEADER.page_size": (56, 4),
    "HEADER_ARCH.arch": (0, 4), "HEADER_ARCH.vdso_xxh3": (24, 8),
    "CPU.ip": (128, 8), "CPU.cs": (136, 8), "CPU.flags": (144, 8), "CPU.sp": (152, 8),
    "CPU.ss": (160, 8), "CPU.fs_base": (168, 8), "CPU.ds": (184, 8), "CPU.gs": (208, 8),
    # The 16 bytes of struct ckpt_xstate, 512 of the legacy area, then the XSAVE header.
    "XSTATE.features": (8, 8), "XSTATE.mxcsr": (16 + 24, 4), "XSTATE.xstate_bv": (16 + 512, 8),
    "XSTATE.xcomp_bv": (16 + 520, 8), "XSTATE.reserved": (16 + 528, 8),
    "TASK.nthreads": (20, 4), "TASK.pid": (4, 4), "THREAD.tid": (4, 4), "THREAD.restart_nr": (108, 4),
    "VMA.start": (0, 8), "VMA.end": (8, 8), "VMA.flags": (32, 8), "VMA.file": (24, 4),
    "FILE.kind": (4, 4), "FILE.flags": (8, 4), "FD.fd": (0, 4), "MM.nvmas": (108, 4),
    "MMOPT.flags": (0, 4), "MMOPT.coredump_filter": (4, 4), "MMOPT.membarrier": (8, 4),
    "MMOPT.pkeys": (12, 4), "MMOPT.exec_pkey": (16, 4), "MMOPT.tag_bits": (20, 4),
    "MMOPT.futex_slots": (24, 4),
    "MEMPOLICY.start": (0, 8), "MEMPOLICY.mode": (8, 4), "MEMPOLICY.home_node": (12, 4),
    "MEMPOLICY.nodes": (16, 8),
    "GUARD.start": (0, 8), "GUARD.end": (8, 8),
    "VMANAME.start": (0, 8), "VMANAME.name_len": (8, 4), "VMANAME.text": (16, 1),
    "SHMEM.id": (0, 4), "SHMEM.flags": (4, 4), "SHMEM.size": (8, 8), "SHMEM.seals": (16, 4),
    "GHOST.id": (0, 4), "GHOST.flags": (4, 4), "GHOST.size": (8, 8), "GHOST.mode": (16, 4),
    "GHOST.uid": (20, 4), "GHOST.mtime_nsec": (52, 4),
    "SHMEM.name_len": (20, 4), "FILE.obj": (48, 4), "FILE.pos": (16, 8),
    "LOCK.file": (0, 4), "LOCK.kind": (4, 4), "LOCK.type": (8, 4), "LOCK.start": (16, 8), "LOCK.end": (24, 8),
    "TASK.oom_score_adj": (44, 4), "RLIMITS.nofile_max": (7 * 16 + 8, 8),
    "PRCTL.flags": (16, 4), "PRCTL.store_bypass": (20, 4), "PRCTL.dispatch_len": (48, 8),
    "PRCTL.xcomp_perm": (56, 8), "PRCTL.uclamp_min": (64, 4), "SCHED.nice": (8, 4),
    "HEADER.boot_id": (72, 8), "HEADER.monotonic_ns": (40, 8),
    "CLOCKS.monotonic_ns": (0, 8), "CLOCKS.boottime_ns": (8, 8),
    "CLOCKS.monotonic_offset_ns": (16, 8), "CLOCKS.boottime_offset_ns": (24, 8),
    "FOWNER.type": (4, 4), "FOWNER.pid": (8, 4), "FOWNER.signum": (12, 4), "FOWNER.async_fd": (24, 4),
    "FOWNER.file": (0, 4), "LEASE.file": (0, 4), "LEASE.type": (4, 4), "LEASE.fd": (8, 4),
    "TERMINAL.lflag": (8, 4),
    "PIPE_PACKETS.obj": (0, 4), "PIPE_PACKETS.part": (8, 4),
    "CREDS.uid": (0, 4), "CREDS.cap_effective": (56, 8), "PAGES.npages": (0, 4),
}


def kinds():
    text = open(os.path.join(HERE, "../include/ckptbpf/kinds.def"), encoding="ascii").read()
    return {m[1]: int(m[2]) for m in re.finditer(r"^CKPT_(?:FRAME|KIND)\((\w+),\s*(\d+)", text, re.M)}


TYPES = kinds()


def crc_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
        table.append(i)
    return table


CRC = crc_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


class Record:
    def __init__(self, kind, version, flags, owner, payload, data=b""):
        self.kind, self.version, self.flags, self.owner = kind, version, flags, owner
        self.payload, self.data = bytearray(payload), data


def parse(image):
    records, at = [], 0
    while at < len(image):
        kind, version, flags, owner, _, size = HDR.unpack_from(image, at)
        payload = image[at + HDR.size:at + HDR.size + size]
        data = b""
        if kind == TYPES["PAGES"]:
            n = struct.unpack_from("<I", payload)[0]
            data = payload[len(payload) - n * PAGE:] if n else b""
            payload = payload[:32 + 8 * n]
        records.append(Record(kind, version, flags, owner, payload, data))
        at += HDR.size + size
    return records


def serialize(records):
    """Lengths, fill, sums and tail as the records now are."""
    out, digest, pages = bytearray(), hashlib.sha256(), 0
    for number, r in enumerate(records):
        fill = 0
        if r.kind == TYPES["PAGES"] and r.data:
            fill = -(len(out) + HDR.size + len(r.payload)) % PAGE
            pages += len(r.data) // PAGE
        if r.kind == TYPES["TAIL"]:
            struct.pack_into("<QQ32s", r.payload, 8, number, pages, digest.digest())
        size = len(r.payload) + fill + len(r.data)
        head = HDR.pack(r.kind, r.version, r.flags, r.owner, 0, size)
        crc = crc32c(head + r.payload + bytes(fill))
        head = HDR.pack(r.kind, r.version, r.flags, r.owner, crc, size)
        digest.update(head + r.payload)
        out += head + r.payload + bytes(fill) + r.data
    return bytes(out)


def set_field(records, assignment):
    name, value = assignment.split("=")
    m = re.fullmatch(r"(\w+)(?:\[(\d+)\])?\.(\w+)", name)
    kind, nth, field = m[1], int(m[2] or 0), m[3]
    r = [r for r in records if r.kind == TYPES[kind]][nth]
    if field == "version":
        r.version = int(value, 0)
        return
    offset, size = FIELDS[f"{kind}.{field}"]
    r.payload[offset:offset + size] = (int(value, 0) % (1 << 8 * size)).to_bytes(size, "little")


def damage(image, rng):
    b = bytearray(image)
    # Metadata is a small part of an image: half of the damage goes there.
    area = len(b) if rng.random() < 0.5 else min(len(b), 20000)
    at, n = rng.randrange(area), rng.choice((1, 2, 4, 8, 24, 200, 4096))
    how = rng.randrange(7)
    if how == 0:
        b[at] ^= 1 << rng.randrange(8)
    elif how == 1:
        b[at:at + n] = rng.randbytes(len(b[at:at + n]))
    elif how == 2:
        del b[at:]
    elif how == 3:
        del b[at:at + n]
    elif how == 4:
        b[at:at] = b[at:at + n]
    elif how == 5:
        b[at:at + n] = bytes(len(b[at:at + n]))
    else:
        b[at:at + 8] = struct.pack("<Q", rng.choice((0, 1, 2**31, 2**32, 2**47, 2**63, 2**64 - 1)))[:len(b[at:at + 8])]
    return bytes(b)


def processes():
    return {p for p in os.listdir("/proc") if p.isdigit()}


def storm(image, count, seed, command):
    rng = random.Random(seed)
    with open(image, "rb") as f:
        good = f.read()
    mine = processes()
    i = 0
    while i < count:
        bad = damage(good, rng)
        if bad == good:
            continue
        i += 1
        with open("bad.img", "wb") as f:
            f.write(bad)
        with open("bad.img", "rb") as f:
            piped = rng.random() < 0.3
            r = subprocess.run(command + ["-" if piped else "bad.img"], stdin=f, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=60, check=False)
        lines = r.stderr.splitlines()
        where = f"seed {seed}, try {i} (bad.img is kept): status {r.returncode}: {r.stderr.decode(errors='replace')}"
        if r.returncode != 1 or len(lines) != 1 or r.stdout:
            sys.exit(f"FAIL: {where}")
        for _ in range(200):
            if not processes() - mine:
                break
            time.sleep(0.01)
        else:
            sys.exit(f"FAIL: processes {processes() - mine} were left: {where}")
    print(f"{count} damaged images, each refused in one line")


def main(argv):
    if argv[0] == "storm":
        storm(argv[1], int(argv[2]), int(argv[3]), argv[4:])
        return
    with open(argv[1], "rb") as f:
        image = f.read()
    records = parse(image)
    if argv[0] == "same":
        sys.exit(0 if serialize(records) == image else "FAIL: not the same")
    if argv[0] == "set":
        for assignment in argv[3:]:
            set_field(records, assignment)
    elif argv[0] == "name":
        vmas = [i for i, r in enumerate(records)
                if r.kind == TYPES["VMA"] and struct.unpack_from("<I", r.payload, 28)[0] == 1]
        vma, text = records[vmas[int(argv[3])]], argv[4].encode()
        name = vma.payload[0:8] + struct.pack("<II", len(text), 0) + text + bytes(-len(text) % 8)
        records.insert(vmas[int(argv[3])] + 1, Record(TYPES["VMANAME"], 1, 1, vma.owner, name))
    elif argv[0] == "insert":
        records.insert(2, Record(int(argv[3]), 1, int(argv[4]), 0, bytes(16)))
    elif argv[0] == "drop":
        records = [r for r in records if r.kind != TYPES[argv[3]]]
    else:
        sys.exit(__doc__)
    with open(argv[2], "wb") as f:
        f.write(serialize(records))


main(sys.argv[1:])
