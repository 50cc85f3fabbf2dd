// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verdict `no-probe`: a run in which nothing arrived. */
#include "no_probe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

/* Appends to OUT, cut when it is full. */
static void append(char out[512], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char out[512], const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + used, 512 - used, format, args);
	va_end(args);
}

void no_probe_init(struct no_probe *n, const struct settings *settings, const struct host *host)
{
	memset(n, 0, sizeof(*n));
	n->settings = settings;
	n->host = host;
}

static bool ask_devices(const struct no_probe *n, struct host_devices *out)
{
	const struct host *host = n->host;

	memset(out, 0, sizeof(*out));
	return host && host->ops && host->ops->devices && host->ops->devices(host->ctx, out) == 0;
}

void no_probe_start(struct no_probe *n, const struct stream_start *start)
{
	n->has_devices = ask_devices(n, &n->devices);
	for (size_t i = 0; i < start->n_points; i++)
		if (start->points[i].point == HCT_POINT_XDP && start->points[i].attached)
			n->own_xdp = true;
}

static const struct host_device *device_before(const struct no_probe *n, const char *name)
{
	for (size_t i = 0; n->has_devices && i < n->devices.n; i++)
		if (strcmp(n->devices.d[i].name, name) == 0)
			return &n->devices.d[i];
	return NULL;
}

/* What could have swallowed the probes before the first point that we watch. */
static void name_suspects(const struct no_probe *n, char why[512])
{
	struct host_devices now;

	if (!ask_devices(n, &now))
		return;
	for (size_t i = 0; i < now.n; i++) {
		const struct host_device *d = &now.d[i], *before = device_before(n, d->name);

		if (d->xdp_prog_id && !n->own_xdp)
			append(why,
			       " XDP program %" PRIu32 " on %s sees packets first, and may drop them.",
			       d->xdp_prog_id, d->name);
		if (before && d->rx_dropped > before->rx_dropped)
			append(why, " %s dropped %" PRIu64 " received packets meanwhile.", d->name,
			       d->rx_dropped - before->rx_dropped);
	}
}

void no_probe_diagnose(const struct no_probe *n, const struct totals *totals, struct diagnosis *d)
{
	const struct settings *s = n->settings;
	uint64_t window_ns = s->interval_ns * s->retries;
	uint64_t run_ns = totals->end_ns - totals->start_ns;
	char run[SPAN_TEXT_LEN], interval[SPAN_TEXT_LEN], window[SPAN_TEXT_LEN];

	format_span(run, run_ns);
	format_setting(interval, s->interval_ns);
	format_setting(window, window_ns);
	memset(d, 0, sizeof(*d));
	d->verdict = VERDICT_NO_PROBE;
	d->outcome = run_ns < window_ns || totals->lost ? OUTCOME_UNKNOWN : OUTCOME_FAIL;
	d->confidence = CONFIDENCE_CERTAIN;
	append(d->why, "Nothing arrived from %s", s->from_text);
	for (size_t i = 0; i < s->n_ports; i++)
		append(d->why, "%s%u", i ? ", " : " for port ", s->ports[i]);
	append(d->why, " in %s, where each node of the load balancer should probe every %s.", run,
	       interval);
	if (run_ns < window_ns)
		append(d->why, " The run was too short to be sure: let it last %s.", window);
	if (totals->lost)
		append(d->why, " %" PRIu64 " events were lost: probes may have been among them.",
		       totals->lost);
	name_suspects(n, d->why);
	append(d->fix,
	       "Check in this order: the health check is enabled, and its port is right; the "
	       "security group and the subnet's network ACL let the load balancer's addresses in; "
	       "it does probe from %s (else use --lb or --from); namespace and interfaces are the "
	       "right ones (--netns, --interface).", s->from_text);
}
