// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The client of a check: sockets, deadlines, and which kind is made how. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/addresses.h"

#define NS_PER_MS 1000000ULL

/* What is known of those that do otherwise than most. */
static const struct client_manner manners[] = {
	{ "azure", "GET", "1.1", true },
	{ "alibaba", "HEAD", "1.0", false },
	{ "haproxy", "OPTIONS", "1.0", false },
	{ "keepalived", "GET", "1.0", false },
	{ NULL, "GET", "1.1", false },
};

const struct client_manner *client_manner(const char *preset)
{
	const struct client_manner *m = manners;

	while (m->preset && strcmp(m->preset, preset) != 0)
		m++;
	return m;
}

uint64_t client_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int client_wait(const struct client *c, int fd, short events, uint64_t deadline)
{
	struct pollfd fds[] = { { .fd = c->stop_fd, .events = POLLIN },
				{ .fd = fd, .events = events } };

	for (;;) {
		uint64_t now = client_now();
		int n;

		if (now >= deadline)
			return -ETIMEDOUT;
		n = poll(fds, 2, (int)((deadline - now + NS_PER_MS - 1) / NS_PER_MS));
		if (n > 0 && fds[0].revents)
			return -ECANCELED;
		if (n > 0)
			return 0;
	}
}

socklen_t client_address(struct sockaddr_storage *out, const uint8_t addr[16], uint16_t port)
{
	struct sockaddr_in6 *v6 = (void *)out;
	struct sockaddr_in *v4 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (!address_is_ipv6(addr)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, addr + 12, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, addr, 16);
	return sizeof(*v6);
}

enum client_result client_result_of(int err)
{
	switch (err) {
	case ETIMEDOUT:
		return CLIENT_TIMEOUT;
	case ECANCELED:
		return CLIENT_STOPPED;
	case ECONNREFUSED:
		return CLIENT_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return CLIENT_RESET;
	default:
		return CLIENT_FAILED;
	}
}

/* The port that bind() gave. */
static uint16_t own_port(int fd)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);

	if (getsockname(fd, (void *)&own, &len))
		return 0;
	return own.ss_family == AF_INET ? ((struct sockaddr_in *)&own)->sin_port :
					  ((struct sockaddr_in6 *)&own)->sin6_port;
}

int client_socket(const struct client *c, const struct client_check *check, int type, int protocol,
		  struct client_seen *seen)
{
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage from;
	socklen_t len = client_address(&from, check->from, 0);
	int fd = socket(from.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), err;

	if (fd < 0)
		return -errno;
	/* whatever ends this process, the host is told that the connection is over */
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (bind(fd, (void *)&from, len)) {
		err = -errno;
		close(fd);
		return err;
	}
	if (type != SOCK_RAW)
		seen->flow.port = own_port(fd);
	err = c->begin(c->ctx, &seen->flow);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int client_connect(const struct client *c, const struct client_check *check, int fd,
		   uint64_t deadline, struct client_seen *seen)
{
	struct sockaddr_storage target;
	socklen_t len = client_address(&target, check->target, check->port), size = sizeof(int);
	int err = connect(fd, (void *)&target, len) ? errno : 0;

	if (err == EINPROGRESS) {
		err = -client_wait(c, fd, POLLOUT, deadline);
		if (!err && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size))
			err = errno;
	}
	if (!err)
		return 0;
	seen->err = err;
	seen->result = client_result_of(err);
	return -err;
}

static void set_linger(int fd, bool reset)
{
	const struct linger linger = { .l_onoff = reset };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* A check over TCP.  -errno: it could not be made. */
static int run_tcp(const struct client *c, const struct client_check *check, uint64_t deadline)
{
	struct client_seen seen = { .kind = check->kind, .port = check->port,
				    .flow.protocol = IPPROTO_TCP };
	int fd = client_socket(c, check, SOCK_STREAM, 0, &seen);

	if (fd < 0)
		return fd;
	if (!client_connect(c, check, fd, deadline, &seen)) {
		seen.result = CLIENT_OK;
		if (check->kind == CLIENT_HTTP)
			client_http(c, check, fd, deadline, &seen);
		else if (check->kind == CLIENT_HTTPS)
			client_https(c, check, fd, deadline, &seen);
		else if (check->manner->ends_by_fin)
			set_linger(fd, false);
	}
	seen.end_ns = client_now();
	c->end(c->ctx, &seen);
	close(fd);
	return seen.result == CLIENT_STOPPED ? -ECANCELED : 0;
}

static int run_flow(const struct client *c, const struct client_check *check, uint64_t deadline,
		    int (*run)(const struct client *c, const struct client_check *check,
			       uint64_t deadline, struct client_seen *seen),
		    enum client_kind kind)
{
	struct client_seen seen = { .kind = kind };
	int err = run(c, check, deadline, &seen);

	if (err)
		return err;
	seen.end_ns = client_now();
	c->end(c->ctx, &seen);
	return seen.result == CLIENT_STOPPED ? -ECANCELED : 0;
}

bool client_run(const struct client *client, const struct client_check *check, int *err)
{
	switch (check->kind) {
	case CLIENT_ICMP:
		*err = run_flow(client, check, client_now() + check->timeout_ns, client_echo,
				CLIENT_ICMP);
		break;
	case CLIENT_UDP: /* an echo, and then the datagram */
		*err = run_flow(client, check, client_now() + check->timeout_ns, client_echo,
				CLIENT_ICMP);
		if (!*err)
			*err = run_flow(client, check, client_now() + check->timeout_ns,
					client_datagram, CLIENT_UDP);
		break;
	default:
		*err = run_tcp(client, check, client_now() + check->timeout_ns);
	}
	return !*err;
}
