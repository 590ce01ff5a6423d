// SPDX-License-Identifier: GPL-2.0
/* Counts the SIGRTMIN that it gets; the test knows how many were sent. */
#include "prog.h"

static volatile sig_atomic_t count;

static void on_signal(int sig)
{
	(void)sig;
	count++;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	prog_init();
	CHECK(sigaction(SIGRTMIN, &sa, NULL) == 0);
	prog_ready();
	prog_say("%d signals", (int)count);
	prog_done();
}
