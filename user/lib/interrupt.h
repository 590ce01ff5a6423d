/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Signals that ask us to stop. They set a flag and interrupt the call we are
 * in; every loop that can last looks at the flag, so that the way out is the
 * ordinary error path.
 */
#ifndef CKPT_INTERRUPT_H
#define CKPT_INTERRUPT_H

/* Catch SIGINT, SIGTERM, SIGHUP, SIGQUIT from now on; SIGALRM ticks only interrupt. */
void ckpt_interrupt_catch(void);
/* The signal that came, 0: none. */
int ckpt_interrupted(void);
/* -EINTR and ckpt_fail() told if one came, else 0. */
int ckpt_interrupt_check(void);
/* A tick every ms milliseconds breaks blocking calls so that they look at their deadline; 0: off. */
void ckpt_interrupt_tick(unsigned int ms);

#endif
