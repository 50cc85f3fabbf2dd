// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What was proven of a kind of packet, later probes of the kind inherit, while it holds. */
#include "made_up.h"

static void inherited(void **state)
{
	struct proofs *proofs = proofs_new();
	struct probe p = dropped_by_nft(), next = p;
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "c", 1, "tcp dport 80 drop")->handle = 4;
	add(&m, "nft", "c", 2, "ip saddr 100.125.0.0/16 drop")->handle = 9;
	m.rules.r[1].surely = true;
	m.by_handle = m.rules.r[0];
	trace(&p, "c", 4, false);
	d = diagnosed(&p, &m, proofs);
	assert_named(&d, "tcp dport 80 drop", CONFIDENCE_CERTAIN);

	next.tuple.lb_port = htons(40123); /* the next probe is not traced */
	d = diagnosed(&next, &m, proofs);
	assert_named(&d, "tcp dport 80 drop", CONFIDENCE_CERTAIN);
	m.err = -EBUSY;
	d = diagnosed(&next, &m, proofs);
	assert_named(&d, "tcp dport 80 drop", CONFIDENCE_LIKELY);
	m.err = 0;
	next.tuple.target_port = htons(81); /* another kind */
	d = diagnosed(&next, &m, proofs);
	assert_int_equal(d.where.confidence, CONFIDENCE_GUESS);
	next.tuple.target_port = htons(80);
	strcpy(m.rules.r[0].text, "tcp dport 443 drop"); /* not the rule any more */
	d = diagnosed(&next, &m, proofs);
	assert_int_equal(d.where.confidence, CONFIDENCE_GUESS);
	strcpy(m.rules.r[0].text, "tcp dport 80 drop"); /* forgotten is forgotten */
	d = diagnosed(&next, &m, proofs);
	assert_int_equal(d.where.confidence, CONFIDENCE_GUESS);
	proofs_free(proofs);
}

/* The walk does not find the rule that nftables reported: another handle is asked for. */
static void inherited_from_outside(void **state)
{
	struct proofs *proofs = proofs_new();
	struct probe p = dropped_by_nft();
	struct made_up m;
	struct diagnosis d;

	make_up(&m);
	add(&m, "nft", "c", 1, "meta mark 7 drop")->handle = 4;
	m.by_handle = m.rules.r[0];
	m.rules.n = 0;
	trace(&p, "c", 4, false);
	diagnosed(&p, &m, proofs);
	p.rule_end.seen = false;
	d = diagnosed(&p, &m, proofs);
	assert_named(&d, "meta mark 7 drop", CONFIDENCE_CERTAIN);
	m.by_handle.chain[0] = '\0';
	d = diagnosed(&p, &m, proofs);
	assert_false(d.where.named);
	proofs_free(proofs);
}

/* What was added ahead of the rule may be what drops now. */
static void proof_and_newcomers(void **state)
{
	struct proof proof = { 0 };
	struct made_up m;
	struct host_rule out;

	make_up(&m);
	add(&m, "iptables-legacy", "INPUT", 1, "first");
	add(&m, "iptables-legacy", "INPUT", 2, "second");
	proof_learn(&proof, &m.rules.r[1], &m.rules);
	m.rules.r[0].number = 5; /* rules that do not matter were put in */
	m.rules.r[1].number = 6;
	assert_true(proof_holds(&proof, &m.rules, &out));
	assert_int_equal(out.number, 6);
	strcpy(m.rules.r[0].text, "new");
	assert_false(proof_holds(&proof, &m.rules, &out));
}

static void proofs_are_bounded(void **state)
{
	struct proofs *proofs = proofs_new();
	struct host_packet packet = { .hook = "INPUT" };
	struct proof_key key, kept;
	struct hct_tuple tuple;
	bool first;

	set_tuple(&tuple, IPPROTO_TCP);
	proof_key_of(&kept, &tuple, &packet);
	for (unsigned port = 1; port < 3000; port++) {
		tuple.target_port = htons((uint16_t)port);
		proof_key_of(&key, &tuple, &packet);
		assert_non_null(proofs_get(proofs, &key, &first));
		assert_true(first || port == 80);
		proofs_get(proofs, &kept, &first); /* in use, so it stays */
		assert_true(!first || port == 1);
	}
	tuple.target_port = htons(2);
	proof_key_of(&key, &tuple, &packet);
	proofs_get(proofs, &key, &first);
	assert_true(first);
	proofs_free(proofs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inherited),
		cmocka_unit_test(inherited_from_outside),
		cmocka_unit_test(proof_and_newcomers),
		cmocka_unit_test(proofs_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
