// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules: UDP datagrams and ICMP echoes that met nobody. */
#include "rule_sets.h"

#include <string.h>

#include "ask.h"

#define ICMP_DEST_UNREACH 3
#define ICMP_PORT_UNREACH 3
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PORT_UNREACH 4

static bool met_no_socket(const struct facts *f)
{
	const struct probe *p = f->p;

	if (f->drop && !f->drop->reply &&
	    ((f->drop->reason && strcmp(f->drop->reason, "NO_SOCKET") == 0) ||
	     (!f->drop->reason && (function_is(f->drop->function, "__udp4_lib_rcv") ||
				   function_is(f->drop->function, "__udp6_lib_rcv")))))
		return true;
	if (!p->icmp_sent.seen || nf_place(&p->icmp_sent).reject)
		return false;
	return f->v6 ? p->icmp_sent.icmp_type == ICMPV6_DEST_UNREACH &&
			       p->icmp_sent.icmp_code == ICMPV6_PORT_UNREACH
		     : p->icmp_sent.icmp_type == ICMP_DEST_UNREACH &&
			       p->icmp_sent.icmp_code == ICMP_PORT_UNREACH;
}

enum match match_udp_no_listener(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->udp || p->reply_ns || !met_no_socket(f))
		return NO_MATCH;
	if (p->icmp_left_ns)
		return MATCH_CERTAIN;
	return p->icmp_sent.seen && !p->icmp_drop.seen && f->given.unattached & DEPARTURES
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

enum match match_unreachable_suppressed(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->udp || p->reply_ns || p->icmp_left_ns || !met_no_socket(f))
		return NO_MATCH;
	return p->icmp_drop.seen ? MATCH_CERTAIN : MATCH_LIKELY;
}

enum match match_icmp_ignored(const struct facts *f)
{
	int64_t ignore;

	if (!f->icmp || f->p->reply_ns || f->drop)
		return NO_MATCH;
	if (!probe_forwarded(f->p) &&
	    ask_sysctl(f->given.host,
		       f->v6 ? "net.ipv6.icmp.echo_ignore_all" : "net.ipv4.icmp_echo_ignore_all",
		       &ignore) == 0 &&
	    ignore)
		return MATCH_CERTAIN;
	return MATCH_LIKELY;
}
