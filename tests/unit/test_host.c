// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The running host: routes, chains, devices, settings, and hosts.deny of another root. */
#include "host_fixture.h"

static void ask_route(struct host *h, const char *target, const char *lb, struct host_route *got)
{
	uint8_t from[16], to[16];

	address(target, from);
	address(lb, to);
	assert_int_equal(h->ops->route_back(h->ctx, from, to, got), 0);
}

static void test_routes(void **state)
{
	struct host *h = host_of(state);
	static const struct {
		const char *route;
		int err;
	} refused[] = {
		{ "blackhole", -EINVAL },
		{ "unreachable", -EHOSTUNREACH },
		{ "prohibit", -EACCES },
	};
	struct host_route got;
	uint8_t gateway[16];
	char command[256];

	ask_route(h, "192.168.0.10", "100.125.10.5", &got);
	assert_int_equal(got.err, -ENETUNREACH);
	assert_string_equal(got.text, "");

	assert_int_equal(run("ip route add default via 192.168.0.1 dev eth0"), 0);
	ask_route(h, "192.168.0.10", "100.125.10.5", &got);
	assert_int_equal(got.err, 0);
	assert_string_equal(got.text, "100.125.10.5 from 192.168.0.10 via 192.168.0.1 dev eth0");
	assert_string_equal(got.device, "eth0");
	assert_true(got.has_gateway);
	address("192.168.0.1", gateway);
	assert_memory_equal(got.gateway, gateway, 16);
	assert_string_equal(got.neighbour, "");
	assert_int_equal(
		run("ip neigh add 192.168.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent"), 0);
	ask_route(h, "192.168.0.10", "100.125.10.5", &got);
	assert_string_equal(got.neighbour, "PERMANENT");
	assert_int_equal(run("ip neigh change 192.168.0.1 dev eth0 nud failed"), 0);
	ask_route(h, "192.168.0.10", "100.125.10.5", &got);
	assert_string_equal(got.neighbour, "FAILED");

	/* not our address: asked without it */
	ask_route(h, "172.17.0.2", "100.125.10.5", &got);
	assert_string_equal(got.text, "100.125.10.5 via 192.168.0.1 dev eth0 src 192.168.0.10");

	/* on the link, and another table by rule */
	ask_route(h, "192.168.0.10", "192.168.0.77", &got);
	assert_false(got.has_gateway);
	assert_string_equal(got.text, "192.168.0.77 from 192.168.0.10 dev eth0");
	assert_int_equal(run("ip rule add from 192.168.0.10 table 100 &&"
			     "ip route add 100.125.0.0/16 via 192.168.0.2 dev eth0 table 100"),
			 0);
	ask_route(h, "192.168.0.10", "100.125.10.5", &got);
	assert_string_equal(got.text,
			    "100.125.10.5 from 192.168.0.10 via 192.168.0.2 dev eth0 table 100");
	assert_int_equal(run("ip rule del table 100"), 0);

	for (size_t i = 0; i < 3; i++) {
		snprintf(command, sizeof(command), "ip route add %s 100.125.0.0/16",
			 refused[i].route);
		assert_int_equal(run(command), 0);
		ask_route(h, "192.168.0.10", "100.125.10.5", &got);
		assert_int_equal(got.err, refused[i].err);
		snprintf(command, sizeof(command), "ip route del %s 100.125.0.0/16",
			 refused[i].route);
		assert_int_equal(run(command), 0);
	}

	ask_route(h, "2001:db8::10", "2001:db8:1::5", &got);
	assert_int_equal(got.err, -ENETUNREACH);
	assert_int_equal(run("ip -6 route add default via fe80::1 dev eth0"), 0);
	ask_route(h, "2001:db8::10", "2001:db8:1::5", &got);
	assert_string_equal(got.text, "2001:db8:1::5 from 2001:db8::10 via fe80::1 dev eth0");
}

static void assert_chain(const struct host_chain *c, const char *backend, const char *family,
			 const char *table, const char *chain, int priority, const char *policy)
{
	assert_string_equal(c->backend, backend);
	assert_string_equal(c->family, family);
	assert_string_equal(c->table, table);
	assert_string_equal(c->chain, chain);
	assert_int_equal(c->priority, priority);
	assert_string_equal(c->policy, policy);
}

static void test_chains(void **state)
{
	struct host *h = host_of(state);
	struct host_chains got;

	assert_int_equal(h->ops->chains(h->ctx, false, "INPUT", &got), 0);
	assert_int_equal(got.n, 0);
	assert_int_equal(h->ops->chains(h->ctx, false, "NOWHERE", &got), -EINVAL);

	need("nft 'add table inet fw;"
	     "add chain inet fw in { type filter hook input priority 10; policy drop; };"
	     "add chain inet fw early { type filter hook input priority -200; };"
	     "add chain inet fw plain;"
	     "add table ip filter2;"
	     "add chain ip filter2 INPUT { type filter hook input priority 5; };"
	     "add table ip6 six; add chain ip6 six in { type filter hook input priority 0; };"
	     "add table netdev nd;"
	     "add chain netdev nd i { type filter hook ingress device eth0 priority 3; }'");
	assert_int_equal(h->ops->chains(h->ctx, false, "INPUT", &got), 0);
	assert_int_equal(got.n, 3);
	assert_chain(&got.c[0], "nft", "inet", "fw", "early", -200, "accept");
	assert_chain(&got.c[1], "nft", "ip", "filter2", "INPUT", 5, "accept");
	assert_chain(&got.c[2], "nft", "inet", "fw", "in", 10, "drop");
	assert_int_equal(h->ops->chains(h->ctx, true, "INPUT", &got), 0);
	assert_int_equal(got.n, 3);
	assert_chain(&got.c[1], "nft", "ip6", "six", "in", 0, "accept");
	assert_int_equal(h->ops->chains(h->ctx, false, "INGRESS", &got), 0);
	assert_int_equal(got.n, 1);
	assert_chain(&got.c[0], "nft", "netdev", "nd", "i", 3, "accept");
	assert_int_equal(h->ops->chains(h->ctx, false, "OUTPUT", &got), 0);
	assert_int_equal(got.n, 0);
}

static void test_chains_of_iptables_nft(void **state)
{
	struct host *h = host_of(state);
	struct host_chains got;

	need("nft flush ruleset");
	need("iptables-nft -P INPUT DROP &&"
	     "iptables-nft -t mangle -A INPUT -s 100.125.0.0/16 -j ACCEPT");
	assert_int_equal(h->ops->chains(h->ctx, false, "INPUT", &got), 0);
	assert_int_equal(got.n, 2);
	assert_chain(&got.c[0], "iptables-nft", "ip", "mangle", "INPUT", -150, "accept");
	assert_chain(&got.c[1], "iptables-nft", "ip", "filter", "INPUT", 0, "drop");
	assert_int_equal(h->ops->chains(h->ctx, true, "INPUT", &got), 0);
	assert_int_equal(got.n, 0);
	assert_int_equal(run("nft flush ruleset"), 0);
}

static void test_chains_of_legacy_iptables(void **state)
{
	struct host *h = host_of(state);
	struct host_chains got;

	need("iptables-legacy -P INPUT DROP &&"
	     "iptables-legacy -A INPUT -s 100.125.0.0/16 -j ACCEPT");
	need("iptables-legacy -t raw -S && ip6tables-legacy -P FORWARD DROP");
	assert_int_equal(h->ops->chains(h->ctx, false, "INPUT", &got), 0);
	assert_int_equal(got.n, 1);
	assert_chain(&got.c[0], "iptables-legacy", "ip", "filter", "INPUT", 0, "drop");
	assert_int_equal(h->ops->chains(h->ctx, false, "OUTPUT", &got), 0);
	assert_int_equal(got.n, 2);
	assert_chain(&got.c[0], "iptables-legacy", "ip", "raw", "OUTPUT", -300, "accept");
	assert_chain(&got.c[1], "iptables-legacy", "ip", "filter", "OUTPUT", 0, "accept");
	assert_int_equal(h->ops->chains(h->ctx, true, "FORWARD", &got), 0);
	assert_int_equal(got.n, 1);
	assert_chain(&got.c[0], "iptables-legacy", "ip6", "filter", "FORWARD", 0, "drop");
}

static void test_devices(void **state)
{
	struct host *h = host_of(state);
	struct host_devices got;
	bool seen = false;

	assert_int_equal(h->ops->devices(h->ctx, &got), 0);
	for (size_t i = 0; i < got.n; i++) {
		assert_string_not_equal(got.d[i].name, "lo");
		if (strcmp(got.d[i].name, "eth0"))
			continue;
		seen = true;
		assert_true(got.d[i].up);
		assert_int_equal(got.d[i].xdp_prog_id, 0);
	}
	assert_true(seen);
	assert_int_equal(run("ip link set peer0 down"), 0); /* the carrier goes */
	assert_int_equal(h->ops->devices(h->ctx, &got), 0);
	for (size_t i = 0; i < got.n; i++)
		assert_false(got.d[i].up);
	assert_int_equal(run("ip link set peer0 up"), 0);
}

static void test_sysctl(void **state)
{
	struct host *h = *state;
	int64_t value;

	assert_int_equal(h->ops->sysctl(h->ctx, "net.ipv4.ip_forward", &value), 0);
	assert_true(value == 0 || value == 1);
	assert_int_equal(h->ops->sysctl(h->ctx, "net.ipv4.no_such_thing", &value), -ENOENT);
	assert_int_equal(h->ops->sysctl(h->ctx, "net.//.//.//.etc.hostname", &value), -EINVAL);
	assert_int_equal(h->ops->sysctl(h->ctx, "", &value), -EINVAL);
	assert_int_equal(h->ops->sysctl(h->ctx, "kernel.ostype", &value), -EINVAL);
	host_of(state);
	assert_int_equal(run("ip link add link eth0 name eth0.100 type vlan id 100 ||"
			     "ip link add eth0.100 type veth peer name peer1"),
			 0);
	assert_int_equal(h->ops->sysctl(h->ctx, "net.ipv4.conf.eth0/100.rp_filter", &value), 0);
	assert_int_equal(h->ops->sysctl(h->ctx, "net.ipv4.conf.eth0.rp_filter", &value), 0);
	assert_true(write_text("/proc/sys/net/ipv4/conf/eth0/rp_filter", "2"));
	assert_int_equal(h->ops->sysctl(h->ctx, "net.ipv4.conf.eth0.rp_filter", &value), 0);
	assert_int_equal(value, 2);
}

/* A process with an /etc of its own, where hosts.deny is a link to what DENY says. */
static pid_t live_with(const char *deny)
{
	int ready[2];
	char ok = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork_helper();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount("tmpfs", "/etc", "tmpfs", 0, NULL) ||
		    mkdir("/etc/policy", 0755) || !write_text("/etc/policy/deny", deny) ||
		    symlink("/etc/policy/deny", "/etc/hosts.deny") || write(ready[1], "+", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &ok, 1) < 0)
		ok = 0;
	close(ready[0]);
	assert_int_equal(ok, '+');
	return pid;
}

static void test_wrappers_of_another_root(void **state)
{
	struct host *h = host_of(state);
	pid_t pid = live_with("vsftpd: ALL\nsshd: 100.125.\n");
	struct host_wrappers got;
	uint8_t client[16];

	address("100.125.10.5", client);
	assert_int_equal(h->ops->wrappers(h->ctx, pid, "sshd", client, &got), 0);
	assert_false(got.granted);
	assert_string_equal(got.file, "/etc/hosts.deny");
	assert_int_equal(got.line, 2);
	assert_string_equal(got.text, "sshd: 100.125.");
	address("10.0.0.1", client);
	assert_int_equal(h->ops->wrappers(h->ctx, pid, "sshd", client, &got), 0);
	assert_true(got.granted);
	end(pid);
	assert_int_equal(h->ops->wrappers(h->ctx, pid, "sshd", client, &got), -ESRCH);
}

static void test_wrappers_does_not_wait(void **state)
{
	struct host *h = host_of(state);
	struct host_wrappers got;
	uint8_t client[16];
	pid_t pid = live_with("ALL: /run/patterns\n");

	address("100.125.10.5", client);
	assert_int_equal(mkfifo("/run/patterns", 0644), 0);
	assert_int_equal(h->ops->wrappers(h->ctx, pid, "sshd", client, &got), 0);
	assert_true(got.granted);
	assert_true(got.uncertain);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_chains_of_iptables_nft),
		cmocka_unit_test(test_chains_of_legacy_iptables),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_sysctl),
		cmocka_unit_test(test_wrappers_of_another_root),
		cmocka_unit_test(test_wrappers_does_not_wait),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
