// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which firewall rule is named, how surely, and what the fix is; hosts are made up. */
#include "made_up.h"

#include "diagnose/nf_packet.h"

static void one_candidate(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "iptables-nft", "INPUT", 3, "-s 100.125.0.0/16 -j DROP")->handle = 9;
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.verdict, VERDICT_FIREWALL_DROP);
	assert_int_equal(d.confidence, CONFIDENCE_CERTAIN);
	assert_named(&d, "-s 100.125.0.0/16 -j DROP", CONFIDENCE_LIKELY);
	assert_string_equal(d.where.backend, "iptables-nft");
	assert_string_equal(d.where.family, "ip");
	assert_string_equal(d.where.hook, "INPUT");
	assert_int_equal(d.where.rule, 3);
	assert_int_equal(d.where.handle, 9);
	assert_false(d.where.policy);
	assert_string_equal(d.why,
			    "The firewall dropped the SYN from 100.125.10.5 to 192.168.0.10:80 on eth0; "
			    "most likely by rule 3 of chain INPUT, table filter (iptables-nft): "
			    "-s 100.125.0.0/16 -j DROP");
	assert_string_equal(d.fix.command.text, "iptables-nft -I INPUT 3 -s 100.125.0.0/16 -p tcp --dport 80 "
				   "-j ACCEPT");
	assert_string_equal(m.packet.hook, "INPUT");
	assert_string_equal(m.packet.backend, "nft");
	assert_string_equal(m.packet.in, "eth0");
	assert_false(m.packet.reply);
}

/* Where the answer is dropped as well, one command does not help. */
static void and_the_answer(void **state)
{
	static const char both[] =
		"iptables-nft -I INPUT 3 -s 100.125.0.0/16 -p tcp --dport 80 -j ACCEPT"
		" && iptables-nft -I INPUT 3 -s 100.125.0.0/16 -p tcp --dport 80 -j ACCEPT"
		" && iptables-nft -I INPUT 3 -d 100.125.0.0/16 -p tcp --sport 80 -j ACCEPT";
	static const struct {
		bool surely, invalid_only;
		enum host_rule_kind kind;
		bool next;
	} rows[] = {
		{ true, false, RULE_DROP, true },
		{ true, false, RULE_REJECT, true },
		{ false, false, RULE_DROP, false }, /* it may not be met */
		{ true, true, RULE_DROP, false },
		{ true, false, RULE_PASS, false },
		{ true, false, RULE_UNKNOWN, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe p = dropped_by_nft();
		struct made_up m;
		struct diagnosis d;

		make_up(&m);
		add(&m, "iptables-nft", "INPUT", 3, "-j DROP");
		m.behind = m.rules;
		m.behind.r[0].surely = rows[i].surely;
		m.behind.r[0].invalid_only = rows[i].invalid_only;
		m.behind.r[0].kind = rows[i].kind;
		d = diagnosed(&p, &m, NULL);
		if (rows[i].next)
			assert_string_equal(d.fix.command.text, both);
		else
			assert_null(strstr(d.fix.command.text, "&&"));
	}
}

static void several_candidates(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "c", 1, "ct state invalid drop")->handle = 4;
	add(&m, "nft", "c", 2, "meta mark 0x1 drop")->handle = 5;
	add(&m, "nft", "c", 7, "tcp dport 80 drop")->handle = 9;
	m.rules.r[2].surely = true;
	d = diagnosed(&p, &m, NULL);
	assert_named(&d, "tcp dport 80 drop", CONFIDENCE_GUESS);
	assert_non_null(strstr(d.why, "One of these dropped the SYN"));
	assert_non_null(strstr(d.why, "the rule with handle 9 in chain c of table inet filter "
				      "(nft): tcp dport 80 drop"));
	assert_non_null(strstr(d.why, "ct state invalid drop"));
	assert_non_null(strstr(d.why, "meta mark 0x1 drop"));
	assert_string_equal(d.fix.command.text, "nft insert rule inet filter c handle 9 ip saddr 100.125.0.0/16 "
				   "tcp dport 80 accept");
}

static void not_all_read(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "c", 7, "tcp dport 80 drop");
	m.rules.incomplete = true;
	d = diagnosed(&p, &m, NULL);
	assert_named(&d, "tcp dport 80 drop", CONFIDENCE_GUESS);
}

static void counters(void **state)
{
	static const struct {
		bool counted[2];
		uint64_t hits[2];
		bool truncated;
		const char *text;
		enum confidence confidence;
		bool once; /* nothing was dropped since they were first asked for */
		unsigned age_s; /* of the reading */
	} rows[] = {
		{ { true, true }, { 0, 2 }, false, "second", CONFIDENCE_CERTAIN },
		{ { true, true }, { 3, 0 }, false, "first", CONFIDENCE_CERTAIN },
		{ { true, true }, { 0, 0 }, false, "second", CONFIDENCE_GUESS },
		{ { true, true }, { 0, 2 }, false, "second", CONFIDENCE_GUESS, .once = true },
		{ { true, true }, { 0, 2 }, false, "second", CONFIDENCE_GUESS, .age_s = 4 },
		{ { true, true }, { 5, 1 }, false, "second", CONFIDENCE_GUESS },
		{ { true, false }, { 0, 0 }, false, "second", CONFIDENCE_LIKELY },
		{ { true, false }, { 7, 0 }, false, "second", CONFIDENCE_GUESS },
		{ { true, true }, { 0, 2 }, true, "second", CONFIDENCE_GUESS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe p = dropped("nf_hook_slow", "ip_local_deliver", false);
		struct proofs *proofs = proofs_new();
		struct made_up m;
		struct diagnosis d;

		make_up(&m);
		if (!rows[i].once)
			diagnosed(&p, &m, proofs);
		p.start_ns += 5 * SECOND;
		p.drop.time_ns += 5 * SECOND;
		m.rules.age_ns = rows[i].age_s * SECOND;
		add(&m, "iptables-legacy", "INPUT", 1, "first");
		add(&m, "iptables-legacy", "INPUT", 2, "second")->surely = true;
		m.rules.truncated = rows[i].truncated;
		for (size_t j = 0; j < 2; j++) {
			m.rules.r[j].counted = rows[i].counted[j];
			m.rules.r[j].hits = rows[i].hits[j];
		}
		d = diagnosed(&p, &m, proofs);
		assert_named(&d, rows[i].text, rows[i].confidence);
		assert_string_equal(m.packet.backend, "iptables-legacy");
		proofs_free(proofs);
	}
}

static void traced(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "c", 1, "tcp dport 80 drop")->handle = 4;
	add(&m, "nft", "c", 2, "ip saddr 100.125.0.0/16 drop")->handle = 9;
	m.by_handle = m.rules.r[1];
	trace(&p, "c", 9, false);
	d = diagnosed(&p, &m, NULL);
	assert_named(&d, "ip saddr 100.125.0.0/16 drop", CONFIDENCE_CERTAIN);
	assert_string_equal(d.why, "The rule with handle 9 in chain c of table inet filter (nft) "
				   "dropped the SYN from 100.125.10.5 to 192.168.0.10:80 on eth0: "
				   "ip saddr 100.125.0.0/16 drop");
	/* it is gone by now, or cannot be read */
	m.by_handle.chain[0] = '\0';
	m.err = -EPERM;
	d = diagnosed(&p, &m, NULL);
	assert_named(&d, "", CONFIDENCE_CERTAIN);
	assert_int_equal(d.where.handle, 9);
	assert_string_equal(d.where.chain, "c");
	/* of the reply it says nothing about the request */
	m.err = 0;
	trace(&p, "c", 9, true);
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.where.confidence, CONFIDENCE_GUESS);
}

static void policy(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "input", 0, "")->surely = true;
	d = diagnosed(&p, &m, NULL);
	assert_named(&d, "policy drop", CONFIDENCE_LIKELY);
	assert_true(d.where.policy);
	assert_int_equal(d.where.rule, 0);
	assert_string_equal(d.fix.command.text, "nft add rule inet filter input ip saddr 100.125.0.0/16 tcp "
				   "dport 80 accept");
	m.rules.r[0].behind_goto = true;
	d = diagnosed(&p, &m, NULL);
	assert_string_equal(d.fix.command.text, "nft insert rule inet filter input ip saddr 100.125.0.0/16 tcp "
				   "dport 80 accept");
	m.rules.n = 0;
	memset(m.rules.r, 0, sizeof(m.rules.r));
	add(&m, "iptables-nft", "INPUT", 0, "");
	p.rule_end = (struct probe_rule){ .seen = true, .netns = 1,
					  .rule = { "ip", "filter", "INPUT", 0, "drop" } };
	m.by_handle = m.rules.r[0];
	d = diagnosed(&p, &m, NULL);
	assert_named(&d, "policy drop", CONFIDENCE_CERTAIN);
	assert_string_equal(d.why, "The policy (drop) of chain INPUT, table filter (iptables-nft), "
				   "dropped the SYN from 100.125.10.5 to 192.168.0.10:80 on eth0: "
				   "no rule before it accepts it.");
	assert_string_equal(d.fix.command.text, "iptables-nft -A INPUT -s 100.125.0.0/16 -p tcp --dport 80 "
				   "-j ACCEPT");
}

/* REJECT or DROP, and the backend, leave out what does something else. */
static void kinds(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "c", 1, "meta mark 1 reject")->kind = RULE_REJECT;
	add(&m, "iptables-legacy", "INPUT", 1, "legacy");
	add(&m, "nft", "c", 2, "drop");
	d = diagnosed(&p, &m, NULL);
	assert_named(&d, "drop", CONFIDENCE_LIKELY);
	p.icmp_left_ns = p.start_ns + 10000;
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.verdict, VERDICT_FIREWALL_REJECT);
	assert_named(&d, "meta mark 1 reject", CONFIDENCE_LIKELY);
}

static void invalid(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "c", 1, "ct state invalid drop")->invalid_only = true;
	m.rules.r[0].handle = 4;
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.verdict, VERDICT_CONNTRACK_INVALID);
	assert_int_equal(d.confidence, CONFIDENCE_LIKELY);
	add(&m, "nft", "c", 2, "drop")->surely = true;
	m.rules.r[1].handle = 5;
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.verdict, VERDICT_FIREWALL_DROP);
	m.by_handle = m.rules.r[0];
	trace(&p, "c", 4, false);
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.verdict, VERDICT_CONNTRACK_INVALID);
	assert_int_equal(d.confidence, CONFIDENCE_CERTAIN);
	assert_named(&d, "ct state invalid drop", CONFIDENCE_CERTAIN);
}

/* The packet as the rules of a hook see it. */
static void packets(void **state)
{
	struct probe p = dropped("nf_hook_slow", "ip_forward", false);
	struct nf_place place = nf_place(&p.drop);
	struct host_packet packet;

	strcpy(p.devices_in[1], "br0");
	p.n_devices_in = 2;
	p.drop.device[0] = '\0';
	p.dnat.seen = true;
	p.dnat.time_ns = p.start_ns + 10000;
	memset(p.dnat.addr + 10, 0xff, 2);
	memcpy(p.dnat.addr + 12, (uint8_t[]){ 172, 17, 0, 2 }, 4);
	p.dnat.port = htons(8080);
	strcpy(p.dnat.device, "docker0");
	assert_true(nf_packet_of(&p, &p.drop, &place, 6u << 8 | 18, &packet));
	assert_string_equal(packet.in, "br0");
	assert_string_equal(packet.out, "docker0");
	assert_int_equal(packet.tuple.target_port, htons(8080));
	assert_string_equal(packet.backend, "iptables-legacy");
	assert_int_equal(packet.above, INT32_MIN);
	assert_true(nf_packet_of(&p, &p.drop, &place, 5u << 8 | 15, &packet));
	assert_string_equal(packet.backend, ""); /* nft frees in nf_hook_slow(), too */
	p.drop.rung = (struct hct_rung){ .valid = 1, .hook = 2, .priority = -149 };
	assert_true(nf_packet_of(&p, &p.drop, &place, 0, &packet));
	assert_int_equal(packet.above, -150);
	assert_int_equal(packet.below, -98);
	p.drop.rung = (struct hct_rung){ .valid = HCT_RUNG_TABLE, .hook = 2, .priority = -150 };
	assert_true(nf_packet_of(&p, &p.drop, &place, 0, &packet));
	assert_int_equal(packet.above, -151);
	assert_int_equal(packet.below, -149);
	assert_string_equal(packet.backend, "iptables-legacy");
	p.drop.rung.hook = 1; /* of another hook, and so of an earlier packet */
	assert_true(nf_packet_of(&p, &p.drop, &place, 0, &packet));
	assert_string_equal(packet.backend, "");
	assert_int_equal(packet.above, INT32_MIN);
	p.drop.inside = true;
	assert_false(nf_packet_of(&p, &p.drop, &place, 0, &packet)); /* in which? */
	p.inner_netns = 7;
	assert_true(nf_packet_of(&p, &p.drop, &place, 0, &packet));
	assert_int_equal(packet.netns, 7);
	assert_string_equal(packet.in, "");
}

/* Only what lies between the ladder's rungs counts. */
static void rungs(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "early", 1, "meta mark 1 drop")->priority = -150;
	add(&m, "nft", "late", 1, "meta mark 2 drop");
	p.drop.rung = (struct hct_rung){ .valid = 1, .hook = 1, .priority = -99 };
	d = diagnosed(&p, &m, NULL);
	assert_named(&d, "meta mark 2 drop", CONFIDENCE_LIKELY);
	assert_int_equal(m.asked, 1);
	m.rules.n = 1;
	d = diagnosed(&p, &m, NULL);
	assert_false(d.where.named);
	assert_int_equal(m.asked, 3); /* without the bounds, and with them */
	assert_int_equal(m.packet.above, -100);
}

static void replies(void **state)
{
	struct probe p = dropped("nft_do_chain", "__ip_local_out", true);
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	p.drop.packet.tcp_flags = HCT_TCP_SYN | HCT_TCP_ACK;
	add(&m, "nft", "out", 2, "ip daddr 100.125.0.0/16 drop")->handle = 12;
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.verdict, VERDICT_REPLY_DROPPED);
	assert_string_equal(d.where.hook, "OUTPUT");
	assert_string_equal(d.fix.command.text, "nft insert rule inet filter out handle 12 ip daddr "
				   "100.125.0.0/16 tcp sport 80 accept");
	assert_true(m.packet.reply);
}

static void other_namespace(void **state)
{
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	p.drop.inside = true;
	p.inner_netns = 7;
	strcpy(p.inner_name, "box");
	add(&m, "iptables-nft", "INPUT", 1, "-j DROP");
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(m.packet.netns, 7);
	assert_string_equal(d.fix.command.text, "ip netns exec box iptables-nft -I INPUT -s 100.125.0.0/16 -p "
				   "tcp --dport 80 -j ACCEPT");
	assert_non_null(strstr(d.why, " in box; most likely by rule 1 of chain INPUT"));
}

static void queues(void **state)
{
	struct probe p = dropped("nf_queue", "ip_local_deliver", false);
	struct made_up m;
	struct diagnosis d;

	p.drop.reason = "NOT_SPECIFIED";
	make_up(&m);
	add(&m, "iptables-nft", "INPUT", 1, "-m mark --mark 1 -j DROP");
	add(&m, "iptables-nft", "INPUT", 2, "-j NFQUEUE --queue-num 3")->kind = RULE_QUEUE;
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.verdict, VERDICT_FIREWALL_DROP);
	assert_named(&d, "-j NFQUEUE --queue-num 3", CONFIDENCE_LIKELY);
	assert_non_null(strstr(d.why, "NFQUEUE"));
}

static void rewritten(void **state)
{
	struct probe p = { .start_ns = 100 * SECOND, .syn_count = 1, .netns = 1 };
	struct made_up m;
	struct diagnosis d;

	set_tuple(&p.tuple, IPPROTO_TCP);
	p.snat.seen = true;
	memcpy(p.snat.addr, p.tuple.target, 16);
	p.snat.addr[15] = 99;
	strcpy(p.snat.device, "eth0");
	make_up(&m);
	add(&m, "iptables-legacy", "POSTROUTING", 2, "-o eth0 -j MASQUERADE")->kind = RULE_SNAT;
	strcpy(m.rules.r[0].table, "nat");
	strcpy(m.rules.r[0].hook, "POSTROUTING");
	d = diagnosed(&p, &m, NULL);
	assert_int_equal(d.verdict, VERDICT_REPLY_REWRITTEN);
	assert_named(&d, "-o eth0 -j MASQUERADE", CONFIDENCE_LIKELY);
	assert_string_equal(d.where.hook, "POSTROUTING");
	assert_true(m.packet.rewritten);
	assert_string_equal(d.fix.command.text, "iptables-legacy -t nat -I POSTROUTING 2 -d 100.125.0.0/16 "
						"-p tcp --sport 80 -j ACCEPT");
	assert_non_null(strstr(d.fix.advice, "no NOTRACK rule"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_candidate),
		cmocka_unit_test(and_the_answer),
		cmocka_unit_test(several_candidates),
		cmocka_unit_test(not_all_read),
		cmocka_unit_test(counters),
		cmocka_unit_test(traced),
		cmocka_unit_test(policy),
		cmocka_unit_test(kinds),
		cmocka_unit_test(invalid),
		cmocka_unit_test(packets),
		cmocka_unit_test(rungs),
		cmocka_unit_test(replies),
		cmocka_unit_test(other_namespace),
		cmocka_unit_test(queues),
		cmocka_unit_test(rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
