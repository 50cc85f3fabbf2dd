/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hand-built probes, targets and a stream's start, and a renderer that writes to memory. */
#ifndef HCT_TEST_SAMPLES_H
#define HCT_TEST_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "diagnose/no_probe.h"
#include "render/render.h"

#define MS UINT64_C(1000000)
#define SEC UINT64_C(1000000000)
#define START (100 * SEC) /* CLOCK_MONOTONIC of the first probe */
#define WALL_OFFSET INT64_C(1795356000000000000) /* then it is 2026-11-22 14:01:40 UTC */

/* A renderer that writes to memory. */
struct fixture {
	struct settings settings;
	const struct renderer *renderer;
	void *ctx;
	FILE *out;
	char *text;
	size_t len;
	size_t from; /* where what printed() returns begins */
};

static struct host_devices devices;

static inline int give_devices(void *ctx, struct host_devices *out)
{
	*out = devices;
	return 0;
}

static const struct host_ops ops = { .devices = give_devices };

static inline void open_fixture(struct fixture *f, const struct renderer *renderer, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	assert_int_equal(options_parse(&f->settings, argc, argv), -1);
	f->renderer = renderer;
	f->out = open_memstream(&f->text, &f->len);
	assert_non_null(f->out);
	f->ctx = renderer->open(f->out, &f->settings);
	assert_non_null(f->ctx);
}

/* Forgets what was printed up to now. */
static inline void forget_printed(struct fixture *f)
{
	fflush(f->out);
	f->from = f->len;
}

static inline const char *printed(struct fixture *f)
{
	fflush(f->out);
	return f->text + f->from;
}

/* Ends a run in which nothing came, as the engine does; BEFORE: the devices when it began. */
static inline void end_empty(struct fixture *f, struct totals totals,
			     const struct host_devices *before)
{
	const struct host host = { .ops = &ops };
	const struct no_probe run = { &f->settings, &host, before };
	struct diagnosis d;

	no_probe_diagnose(&run, &totals, &d);
	totals.no_probe = &d;
	f->renderer->on.end(f->ctx, &totals);
}

static inline void close_fixture(struct fixture *f)
{
	f->renderer->close(f->ctx);
	fclose(f->out);
	free(f->text);
}

static inline void set_addr(uint8_t out[16], const char *text)
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	memset(out + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

static inline void set_probe(struct probe *p, const char *lb, const char *target, uint16_t port)
{
	memset(p, 0, sizeof(*p));
	p->id = 17;
	p->start_ns = START;
	p->end_ns = START + 3 * MS;
	p->netns = 4026532001;
	strcpy(p->netns_name, "web");
	p->tuple.protocol = IPPROTO_TCP;
	set_addr(p->tuple.lb, lb);
	set_addr(p->tuple.target, target);
	p->tuple.lb_port = htons(40122);
	p->tuple.target_port = htons(port);
}

static inline void set_process(struct probe *p)
{
	p->has_process = true;
	p->pid = 812;
	strcpy(p->comm, "nginx");
}

static inline void set_http(struct probe *p, int status)
{
	p->http_request.valid = true;
	strcpy(p->http_request.method, "GET");
	strcpy(p->http_request.path, "/health");
	strcpy(p->http_request.host, "192.168.0.10");
	p->synack_ns = START + MS / 10;
	p->accepted_ns = START + MS / 5;
	p->first_byte_ns = START + MS * 8 / 10;
	p->http_response.valid = true;
	p->http_response.status = status;
}

static inline void add_event(struct probe *p, uint64_t after_ns, enum hct_point point,
			     const char *device, const char *text, unsigned repeats)
{
	struct timeline_entry *entry = &p->timeline[p->timeline_len++];

	entry->time_ns = START + after_ns;
	entry->point = point;
	entry->repeats = repeats;
	strcpy(entry->device, device);
	strcpy(entry->text, text);
}

static inline void set_firewall_drop(struct probe *p, struct diagnosis *d)
{
	set_probe(p, "100.125.10.5", "192.168.0.10", 8080);
	p->end_ns = START + 3 * SEC;
	add_event(p, 0, HCT_POINT_TC_INGRESS, "eth0", "SYN", 0);
	add_event(p, 14123, HCT_POINT_DROP, "", "SYN dropped by the firewall in INPUT", 0);
	add_event(p, 1020 * MS, HCT_POINT_TC_INGRESS, "eth0", "SYN", 2);
	memset(d, 0, sizeof(*d));
	d->verdict = VERDICT_FIREWALL_DROP;
	d->outcome = OUTCOME_FAIL;
	d->code = "CONNECT_TIMEOUT";
	strcpy(d->where.layer, "netfilter");
	strcpy(d->where.backend, "iptables-legacy");
	strcpy(d->where.chain, "INPUT");
	strcpy(d->why, "The firewall dropped the SYN in chain INPUT.");
	strcpy(d->fix.command.text, "iptables-legacy -I INPUT -s 100.125.0.0/16 -p tcp --dport 8080 -j ACCEPT");
}

static const struct point_status all_points[] = {
	{ HCT_POINT_TC_INGRESS, true, "tcx on eth0" },
	{ HCT_POINT_DROP, false, "not permitted" },
	{ HCT_POINT_XDP, false, "not asked for" },
};

/* With the first N of all_points. */
static inline void start_with(struct fixture *f, size_t n)
{
	const struct stream_start s = {
		.kernel = "6.1.0-13-amd64",
		.time_ns = START,
		.wall_offset_ns = WALL_OFFSET,
		.netns = 4026532001,
		.netns_name = "web",
		.points = all_points,
		.n_points = n,
		.host = "backend-1",
		.run = "0123456789abcdef",
	};

	f->renderer->on.start(f->ctx, &s);
}

static inline void start(struct fixture *f)
{
	start_with(f, sizeof(all_points) / sizeof(all_points[0]));
}

static inline void set_target(struct target *t, const char *lb, uint16_t port)
{
	memset(t, 0, sizeof(*t));
	set_addr(t->lb, lb);
	set_addr(t->addr, "192.168.0.10");
	t->port = port;
	strcpy(t->protocol, "tcp");
	t->first_ns = START;
	t->last_ns = START + 10 * SEC;
}

static const struct fix accept_all = { .command.text = "iptables -I INPUT -j ACCEPT" };

static inline void set_failing(struct target *t, const char *lb)
{
	set_target(t, lb, 8080);
	t->probes = t->failed = t->run = 3;
	t->run_outcome = OUTCOME_FAIL;
	t->by_verdict[VERDICT_FIREWALL_DROP] = 3;
	t->state = TARGET_UNHEALTHY;
	t->state_since_ns = START + 13 * SEC;
	t->last_verdict = VERDICT_FIREWALL_DROP;
	t->last_code = "CONNECT_TIMEOUT";
	t->last_why = "The firewall dropped it.";
	t->last_fix = &accept_all;
}

static inline void set_passing(struct target *t, const char *lb)
{
	set_target(t, lb, 80);
	strcpy(t->protocol, "http");
	t->probes = 4;
	t->passed = 3;
	t->unknown = 1;
	t->run = 2;
	t->by_verdict[VERDICT_HEALTHY] = 3;
	t->by_verdict[VERDICT_UNKNOWN] = 1;
	t->state = TARGET_HEALTHY;
	t->state_since_ns = START + SEC;
	t->latency_count = 3;
	t->latency_p50_us = 812;
	t->latency_p95_us = 12345;
	t->latency_max_us = 123456;
}

#endif
