#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""corecmp.py OURS GCORE: do two core files of one process say the same?

Of each thread the registers that every gdb reads right, of the process its ids,
auxiliary vector and mapped files; of memory every byte that both hold, and
that ours holds all of what is anonymous. Says how much it compared.
"""
import struct
import sys

PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_FPREGSET, NT_PRPSINFO, NT_AUXV, NT_FILE = 1, 2, 3, 6, 0x46494c45


class Core:
    def __init__(self, path):
        self.f = open(path, "rb")
        head = self.f.read(64)
        assert head[:7] == b"\x7fELF\x02\x01\x01", path
        kind, machine = struct.unpack_from("<HH", head, 16)
        assert (kind, machine) == (4, 62), (kind, machine)
        phoff, shoff = struct.unpack_from("<QQ", head, 32)
        phentsize, phnum = struct.unpack_from("<HH", head, 54)
        assert phentsize == 56
        if phnum == 0xffff:
            phnum = struct.unpack_from("<I", self.at(shoff, 64), 44)[0]
        self.loads, self.notes = [], []
        table = self.at(phoff, phnum * 56)
        for i in range(phnum):
            kind, flags, offset, vaddr, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", table, i * 56)
            if kind == PT_LOAD:
                assert not filesz or len(self.at(offset + filesz - 1, 1)) == 1, "cut off"
                self.loads.append((vaddr, memsz, offset, filesz, flags))
            elif kind == PT_NOTE:
                self.read_notes(self.at(offset, filesz))

    def at(self, offset, n):
        self.f.seek(offset)
        return self.f.read(n)

    def read_notes(self, data):
        at = 0
        while at < len(data):
            namesz, descsz, kind = struct.unpack_from("<III", data, at)
            at += 12
            name = data[at:at + namesz].rstrip(b"\0").decode()
            at += (namesz + 3) & ~3
            self.notes.append((name, kind, data[at:at + descsz]))
            at += (descsz + 3) & ~3

    def note(self, kind):
        return [d for _, k, d in self.notes if k == kind]

    def threads(self):
        """By thread: its general registers, of which ax (number 10) says why a call was interrupted:
        EINTR becomes ERESTARTNOHAND when a call that knows no restart is mended at the thaw."""
        out = {}
        for d in self.note(NT_PRSTATUS):
            regs = list(struct.unpack_from("<27q", d, 112))
            if regs[10] in (-4, -512, -513, -514, -516):
                regs[10] = -4
            out[struct.unpack_from("<i", d, 32)[0]] = regs
        return out

    def fpu(self):
        """By thread: control words, x87 and SSE registers; a thread's notes follow its NT_PRSTATUS."""
        out, tid = {}, None
        for _, kind, d in self.notes:
            if kind == NT_PRSTATUS:
                tid = struct.unpack_from("<i", d, 32)[0]
            elif kind == NT_FPREGSET:
                out[tid] = (d[:5], d[24:28], d[32:416])
        return out

    def files(self):
        (d,) = self.note(NT_FILE)
        n, page = struct.unpack_from("<QQ", d)
        names = d[16 + 24 * n:].split(b"\0")
        rows = [struct.unpack_from("<QQQ", d, 16 + 24 * i) for i in range(n)]
        return [(lo, hi, off * page, name) for (lo, hi, off), name in zip(rows, names)]


def main():
    ours, other = Core(sys.argv[1]), Core(sys.argv[2])
    a, b = ours.threads(), other.threads()
    assert a.keys() == b.keys() and a, (a.keys(), b.keys())
    for tid in a:
        assert a[tid] == b[tid], ("registers", tid, a[tid], b[tid])
    assert ours.fpu() == other.fpu(), "FPU registers"
    (pa,), (pb,) = ours.note(NT_PRPSINFO), other.note(NT_PRPSINFO)
    assert pa[16:40] == pb[16:40], "ids"
    assert pa[40:56] == pb[40:56], "name"
    assert ours.note(NT_AUXV)[0].rstrip(b"\0") == other.note(NT_AUXV)[0].rstrip(b"\0"), "auxv"
    assert ours.files() == other.files(), (ours.files(), other.files())
    same = 0
    for va, memsz, off, filesz, _ in ours.loads:
        for vb, memb, offb, fileb, _ in other.loads:
            lo, hi = max(va, vb), min(va + filesz, vb + fileb)
            if lo >= hi:
                continue
            x, y = ours.at(off + lo - va, hi - lo), other.at(offb + lo - vb, hi - lo)
            if x != y:
                i = next(i for i in range(0, hi - lo, 8) if x[i:i + 8] != y[i:i + 8])
                sys.exit(f"memory differs at {lo + i:#x}: {x[i:i + 8].hex()} {y[i:i + 8].hex()}")
            same += hi - lo
    # What no file can give must be in ours: writable and readable memory that gcore has.
    for vb, memb, _, fileb, flags in other.loads:
        if fileb and flags & 6 == 6:
            assert any(va <= vb and vb + fileb <= va + filesz for va, _, _, filesz, _ in ours.loads), hex(vb)
    print(f"{len(a)} threads, {same} bytes of memory")


main()
