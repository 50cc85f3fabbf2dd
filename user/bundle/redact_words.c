// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Words that the tools' output consists of.  A process or a namespace may be
 * called so, too ("ip", "default"); in free text they stay, or no rule could be
 * read any more.
 */
#include "redact_words.h"

#include <string.h>

static const char words[] =
	" ACCEPT DNAT DROP FORWARD INPUT LISTEN LOG MASQUERADE NFQUEUE OUTPUT POSTROUTING PREROUTING "
	"QUEUE REDIRECT REJECT RETURN SNAT UNCONN accept active addr address addrtype aging all allow "
	"any arp bridge broadcast brd bytes chain comment conf connlimit conntrack continue counter "
	"ct daddr dccp default deny dev device dnat dport drop dst dynamic elements established "
	"ether fib filter flags flush forward forever fwd global goto group handle hashlimit "
	"hook host http https icmp icmpv6 icmpx id if iif iifname in inet ingress input interface "
	"internal interval invalid ip ip6 ipv4 ipv6 jump kernel kind l4proto limit link lo local log "
	"lookup loopback main mangle map mark mask masquerade master match maximum meta metric mode "
	"mtu multicast name nat neigh net netdev netfilter netns new nexthop nft none noqueue "
	"notrack obsolete oif oifname onlink out output over owner packet packets peer pid pkttype "
	"policy port postrouting prefix preferred prerouting priority priv process proto protocol "
	"qdisc qlen queue quota random rate raw redirect ref reject related reset return root route "
	"rule rt saddr scope security set sctp size socket sport src state stateful static statistic "
	"status string table tcp td time timeout to tproxy type udp unreach unspec up users vlan "
	"valid verdict version via vmap with ";

bool redact_is_syntax(const char *word, size_t len)
{
	for (const char *at = words; (at = memmem(at, strlen(at), word, len)); at++)
		if (at > words && at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}
