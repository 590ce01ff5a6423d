/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* EPOLL: its items in the order of its tree, which fdinfo shows them in too. */
#ifndef CKPTBPF_EPOLL_BPF_H
#define CKPTBPF_EPOLL_BPF_H

#include "anon.bpf.h"

#define EPOLL_STEPS	(8 * GATHER_EPOLL_MAX)	/* down, up and across: fewer than four for each node */
/* Behind the last item, for the verifier alone. */
#define EPOLL_SLACK	sizeof(struct gather_epitem)

SCRATCH(epoll_scratch, sizeof(struct gather_epoll) +
	GATHER_EPOLL_MAX * sizeof(struct gather_epitem) + EPOLL_SLACK);

_Static_assert(sizeof(struct gather_fd) + 64 + sizeof(struct gather_epoll) +
	       GATHER_EPOLL_MAX * sizeof(struct gather_epitem) < SEQ_LIMIT, "one run's output");

enum epoll_turn { EPOLL_DOWN, EPOLL_HERE, EPOLL_UP };

/* In a map: of what is on the stack the verifier would follow every value that it can have. */
struct epoll_walk {
	struct rb_node *at;
	__u64 n;
	__u64 next;
	__u32 turn;		/* enum epoll_turn */
};

SCRATCH(epoll_walk_scratch, sizeof(struct epoll_walk));
SCRATCH(epoll_from, sizeof(struct gather_epoll_from));

struct epoll_ctx {
	struct epoll_walk *w;
	struct gather_epoll *o;
};

static __always_inline void epoll_item(struct gather_epitem *o, struct rb_node *node)
{
	struct epitem *e = (void *)node - bpf_core_field_offset(struct epitem, rbn);
	void *ffd = (void *)__builtin_preserve_access_index(&e->ffd);
	void *event = (void *)__builtin_preserve_access_index(&e->event);
	void *link = (void *)__builtin_preserve_access_index(&e->rdllink);

	/* file and fd, whatever the struct around them is called: epoll_filefd until 7.1. */
	bpf_probe_read_kernel(&o->file, sizeof(o->file), ffd);
	bpf_probe_read_kernel(&o->fd, sizeof(o->fd), ffd + sizeof(void *));
	/* Packed, as user space knows it. */
	bpf_probe_read_kernel(&o->events, sizeof(o->events), event);
	bpf_probe_read_kernel(&o->data, sizeof(o->data), event + sizeof(o->events));
	o->ready = (void *)BPF_CORE_READ(e, rdllink.next) != link;
}

static long epoll_step(__u32 i, struct epoll_ctx *c)
{
	struct epoll_walk *w = c->w;
	struct rb_node *at = w->at, *next;
	__u64 n = w->n;

	if (!at)
		return 1;
	switch (w->turn) {
	case EPOLL_DOWN:
		next = BPF_CORE_READ(at, rb_left);
		if (next)
			w->at = next;
		else
			w->turn = EPOLL_HERE;
		return 0;
	case EPOLL_HERE:
		if (n >= GATHER_EPOLL_MAX) {
			w->next = (__u64)at;
			return 1;
		}
		CLAMP(n, GATHER_EPOLL_MAX);
		epoll_item(&c->o->items[n], at);
		w->n++;
		next = BPF_CORE_READ(at, rb_right);
		w->turn = next ? EPOLL_DOWN : EPOLL_UP;
		if (next)
			w->at = next;
		return 0;
	}
	next = (void *)(BPF_CORE_READ(at, __rb_parent_color) & ~3ul);
	w->at = next;
	/* From the left its parent is next, from the right it has been. */
	if (next && BPF_CORE_READ(next, rb_right) != at)
		w->turn = EPOLL_HERE;
	return 0;
}

static __always_inline void emit_epoll(struct seq_file *seq, const struct anon_fd *f)
{
	struct eventpoll *ep = f->priv;
	struct gather_epoll *o = scratch_of(&epoll_scratch);
	struct epoll_walk *w = scratch_of(&epoll_walk_scratch);
	struct gather_epoll_from *from = scratch_of(&epoll_from);
	struct epoll_ctx c = { .w = w, .o = o };
	__u64 len;

	if (!o || !w || !from)
		return;
	w->at = BPF_CORE_READ(ep, rbr.rb_root.rb_node);
	if (from->next) {
		w->at = (void *)from->next;
		w->turn = EPOLL_HERE;
	}
	if (bpf_loop(EPOLL_STEPS, epoll_step, &c, 0) == EPOLL_STEPS)
		w->next = GATHER_EPOLL_LOST;
	len = w->n;
	CLAMP(len, GATHER_EPOLL_MAX);
	o->a.n = len;
	o->next = w->next;
	forget(w, sizeof(*w));
	len = sizeof(*o) + len * sizeof(o->items[0]);
	anon_hdr(&o->a, f, GATHER_EPOLL, len);
	if (bpf_core_field_exists(ep->busy_poll_usecs))
		o->busy_poll = BPF_CORE_READ(ep, busy_poll_usecs) != 0;
	emit(seq, o, len);
}

#endif
