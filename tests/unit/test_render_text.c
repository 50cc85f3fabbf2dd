// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text renderer: exactly what a person sees. */
#include "samples.h"

static void text_header(void **state)
{
	static const char head[] =
		"hctrace " HCT_VERSION " on Linux 6.1.0-13-amd64, 2026-11-22 14:01:40 UTC, network namespace web\n"
		"Health checks from 100.125.0.0/16 to port 80, 443 (elb: every 5 s, timeout 3 s, 3 failures in a row)\n"
		"1 of 2 points attached; Ctrl-C ends.\n"
		"not attached: drop (not permitted); costs ";
	struct fixture f = { 0 };

	open_fixture(&f, &render_text, (char *[]){ "hctrace", "--port", "80,443", NULL });
	start(&f);
	assert_memory_equal(printed(&f), head, sizeof(head) - 1);
	/* the verdicts that it costs, whichever the catalogue has, and an empty line */
	assert_non_null(strstr(printed(&f) + sizeof(head) - 1, "firewall-drop, "));
	assert_string_equal(strchr(printed(&f) + sizeof(head) - 1, '\n'), "\n\n");
	close_fixture(&f);
}

static void text_points(void **state)
{
	static const struct point_status changed[] = {
		{ HCT_POINT_TC_INGRESS, true, "tcx on 2 interfaces" },
		{ HCT_POINT_XDP, false, "no interface is left" },
	};
	struct fixture f = { 0 };

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	forget_printed(&f);
	f.renderer->on.points(f.ctx, changed, 2, START + SEC);
	assert_string_equal(printed(&f),
		"14:01:41.000  !!!!  tc-ingress is observed: tcx on 2 interfaces\n"
		"14:01:41.000  !!!!  xdp is not observed any more: no interface is left\n");
	close_fixture(&f);
}

static void text_probe_passes(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d = { .verdict = VERDICT_HEALTHY };

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	forget_printed(&f);
	set_probe(&p, "100.125.10.5", "192.168.0.10", 80);
	set_http(&p, 200);
	set_process(&p);
	add_event(&p, 0, HCT_POINT_TC_INGRESS, "eth0", "SYN", 0);
	f.renderer->on.probe(f.ctx, &p, &d);
	set_probe(&p, "100.125.10.5", "192.168.0.10", 22);
	p.synack_ns = START + 45678;
	strcpy(d.note, "No process accepts connections.");
	f.renderer->on.probe(f.ctx, &p, &d);
	p.start_ns += 5 * SEC;
	p.synack_ns += 5 * SEC;
	f.renderer->on.probe(f.ctx, &p, &d);
	d.note[0] = '\0';
	set_probe(&p, "fd00::5", "fd00::192:168:0:10", 53);
	p.tuple.protocol = IPPROTO_UDP;
	f.renderer->on.probe(f.ctx, &p, &d);
	p.tuple.protocol = IPPROTO_ICMPV6;
	p.reply_ns = START + 20 * 1000;
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_string_equal(printed(&f),
		"14:01:40.000  PASS  100.125.10.5 > 192.168.0.10:80        http  200 in 0.800 ms     GET /health  nginx[812]\n"
		"14:01:40.000  PASS  100.125.10.5 > 192.168.0.10:22        tcp   answered in 0.045 ms\n"
		"     note No process accepts connections.\n"
		"14:01:45.000  PASS  100.125.10.5 > 192.168.0.10:22        tcp   answered in 0.045 ms  (same as at 14:01:40.000)\n"
		"14:01:40.000  PASS  fd00::5 > [fd00::192:168:0:10]:53     udp   not refused\n"
		"14:01:40.000  PASS  fd00::5 > fd00::192:168:0:10          icmp  answered in 0.020 ms\n");
	close_fixture(&f);
}

#define DROP_LINE "14:01:40.000  FAIL  100.125.10.5 > 192.168.0.10:8080      tcp   firewall-drop       CONNECT_TIMEOUT"
#define DROP_REST \
	"     +0.000 ms   eth0 in     SYN\n" \
	"     +0.014 ms   kernel      SYN dropped by the firewall in INPUT\n" \
	"     +1.02 s     eth0 in     SYN (3 times)\n" \
	"     why  The firewall dropped the SYN in chain INPUT.\n" \
	"     run  iptables-legacy -I INPUT -s 100.125.0.0/16 -p tcp --dport 8080 -j ACCEPT\n"

static void text_probe_fails(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d;

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	forget_printed(&f);
	set_firewall_drop(&p, &d);
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_string_equal(printed(&f), DROP_LINE "\n" DROP_REST);

	/* The same again is told by reference, another wording of the cause in full. */
	forget_printed(&f);
	p.start_ns += 5 * SEC;
	f.renderer->on.probe(f.ctx, &p, &d);
	strcpy(d.why, "The firewall dropped the SYN, 4 times.");
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_string_equal(printed(&f),
		"14:01:45.000  FAIL  100.125.10.5 > 192.168.0.10:8080      tcp   firewall-drop       CONNECT_TIMEOUT  (same as at 14:01:40.000)\n"
		"14:01:45.000  FAIL  100.125.10.5 > 192.168.0.10:8080      tcp   firewall-drop       CONNECT_TIMEOUT  (same as at 14:01:40.000)\n"
		"     why  The firewall dropped the SYN, 4 times.\n");

	/* Another node, another fix, or much later: in full. */
	forget_printed(&f);
	set_firewall_drop(&p, &d);
	set_addr(p.tuple.lb, "100.125.10.6");
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_non_null(strstr(printed(&f), "run  "));
	forget_printed(&f);
	set_firewall_drop(&p, &d);
	strcpy(d.fix.command.text, "another");
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_non_null(strstr(printed(&f), "run  another\n"));
	forget_printed(&f);
	p.start_ns += 301 * SEC;
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_non_null(strstr(printed(&f), "run  another\n"));
	close_fixture(&f);
}

static void text_probe_unknown(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d = { .verdict = VERDICT_UNKNOWN, .outcome = OUTCOME_UNKNOWN,
			       .confidence = CONFIDENCE_GUESS };

	open_fixture(&f, &render_text, (char *[]){ "hctrace", "-v", NULL });
	start(&f);
	forget_printed(&f);
	set_probe(&p, "100.125.10.5", "192.168.0.10", 80);
	add_event(&p, 0, HCT_POINT_RECEIVE, "", "SYN", 1);
	p.timeline_dropped = 3;
	strcpy(d.why, "Events were lost.");
	for (int i = 0; i < 2; i++) /* -v: in full each time */
		f.renderer->on.probe(f.ctx, &p, &d);
	assert_string_equal(printed(&f),
		"14:01:40.000  ????  100.125.10.5:40122 > 192.168.0.10:80  tcp   unknown             guess\n"
		"     +0.000 ms   in          SYN (twice)\n"
		"     ... and 3 more, not kept\n"
		"     why  Events were lost.\n"
		"14:01:40.000  ????  100.125.10.5:40122 > 192.168.0.10:80  tcp   unknown             guess\n"
		"     +0.000 ms   in          SYN (twice)\n"
		"     ... and 3 more, not kept\n"
		"     why  Events were lost.\n");
	close_fixture(&f);
}

/* What comes from packets and processes must not reach the terminal as it is. */
static void text_is_safe(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d;

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	forget_printed(&f);
	set_firewall_drop(&p, &d);
	set_http(&p, 200);
	set_process(&p);
	strcpy(p.http_request.path, "/\033[2J\r");
	strcpy(p.comm, "a\nb\xff");
	strcpy(p.timeline[0].text, "SYN\a");
	strcpy(d.why, "line\none\033");
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_non_null(strstr(printed(&f), "GET /?[2J? 200  a?b?[812]\n"));
	assert_non_null(strstr(printed(&f), "SYN?\n"));
	assert_non_null(strstr(printed(&f), "     why  line\n          one?\n"));
	close_fixture(&f);
}

static void text_color(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d;

	open_fixture(&f, &render_text, (char *[]){ "hctrace", "--color", NULL });
	start(&f);
	set_firewall_drop(&p, &d);
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_non_null(strstr(printed(&f), "  \033[1;31mFAIL\033[0m  "));
	close_fixture(&f);
}

static void text_changes(void **state)
{
	struct fixture f = { 0 };
	struct target t;

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	forget_printed(&f);
	set_passing(&t, "100.125.10.5");
	f.renderer->on.target(f.ctx, &t); /* healthy from the start: no news */
	set_failing(&t, "100.125.10.5");
	f.renderer->on.target(f.ctx, &t);
	f.renderer->on.target(f.ctx, &t); /* no change */
	t.state = TARGET_HEALTHY;
	t.state_since_ns += SEC;
	t.run = 1;
	f.renderer->on.target(f.ctx, &t);
	f.renderer->on.lost(f.ctx, HCT_POINT_DROP, 12, START + 15 * SEC);
	f.renderer->on.lost(f.ctx, HCT_POINT_ROUTE, 1, START + 15 * SEC);
	assert_string_equal(printed(&f),
		"14:01:53.000  DOWN  100.125.10.5 should now show 192.168.0.10:8080 as unhealthy (3 failures in a row): CONNECT_TIMEOUT\n"
		"14:01:54.000  UP    100.125.10.5 should now show 192.168.0.10:8080 as healthy (1 success in a row)\n"
		"14:01:55.000  !!!!  12 events lost at drop: verdicts that could depend on them become unknown\n"
		"14:01:55.000  !!!!  1 event lost at route: verdicts that could depend on it become unknown\n");
	close_fixture(&f);
}

static void text_summary_of_failures(void **state)
{
	const struct totals totals = { .probes = 10, .passed = 3, .failed = 6, .unknown = 1,
				       .start_ns = START, .end_ns = START + 125 * SEC };
	struct fixture f = { 0 };
	struct target t;

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	set_failing(&t, "100.125.10.6");
	f.renderer->on.target(f.ctx, &t);
	set_failing(&t, "100.125.10.5");
	f.renderer->on.target(f.ctx, &t);
	set_passing(&t, "100.125.10.5");
	f.renderer->on.target(f.ctx, &t);
	forget_printed(&f);
	f.renderer->on.end(f.ctx, &totals);
	assert_string_equal(printed(&f),
		"\n192.168.0.10:8080 (tcp): 6 of 6 probes failed, firewall-drop (firewall dropped it). The load balancer should show it as unhealthy since 14:01:53 (CONNECT_TIMEOUT).\n"
		"\n192.168.0.10:80 (http)\n"
		"  node          state      since     probes  passed  failed  unknown  ms: median / p95 / max  causes\n"
		"  100.125.10.5  healthy    14:01:41       4       3       0        1  0.81 / 12.3 / 123       unknown 1\n"
		"\n192.168.0.10:8080 (tcp)\n"
		"  node          state      since     probes  passed  failed  unknown  ms: median / p95 / max  causes\n"
		"  100.125.10.5  unhealthy  14:01:53       3       0       3        0  -                       firewall-drop 3\n"
		"  100.125.10.6  unhealthy  14:01:53       3       0       3        0  -                       firewall-drop 3\n"
		"  why  The firewall dropped it.\n"
		"  run  iptables -I INPUT -j ACCEPT\n"
		"\n10 probes in 2 min 5 s: 3 passed, 6 failed, 1 unknown; 0 events lost\n");
	close_fixture(&f);
}

static void text_nothing_arrived(void **state)
{
	const struct totals totals = { .lost = 2, .traffic = 4, .start_ns = START, .end_ns = START + 10 * SEC };
	const struct host_devices before = { .n = 1, .d = { { "eth0", true, 12, 1000, 5 } } };
	struct fixture f = { 0 };

	devices = before;
	open_fixture(&f, &render_text, (char *[]){ "hctrace", "--port", "80,81", NULL });
	start(&f);
	forget_printed(&f);
	devices.d[0].rx_dropped = 8;
	end_empty(&f, totals, &before);
	/* that something came is said, and not that nothing did */
	assert_non_null(strstr(printed(&f), "\nunknown: no cause proven\n  why  No probe from 100.125.0.0/16 "
					    "came in 10.0 s. Each node of the load balancer should send one every 5 s."));
	assert_non_null(strstr(printed(&f), " Events were lost meanwhile, so some may have come unseen."));
	assert_null(strstr(printed(&f), " XDP program 12 "));
	assert_null(strstr(printed(&f), "outside this host"));
	assert_non_null(strstr(printed(&f), " 4 other requests came meanwhile, none of which was recognised as a check."));
	assert_non_null(strstr(printed(&f), " The run was too short to be sure: let it last 18 s.\n"));
	assert_non_null(strstr(printed(&f), "\n  fix  "));
	assert_non_null(strstr(printed(&f), "\n0 probes in 10.0 s: 0 passed, 0 failed, 0 unknown; "
					    "4 other requests; 2 events lost\n"));
	close_fixture(&f);
}

/* A target whose probes stopped, and a run without any. */
static void text_silence(void **state)
{
	struct fixture f = { 0 };
	struct probe p = { .tuple.protocol = IPPROTO_TCP, .start_ns = START, .end_ns = START + 20 * SEC };
	struct diagnosis d = { .verdict = VERDICT_NO_PROBE, .outcome = OUTCOME_FAIL, .why = "It is quiet." };

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	forget_printed(&f);
	f.renderer->on.probe(f.ctx, &p, &d);
	set_addr(p.tuple.target, "192.168.0.10");
	p.tuple.target_port = htons(80);
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_string_equal(printed(&f),
		"14:02:00.000  FAIL  any node > any target                 tcp   no-probe\n"
		"     why  It is quiet.\n"
		"14:02:00.000  FAIL  any node > 192.168.0.10:80            tcp   no-probe\n"
		"     why  It is quiet.\n");
	close_fixture(&f);
}

/* Which sentence the summary leads with. */
static void text_lead(void **state)
{
	static const struct {
		unsigned failed, run, no_probes;
		bool silent, missed;
		uint64_t flips_at_ns;
		const char *lead;
	} rows[] = {
		{ 2, 2, 0, false, false, START + 20 * SEC,
		  "192.168.0.10:8080 (tcp): 2 of 4 probes failed, firewall-drop (firewall dropped it). "
		  "If this goes on, it will be shown as unhealthy at 14:02:00 (CONNECT_TIMEOUT), "
		  "by 3 failures in a row.\n" },
		{ 2, 0, 5, false, true, 0, /* silences that are over, or another port's */
		  "192.168.0.10:8080 (tcp): 2 of 4 probes failed, firewall-drop (firewall dropped it). "
		  "It takes 3 failures in a row to be shown as unhealthy.\n" },
		{ 1, 0, 1, true, false, 0,
		  "192.168.0.10:8080 (tcp): 1 of 4 probes failed, firewall-drop (firewall dropped it). "
		  "It takes 3 failures in a row to be shown as unhealthy. "
		  "After 14:01:50 no probe came any more.\n" },
		{ 0, 0, 1, true, false, 0,
		  "192.168.0.10:8080 (tcp): no probe came after 14:01:50: no-probe (no probe arrived).\n" },
		{ 0, 0, 0, false, true, 0,
		  "no-probe: what came passed, but nothing came for port 81.\n" },
	};
	const struct totals totals = { .probes = 4, .start_ns = START, .end_ns = START + 60 * SEC };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe none = { .tuple.protocol = IPPROTO_TCP, .tuple.target_port = htons(81) };
		struct diagnosis d = { .verdict = VERDICT_NO_PROBE, .why = "It is quiet." };
		struct fixture f = { 0 };
		struct target t;

		open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
		start(&f);
		if (rows[i].missed)
			f.renderer->on.probe(f.ctx, &none, &d);
		set_failing(&t, "100.125.10.5");
		t.state = TARGET_HEALTHY;
		t.probes = 4;
		t.failed = t.by_verdict[VERDICT_FIREWALL_DROP] = rows[i].failed;
		t.passed = t.by_verdict[VERDICT_HEALTHY] = 4 - rows[i].failed;
		t.by_verdict[VERDICT_NO_PROBE] = rows[i].no_probes;
		t.silent = rows[i].silent;
		t.run = rows[i].run;
		t.flips_at_ns = rows[i].flips_at_ns;
		f.renderer->on.target(f.ctx, &t);
		forget_printed(&f);
		f.renderer->on.end(f.ctx, &totals);
		assert_int_equal(strncmp(printed(&f) + 1, rows[i].lead, strlen(rows[i].lead)), 0);
		close_fixture(&f);
	}
}

/* What the probes show of the check's settings, and where these were taken to be others. */
static void text_learned(void **state)
{
	const struct totals totals = { .probes = 3, .start_ns = START, .end_ns = START + 60 * SEC };
	struct fixture f = { 0 };
	struct target t;

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	set_failing(&t, "100.125.10.5");
	t.interval_ns = 2 * SEC;
	t.timeout_ns = 3003 * MS;
	f.renderer->on.target(f.ctx, &t);
	f.renderer->on.end(f.ctx, &totals);
	assert_non_null(strstr(printed(&f), "\n  learned: a node probes every 2.0 s (not 5 s, see --interval)"
					    " and gives up after 3.0 s\n"));
	close_fixture(&f);
}

/* HTTP that is recognised late does not make another target. */
static void text_learns_protocol(void **state)
{
	const struct totals totals = { .probes = 4, .passed = 4, .start_ns = START, .end_ns = START + SEC };
	struct fixture f = { 0 };
	struct target t;

	open_fixture(&f, &render_text, (char *[]){ "hctrace", NULL });
	start(&f);
	forget_printed(&f);
	set_passing(&t, "100.125.10.5");
	strcpy(t.protocol, "tcp");
	f.renderer->on.target(f.ctx, &t);
	strcpy(t.protocol, "http");
	t.by_verdict[VERDICT_UNKNOWN] = t.unknown = 0;
	f.renderer->on.target(f.ctx, &t);
	f.renderer->on.end(f.ctx, &totals);
	assert_non_null(strstr(printed(&f), "\nAll probes of 192.168.0.10:80 passed.\n\n192.168.0.10:80 (http)\n"));
	assert_null(strstr(printed(&f), "(tcp)"));
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_header),
		cmocka_unit_test(text_points),
		cmocka_unit_test(text_probe_passes),
		cmocka_unit_test(text_probe_fails),
		cmocka_unit_test(text_probe_unknown),
		cmocka_unit_test(text_is_safe),
		cmocka_unit_test(text_color),
		cmocka_unit_test(text_changes),
		cmocka_unit_test(text_summary_of_failures),
		cmocka_unit_test(text_nothing_arrived),
		cmocka_unit_test(text_silence),
		cmocka_unit_test(text_lead),
		cmocka_unit_test(text_learned),
		cmocka_unit_test(text_learns_protocol),
	};
	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
