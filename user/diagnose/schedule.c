// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Interval and timeout as the probes show them, and when a state will flip. */
#include "schedule.h"

#include <string.h>

/*
 * The load balancer gave P up: it ended it itself, having waited for what did
 * not come.  Where its SYN was never answered it sends nothing when it ends.
 */
static bool was_given_up(const struct probe *p, const struct diagnosis *d, uint64_t *after_ns)
{
	uint64_t end = p->lb_rst_ns && (!p->lb_fin_ns || p->lb_rst_ns < p->lb_fin_ns) ?
		       p->lb_rst_ns : p->lb_fin_ns;
	bool late = d->code && (strcmp(d->code, "CONNECT_TIMEOUT") == 0 ||
				strcmp(d->code, "RECV_RESPONSE_TIMEOUT") == 0);

	if (d->outcome != OUTCOME_FAIL || !late || !end || p->lossy || p->missing)
		return false;
	if ((p->first_byte_ns && p->first_byte_ns < end) ||
	    (p->host_fin_ns && p->host_fin_ns < end) || (p->host_rst_ns && p->host_rst_ns < end))
		return false;
	*after_ns = end - p->start_ns;
	return true;
}

static uint64_t median(const uint64_t *values, unsigned n)
{
	uint64_t sorted[SCHEDULE_TIMEOUTS];

	for (unsigned i = 0; i < n; i++) {
		unsigned j = i;

		for (; j > 0 && sorted[j - 1] > values[i]; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = values[i];
	}
	return n ? sorted[(n - 1) / 2] : 0;
}

void schedule_learn(struct schedule *s, struct target *t, const struct probe *p,
		    const struct diagnosis *d)
{
	uint64_t after_ns;

	if (rhythm_is_over(&s->starts, p->start_ns) && !rhythm_expects(&s->starts, p->start_ns))
		memset(&s->starts, 0, sizeof(s->starts));
	rhythm_add(&s->starts, p->start_ns);
	t->interval_ns = rhythm_period_ns(&s->starts);
	if (was_given_up(p, d, &after_ns)) {
		if (s->n_timeouts == SCHEDULE_TIMEOUTS) {
			memmove(s->timeouts, s->timeouts + 1,
				(SCHEDULE_TIMEOUTS - 1) * sizeof(s->timeouts[0]));
			s->n_timeouts--;
		}
		s->timeouts[s->n_timeouts++] = after_ns;
		t->timeout_ns = median(s->timeouts, s->n_timeouts);
	}
	t->last_took_ns = p->end_ns - p->start_ns;
}

/* Will the run of results flip the state once it is long enough? */
static bool is_on_the_way(const struct target *t, unsigned retries)
{
	if (t->run >= retries || !t->run)
		return false;
	if (t->run_outcome == OUTCOME_FAIL)
		return t->state != TARGET_UNHEALTHY;
	return t->run_outcome == OUTCOME_PASS && t->state == TARGET_UNHEALTHY;
}

/*
 * By the load balancers' documents a target goes down after timeout × retries
 * + interval × (retries − 1): the interval runs from the end of a probe to the
 * start of the next.  An interval that was learned is from start to start.
 */
void schedule_foresee(struct target *t, const struct settings *settings)
{
	unsigned retries = settings->retries ? settings->retries : 1;
	uint64_t timeout_ns = t->timeout_ns ? t->timeout_ns : settings->timeout_ns;
	uint64_t took_ns = t->last_took_ns < timeout_ns ? t->last_took_ns : timeout_ns, step_ns;

	t->flips_at_ns = 0;
	if (t->silent || !is_on_the_way(t, retries))
		return;
	step_ns = t->interval_ns ? t->interval_ns : settings->interval_ns + took_ns;
	t->flips_at_ns = t->last_ns + (retries - t->run) * step_ns + took_ns;
}
