// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What rules counted in between; and how answers about rules are kept, written and read. */
#include "rule_fixture.h"

#include "host/host_cache.h"
#include "firewall/rule_counters.h"
#include "firewall/rule_packet.h"
#include "stream/case_host.h"
#include "stream/host_replay.h"

static const char counted_rules[] = "*filter\n:INPUT DROP [100:6000]\n"
				    "[7:420] -A INPUT -m limit --limit 1/sec -j DROP\n"
				    "[9:540] -A INPUT -s 100.125.0.0/16 -j DROP\n";

/* Asks about P and writes "3 - 0": what was counted, "-" not known. */
static const char *counts(struct rule_counters *c, const struct fw_rules *rules,
			  const struct host_packet *p)
{
	static char text[256];
	struct rule_count count[16];
	struct host_packet kind;
	struct rule_hits hits;
	size_t used = 0;

	assert_int_equal(rule_find(rules, p, &hits), 0);
	assert_true(hits.n <= 16);
	rule_packet_kind(p, &kind);
	rule_counters_read(c, &kind, rule_counters_fingerprint(rules), &hits, count);
	text[0] = '\0';
	for (size_t i = 0; i < hits.n; i++)
		used += (size_t)(count[i].known
					 ? snprintf(text + used, sizeof(text) - used, "%s%u",
						    i ? " " : "", (unsigned)count[i].hits)
					 : snprintf(text + used, sizeof(text) - used, "%s-",
						    i ? " " : ""));
	rule_hits_free(&hits);
	return text;
}

static void counting(void **state)
{
	struct rule_counters *c = rule_counters_new();
	struct host_packet p = syn(), again = syn(), other = syn();
	struct fw_rules rules = { 0 };
	struct fw_rule *first, *second;

	assert_non_null(c);
	add_rules(&rules, "iptables-legacy", counted_rules);
	first = rules.chains->rules;
	second = first->next;
	assert_string_equal(counts(c, &rules, &p), "- -");
	second->packets += 2;
	/* the next probe of the same load balancer */
	again.tuple.lb_port = htons(40123);
	again.packet.seq = 77;
	assert_string_equal(counts(c, &rules, &again), "0 2");
	/* of another kind: since now */
	other.tuple.target_port = htons(81);
	assert_string_equal(counts(c, &rules, &other), "- -");
	first->packets++;
	second->packets++;
	assert_string_equal(counts(c, &rules, &p), "1 3");
	assert_string_equal(counts(c, &rules, &other), "1 1");
	/* set to zero */
	first->packets = 0;
	assert_string_equal(counts(c, &rules, &p), "- 3");
	first->packets = 5;
	assert_string_equal(counts(c, &rules, &p), "5 3");
	second->has_packets = false;
	assert_string_equal(counts(c, &rules, &p), "5 -");
	fw_rules_free(&rules);
	rule_counters_free(c);
	rule_counters_free(NULL);
}

static void policies(void **state)
{
	struct rule_counters *c = rule_counters_new();
	struct host_packet p = syn();
	struct fw_rules rules = { 0 };

	add_rules(&rules, "iptables-legacy", "*filter\n:INPUT DROP [100:6000]\n");
	assert_string_equal(counts(c, &rules, &p), "-");
	assert_true(rules.chains->has_policy_packets);
	rules.chains->policy_packets++;
	assert_string_equal(counts(c, &rules, &p), "1");
	rules.chains->has_policy_packets = false;
	assert_string_equal(counts(c, &rules, &p), "-");
	fw_rules_free(&rules);
	rule_counters_free(c);
}

/* A rule put in ahead moves the others: without handles they are not known again. */
static void moved_rules(void **state)
{
	static const char more[] = "*filter\n:INPUT DROP [100:6000]\n"
				   "[3:180] -A INPUT -m limit --limit 1/sec -j DROP\n"
				   "[8:480] -A INPUT -m limit --limit 1/sec -j DROP\n"
				   "[9:540] -A INPUT -s 100.125.0.0/16 -j DROP\n";
	struct rule_counters *c = rule_counters_new();
	struct host_packet p = syn();
	struct fw_rules before = { 0 }, after = { 0 };

	add_rules(&before, "iptables-legacy", counted_rules);
	add_rules(&after, "iptables-legacy", more);
	assert_string_equal(counts(c, &before, &p), "- -");
	assert_string_equal(counts(c, &after, &p), "- - -");
	assert_string_equal(counts(c, &after, &p), "0 0 0");
	rule_counters_free(c);
	/* nftables' handles stay */
	c = rule_counters_new();
	before.chains->rules->handle = after.chains->rules->next->handle = 4;
	before.chains->rules->next->handle = after.chains->rules->next->next->handle = 5;
	after.chains->rules->handle = 6;
	assert_string_equal(counts(c, &before, &p), "- -");
	assert_string_equal(counts(c, &after, &p), "- 1 0");
	fw_rules_free(&before);
	fw_rules_free(&after);
	rule_counters_free(c);
}

static void many_kinds(void **state)
{
	struct rule_counters *c = rule_counters_new();
	struct fw_rules rules = { 0 };
	struct host_packet p = syn();

	add_rules(&rules, "iptables-legacy", counted_rules);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 20; i++) {
			p.tuple.target_port = htons((uint16_t)(80 + i));
			assert_string_equal(counts(c, &rules, &p), round ? "0 0" : "- -");
		}
	for (unsigned i = 0; i < 1000; i++) {
		p.tuple.target_port = htons((uint16_t)(1000 + i));
		assert_string_equal(counts(c, &rules, &p), "- -");
	}
	assert_string_equal(counts(c, &rules, &p), "0 0");
	p.tuple.target_port = htons(80);
	assert_string_equal(counts(c, &rules, &p), "- -");
	fw_rules_free(&rules);
	rule_counters_free(c);
}

/* ---- answers ---- */

static void fill(struct host_rule *r)
{
	*r = (struct host_rule){ .priority = -300, .kind = RULE_REJECT, .number = 2001,
				 .handle = UINT64_MAX, .surely = true, .invalid_only = true,
				 .counted = true, .hits = 12 };
	strcpy(r->backend, "iptables-nft");
	strcpy(r->family, "ip");
	strcpy(r->table, "filter");
	strcpy(r->chain, "LB");
	strcpy(r->base, "INPUT");
	strcpy(r->hook, "bridge INPUT");
	strcpy(r->device, "eth0");
	strcpy(r->text, "-s 10.0.0.0/8 -m comment --comment \"50% of \\\"us\\\" = é\" -j REJECT");
}

static void write_answer(const struct answer *a, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	assert_non_null(out);
	case_put_answer(out, a);
	fclose(out);
}

/* Reads "answer" and "item" lines as the case reader does. */
static int read_answer(char *text, struct answer *a, const char **bad)
{
	char *rest, *line = strtok_r(text, "\n", &rest);
	int err = case_get_answer(line + strlen("answer "), a, bad);

	while (!err && (line = strtok_r(NULL, "\n", &rest)))
		err = case_get_item(line + strlen("item "), a, bad);
	return err;
}

static void round_trip(void **state)
{
	struct host_packet p = syn();
	struct answer a, back;
	const char *bad = "";
	char text[16384];

	strcpy(p.out, "br 0");
	question_rules(&a, &p);
	a.rules.truncated = a.rules.incomplete = true;
	strcpy(a.rules.why, "iptables-legacy-save is not installed");
	a.rules.n = HOST_MAX_RULES;
	for (size_t i = 0; i < HOST_MAX_RULES; i++)
		fill(&a.rules.r[i]);
	a.rules.r[1].kind = RULE_UNKNOWN;
	memset(&a.rules.r[2], 0, sizeof(a.rules.r[2]));
	a.rules.r[2].policy = true;
	write_answer(&a, text, sizeof(text));
	assert_int_equal(read_answer(text, &back, &bad), 0);
	assert_string_equal(back.question, a.question);
	assert_memory_equal(&back.rules, &a.rules, sizeof(a.rules));

	question_rule(&a, 7, "inet", "filter", "input", 12);
	fill(&a.rule);
	write_answer(&a, text, sizeof(text));
	assert_int_equal(read_answer(text, &back, &bad), 0);
	assert_string_equal(back.question, "7,inet,filter,input,12");
	assert_memory_equal(&back.rule, &a.rule, sizeof(a.rule));
}

static void bad_answers(void **state)
{
	static const struct {
		const char *text, *bad;
	} cases[] = {
		{ "answer rules q=x\nitem kind=dorp", "kind" },
		{ "answer rules q=x\nitem kind=", "kind" },
		{ "answer rules q=x\nitem kind=1", "kind" },
		{ "answer rules q=x\nitem surely=2", "surely" },
		{ "answer rules q=x\nitem priority=2147483648", "priority" },
		{ "answer rules q=x\nitem number=-1", "number" },
		{ "answer rules q=x\nitem hits=18446744073709551616", "hits" },
		{ "answer rules q=x\nitem text=%", "text" },
		{ "answer rules q=x\nitem table", "table" },
		{ "answer rules q=x\nitem colour=red", "colour" },
		{ "answer rules kind=drop", "kind" },
		{ "answer rule q=x truncated=1", "truncated" },
		{ "answer rule q=x\nitem kind=drop", "item" },
		{ "answer rules q=x\nitem a=1\nitem b=2", "a" },
	};
	char text[4096], *end;
	const char *bad = "";
	struct answer a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(text, cases[i].text);
		if (!read_answer(text, &a, &bad))
			fail_msg("'%s' was taken", cases[i].text);
		assert_string_equal(bad, cases[i].bad);
	}
	end = text + sprintf(text, "answer rules q=x\n");
	for (size_t i = 0; i <= HOST_MAX_RULES; i++)
		end += sprintf(end, "item kind=drop\n");
	assert_int_equal(read_answer(text, &a, &bad), -EINVAL);
	sprintf(text, "answer rules q=x\nitem table=%070d", 7);
	assert_int_equal(read_answer(text, &a, &bad), -EINVAL);
}

/* The same question again has the next answer; for its words only the kind of packet counts. */
static void replayed(void **state)
{
	struct host_replay *r = host_replay_new();
	const struct host *host = host_replay_host(r);
	struct host_packet p = syn();
	struct host_rules rules;
	struct host_rule rule;
	struct answer a;

	for (unsigned i = 1; i <= 2; i++) {
		question_rules(&a, &p);
		a.rules.n = i;
		assert_int_equal(host_replay_add(r, &a), 0);
	}
	question_rule(&a, 0, "ip", "filter", "INPUT", 3);
	a.err = -ENOENT;
	assert_int_equal(host_replay_add(r, &a), 0);
	p.tuple.lb_port++;
	p.packet.seq++;
	p.packet.payload_len++;
	assert_int_equal(host->ops->rules(host->ctx, &p, &rules), 0);
	assert_int_equal(rules.n, 1);
	assert_int_equal(host->ops->rules(host->ctx, &p, &rules), 0);
	assert_int_equal(rules.n, 2);
	assert_int_equal(host->ops->rules(host->ctx, &p, &rules), -ENODATA);
	p.reply = true;
	assert_int_equal(host->ops->rules(host->ctx, &p, &rules), -ENODATA);
	assert_int_equal(host->ops->rule(host->ctx, 0, "ip", "filter", "INPUT", 3, &rule),
			 -ENOENT);
	assert_int_equal(host->ops->rule(host->ctx, 0, "ip", "filter", "INPUT", 4, &rule),
			 -ENODATA);
	host_replay_free(r);
}

/* Two questions differ in their words when the packets' kinds do. */
static void questions(void **state)
{
	struct host_packet p[9];
	struct answer a[9];

	for (size_t i = 0; i < 9; i++)
		p[i] = syn();
	p[1].reply = true;
	p[2].rewritten = true;
	p[3].netns = 9;
	p[4].packet.tcp_flags = HCT_TCP_ACK;
	p[5].above = -301;
	strcpy(p[6].out, "eth0");
	p[7].tuple.lb[15]++;
	strcpy(p[8].backend, "nft");
	for (size_t i = 0; i < 9; i++) {
		question_rules(&a[i], &p[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(a[i].question, a[j].question);
	}
	/* the longest fits */
	memset(&p[0], 0xff, sizeof(p[0]));
	memset(p[0].hook, 'h', sizeof(p[0].hook) - 1);
	memset(p[0].backend, 'b', sizeof(p[0].backend) - 1);
	memset(p[0].in, 'i', sizeof(p[0].in) - 1);
	memset(p[0].out, 'o', sizeof(p[0].out) - 1);
	p[0].hook[19] = p[0].backend[23] = p[0].in[15] = p[0].out[15] = '\0';
	p[0].v6 = p[0].reply = p[0].bridged = p[0].rewritten = true;
	memset(p[0].tuple.lb, 0xfe, 16);
	question_rules(&a[0], &p[0]);
	assert_string_equal(a[0].question + strlen(a[0].question) - 15, p[0].out);
}

static int count_rules(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	++*(unsigned *)ctx;
	out->n = 1;
	return 0;
}

static int count_rule(void *ctx, uint32_t netns, const char *family, const char *table,
		      const char *chain, uint64_t handle, struct host_rule *out)
{
	++*(unsigned *)ctx;
	out->handle = handle;
	return 0;
}

static void cached(void **state)
{
	static const struct host_ops ops = { .rules = count_rules, .rule = count_rule };
	unsigned asked = 0;
	const struct host real = { &ops, &asked };
	struct host_cache *c = host_cache_new(&real);
	const struct host *host = host_cache_host(c);
	struct host_packet p = syn();
	struct host_rules rules;
	struct host_rule rule;

	host_cache_now(c, 1000000000);
	assert_int_equal(host->ops->rules(host->ctx, &p, &rules), 0);
	p.tuple.lb_port++;
	assert_int_equal(host->ops->rules(host->ctx, &p, &rules), 0);
	assert_int_equal(rules.n, 1);
	assert_int_equal(asked, 1);
	p.tuple.target_port++;
	assert_int_equal(host->ops->rules(host->ctx, &p, &rules), 0);
	assert_int_equal(asked, 2);
	for (uint64_t handle = 0; handle < 2; handle++)
		assert_int_equal(host->ops->rule(host->ctx, 0, "ip", "f", "c", handle, &rule), 0);
	assert_int_equal(rule.handle, 1);
	assert_int_equal(asked, 4);
	assert_int_equal(host->ops->rule(host->ctx, 0, "ip", "f", "c", 0, &rule), 0);
	assert_int_equal(rule.handle, 0);
	assert_int_equal(asked, 4);
	host_cache_now(c, 1500000000);
	assert_int_equal(host->ops->rules(host->ctx, &p, &rules), 0);
	assert_int_equal(asked, 5);
	host_cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counting),    cmocka_unit_test(policies),
		cmocka_unit_test(moved_rules), cmocka_unit_test(many_kinds),
		cmocka_unit_test(round_trip),  cmocka_unit_test(bad_answers),
		cmocka_unit_test(replayed),    cmocka_unit_test(questions),
		cmocka_unit_test(cached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
