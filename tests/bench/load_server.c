// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * load_server MODE,PORT[-PORT]...: what runs on the backend beside real daemons,
 * fast enough for tens of thousands of probes a second.
 *
 *   silent   takes connections, reads, never answers: passes a TCP check, fails an HTTP one
 *   answer   reads a request, answers 200, closes
 *   banner   reads a request, answers with what is no HTTP, closes
 *   close    reads a request, closes without an answer
 *   reset    reads a request, resets
 *   full     takes nobody, and has a connection of its own fill its queue
 *   echo     UDP: sends back what came
 *   sink     UDP: reads and says nothing
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 65535 /* the kernel cuts it to net.core.somaxconn */
#define MAX_READY 256
#define AT_ONCE 64 /* connections or datagrams of one socket before the next one's turn */

enum mode { SILENT, ANSWER, BANNER, CLOSE, RESET, FULL, ECHO, SINK, MODES };

static const char *const mode_names[MODES] = {
	[SILENT] = "silent", [ANSWER] = "answer", [BANNER] = "banner", [CLOSE] = "close",
	[RESET] = "reset", [FULL] = "full", [ECHO] = "echo", [SINK] = "sink",
};

static const char *const texts[MODES] = {
	[ANSWER] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n",
	[BANNER] = "SSH-2.0-OpenSSH_9.2\r\n",
};

/* What epoll hands back: the mode, and whether the descriptor is a listener's. */
union handle {
	uint64_t word;
	struct {
		int fd;
		uint16_t mode;
		uint16_t listens;
	};
};

static int watch(int epoll, int fd, enum mode mode, int listens)
{
	union handle handle = { .fd = fd, .mode = (uint16_t)mode, .listens = (uint16_t)listens };
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP, .data.u64 = handle.word };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

/* A queue of backlog 0 has room for one. */
static int fill_queue(uint16_t port)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&own, sizeof(own));
}

static int open_port(int epoll, enum mode mode, uint16_t port)
{
	int datagrams = mode == ECHO || mode == SINK, one = 1, room = 4 << 20;
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (datagrams)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    (!datagrams && listen(fd, mode == FULL ? 0 : BACKLOG)))
		return -1;
	return mode == FULL ? fill_queue(port) : watch(epoll, fd, mode, 1);
}

static int open_ports(int epoll, char *text)
{
	char *ports = strchr(text, ',');
	unsigned first, last;
	int n, mode = 0;

	if (!ports)
		return -1;
	*ports++ = '\0';
	while (mode < MODES && strcmp(text, mode_names[mode]))
		mode++;
	n = sscanf(ports, "%u-%u", &first, &last);
	if (mode == MODES || n < 1)
		return -1;
	if (n < 2)
		last = first;
	for (unsigned port = first; port <= last; port++)
		if (open_port(epoll, mode, (uint16_t)port))
			return -1;
	return 0;
}

/* Reads what there is; the request is taken for whole.  False: the connection goes on. */
static int is_served(int fd, enum mode mode)
{
	static const struct linger reset = { .l_onoff = 1 };
	char buffer[4096];
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	if (n <= 0)
		return n == 0 || errno != EAGAIN;
	if (mode == SILENT)
		return 0;
	if (mode == RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (texts[mode])
		send(fd, texts[mode], strlen(texts[mode]), MSG_NOSIGNAL);
	return 1;
}

static void take_connections(int epoll, int listener, enum mode mode)
{
	for (int i = 0; i < AT_ONCE; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		/* mostly the whole probe has come by now */
		if (is_served(fd, mode) || watch(epoll, fd, mode, 0))
			close(fd);
	}
}

static void take_datagrams(int fd, enum mode mode)
{
	char buffer[2048];

	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		if (mode == ECHO) /* a rule may drop it: nothing to do about that here */
			sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

static void serve(int epoll)
{
	for (;;) {
		struct epoll_event ready[MAX_READY];
		int n = epoll_wait(epoll, ready, MAX_READY, -1);

		for (int i = 0; i < n; i++) {
			union handle handle = { .word = ready[i].data.u64 };

			if (!handle.listens) {
				if (is_served(handle.fd, handle.mode))
					close(handle.fd);
			} else if (handle.mode == ECHO || handle.mode == SINK) {
				take_datagrams(handle.fd, handle.mode);
			} else {
				take_connections(epoll, handle.fd, handle.mode);
			}
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 2) {
		fprintf(stderr, "Usage: load_server MODE,PORT[-PORT]...\n");
		return 2;
	}
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (int i = 1; i < argc; i++) {
		if (open_ports(epoll, argv[i])) {
			fprintf(stderr, "load_server: cannot serve %s: %s\n", argv[i],
				strerror(errno));
			return 1;
		}
	}
	serve(epoll);
}
