// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules that drop neighbour discovery or ARP: which one is to blame, and what lets it in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/resolution.h"
#include "firewall/firewall.h"
#include "firewall/rule_find.h"

static int ask(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	struct rule_hits hits;
	int err = rule_find(ctx, packet, &hits);

	for (size_t i = 0; !err && i < hits.n && out->n < HOST_MAX_RULES; i++)
		rule_tell(&hits.hit[i], &out->r[out->n++]);
	rule_hits_free(&hits);
	return err;
}

static bool find(const char *save, bool from_hop, struct resolution_cause *out)
{
	struct fw_rules rules = { 0 };
	uint8_t hop[16];
	char text[512];
	bool found;

	snprintf(text, sizeof(text), "*filter\n%s", save);
	assert_int_equal(inet_pton(AF_INET6, "fd00::1", hop), 1);
	assert_int_equal(fw_parse_save(&rules, "iptables-nft", true, text), 0);
	found = resolution_find(ask, &rules, hop, "eth0", from_hop, out);
	fw_rules_free(&rules);
	return found;
}

#define ACCEPT_ALL ":INPUT ACCEPT\n:OUTPUT ACCEPT\n"

static void blamed(void **state)
{
	struct resolution_cause cause;

	assert_true(find(ACCEPT_ALL "-A INPUT -p tcp -j ACCEPT\n-A INPUT -j DROP\n", false, &cause));
	assert_string_equal(cause.why, "rule 2 of chain INPUT, table filter (iptables-nft) of this host "
				       "drops ICMPv6 type 136 (neighbour advertisements): -j DROP");
	assert_string_equal(cause.fix.command.text,
			    "ip6tables-nft -I INPUT 2 -s fd00::1 -p icmpv6 --icmpv6-type "
			    "neighbour-advertisement -j ACCEPT && ip6tables-nft -I INPUT 2 -i eth0 -p "
			    "icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT");
	assert_true(find(":INPUT DROP\n:OUTPUT ACCEPT\n-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j "
			 "ACCEPT\n", false, &cause));
	assert_string_equal(cause.fix.command.text,
			    "ip6tables-nft -A INPUT -s fd00::1 -p icmpv6 --icmpv6-type "
			    "neighbour-advertisement -j ACCEPT");
	assert_true(find(ACCEPT_ALL "-A OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j DROP\n", false,
			 &cause));
	assert_string_equal(cause.fix.command.text,
			    "ip6tables-nft -I OUTPUT -o eth0 -p icmpv6 --icmpv6-type "
			    "neighbour-solicitation -j ACCEPT");
}

static void innocent(void **state)
{
	static const char *const rules[] = {
		ACCEPT_ALL,
		ACCEPT_ALL "-A INPUT -p ipv6-icmp -j ACCEPT\n-A INPUT -j DROP\n",
		/* another's advertisements, another device's, and echo */
		ACCEPT_ALL "-A INPUT -s fd00::2/128 -p ipv6-icmp -j DROP\n",
		ACCEPT_ALL "-A INPUT -i eth1 -j DROP\n",
		ACCEPT_ALL "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j DROP\n",
		/* it is not tracked */
		ACCEPT_ALL "-A INPUT -m conntrack --ctstate INVALID -j DROP\n",
		/* what decides is not known: nothing is said */
		ACCEPT_ALL "-A INPUT -p ipv6-icmp -m hl --hl-eq 255 -j ACCEPT\n-A INPUT -j DROP\n",
		ACCEPT_ALL "-A INPUT -m limit --limit 1/sec -j DROP\n",
	};
	struct resolution_cause cause;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		assert_false(find(rules[i], true, &cause));
}

/* The router cannot find this host; that is asked about only where it matters. */
static void from_hop(void **state)
{
	static const char rules[] = ACCEPT_ALL "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j DROP\n";
	struct resolution_cause cause;

	assert_false(find(rules, false, &cause));
	assert_true(find(rules, true, &cause));
	assert_non_null(strstr(cause.why, "ICMPv6 type 135"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blamed),
		cmocka_unit_test(innocent),
		cmocka_unit_test(from_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
