// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who listens, who owns a connection, and in which network namespace. */
#include "host_fixture.h"

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
	assert_false(got.l[2].v4only);
	assert_string_equal(got.l[2].device, "");
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

/* Two processes may have a port each for a device of its own. */
static void test_bound_to_device(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	struct host *h = host_of(state);

	for (size_t i = 0; i < 2; i++) {
		uint8_t protocol = types[i] == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(8070) };
		static const char *const devices[] = { "lo", "eth0" };
		struct host_listeners got;
		int fd[2];

		for (size_t j = 0; j < 2; j++) {
			fd[j] = socket(AF_INET, types[i] | SOCK_CLOEXEC, 0);
			assert_int_equal(setsockopt(fd[j], SOL_SOCKET, SO_BINDTODEVICE, devices[j],
						    strlen(devices[j])), 0);
			assert_int_equal(bind(fd[j], (struct sockaddr *)&in, sizeof(in)), 0);
			if (types[i] == SOCK_STREAM)
				assert_int_equal(listen(fd[j], 1), 0);
		}
		assert_int_equal(h->ops->listeners(h->ctx, protocol, 8070, &got), 0);
		assert_int_equal(got.n, 2);
		assert_string_not_equal(got.l[0].device, got.l[1].device);
		for (size_t j = 0; j < 2; j++) {
			assert_true(got.l[j].v4only);
			assert_true(strcmp(got.l[j].device, "lo") == 0 ||
				    strcmp(got.l[j].device, "eth0") == 0);
			assert_own(&got.l[j]);
			close(fd[j]);
		}
	}
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

	/* it is no matter here, and only told when its namespace is asked for */
	assert_int_equal(h->ops->listeners(h->ctx, IPPROTO_TCP, 9090, &got), 0);
	assert_int_equal(got.n, 0);
	assert_int_equal(h->ops->listeners_in(h->ctx, netns, IPPROTO_TCP, 9090, &got), 0);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.l[0].pid, pid);
	assert_int_equal(got.l[0].netns, netns);
	assert_int_equal(h->ops->listeners_in(h->ctx, netns, IPPROTO_TCP, 9, &got), 0);
	assert_int_equal(got.n, 1); /* what can be reached there instead */
	assert_int_equal(got.l[0].port, 9090);
	assert_int_equal(h->ops->listeners_in(h->ctx, 1, IPPROTO_TCP, 9090, &got), -ENOENT);
	assert_int_equal(netns_self(), before);

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_udp_listeners),
		cmocka_unit_test(test_bound_to_device),
		cmocka_unit_test(test_reuseport_counts_once_elsewhere),
		cmocka_unit_test(test_more_listeners_than_room),
		cmocka_unit_test(test_listener_in_another_namespace),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_owner_is_a_child),
		cmocka_unit_test(test_udp_owner),
		cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
