// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* When nftables and the ladder are asked: the policy, with means that only note what is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "trace/rule_watch.h"

#define MS UINT64_C(1000000)
#define SEC UINT64_C(1000000000)
#define HERE 4026532001u
#define THERE 4026532002u

static struct {
	struct settings settings;
	struct rule_watch *w;
	uint64_t now;
	/* what the host is like */
	uint32_t generation;
	bool chains;
	int trace_err, ladder_err;
	/* what was asked */
	struct nft_watch watches[NFT_MAX_WATCHES];
	size_t n[2]; /* kinds that are traced HERE and THERE */
	unsigned traces, looks;
	bool ladder;
} t;

static int generation(void *ctx, uint32_t netns, uint32_t *out)
{
	t.looks++;
	*out = t.generation;
	return 0;
}

static int has_chains(void *ctx, uint32_t netns, bool *out)
{
	*out = t.chains;
	return 0;
}

static int trace(void *ctx, uint32_t netns, const struct nft_watch *watches, size_t n)
{
	t.traces++;
	if (n && t.trace_err)
		n = 0;
	t.generation += n > 0; /* a table of ours is a change, too; its end is none */
	t.n[netns == THERE] = n;
	if (n)
		memcpy(t.watches, watches, n * sizeof(*watches));
	return t.trace_err;
}

static int ladder(void *ctx, bool on)
{
	if (!t.ladder_err)
		t.ladder = on;
	return t.ladder_err;
}

static const struct rule_watch_means means = { generation, has_chains, trace, ladder };

static int fresh(void **state)
{
	memset(&t, 0, sizeof(t));
	t.settings.n_from = 1;
	t.chains = true;
	t.generation = 1;
	t.now = 1000 * SEC;
	t.w = rule_watch_new(&t.settings, HERE, 6 << 8 | 12, &means, NULL);
	return !t.w || prefix_parse(&t.settings.from[0], "100.125.0.0/16");
}

static int done(void **state)
{
	rule_watch_free(t.w);
	return 0;
}

static void v4(uint8_t out[16], const char *text)
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

static struct obs packet(enum hct_point point)
{
	struct obs o = { .point = point, .netns = HERE, .time_ns = t.now };

	v4(o.tuple.lb, "100.125.10.5");
	v4(o.tuple.target, "192.168.0.10");
	o.tuple.lb_port = htons(40122);
	o.tuple.target_port = htons(80);
	o.tuple.protocol = IPPROTO_TCP;
	o.packet.tcp_flags = HCT_TCP_SYN;
	return o;
}

static struct obs a_drop(void)
{
	struct obs o = packet(HCT_POINT_DROP);

	o.reason = "NETFILTER_DROP";
	o.function = "nft_do_chain";
	o.stack[0] = "nft_do_chain_inet";
	o.stack[1] = "nf_hook_slow";
	o.stack[2] = "ip_local_deliver";
	o.stack_len = 3;
	return o;
}

static struct obs a_report(const char *verdict)
{
	struct obs o = packet(HCT_POINT_NFT_TRACE);

	o.rule = (struct obs_rule){ "inet", "guard", "input", 12, verdict };
	return o;
}

/* O happens, AFTER what came before. */
static void happens(const struct obs *what, uint64_t after)
{
	struct obs o = *what;

	t.now += after;
	o.time_ns = t.now;
	rule_watch_obs(t.w, &o);
	rule_watch_settle(t.w, t.now);
}

static void a_drop_is_named(void **state)
{
	struct obs drop = a_drop(), report = a_report("drop");

	happens(&drop, 0);
	assert_int_equal(t.n[0], 1);
	assert_true(t.ladder);
	assert_int_equal(t.watches[0].lb.len, 112);
	assert_int_equal(ntohs(t.watches[0].port_be), 80);
	assert_true(t.watches[0].opening);
	assert_false(t.watches[0].reply || t.watches[0].bridge || t.watches[0].device[0]);
	happens(&drop, SEC);
	assert_true(rule_watch_wants(t.w, &report));
	happens(&report, MS);
	assert_int_equal(t.n[0], 0);
	assert_false(t.ladder);
}

static void name_it(const struct obs *drop)
{
	struct obs report = a_report("drop");

	happens(drop, SEC);
	assert_int_equal(t.n[0], 1);
	happens(&report, MS);
	assert_int_equal(t.n[0], 0);
}

static void once_is_enough(void **state)
{
	struct obs drop = a_drop();
	unsigned traces;

	name_it(&drop);
	traces = t.traces;
	for (int i = 0; i < 50; i++)
		happens(&drop, SEC);
	assert_int_equal(t.traces, traces);
	assert_false(t.ladder);
}

/* Another ruleset, another answer; but changes that never end do not keep it busy. */
static void again_after_a_change(void **state)
{
	struct obs drop = a_drop(), report = a_report("drop");
	unsigned traces;

	name_it(&drop);
	t.generation++;
	name_it(&drop);
	traces = t.traces;
	for (int i = 0; i < 60; i++) {
		t.generation++;
		happens(&drop, SEC);
		happens(&report, MS);
	}
	assert_in_range(t.traces - traces, 2, 20);
}

static void another_node_and_the_data(void **state)
{
	struct obs drop = a_drop(), other = a_drop(), data = a_drop();

	name_it(&drop);
	v4(other.tuple.lb, "100.125.10.6");
	happens(&other, SEC);
	assert_int_equal(t.n[0], 1);
	happens(&drop, SEC); /* the same rule for both */
	assert_int_equal(t.n[0], 1);
	data.packet.tcp_flags = HCT_TCP_ACK | HCT_TCP_PSH;
	happens(&data, SEC);
	assert_int_equal(t.n[0], 2);
	assert_false(t.watches[1].opening);
}

static void nothing_without_netfilter(void **state)
{
	struct obs drop = a_drop(), error = a_drop(), elsewhere = a_drop();

	drop.reason = "NO_SOCKET";
	drop.function = "tcp_v4_rcv";
	drop.stack_len = 0;
	error.packet.is_icmp_error = 1;
	elsewhere.netns = 0;
	happens(&drop, 0);
	happens(&error, 0);
	happens(&elsewhere, 0);
	assert_int_equal(t.looks + t.traces, 0);
	assert_false(t.ladder);
}

/* Before 5.17 there is no reason, and nf_hook_slow() frees what any backend drops. */
static void old_kernels(void **state)
{
	struct obs drop = a_drop();

	rule_watch_free(t.w);
	t.w = rule_watch_new(&t.settings, HERE, 5 << 8 | 15, &means, NULL);
	assert_non_null(t.w);
	drop.reason = NULL;
	drop.function = "nf_hook_slow";
	drop.stack[0] = "ip_local_deliver";
	drop.stack_len = 1;
	happens(&drop, 0);
	assert_int_equal(t.n[0], 1);
	for (int i = 0; i < 5; i++) /* nothing comes: it is not nftables */
		happens(&drop, SEC);
	assert_int_equal(t.n[0], 0);
}

static void legacy_has_the_ladder_only(void **state)
{
	struct obs drop = a_drop();

	drop.function = "nf_hook_slow";
	drop.stack[0] = "ip_local_deliver";
	drop.stack_len = 1;
	happens(&drop, 0);
	assert_int_equal(t.n[0], 0);
	assert_true(t.ladder);
	drop.rung.valid = 1;
	happens(&drop, SEC);
	happens(&drop, SEC);
	assert_true(t.ladder);
	happens(&drop, SEC);
	assert_false(t.ladder);
	happens(&drop, SEC);
	assert_false(t.ladder);
	happens(&drop, 301 * SEC); /* rules of iptables-legacy change without a word */
	assert_true(t.ladder);
}

static void no_chains_no_table(void **state)
{
	struct obs drop = a_drop();

	t.chains = false;
	happens(&drop, 0);
	assert_int_equal(t.n[0], 0);
}

static void refused(void **state)
{
	struct obs drop = a_drop();

	t.trace_err = -EOPNOTSUPP;
	t.ladder_err = -ENOTSUP;
	happens(&drop, 0);
	happens(&drop, SEC);
	assert_int_equal(t.n[0], 0);
	for (int i = 0; i < 20; i++)
		happens(&drop, SEC);
	assert_int_equal(t.traces, 1);
}

static void forgotten_when_it_stays_away(void **state)
{
	struct obs drop = a_drop();

	happens(&drop, 0);
	rule_watch_settle(t.w, t.now + 59 * SEC);
	assert_int_equal(t.n[0], 1);
	rule_watch_settle(t.w, t.now + 61 * SEC);
	assert_int_equal(t.n[0], 0);
	assert_false(t.ladder);
	happens(&drop, 100 * SEC);
	assert_int_equal(t.n[0], 1);
}

static void sixteen_at_once(void **state)
{
	struct obs drop = a_drop(), report = a_report("drop");

	for (uint16_t port = 1; port <= 5000; port++) {
		drop.tuple.target_port = htons(port);
		happens(&drop, MS);
	}
	assert_int_equal(t.n[0], 16);
	report.tuple.lb_port = 0;
	report.tuple.target_port = htons(3);
	happens(&report, MS);
	assert_int_equal(t.n[0], 15);
	happens(&drop, SEC);
	assert_int_equal(t.n[0], 16);
}

/* A whole range of senders is stopped, and each is named: not all of them at once. */
static void a_flood(void **state)
{
	struct obs drop = a_drop(), report = a_report("drop");

	for (unsigned i = 0; i < 10000; i++) {
		drop.tuple.lb[14] = report.tuple.lb[14] = i / 250;
		drop.tuple.lb[15] = report.tuple.lb[15] = i % 250;
		happens(&drop, MS);
		happens(&report, 0);
	}
	assert_in_range(t.traces, 32, 120);
	assert_true(t.looks < 1000);
}

static struct obs a_translation(const char *to, uint16_t port)
{
	struct obs o = packet(HCT_POINT_TRANSLATION);

	v4(o.translation.addr, to);
	o.translation.port = htons(port);
	return o;
}

/* In the container a request has its address behind the DNAT, and so has its reply out here. */
static void behind_a_dnat(void **state)
{
	struct obs drop = a_drop(), dnat = a_translation("172.17.0.2", 8080), report;

	happens(&dnat, 0);
	happens(&drop, 0); /* FORWARD, say: a request is met as it came */
	assert_int_equal(t.n[0], 1);
	drop.netns = THERE;
	happens(&drop, SEC);
	assert_int_equal(t.n[1], 2);
	assert_int_equal(ntohs(t.watches[1].port_be), 8080);
	report = a_report("drop");
	report.netns = THERE;
	v4(report.tuple.target, "172.17.0.2");
	report.tuple.target_port = htons(8080);
	happens(&report, MS);
	assert_int_equal(t.n[1], 0);
	assert_int_equal(t.n[0], 1);
	drop.netns = HERE;
	drop.reply = true;
	drop.packet.tcp_flags = HCT_TCP_SYN | HCT_TCP_ACK;
	happens(&drop, SEC);
	assert_int_equal(t.n[0], 3);
}

static void ingress_and_bridge(void **state)
{
	struct obs drop = a_drop();

	drop.stack[2] = "__netif_receive_skb_core";
	strcpy(drop.device, "eth0");
	happens(&drop, 0);
	assert_string_equal(t.watches[0].device, "eth0");
	drop = a_drop();
	drop.stack[2] = "br_pass_frame_up";
	happens(&drop, SEC);
	assert_int_equal(t.n[0], 2);
	assert_true(t.watches[1].bridge);
	assert_string_equal(t.watches[1].device, "");
}

static void rewritten(void **state)
{
	struct probe *p = calloc(1, sizeof(*p));
	struct diagnosis d = { .outcome = OUTCOME_FAIL };
	struct obs report = a_report("accept");

	assert_non_null(p);
	p->tuple = report.tuple;
	p->netns = HERE;
	rule_watch_probe(t.w, p, &d);
	rule_watch_settle(t.w, t.now);
	assert_int_equal(t.n[0], 0);
	assert_false(rule_watch_wants(t.w, &report));
	p->dnat.seen = true;
	rule_watch_probe(t.w, p, &d);
	rule_watch_settle(t.w, t.now);
	assert_int_equal(t.n[0], 1);
	assert_false(t.ladder);
	assert_true(rule_watch_wants(t.w, &report));
	happens(&report, SEC);
	assert_int_equal(t.n[0], 1);
	rule_watch_settle(t.w, t.now + 4 * SEC);
	assert_int_equal(t.n[0], 0);
	free(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_drop_is_named),
		TEST(once_is_enough),
		TEST(again_after_a_change),
		TEST(another_node_and_the_data),
		TEST(nothing_without_netfilter),
		TEST(old_kernels),
		TEST(legacy_has_the_ladder_only),
		TEST(no_chains_no_table),
		TEST(refused),
		TEST(forgotten_when_it_stays_away),
		TEST(sixteen_at_once),
		TEST(a_flood),
		TEST(behind_a_dnat),
		TEST(ingress_and_bridge),
		TEST(rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
