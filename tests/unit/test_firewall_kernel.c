// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Firewall rules as the kernel has them: tables of legacy iptables, expressions of nftables. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/xt_rules.h"
#include "firewall/nft_statement.h"

#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>

/* ---- a table of legacy iptables, made by hand ---- */

struct table {
	struct xt_table_copy copy;
	char blob[8192] __attribute__((aligned(8)));
	size_t entry; /* the rule being made */
};

static size_t aligned(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static struct ipt_entry *begin(struct table *t, uint64_t packets)
{
	struct ipt_entry *e = (void *)(t->blob + t->copy.size);

	t->entry = t->copy.size;
	t->copy.size += sizeof(*e);
	assert_true(t->copy.size < sizeof(t->blob));
	e->counters.pcnt = packets;
	e->counters.bcnt = packets * 60;
	return e;
}

static void part(struct table *t, const char *name, uint8_t revision, const void *data, size_t len)
{
	struct xt_entry_match *m = (void *)(t->blob + t->copy.size);

	m->u.user.match_size = (uint16_t)(sizeof(*m) + aligned(len));
	m->u.user.revision = revision;
	strncpy(m->u.user.name, name, sizeof(m->u.user.name) - 1);
	memcpy((char *)(m + 1), data, len);
	t->copy.size += m->u.user.match_size;
	assert_true(t->copy.size < sizeof(t->blob));
}

static void end(struct table *t, const char *target, const void *data, size_t len)
{
	struct ipt_entry *e = (void *)(t->blob + t->entry);

	e->target_offset = (uint16_t)(t->copy.size - t->entry);
	part(t, target, 0, data, len);
	e->next_offset = (uint16_t)(t->copy.size - t->entry);
}

static void standard(struct table *t, int verdict)
{
	end(t, "", &verdict, sizeof(verdict));
}

static void chain_head(struct table *t, const char *name)
{
	char data[XT_FUNCTION_MAXNAMELEN] = "";

	strncpy(data, name, sizeof(data) - 1);
	begin(t, 0);
	end(t, "ERROR", data, sizeof(data));
}

/* INPUT with three rules and policy DROP, a chain WEB, one that is empty. */
static void make(struct table *t)
{
	struct xt_tcp tcp = { .spts = { 0, 65535 }, .dpts = { 80, 90 } };
	struct xt_multiport_v1 ports = { .flags = 1, .count = 3, .ports = { 22, 80, 90 },
					 .pflags = { 0, 1, 0 }, .invert = 1 };
	char comment[XT_MAX_COMMENT_LEN] = "it's \"mine\"";
	struct ipt_entry *e;
	size_t jump;

	memset(t, 0, sizeof(*t));
	t->copy.blob = t->blob;
	t->copy.valid_hooks = 1 << NF_INET_LOCAL_IN;
	t->copy.hook_entry[NF_INET_LOCAL_IN] = 0;

	e = begin(t, 7);
	memcpy(&e->ip.src, "\144\175\0\0", 4);
	memcpy(&e->ip.smsk, "\377\377\0\0", 4);
	e->ip.proto = IPPROTO_TCP;
	memcpy(e->ip.iniface, "eth+", 4);
	memset(e->ip.iniface_mask, 0xff, 3);
	e->ip.invflags = IPT_INV_VIA_IN;
	part(t, "tcp", 0, &tcp, sizeof(tcp));
	standard(t, -NF_DROP - 1);

	begin(t, 1);
	part(t, "comment", 0, comment, sizeof(comment));
	jump = t->copy.size;
	standard(t, 0);

	begin(t, 2);
	part(t, "strange", 3, "1234567", 8);
	end(t, "REJECT", &(uint32_t){ 7 }, 4);

	t->copy.underflow[NF_INET_LOCAL_IN] = (unsigned int)t->copy.size;
	begin(t, 99);
	standard(t, -NF_DROP - 1);

	chain_head(t, "WEB");
	memcpy(t->blob + jump + sizeof(struct xt_entry_target), &(int){ (int)t->copy.size }, 4);
	begin(t, 3);
	part(t, "multiport", 1, &ports, sizeof(ports));
	standard(t, XT_RETURN);
	begin(t, 0);
	standard(t, XT_RETURN); /* the chain's end */
	chain_head(t, "EMPTY");
	begin(t, 0);
	standard(t, XT_RETURN);
	chain_head(t, "ERROR");
}

static void blob(void **state)
{
	struct table t;
	bool whole = false;
	char *text;

	make(&t);
	text = fw_blob_text(&t.copy, "filter", &whole);
	assert_true(whole);
	assert_string_equal(text,
		"*filter\n:INPUT DROP [99:5940]\n:WEB - [0:0]\n:EMPTY - [0:0]\n"
		"[7:420] -A INPUT -s 100.125.0.0/16 ! -i eth+ -p tcp -m tcp --dport 80:90 -j DROP\n"
		"[1:60] -A INPUT -m comment --comment \"it\\'s \\\"mine\\\"\" -j WEB\n"
		"[2:120] -A INPUT -m strange … -j REJECT --reject-with tcp-reset\n"
		"[3:180] -A WEB -m multiport ! --dports 22,80:90 -j RETURN\n");
	free(text);
}

static void blob_rules(void **state)
{
	struct fw_rules rules = { 0 };
	struct table t;
	bool whole;
	char *text;
	const struct fw_rule *r;

	make(&t);
	text = fw_blob_text(&t.copy, "filter", &whole);
	assert_int_equal(fw_parse_save(&rules, "iptables-legacy", false, text), 0);
	free(text);
	assert_true(rules.chains->drops);
	assert_int_equal(rules.chains->policy_packets, 99);
	r = rules.chains->rules;
	assert_int_equal(r->packets, 7);
	assert_int_equal(r->verdict, FW_DROP);
	assert_int_equal(r->next->verdict, FW_JUMP);
	assert_string_equal(r->next->target, "WEB");
	assert_int_equal(r->next->next->verdict, FW_REJECT);
	assert_int_equal(r->next->next->cond[0].field, FW_UNKNOWN);
	fw_rules_free(&rules);
}

static void digest(const struct table *t)
{
	struct fw_rules rules = { 0 };
	struct table *copy = malloc(sizeof(*copy));
	bool whole;
	char *text;

	/* Memory of exactly that size, so that a sanitizer sees what lies behind it. */
	assert_non_null(copy);
	*copy = *t;
	copy->copy.blob = malloc(t->copy.size ? t->copy.size : 1);
	assert_non_null(copy->copy.blob);
	memcpy(copy->copy.blob, t->blob, t->copy.size);
	text = fw_blob_text(&copy->copy, "filter", &whole);
	assert_non_null(text);
	assert_int_equal(fw_parse_save(&rules, "iptables-legacy", false, text), 0);
	free(text);
	fw_rules_free(&rules);
	free(copy->copy.blob);
	free(copy);
}

/* Whatever the kernel hands out, nothing is read that is not there. */
static void hostile_blob(void **state)
{
	static struct table t;
	uint32_t random = 1;
	size_t size;

	make(&t);
	size = t.copy.size;
	for (t.copy.size = 0; t.copy.size < size; t.copy.size += 3)
		digest(&t);
	for (int round = 0; round < 3000; round++) {
		make(&t);
		for (int i = 0; i < 1 + round % 4; i++) {
			random = random * 1103515245 + 12345;
			t.blob[(random >> 8) % size] = (char)(random >> 24);
		}
		if (round % 5 == 0)
			t.copy.underflow[1] = random;
		if (round % 7 == 0)
			t.copy.hook_entry[1] = random >> 16;
		t.copy.ipv6 = round % 11 == 0;
		digest(&t);
	}
}

/* ---- expressions of nftables ---- */

static struct nftnl_expr *add(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	assert_non_null(e);
	nftnl_rule_add_expr(rule, e);
	return e;
}

static void payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = add(rule, "payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
}

static void cmp(struct nftnl_rule *rule, uint32_t op, const void *value, uint32_t len)
{
	struct nftnl_expr *e = add(rule, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, len);
}

static void bitwise(struct nftnl_rule *rule, const void *mask, uint32_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *e = add(rule, "bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero, len);
}

static void load(struct nftnl_rule *rule, const char *what, uint32_t key)
{
	struct nftnl_expr *e = add(rule, what);
	bool meta = !strcmp(what, "meta");

	nftnl_expr_set_u32(e, meta ? NFTNL_EXPR_META_DREG : NFTNL_EXPR_CT_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, meta ? NFTNL_EXPR_META_KEY : NFTNL_EXPR_CT_KEY, key);
}

static void counter(struct nftnl_rule *rule, uint64_t packets)
{
	nftnl_expr_set_u64(add(rule, "counter"), NFTNL_EXPR_CTR_PACKETS, packets);
}

static void verdict(struct nftnl_rule *rule, uint32_t code)
{
	struct nftnl_expr *e = add(rule, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, code);
}

/* What RULE says in an inet table, and what it is for the walk. */
static void expect(struct nftnl_rule *rule, const char *text, struct fw_rules *rules)
{
	struct nft_sets none = { .listed = true };
	struct fw_chain *chain;
	char out[RENDER_TEXT_LEN];

	assert_int_equal(render_rule("inet", "t", &none, rule, out, sizeof(out)), 0);
	assert_string_equal(out, text);
	memset(rules, 0, sizeof(*rules));
	chain = fw_chain_add(rules, "nft", "inet", "t", "c");
	assert_non_null(chain);
	nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, 7);
	assert_int_equal(nft_rule_read(rules, &none, chain, false, rule), 0);
	assert_non_null(chain->rules);
	assert_int_equal(chain->rules->number, 1);
	assert_int_equal(chain->rules->handle, 7);
	nftnl_rule_free(rule);
	nft_sets_free(&none);
}

static void nft_network(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct fw_rules rules;

	load(rule, "meta", NFT_META_NFPROTO);
	cmp(rule, NFT_CMP_EQ, "\2", 1);
	payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	bitwise(rule, "\377\370\0\0", 4);
	cmp(rule, NFT_CMP_EQ, "\144\170\0\0", 4);
	load(rule, "meta", NFT_META_L4PROTO);
	cmp(rule, NFT_CMP_EQ, "\6", 1);
	payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	cmp(rule, NFT_CMP_GTE, "\0\120", 2);
	cmp(rule, NFT_CMP_LTE, "\0\132", 2);
	counter(rule, 12);
	verdict(rule, NF_DROP);
	expect(rule, "ip saddr 100.120.0.0/13 tcp dport 80-90 counter drop", &rules);
	assert_true(rules.chains->rules->has_packets);
	assert_int_equal(rules.chains->rules->packets, 12);
	assert_int_equal(rules.chains->rules->verdict, FW_DROP);
	assert_int_equal(rules.chains->rules->n, 5);
	fw_rules_free(&rules);
}

/* A counter counts what meets what stands before it, which need not be what it drops. */
static void nft_counter_first(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct fw_rules rules;
	uint32_t mask = FW_CT_INVALID | FW_CT_NEW;

	counter(rule, 12);
	load(rule, "ct", NFT_CT_STATE);
	bitwise(rule, &mask, 4);
	cmp(rule, NFT_CMP_NEQ, "\0\0\0\0", 4);
	verdict(rule, NF_DROP);
	expect(rule, "counter ct state invalid,new drop", &rules);
	assert_false(rules.chains->rules->has_packets);
	assert_int_equal(rules.chains->rules->cond[0].field, FW_CTSTATE);
	assert_true(rules.chains->rules->cond[0].negate);
	fw_rules_free(&rules);
}

static void nft_both_ports(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct fw_rules rules;

	load(rule, "meta", NFT_META_L4PROTO);
	cmp(rule, NFT_CMP_EQ, "\6", 1);
	payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 4);
	cmp(rule, NFT_CMP_EQ, "\0\120\0\132", 4);
	verdict(rule, NF_ACCEPT);
	expect(rule, "tcp sport 80 tcp dport 90 accept", &rules);
	assert_int_equal(rules.chains->rules->cond[1].field, FW_SPORT);
	assert_int_equal(rules.chains->rules->cond[2].field, FW_DPORT);
	fw_rules_free(&rules);
}

static void nft_rewrite(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_expr *e = add(rule, "immediate");
	struct fw_rules rules;

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, "\11\11\11\11", 4);
	e = add(rule, "payload");
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, 16);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, 4);
	expect(rule, "ip daddr set 9.9.9.9", &rules);
	assert_int_equal(rules.chains->rules->effect, FW_EFFECT_REWRITE);
	assert_int_equal(rules.chains->rules->verdict, FW_CONTINUE);
	fw_rules_free(&rules);
}

/* Without a proxy the rule does not match: what stands behind it is met, too. */
static void nft_tproxy(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	uint16_t port = htons(3129);
	struct nftnl_expr *e = add(rule, "immediate");
	struct fw_rules rules;

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &port, sizeof(port));
	e = add(rule, "tproxy");
	nftnl_expr_set_u32(e, NFTNL_EXPR_TPROXY_FAMILY, NFPROTO_UNSPEC);
	nftnl_expr_set_u32(e, NFTNL_EXPR_TPROXY_REG_PORT, NFT_REG_1);
	e = add(rule, "immediate");
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
	expect(rule, "tproxy to :3129 accept", &rules);
	assert_int_equal(rules.chains->rules->effect, FW_EFFECT_TPROXY);
	assert_int_equal(rules.chains->rules->verdict, FW_ACCEPT);
	assert_int_equal(rules.chains->rules->cond[0].field, FW_UNKNOWN);
	fw_rules_free(&rules);
}

static void nft_not_understood(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_udata_buf *udata = nftnl_udata_buf_alloc(64);
	struct fw_rules rules;

	add(rule, "numgen");
	cmp(rule, NFT_CMP_EQ, "\1\0\0\0", 4);
	nftnl_expr_set_u32(add(rule, "queue"), NFTNL_EXPR_QUEUE_NUM, 0);
	nftnl_udata_put_strz(udata, NFTNL_UDATA_RULE_COMMENT, "mine");
	nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(udata),
			    nftnl_udata_buf_len(udata));
	nftnl_udata_buf_free(udata);
	expect(rule, "… queue to 0 comment \"mine\"", &rules);
	assert_int_equal(rules.chains->rules->effect, FW_EFFECT_QUEUE);
	assert_int_equal(rules.chains->rules->cond[0].field, FW_UNKNOWN);
	fw_rules_free(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blob),		   cmocka_unit_test(blob_rules),
		cmocka_unit_test(hostile_blob),	   cmocka_unit_test(nft_network),
		cmocka_unit_test(nft_counter_first), cmocka_unit_test(nft_both_ports),
		cmocka_unit_test(nft_rewrite),	   cmocka_unit_test(nft_tproxy),
		cmocka_unit_test(nft_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
