// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The running host: the router that a way back can lead over, and what forbids that way. */
#include "host_fixture.h"

static struct host_gateway ask(struct host *h, const char *target, const char *lb)
{
	struct host_gateway got;
	uint8_t from[16], to[16];

	address(target, from);
	address(lb, to);
	assert_int_equal(h->ops->gateway(h->ctx, from, to, "eth0", &got), 0);
	return got;
}

static struct host_gateway ask_v4(struct host *h)
{
	return ask(h, "192.168.0.10", "100.125.10.5");
}

static void is_router(const struct host_gateway *got, const char *text, bool by_neighbour)
{
	uint8_t addr[16];

	address(text, addr);
	assert_int_equal(got->n, 1);
	assert_memory_equal(got->addr, addr, 16);
	assert_int_equal(got->by_neighbour, by_neighbour);
}

#define NEIGHBOUR "lladdr 02:00:00:00:00:01 dev eth0 nud stale"

static void neighbours(void **state)
{
	struct host *h = host_of(state);
	struct host_gateway got = ask_v4(h);

	assert_int_equal(got.n, 0);
	assert_int_equal(got.free_table, 100);
	assert_int_equal(run("ip neigh add 192.168.0.1 " NEIGHBOUR), 0);
	got = ask_v4(h);
	is_router(&got, "192.168.0.1", true);
	assert_int_equal(run("ip neigh add 192.168.0.2 " NEIGHBOUR), 0);
	assert_int_equal(ask_v4(h).n, 2);
	assert_int_equal(run("ip neigh change 192.168.0.2 dev eth0 nud failed"), 0);
	got = ask_v4(h);
	is_router(&got, "192.168.0.1", true);
	/* of IPv6 a router says so */
	assert_int_equal(run("ip neigh add 2001:db8::77 " NEIGHBOUR), 0);
	assert_int_equal(ask(h, "2001:db8::10", "2001:db8:1::5").n, 0);
	assert_int_equal(run("ip neigh add fe80::1 router " NEIGHBOUR), 0);
	got = ask(h, "2001:db8::10", "2001:db8:1::5");
	is_router(&got, "fe80::1", true);
}

/* Ahead of neighbours; of several that of the default route counts. */
static void routes(void **state)
{
	struct host *h = host_of(state);
	struct host_gateway got;

	assert_int_equal(run("ip route add 10.9.0.0/16 via 192.168.0.7 dev eth0 table 100"), 0);
	got = ask_v4(h);
	is_router(&got, "192.168.0.7", false);
	assert_int_equal(got.table, 0);
	assert_int_equal(got.free_table, 101);
	assert_int_equal(run("ip route add 10.8.0.0/16 via 192.168.0.8 dev eth0"), 0);
	assert_int_equal(ask_v4(h).n, 2);
	assert_int_equal(run("ip route add default via 192.168.0.9 dev eth0"), 0);
	got = ask_v4(h);
	is_router(&got, "192.168.0.9", false);
	assert_int_equal(run("ip route del default && ip route del 10.8.0.0/16 &&"
			     "ip route add 10.8.0.0/16 nexthop via 192.168.0.7 dev eth0"
			     " nexthop via 10.3.0.1 dev peer0 onlink"), 0);
	got = ask_v4(h);
	is_router(&got, "192.168.0.7", false);
	assert_int_equal(run("ip route del 10.8.0.0/16"), 0);
}

static void rule_is(const struct host_gateway *got, uint32_t priority, const char *text)
{
	assert_string_equal(got->rule, text);
	assert_int_equal(got->rule_priority, priority);
}

static void tables(void **state)
{
	struct host *h = host_of(state);
	struct host_gateway got;

	assert_int_equal(run("ip rule add from 192.168.0.10 table 55 priority 60 &&"
			     "ip rule add from 192.168.0.11 table 56 priority 50 &&"
			     "ip rule add fwmark 7 table 57 priority 40"), 0);
	got = ask_v4(h);
	assert_int_equal(got.table, 55);
	assert_int_equal(got.found_table, 0);
	rule_is(&got, 60, "from 192.168.0.10 lookup 55");
	assert_string_equal(got.maybe, ""); /* nothing is in its table */
	assert_int_equal(ask(h, "192.168.0.12", "100.125.10.5").table, 0);
	assert_int_equal(run("ip route add 100.0.0.0/8 via 192.168.0.3 dev eth0 table 57"), 0);
	got = ask_v4(h);
	assert_int_equal(got.maybe_priority, 40);
	assert_string_equal(got.maybe, "from all fwmark 0x7 lookup 57");
	assert_false(got.unsure);
	assert_int_equal(run("ip rule add ipproto tcp sport 80 table 57 priority 30"), 0);
	got = ask_v4(h);
	assert_true(got.unsure);
	assert_string_equal(got.maybe, "from all ipproto 6 sport 80 lookup 57");
	assert_int_equal(run("ip rule del priority 30 && ip route flush table 57"), 0);
	/* what is in the table is taken, and a new rule is asked ahead of it */
	assert_int_equal(run("ip route add 100.125.0.0/16 via 192.168.0.3 dev eth0 metric 7 table 55"), 0);
	got = ask_v4(h);
	assert_int_equal(got.found_table, 55);
	assert_int_equal(got.found_len, 16);
	assert_int_equal(got.found_metric, 7);
	assert_false(got.no_room);
	assert_int_equal(got.new_priority, 0);
	assert_int_equal(run("ip route flush table 55 &&"
			     "ip rule del priority 60 && ip rule del priority 50 &&"
			     "ip rule del priority 40"), 0);
}

/* Rules that do not end the search, or are not for this. */
static void other_rules(void **state)
{
	struct host *h = host_of(state);
	struct host_gateway got;

	assert_int_equal(run("ip route add default dev eth0 table 51 &&"
			     "ip route add throw default table 52 &&"
			     "ip rule add not fwmark 51 table 51 priority 900 &&"
			     "ip rule add table main suppress_prefixlength 0 priority 800 &&"
			     "ip rule add from 192.168.0.10 table 52 priority 700 &&"
			     "ip rule add iif eth0 prohibit priority 600 &&"
			     "ip rule add to 10.0.0.0/8 blackhole priority 500 &&"
			     "ip rule add from 192.168.0.10 goto 650 priority 400 &&"
			     "ip rule add prohibit priority 450 &&"
			     "ip rule add from all nop priority 650"), 0);
	got = ask_v4(h);
	assert_int_equal(got.found_table, 51);
	assert_int_equal(got.n_denials, 0);
	rule_is(&got, 900, "not from all fwmark 0x33 lookup 51");
	assert_int_equal(got.table, 0); /* what is thrown there is not taken */
	got = ask(h, "192.168.0.11", "100.125.10.5");
	assert_int_equal(got.n_denials, 1);
	rule_is(&got, 450, "from all prohibit");
	assert_int_equal(got.next_table, 51);
	assert_int_equal(run("for p in 400 450 500 600 650 700 800 900; do ip rule del priority $p ||"
			     " exit 1; done; ip route flush table 51; ip route flush table 52"), 0);
}

/* The first rule of all decides: a new one needs a priority. */
static void no_room(void **state)
{
	struct host *h = host_of(state);
	struct host_gateway got;

	assert_int_equal(run("ip rule add priority 40 lookup local && ip rule del priority 0 &&"
			     "ip rule add from 192.168.0.10 prohibit priority 30"), 0);
	got = ask_v4(h);
	rule_is(&got, 30, "from 192.168.0.10 prohibit");
	assert_false(got.no_room);
	assert_int_equal(got.new_priority, 29);
	assert_int_equal(run("ip rule add priority 0 lookup local && ip rule del priority 40 &&"
			     "ip rule del priority 30"), 0);
}

static void denials(void **state)
{
	struct host *h = host_of(state);
	struct host_gateway got;
	uint8_t prefix[16];

	address("100.125.0.0", prefix);
	assert_int_equal(run("ip route add prohibit 100.125.0.0/16 &&"
			     "ip route add blackhole 100.125.0.0/16 table 77 &&" /* nobody looks there */
			     "ip route add blackhole 100.126.0.0/16"), 0);
	got = ask_v4(h);
	assert_int_equal(got.n_denials, 1);
	assert_string_equal(got.denial.type, "prohibit");
	assert_false(got.denial.by_rule);
	assert_true(got.denial.only_destination);
	assert_int_equal(got.denial.table, 254);
	assert_int_equal(got.denial.prefix_len, 16);
	assert_memory_equal(got.denial.prefix, prefix, 16);
	assert_int_equal(run("ip rule add to 100.125.0.0/16 unreachable priority 30"), 0);
	assert_int_equal(ask_v4(h).n_denials, 2);
	assert_int_equal(run("ip route del prohibit 100.125.0.0/16"), 0);
	got = ask_v4(h);
	assert_int_equal(got.n_denials, 1);
	assert_true(got.denial.by_rule && got.denial.only_destination);
	assert_int_equal(got.denial.priority, 30);
	assert_int_equal(run("ip rule del priority 30 &&"
			     "ip rule add from 192.168.0.10 to 100.125.0.0/16 blackhole priority 31"), 0);
	got = ask_v4(h);
	assert_string_equal(got.denial.type, "blackhole");
	assert_true(got.denial.only_destination);
	rule_is(&got, 31, "from 192.168.0.10 to 100.125.0.0/16 blackhole");
	assert_int_equal(run("ip rule del priority 31"), 0);
}

static void no_such_device(void **state)
{
	struct host *h = host_of(state);
	struct host_gateway got;
	uint8_t a[16];

	address("192.168.0.10", a);
	assert_int_equal(h->ops->gateway(h->ctx, a, a, "eth7", &got), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours), cmocka_unit_test(routes), cmocka_unit_test(tables),
		cmocka_unit_test(other_rules), cmocka_unit_test(no_room),
		cmocka_unit_test(denials), cmocka_unit_test(no_such_device),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
