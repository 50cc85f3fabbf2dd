// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace check: each step on facts made up, without a host and without root. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/check_output.h"
#include "include/hct_event.h"

/* A host whose answers the test sets. */
struct fake {
	struct host_listeners listeners;
	struct host_route route;
	struct host_wrappers wrappers;
	struct {
		const char *name;
		int64_t value;
	} sysctl[8];
	int err;
};

static int fake_listeners(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	struct fake *fake = ctx;

	*out = fake->listeners;
	if (protocol != IPPROTO_TCP)
		out->n = 0;
	return fake->err;
}

static int fake_route(void *ctx, const uint8_t target[16], const uint8_t lb[16],
		      struct host_route *out)
{
	*out = ((struct fake *)ctx)->route;
	return ((struct fake *)ctx)->err;
}

static int fake_wrappers(void *ctx, uint32_t pid, const char *daemon, const uint8_t client[16],
			 struct host_wrappers *out)
{
	*out = ((struct fake *)ctx)->wrappers;
	return ((struct fake *)ctx)->err;
}

static int fake_sysctl(void *ctx, const char *name, int64_t *out)
{
	struct fake *fake = ctx;

	for (size_t i = 0; i < 8 && fake->sysctl[i].name; i++)
		if (!strcmp(fake->sysctl[i].name, name)) {
			*out = fake->sysctl[i].value;
			return 0;
		}
	return -ENOENT;
}

static const struct host_ops fake_ops = {
	.listeners = fake_listeners,
	.route_back = fake_route,
	.wrappers = fake_wrappers,
	.sysctl = fake_sysctl,
};

static int no_daemons(uint32_t pid, struct wrapped_daemons *out)
{
	return -ENOENT;
}

static int sshd(uint32_t pid, struct wrapped_daemons *out)
{
	*out = (struct wrapped_daemons){ .n = 1, .d = { { .name = "sshd" } } };
	return 0;
}

#define MAX_FINDINGS 32

struct fixture {
	struct fake fake;
	struct host host;
	struct settings settings;
	struct check_facts facts;
	struct check check;
	struct finding found[MAX_FINDINGS];
	size_t n;
};

static void keep(void *ctx, const struct finding *finding)
{
	struct fixture *f = ctx;

	assert_true(f->n < MAX_FINDINGS);
	f->found[f->n++] = *finding;
}

/* A host that is well: nginx on port 80 of eth0. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *argv[] = { "hctrace", "check", "--port", "80", NULL };

	assert_non_null(f);
	assert_int_equal(options_parse(&f->settings, 4, argv), -1);
	f->host = (struct host){ &fake_ops, &f->fake };
	f->facts.settings = &f->settings;
	f->facts.host = &f->host;
	f->facts.daemons = no_daemons;
	f->facts.cpus = 2;
	f->facts.addresses.n = 1;
	f->facts.addresses.a[0] = (struct host_address){
		.addr = { [10] = 0xff, 0xff, 192, 168, 0, 10 }, .len = 120, .global = true,
		.device = "eth0",
	};
	f->facts.devices.n = 1;
	strcpy(f->facts.devices.d[0].name, "eth0");
	f->fake.listeners.n = 1;
	f->fake.listeners.l[0] = (struct host_listener){ .port = 80, .pid = 7, .comm = "nginx",
							 .backlog_max = 100 };
	strcpy(f->fake.route.device, "eth0");
	f->check = (struct check){ .facts = &f->facts, .report = keep, .ctx = f };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Runs one step and returns the last of its worst findings. */
static const struct finding *worst(struct fixture *f, void (*step)(struct check *c))
{
	const struct finding *out = NULL;

	f->n = 0;
	f->check.step = "x";
	step(&f->check);
	for (size_t i = 0; i < f->n; i++)
		if (!out || f->found[i].result >= out->result)
			out = &f->found[i];
	return out;
}

/* STEP's worst is RESULT, and one such finding SAYS so. */
static void expect(struct fixture *f, void (*step)(struct check *c), enum check_result result,
		   const char *says)
{
	const struct finding *found = worst(f, step);
	bool said = false;

	assert_non_null(found);
	for (size_t i = 0; i < f->n; i++)
		said |= f->found[i].result == result && strstr(f->found[i].what, says);
	if (found->result != result || !said)
		fail_msg("%d '%s', not %d '%s'", found->result, found->what, result, says);
	if (result >= CHECK_WARN)
		assert_true(found->fix[0] && found->show[0]);
}

static void well(void **state)
{
	struct fixture *f = *state;

	check_run(&f->check);
	assert_int_equal(f->check.count[CHECK_FAIL], 0);
	assert_int_equal(f->check.count[CHECK_WARN], 0);
	assert_true(f->check.count[CHECK_OK] >= 5);
}

static void sysctl_is(struct fixture *f, size_t i, const char *name, int64_t value)
{
	f->fake.sysctl[i].name = name;
	f->fake.sysctl[i].value = value;
}

static void conntrack(void **state)
{
	struct fixture *f = *state;

	sysctl_is(f, 0, "net.netfilter.nf_conntrack_count", 79);
	sysctl_is(f, 1, "net.netfilter.nf_conntrack_max", 100);
	expect(f, check_filters, CHECK_OK, "79 of at most 100");
	sysctl_is(f, 0, "net.netfilter.nf_conntrack_count", 80);
	expect(f, check_filters, CHECK_WARN, "80 of at most 100");
	sysctl_is(f, 0, "net.netfilter.nf_conntrack_count", 100);
	expect(f, check_filters, CHECK_FAIL, "100 of at most 100");
	assert_string_equal(worst(f, check_filters)->fix, "sysctl -w "
							  "net.netfilter.nf_conntrack_max=200");
}

static void queues(void **state)
{
	struct fixture *f = *state;
	struct host_listener *l = &f->fake.listeners.l[0];

	l->backlog = 80;
	expect(f, check_load, CHECK_OK, "80 of at most 100");
	l->backlog = 81;
	expect(f, check_load, CHECK_WARN, "81 of at most 100");
	l->backlog = 100; /* one more fits */
	expect(f, check_load, CHECK_WARN, "100 of at most 100");
	l->backlog = 101;
	expect(f, check_load, CHECK_FAIL, "101 of at most 100");
	/* the IPv6 socket beside it is empty: it does not hide the full one */
	f->fake.listeners.l[1] = *l;
	f->fake.listeners.l[1].v6only = true;
	f->fake.listeners.l[1].backlog = 0;
	f->fake.listeners.n = 2;
	expect(f, check_load, CHECK_FAIL, "101 of at most 100");
	l->backlog = 0;
	f->facts.load = 4.1;
	expect(f, check_load, CHECK_WARN, "4.10, on 2 CPUs");
}

static void listening(void **state)
{
	struct fixture *f = *state;
	struct host_listener *l = &f->fake.listeners.l[0];

	expect(f, check_listeners, CHECK_OK, "nginx (pid 7) listens");
	l->v6only = true;
	expect(f, check_listeners, CHECK_FAIL, "not for the load balancer's kind of address");
	l->v6only = false;
	memcpy(l->addr, (uint8_t[]){ [10] = 0xff, 0xff, 127, 0, 0, 1 }, 16);
	expect(f, check_listeners, CHECK_FAIL, "127.0.0.1 only");
	memset(l->addr, 0, 16);
	l->other_netns = true;
	expect(f, check_listeners, CHECK_FAIL, "in another network namespace");
	l->other_netns = false;
	l->port = 81;
	expect(f, check_listeners, CHECK_FAIL, "Nobody listens on port 80");
	f->settings.n_ports = 0;
	expect(f, check_listeners, CHECK_OK, "port 81");
	f->fake.listeners.n = 0;
	expect(f, check_listeners, CHECK_FAIL, "Nothing listens");
	f->settings.n_ports = 1;
	f->fake.err = -EPERM;
	expect(f, check_listeners, CHECK_NOTE, "could not be read");
}

static void routes(void **state)
{
	struct fixture *f = *state;
	struct host_route *r = &f->fake.route;

	expect(f, check_routes, CHECK_OK, "way back");
	strcpy(r->neighbour, "INCOMPLETE");
	expect(f, check_routes, CHECK_WARN, "does not answer ARP");
	strcpy(r->neighbour, "FAILED");
	expect(f, check_routes, CHECK_FAIL, "does not answer ARP");
	r->neighbour[0] = '\0';
	r->err = -ENETUNREACH;
	expect(f, check_routes, CHECK_FAIL, "no route back");
	r->err = 0;
	strcpy(r->device, "eth1");
	expect(f, check_routes, CHECK_WARN, "leave by eth1, not by eth0");
	sysctl_is(f, 0, "net.ipv4.conf.all.rp_filter", 1);
	sysctl_is(f, 1, "net.ipv4.conf.eth0.rp_filter", 0);
	expect(f, check_routes, CHECK_FAIL, "Strict reverse-path");
	sysctl_is(f, 1, "net.ipv4.conf.eth0.rp_filter", 2); /* the greater counts: loose */
	expect(f, check_routes, CHECK_WARN, "leave by eth1");
	f->settings.interfaces[0] = "eth9";
	f->settings.n_interfaces = 1;
	expect(f, check_routes, CHECK_FAIL, "no IPv4 address");
	f->facts.addresses_err = -EPERM;
	expect(f, check_routes, CHECK_NOTE, "could not be read");
}

static void wrappers(void **state)
{
	struct fixture *f = *state;
	struct host_wrappers *w = &f->fake.wrappers;

	expect(f, check_wrappers, CHECK_OK, "No process");
	f->facts.daemons = sshd;
	w->granted = true;
	expect(f, check_wrappers, CHECK_OK, "lets in");
	w->uncertain = true;
	expect(f, check_wrappers, CHECK_WARN, "unless");
	*w = (struct host_wrappers){ .file = "/etc/hosts.deny", .line = 3, .text = "ALL: ALL" };
	expect(f, check_wrappers, CHECK_FAIL, "line 3 of /etc/hosts.deny");
	assert_string_equal(worst(f, check_wrappers)->fix,
			    "echo 'sshd: 100.125.0.0/16' >> /etc/hosts.allow");
	strcpy(w->file, "/etc/hosts.allow");
	assert_string_equal(worst(f, check_wrappers)->fix, "Put this line before line 3 of "
							   "/etc/hosts.allow: sshd: "
							   "100.125.0.0/16");
	f->settings.n_ports = 0;
	expect(f, check_wrappers, CHECK_WARN, "refuses 100.125.0.1");
	f->fake.listeners.l[0].pid = 0;
	expect(f, check_wrappers, CHECK_NOTE, "needs root");
}

static void icmp(void **state)
{
	struct fixture *f = *state;

	sysctl_is(f, 0, "net.ipv4.icmp_echo_ignore_all", 1);
	sysctl_is(f, 1, "net.ipv4.icmp_ratelimit", 1000);
	sysctl_is(f, 2, "net.ipv4.icmp_ratemask", 6168);
	expect(f, check_icmp, CHECK_FAIL, "no ping");
	f->settings.protocols = HCT_PROTO_TCP; /* TCP checks do not ping */
	expect(f, check_icmp, CHECK_WARN, "no ping");
	sysctl_is(f, 0, "net.ipv4.icmp_echo_ignore_all", 0);
	expect(f, check_icmp, CHECK_OK, "answers ping");
	f->settings.protocols = HCT_PROTO_UDP;
	expect(f, check_icmp, CHECK_WARN, "rate-limited");
	assert_string_equal(worst(f, check_icmp)->fix, "sysctl -w net.ipv4.icmp_ratemask=6160");
	sysctl_is(f, 2, "net.ipv4.icmp_ratemask", 6160);
	expect(f, check_icmp, CHECK_OK, "");
}

/* What could not be read is said, and never taken for good. */
static void unread(void **state)
{
	struct fixture *f = *state;

	f->facts.rules_err[0] = -EPERM;
	expect(f, check_firewall, CHECK_NOTE, "needs root");
	f->facts.programs_err = -EPERM;
	expect(f, check_filters, CHECK_NOTE, "needs root");
	f->facts.rules_err[0] = 0;
	f->facts.rules[0].incomplete = true;
	strcpy(f->facts.rules[0].why, "iptables-legacy-save is not installed");
	worst(f, check_firewall);
	assert_int_equal(f->found[0].result, CHECK_NOTE);
	assert_non_null(strstr(f->found[0].what, "not installed"));
}

static void firewall(void **state)
{
	struct fixture *f = *state;
	char text[] = "*filter\n:INPUT DROP\n:OUTPUT ACCEPT\n-A INPUT -p tcp --dport 22 -j "
		      "ACCEPT\n";

	assert_int_equal(fw_parse_save(&f->facts.rules[0], "iptables-legacy", false, text), 0);
	expect(f, check_firewall, CHECK_FAIL, "The policy of chain INPUT");
	assert_string_equal(worst(f, check_firewall)->fix, "iptables-legacy -t filter -I INPUT -s "
			    "100.125.0.0/16 -p tcp --dport 80 -j ACCEPT");
	f->settings.ports[1] = 443;
	f->settings.n_ports = 2;
	assert_string_equal(worst(f, check_firewall)->fix, "iptables-legacy -t filter -I INPUT -s "
			    "100.125.0.0/16 -p tcp -m multiport --dports 80,443 -j ACCEPT");
	/* of what only listens, it is not known whether it is checked */
	f->settings.n_ports = 0;
	f->fake.listeners.l[1] = f->fake.listeners.l[0];
	f->fake.listeners.l[1].port = 22;
	f->fake.listeners.n = 2;
	expect(f, check_firewall, CHECK_WARN, "tcp port 80.");
	fw_rules_free(&f->facts.rules[0]);
}

static void output(void **state)
{
	struct fixture *f = *state;
	struct finding finding = { .step = "4", .result = CHECK_FAIL, .what = "a\033[1mb\"",
				   .fix = "do \\ it" };
	struct check_text *text;
	struct json_object *o;
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	f->check.count[CHECK_FAIL] = 1;
	check_json_report(&(struct check_json){ .out = file }, &finding);
	fflush(file);
	o = json_tokener_parse(out);
	assert_non_null(o);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "what")), "a?[1mb\"");
	assert_string_equal(json_object_get_string(json_object_object_get(o, "result")), "fail");
	assert_null(json_object_object_get(o, "why"));
	json_object_put(o);
	fclose(file);
	free(out);

	file = open_memstream(&out, &size);
	f->settings.color = COLOR_NEVER;
	text = check_text_open(file, &f->settings);
	check_text_report(text, &finding);
	check_text_close(text, &f->check);
	fclose(file);
	assert_string_equal(out, "Checks from 100.125.0.0/16, port 80\n\nStep 4: Firewall\n"
				 "  FAIL  a?[1mb\"\n        fix: do \\ it\n\n"
				 "1 thing here makes checks fail.\n"
				 "To try it at once: hctrace probe --port 80\n");
	free(out);
	check_text_close(NULL, &f->check);
}

static void samples(void **state)
{
	struct prefix p;
	uint8_t first[16], last[16];

	assert_int_equal(prefix_parse(&p, "100.125.0.0/16"), 0);
	prefix_sample(&p, false, first);
	prefix_sample(&p, true, last);
	assert_memory_equal(first + 12, ((uint8_t[]){ 100, 125, 0, 1 }), 4);
	assert_memory_equal(last + 12, ((uint8_t[]){ 100, 125, 255, 254 }), 4);
	assert_true(prefix_contains(&p, last));
	assert_int_equal(prefix_parse(&p, "10.0.0.5"), 0);
	prefix_sample(&p, true, last);
	assert_memory_equal(last, p.addr, 16);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(well),	TEST(conntrack), TEST(queues), TEST(listening), TEST(routes),
		TEST(wrappers), TEST(icmp),	 TEST(unread), TEST(firewall),	TEST(output),
		TEST(samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
