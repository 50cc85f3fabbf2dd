// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The options and commands, a row each, and the functions that take a value into the settings. */
#include "option_table.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <string.h>

#include "include/hct_event.h"
#include "record/record_write.h"
#include "render/format.h"
#include "render/render.h"
#include "presets.h"
#include "values.h"

#define MAX_COUNT UINT64_C(1000000000)
#define MAX_RETRIES 100

static void refuse(struct refusal *r, const char *item, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct refusal *r, const char *item, const char *format, ...)
{
	va_list args;

	snprintf(r->item, sizeof(r->item), "%s", item);
	va_start(args, format);
	vsnprintf(r->reason, sizeof(r->reason), format, args);
	va_end(args);
}

/* Calls SET for each item of the comma-separated LIST. */
static int set_each(struct settings *s, const char *list, struct refusal *r,
		    int (*set)(struct settings *s, const char *item, struct refusal *r))
{
	for (;;) {
		size_t len = strcspn(list, ",");
		char item[sizeof(r->item)];
		int err;

		if (len >= sizeof(item))
			return -EINVAL;
		memcpy(item, list, len);
		item[len] = '\0';
		err = set(s, item, r);
		if (err) {
			if (!r->item[0])
				snprintf(r->item, sizeof(r->item), "%s", item);
			return err;
		}
		if (!list[len])
			return 0;
		list += len + 1;
	}
}

static int set_prefix(struct settings *s, const char *item, struct refusal *r)
{
	char network[PREFIX_TEXT_LEN];
	bool host_bits;
	struct prefix p;

	if (value_prefix(item, &p, &host_bits))
		return -EINVAL;
	if (host_bits) {
		format_prefix(network, &p);
		refuse(r, item,
		       "has bits set behind its prefix length; did you mean %s, or %.*s for that host alone?",
		       network, (int)strcspn(item, "/"), item);
		return -EINVAL;
	}
	if (s->n_from == MAX_PREFIXES) {
		refuse(r, item, "is one too many: at most %d networks", MAX_PREFIXES);
		return -EINVAL;
	}
	s->from[s->n_from++] = p;
	return 0;
}

static int set_from(struct settings *s, const char *value, struct refusal *r)
{
	return set_each(s, value, r, set_prefix);
}

static const char *preset_name(size_t i)
{
	return i < n_presets ? presets[i].name : NULL;
}

static int set_lb(struct settings *s, const char *value, struct refusal *r)
{
	const char *subnets, *nearest;
	const struct preset *preset = preset_find(value, &subnets);
	char name[32];

	if (!preset) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(value, ":"), value);
		nearest = value_nearest(name, preset_name);
		if (nearest)
			refuse(r, value, "is not a known load balancer; did you mean %s?", nearest);
		return -EINVAL;
	}
	if (s->preset) {
		refuse(r, value,
		       "is a second load balancer after %s: give one, and further sources with --from",
		       s->preset->name);
		return -EINVAL;
	}
	s->preset = preset;
	if (!subnets)
		return 0;
	if (set_from(s, subnets, r)) {
		if (!r->reason[0])
			refuse(r, value, "does not end in a network; example: --lb %s:10.0.1.0/24",
			       preset->name);
		return -EINVAL;
	}
	return 0;
}

static int set_one_port(struct settings *s, const char *item, struct refusal *r)
{
	uint64_t port;

	if (value_number(item, 1, 65535, &port))
		return -EINVAL;
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return 0;
	if (s->n_ports == MAX_PORTS) {
		refuse(r, item, "is one too many: at most %d ports", MAX_PORTS);
		return -EINVAL;
	}
	s->ports[s->n_ports++] = (uint16_t)port;
	return 0;
}

static int set_port(struct settings *s, const char *value, struct refusal *r)
{
	return set_each(s, value, r, set_one_port);
}

static int set_one_protocol(struct settings *s, const char *item, struct refusal *r)
{
	static const struct {
		const char *name;
		unsigned protocol;
		bool http;
	} known[] = {
		{ "tcp", HCT_PROTO_TCP, false }, { "http", HCT_PROTO_TCP, true },
		{ "https", HCT_PROTO_TCP, true }, { "udp", HCT_PROTO_UDP, false },
		{ "icmp", HCT_PROTO_ICMP, false },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, item) == 0) {
			s->protocols |= known[i].protocol;
			s->expect_http |= known[i].http;
			s->check = s->check && strcmp(s->check, item) ? "several" : known[i].name;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_protocol(struct settings *s, const char *value, struct refusal *r)
{
	return set_each(s, value, r, set_one_protocol);
}

static int set_interface(struct settings *s, const char *value, struct refusal *r)
{
	if (!*value || strlen(value) >= IFNAMSIZ || strpbrk(value, "/ \t\n"))
		return -EINVAL;
	if (s->n_interfaces == MAX_INTERFACES) {
		refuse(r, value, "is one too many: at most %d interfaces", MAX_INTERFACES);
		return -EINVAL;
	}
	s->interfaces[s->n_interfaces++] = value;
	return 0;
}

static int set_netns(struct settings *s, const char *value, struct refusal *r)
{
	s->netns = value;
	return *value ? 0 : -EINVAL;
}

static int set_interval(struct settings *s, const char *value, struct refusal *r)
{
	return value_time(value, &s->interval_ns);
}

static int set_timeout(struct settings *s, const char *value, struct refusal *r)
{
	return value_time(value, &s->timeout_ns);
}

static int set_duration(struct settings *s, const char *value, struct refusal *r)
{
	return value_time(value, &s->duration_ns);
}

static int set_retries(struct settings *s, const char *value, struct refusal *r)
{
	uint64_t n;
	int err = value_number(value, 1, MAX_RETRIES, &n);

	if (!err)
		s->retries = (unsigned)n;
	return err;
}

static int set_count(struct settings *s, const char *value, struct refusal *r)
{
	return value_number(value, 1, MAX_COUNT, &s->count);
}

static int set_one_code(struct settings *s, const char *item, struct refusal *r)
{
	struct code_range range;

	if (value_codes(item, &range))
		return -EINVAL;
	if (s->n_expect == MAX_EXPECT) {
		refuse(r, item, "is one too many: at most %d codes and ranges", MAX_EXPECT);
		return -EINVAL;
	}
	s->expect[s->n_expect++] = range;
	return 0;
}

static int set_expect_codes(struct settings *s, const char *value, struct refusal *r)
{
	return set_each(s, value, r, set_one_code);
}

static int set_host(struct settings *s, const char *value, struct refusal *r)
{
	s->host = value;
	for (const char *c = value; *c; c++)
		if (*c <= ' ' || *c > '~')
			return -EINVAL;
	return *value ? 0 : -EINVAL;
}

static int set_target(struct settings *s, const char *value, struct refusal *r)
{
	struct prefix p;

	if (prefix_parse(&p, value) || p.len != 128)
		return -EINVAL;
	memcpy(s->target, p.addr, sizeof(s->target));
	s->has_target = true;
	return 0;
}

static int set_until_healthy(struct settings *s, const char *value, struct refusal *r)
{
	s->until_healthy = true;
	return 0;
}

static int set_path(struct settings *s, const char *value, struct refusal *r)
{
	s->path = value;
	return *value == '/' ? 0 : -EINVAL;
}

static int set_json(struct settings *s, const char *value, struct refusal *r)
{
	s->json = true;
	return 0;
}

static int set_passive(struct settings *s, const char *value, struct refusal *r)
{
	s->passive = true;
	return 0;
}

static int set_all_traffic(struct settings *s, const char *value, struct refusal *r)
{
	s->all_traffic = true;
	return 0;
}

static int set_btf(struct settings *s, const char *value, struct refusal *r)
{
	s->btf = value;
	return *value ? 0 : -EINVAL;
}

static int set_buffer(struct settings *s, const char *value, struct refusal *r)
{
	return value_size(value, &s->buffer);
}

static int set_max_size(struct settings *s, const char *value, struct refusal *r)
{
	return value_bytes(value, RECORD_SIZE_MIN, &s->max_size);
}

static int set_xdp(struct settings *s, const char *value, struct refusal *r)
{
	s->xdp = true;
	return 0;
}

static int set_clsact(struct settings *s, const char *value, struct refusal *r)
{
	s->clsact = true;
	return 0;
}

static int set_color(struct settings *s, const char *value, struct refusal *r)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never",
	};

	if (!value)
		value = "always"; /* as ls and grep take --color alone */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], value) == 0) {
			s->color = (enum color_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_verbose(struct settings *s, const char *value, struct refusal *r)
{
	s->verbose++;
	return 0;
}

static int set_save(struct settings *s, const char *value, struct refusal *r)
{
	s->save = value;
	return *value ? 0 : -EINVAL;
}

static int set_format(struct settings *s, const char *value, struct refusal *r)
{
	char names[64] = "";
	const struct renderer *found = renderer_find(value);

	if (found) {
		s->format = found->name;
		return 0;
	}
	for (size_t i = 0; renderers[i]; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s",
			 !i ? "" : renderers[i + 1] ? ", " : " or ", renderers[i]->name);
	}
	refuse(r, value, "is not %s; example: --format json", names);
	return -EINVAL;
}

static int set_output(struct settings *s, const char *value, struct refusal *r)
{
	s->output = value;
	return *value ? 0 : -EINVAL;
}

static int set_redact(struct settings *s, const char *value, struct refusal *r)
{
	s->redact = true;
	return 0;
}

static int set_redact_map(struct settings *s, const char *value, struct refusal *r)
{
	s->redact_map = value;
	return *value ? 0 : -EINVAL;
}

#define TIME_REASON "is not a time above zero; examples: 500ms, 3s, 1m, 2h, or a number of seconds"
#define KEEPING (BY_LIVE | BY_RECORD)
#define RUNNING (KEEPING | BY_BUNDLE)
#define LOOKING (RUNNING | BY_CHECK | BY_PROBE)
#define TIMING (RUNNING | BY_PROBE)

const struct option_row option_rows[] = {
	{ "What to follow", 0, "lb", "PRESET", false, LOOKING,
	  "kind of load balancer, see PRESET (default: elb)",
	  "is not a known load balancer; --help lists them; example: --lb elb", set_lb },
	{ NULL, 0, "from", "CIDR", false, LOOKING,
	  "network that probes come from (repeatable)",
	  "is not an address or network; example: --from 100.125.0.0/16", set_from },
	{ NULL, 0, "port", "PORTS", false, LOOKING,
	  "only probes of these ports, such as 80,443",
	  "is not a port from 1 to 65535; example: --port 80,8443", set_port },
	{ NULL, 0, "protocol", "NAME", false, LOOKING,
	  "only tcp, http, https, udp or icmp (repeatable)",
	  "is not tcp, http, https, udp or icmp; example: --protocol http", set_protocol },
	{ NULL, 'i', "interface", "DEV", false, LOOKING,
	  "only probes that use DEV (repeatable)",
	  "is not the name of a network interface; example: --interface eth0", set_interface },
	{ NULL, 0, "netns", "NAME", false, LOOKING,
	  "look into a network namespace: name, path or pid",
	  "names no network namespace; example: --netns web", set_netns },

	{ "The check, as it is set at the load balancer", 0, "interval", "TIME", false, TIMING,
	  "time between two probes of one node", TIME_REASON, set_interval },
	{ NULL, 0, "timeout", "TIME", false, TIMING,
	  "time that a probe waits for its answer", TIME_REASON, set_timeout },
	{ NULL, 0, "retries", "N", false, RUNNING,
	  "failures in a row that make a target unhealthy",
	  "is not a number from 1 to 100; example: --retries 3", set_retries },
	{ NULL, 0, "expect-codes", "CODES", false, TIMING,
	  "healthy HTTP status codes, such as 200,300-399",
	  "is not a status code or range from 100 to 599; example: --expect-codes 200,202,300-399",
	  set_expect_codes },
	{ NULL, 0, "path", "PATH", false, TIMING,
	  "path of the HTTP request (default: any; probe: /)",
	  "is not a path, which starts with '/'; example: --path /health", set_path },
	{ NULL, 0, "host", "NAME", false, BY_PROBE,
	  "Host of the HTTP request (default: the target)",
	  "is not the name of a host; example: --host www.example.org", set_host },
	{ NULL, 0, "target", "ADDR", false, BY_PROBE,
	  "address of this host to probe (default: its own)",
	  "is not an address; example: --target 192.168.0.10", set_target },
	{ NULL, 0, "until-healthy", NULL, false, BY_PROBE,
	  "repeat until it passes, and say what changed", NULL, set_until_healthy },
	{ NULL, 0, "all-traffic", NULL, false, RUNNING,
	  "report users' requests as well, not only checks", NULL, set_all_traffic },

	{ "The run", 'd', "duration", "TIME", false, TIMING,
	  "stop after TIME: 500ms, 30s, 5m, 1h (plain: s)", TIME_REASON, set_duration },
	{ NULL, 'c', "count", "N", false, TIMING,
	  "stop after N finished probes",
	  "is not a number from 1 up; example: --count 10", set_count },
	{ NULL, 0, "passive", NULL, false, RUNNING,
	  "attach nothing that changes the host's state", NULL, set_passive },
	{ NULL, 0, "xdp", NULL, false, RUNNING,
	  "see packets before the stack too (see hctrace(8))", NULL, set_xdp },
	{ NULL, 0, "clsact", NULL, false, TIMING,
	  "use clsact filters even where tcx exists", NULL, set_clsact },
	{ NULL, 0, "btf", "FILE", false, LOOKING,
	  "types of this kernel, where it has none itself",
	  "names no file; example: --btf vmlinux.btf", set_btf },
	{ NULL, 0, "buffer", "SIZE", false, TIMING,
	  "room for events that wait to be read (default: 4M)",
	  "is not a power of two from a page (4k) to 1024M; example: --buffer 8M", set_buffer },
	{ NULL, 0, "max-size", "SIZE", false, KEEPING,
	  "keep only so much of a recording: the last of it",
	  "is not a size from 4M up; examples: --max-size 64M, --max-size 2G", set_max_size },
	{ NULL, 0, "save", "FILE", false, BY_LIVE,
	  "also write all that was seen to FILE, for replay",
	  "names no file; example: --save run.case", set_save },

	{ "What is printed", 'j', "json", NULL, false,
	  BY_LIVE | BY_PROBE | BY_CHECK | BY_REPLAY | BY_REPORT,
	  "one JSON object a line", NULL, set_json },
	{ NULL, 0, "format", "FORMAT", false, BY_REPORT,
	  "of a report: text (default), json, pcapng or html", "is no format; example: --format json",
	  set_format },
	{ NULL, 'o', "output", "FILE", false, RUNNING | BY_REPORT,
	  "where a recording, bundle or report (-: print) goes",
	  "names no file; example: -o FILE", set_output },
	{ NULL, 0, "redact", NULL, false, BY_BUNDLE,
	  "of a bundle: replace addresses, names, paths", NULL, set_redact },
	{ NULL, 0, "redact-map", "FILE", false, BY_BUNDLE,
	  "keep for yourself what they were replaced by",
	  "names no file; example: --redact-map map.txt", set_redact_map },
	{ NULL, 0, "color", "WHEN", true, BY_ALL,
	  "auto, always or never",
	  "is not auto, always or never; example: --color=never", set_color },
	{ NULL, 'v', "verbose", NULL, false, BY_LIVE | BY_PROBE | BY_REPLAY | BY_REPORT,
	  "timelines of passing probes, all missing points", NULL, set_verbose },
	{ NULL, 'V', "version", NULL, false, BY_ALL, "print the version and exit", NULL, NULL },
	{ NULL, 'h', "help", NULL, false, BY_ALL, "print this help and exit", NULL, NULL },
};
const size_t n_option_rows = sizeof(option_rows) / sizeof(option_rows[0]);

const struct command_row command_rows[] = {
	{ "live", NULL, false, BY_LIVE, "trace now: a line a probe, then a summary (default)" },
	{ "record", NULL, false, BY_RECORD, "the same into a file (-o FILE), for report" },
	{ "probe", NULL, false, BY_PROBE, "send a check from the range through this host, now" },
	{ "check", NULL, false, BY_CHECK, "look at this host without waiting for a probe" },
	{ "explain", "[VERDICT]", false, BY_EXPLAIN, "list the verdicts, or explain one" },
	{ "replay", "FILE", true, BY_REPLAY, "run what --save wrote: for tests and bug reports" },
	{ "report", "FILE...", true, BY_REPORT, "summarize what was recorded", true },
	{ "bundle", "FILE...", false, BY_BUNDLE, "an archive for support (-o OUT.tar.gz)", true },
};
const size_t n_command_rows = sizeof(command_rows) / sizeof(command_rows[0]);
