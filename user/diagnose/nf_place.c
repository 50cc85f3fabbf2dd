// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where in netfilter something happened, read off the kernel's call chain. */
#include "nf_place.h"

#include <string.h>

/*
 * Who calls NF_HOOK() for which hook (net/ipv4/ip_input.c, ip_output.c,
 * net/ipv6/…, net/bridge/…, net/core/dev.c; the same from 5.10 to 6.18).  A
 * packet passes several of them within one call chain: the innermost counts.
 */
static const struct {
	const char *function;
	const char *hook;
	bool bridge;
} hooks[] = {
	{ "ip_local_deliver", "INPUT" },       { "ip6_input", "INPUT" },
	{ "ip6_mc_input", "INPUT" },	       { "ip_rcv", "PREROUTING" },
	{ "ip_list_rcv", "PREROUTING" },       { "ip_sublist_rcv", "PREROUTING" },
	{ "ipv6_rcv", "PREROUTING" },	       { "ipv6_list_rcv", "PREROUTING" },
	{ "ip6_sublist_rcv", "PREROUTING" },   { "ip_forward", "FORWARD" },
	{ "ip6_forward", "FORWARD" },	       { "__ip_local_out", "OUTPUT" },
	{ "ip_local_out", "OUTPUT" },	       { "__ip6_local_out", "OUTPUT" },
	{ "ip6_local_out", "OUTPUT" },	       { "ip6_xmit", "OUTPUT" },
	{ "ip_output", "POSTROUTING" },	       { "ip_mc_output", "POSTROUTING" },
	{ "ip6_output", "POSTROUTING" },       { "nft_do_chain_netdev", "INGRESS" },
	{ "nf_ingress", "INGRESS" },	       { "__netif_receive_skb_core", "INGRESS" },
	{ "__dev_queue_xmit", "EGRESS" },      { "br_handle_frame", "PREROUTING", true },
	{ "br_pass_frame_up", "INPUT", true }, { "__br_forward", "FORWARD", true },
	{ "br_forward", "FORWARD", true },     { "br_forward_finish", "POSTROUTING", true },
};

static const char *const reject_functions[] = {
	"reject_tg",
	"reject_tg6",
	"nft_reject_inet_eval",
	"nft_reject_ipv4_eval",
	"nft_reject_ipv6_eval",
	"nft_reject_netdev_eval",
	"nft_reject_bridge_eval",
	"nf_send_unreach",
	"nf_send_unreach6",
	"nf_send_reset",
	"nf_send_reset6",
	"nf_reject_skb_v4_unreach",
	"nf_reject_skb_v4_tcp_reset",
	"nf_reject_skb_v6_unreach",
	"nf_reject_skb_v6_tcp_reset",
};

static const char *const nft_functions[] = {
	"nft_do_chain",
	"nft_do_chain_inet",
	"nft_do_chain_ipv4",
	"nft_do_chain_ipv6",
	"nft_do_chain_netdev",
	"nft_do_chain_bridge",
	"nft_do_chain_inet_ingress",
};

static const char *const legacy_functions[] = {
	"ipt_do_table",	       "ip6t_do_table",	   "iptable_filter_hook",
	"iptable_mangle_hook", "iptable_raw_hook",
};

/* nf_queue(): no program, or its queue is full; the others: it said no (nfnetlink_queue.c). */
static const char *const queue_functions[] = { "nf_queue", "nf_reinject", "nfqnl_reinject",
					       "nfqnl_recv_verdict" };

static const char *const hook_runners[] = { "nf_hook_slow", "nf_hook_slow_list" };

#define N(array) (sizeof(array) / sizeof((array)[0]))

bool incident_called_from(const struct probe_incident *incident, const char *function)
{
	if (function_is(incident->function, function))
		return true;
	for (size_t i = 0; i < incident->stack_len && i < HCT_STACK_MAX; i++)
		if (function_is(incident->stack[i], function))
			return true;
	return false;
}

/* Who dropped or refused it, by the functions on the way there. */
enum deed { DEED_REJECT = 1, DEED_NFT = 2, DEED_LEGACY = 4, DEED_EBTABLES = 8 };

static bool is_one_of(const char *function, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (function_is(function, names[i]))
			return true;
	return false;
}

/* Of one function, a bit per enum deed. */
static unsigned deeds_of(const char *function)
{
	/* most functions of a stack have nothing to do with it: every name above begins so */
	if (!function || !*function || !strchr("einr", *function))
		return 0;
	return (is_one_of(function, reject_functions, N(reject_functions)) ? DEED_REJECT : 0) |
	       (is_one_of(function, nft_functions, N(nft_functions)) ? DEED_NFT : 0) |
	       (is_one_of(function, legacy_functions, N(legacy_functions)) ? DEED_LEGACY : 0) |
	       (function_is(function, "ebt_do_table") ? DEED_EBTABLES : 0);
}

static unsigned deeds_on_the_way(const struct probe_incident *incident)
{
	unsigned deeds = deeds_of(incident->function);

	for (size_t i = 0; i < incident->stack_len && i < HCT_STACK_MAX; i++)
		deeds |= deeds_of(incident->stack[i]);
	return deeds;
}

static void find_hook(const struct probe_incident *incident, struct nf_place *place)
{
	for (size_t i = 0; i < incident->stack_len && i < HCT_STACK_MAX; i++) {
		for (size_t j = 0; j < N(hooks); j++) {
			if (!function_is(incident->stack[i], hooks[j].function))
				continue;
			place->hook = hooks[j].hook;
			place->bridge = hooks[j].bridge;
			/* __br_forward() serves what this host sends, too */
			if (place->bridge && strcmp(place->hook, "FORWARD") == 0 &&
			    incident_called_from(incident, "br_dev_xmit"))
				place->hook = "OUTPUT";
			return;
		}
	}
}

struct nf_place nf_place(const struct probe_incident *incident)
{
	struct nf_place place = { .hook = "" };
	unsigned deeds;

	if (!incident->seen)
		return place;
	deeds = deeds_on_the_way(incident);
	place.reject = deeds & DEED_REJECT;
	if (deeds & DEED_NFT)
		place.backend = NF_BACKEND_NFT;
	else if (deeds & DEED_LEGACY)
		place.backend = NF_BACKEND_LEGACY;
	else if (deeds & DEED_EBTABLES)
		place.backend = NF_BACKEND_EBTABLES;
	/* before 5.17 there is no reason, and the dropping function has to tell */
	place.netfilter = place.reject ||
			  (incident->reason && strcmp(incident->reason, "NETFILTER_DROP") == 0);
	if (!place.netfilter &&
	    (!incident->reason || strcmp(incident->reason, "NOT_SPECIFIED") == 0)) {
		for (size_t i = 0; i < N(hook_runners); i++)
			place.netfilter |= function_is(incident->function, hook_runners[i]);
		for (size_t i = 0; i < N(nft_functions); i++)
			place.netfilter |= function_is(incident->function, nft_functions[i]);
		for (size_t i = 0; i < N(queue_functions); i++)
			place.queue |= function_is(incident->function, queue_functions[i]);
		place.netfilter |= place.queue;
	}
	if (place.netfilter)
		find_hook(incident, &place);
	/* before 5.17: runs the hook itself (nf_hook_bridge_pre()), and looks at the port's state */
	if (!place.netfilter && !incident->reason &&
	    function_is(incident->function, "br_handle_frame")) {
		place.possible = place.bridge = true;
		place.hook = "PREROUTING";
	}
	return place;
}
