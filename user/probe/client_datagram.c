// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UDP checks: an echo, then a datagram. */
#include "client.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/addresses.h"

#define WORDS "health check"

/* Echo request and reply begin alike in ICMP and ICMPv6. */
struct echo {
	uint8_t type, code;
	uint16_t checksum;
	uint16_t id, seq;
	char words[sizeof(WORDS) - 1];
};
_Static_assert(sizeof(struct echo) % 2 == 0, "the checksum is of 16-bit words");

static uint16_t checksum(const void *bytes, size_t n)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i < n; i += 2) {
		memcpy(&word, (const char *)bytes + i, 2);
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

/* Is the packet of N bytes the reply to REQUEST?  Of IPv4 its header comes first. */
static bool is_reply(const uint8_t *packet, size_t n, const struct echo *request, bool v6)
{
	size_t head = v6 || !n ? 0 : (packet[0] & 0xfu) * 4;
	struct echo reply;

	if (n < head + offsetof(struct echo, words))
		return false;
	memcpy(&reply, packet + head, offsetof(struct echo, words));
	return reply.type == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) && reply.id == request->id &&
	       reply.seq == request->seq;
}

static void set_result(struct client_seen *seen, int err)
{
	seen->err = -err;
	seen->result = err ? client_result_of(-err) : CLIENT_OK;
}

int client_echo(const struct client *c, const struct client_check *check, uint64_t deadline,
		struct client_seen *seen)
{
	bool v6 = address_is_ipv6(check->target);
	int protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, fd, err;
	struct echo request = { .type = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO, .seq = htons(1) };
	struct sockaddr_storage target;
	socklen_t len = client_address(&target, check->target, 0);
	uint8_t packet[512];

	memcpy(request.words, WORDS, sizeof(request.words));
	if (getrandom(&request.id, sizeof(request.id), 0) != sizeof(request.id))
		request.id = (uint16_t)client_now();
	if (!v6)
		request.checksum = checksum(&request, sizeof(request));
	seen->flow = (struct hct_bottle_flow){ .port = request.id, .protocol = (uint8_t)protocol };
	fd = client_socket(c, check, SOCK_RAW, protocol, seen);
	if (fd < 0)
		return fd;
	err = connect(fd, (void *)&target, len) || send(fd, &request, sizeof(request), 0) < 0 ?
	      -errno : 0;
	while (!err) {
		ssize_t n = recv(fd, packet, sizeof(packet), 0);

		if (n > 0 && is_reply(packet, (size_t)n, &request, v6))
			break;
		err = n < 0 && errno != EAGAIN ? -errno : client_wait(c, fd, POLLIN, deadline);
	}
	set_result(seen, err);
	close(fd);
	return 0;
}

int client_datagram(const struct client *c, const struct client_check *check, uint64_t deadline,
		    struct client_seen *seen)
{
	char answer[64];
	int fd, err;

	seen->flow.protocol = IPPROTO_UDP;
	fd = client_socket(c, check, SOCK_DGRAM, 0, seen);
	if (fd < 0)
		return fd;
	err = client_connect(c, check, fd, deadline, seen);
	if (!err && send(fd, WORDS, sizeof(WORDS) - 1, 0) < 0)
		err = -errno;
	if (!err)
		err = client_wait(c, fd, POLLIN, deadline);
	if (!err && recv(fd, answer, sizeof(answer), 0) < 0)
		err = -errno;
	set_result(seen, err == -ETIMEDOUT ? 0 : err); /* to a load balancer, silence is health */
	close(fd);
	return 0;
}
