// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The running host's answers, in network and mount namespaces of the test's
 * own, which end with it.  Without root it takes a user namespace; where even
 * that is not allowed, everything is skipped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/host_live.h"
#include "user/netns.h"
#include "user/process.h"
#include "user/sysctl.h"

static const char *lacking; /* what keeps these tests from running; NULL: nothing */

static int run(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "PATH=$PATH:/usr/sbin:/sbin; { %s; } >/dev/null 2>&1",
		 command);
	return system(line);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A process of its own user namespace counts as root there. */
static bool become_root(void)
{
	unsigned uid = getuid(), gid = getgid();
	char map[32];

	if (unshare(CLONE_NEWUSER) || !write_text("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_text("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_text("/proc/self/gid_map", map);
}

static int set_up(void **state)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host || host_live_open(host))
		return -1;
	*state = host;
	if (geteuid() && !become_root())
		lacking = "neither root nor user namespaces";
	else if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
		 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		 mount("tmpfs", "/run", "tmpfs", 0, NULL))
		lacking = "no namespaces of one's own";
	else if (run("ip link set lo up && ip link add eth0 type veth peer name peer0 &&"
		     "ip addr add 192.168.0.10/24 dev eth0 &&"
		     "ip addr add 2001:db8::10/64 dev eth0 nodad &&"
		     "ip link set eth0 up && ip link set peer0 up"))
		lacking = "ip(8) cannot make a veth pair";
	return 0;
}

static int tear_down(void **state)
{
	host_live_close(*state);
	free(*state);
	return 0;
}

/* At the start of each test that needs the namespaces. */
static struct host *host_of(void **state)
{
	if (lacking) {
		print_message("%s\n", lacking);
		skip();
	}
	return *state;
}

static void need(const char *command)
{
	if (run(command)) {
		print_message("does not work here: %s\n", command);
		skip();
	}
}

static void address(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	out[10] = out[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

/* A bound socket; a TCP one listens with room for BACKLOG + 1 connections. */
static int serve(const char *addr, uint16_t port, int type, int backlog, bool v6only)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool v6 = inet_pton(AF_INET6, addr, &in6.sin6_addr) == 1;
	int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0), on = v6only;

	assert_true(fd >= 0);
	if (v6) {
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
		assert_int_equal(bind(fd, (struct sockaddr *)&in6, sizeof(in6)), 0);
	} else {
		assert_int_equal(inet_pton(AF_INET, addr, &in.sin_addr), 1);
		assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	}
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* A connection to 192.168.0.10:PORT; *TUPLE as hctrace has it. */
static int call(uint16_t port, int type, struct hct_tuple *tuple)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) }, from;
	socklen_t len = sizeof(from);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "192.168.0.10", &to.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&from, &len), 0);
	memset(tuple, 0, sizeof(*tuple));
	address("192.168.0.10", tuple->lb);
	address("192.168.0.10", tuple->target);
	tuple->lb_port = from.sin_port;
	tuple->target_port = htons(port);
	tuple->protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
	return fd;
}

/* fork(), but the child goes when the test does. */
static pid_t fork_helper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid && prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool has_port(const struct host_listeners *l, uint16_t port)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->l[i].port == port)
			return true;
	return false;
}

static void assert_own(const struct host_listener *l)
{
	char comm[HCT_COMM_LEN];

	assert_int_equal(process_comm(getpid(), comm), 0);
	assert_int_equal(l->pid, getpid());
	assert_string_equal(l->comm, comm);
	assert_int_equal(l->netns, netns_self());
	assert_false(l->other_netns);
}

static void test_listeners(void **state)
{
	struct host *h = host_of(state);
	static const uint8_t any[16];
	int any_fd = serve("0.0.0.0", 8080, SOCK_STREAM, 5, false);
	int six_fd = serve("::", 8081, SOCK_STREAM, 7, true);
	int both_fd = serve("::", 8083, SOCK_STREAM, 7, false);
	int lo_fd = serve("127.0.0.1", 8082, SOCK_STREAM, 5, false);
	struct hct_tuple tuple;
	int one = call(8080, SOCK_STREAM, &tuple), two = call(8080, SOCK_STREAM, &tuple);
	struct host_listeners got;
	uint8_t loopback[16];

	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 8080, &got), 0);
	assert_true(got.n >= 3);
	assert_int_equal(got.l[0].port, 8080);
	assert_memory_equal(got.l[0].addr, any, 16);
	assert_int_equal(got.l[0].backlog, 2);
	assert_int_equal(got.l[0].backlog_max, 5);
	assert_own(&got.l[0]);
	/* then the others, in order, but what only this host can reach */
	assert_int_equal(got.l[1].port, 8081);
	assert_true(got.l[1].v6only);
	assert_int_equal(got.l[2].port, 8083);
	assert_false(got.l[2].v6only);
	assert_own(&got.l[2]);
	assert_false(has_port(&got, 8082));

	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 8082, &got), 0);
	address("127.0.0.1", loopback);
	assert_memory_equal(got.l[0].addr, loopback, 16);

	/* a process that is gone is not remembered */
	close(any_fd);
	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 8080, &got), 0);
	assert_false(has_port(&got, 8080));
	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_SCTP, 8080, &got), -EPROTONOSUPPORT);
	close(one);
	close(two);
	close(six_fd);
	close(both_fd);
	close(lo_fd);
}

static void test_udp_listeners(void **state)
{
	struct host *h = host_of(state);
	int fd = serve("192.168.0.10", 5353, SOCK_DGRAM, 0, false);
	struct host_listeners got;

	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_UDP, 5353, &got), 0);
	assert_int_equal(got.l[0].port, 5353);
	assert_own(&got.l[0]);
	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 5353, &got), 0);
	assert_false(has_port(&got, 5353));
	close(fd);
}

static void test_reuseport_counts_once_elsewhere(void **state)
{
	struct host *h = host_of(state);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(8090) };
	struct host_listeners got;
	int fd[4], on = 1;

	for (size_t i = 0; i < 4; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(setsockopt(fd[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
		assert_int_equal(bind(fd[i], (struct sockaddr *)&in, sizeof(in)), 0);
		assert_int_equal(listen(fd[i], 1), 0);
	}
	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 8090, &got), 0);
	assert_int_equal(got.n, 4);
	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 1, &got), 0);
	assert_int_equal(got.n, 1);
	for (size_t i = 0; i < 4; i++)
		close(fd[i]);
}

static void test_more_listeners_than_room(void **state)
{
	struct host *h = host_of(state);
	struct host_listeners got;
	int fd[HOST_MAX_LISTENERS + 6];

	for (size_t i = 0; i < HOST_MAX_LISTENERS + 6; i++)
		fd[i] = serve("0.0.0.0", 9000 + i, SOCK_STREAM, 1, false);
	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 9003, &got), 0);
	assert_int_equal(got.n, HOST_MAX_LISTENERS);
	assert_true(got.truncated);
	assert_int_equal(got.l[0].port, 9003);
	for (size_t i = 0; i < HOST_MAX_LISTENERS + 6; i++)
		close(fd[i]);
}

/* A process that listens on PORT in a network namespace of its own; *NETNS is that one. */
static pid_t listen_elsewhere(uint16_t port, uint32_t *netns)
{
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork_helper();
	if (!pid) {
		uint32_t self;

		if (unshare(CLONE_NEWNET))
			_exit(1);
		serve("0.0.0.0", port, SOCK_STREAM, 3, false);
		self = netns_self();
		if (write(ready[1], &self, sizeof(self)) != sizeof(self))
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], netns, sizeof(*netns)), sizeof(*netns));
	close(ready[0]);
	return pid;
}

static void test_listener_in_another_namespace(void **state)
{
	struct host *h = host_of(state);
	uint32_t before = netns_self(), netns;
	pid_t pid = listen_elsewhere(9090, &netns);
	struct host_listeners got;
	int fd;

	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 9090, &got), 0);
	assert_true(got.n >= 1);
	assert_int_equal(got.l[0].port, 9090);
	assert_true(got.l[0].other_netns);
	assert_int_equal(got.l[0].netns, netns);
	assert_int_equal(got.l[0].pid, pid);
	assert_int_equal(netns_self(), before);

	/* what listens here comes first, and is enough */
	fd = serve("0.0.0.0", 9090, SOCK_STREAM, 1, false);
	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 9090, &got), 0);
	assert_int_equal(got.n, 1);
	assert_false(got.l[0].other_netns);
	close(fd);
	end(pid);
}

static void test_owner(void **state)
{
	struct host *h = host_of(state);
	static const char *const addrs[] = { "0.0.0.0", "::" };

	for (size_t i = 0; i < 2; i++) {
		int server = serve(addrs[i], 8085 + i, SOCK_STREAM, 5, false), client, accepted;
		struct host_process got;
		struct hct_tuple tuple;

		client = call(8085 + i, SOCK_STREAM, &tuple);
		assert_int_equal(h->ops->owner(h->ctx, &tuple, &got), -ENOENT);
		accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		assert_int_equal(h->ops->owner(h->ctx, &tuple, &got), 0);
		assert_int_equal(got.pid, getpid());
		assert_true(got.comm[0]);
		/* no such connection: the listener is not it */
		tuple.lb_port ^= htons(1);
		assert_int_equal(h->ops->owner(h->ctx, &tuple, &got), -ENOENT);
		close(accepted);
		close(client);
		close(server);
	}
}

/* As a server does that listens in one process and works in others. */
static void test_owner_is_a_child(void **state)
{
	struct host *h = host_of(state);
	int client, server = serve("0.0.0.0", 8087, SOCK_STREAM, 5, false), ready[2];
	struct host_process got;
	struct hct_tuple tuple;
	pid_t pid;
	char ok;

	client = call(8087, SOCK_STREAM, &tuple);
	assert_int_equal(pipe(ready), 0);
	pid = fork_helper();
	if (!pid) {
		if (accept4(server, NULL, NULL, SOCK_CLOEXEC) < 0 || write(ready[1], "+", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &ok, 1), 1);
	close(ready[0]);
	assert_int_equal(h->ops->owner(h->ctx, &tuple, &got), 0);
	assert_int_equal(got.pid, pid);
	end(pid);
	assert_int_equal(h->ops->owner(h->ctx, &tuple, &got), -ENOENT);
	close(client);
	close(server);
}

static void test_udp_owner(void **state)
{
	struct host *h = host_of(state);
	struct hct_tuple tuple;
	struct host_process got;
	int client, server = serve("::", 5354, SOCK_DGRAM, 0, false);

	client = call(5354, SOCK_DGRAM, &tuple);
	assert_int_equal(h->ops->owner(h->ctx, &tuple, &got), 0);
	assert_int_equal(got.pid, getpid());
	close(server);
	server = serve("::", 5354, SOCK_DGRAM, 0, true); /* takes no IPv4 */
	assert_int_equal(h->ops->owner(h->ctx, &tuple, &got), -ENOENT);
	tuple.protocol = IPPROTO_ICMP;
	assert_int_equal(h->ops->owner(h->ctx, &tuple, &got), -ENOENT);
	close(client);
	close(server);
}

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

static void test_namespaces(void **state)
{
	struct host *h = host_of(state);
	char home[32], path[64], name[64];
	uint32_t before = netns_self(), netns;
	int home_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	pid_t pid = listen_elsewhere(9091, &netns);

	assert_true(home_fd >= 0 && before && netns != before);
	assert_int_equal(h->ops->netns_name(h->ctx, netns, name), -ENOENT);
	assert_int_equal(mkdir("/run/netns", 0755), 0);
	assert_true(write_text("/run/netns/web", "") && write_text("/run/netns/77", ""));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	assert_int_equal(mount(path, "/run/netns/web", NULL, MS_BIND, NULL), 0);
	assert_int_equal(h->ops->netns_name(h->ctx, netns, name), 0);
	assert_string_equal(name, "web");
	assert_int_equal(h->ops->netns_name(h->ctx, before, name), -ENOENT);

	snprintf(home, sizeof(home), "/proc/self/fd/%d", home_fd);
	assert_int_equal(netns_enter("web"), 0);
	assert_int_equal(netns_self(), netns);
	assert_int_equal(netns_enter(home), 0);
	assert_int_equal(netns_self(), before);
	snprintf(name, sizeof(name), "%d", pid);
	assert_int_equal(netns_enter(name), 0);
	assert_int_equal(netns_self(), netns);
	assert_int_equal(netns_enter(home), 0);
	assert_int_equal(netns_enter(path), 0);
	assert_int_equal(netns_enter(home), 0);

	assert_int_equal(netns_enter("nowhere"), -ENOENT);
	assert_int_equal(netns_enter("77"), -EINVAL); /* a name before a process, and not mounted */
	assert_int_equal(netns_enter("999999999"), -ENOENT);
	assert_int_equal(netns_enter("../netns/web"), -EINVAL);
	assert_int_equal(netns_enter(""), -EINVAL);
	assert_int_equal(netns_enter("/etc"), -EINVAL);
	assert_int_equal(netns_self(), before);
	end(pid);
	close(home_fd);
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
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_udp_listeners),
		cmocka_unit_test(test_reuseport_counts_once_elsewhere),
		cmocka_unit_test(test_more_listeners_than_room),
		cmocka_unit_test(test_listener_in_another_namespace),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_owner_is_a_child),
		cmocka_unit_test(test_udp_owner),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_chains_of_iptables_nft),
		cmocka_unit_test(test_chains_of_legacy_iptables),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_sysctl),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_wrappers_of_another_root),
		cmocka_unit_test(test_wrappers_does_not_wait),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
