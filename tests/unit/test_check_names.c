// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hctrace check: names that a shell would take for commands, and a terminal for
 * lines of their own, in each step.
 */
#include "check_fixture.h"

/* Its name closes quotes, runs a command and begins a line. */
#define HOSTILE "a';id>&2\n#"

static int hostile_daemon(uint32_t pid, struct wrapped_daemons *out)
{
	*out = (struct wrapped_daemons){ .n = 1, .from_config = true,
					 .d = { { .name = HOSTILE } } };
	return 0;
}

/* A device, a process and chains whose names are commands stay words, and lines stay lines. */
static void hostile_devices(void **state)
{
	struct fixture *f = *state;
	const char *device = "a$(id>&2)";

	strcpy(f->facts.addresses.a[0].device, device);
	strcpy(f->facts.devices.d[0].name, device);
	f->fake.gateway = (struct host_gateway){ .n = 1, .free_table = 100,
						 .addr = { [10] = 0xff, 0xff, 192, 168, 0, 1 } };
	f->fake.route.err = -ENETUNREACH;
	expect_command(f, check_routes,
		       "ip route add 100.125.0.0/16 via 192.168.0.1 dev 'a$(id>&2)'");
	/* the rule that forbids names a device */
	f->fake.gateway.n_denials = 1;
	f->fake.gateway.denial = (struct host_denial){
		.type = "prohibit", .by_rule = true, .only_destination = true, .prefix_len = 16,
		.prefix = { [10] = 0xff, 0xff, 100, 125 } };
	f->fake.gateway.rule_priority = 9;
	f->fake.gateway.next_table = 254;
	strcpy(f->fake.gateway.rule, "from all to 100.125.0.0/16 oif a$(id>&2);x\n prohibit");
	expect_command(f, check_routes, "ip rule del priority 9 to 100.125.0.0/16 oif "
					"$'a\\044\\050id\\076\\0462\\051\\073x\\012' prohibit");
	f->fake.gateway.n_denials = 0;
	f->fake.gateway.rule[0] = '\0';
	f->fake.route.err = 0;
	strcpy(f->fake.route.device, "eth1");
	expect_command(f, check_routes, "ip route replace 100.125.0.0/16 via 192.168.0.1 dev 'a$(id>&2)' "
					"table 100 && ip rule add from 192.168.0.10 table 100");
	sysctl_is(f, 0, "net.ipv4.conf.all.rp_filter", 1);
	expect_show(f, check_routes, "sysctl net/ipv4/conf/all/rp_filter "
				     "'net/ipv4/conf/a$(id>&2)/rp_filter'; ip route get 100.125.0.1 "
				     "from 192.168.0.10");
	strcpy(f->facts.addresses.a[0].device, "eth0.5");
	expect_show(f, check_routes, "sysctl net/ipv4/conf/all/rp_filter "
				     "net/ipv4/conf/eth0.5/rp_filter; ip route get 100.125.0.1 from "
				     "192.168.0.10");
	memcpy(f->facts.addresses.a[0].addr, (uint8_t[]){ [10] = 0xff, 0xff, 100, 125, 0, 9 }, 16);
	f->facts.addresses.a[0].len = 128;
	strcpy(f->facts.addresses.a[0].device, device);
	expect_command(f, check_routes, "ip addr del 100.125.0.9/32 dev 'a$(id>&2)'");
	f->facts.program[0] = (struct attached_program){ "a$(id>&2)", "tc ingress", 3, "x\ny" };
	f->facts.n_programs = 1;
	expect(f, check_filters, CHECK_WARN, "tc ingress program x?y (id 3)");
	expect_show(f, check_filters, "bpftool net show dev 'a$(id>&2)'; tc filter show dev "
				      "'a$(id>&2)' ingress");
}

static void hostile_processes(void **state)
{
	struct fixture *f = *state;
	struct host_listener *l = &f->fake.listeners.l[0];

	strcpy(l->comm, HOSTILE);
	expect(f, check_listeners, CHECK_OK, "a';id>&2?# (pid 7) listens");
	memcpy(l->addr, (uint8_t[]){ [10] = 0xff, 0xff, 127, 0, 0, 1 }, 16);
	expect(f, check_listeners, CHECK_FAIL, "a';id>&2?# (pid 7)");
	expect_command(f, check_listeners, NULL);
	assert_null(strchr(worst(f, check_listeners)->fix.advice, '\n'));
	memset(l->addr, 0, 16);
	l->backlog = 200;
	expect(f, check_load, CHECK_FAIL, "a';id>&2?#");
	f->facts.daemons = hostile_daemon;
	f->fake.wrappers = (struct host_wrappers){ .file = "/etc/hosts.deny", .line = 3,
						   .text = "ALL: ALL" };
	expect(f, check_wrappers, CHECK_FAIL, "a';id>&2?# (port 80)");
	expect_command(f, check_wrappers, NULL);
}

/* The rule that drops stands in chain NAME, which BASE of table TABLE jumps to. */
static void drop_in(struct fixture *f, const char *backend, const char *table, const char *base,
		    const char *name)
{
	struct fw_rules *rules = &f->facts.rules[0];
	struct fw_chain *from, *to;
	struct fw_rule *rule;

	fw_rules_free(rules);
	from = fw_chain_add(rules, backend, "ip", table, base);
	to = fw_chain_add(rules, backend, "ip", table, name);
	assert_true(from && to);
	from->hook = "INPUT";
	rule = fw_rule_add(rules, from, false);
	rule->verdict = FW_JUMP;
	snprintf(rule->target, sizeof(rule->target), "%s", name);
	rule = fw_rule_add(rules, to, false);
	rule->verdict = FW_DROP;
	rule->handle = 4;
}

static void hostile_chains(void **state)
{
	struct fixture *f = *state;

	drop_in(f, "iptables-nft", "filter", "INPUT", "x;id>&2;");
	expect_command(f, check_firewall, "iptables-nft -t filter -I INPUT -s 100.125.0.0/16 -p tcp "
					  "--dport 80 -j ACCEPT");
	expect_show(f, check_firewall, "iptables-nft -t filter -nvL 'x;id>&2;' --line-numbers");
	drop_in(f, "iptables-legacy", "filter", "INPUT", "--flush"); /* an option to iptables */
	expect_show(f, check_firewall, "iptables-legacy -t filter -nvL --line-numbers");
	drop_in(f, "nft", "guard", "in", "out");
	expect_command(f, check_firewall, "nft insert rule ip guard in ip saddr 100.125.0.0/16 tcp "
					  "dport 80 accept");
	expect_show(f, check_firewall, "nft -a list chain ip guard out");
	f->settings.ports[1] = 443;
	f->settings.n_ports = 2;
	expect_command(f, check_firewall, "nft insert rule ip guard in ip saddr 100.125.0.0/16 tcp "
					  "dport '{80,443}' accept");
	drop_in(f, "nft", "guard", "in", "x\n  FAIL  y"); /* nft has no words for such a name */
	expect(f, check_firewall, CHECK_FAIL, "chain x?  FAIL  y of table");
	expect_show(f, check_firewall, "nft -a list ruleset");
	drop_in(f, "nft", "a;id>&2;", "in", "out");
	expect_command(f, check_firewall, NULL);
	expect_show(f, check_firewall, "nft -a list ruleset");
	fw_rules_free(&f->facts.rules[0]);
}

static void hostile_options(void **state)
{
	struct fixture *f = *state;
	struct command command = { 0 };

	f->settings.interfaces[0] = "a$(id>&2)";
	f->settings.n_interfaces = 1;
	f->settings.netns = "/run/my netns/x'y";
	check_probe_command(&f->settings, &command);
	assert_string_equal(command.text, "hctrace probe --port 80 --interface 'a$(id>&2)' --netns "
					  "'/run/my netns/x'\\''y'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hostile_devices), TEST(hostile_processes), TEST(hostile_chains),
		TEST(hostile_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
