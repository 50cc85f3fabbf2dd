// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports of nftables' trace: messages as the kernel sends them, observations out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/case_obs.h"
#include "stream/names.h"
#include "trace/nft_report.h"

#define LB "\x64\x7d\x0a\x05" /* 100.125.10.5 */
#define TARGET "\xc0\xa8\x00\x0a" /* 192.168.0.10 */
#define SYN_LEN 60

/* One report; what is NULL or 0 is left out. */
struct report {
	uint32_t id;
	uint32_t type;
	uint8_t family;
	const char *table, *chain;
	uint64_t handle;
	const int32_t *verdict, *policy;
	const uint8_t *network, *transport;
	size_t network_len, transport_len;
	uint32_t iif, oif;
};

static char buffer[1024] __attribute__((aligned(8)));
static struct prefix range;
static struct nft_reports reports;
static struct obs o;
static uint32_t ifindex;

static const int32_t drop = NF_DROP, let_in = NF_ACCEPT, go_on = NFT_CONTINUE, jump = NFT_JUMP,
		     queue = NF_QUEUE | 7 << 16 | NF_VERDICT_FLAG_QUEUE_BYPASS;

static const struct nlmsghdr *message(const struct report *r)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;
	struct nlattr *nest;

	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE;
	nfg = mnl_nlmsg_put_extra_header(h, sizeof(*nfg));
	nfg->nfgen_family = r->family ? r->family : NFPROTO_INET;
	mnl_attr_put_u32(h, NFTA_TRACE_ID, htonl(r->id));
	mnl_attr_put_u32(h, NFTA_TRACE_TYPE, htonl(r->type));
	mnl_attr_put_strz(h, NFTA_TRACE_TABLE, r->table ? r->table : "guard");
	mnl_attr_put_strz(h, NFTA_TRACE_CHAIN, r->chain ? r->chain : "input");
	if (r->handle)
		mnl_attr_put_u64(h, NFTA_TRACE_RULE_HANDLE, htobe64(r->handle));
	if (r->verdict) {
		nest = mnl_attr_nest_start(h, NFTA_TRACE_VERDICT);
		mnl_attr_put_u32(h, NFTA_VERDICT_CODE, htonl((uint32_t)*r->verdict));
		if (*r->verdict == NFT_JUMP)
			mnl_attr_put_strz(h, NFTA_VERDICT_CHAIN, "elsewhere");
		mnl_attr_nest_end(h, nest);
	}
	if (r->policy)
		mnl_attr_put_u32(h, NFTA_TRACE_POLICY, htonl((uint32_t)*r->policy));
	if (r->iif)
		mnl_attr_put_u32(h, NFTA_TRACE_IIF, htonl(r->iif));
	if (r->oif)
		mnl_attr_put_u32(h, NFTA_TRACE_OIF, htonl(r->oif));
	if (r->network)
		mnl_attr_put(h, NFTA_TRACE_NETWORK_HEADER, r->network_len, r->network);
	if (r->transport)
		mnl_attr_put(h, NFTA_TRACE_TRANSPORT_HEADER, r->transport_len, r->transport);
	return h;
}

static bool take(const struct report *r)
{
	return nft_report_take(&reports, message(r), &range, 1, &o, &ifindex);
}

static uint8_t *ipv4(uint8_t out[20], uint8_t protocol, const char *src, const char *dst,
		     uint16_t len)
{
	memset(out, 0, 20);
	out[0] = 0x45;
	out[2] = len >> 8;
	out[3] = len & 0xff;
	out[9] = protocol;
	memcpy(out + 12, src, 4);
	memcpy(out + 16, dst, 4);
	return out;
}

static uint8_t *tcp(uint8_t out[20], uint16_t src, uint16_t dst, uint8_t flags)
{
	memset(out, 0, 20);
	out[0] = src >> 8;
	out[1] = src & 0xff;
	out[2] = dst >> 8;
	out[3] = dst & 0xff;
	out[7] = 1; /* sequence number 1 */
	out[12] = 0xa0; /* ten words: 40 bytes with its options */
	out[13] = flags;
	return out;
}

static int fresh(void **state)
{
	memset(&reports, 0, sizeof(reports));
	return prefix_parse(&range, "100.125.0.0/16");
}

static void an_address(const uint8_t addr[16], const char *text)
{
	char found[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, addr, found, sizeof(found)));
	assert_string_equal(found, text);
}

static struct report syn(uint8_t network[20], uint8_t transport[20])
{
	return (struct report){ .id = 7,
				.type = NFT_TRACETYPE_RULE,
				.handle = 12,
				.verdict = &drop,
				.network = ipv4(network, IPPROTO_TCP, LB, TARGET, SYN_LEN),
				.network_len = 20,
				.transport = tcp(transport, 40122, 80, HCT_TCP_SYN),
				.transport_len = 20,
				.iif = 2 };
}

static void a_rule_dropped(void **state)
{
	uint8_t network[20], transport[20];
	struct report r = syn(network, transport);

	assert_true(take(&r));
	assert_int_equal(o.point, HCT_POINT_NFT_TRACE);
	assert_int_equal(o.flow_id, 0);
	assert_false(o.reply);
	an_address(o.tuple.lb, "::ffff:100.125.10.5");
	an_address(o.tuple.target, "::ffff:192.168.0.10");
	assert_int_equal(ntohs(o.tuple.lb_port), 40122);
	assert_int_equal(ntohs(o.tuple.target_port), 80);
	assert_int_equal(o.tuple.protocol, IPPROTO_TCP);
	assert_int_equal(o.packet.tcp_flags, HCT_TCP_SYN);
	assert_int_equal(o.packet.seq, 1);
	assert_int_equal(o.packet.payload_len, 0);
	assert_string_equal(o.rule.family, "inet");
	assert_string_equal(o.rule.table, "guard");
	assert_string_equal(o.rule.chain, "input");
	assert_int_equal(o.rule.handle, 12);
	assert_string_equal(o.rule.verdict, "drop");
	assert_int_equal(ifindex, 2);
}

/* A counter ahead of the drop takes the headers; a policy has no handle. */
static void headers_come_once(void **state)
{
	uint8_t network[20], transport[20];
	struct report first = syn(network, transport);
	struct report then = { .id = 7, .type = NFT_TRACETYPE_RULE, .handle = 13, .verdict = &jump };
	struct report end = { .id = 7, .type = NFT_TRACETYPE_POLICY, .handle = 13, .policy = &drop };
	struct report other = { .id = 8, .type = NFT_TRACETYPE_RULE, .handle = 1, .verdict = &drop };

	first.verdict = &go_on;
	assert_true(take(&first));
	assert_string_equal(o.rule.verdict, "continue");
	assert_false(take(&then));
	assert_true(take(&end));
	assert_string_equal(o.rule.verdict, "drop");
	assert_int_equal(o.rule.handle, 0);
	assert_int_equal(ntohs(o.tuple.lb_port), 40122);
	assert_false(take(&other)); /* whose packet is not known */
}

/* Behind the DNAT, the next chain reports the new address; then a number is used again. */
static void last_headers_count(void **state)
{
	uint8_t network[20], transport[20];
	struct report r = syn(network, transport);
	struct report late = { .id = 7, .type = NFT_TRACETYPE_RULE, .handle = 3, .verdict = &drop };

	assert_true(take(&r));
	r.network = ipv4(network, IPPROTO_TCP, LB, "\xac\x11\x00\x02", SYN_LEN);
	r.verdict = &let_in;
	assert_true(take(&r));
	an_address(o.tuple.target, "::ffff:172.17.0.2");
	assert_true(take(&late));
	an_address(o.tuple.target, "::ffff:172.17.0.2");
	r.network = ipv4(network, IPPROTO_TCP, "\x0a\x00\x00\x01", "\x0a\x00\x00\x02", SYN_LEN);
	assert_false(take(&r));
	assert_false(take(&late));
}

static void replies(void **state)
{
	uint8_t network[20], transport[20];
	struct report r = syn(network, transport);

	r.network = ipv4(network, IPPROTO_TCP, TARGET, LB, SYN_LEN);
	r.transport = tcp(transport, 80, 40122, HCT_TCP_SYN | HCT_TCP_ACK);
	r.verdict = &queue;
	r.iif = 0;
	r.oif = 3;
	assert_true(take(&r));
	assert_true(o.reply);
	assert_string_equal(o.rule.verdict, "queue");
	an_address(o.tuple.lb, "::ffff:100.125.10.5");
	assert_int_equal(ntohs(o.tuple.lb_port), 40122);
	assert_int_equal(ntohs(o.tuple.target_port), 80);
	assert_int_equal(ifindex, 3);
}

static void datagrams_and_echoes(void **state)
{
	static const uint8_t udp[8] = { 0x9c, 0xba, 0x14, 0xb4, 0, 20 };
	static const uint8_t echo[8] = { 8, 0, 0, 0, 0x12, 0x34, 0, 5 };
	static const uint8_t unreachable[8] = { 3, 3 };
	uint8_t network[20];
	struct report r = { .id = 9, .type = NFT_TRACETYPE_RULE, .verdict = &drop, .handle = 1,
			    .network = network, .network_len = 20, .transport = udp,
			    .transport_len = sizeof(udp) };

	ipv4(network, IPPROTO_UDP, LB, TARGET, 40);
	assert_true(take(&r));
	assert_int_equal(ntohs(o.tuple.target_port), 5300);
	assert_int_equal(o.packet.payload_len, 12);
	ipv4(network, IPPROTO_ICMP, LB, TARGET, 84);
	r.transport = echo;
	assert_true(take(&r));
	assert_int_equal(ntohs(o.tuple.lb_port), 0x1234);
	assert_int_equal(ntohs(o.tuple.target_port), 5);
	r.transport = unreachable;
	assert_false(take(&r));
}

static void ipv6(void **state)
{
	uint8_t network[40] = { 0x60, 0, 0, 0, 0, 40, IPPROTO_TCP, 64 }, transport[20];
	struct report r = { .id = 1, .type = NFT_TRACETYPE_POLICY, .policy = &drop,
			    .family = NFPROTO_IPV6, .network = network, .network_len = 40,
			    .transport = tcp(transport, 40122, 80, HCT_TCP_SYN),
			    .transport_len = 20 };

	assert_int_equal(prefix_parse(&range, "fd00:100:125::/64"), 0);
	assert_int_equal(inet_pton(AF_INET6, "fd00:100:125::5", network + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, "fd00:192:168::10", network + 24), 1);
	assert_true(take(&r));
	assert_string_equal(o.rule.family, "ip6");
	an_address(o.tuple.lb, "fd00:100:125::5");
	an_address(o.tuple.target, "fd00:192:168::10");
}

/* hctrace's own chains, other packets, cut ones, fragments, and what is no report at all. */
static void of_no_use(void **state)
{
	uint8_t network[20], transport[20];
	struct report r = syn(network, transport);
	struct nlmsghdr *h;

	r.table = "hctrace_4711";
	assert_false(take(&r));
	r.table = NULL;
	r.type = NFT_TRACETYPE_RETURN;
	assert_false(take(&r));
	r.type = NFT_TRACETYPE_UNSPEC;
	assert_false(take(&r));
	r.type = NFT_TRACETYPE_RULE;
	r.verdict = NULL;
	assert_false(take(&r));
	r.verdict = &drop;
	r.network_len = 19;
	assert_false(take(&r));
	r.network_len = 20;
	r.transport_len = 19;
	assert_false(take(&r));
	r.transport_len = 0;
	r.transport = NULL;
	assert_false(take(&r));
	r = syn(network, transport);
	network[7] = 1; /* the second piece of a fragmented packet */
	assert_false(take(&r));
	network[7] = 0;
	network[9] = 132;
	assert_false(take(&r));
	network[9] = IPPROTO_TCP;
	assert_true(take(&r));
	h = (struct nlmsghdr *)message(&r);
	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
	assert_false(nft_report_take(&reports, h, &range, 1, &o, &ifindex));
	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE;
	h->nlmsg_len = NLMSG_HDRLEN + 2;
	assert_false(nft_report_take(&reports, h, &range, 1, &o, &ifindex));
}

/* Whatever a byte of a message is, nothing is read that is not there. */
static void damaged(void **state)
{
	uint8_t network[20], transport[20];
	struct report r = syn(network, transport);
	size_t len = message(&r)->nlmsg_len;

	for (size_t i = NLMSG_HDRLEN; i < len; i++)
		for (unsigned value = 0; value < 256; value += 5) {
			struct nlmsghdr *h = malloc(len);

			memcpy(h, message(&r), len);
			((uint8_t *)h)[i] = (uint8_t)value;
			nft_report_take(&reports, h, &range, 1, &o, &ifindex);
			free(h);
		}
}

static void through_a_case_file(void **state)
{
	uint8_t network[20], transport[20], payload[HCT_PAYLOAD_MAX];
	struct report r = syn(network, transport);
	char *text = NULL, cut[] = "t=1 point=nft-trace family=ip table=filter verdict=drop";
	const char *bad;
	size_t len;
	struct obs back;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_true(take(&r));
	o.time_ns = 1500;
	o.netns = 4026532001;
	case_put_obs(out, &o, 1000);
	fclose(out);
	assert_non_null(strstr(text, " point=nft-trace "));
	assert_non_null(strstr(text, " family=inet table=guard chain=input handle=12 verdict=drop"));
	assert_int_equal(case_get_obs(text, 1000, &back, payload, &bad), 0);
	assert_memory_equal(&back, &o, sizeof(o));
	free(text);
	assert_int_not_equal(case_get_obs(cut, 1000, &back, payload, &bad), 0);
}

static int forget_names(void **state)
{
	names_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_rule_dropped, fresh),
		cmocka_unit_test_setup(headers_come_once, fresh),
		cmocka_unit_test_setup(last_headers_count, fresh),
		cmocka_unit_test_setup(replies, fresh),
		cmocka_unit_test_setup(datagrams_and_echoes, fresh),
		cmocka_unit_test_setup(ipv6, fresh),
		cmocka_unit_test_setup(of_no_use, fresh),
		cmocka_unit_test_setup(damaged, fresh),
		cmocka_unit_test_setup(through_a_case_file, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, forget_names);
}
