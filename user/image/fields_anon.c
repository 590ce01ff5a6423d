// SPDX-License-Identifier: GPL-2.0
/* What descriptors on anonymous inodes are. */
#include "image/fields.h"

static const struct ckpt_word eventfd_flags[] = {
	{ CKPT_EVENTFD_SEMAPHORE, "semaphore" }, { 0, NULL },
};

#define S struct ckpt_eventfd
static const struct ckpt_field eventfd[] = {
	F(S, id, FMT_REF), F_NAMED(S, flags, FMT_FLAGS, eventfd_flags), F(S, count, FMT_DEC),
};
TYPE(EVENTFD, S, eventfd);
#undef S

static const struct ckpt_word clocks[] = {
	{ 0, "realtime" }, { 1, "monotonic" }, { 7, "boottime" }, { 8, "realtime_alarm" },
	{ 9, "boottime_alarm" }, { 0, NULL },
};
static const struct ckpt_word settime_flags[] = {
	{ 0x1, "abstime" }, { 0x2, "cancel_on_set" }, { 0, NULL },
};

#define S struct ckpt_timerfd
static const struct ckpt_field timerfd[] = {
	F(S, id, FMT_REF), F_NAMED(S, clockid, FMT_ENUM, clocks),
	F_NAMED(S, settime_flags, FMT_FLAGS, settime_flags), F(S, pad0, FMT_PAD), F(S, ticks, FMT_DEC),
	F(S, interval_ns, FMT_NS), F(S, remaining_ns, FMT_NS), F(S, expires_ns, FMT_NS),
};
TYPE(TIMERFD, S, timerfd);
#undef S

#define S struct ckpt_signalfd
static const struct ckpt_field signalfd[] = {
	F(S, id, FMT_REF), F(S, pad0, FMT_PAD), F(S, mask, FMT_HEX),
};
TYPE(SIGNALFD, S, signalfd);
#undef S

#define S struct ckpt_epoll
static const struct ckpt_field epoll[] = { F(S, id, FMT_REF), F(S, nitems, FMT_LEN) };
static const struct ckpt_trail epoll_items[] = {
	T("data", S, nitems, 8, FMT_HEX), T("fd", S, nitems, 4, FMT_DEC),
	T("events", S, nitems, 4, FMT_HEX), T("file", S, nitems, 4, FMT_DEC),
	T("flags", S, nitems, 4, FMT_HEX),
};
TYPE_TRAIL(EPOLL, S, epoll, epoll_items);
#undef S

#define S struct ckpt_inotify
static const struct ckpt_field inotify[] = {
	F(S, id, FMT_REF), F(S, nwatches, FMT_LEN), F(S, next_wd, FMT_INT), F(S, text_len, FMT_LEN),
};
static const struct ckpt_trail inotify_watches[] = {
	T("wd", S, nwatches, 4, FMT_DEC), T("mask", S, nwatches, 4, FMT_HEX),
	T("path_len", S, nwatches, 4, FMT_DEC), T("paths", S, text_len, 1, FMT_TEXT),
};
TYPE_TRAIL(INOTIFY, S, inotify, inotify_watches);
#undef S

#define S struct ckpt_pidfd
static const struct ckpt_field pidfd[] = { F(S, id, FMT_REF), F(S, pid, FMT_INT) };
TYPE(PIDFD, S, pidfd);
#undef S
