/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A made-up host with firewall rules, and probes that its firewall dropped. */
#ifndef HCT_TEST_MADE_UP_H
#define HCT_TEST_MADE_UP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/rules.h"

#define SECOND UINT64_C(1000000000)

/* A host that has these rules. */
struct made_up {
	struct host host;
	int err;
	struct host_rules rules;
	struct host_rules behind; /* what stands behind RULES on the way, or on the answer's */
	struct host_rule by_handle;
	unsigned asked;
	struct host_packet packet; /* last asked for, but for what stands behind */
};

/* Is PACKET, after the first, for what stands behind the rule that dropped that? */
static inline bool is_for_behind(const struct made_up *m, const struct host_packet *packet)
{
	if (!m->asked)
		return false;
	if (packet->reply != m->packet.reply || strcmp(packet->hook, m->packet.hook) != 0)
		return true;
	for (size_t i = 0; i < m->rules.n; i++)
		if (packet->above == m->rules.r[i].priority && packet->below == INT32_MAX)
			return true;
	return false;
}

static inline int rules(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	struct made_up *m = ctx;

	if (is_for_behind(m, packet)) {
		*out = m->behind;
		return m->err;
	}
	m->asked++;
	m->packet = *packet;
	*out = m->rules;
	return m->err;
}

static inline int rule(void *ctx, uint32_t netns, const char *family, const char *table, const char *chain,
		uint64_t handle, struct host_rule *out)
{
	struct made_up *m = ctx;

	*out = m->by_handle;
	return m->by_handle.chain[0] && m->by_handle.handle == handle ? 0 : -ENOENT;
}

static const struct host_ops made_up_ops = { .rules = rules, .rule = rule };

static inline void make_up(struct made_up *m)
{
	memset(m, 0, sizeof(*m));
	m->host.ops = &made_up_ops;
	m->host.ctx = m;
}

static inline struct host_rule *add(struct made_up *m, const char *backend, const char *chain,
			     unsigned number, const char *text)
{
	struct host_rule *r = &m->rules.r[m->rules.n++];

	snprintf(r->backend, sizeof(r->backend), "%s", backend);
	strcpy(r->family, strcmp(backend, "nft") == 0 ? "inet" : "ip");
	strcpy(r->table, "filter");
	snprintf(r->chain, sizeof(r->chain), "%s", chain);
	strcpy(r->base, "INPUT");
	strcpy(r->hook, "INPUT");
	r->kind = RULE_DROP;
	r->number = number;
	r->policy = !number;
	snprintf(r->text, sizeof(r->text), "%s", text);
	return r;
}

static inline struct settings settings(void)
{
	struct settings s = { .timeout_ns = 3 * SECOND, .interval_ns = 5 * SECOND, .n_from = 1 };

	memset(s.from[0].addr + 10, 0xff, 2);
	s.from[0].addr[12] = 100;
	s.from[0].addr[13] = 125;
	s.from[0].len = 112;
	return s;
}

static inline void set_tuple(struct hct_tuple *t, uint8_t protocol)
{
	memset(t, 0, sizeof(*t));
	memset(t->lb + 10, 0xff, 2);
	memcpy(t->lb + 12, (uint8_t[]){ 100, 125, 10, 5 }, 4);
	memset(t->target + 10, 0xff, 2);
	memcpy(t->target + 12, (uint8_t[]){ 192, 168, 0, 10 }, 4);
	t->lb_port = htons(40122);
	t->target_port = htons(80);
	t->protocol = protocol;
}

/* A probe whose first packet, or whose answer, was dropped in HOOK's caller. */
static inline struct probe dropped(const char *function, const char *caller, bool reply)
{
	struct probe p = { .start_ns = 100 * SECOND, .syn_count = 1, .netns = 1 };

	set_tuple(&p.tuple, IPPROTO_TCP);
	strcpy(p.device_in, "eth0");
	strcpy(p.devices_in[0], "eth0");
	p.n_devices_in = 1;
	p.drop = (struct probe_incident){ .seen = true, .reply = reply,
					  .time_ns = p.start_ns + 20000,
					  .reason = "NETFILTER_DROP", .function = function,
					  .stack = { function, "nf_hook_slow", caller },
					  .stack_len = 3 };
	p.drop.packet.tcp_flags = HCT_TCP_SYN;
	if (!reply)
		strcpy(p.drop.device, "eth0");
	return p;
}

static inline struct probe dropped_by_nft(void)
{
	return dropped("nft_do_chain", "ip_local_deliver", false);
}

/* As long after its beginning as a check times out. */
static inline struct diagnosis diagnosed(const struct probe *p, const struct made_up *m,
				  struct proofs *proofs)
{
	struct settings s = settings();
	struct case_facts given = { .probe = p, .settings = &s, .host = &m->host,
				    .proofs = proofs, .kernel = 6u << 8 | 18,
				    .now_ns = p->start_ns + s.timeout_ns };
	struct diagnosis d;

	diagnose(&given, &d);
	return d;
}

static inline void assert_named(const struct diagnosis *d, const char *text, enum confidence confidence)
{
	assert_true(d->where.named);
	assert_string_equal(d->where.text, text);
	assert_int_equal(d->where.confidence, confidence);
}

static inline void trace(struct probe *p, const char *chain, uint64_t handle, bool reply)
{
	p->rule_end = (struct probe_rule){ .seen = true, .reply = reply, .netns = 1,
					   .rule = { "inet", "filter", chain, handle, "drop" } };
}

#endif
