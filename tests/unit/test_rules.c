// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules and what they read off call chains; whole diagnoses are in tests/cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "diagnose/nf_place.h"
#include "diagnose/rules.h"

#define SECOND UINT64_C(1000000000)

static struct settings settings_of(unsigned timeout_s)
{
	struct settings s = { .timeout_ns = timeout_s * SECOND,
			      .interval_ns = 5 * SECOND,
			      .retries = 3,
			      .n_expect = 1,
			      .expect = { { 200, 200 } } };

	return s;
}

static struct probe tcp_probe(void)
{
	struct probe p = { .start_ns = 100 * SECOND, .syn_count = 1 };

	memset(p.tuple.lb + 10, 0xff, 2);
	memset(p.tuple.target + 10, 0xff, 2);
	p.tuple.protocol = IPPROTO_TCP;
	p.tuple.target_port = htons(80);
	strcpy(p.device_in, "eth0");
	return p;
}

static struct diagnosis verdict_of(const struct probe *p, const struct settings *s,
				   const struct host *host)
{
	struct case_facts given = { .probe = p, .settings = s, .host = host };
	struct diagnosis d;

	diagnose(&given, &d);
	return d;
}

static void function_names(void **state)
{
	assert_true(function_is("ip_rcv", "ip_rcv"));
	assert_true(function_is("ip_rcv.isra.0", "ip_rcv"));
	assert_true(function_is("ip_rcv+0x1f", "ip_rcv"));
	assert_false(function_is("ip_rcv_finish", "ip_rcv"));
	assert_false(function_is("ip", "ip_rcv"));
	assert_false(function_is(NULL, "ip_rcv"));
}

static struct nf_place place_of(const char *reason, const char *function, const char *caller)
{
	struct probe_incident incident = { .seen = true,
					   .reason = reason,
					   .function = function,
					   .stack = { function, caller },
					   .stack_len = 2 };

	return nf_place(&incident);
}

static void hooks(void **state)
{
	static const struct {
		const char *caller, *hook;
	} rows[] = {
		{ "ip_local_deliver", "INPUT" },    { "ip_rcv", "PREROUTING" },
		{ "ip_sublist_rcv", "PREROUTING" }, { "__ip_local_out", "OUTPUT" },
		{ "ip_output", "POSTROUTING" },	    { "ip_forward", "FORWARD" },
		{ "ip6_input", "INPUT" },	    { "ipv6_rcv", "PREROUTING" },
		{ "ip6_xmit", "OUTPUT" },	    { "ip6_output", "POSTROUTING" },
		{ "something_else", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nf_place place = place_of("NETFILTER_DROP", "nf_hook_slow", rows[i].caller);

		assert_true(place.netfilter);
		assert_string_equal(place.hook, rows[i].hook);
	}
}

static void backends(void **state)
{
	assert_int_equal(place_of("NETFILTER_DROP", "nft_do_chain", "ip_rcv").backend,
			 NF_BACKEND_NFT);
	assert_int_equal(place_of("NETFILTER_DROP", "nf_hook_slow", "ipt_do_table").backend,
			 NF_BACKEND_LEGACY);
	assert_int_equal(place_of("NETFILTER_DROP", "nf_hook_slow", "ip_rcv").backend,
			 NF_BACKEND_UNKNOWN);
	assert_true(place_of(NULL, "nf_hook_slow", "ip_rcv").netfilter);
	assert_true(place_of("NOT_SPECIFIED", "nft_do_chain", "ip_rcv").netfilter);
	assert_false(place_of("NO_SOCKET", "nf_hook_slow", "ip_rcv").netfilter);
	assert_false(place_of(NULL, "tcp_v4_rcv", "ip_rcv").netfilter);
	assert_true(place_of(NULL, "nf_send_unreach", "reject_tg").reject);
}

/* Where a reset ends being healthy, early, or the timeout. */
static void ends(void **state)
{
	static const struct {
		uint64_t took_ms;
		unsigned timeout_s;
		bool acked, request;
		enum verdict_id verdict;
	} rows[] = {
		{ 1, 3, true, false, VERDICT_HEALTHY },
		{ 1, 3, false, false, VERDICT_HEALTHY }, /* reset straight after the SYN-ACK */
		{ 2999, 3, true, false, VERDICT_APP_SLOW }, /* it waited for a greeting */
		{ 2999, 3, false, false, VERDICT_REPLY_LOST },
		{ 3001, 3, false, false, VERDICT_REPLY_LOST },
		{ 300, 3, true, true, VERDICT_PROBE_ABORTED },
		{ 1300, 3, true, true, VERDICT_PROBE_ABORTED },
		{ 1003, 3, true, true, VERDICT_APP_SLOW }, /* a full second is a timeout */
		{ 1700, 3, true, true, VERDICT_APP_SLOW },
		{ 999, 1, true, true, VERDICT_APP_SLOW },
		{ 500, 1, true, true, VERDICT_PROBE_ABORTED },
		{ 4000, 10, true, true, VERDICT_APP_SLOW },
		{ 4500, 10, true, true, VERDICT_PROBE_ABORTED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct settings s = settings_of(rows[i].timeout_s);
		struct probe p = tcp_probe();

		p.synack_ns = p.start_ns + 30000;
		p.synack_left = 1;
		strcpy(p.device_out, "eth0");
		p.left_where_it_came = true;
		p.ack_ns = rows[i].acked ? p.start_ns + 400000 : 0;
		p.request_ns = rows[i].request ? p.start_ns + 500000 : 0;
		p.read_ns = p.accepted_ns = p.request_ns;
		p.lb_rst_ns = p.start_ns + rows[i].took_ms * 1000000;
		assert_int_equal(verdict_of(&p, &s, NULL).verdict, rows[i].verdict);
	}
}

static struct probe answered_probe(const char *answer)
{
	struct probe p = tcp_probe();

	p.synack_ns = p.start_ns + 1000;
	p.ack_ns = p.start_ns + 2000;
	p.request_ns = p.start_ns + 3000;
	p.http_request = (struct http_request){ .valid = true, .method = "GET", .path = "/" };
	p.request_bytes_len = 3;
	memcpy(p.request_bytes, "GET", 3);
	p.first_byte_ns = p.start_ns + 4000;
	p.first_bytes_len = strlen(answer);
	memcpy(p.first_bytes, answer, p.first_bytes_len);
	http_answer_feed(&p.answer, (const uint8_t *)answer, strlen(answer), &p.http_response);
	p.status_ns = p.http_response.valid ? p.first_byte_ns : 0;
	p.host_fin_ns = p.start_ns + 5000;
	return p;
}

static void answers(void **state)
{
	struct settings s = settings_of(3);
	struct probe p = answered_probe("HTTP/1.1 200 OK\r\n");

	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_HEALTHY);
	p.first_byte_ns = p.status_ns = p.start_ns + 4 * SECOND; /* after the timeout */
	p.read_ns = p.start_ns + 3500;
	p.host_fin_ns = 0;
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_APP_SLOW);
	p = answered_probe("HTTP/1.1 204 No Content\r\n");
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_HTTP_STATUS);
	s.n_expect = 0; /* then 200 to 399 */
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_HEALTHY);
	p = answered_probe("SSH-2.0-x\r\n");
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_NOT_HTTP);
	p = answered_probe("\x15\x03\x01\x01\x02\x02\x28");
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_TLS_ALERT);
	p.first_bytes_len = 0; /* not captured */
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_UNKNOWN);
}

static void absence_needs_every_event(void **state)
{
	struct settings s = settings_of(3);
	struct probe p = tcp_probe();
	struct case_facts given = { .probe = &p, .settings = &s };
	struct diagnosis d;

	p.synack_ns = p.start_ns + 1000;
	p.synack_left = 2;
	strcpy(p.device_out, "eth0");
	p.left_where_it_came = true;
	diagnose(&given, &d);
	assert_int_equal(d.verdict, VERDICT_REPLY_LOST);
	assert_int_equal(d.confidence, CONFIDENCE_CERTAIN);
	given.unattached = POINT_BIT(TC_INGRESS);
	diagnose(&given, &d);
	assert_int_equal(d.verdict, VERDICT_UNKNOWN);
	assert_non_null(strstr(d.why, "reply-lost"));
	assert_non_null(strstr(d.why, "tc-ingress"));
	given.unattached = 0;
	p.missing = 2;
	diagnose(&given, &d);
	assert_int_equal(d.verdict, VERDICT_UNKNOWN);
	assert_int_equal(d.outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(d.why, "2 of its events were lost"));
	given.cut_short = true;
	p.missing = 0;
	diagnose(&given, &d);
	assert_int_equal(d.verdict, VERDICT_UNKNOWN);
}

static int owner_is(void *ctx, const struct hct_tuple *tuple, struct host_process *out)
{
	memset(out, 0, sizeof(*out));
	return *(int *)ctx;
}

static void who_owns_it(void **state)
{
	static const struct {
		int answer;
		enum verdict_id verdict;
		enum confidence confidence;
	} rows[] = {
		{ -ENOENT, VERDICT_APP_NOT_ACCEPTING, CONFIDENCE_LIKELY },
		{ 0, VERDICT_APP_SLOW, CONFIDENCE_LIKELY },
		{ -ENODATA, VERDICT_APP_SLOW, CONFIDENCE_GUESS },
		{ -EACCES, VERDICT_APP_SLOW, CONFIDENCE_GUESS },
	};
	const struct host_ops ops = { .owner = owner_is };
	struct settings s = settings_of(3);
	struct probe p = tcp_probe();

	p.synack_ns = p.start_ns + 1000;
	p.ack_ns = p.start_ns + 2000;
	p.established_ns = p.start_ns + 2000;
	p.request_ns = p.start_ns + 3000;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int answer = rows[i].answer;
		struct host host = { &ops, &answer };
		struct diagnosis d = verdict_of(&p, &s, &host);

		assert_int_equal(d.verdict, rows[i].verdict);
		assert_int_equal(d.confidence, rows[i].confidence);
	}
}

/* Texts are cut, never overrun: the longest of everything at once. */
static void long_words(void **state)
{
	struct settings s = settings_of(3);
	struct probe p = answered_probe("HTTP/1.1 503 x\r\n");
	struct diagnosis d;

	memset(p.http_request.path, 'p', sizeof(p.http_request.path) - 1);
	memset(p.http_request.host, 'h', sizeof(p.http_request.host) - 1);
	memset(p.http_response.location, 'l', sizeof(p.http_response.location) - 1);
	memset(p.comm, 'c', sizeof(p.comm) - 1);
	p.has_process = true;
	p.pid = UINT32_MAX;
	s.n_expect = MAX_EXPECT;
	for (size_t i = 0; i < MAX_EXPECT; i++)
		s.expect[i] = (struct code_range){ 200, 299 };
	d = verdict_of(&p, &s, NULL);
	assert_int_equal(d.verdict, VERDICT_HTTP_STATUS);
	assert_true(strlen(d.why) < sizeof(d.why));
	assert_false(fix_is_empty(&d.fix));
}

/* The same drop is another thing on the way through, in a container, and of a reply. */
static void forwarding(void **state)
{
	static const struct {
		const char *reason, *function, *caller;
		bool dnat, inside, reply;
		enum verdict_id verdict;
	} rows[] = {
		{ "NETFILTER_DROP", "nf_hook_slow", "ip_forward", true, false, false,
		  VERDICT_FORWARD_DROP },
		{ "NETFILTER_DROP", "nf_hook_slow", "ip_forward", false, false, false,
		  VERDICT_FORWARD_DROP },
		{ "NETFILTER_DROP", "nf_hook_slow", "ip_forward", true, true, false,
		  VERDICT_FIREWALL_DROP },
		{ "NETFILTER_DROP", "nf_hook_slow", "ip_forward", true, false, true,
		  VERDICT_REPLY_DROPPED },
		{ "NETFILTER_DROP", "nf_hook_slow", "ip_local_deliver", true, false, false,
		  VERDICT_FIREWALL_DROP },
		{ "IP_INADDRERRORS", "ip_error", "ip_rcv", true, false, false,
		  VERDICT_FORWARD_DROP },
		{ "IP_INADDRERRORS", "ip_error", "ip_rcv", false, false, false, VERDICT_NOT_LOCAL },
		{ "IP_INNOROUTES", "ip_error", "ip_rcv", true, false, true, VERDICT_NO_ROUTE_BACK },
		{ "NEIGH_FAILED", "neigh_invalidate", "neigh_timer_handler", true, false, false,
		  VERDICT_FORWARD_DROP },
		{ "NEIGH_FAILED", "neigh_invalidate", "neigh_timer_handler", true, false, true,
		  VERDICT_GATEWAY_UNREACHABLE },
	};
	struct settings s = settings_of(3);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe p = tcp_probe();
		struct diagnosis d;

		p.dnat.seen = rows[i].dnat;
		p.dnat.port = htons(8080);
		strcpy(p.dnat.device, "docker0");
		p.drop = (struct probe_incident){ .seen = true,
						  .reply = rows[i].reply,
						  .inside = rows[i].inside,
						  .time_ns = p.start_ns + 10,
						  .reason = rows[i].reason,
						  .function = rows[i].function,
						  .stack = { rows[i].function, rows[i].caller },
						  .stack_len = 2,
						  .packet.tcp_flags = HCT_TCP_SYN };
		d = verdict_of(&p, &s, NULL);
		assert_int_equal(d.verdict, rows[i].verdict);
		assert_int_equal(d.confidence, CONFIDENCE_CERTAIN);
		assert_true(d.why[0] && !fix_is_empty(&d.fix));
	}
}

/* A reply with another source matters while none has the right one. */
static void rewritten(void **state)
{
	struct settings s = settings_of(3);
	struct probe p = tcp_probe();

	p.snat.seen = true;
	p.synack_retransmits = 1;
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_REPLY_REWRITTEN);
	p.ack_ns = p.start_ns + 10;
	p.lb_rst_ns = p.start_ns + 20;
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_HEALTHY);
	p = tcp_probe();
	p.tuple.protocol = IPPROTO_UDP;
	p.snat.seen = true;
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_REPLY_REWRITTEN);
	assert_int_equal(verdict_of(&p, &s, NULL).confidence, CONFIDENCE_LIKELY);
	assert_int_equal(verdict_of(&p, &s, NULL).outcome, OUTCOME_PASS);
	p.reply_ns = p.start_ns + 10;
	assert_int_equal(verdict_of(&p, &s, NULL).verdict, VERDICT_HEALTHY);
}

/* A handshake is a whole check only when no event is missing that could have been its request. */
static void a_handshake_with_lost_events(void **state)
{
	static const struct {
		unsigned missing;
		bool lossy, ended;
		enum verdict_id verdict;
	} rows[] = {
		{ 0, false, true, VERDICT_HEALTHY },
		{ 0, true, true, VERDICT_HEALTHY }, /* the losses were others' */
		{ 0, true, false, VERDICT_UNKNOWN },
		{ 1, false, true, VERDICT_UNKNOWN },
		{ 1, true, true, VERDICT_UNKNOWN },
	};
	struct settings s = settings_of(3);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe p = tcp_probe();
		struct diagnosis d;

		p.synack_ns = p.start_ns + 1000;
		p.ack_ns = p.established_ns = p.start_ns + 2000;
		p.lb_rst_ns = rows[i].ended ? p.start_ns + 3000 : 0;
		p.missing = rows[i].missing;
		p.lossy = rows[i].lossy;
		d = verdict_of(&p, &s, NULL);
		assert_int_equal(d.verdict, rows[i].verdict);
		assert_int_equal(d.confidence, d.verdict == VERDICT_UNKNOWN ? CONFIDENCE_GUESS
									   : CONFIDENCE_CERTAIN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_with_lost_events),
		cmocka_unit_test(function_names), cmocka_unit_test(hooks),
		cmocka_unit_test(backends),	  cmocka_unit_test(ends),
		cmocka_unit_test(answers),	  cmocka_unit_test(absence_needs_every_event),
		cmocka_unit_test(who_owns_it),	  cmocka_unit_test(long_words),
		cmocka_unit_test(forwarding),	  cmocka_unit_test(rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
