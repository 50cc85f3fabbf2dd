// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Requests that this host passes on, and those that a rule hands to a proxy; hosts are made up. */
#include "made_up.h"

#include "diagnose/icmp_words.h"
#include "diagnose/reasons.h"
#include "diagnose/tproxy_rule.h"

static void rule_texts(void **state)
{
	static const struct {
		const char *text;
		unsigned port;
		bool has_mark;
		uint32_t mark, mask;
		const char *address; /* NULL: any */
	} rows[] = {
		{ "-p tcp --dport 80 -j TPROXY --on-port 3129 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1",
		  3129, true, 1, 1, NULL },
		{ "-p tcp -j TPROXY --on-port 15001 --on-ip 127.0.0.1 --tproxy-mark 0x40/0xffffffff",
		  15001, true, 0x40, UINT32_MAX, "127.0.0.1" },
		{ "-p tcp -j TPROXY --on-port 3129 --on-ip :: --tproxy-mark 0x0/0x0", 3129, false },
		{ "-p tcp -j TPROXY --on-port 0 --on-ip ::1 --tproxy-mark 0x1/0x1", 80, true, 1, 1,
		  "::1" },
		{ "-p tcp -j TPROXY …", 0, false },
		{ "tcp dport 80 tproxy to :3129 meta mark set 0x00000001 accept", 3129, true, 1,
		  UINT32_MAX, NULL },
		{ "tcp dport 80 tproxy to 127.0.0.1:3129 accept", 3129, false, 0, 0, "127.0.0.1" },
		{ "meta l4proto tcp tproxy ip6 to [fd00::1]:3129 meta mark set 7", 3129, true, 7,
		  UINT32_MAX, "fd00::1" },
		{ "tcp dport 80 tproxy ip to 10.0.0.1", 80, false, 0, 0, "10.0.0.1" },
		{ "tcp dport 80 tproxy ip6 to fd00::1", 80, false, 0, 0, "fd00::1" },
		{ "tproxy to :3129 meta mark set meta mark or 0x1", 3129, false },
		{ "tproxy to :99999 meta mark set 99999999999", 0, false },
		{ "tproxy to …", 0, false },
		{ "tcp dport 80 accept", 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tproxy t = { .port = 1, .has_mark = true, .has_address = true };
		char address[ADDR_TEXT_LEN];

		tproxy_read_text(rows[i].text, 80, &t);
		if (t.port != rows[i].port || t.has_mark != rows[i].has_mark ||
		    (t.has_mark && (t.mark != rows[i].mark || t.mask != rows[i].mask)) ||
		    t.has_address != !!rows[i].address)
			fail_msg("%s: port %u mark %d %x/%x address %d", rows[i].text, t.port,
				 t.has_mark, t.mark, t.mask, t.has_address);
		if (t.has_address)
			assert_string_equal(format_addr(address, t.address), rows[i].address);
	}
}

static void words(void **state)
{
	assert_string_equal(icmp_meaning(false, 11, 0), ": TTL exceeded in transit");
	assert_string_equal(icmp_meaning(true, 3, 0), ": hop limit exceeded in transit");
	assert_string_equal(icmp_meaning(false, 3, 3), ": port unreachable");
	assert_string_equal(icmp_meaning(true, 2, 0), ": too big for the path");
	assert_string_equal(icmp_meaning(false, 42, 0), "");
	assert_true(icmp_is_ttl_exceeded(false, 11, 0));
	assert_false(icmp_is_ttl_exceeded(true, 11, 0));
	assert_true(icmp_is_redirect(false, 5));
	assert_string_equal(drop_meaning("IP_INHDR", "ip_forward"), "its TTL has run out");
	assert_string_equal(drop_meaning("IP_INHDR", "ip6_forward"), "its hop limit has run out");
	assert_string_equal(drop_meaning("IP_INHDR", "ip_rcv_core"), "the IP header is damaged");
	assert_string_equal(drop_meaning(NULL, "ip_error"),
			    "its destination is no address of this host");
	assert_null(drop_meaning(NULL, "ip_forward"));
}

/* ---- what became of a request ---- */

struct forwarding_host {
	struct host host;
	struct host_forward_route way;
	struct host_rules rules;
	struct host_listeners listeners;
	uint32_t mark; /* asked for last */
};

static int ask_way(void *ctx, const uint8_t lb[16], const uint8_t target[16], const char *device,
		   uint32_t mark, struct host_forward_route *out)
{
	struct forwarding_host *h = ctx;

	h->mark = mark;
	*out = h->way;
	if (mark)
		out->local = out->by_default = false;
	return 0;
}

static int ask_rules_of(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	*out = ((struct forwarding_host *)ctx)->rules;
	return 0;
}

static int ask_listeners_of(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	*out = ((struct forwarding_host *)ctx)->listeners;
	return 0;
}

static const struct host_ops forwarding_ops = { .forward_route = ask_way, .rules = ask_rules_of,
						.listeners = ask_listeners_of };

static void make_host(struct forwarding_host *h)
{
	memset(h, 0, sizeof(*h));
	h->host = (struct host){ .ops = &forwarding_ops, .ctx = h };
	strcpy(h->way.device, "eth0");
	h->way.by_default = h->way.has_gateway = true;
	memset(h->way.gateway + 10, 0xff, 2);
	memcpy(h->way.gateway + 12, (uint8_t[]){ 192, 168, 0, 1 }, 4);
	h->way.free_table = 100;
}

static struct obs packet_at(uint64_t after_ns, enum hct_point point, const char *device)
{
	struct obs o = { .time_ns = 100 * SECOND + after_ns, .flow_id = 7, .point = point,
			 .netns = 1 };

	set_tuple(&o.tuple, IPPROTO_TCP);
	o.packet.tcp_flags = HCT_TCP_SYN;
	o.packet.seq = 17;
	strcpy(o.device, device);
	return o;
}

static void observe(struct probe *p, uint64_t after_ns, enum hct_point point, const char *device)
{
	struct obs o = packet_at(after_ns, point, device);

	if (p->flow_id)
		probe_observe(p, &o);
	else
		probe_start(p, 1, &o);
}

static void passed_on(struct probe *p, const char *by)
{
	memset(p, 0, sizeof(*p));
	observe(p, 0, HCT_POINT_TC_INGRESS, "eth0");
	observe(p, 1000, HCT_POINT_TC_EGRESS, by);
}

static struct diagnosis diagnosis_of(const struct probe *p, const struct forwarding_host *h)
{
	struct settings s = settings();
	struct case_facts given = { .probe = p, .settings = &s, .host = &h->host,
				    .now_ns = p->start_ns + s.timeout_ns };
	struct diagnosis d;

	diagnose(&given, &d);
	return d;
}

static void dropped_in(struct probe *p, const char *function, const char *reason)
{
	struct obs o = packet_at(9000, HCT_POINT_DROP, "eth0");

	o.function = function;
	o.reason = reason;
	probe_observe(p, &o);
}

/* A loop is fast, and a bridge above its device no second one; a repetition comes later. */
static void rounds(void **state)
{
	struct probe p;

	passed_on(&p, "eth0");
	assert_true(p.passed_on);
	assert_int_equal(p.syn_count, 1);
	for (unsigned i = 2; i < 6; i++) {
		observe(&p, i * 1000, HCT_POINT_TC_INGRESS, "eth0");
		observe(&p, i * 1000 + 1, HCT_POINT_TC_INGRESS, "br0");
	}
	assert_int_equal(p.came_back, 4);
	assert_int_equal(p.syn_count, 1);
	observe(&p, SECOND, HCT_POINT_TC_INGRESS, "eth0");
	assert_int_equal(p.came_back, 4);
	assert_int_equal(p.syn_count, 2);
}

static void default_route(void **state)
{
	struct forwarding_host h;
	struct diagnosis d;
	struct probe p;

	make_host(&h);
	passed_on(&p, "eth0");
	d = diagnosis_of(&p, &h);
	assert_int_equal(d.verdict, VERDICT_NOT_LOCAL);
	assert_int_equal(d.confidence, CONFIDENCE_LIKELY);
	assert_non_null(strstr(d.why, "passed on to the router 192.168.0.1 by eth0"));
	assert_non_null(strstr(d.why, "nothing came back"));
	assert_string_equal(d.fix.command.text, "ip addr add 192.168.0.10/32 dev eth0");
	/* it left by another device than the route that is there now */
	passed_on(&p, "eth1");
	assert_int_equal(diagnosis_of(&p, &h).verdict, VERDICT_UNKNOWN);
	/* a route that knows the address: this host is a router for it */
	passed_on(&p, "eth0");
	h.way.by_default = false;
	d = diagnosis_of(&p, &h);
	assert_int_equal(d.verdict, VERDICT_UNKNOWN);
	assert_non_null(strstr(d.why, "passed on to 192.168.0.10:80 by eth0"));
	h.way.by_default = h.way.local = true;
	assert_int_equal(diagnosis_of(&p, &h).verdict, VERDICT_UNKNOWN);
	/* the load balancer has an answer that took another way: its ACK passes here */
	make_host(&h);
	p.ack_ns = p.start_ns + 5000;
	assert_int_not_equal(diagnosis_of(&p, &h).verdict, VERDICT_NOT_LOCAL);
}

static void no_hops(void **state)
{
	struct forwarding_host h;
	struct diagnosis d;
	struct probe p;

	make_host(&h);
	passed_on(&p, "eth0");
	observe(&p, 2000, HCT_POINT_TC_INGRESS, "eth0");
	dropped_in(&p, "ip_forward", "IP_INHDR");
	d = diagnosis_of(&p, &h);
	assert_int_equal(d.verdict, VERDICT_NOT_LOCAL);
	assert_int_equal(d.confidence, CONFIDENCE_CERTAIN);
	assert_non_null(strstr(d.why, "came back 1 time, until its TTL ran out"));
	/* without a reason the ICMP error tells */
	passed_on(&p, "eth0");
	dropped_in(&p, "ip_forward", NULL);
	assert_int_equal(diagnosis_of(&p, &h).verdict, VERDICT_KERNEL_DROP);
	p.icmp_left_ns = p.start_ns + 8000;
	p.icmp_left_type = 11;
	assert_int_equal(diagnosis_of(&p, &h).verdict, VERDICT_NOT_LOCAL);
	/* behind NAT it is on its way to a container, and no route is missing either */
	p.dnat.seen = true;
	memcpy(p.dnat.addr, p.tuple.target, 16);
	p.dnat.port = htons(8080);
	d = diagnosis_of(&p, &h);
	assert_int_equal(d.verdict, VERDICT_FORWARD_DROP);
	assert_non_null(strstr(d.why, "its TTL ran out"));
	assert_null(strstr(d.why, "no route"));
}

static void add_tproxy(struct forwarding_host *h, const char *backend, const char *text)
{
	struct host_rule *r = &h->rules.r[h->rules.n++];

	snprintf(r->backend, sizeof(r->backend), "%s", backend);
	strcpy(r->table, "mangle");
	strcpy(r->chain, "PREROUTING");
	strcpy(r->hook, "PREROUTING");
	r->kind = RULE_TPROXY;
	r->number = 2;
	r->handle = 6;
	snprintf(r->text, sizeof(r->text), "%s", text);
}

static void proxies(void **state)
{
	struct forwarding_host h;
	struct diagnosis d;
	struct probe p = { 0 };

	make_host(&h);
	add_tproxy(&h, "iptables-nft", "-p tcp -j TPROXY --on-port 3129 --on-ip 0.0.0.0 "
				       "--tproxy-mark 0x1/0x1");
	observe(&p, 0, HCT_POINT_TC_INGRESS, "eth0");
	dropped_in(&p, "ip_forward", "NOT_SPECIFIED");
	d = diagnosis_of(&p, &h);
	assert_int_equal(d.verdict, VERDICT_NOT_LOCAL);
	assert_int_equal(d.confidence, CONFIDENCE_CERTAIN);
	assert_int_equal(h.mark, 1);
	assert_string_equal(d.fix.command.text, "ip rule add fwmark 1/1 lookup 100 && "
						"ip route add local default dev lo table 100");
	h.way.mark_table = 7;
	d = diagnosis_of(&p, &h);
	assert_string_equal(d.fix.command.text, "ip route replace local default dev lo table 7");
	h.way.mark_table = 0;
	h.way.local_table = 7;
	d = diagnosis_of(&p, &h);
	assert_string_equal(d.fix.command.text, "ip rule add fwmark 1/1 lookup 7");
	/* no such rule: what the kernel disliked is not known */
	h.rules.n = 0;
	assert_int_equal(diagnosis_of(&p, &h).verdict, VERDICT_KERNEL_DROP);
	/* nftables' rule does not match where nobody listens */
	make_host(&h);
	add_tproxy(&h, "nft", "tcp dport 80 tproxy to :3129 meta mark set 0x00000001 accept");
	passed_on(&p, "eth0");
	d = diagnosis_of(&p, &h);
	assert_int_equal(d.verdict, VERDICT_NO_LISTENER);
	assert_non_null(strstr(d.why, "on port 3129, where nobody listens"));
	h.listeners.n = 1;
	h.listeners.l[0].port = 3129;
	assert_int_equal(diagnosis_of(&p, &h).verdict, VERDICT_NOT_LOCAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_texts), cmocka_unit_test(words),
		cmocka_unit_test(rounds),     cmocka_unit_test(default_route),
		cmocka_unit_test(no_hops),    cmocka_unit_test(proxies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
