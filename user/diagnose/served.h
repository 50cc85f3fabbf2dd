/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who took the probes of a target until now, as this run saw it. */
#ifndef HCT_SERVED_H
#define HCT_SERVED_H

#include "host/host.h"
#include "probe.h"
#include "verdict.h"

struct served {
	uint64_t until_ns; /* of the last answer that left, a SYN-ACK at least; 0: none seen */
	bool spoke; /* that was all that the check asks for, or bytes of the process left */
	uint32_t pid; /* 0: not known */
	char comm[HCT_COMM_LEN];
	/* where it was passed on to, a container or another host */
	bool forwarded;
	uint32_t netns; /* 0: not known */
	char netns_name[64]; /* "": not known */
	uint8_t addr[16];
	uint16_t port; /* host byte order */
	/* since when the host says, after probes that were refused, that this process listens all the same */
	uint64_t listens_ns; /* 0: never */
	uint32_t listens_pid;
	char listens_comm[HCT_COMM_LEN];
};

/* P is over and diagnosed as D: keeps what it shows.  HOST is asked at NOW_NS. */
void served_note(struct served *s, const struct host *host, uint64_t now_ns, const struct probe *p,
		 const struct diagnosis *d);

#endif
