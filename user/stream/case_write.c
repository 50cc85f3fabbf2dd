// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writes a run's stream, and the host's answers, as a case file. */
#include "case_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finish_output.h"
#include "diagnose/ask.h"
#include "case_host.h"
#include "case_obs.h"
#include "case_points.h"
#include "case_text.h"
#include "render/format.h"
#include "points.h"

#define NS_PER_MS UINT64_C(1000000)

struct case_writer {
	FILE *out;
	uint64_t start_ns;
	const struct host *real;
	struct host host;
};

static void put_word(FILE *out, const char *text)
{
	text_put(out, text, strlen(text));
}

static void put_ms(FILE *out, const char *option, uint64_t ns)
{
	fprintf(out, " --%s %" PRIu64, option, ns / NS_PER_MS);
	if (ns % NS_PER_MS)
		fprintf(out, ".%06" PRIu64, ns % NS_PER_MS);
	fputs("ms", out);
}

static void put_protocols(FILE *out, const struct settings *s)
{
	if (s->protocols & HCT_PROTO_TCP)
		fprintf(out, " --protocol %s", s->expect_http ? "http" : "tcp");
	if (s->protocols & HCT_PROTO_UDP)
		fputs(" --protocol udp", out);
	if (s->protocols & HCT_PROTO_ICMP)
		fputs(" --protocol icmp", out);
}

/* What of the settings the engine and the rules go by; where it ran, and until when, is left out. */
static void put_options(FILE *out, const struct settings *s)
{
	fputs("options", out);
	if (s->preset)
		fprintf(out, " --lb %s", s->preset->name);
	for (size_t i = 0; i < s->n_from; i++) {
		char text[PREFIX_TEXT_LEN];

		fprintf(out, " --from %s", format_prefix(text, &s->from[i]));
	}
	for (size_t i = 0; i < s->n_ports; i++)
		fprintf(out, "%s%u", i ? "," : " --port ", s->ports[i]);
	put_protocols(out, s);
	put_ms(out, "interval", s->interval_ns);
	put_ms(out, "timeout", s->timeout_ns);
	fprintf(out, " --retries %u", s->retries);
	for (size_t i = 0; i < s->n_expect; i++) {
		char text[16];

		fprintf(out, "%s%s", i ? "," : " --expect-codes ",
			format_code_range(text, &s->expect[i]));
	}
	if (s->path) {
		fputs(" --path ", out);
		put_word(out, s->path);
	}
	if (s->count)
		fprintf(out, " --count %" PRIu64, s->count);
	if (s->all_traffic)
		fputs(" --all-traffic", out);
	if (s->passive)
		fputs(" --passive", out);
	if (s->xdp)
		fputs(" --xdp", out);
	putc('\n', out);
}

struct case_writer *case_writer_on(FILE *out, const struct settings *settings)
{
	struct case_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->out = out;
	fputs("hctrace-case 1\n", w->out);
	put_options(w->out, settings);
	return w;
}

struct case_writer *case_writer_open(const char *path, const struct settings *settings)
{
	FILE *out = fopen(path, "we");
	struct case_writer *w = out ? case_writer_on(out, settings) : NULL;

	if (out && !w) {
		fclose(out);
		errno = ENOMEM;
	}
	return w;
}

int case_writer_close(struct case_writer *w)
{
	int err;

	if (!w)
		return 0;
	err = finish_output(w->out);
	if (fclose(w->out) && !err)
		err = -errno;
	free(w);
	return err;
}

static void put_time(struct case_writer *w, uint64_t time_ns)
{
	fputs(" t=", w->out);
	text_put_time(w->out, (int64_t)(time_ns - w->start_ns));
}

/* A line of its own behind start, where 0.1 takes no notice of it in a recording. */
static void put_run(FILE *out, const struct stream_start *start)
{
	if (!start->host && !start->run)
		return;
	fputs("run", out);
	if (start->host) {
		fputs(" host=", out);
		put_word(out, start->host);
	}
	if (start->run) {
		fputs(" id=", out);
		put_word(out, start->run);
	}
	putc('\n', out);
}

static void on_start(void *ctx, const struct stream_start *start)
{
	struct case_writer *w = ctx;

	w->start_ns = start->time_ns;
	for (size_t i = 0; i < start->n_points; i++) {
		const struct point_status *status = &start->points[i];

		fprintf(w->out, "point %s %s", point_name(status->point),
			status->attached ? "attached" : "missing");
		if (status->detail) {
			fputs(" detail=", w->out);
			put_word(w->out, status->detail);
		}
		putc('\n', w->out);
	}
	fputs("start t=", w->out);
	text_put_time(w->out, (int64_t)start->time_ns);
	fputs(" wall-offset=", w->out);
	text_put_time(w->out, start->wall_offset_ns);
	fprintf(w->out, " netns=%" PRIu32 " netns-name=", start->netns);
	put_word(w->out, start->netns_name ? start->netns_name : "");
	fputs(" kernel=", w->out);
	put_word(w->out, start->kernel ? start->kernel : "");
	putc('\n', w->out);
	put_run(w->out, start);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct case_writer *w = ctx;

	fputs("points", w->out);
	put_time(w, time_ns);
	case_put_points(w->out, changed, n);
	putc('\n', w->out);
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct case_writer *w = ctx;

	fputs("obs", w->out);
	case_put_obs(w->out, o, w->start_ns);
	putc('\n', w->out);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct case_writer *w = ctx;

	fputs("lost", w->out);
	put_time(w, time_ns);
	fprintf(w->out, " point=%s count=%" PRIu64 "\n", point_name(point), count);
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct case_writer *w = ctx;

	fputs("tick", w->out);
	put_time(w, now_ns);
	putc('\n', w->out);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct case_writer *w = ctx;

	fputs("end", w->out);
	put_time(w, now_ns);
	putc('\n', w->out);
}

const struct stream_sink case_writer_sink = {
	.start = on_start,
	.obs = on_obs,
	.lost = on_lost,
	.tick = on_tick,
	.end = on_end,
	.points = on_points,
};

/* Writes A with what was answered, and passes the error on. */
static int told(struct case_writer *w, struct answer *a, int err)
{
	a->err = err;
	case_put_answer(w->out, a);
	return err;
}

static int listeners(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_listeners(w->real, protocol, port, out);

	question_listeners(&a, protocol, port);
	a.listeners = *out;
	return told(w, &a, err);
}

static int listeners_in(void *ctx, uint32_t netns, uint8_t protocol, uint16_t port,
			struct host_listeners *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_listeners_in(w->real, netns, protocol, port, out);

	question_listeners_in(&a, netns, protocol, port);
	a.listeners = *out;
	return told(w, &a, err);
}

static int route_back(void *ctx, const uint8_t target[16], const uint8_t lb[16],
		      struct host_route *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_route_back(w->real, target, lb, out);

	question_route_back(&a, target, lb);
	a.route = *out;
	return told(w, &a, err);
}

static int gateway(void *ctx, const uint8_t target[16], const uint8_t lb[16], const char *device,
		   struct host_gateway *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_gateway(w->real, target, lb, device, out);

	question_gateway(&a, target, lb, device);
	a.gateway = *out;
	return told(w, &a, err);
}

static int forward_route(void *ctx, const uint8_t lb[16], const uint8_t target[16],
			 const char *device, uint32_t mark, struct host_forward_route *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_forward_route(w->real, lb, target, device, mark, out);

	question_forward_route(&a, lb, target, device, mark);
	a.forward_route = *out;
	return told(w, &a, err);
}

static int wrappers(void *ctx, uint32_t pid, const char *daemon, const uint8_t client[16],
		    struct host_wrappers *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_wrappers(w->real, pid, daemon, client, out);

	question_wrappers(&a, pid, daemon, client);
	a.wrappers = *out;
	return told(w, &a, err);
}

static int chains(void *ctx, bool ipv6, const char *hook, struct host_chains *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_chains(w->real, ipv6, hook, out);

	question_chains(&a, ipv6, hook);
	a.chains = *out;
	return told(w, &a, err);
}

static int rules(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_rules(w->real, packet, out);

	question_rules(&a, packet);
	a.rules = *out;
	return told(w, &a, err);
}

static int rule(void *ctx, uint32_t netns, const char *family, const char *table,
		const char *chain, uint64_t handle, struct host_rule *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_rule(w->real, netns, family, table, chain, handle, out);

	question_rule(&a, netns, family, table, chain, handle);
	a.rule = *out;
	return told(w, &a, err);
}

static int sysctl(void *ctx, const char *name, int64_t *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_sysctl(w->real, name, out);

	question_sysctl(&a, name);
	a.sysctl.value = *out;
	return told(w, &a, err);
}

static int devices(void *ctx, struct host_devices *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_devices(w->real, out);

	question_devices(&a);
	a.devices = *out;
	return told(w, &a, err);
}

static int owner(void *ctx, const struct hct_tuple *tuple, struct host_process *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_owner(w->real, tuple, out);

	question_owner(&a, tuple);
	a.owner = *out;
	return told(w, &a, err);
}

static int netns_name(void *ctx, uint32_t netns, char out[64])
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_netns_name(w->real, netns, out);

	question_netns_name(&a, netns);
	memcpy(a.netns_name.name, out, sizeof(a.netns_name.name));
	return told(w, &a, err);
}

static int condition(void *ctx, uint32_t pid, struct host_condition *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_condition(w->real, pid, out);

	question_condition(&a, pid);
	a.condition = *out;
	return told(w, &a, err);
}

static int address_netns(void *ctx, const uint8_t addr[16], uint32_t *out)
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_address_netns(w->real, addr, out);

	question_address_netns(&a, addr);
	a.address_netns.netns = *out;
	return told(w, &a, err);
}

static int socket_unit(void *ctx, uint16_t port, char out[64])
{
	struct case_writer *w = ctx;
	struct answer a;
	int err = ask_socket_unit(w->real, port, out);

	question_socket_unit(&a, port);
	memcpy(a.socket_unit.name, out, sizeof(a.socket_unit.name));
	return told(w, &a, err);
}

static const struct host_ops ops = {
	.listeners = listeners,
	.listeners_in = listeners_in,
	.route_back = route_back,
	.gateway = gateway,
	.forward_route = forward_route,
	.wrappers = wrappers,
	.chains = chains,
	.rules = rules,
	.rule = rule,
	.sysctl = sysctl,
	.devices = devices,
	.owner = owner,
	.netns_name = netns_name,
	.condition = condition,
	.address_netns = address_netns,
	.socket_unit = socket_unit,
};

struct host *case_writer_host(struct case_writer *w, const struct host *real)
{
	w->real = real;
	w->host.ops = &ops;
	w->host.ctx = w;
	return &w->host;
}
