// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* pcapng: how long packets are held, which are the same, and what is said with them. */
#include <netinet/in.h>

#include "render/pcapng_hold.h"
#include "render/pcapng_words.h"
#include "samples.h"

#define TIMEOUT (3 * SEC)

static struct hold hold;

static int set_up(void **state)
{
	hold_init(&hold, TIMEOUT);
	return 0;
}

static int tear_down(void **state)
{
	hold_clear(&hold);
	assert_int_equal(hold.bytes, 0);
	return 0;
}

/* A packet of FLOW at POINT of eth0, taken in at TIME_NS. */
static struct held_flow *take(uint64_t flow_id, uint64_t time_ns, enum hct_point point, uint32_t seq)
{
	struct obs o = { .time_ns = time_ns, .flow_id = flow_id, .point = point };
	struct packet packet = { .len = 40, .original_len = 40 };
	struct held_flow *flow;

	strcpy(o.device, "eth0");
	o.packet.seq = seq;
	flow = hold_flow(&hold, &o);
	assert_non_null(flow);
	assert_int_equal(hold_packet(&hold, flow, &o, point, &packet), 0);
	return flow;
}

/* Releases what may go at NOW_NS; returns how many those were. */
static unsigned released(uint64_t now_ns)
{
	struct held *item;
	unsigned n = 0;

	while ((item = hold_next(&hold, now_ns))) {
		hold_release(&hold, item);
		n++;
	}
	return n;
}

static void test_held_until_decided(void **state)
{
	struct held_flow *first = take(START, START, HCT_POINT_TC_INGRESS, 1);
	struct held_flow *second = take(START + 1, START + 1, HCT_POINT_TC_INGRESS, 1);

	assert_int_equal(released(START + SEC), 0);
	hold_decided(second);
	assert_int_equal(released(START + SEC), 0); /* it is behind the first */
	hold_decided(first);
	assert_int_equal(released(START + SEC), 2);
}

static void test_not_held_forever(void **state)
{
	take(START, START, HCT_POINT_TC_INGRESS, 1);
	for (uint64_t t = 0; t <= 7 * SEC; t += 100 * MS)
		assert_int_equal(released(START + t), 0);
	/* twice the timeout, a second for late timers, and one more that shows they have fired */
	assert_int_equal(released(START + 9 * SEC), 1);
}

/* The verdict comes right behind the packet that ends a long silence. */
static void test_jump_of_time(void **state)
{
	struct held_flow *flow = take(START, START, HCT_POINT_TC_INGRESS, 1);

	assert_int_equal(released(START + 1), 0);
	assert_int_equal(released(START + 1000 * SEC), 0);
	assert_ptr_equal(hold_find(&hold, &flow->key), flow);
	assert_false(flow->decided);
	assert_int_equal(released(START + 1002 * SEC), 1);
}

/* Two flows can start in the same nanosecond. */
static void test_flows_of_one_moment(void **state)
{
	struct held_flow *first = take(START, START, HCT_POINT_TC_INGRESS, 1);
	struct flow_key key = first->key;
	struct obs o = { .time_ns = START, .flow_id = START };

	o.tuple.lb_port = 1;
	key.tuple.lb_port = 1;
	assert_null(hold_find(&hold, &key));
	assert_ptr_not_equal(hold_flow(&hold, &o), first);
	assert_ptr_equal(hold_flow(&hold, &o), hold_find(&hold, &key));
}

static void test_order(void **state)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < 10; i++)
		take(START + i, START + (i * 7 % 10), HCT_POINT_TC_INGRESS, 1);
	for (struct held *item; (item = hold_next(&hold, UINT64_MAX));) {
		assert_true(item->time_ns >= last);
		last = item->time_ns;
		hold_release(&hold, item);
	}
	assert_int_equal(last, START + 9);
}

static void test_same_packet(void **state)
{
	struct held_flow *flow = take(START, START, HCT_POINT_TC_INGRESS, 1);
	const struct held *arrived = flow->packets, *dropped, *again, *answer;

	take(START, START + 1, HCT_POINT_DROP, 1);
	dropped = arrived->flow_next;
	take(START, START + SEC, HCT_POINT_TC_INGRESS, 1); /* sent again */
	again = dropped->flow_next;
	take(START, START + SEC + 1, HCT_POINT_TC_EGRESS, 2);
	answer = again->flow_next;
	assert_int_equal(dropped->id, arrived->id);
	assert_int_not_equal(again->id, arrived->id);
	assert_int_not_equal(answer->id, again->id);
	take(START, START + SEC + 2, HCT_POINT_DROP, 1);
	assert_int_equal(answer->flow_next->id, again->id);
}

/* Whatever comes, and however time stands still. */
static void test_bounded(void **state)
{
	for (uint64_t i = 0; i < 400000; i++) {
		take(i + 1, START, HCT_POINT_TC_INGRESS, 1);
		released(START);
		assert_true(hold.bytes < 65u << 20);
	}
}

/* All that is said with ITEM, a line each. */
static const char *said(const struct held *item)
{
	static char text[4096];

	assert_true(item->words_len < sizeof(text));
	memcpy(text, item->words, item->words_len);
	for (size_t i = 0; i + 1 < item->words_len; i++)
		if (!text[i])
			text[i] = '\n';
	return text;
}

static struct held_flow *dropped(struct probe *p)
{
	struct held_flow *flow = take(START, START, HCT_POINT_TC_INGRESS, 1);

	take(START, START + 6000, HCT_POINT_DROP, 1);
	flow->packets->flow_next->reason = "NETFILTER_DROP";
	flow->packets->flow_next->function = "nft_do_chain";
	memset(p, 0, sizeof(*p));
	p->id = 1;
	p->flow_id = START;
	p->start_ns = START;
	p->drop.seen = true;
	p->drop.time_ns = START + 6000;
	p->timeline_len = 1;
	p->timeline[0] = (struct timeline_entry){ .time_ns = START + 3000,
						  .point = HCT_POINT_ROUTE, .text = "route back: direct" };
	return flow;
}

static void test_words(void **state)
{
	struct probe p;
	struct held_flow *flow = dropped(&p);
	struct diagnosis d = { .verdict = VERDICT_FIREWALL_DROP, .outcome = OUTCOME_FAIL,
			       .confidence = CONFIDENCE_CERTAIN, .code = "CONNECT_TIMEOUT",
			       .why = "A rule\ndropped \x1b[31mit.", .fix.command.text = "iptables -D INPUT 3" };

	d.where = (struct where){ .backend = "iptables-nft", .family = "ip", .table = "filter",
				  .chain = "INPUT", .rule = 3, .handle = 7,
				  .text = "-s 100.125.0.0/16 -j DROP", .named = true,
				  .confidence = CONFIDENCE_LIKELY };
	words_of_probe(&hold, flow, &p, &d);
	assert_string_equal(said(flow->packets), "Arrived at eth0 (tc-ingress)\n"
						 "then, +0.003 ms: route back: direct (route)");
	assert_string_equal(said(flow->packets->flow_next),
			    "Dropped by the kernel at eth0 (drop)\n"
			    "reason: NETFILTER_DROP\n"
			    "function: nft_do_chain\n"
			    "rule: iptables-nft, family ip, table filter, chain INPUT, rule 3, "
			    "handle 7: -s 100.125.0.0/16 -j DROP (likely)\n"
			    "verdict: firewall-drop; fail, certain; code CONNECT_TIMEOUT; step 4\n"
			    "why: A rule\ndropped ?[31mit.\n"
			    "fix: iptables -D INPUT 3");
}

static void test_policy(void **state)
{
	struct probe p;
	struct held_flow *flow = dropped(&p);
	struct diagnosis d = { .verdict = VERDICT_FIREWALL_DROP, .outcome = OUTCOME_FAIL };

	d.where = (struct where){ .backend = "nft", .family = "inet", .table = "guard", .chain = "c",
				  .policy = true, .named = true };
	words_of_probe(&hold, flow, &p, &d);
	assert_non_null(strstr(said(flow->packets->flow_next),
			       "\nrule: nft, family inet, table guard, chain c, the chain's policy\n"));
}

static void test_no_verdict(void **state)
{
	struct held_flow *flow = take(START, START, HCT_POINT_TC_INGRESS, 1);

	words_of_no_verdict(&hold, flow);
	assert_string_equal(said(flow->packets),
			    "Arrived at eth0 (tc-ingress)\n"
			    "no verdict: a user's request, or not over when the run ended");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_held_until_decided), TEST(test_not_held_forever), TEST(test_jump_of_time),
		TEST(test_flows_of_one_moment),
		TEST(test_order), TEST(test_same_packet), TEST(test_bounded), TEST(test_words),
		TEST(test_policy), TEST(test_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
