// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * traffic_serve ADDRESS PORT: the smallest server that a client of HTTP is
 * content with.  Whatever is sent is answered, and it closes when the request
 * asks for that.  It does next to nothing, so that what the kernel does for a
 * request weighs as much as it can.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic.h"

#define EVENTS 64
#define BACKLOG 4096

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
			     "Content-Length: 3\r\n\r\nok\n";
static const char last_answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
				  "Content-Length: 3\r\nConnection: close\r\n\r\nok\n";

static void accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
			traffic_die("epoll_ctl");
	}
}

static void take_request(int fd)
{
	char request[2048];
	ssize_t n = read(fd, request, sizeof(request) - 1);
	bool last;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close(fd);
		return;
	}
	request[n] = '\0';
	last = strstr(request, "Connection: close") != NULL;
	if (write(fd, last ? last_answer : answer,
		  last ? sizeof(last_answer) - 1 : sizeof(answer) - 1) < 0 || last)
		close(fd);
}

static int open_listener(const char *addr, const char *port)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	here.sin_addr.s_addr = traffic_ipv4(addr);
	here.sin_port = htons((uint16_t)traffic_number(port));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) || listen(fd, BACKLOG))
		traffic_die("listen");
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLIN }, ready[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener;

	if (argc != 3) {
		fprintf(stderr, "usage: traffic_serve ADDRESS PORT\n");
		return 2;
	}
	traffic_pin(1);
	listener = open_listener(argv[1], argv[2]);
	event.data.fd = listener;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event))
		traffic_die("epoll_ctl");
	for (;;) {
		int n = epoll_wait(epoll, ready, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == listener)
				accept_all(epoll, listener);
			else
				take_request(ready[i].data.fd);
		}
	}
}
