/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The host's state, read by a child process: the run goes on meanwhile. */
#ifndef HCT_RECORD_STATE_RUN_H
#define HCT_RECORD_STATE_RUN_H

struct state_run;

/* Starts to collect, see host_state.h.  0 or -errno. */
int state_run_start(struct state_run **out);
/* Readable when there is something for state_run_read(). */
int state_run_fd(const struct state_run *r);
/*
 * Calls PUT for each section that has come, with text that lives as long as
 * the call; never waits.  1: more will come, 0: that was all, or -errno.
 */
int state_run_read(struct state_run *r, void (*put)(void *ctx, const char *name, const char *text),
		   void *ctx);
/* Ends the child where it still runs.  Accepts NULL. */
void state_run_close(struct state_run *r);

#endif
