// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Raw SYNs, sent in batches. */
#include "load_raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load_truth.h"

#define BATCH 64
#define TTL 64

struct packet {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct load_raw {
	const struct load_plan *plan;
	load_raw_sent *sent;
	void *ctx;
	int fd;
	unsigned n;
	uint64_t probes[BATCH];
	struct packet packets[BATCH];
	struct sockaddr_in to[BATCH];
	struct iovec data[BATCH];
	struct mmsghdr messages[BATCH];
};

int load_raw_open(struct load_raw **out, const struct load_plan *plan, load_raw_sent *sent,
		  void *ctx)
{
	struct load_raw *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return -ENOMEM;
	raw->plan = plan;
	raw->sent = sent;
	raw->ctx = ctx;
	raw->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW); /* with our IP header */
	if (raw->fd < 0) {
		int err = -errno;

		free(raw);
		return err;
	}
	for (unsigned i = 0; i < BATCH; i++) {
		raw->data[i] = (struct iovec){ &raw->packets[i], sizeof(raw->packets[i]) };
		raw->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &raw->to[i],
			.msg_namelen = sizeof(raw->to[i]),
			.msg_iov = &raw->data[i],
			.msg_iovlen = 1,
		};
	}
	*out = raw;
	return 0;
}

void load_raw_close(struct load_raw *raw)
{
	if (!raw)
		return;
	close(raw->fd);
	free(raw);
}

static uint32_t sum16(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	return sum;
}

static uint16_t tcp_checksum(const struct packet *p)
{
	uint32_t sum = IPPROTO_TCP + sizeof(p->tcp);

	sum = sum16(sum, &p->ip.saddr, 2 * sizeof(p->ip.saddr)); /* and daddr behind it */
	sum = sum16(sum, &p->tcp, sizeof(p->tcp));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

void load_raw_syn(struct load_raw *raw, uint64_t i)
{
	struct load_source from;
	const struct load_target *t = load_plan_probe(raw->plan, i, &from);
	struct packet *p = &raw->packets[raw->n];

	memset(p, 0, sizeof(*p));
	/* the kernel fills in length, identification and the header's checksum */
	p->ip.version = 4;
	p->ip.ihl = sizeof(p->ip) / 4;
	p->ip.ttl = TTL;
	p->ip.protocol = IPPROTO_TCP;
	p->ip.saddr = htonl(from.addr);
	p->ip.daddr = htonl(t->addr);
	p->tcp.source = htons(from.port);
	p->tcp.dest = htons(t->port);
	/* by the time, as the kernel's own: a source that comes again has another */
	p->tcp.seq = htonl((uint32_t)(load_now_ns() >> 6));
	p->tcp.doff = sizeof(p->tcp) / 4;
	p->tcp.syn = 1;
	p->tcp.window = htons(64240);
	p->tcp.check = tcp_checksum(p);
	raw->to[raw->n] = (struct sockaddr_in){ .sin_family = AF_INET,
						.sin_addr.s_addr = p->ip.daddr };
	raw->probes[raw->n++] = i;
	if (raw->n == BATCH)
		load_raw_flush(raw);
}

void load_raw_flush(struct load_raw *raw)
{
	unsigned done = 0;

	while (done < raw->n) {
		int n = sendmmsg(raw->fd, raw->messages + done, raw->n - done, 0);

		for (int i = 0; i < n; i++)
			raw->sent(raw->ctx, raw->probes[done + (unsigned)i], true);
		if (n > 0) {
			done += (unsigned)n;
			continue;
		}
		raw->sent(raw->ctx, raw->probes[done++], false); /* that one; the next may go */
	}
	raw->n = 0;
}
