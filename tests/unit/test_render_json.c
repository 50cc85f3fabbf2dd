// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The JSON renderer: the keys of the contract, their order, and null where nothing is known. */
#include "samples.h"

#include <json-c/json.h>

/* What every object begins with. */
#define HEAD(type) \
	"\"type\":\"" type "\",\"host\":\"backend-1\",\"run\":\"0123456789abcdef\",\"schema\":2"

/* The one line that was printed, parsed and printed again: it is JSON, and says what TEXT says. */
static void assert_line(struct fixture *f, const char *text)
{
	const char *line = printed(f);
	struct json_object *parsed = json_tokener_parse(line);

	assert_string_equal(line, text);
	assert_non_null(parsed);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	json_object_put(parsed);
	forget_printed(f);
}

static struct json_object *parse(struct fixture *f)
{
	struct json_object *parsed = json_tokener_parse(printed(f));

	assert_non_null(parsed);
	forget_printed(f);
	return parsed;
}

static void assert_value(struct json_object *o, const char *key, const char *text)
{
	struct json_object *value = NULL;
	const char *found;

	assert_true(json_object_object_get_ex(o, key, &value));
	found = value ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN) : "null";
	assert_string_equal(found, text);
}

static void json_start(void **state)
{
	struct fixture f = { 0 };

	open_fixture(&f, &render_json,
		     (char *[]){ "hctrace", "--json", "--from", "10.0.0.5", "--from", "fd00::/64",
				 "--interval", "1500ms", "--expect-codes", "200,300-399", NULL });
	start_with(&f, 1);
	assert_line(&f,
		"{" HEAD("start") ",\"time\":\"2026-11-22T14:01:40.000000Z\",\"version\":\"" HCT_VERSION "\","
		"\"kernel\":\"6.1.0-13-amd64\",\"range\":[\"10.0.0.5/32\",\"fd00::/64\"],"
		"\"netns\":{\"inum\":4026532001,\"name\":\"web\"},"
		"\"check\":{\"preset\":\"elb\",\"interval_s\":1.5,\"timeout_s\":3,\"retries\":3,"
		"\"expect_codes\":[\"200\",\"300-399\"]},"
		"\"tier\":\"tracepoints\",\"points\":[{\"point\":\"tc-ingress\",\"detail\":\"tcx on eth0\"}],"
		"\"missing\":[]}\n");
	close_fixture(&f);
}

/* What is not attached, and what it costs: whichever verdicts the catalogue has. */
static void json_missing(void **state)
{
	struct json_object *o, *missing, *drop, *costs;
	struct fixture f = { 0 };

	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	o = parse(&f);
	assert_true(json_object_object_get_ex(o, "missing", &missing));
	drop = json_object_array_get_idx(missing, 0);
	assert_value(drop, "point", "\"drop\"");
	assert_value(drop, "reason", "\"not permitted\"");
	assert_true(json_object_object_get_ex(drop, "verdicts", &costs));
	assert_int_equal(json_object_array_length(costs),
			 verdicts_needing(HCT_POINT_DROP, (enum verdict_id[VERDICT_COUNT]){ 0 }));
	assert_value(json_object_array_get_idx(missing, 1), "verdicts", "[]");
	json_object_put(o);
	close_fixture(&f);
}

static void json_points(void **state)
{
	static const struct point_status changed[] = {
		{ HCT_POINT_TC_INGRESS, true, "tcx on 2 interfaces" },
		{ HCT_POINT_XDP, false, "no interface is left" },
	};
	struct fixture f = { 0 };

	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	f.renderer->on.points(f.ctx, changed, 2, START + SEC);
	assert_line(&f, "{" HEAD("points") ",\"time\":\"2026-11-22T14:01:41.000000Z\","
			"\"points\":[{\"point\":\"tc-ingress\",\"detail\":\"tcx on 2 interfaces\"}],"
			"\"missing\":[{\"point\":\"xdp\",\"reason\":\"no interface is left\","
			"\"verdicts\":[]}]}\n");
	close_fixture(&f);
}

static void json_probe_fails(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d;

	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	set_firewall_drop(&p, &d);
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_line(&f,
		"{" HEAD("probe") ",\"time\":\"2026-11-22T14:01:40.000000Z\",\"id\":17,\"protocol\":\"tcp\","
		"\"lb\":{\"addr\":\"100.125.10.5\",\"port\":40122},"
		"\"target\":{\"addr\":\"192.168.0.10\",\"port\":8080},"
		"\"netns\":{\"inum\":4026532001,\"name\":\"web\"},\"process\":null,"
		"\"exchange\":null,\"application\":null,\"classified_by\":null,\"told_by\":null,\"outcome\":\"fail\",\"verdict\":\"firewall-drop\",\"code\":\"CONNECT_TIMEOUT\","
		"\"confidence\":\"certain\",\"step\":\"4\","
		"\"where\":{\"layer\":\"netfilter\",\"backend\":\"iptables-legacy\",\"chain\":\"INPUT\"},"
		"\"http\":null,"
		"\"timing\":{\"reply_us\":null,\"accept_us\":null,\"first_byte_us\":null,"
		"\"lb_ended_us\":null,\"total_us\":3000000},"
		"\"why\":\"The firewall dropped the SYN in chain INPUT.\","
		"\"fix\":\"iptables-legacy -I INPUT -s 100.125.0.0/16 -p tcp --dport 8080 -j ACCEPT\","
		"\"fix_command\":\"iptables-legacy -I INPUT -s 100.125.0.0/16 -p tcp --dport 8080 -j ACCEPT\",\"fix_advice\":null,\"undo_command\":null,\"show_command\":null,"
		"\"timeline\":[{\"t_us\":0,\"point\":\"tc-ingress\",\"device\":\"eth0\",\"text\":\"SYN\"},"
		"{\"t_us\":14,\"point\":\"drop\",\"text\":\"SYN dropped by the firewall in INPUT\"},"
		"{\"t_us\":1020000,\"point\":\"tc-ingress\",\"device\":\"eth0\",\"text\":\"SYN\",\"repeats\":2}]}\n");

	/* A failure always names the layer, known or not. */
	memset(&d.where, 0, sizeof(d.where));
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_non_null(strstr(printed(&f), "\"where\":{\"layer\":null},"));
	close_fixture(&f);
}

static void json_probe_passes(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d = { .verdict = VERDICT_HEALTHY };

	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	set_probe(&p, "100.125.10.5", "192.168.0.10", 80);
	set_http(&p, 302);
	set_process(&p);
	strcpy(p.http_response.location, "/login");
	p.lb_fin_ns = START + 2 * MS;
	p.lb_rst_ns = START + 3 * MS;
	p.netns = 1;
	p.netns_name[0] = '\0';
	strcpy(d.note, "A redirect.");
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_line(&f,
		"{" HEAD("probe") ",\"time\":\"2026-11-22T14:01:40.000000Z\",\"id\":17,\"protocol\":\"http\","
		"\"lb\":{\"addr\":\"100.125.10.5\",\"port\":40122},"
		"\"target\":{\"addr\":\"192.168.0.10\",\"port\":80},"
		"\"netns\":{\"inum\":1,\"name\":null},\"process\":{\"pid\":812,\"comm\":\"nginx\"},"
		"\"exchange\":1,\"application\":null,\"classified_by\":null,\"told_by\":null,\"outcome\":\"pass\",\"verdict\":\"healthy\",\"code\":null,"
		"\"confidence\":\"certain\",\"step\":null,\"where\":null,"
		"\"http\":{\"method\":\"GET\",\"path\":\"/health\",\"host\":\"192.168.0.10\",\"status\":302,"
		"\"location\":\"/login\"},"
		"\"timing\":{\"reply_us\":100,\"accept_us\":200,\"first_byte_us\":800,"
		"\"lb_ended_us\":2000,\"total_us\":3000},"
		"\"why\":null,\"fix\":null,\"fix_command\":null,\"fix_advice\":null,\"undo_command\":null,\"show_command\":null,\"note\":\"A redirect.\",\"timeline\":[]}\n");
	close_fixture(&f);
}

static void json_probe_icmp(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d = { .verdict = VERDICT_HEALTHY };
	struct json_object *o;

	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	set_probe(&p, "fd00::5", "fd00::10", 7);
	p.tuple.protocol = IPPROTO_ICMPV6;
	p.reply_ns = START + 20 * 1000;
	f.renderer->on.probe(f.ctx, &p, &d);
	o = parse(&f);
	assert_value(o, "protocol", "\"icmp\"");
	assert_value(o, "lb", "{\"addr\":\"fd00::5\",\"port\":40122}"); /* the identifier */
	assert_value(o, "target", "{\"addr\":\"fd00::10\",\"port\":null}");
	json_object_put(o);
	close_fixture(&f);
}

/* Bytes of packets and of process names must leave valid UTF-8 on one line. */
static void json_is_safe(void **state)
{
	struct fixture f = { 0 };
	struct probe p;
	struct diagnosis d;
	struct json_object *o;

	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	set_firewall_drop(&p, &d);
	set_process(&p);
	strcpy(p.comm, "a\"\xc3\n\xc3\xa9");
	memset(&d.fix.command, 0, sizeof(d.fix.command));
	strcpy(d.fix.advice, "one\ntwo\033");
	f.renderer->on.probe(f.ctx, &p, &d);
	assert_ptr_equal(strchr(printed(&f), '\n'), strrchr(printed(&f), '\n'));
	o = parse(&f);
	assert_value(o, "process", "{\"pid\":812,\"comm\":\"a\\\"??\xc3\xa9\"}");
	assert_value(o, "fix", "\"one\\ntwo?\"");
	json_object_put(o);
	close_fixture(&f);
}

static void json_targets(void **state)
{
	struct fixture f = { 0 };
	struct target t;

	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	set_failing(&t, "100.125.10.5");
	f.renderer->on.target(f.ctx, &t);
	assert_line(&f,
		"{" HEAD("target") ",\"time\":\"2026-11-22T14:01:50.000000Z\",\"lb\":{\"addr\":\"100.125.10.5\"},"
		"\"target\":{\"addr\":\"192.168.0.10\",\"port\":8080},\"protocol\":\"tcp\","
		"\"state\":\"unhealthy\",\"since\":\"2026-11-22T14:01:53.000000Z\","
		"\"flips_at\":null,\"silent\":false,\"learned\":{\"interval_s\":null,\"timeout_s\":null},\"in_a_row\":{\"outcome\":\"fail\",\"count\":3},"
		"\"probes\":3,\"passed\":0,\"failed\":3,\"unknown\":0,\"counts\":{\"firewall-drop\":3},"
		"\"latency_us\":null,\"verdict\":\"firewall-drop\",\"code\":\"CONNECT_TIMEOUT\","
		"\"why\":\"The firewall dropped it.\",\"fix\":\"iptables -I INPUT -j ACCEPT\","
		"\"fix_command\":\"iptables -I INPUT -j ACCEPT\",\"fix_advice\":null,\"undo_command\":null,\"show_command\":null}\n");
	set_passing(&t, "100.125.10.5");
	t.state = TARGET_UNDECIDED;
	f.renderer->on.target(f.ctx, &t);
	assert_line(&f,
		"{" HEAD("target") ",\"time\":\"2026-11-22T14:01:50.000000Z\",\"lb\":{\"addr\":\"100.125.10.5\"},"
		"\"target\":{\"addr\":\"192.168.0.10\",\"port\":80},\"protocol\":\"http\","
		"\"state\":\"undecided\",\"since\":null,\"flips_at\":null,\"silent\":false,\"learned\":{\"interval_s\":null,\"timeout_s\":null},\"in_a_row\":{\"outcome\":\"pass\",\"count\":2},"
		"\"probes\":4,\"passed\":3,\"failed\":0,\"unknown\":1,\"counts\":{\"healthy\":3,\"unknown\":1},"
		"\"latency_us\":{\"p50\":812,\"p95\":12345,\"max\":123456},"
		"\"verdict\":null,\"code\":null,\"why\":null,\"fix\":null,\"fix_command\":null,\"fix_advice\":null,\"undo_command\":null,\"show_command\":null}\n");
	close_fixture(&f);
}

static void json_lost_and_end(void **state)
{
	const struct totals totals = { .probes = 5, .passed = 3, .failed = 2,
				       .start_ns = START, .end_ns = START + 12345678901 };
	struct fixture f = { 0 };

	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	f.renderer->on.lost(f.ctx, HCT_POINT_DROP, 12, START + SEC);
	assert_line(&f, "{" HEAD("lost") ",\"time\":\"2026-11-22T14:01:41.000000Z\","
			"\"point\":\"drop\",\"count\":12}\n");
	f.renderer->on.end(f.ctx, &totals);
	assert_line(&f, "{" HEAD("end") ",\"time\":\"2026-11-22T14:01:52.345678Z\",\"probes\":5,"
			"\"passed\":3,\"failed\":2,\"unknown\":0,\"lost\":0,"
			"\"unfinished\":0,\"other_requests\":0,\"duration_s\":12.345}\n");
	close_fixture(&f);
}

static void json_nothing_arrived(void **state)
{
	const struct totals totals = { .start_ns = START, .end_ns = START + 20 * SEC };
	struct fixture f = { 0 };
	struct json_object *o;

	memset(&devices, 0, sizeof(devices));
	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	end_empty(&f, totals, &devices);
	o = parse(&f);
	assert_value(o, "probes", "0");
	assert_value(o, "verdict", "\"no-probe\"");
	assert_value(o, "outcome", "\"fail\"");
	assert_value(o, "why", "\"No probe from 100.125.0.0\\/16 came in 20.0 s. Each node of the load "
			       "balancer should send one every 5 s.\"");
	json_object_put(o);
	close_fixture(&f);
}

/* A file's content can be of any length, and hold anything; a line longer than the writer's buffer. */
static void json_documents(void **state)
{
	static const char bytes[] = "a\"\\\n\t\001/", told[] = "a\"\\\n\t?/";
	const size_t n = 3000, width = sizeof(bytes) - 1;
	struct json_object *o, *states, *text, *first;
	char *content = malloc(n * width + 1);
	struct fixture f = { 0 };

	assert_non_null(content);
	for (size_t i = 0; i < n; i++)
		strcpy(content + i * width, bytes);
	open_fixture(&f, &render_json, (char *[]){ "hctrace", "--json", NULL });
	start(&f);
	forget_printed(&f);
	f.renderer->recording(f.ctx, &(struct recording_info){
		.states = &(struct recording_state){ .name = "rules", .text = content },
		.n_states = 1 });
	o = parse(&f);
	assert_true(json_object_object_get_ex(o, "host_state", &states));
	first = json_object_array_get_idx(states, 0);
	assert_true(json_object_object_get_ex(first, "text", &text));
	assert_int_equal(json_object_get_string_len(text), n * width);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(json_object_get_string(text) + i * width, told, width);
	json_object_put(o);
	free(content);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_start),
		cmocka_unit_test(json_missing),
		cmocka_unit_test(json_points),
		cmocka_unit_test(json_probe_fails),
		cmocka_unit_test(json_probe_passes),
		cmocka_unit_test(json_probe_icmp),
		cmocka_unit_test(json_is_safe),
		cmocka_unit_test(json_targets),
		cmocka_unit_test(json_lost_and_end),
		cmocka_unit_test(json_nothing_arrived),
		cmocka_unit_test(json_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
