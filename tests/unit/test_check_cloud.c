// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace check, steps 1 to 3: what is to be set where this host cannot look. */
#include "check_fixture.h"

#include "cli/presets.h"
#include "diagnose/inbound.h"

/* Runs the three steps for the command line LINE, behind "hctrace check". */
static void look(struct fixture *f, const char *line)
{
	static char copy[256], *argv[16];
	int argc = 0;

	snprintf(copy, sizeof(copy), "hctrace check %s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	assert_int_equal(options_parse(&f->settings, argc, argv), -1);
	f->n = 0;
	f->check.step = "1";
	check_cloud_group(&f->check);
	f->check.step = "2";
	check_cloud_acl(&f->check);
	f->check.step = "3";
	check_cloud_settings(&f->check);
}

static bool says(const struct fixture *f, const char *step, const char *words)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->found[i].step, step) == 0 &&
		    (strstr(f->found[i].what, words) || strstr(f->found[i].why, words)))
			return true;
	return false;
}

static void what_to_set(void **state)
{
	static const struct {
		const char *line, *step, *says, *not;
	} rows[] = {
		{ "--port 80", "1",
		  "action Allow, type IPv4, protocol TCP, port 80, source 100.125.0.0/16", NULL },
		{ "--port 80", "1", "security group (Inbound Rules, Add Rule)", NULL },
		{ "--port 80", "1", "let in both", NULL },
		{ "--port 80", "1", "A UDP listener's check needs protocol UDP, and beside it ICMP", NULL },
		{ "--port 53 --protocol udp", "1", "protocol UDP, port 53, source", "TCP" },
		{ "--port 53 --protocol udp", "1", "a rule with protocol ICMP", NULL },
		{ "--port 53 --protocol udp", "2", "The same with protocol ICMP", NULL },
		{ "--protocol icmp", "1", "protocol ICMP, source", "port" },
		{ "--port 80,443 --protocol tcp", "1", "ports 80, 443", "UDP" },
		{ "--from fd00::/8", "1", "type IPv6", "IPv4" },
		{ "--port 80", "2", "destination 192.168.0.10, port 80", NULL },
		{ "--port 80", "2", "source 192.168.0.10, port 80, destination 100.125.0.0/16", NULL },
		{ "--port 80", "3", "TCP listener with an HTTP check takes 200 alone", NULL },
		{ "--port 80", "3", "a check with protocol TCP is the way out", NULL },
		{ "--port 80", "3", "3 checks in a row: with one every 5 s that is 15 s", NULL },
		{ "--port 80", "3", "(here: port 80)", NULL },
		{ "--port 80 --protocol tcp", "3", "weight above 0", "way out" },
		{ "--lb elb-classic", "3", "2xx and 3xx", "401" },
		{ "--lb elb-classic", "1", "source 100.125.0.0/16", NULL },
		{ "--lb elb-classic:192.168.0.0/16", "1", "source 192.168.0.0/16", "100.125" },
		{ "--lb elb-classic:192.168.0.0/16", "3", "a private one by TCP", NULL },
		{ "--lb elb-dedicated:192.168.0.0/24", "1", "source 192.168.0.0/24", NULL },
		{ "--lb elb-dedicated:192.168.0.0/24", "3", "takes 200 for a pass", "401" },
		{ "--lb gcp", "1", "VPC firewall", "security group" },
		{ "--lb gcp", "2", "no network ACL", NULL },
		{ "--lb azure", "1", "network security group", NULL },
		{ "--lb haproxy:10.0.0.5", "1", "must let protocol TCP", "security group" },
		{ "--lb haproxy:10.0.0.5", "3", "option httpchk GET /", "console" },
		{ "--lb haproxy:10.0.0.5 --protocol tcp", "3", "HAProxy shows a change", "httpchk" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		look(*state, rows[i].line);
		if (!says(*state, rows[i].step, rows[i].says))
			fail_msg("'%s', step %s, lacks '%s'", rows[i].line, rows[i].step, rows[i].says);
		if (rows[i].not && says(*state, rows[i].step, rows[i].not))
			fail_msg("'%s', step %s, says '%s'", rows[i].line, rows[i].step, rows[i].not);
	}
}

/* Nothing is cut, whatever the preset; and none of it is a fault of this host. */
static void whole_sentences(void **state)
{
	static const char *const more[] = { "", " --port 65530,65531,65532,65533,65534,65535",
					    " --protocol udp", " --protocol icmp",
					    " --protocol http,udp --port 65534,65535" };
	struct fixture *f = *state;

	for (size_t p = 0; p < n_presets; p++) {
		for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
			char line[128];

			snprintf(line, sizeof(line), "--lb %s%s%s", presets[p].name,
				 preset_argument(&presets[p]) ? ":2001:db8:1:2:3:4:5:6" : "", more[i]);
			look(f, line);
			for (size_t n = 0; n < f->n; n++) {
				const char *what = f->found[n].what, *why = f->found[n].why;

				assert_int_equal(f->found[n].result, CHECK_NOTE);
				if (!strchr(".?", what[strlen(what) - 1]))
					fail_msg("%s: cut: %s", line, what);
				if (why[0] && why[strlen(why) - 1] != '.')
					fail_msg("%s: cut: %s", line, why);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_to_set, setup, teardown),
		cmocka_unit_test_setup_teardown(whole_sentences, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
