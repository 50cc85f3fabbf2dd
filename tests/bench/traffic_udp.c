// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * traffic_udp FROM TO TARGET PORT COUNT: COUNT small datagrams from namespace
 * FROM to a socket of namespace TO, which sends each back.
 *
 * A fixed amount of work: WINDOW datagrams are under way, the next ones leave
 * when their answers came, so that little gets lost by haste.  Prints packets
 * (of both directions) and seconds.
 */
#include "traffic.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BATCH 64
#define WINDOW 256
#define PAYLOAD 64
#define BUFFER_BYTES (8 << 20)
#define SILENCE_MS 20 /* what has not come back by then is lost */

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_in peers[BATCH];
	char bytes[BATCH][PAYLOAD];
};

static struct batch *batch_new(bool with_peers)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		traffic_die("batch");
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *header = &b->messages[i].msg_hdr;

		b->parts[i] = (struct iovec){ b->bytes[i], PAYLOAD };
		header->msg_iov = &b->parts[i];
		header->msg_iovlen = 1;
		if (with_peers) {
			header->msg_name = &b->peers[i];
			header->msg_namelen = sizeof(b->peers[i]);
		}
	}
	return b;
}

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int bytes = BUFFER_BYTES;

	if (fd < 0)
		traffic_die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	return fd;
}

static void send_all(int fd, struct batch *b, unsigned n)
{
	for (unsigned sent = 0; sent < n;) {
		int done = sendmmsg(fd, b->messages + sent, n - sent, 0);

		if (done < 0)
			traffic_die("sendmmsg");
		sent += (unsigned)done;
	}
}

static void echo(void *ctx)
{
	struct batch *b = batch_new(true);
	int fd = open_socket();

	traffic_pin(1);
	if (bind(fd, ctx, sizeof(struct sockaddr_in)))
		traffic_die("bind");
	traffic_ready();
	for (;;) {
		int n = recvmmsg(fd, b->messages, BATCH, MSG_WAITFORONE, NULL);

		if (n < 0)
			traffic_die("recvmmsg");
		send_all(fd, b, (unsigned)n);
	}
}

/* Datagrams that came back, at least one unless SILENCE_MS passed. */
static unsigned receive(int fd, struct batch *b)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int n = recvmmsg(fd, b->messages, BATCH, MSG_DONTWAIT, NULL);

	if (n < 0 && poll(&ready, 1, SILENCE_MS) > 0)
		n = recvmmsg(fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
	return n < 0 ? 0 : (unsigned)n;
}

int main(int argc, char **argv)
{
	struct sockaddr_in target = { .sin_family = AF_INET };
	struct batch *out, *in;
	unsigned long count, sent = 0, got = 0, lost = 0;
	double start, seconds;
	int fd, server;

	if (argc != 6) {
		fprintf(stderr, "usage: traffic_udp FROM TO TARGET PORT COUNT\n");
		return 2;
	}
	target.sin_addr.s_addr = traffic_ipv4(argv[3]);
	target.sin_port = htons((uint16_t)traffic_number(argv[4]));
	count = traffic_number(argv[5]);
	server = traffic_serve(argv[2], echo, &target);
	traffic_enter(argv[1]);
	traffic_pin(0);
	fd = open_socket();
	if (connect(fd, (struct sockaddr *)&target, sizeof(target)))
		traffic_die("connect");
	out = batch_new(false);
	in = batch_new(false);

	start = traffic_now();
	while (got + lost < count) {
		unsigned n;

		while (sent < count && sent - got - lost <= WINDOW - BATCH) {
			n = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;
			send_all(fd, out, n);
			sent += n;
		}
		n = receive(fd, in);
		got += n;
		if (!n)
			lost = sent - got;
		else if (got + lost > sent)
			lost = sent - got; /* it was only late */
	}
	seconds = traffic_now() - start;
	traffic_end(server);
	printf("{\"packets\": %lu, \"lost\": %lu, \"seconds\": %.6f}\n", sent + got, lost, seconds);
	return 0;
}
