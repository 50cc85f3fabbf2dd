// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verdict `no-probe` for a whole run, told like any other failure. */
#include "no_probe.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "silence.h"
#include "render/format.h"
#include "services.h"

#define NS_PER_SEC UINT64_C(1000000000)

bool no_probe_holds(const struct totals *totals)
{
	return totals->probes == 0 && totals->unfinished == 0;
}

/* Appends to the cause, cut when it is full. */
static void say(struct diagnosis *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct diagnosis *d, const char *format, ...)
{
	size_t used = strlen(d->why);
	va_list args;

	va_start(args, format);
	vsnprintf(d->why + used, sizeof(d->why) - used, format, args);
	va_end(args);
}

void no_probe_diagnose(const struct no_probe *n, const struct totals *totals, struct diagnosis *d)
{
	const struct settings *s = n->settings;
	uint64_t window_ns = services_window_ns(s), run_ns = totals->end_ns - totals->start_ns;
	const struct service nothing = {
		.tuple.target_port = s->n_ports == 1 ? htons(s->ports[0]) : 0,
		.last_ns = totals->start_ns,
		.expected = true,
		.others = totals->traffic,
	};
	const struct silence silence = {
		.settings = s,
		.host = n->host,
		.service = &nothing,
		.devices_before = n->devices,
		.now_ns = totals->end_ns,
		.own_xdp = s->xdp,
		.lossy = totals->lost > 0,
		.asked = n->asked,
	};
	char window[SPAN_TEXT_LEN];

	diagnose_silence(&silence, d);
	if (totals->traffic) { /* something came: which of it is the check, is not known */
		d->verdict = VERDICT_UNKNOWN;
		d->outcome = OUTCOME_UNKNOWN;
	}
	if (run_ns < window_ns) {
		window_ns += NS_PER_SEC - 1;
		d->outcome = OUTCOME_UNKNOWN;
		say(d, " The run was too short to be sure: let it last %s.",
		    format_setting(window, window_ns - window_ns % NS_PER_SEC));
	}
}
