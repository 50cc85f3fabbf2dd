// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The running host's rules, in namespaces of the test's own: read, counted, and never changed. */
#include "host_fixture.h"
#include "rule_fixture.h"

/* Asks for P until the reading is new: until it has had time to count. */
static void ask(struct host *h, const struct host_packet *p, struct host_rules *got)
{
	usleep(600000); /* longer than any reading is shared */
	assert_int_equal(h->ops->rules(h->ctx, p, got), 0);
}

static void assert_rule(const struct host_rule *r, const char *backend, const char *chain,
			unsigned number, const char *text)
{
	assert_string_equal(r->backend, backend);
	assert_string_equal(r->chain, chain);
	assert_int_equal(r->number, number);
	assert_string_equal(r->text, text);
}

static void native(void **state)
{
	struct host *h = host_of(state);
	struct host_packet p = syn();
	struct host_rules got;
	struct host_rule one;

	need("nft 'add table inet fw; add chain inet fw lb;"
	     "add chain inet fw in { type filter hook input priority 0; policy drop; };"
	     "add rule inet fw in ct state invalid counter drop;"
	     "add rule inet fw in tcp dport 80 jump lb;"
	     "add rule inet fw lb ip saddr 100.126.0.0/16 counter drop;"
	     "add rule inet fw lb ip saddr 100.125.0.0/16 counter drop'");
	need("nft list ruleset >/run/before");
	ask(h, &p, &got);
	assert_int_equal(got.n, 2);
	assert_rule(&got.r[0], "nft", "in", 1, "ct state invalid counter drop");
	assert_true(got.r[0].invalid_only);
	assert_false(got.r[0].surely);
	assert_rule(&got.r[1], "nft", "lb", 2, "ip saddr 100.125.0.0/16 counter drop");
	assert_string_equal(got.r[1].base, "in");
	assert_true(got.r[1].surely);
	assert_false(got.r[1].counted);
	assert_int_equal(h->ops->rule(h->ctx, 0, "inet", "fw", "lb", got.r[1].handle, &one), 0);
	assert_rule(&one, "nft", "lb", 2, got.r[1].text);
	assert_int_equal(h->ops->rule(h->ctx, 0, "inet", "fw", "in", 0, &one), 0);
	assert_true(one.policy);
	assert_int_equal(h->ops->rule(h->ctx, 0, "inet", "fw", "in", 99, &one), -ENOENT);
	ask(h, &p, &got);
	assert_true(got.r[1].counted);
	assert_int_equal(got.r[1].hits, 0);
	need("nft list ruleset | cmp - /run/before");
	/* a change is seen at once */
	need("nft insert rule inet fw in ip saddr 100.125.10.5 drop");
	assert_int_equal(h->ops->rules(h->ctx, &p, &got), 0);
	assert_int_equal(got.n, 1);
	assert_rule(&got.r[0], "nft", "in", 1, "ip saddr 100.125.10.5 drop");
	assert_int_equal(run("nft flush ruleset"), 0);
}

/* TOOL is iptables-nft or iptables-legacy. */
static void check_iptables(struct host *h, const char *tool)
{
	struct host_packet p = syn();
	struct host_rules got;
	char command[512];

	snprintf(command, sizeof(command),
		 "%s -N LB && %s -A INPUT -p tcp -m comment --comment 'a \"b\" c' -j LB &&"
		 "%s -A LB -s 100.125.10.4/32 -j DROP && %s -A LB -i eth0 -j DROP",
		 tool, tool, tool, tool);
	need(command);
	ask(h, &p, &got);
	assert_int_equal(got.n, 1);
	assert_rule(&got.r[0], tool, "LB", 2, "-i eth0 -j DROP");
	assert_string_equal(got.r[0].base, "INPUT");
	assert_string_equal(got.r[0].table, "filter");
	ask(h, &p, &got);
	assert_true(got.r[0].counted);
	assert_int_equal(got.r[0].hits, 0);
	snprintf(command, sizeof(command), "%s -F && %s -X", tool, tool);
	assert_int_equal(run(command), 0);
}

static void over_nft(void **state)
{
	check_iptables(host_of(state), "iptables-nft");
	run("nft flush ruleset");
}

static void legacy(void **state)
{
	check_iptables(host_of(state), "iptables-legacy");
}

static void another_namespace(void **state)
{
	struct host *h = host_of(state);
	struct host_packet p = syn();
	struct host_rules got;
	char command[160];
	int ready[2];
	char byte = 0;
	struct stat st;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork_helper();
	if (!pid) {
		byte = !unshare(CLONE_NEWNET) &&
		       !run("nft 'add table ip box;"
			    "add chain ip box c { type filter hook input priority 0; };"
			    "add rule ip box c tcp dport 80 drop'");
		_exit(write(ready[1], &byte, 1) == 1 ? pause() : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	if (!byte) {
		end(pid);
		skip();
	}
	snprintf(command, sizeof(command), "/proc/%d/ns/net", pid);
	assert_int_equal(stat(command, &st), 0);
	p.netns = (uint32_t)st.st_ino;
	ask(h, &p, &got);
	assert_int_equal(got.n, 1);
	assert_rule(&got.r[0], "nft", "c", 1, "tcp dport 80 drop");
	end(pid);
	usleep(600000);
	assert_int_equal(h->ops->rules(h->ctx, &p, &got), -ENOENT);
	p.netns = 0;
	ask(h, &p, &got);
	assert_int_equal(got.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native),
		cmocka_unit_test(over_nft),
		cmocka_unit_test(legacy),
		cmocka_unit_test(another_namespace),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
