#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""term.py KEYS SCREEN COMMAND...: a terminal of 24 lines and 80 columns with
COMMAND on it as its session's leader. What is written into the fifo KEYS is
typed, what appears goes into the file SCREEN. It ends with COMMAND."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios

keys, screen, command = sys.argv[1], sys.argv[2], sys.argv[3:]
pid, master = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm", LC_ALL="C.UTF-8", PS1="$ ", HISTFILE="")
    os.execvp(command[0], command)
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
# Open for writing too: it has no end while nobody types.
typed = os.open(keys, os.O_RDWR)
with open(screen, "wb", buffering=0) as out:
    while True:
        ready, _, _ = select.select([typed, master], [], [])
        if typed in ready:
            os.write(master, os.read(typed, 4096))
        if master in ready:
            try:
                text = os.read(master, 4096)
            except OSError:  # the last of its users has gone
                break
            out.write(text)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
