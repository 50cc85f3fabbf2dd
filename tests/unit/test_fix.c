// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What helps: a command only where it is whole, and nobody else is let in by it. */
#include "made_up.h"

#include "bundle/redact.h"
#include "stream/case_host.h"
#include "diagnose/verdict/route.h"

/* A host with one answer to each of the questions that fixes rest on. */
struct answers {
	struct host host;
	struct host_gateway gateway;
	struct host_wrappers wrappers;
	struct host_route route; /* without a device: not known */
	int64_t sysctl;
};

static int route_back(void *ctx, const uint8_t target[16], const uint8_t lb[16],
		      struct host_route *out)
{
	*out = ((struct answers *)ctx)->route;
	return out->device[0] ? 0 : -ENODATA;
}

static int gateway(void *ctx, const uint8_t target[16], const uint8_t lb[16], const char *device,
		   struct host_gateway *out)
{
	*out = ((struct answers *)ctx)->gateway;
	return 0;
}

static int wrappers(void *ctx, uint32_t pid, const char *daemon, const uint8_t client[16],
		    struct host_wrappers *out)
{
	*out = ((struct answers *)ctx)->wrappers;
	return 0;
}

static int sysctl(void *ctx, const char *name, int64_t *out)
{
	*out = ((struct answers *)ctx)->sysctl;
	return 0;
}

static const struct host_ops answers_ops = { .gateway = gateway, .wrappers = wrappers,
					     .sysctl = sysctl, .route_back = route_back };

static struct probe syn(void)
{
	struct probe p = { .start_ns = 100 * SECOND, .syn_count = 1, .netns = 1 };

	set_tuple(&p.tuple, IPPROTO_TCP);
	strcpy(p.device_in, "eth0");
	return p;
}

/* What VERDICT reports of P at a host with these answers. */
static struct fix fix_of(const struct verdict *verdict, const struct probe *p, struct answers *a)
{
	struct settings s = settings();
	struct case_facts given = { .probe = p, .settings = &s, .host = &a->host };
	struct diagnosis d = { 0 };
	struct facts f;

	a->host = (struct host){ &answers_ops, a };
	facts_derive(&f, &given);
	verdict->rule.report(&f, &d);
	return d.fix;
}

static void set_v4(uint8_t out[16], uint8_t a, uint8_t b, uint8_t c, uint8_t e)
{
	memset(out, 0, 16);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, (uint8_t[]){ a, b, c, e }, 4);
}

#define ROUTE "ip route add 100.125.0.0/16 via 192.168.0.1 dev eth0"

static void a_way_back(void **state)
{
	static const struct {
		const char *what;
		uint32_t routers, table, denials, len;
		bool by_rule, otherwise; /* it asks for more than a destination */
		const char *command;
	} rows[] = {
		{ "one router", 1, 0, 0, 0, false, false, ROUTE },
		{ "a rule's table", 1, 7, 0, 0, false, false, ROUTE " table 7" },
		{ "no router", 0, 0, 0, 0, false, false, "" },
		{ "two routers", 2, 0, 0, 0, false, false, "" },
		{ "the range is banned", 1, 0, 1, 16, false, false,
		  "ip route del blackhole 100.125.0.0/16 table 9 && " ROUTE },
		{ "and no router", 0, 0, 1, 16, false, false,
		  "ip route del blackhole 100.125.0.0/16 table 9" },
		{ "a part of it is", 1, 0, 1, 24, false, false,
		  "ip route del blackhole 100.125.0.0/24 table 9" },
		{ "more is", 1, 0, 1, 8, false, false, ROUTE " table 9" },
		{ "more, behind a rule's table", 1, 7, 1, 8, false, false, ROUTE " table 9" },
		{ "more, and no router", 0, 0, 1, 8, false, false, "" },
		{ "two bans", 1, 0, 2, 16, false, false, "" },
		{ "by a rule", 1, 0, 1, 16, true, false,
		  "ip rule del priority 50 to 100.125.0.0/16 blackhole" },
		{ "by a rule for more", 1, 0, 1, 8, true, false, "" },
		{ "by a rule on marks, too", 1, 0, 1, 16, true, true, "" },
	};
	struct probe p = syn();

	p.route_failed = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answers a = { .gateway = { .n = rows[i].routers, .table = rows[i].table,
						  .n_denials = rows[i].denials } };
		struct host_denial *denial = &a.gateway.denial;
		struct fix fix;

		set_v4(a.gateway.addr, 192, 168, 0, 1);
		*denial = (struct host_denial){ .type = "blackhole", .by_rule = rows[i].by_rule,
						.priority = 50, .table = 9,
						.only_destination = !rows[i].otherwise,
						.prefix_len = rows[i].len };
		set_v4(denial->prefix, 100, rows[i].len > 8 ? 125 : 0, 0, 0);
		fix = fix_of(&verdict_no_route_back, &p, &a);
		if (strcmp(fix.command.text, rows[i].command) != 0)
			fail_msg("%s: %s", rows[i].what, fix.command.text);
		assert_true(fix.advice[0]);
		assert_true(fix.command.text[0] || fix.show.text[0]);
	}
}

/* A command of IPv6 is two words more: no word of it may be in quotes. */
static void a_way_back_of_ipv6(void **state)
{
	static const uint8_t router[16] = { 0xfe, 0x80, [15] = 1 };
	struct probe p = syn();

	for (int i = 0; i < 4; i++) {
		struct answers a = { .gateway = { .n = 1, .free_table = 100, .n_denials = i == 2 || i == 3 } };
		struct host_denial *denial = &a.gateway.denial;
		struct fix fix;

		memcpy(a.gateway.addr, router, 16);
		memcpy(p.tuple.lb, (uint8_t[16]){ 0x20, 1, 0xd, 0xb8, [15] = 5 }, 16);
		memcpy(p.tuple.target, (uint8_t[16]){ 0x20, 1, 0xd, 0xb8, 1, [15] = 9 }, 16);
		*denial = (struct host_denial){ .type = "prohibit", .by_rule = i == 3, .priority = 50,
						.table = 9, .only_destination = true, .prefix_len = 128 };
		memcpy(denial->prefix, p.tuple.lb, 16);
		strcpy(p.device_out, "eth1");
		p.route_failed = i > 0;
		fix = fix_of(i ? &verdict_no_route_back : &verdict_wrong_interface, &p, &a);
		if (strncmp(fix.command.text, "ip -6 ", 6) != 0 || strchr(fix.command.text, '\''))
			fail_msg("%d: %s", i, fix.command.text);
		if (i == 0)
			assert_non_null(strstr(fix.command.text, " && ip -6 rule add from "));
	}
}

/* The filter stays strict where a way of its own for the range can be made. */
static void a_way_that_the_filter_asks_for(void **state)
{
	static const struct {
		uint32_t routers, table, free_table;
		const char *command;
	} rows[] = {
		{ 1, 0, 100, "ip route replace 100.125.0.0/16 via 192.168.0.1 dev eth0 table 100 && "
			     "ip rule add from 192.168.0.10 table 100" },
		{ 1, 7, 100, "ip route replace 100.125.0.0/16 via 192.168.0.1 dev eth0 table 7" },
		{ 1, 0, 0, "sysctl -w net.ipv4.conf.eth0.rp_filter=2" },
		{ 2, 0, 100, "sysctl -w net.ipv4.conf.eth0.rp_filter=2" },
		{ 0, 0, 100, "sysctl -w net.ipv4.conf.eth0.rp_filter=2" },
	};
	struct probe p = syn();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answers a = { .sysctl = 1, .gateway = { .n = rows[i].routers, .table = rows[i].table,
							       .free_table = rows[i].free_table } };
		struct fix fix;

		set_v4(a.gateway.addr, 192, 168, 0, 1);
		strcpy(a.route.device, "eth1");
		fix = fix_of(&verdict_rp_filter, &p, &a);
		if (strcmp(fix.command.text, rows[i].command) != 0)
			fail_msg("%zu: %s", i, fix.command.text);
		assert_int_equal(!strstr(fix.advice, "for all sources"), !strstr(fix.command.text, "sysctl"));
	}
}

/* A reply that never left, dropped for the next hop 192.168.0.LAST; 0: which is not known. */
static struct probe undelivered(uint8_t last)
{
	struct probe p = syn();

	p.drop = (struct probe_incident){ .seen = true, .reply = true, .reason = "NEIGH_FAILED",
					  .packet.tcp_flags = HCT_TCP_SYN | HCT_TCP_ACK };
	if (last)
		set_v4(p.drop.next_hop, 192, 168, 0, last);
	p.has_route = p.has_good_route = true;
	p.good_route.several = true;
	p.good_route.has_gateway = true;
	set_v4(p.good_route.gateway, 192, 168, 0, 1);
	strcpy(p.good_route_device, "eth0");
	return p;
}

/* The route as asked afterwards has two next hops in these states; NULL: one alone, .1. */
static struct answers two_hops(const char *first, const char *second)
{
	struct answers a = { .gateway = { .n = 2, .found_table = 254 } };

	strcpy(a.route.device, "eth0");
	strcpy(a.route.neighbour, first);
	a.route.has_gateway = true;
	set_v4(a.route.gateway, 192, 168, 0, 1);
	a.route.n = second ? 2 : 0;
	for (size_t i = 0; i < a.route.n; i++) {
		struct host_hop *hop = &a.route.hop[i];

		hop->has_gateway = true;
		set_v4(hop->gateway, 192, 168, 0, i ? 99 : 1);
		strcpy(hop->device, "eth0");
		strcpy(hop->neighbour, i ? second : first);
	}
	return a;
}

#define OVER(router) "ip route replace 100.125.0.0/16 via 192.168.0." router " dev eth0"

static void a_next_hop(void **state)
{
	static const struct {
		const char *what;
		uint8_t dropped; /* the drop's next hop, 0 not known */
		const char *first, *second; /* their states, asked afterwards */
		const char *says, *says_too, *command;
		bool likely;
	} rows[] = {
		{ "the drop tells", 99, "REACHABLE", "FAILED", "the next hop 192.168.0.99 on eth0 of the",
		  "(neighbour state FAILED)", OVER("1"), false },
		{ "and the first", 1, "INCOMPLETE", "STALE", "the next hop 192.168.0.1 on eth0 of the",
		  "(neighbour state INCOMPLETE)", OVER("99"), false },
		{ "it is back by now", 99, "REACHABLE", "REACHABLE", "the next hop 192.168.0.99",
		  "did not answer ARP; asked afterwards, its neighbour state is REACHABLE", OVER("1"),
		  false },
		{ "the neighbours tell", 0, "REACHABLE", "FAILED", "the next hop 192.168.0.99",
		  "multipath", OVER("1"), false },
		{ "they do not", 0, "REACHABLE", "STALE", "one of the next hops", "cannot tell any more",
		  OVER("1"), true },
		{ "both fail", 0, "FAILED", "FAILED", "one of the next hops", "192.168.0.1 on eth0, "
		  "192.168.0.99 on eth0", "", true },
		{ "another route by now", 99, "REACHABLE", NULL, "the gateway 192.168.0.99",
		  "does not answer ARP.", "", false },
		{ "and which is not known", 0, "REACHABLE", NULL, "one of the next hops", "multipath", "",
		  true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answers a = two_hops(rows[i].first, rows[i].second);
		struct probe p = undelivered(rows[i].dropped);
		struct settings s = settings();
		struct case_facts given = { .probe = &p, .settings = &s, .host = &a.host };
		struct diagnosis d;

		a.host = (struct host){ &answers_ops, &a };
		diagnose(&given, &d);
		assert_int_equal(d.verdict, VERDICT_GATEWAY_UNREACHABLE);
		if (!strstr(d.why, rows[i].says) || !strstr(d.why, rows[i].says_too) ||
		    strcmp(d.fix.command.text, rows[i].command) != 0 ||
		    (d.confidence == CONFIDENCE_LIKELY) != rows[i].likely)
			fail_msg("%s: %s | %s | %d", rows[i].what, d.why, d.fix.command.text,
				 d.confidence);
		assert_true(d.fix.advice[0]);
	}
}

/* One gateway alone is named as ever, whatever became of it since. */
static void one_gateway(void **state)
{
	struct answers a = two_hops("FAILED", NULL);
	struct probe p = undelivered(0);
	struct fix fix;

	p.good_route.several = false;
	fix = fix_of(&verdict_gateway_unreachable, &p, &a);
	assert_string_equal(fix.advice, "Correct the gateway of the route back, or bring the gateway up.");
	assert_string_equal(fix.command.text, "");
	assert_string_equal(fix.show.text, "ip route get 100.125.10.5");
}

/* What answers do not come from is not guessed. */
static void no_device(void **state)
{
	struct answers a = { .gateway = { .n = 1 } };
	struct probe p = syn();
	struct fix fix;

	p.route_failed = true;
	p.device_in[0] = '\0';
	fix = fix_of(&verdict_no_route_back, &p, &a);
	assert_string_equal(fix.command.text, "");
	assert_non_null(strstr(fix.advice, "the interface"));
	assert_string_equal(fix_of(&verdict_not_local, &p, &a).command.text, "");
}

static void a_daemon_by_name(void **state)
{
	static const struct {
		const char *daemon;
		bool command;
	} rows[] = {
		{ "sshd", true }, { "http_once.sh", true }, { "in.tftpd", true }, { "vsftpd-2", true },
		{ "ALL", false }, { "all", false }, { "EXCEPT", false }, { "LOCAL", false },
		{ "Known", false }, { "UNKNOWN", false }, { "PARANOID", false }, { "", false },
		{ ".evil", false }, { "evil.", false }, { "@group", false }, { "-x", false },
		{ "a b", false }, { "a:b", false }, { "a,b", false }, { "*", false }, { "a'$(id)", false },
		{ "a\nALL", false }, { "/etc/x", false },
		{ "abcdefghijklmnopqrstuvwxyz01234", false }, /* it may go on */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answers a = { .wrappers = { .file = "/etc/hosts.deny", .line = 2, .text = "ALL: ALL" } };
		struct probe p = syn();
		char wanted[160] = "";
		struct fix fix;

		p.established_ns = p.synack_ns = p.ack_ns = p.start_ns + 1;
		p.has_libwrap = true;
		strcpy(p.libwrap.daemon, rows[i].daemon);
		if (rows[i].command)
			snprintf(wanted, sizeof(wanted),
				 "printf '\\n%%s\\n' '%s: 100.125.0.0/16' >>/etc/hosts.allow",
				 rows[i].daemon);
		fix = fix_of(&verdict_tcp_wrappers, &p, &a);
		assert_string_equal(fix.command.text, wanted);
		assert_true(fix.advice[0]);
		strcpy(a.wrappers.file, "/etc/hosts.allow");
		fix = fix_of(&verdict_tcp_wrappers, &p, &a);
		snprintf(wanted, sizeof(wanted), "old=$(cat /etc/hosts.allow) && printf '%%s\\n' '%s: 100.125.0.0/16' "
			 "\"$old\" >/etc/hosts.allow", rows[i].daemon);
		assert_string_equal(fix.command.text, rows[i].command ? wanted : "");
	}
}

static void a_request_or_none(void **state)
{
	struct answers a = { 0 };
	struct probe p = syn();

	strcpy(p.http_request.method, "GET");
	strcpy(p.http_request.path, "/a'b?c=[1]");
	strcpy(p.http_request.host, "x\n");
	p.http_request.valid = p.http_response.valid = true;
	p.http_response.status = 503;
	assert_string_equal(fix_of(&verdict_http_status, &p, &a).show.text,
			    "curl -gi -H $'Host:\\040x\\012' http://192.168.0.10:80'/a'\\''b?c=[1]'");
	strcpy(p.http_request.method, "HEAD");
	p.http_request.host[0] = '\0';
	strcpy(p.http_request.path, "/");
	assert_string_equal(fix_of(&verdict_http_status, &p, &a).show.text,
			    "curl -gI http://192.168.0.10:80/");
	/* what is cut, or is no path, would be another request */
	memset(p.http_request.path, 'p', sizeof(p.http_request.path) - 1);
	p.http_request.path[0] = '/';
	assert_string_equal(fix_of(&verdict_http_status, &p, &a).show.text, "");
	strcpy(p.http_request.path, "*");
	assert_string_equal(fix_of(&verdict_http_status, &p, &a).show.text, "");
}

/* Names keep to their line, whatever they are. */
static void one_line(void **state)
{
	struct answers a = { .gateway = { .n = 1 } };
	struct probe p = syn();
	struct fix fix;

	p.route_failed = true;
	strcpy(p.device_in, "a\nrun\tb\033[m");
	fix = fix_of(&verdict_no_route_back, &p, &a);
	assert_non_null(strstr(fix.command.text, " dev $'a\\012run\\011b\\033\\133m'"));
	a.gateway.n = 0;
	fix = fix_of(&verdict_no_route_back, &p, &a);
	assert_non_null(strstr(fix.advice, "a?run?b?[m"));
	assert_null(strpbrk(fix.advice, "\n\t\033"));
}

static void settings_of_devices(void **state)
{
	static const struct {
		const char *device, *command;
	} rows[] = {
		{ "eth0", "sysctl -w net.ipv4.conf.eth0.rp_filter=2" },
		{ "br-1_a", "sysctl -w net.ipv4.conf.br-1_a.rp_filter=2" },
		{ "eth0.5", "echo 2 >/proc/sys/net/ipv4/conf/eth0.5/rp_filter" },
		{ "a=b", "echo 2 >/proc/sys/net/ipv4/conf/'a=b'/rp_filter" },
		{ "a$(id>&2)", "echo 2 >/proc/sys/net/ipv4/conf/'a$(id>&2)'/rp_filter" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diagnosis d = { 0 };

		fix_conf(false, rows[i].device, "rp_filter", 2, &d);
		assert_string_equal(d.fix.command.text, rows[i].command);
	}
}

/* The router is somebody's address, a ban somebody's network. */
static void redacted(void **state)
{
	struct settings s = settings();
	struct redact *r = redact_new(&s);
	struct answer in, out;
	uint8_t target[16];

	set_v4(target, 10, 1, 2, 3);
	question_gateway(&in, target, s.from[0].addr, "eth0");
	in.gateway.n = in.gateway.n_denials = 1;
	set_v4(in.gateway.addr, 10, 1, 2, 1);
	set_v4(in.gateway.denial.prefix, 10, 7, 0, 0);
	in.gateway.denial.prefix_len = 16;
	strcpy(in.gateway.rule, "from 10.1.2.3 lookup 7");
	strcpy(in.gateway.maybe, "from 10.1.2.3 fwmark 0x7 prohibit");
	redact_answer(r, &in, &out);
	assert_null(strstr(out.question, "10.1.2.3"));
	assert_non_null(strstr(out.question, ",eth0"));
	assert_memory_not_equal(out.gateway.addr, in.gateway.addr, 16);
	assert_null(strstr(out.gateway.rule, "10.1.2.3"));
	assert_non_null(strstr(out.gateway.rule, " lookup 7"));
	assert_null(strstr(out.gateway.maybe, "10.1.2.3"));
	assert_memory_not_equal(out.gateway.denial.prefix, in.gateway.denial.prefix, 16);
	assert_int_equal(out.gateway.denial.prefix[14] | out.gateway.denial.prefix[15], 0);
	redact_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_way_back),
		cmocka_unit_test(a_way_back_of_ipv6),
		cmocka_unit_test(a_way_that_the_filter_asks_for),
		cmocka_unit_test(a_next_hop),
		cmocka_unit_test(one_gateway),
		cmocka_unit_test(no_device),
		cmocka_unit_test(a_daemon_by_name),
		cmocka_unit_test(a_request_or_none),
		cmocka_unit_test(one_line),
		cmocka_unit_test(settings_of_devices),
		cmocka_unit_test(redacted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
