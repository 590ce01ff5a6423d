# SPDX-License-Identifier: GPL-2.0
"""
An event loop as servers have it: a timerfd ticks, a thread hands each tick back
through an eventfd, an epoll waits for both. After `ready` it runs until SIGUSR1,
then for five ticks more; nothing may be lost on the way.
"""
import ctypes
import os
import select
import signal
import struct
import sys
import threading

TICK_NS = 20_000_000


def make_timer():
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.timerfd_create(1, os.O_NONBLOCK | os.O_CLOEXEC)
    spec = struct.pack("qqqq", 0, TICK_NS, 0, TICK_NS)
    if fd < 0 or libc.timerfd_settime(fd, 0, spec, None):
        sys.exit(f"FAIL timerfd: {os.strerror(ctypes.get_errno())}")
    return fd


def hand_back(jobs, done):
    while True:
        n = os.eventfd_read(jobs)
        os.eventfd_write(done, n)


def main():
    timer = make_timer()
    jobs, done = os.eventfd(0, os.EFD_CLOEXEC), os.eventfd(0, os.EFD_NONBLOCK)
    threading.Thread(target=hand_back, args=(jobs, done), daemon=True).start()
    loop = select.epoll()
    loop.register(timer, select.EPOLLIN | select.EPOLLET)
    loop.register(done, select.EPOLLIN)
    asked = []
    signal.signal(signal.SIGUSR1, lambda *_: asked.append(True))
    sent = received = 0
    last = None
    print("ready")
    while last is None or received < last:
        for fd, _ in loop.poll():
            if fd == timer:
                ticks = struct.unpack("Q", os.read(timer, 8))[0]
                os.eventfd_write(jobs, ticks)
                sent += ticks
            else:
                received += os.eventfd_read(done)
        if received > sent:
            sys.exit(f"FAIL {received} ticks came back, {sent} went")
        if asked and last is None:
            last = sent + 5
    print("ok")
    os._exit(0)


main()
