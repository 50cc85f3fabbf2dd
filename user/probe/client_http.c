// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* HTTP checks: one request, and of its answer no more than the status. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#ifndef HCT_VERSION
#define HCT_VERSION "unknown"
#endif

#define REQUEST_MAX 4096
#define STATUS_LINE 12 /* "HTTP/1.1 200" */
#define GOODBYE_NS 100000000ULL /* for the server's own end of the connection */

int client_request(const struct client_check *check, char *out, size_t size)
{
	int n = snprintf(out, size,
			 "%s %s HTTP/%s\r\nHost: %s\r\nUser-Agent: hctrace-probe/" HCT_VERSION
			 "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
			 check->manner->method, check->path, check->manner->version, check->host);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : n;
}

bool client_answer(const char *bytes, size_t n, struct client_seen *seen)
{
	static const char version[] = "HTTP/";
	size_t same = n < sizeof(version) - 1 ? n : sizeof(version) - 1;

	if (memcmp(bytes, version, same) != 0) {
		seen->result = CLIENT_NOT_HTTP;
		return true;
	}
	if (n < STATUS_LINE)
		return false;
	seen->result = sscanf(bytes + sizeof(version) - 1, "%*[0-9.] %3d", &seen->status) == 1 ?
		       CLIENT_OK : CLIENT_NOT_HTTP;
	return true;
}

int client_exchange(const struct client_stream *stream, const char *request, size_t n,
		    struct client_seen *seen)
{
	char answer[STATUS_LINE + 1] = "";
	size_t have = 0;
	ssize_t done;

	for (size_t sent = 0; sent < n; sent += (size_t)done) {
		done = stream->send(stream->ctx, request + sent, n - sent);
		if (done < 0)
			return (int)done;
	}
	do {
		done = stream->receive(stream->ctx, answer + have, STATUS_LINE - have);
		if (done < 0)
			return (int)done;
		have += (size_t)done;
	} while (done && !client_answer(answer, have, seen));
	if (!done)
		seen->result = have ? CLIENT_NOT_HTTP : CLIENT_CLOSED;
	return 0;
}

/* ---- without encryption: errors are -errno ---- */

struct plain {
	const struct client *client;
	int fd;
	uint64_t deadline;
};

static ssize_t plain_send(void *ctx, const char *bytes, size_t n)
{
	const struct plain *p = ctx;
	ssize_t sent;

	while ((sent = send(p->fd, bytes, n, MSG_NOSIGNAL)) < 0) {
		int err = errno == EAGAIN ? client_wait(p->client, p->fd, POLLOUT, p->deadline) :
					    -errno;

		if (err)
			return err;
	}
	return sent;
}

static ssize_t plain_receive(void *ctx, char *out, size_t n)
{
	const struct plain *p = ctx;
	ssize_t got;

	while ((got = recv(p->fd, out, n, 0)) < 0) {
		int err = errno == EAGAIN ? client_wait(p->client, p->fd, POLLIN, p->deadline) :
					    -errno;

		if (err)
			return err;
	}
	return got;
}

void client_goodbye(const struct client *c, int fd)
{
	uint64_t deadline = client_now() + GOODBYE_NS;
	char rest[4096];
	ssize_t n;

	shutdown(fd, SHUT_WR);
	do {
		if (client_wait(c, fd, POLLIN, deadline))
			return;
		n = recv(fd, rest, sizeof(rest), 0);
	} while (n > 0 || (n < 0 && errno == EAGAIN));
}

void client_http(const struct client *c, const struct client_check *check, int fd,
		 uint64_t deadline, struct client_seen *seen)
{
	struct plain plain = { c, fd, deadline };
	const struct client_stream stream = { plain_send, plain_receive, &plain };
	char request[REQUEST_MAX];
	int n = client_request(check, request, sizeof(request));
	int err = n < 0 ? n : client_exchange(&stream, request, (size_t)n, seen);

	if (err) {
		seen->err = -err;
		seen->result = client_result_of(-err);
	} else if (seen->result == CLIENT_OK) {
		client_goodbye(c, fd);
	}
}
