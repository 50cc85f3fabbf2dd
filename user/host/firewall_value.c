// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values of nftables' registers in nft's syntax. */
#include "firewall_render.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct named {
	uint32_t value;
	const char *name;
};

static const struct named families[] = { { 2, "ipv4" }, { 10, "ipv6" } };
static const struct named ether_types[] = { { 0x0800, "ip" }, { 0x86dd, "ip6" },
					    { 0x0806, "arp" }, { 0x8100, "8021q" } };
/* src/ct.c, src/proto.c and src/fib.c of nftables 1.0.6 */
static const struct named ct_states[] = { { 1, "invalid" }, { 2, "established" },
					  { 4, "related" }, { 8, "new" }, { 64, "untracked" } };
static const struct named tcp_flags[] = { { 1, "fin" }, { 2, "syn" }, { 4, "rst" }, { 8, "psh" },
					  { 16, "ack" }, { 32, "urg" }, { 64, "ecn" },
					  { 128, "cwr" } };
static const struct named icmp_types[] = {
	{ 0, "echo-reply" }, { 3, "destination-unreachable" }, { 4, "source-quench" },
	{ 5, "redirect" }, { 8, "echo-request" }, { 9, "router-advertisement" },
	{ 10, "router-solicitation" }, { 11, "time-exceeded" }, { 12, "parameter-problem" },
	{ 13, "timestamp-request" }, { 14, "timestamp-reply" }, { 15, "info-request" },
	{ 16, "info-reply" }, { 17, "address-mask-request" }, { 18, "address-mask-reply" },
};
static const struct named icmpv6_types[] = {
	{ 1, "destination-unreachable" }, { 2, "packet-too-big" }, { 3, "time-exceeded" },
	{ 4, "parameter-problem" }, { 128, "echo-request" }, { 129, "echo-reply" },
	{ 130, "mld-listener-query" }, { 131, "mld-listener-report" },
	{ 132, "mld-listener-done" }, { 133, "nd-router-solicit" }, { 134, "nd-router-advert" },
	{ 135, "nd-neighbor-solicit" }, { 136, "nd-neighbor-advert" }, { 137, "nd-redirect" },
	{ 143, "mld2-listener-report" },
};
static const struct named address_types[] = { { 0, "unspec" }, { 1, "unicast" }, { 2, "local" },
					      { 3, "broadcast" }, { 4, "anycast" },
					      { 5, "multicast" }, { 6, "blackhole" },
					      { 7, "unreachable" }, { 8, "prohibit" } };

static const struct kind {
	size_t len;
	bool host_order;
	const struct named *names;
	size_t n_names;
} kinds[] = {
	[RENDER_IPV4] = { 4 },
	[RENDER_IPV6] = { 16 },
	[RENDER_PORT] = { 2 },
	[RENDER_PROTO] = { 1 },
	[RENDER_NFPROTO] = { 1, false, families, LENGTH(families) },
	[RENDER_ETHERTYPE] = { 2, false, ether_types, LENGTH(ether_types) },
	[RENDER_DEVICE] = { 16 },
	[RENDER_INDEX] = { 4, true },
	[RENDER_CTSTATE] = { 4, true, ct_states, LENGTH(ct_states) },
	[RENDER_ICMP] = { 1, false, icmp_types, LENGTH(icmp_types) },
	[RENDER_ICMPV6] = { 1, false, icmpv6_types, LENGTH(icmpv6_types) },
	[RENDER_TCPFLAGS] = { 1, false, tcp_flags, LENGTH(tcp_flags) },
	[RENDER_MARK] = { 4, true },
	[RENDER_ADDRTYPE] = { 4, true, address_types, LENGTH(address_types) },
	[RENDER_ETHER] = { 6 },
	[RENDER_HOST] = { 4, true },
	[RENDER_NUMBER] = { 0 },
};

size_t render_type_len(enum render_type type)
{
	return kinds[type].len;
}

static uint32_t number_of(enum render_type type, const uint8_t *value, size_t len)
{
	uint32_t number = 0;

	if (kinds[type].host_order) {
		memcpy(&number, value, sizeof(number));
		return number;
	}
	for (size_t i = 0; i < len; i++)
		number = number << 8 | value[i];
	return number;
}

static const char *name_of(enum render_type type, uint32_t number)
{
	for (size_t i = 0; i < kinds[type].n_names; i++)
		if (kinds[type].names[i].value == number)
			return kinds[type].names[i].name;
	return NULL;
}

static void put_protocol(char out[RENDER_VALUE_LEN], uint8_t number)
{
	const struct protoent *known;

	/* Without /etc/protocols, which is slow to ask for each rule. */
	if (number == IPPROTO_TCP || number == IPPROTO_UDP || number == IPPROTO_ICMP)
		snprintf(out, RENDER_VALUE_LEN, "%s", number == IPPROTO_TCP ? "tcp"
						      : number == IPPROTO_UDP ? "udp" : "icmp");
	else if (number == IPPROTO_ICMPV6)
		snprintf(out, RENDER_VALUE_LEN, "ipv6-icmp");
	else if ((known = getprotobynumber(number)))
		snprintf(out, RENDER_VALUE_LEN, "%.32s", known->p_name);
	else
		snprintf(out, RENDER_VALUE_LEN, "%u", number);
}

static void put_device(char out[RENDER_VALUE_LEN], const char *name, size_t len)
{
	bool open = strnlen(name, len) == len && len < IFNAMSIZ; /* all that start so */

	snprintf(out, RENDER_VALUE_LEN, "\"%.*s%s\"", (int)strnlen(name, len), name,
		 open ? "*" : "");
}

bool render_value(char out[RENDER_VALUE_LEN], enum render_type type, const uint8_t *value,
		  size_t len)
{
	char device[IFNAMSIZ];
	uint32_t number;

	if (type == RENDER_UNKNOWN || (type != RENDER_DEVICE && kinds[type].len &&
				       kinds[type].len != len) || len > 16)
		return false;
	if (type == RENDER_IPV4 || type == RENDER_IPV6) {
		inet_ntop(type == RENDER_IPV4 ? AF_INET : AF_INET6, value, out, RENDER_VALUE_LEN);
		return true;
	}
	if (type == RENDER_DEVICE) {
		put_device(out, (const char *)value, len);
		return true;
	}
	if (type == RENDER_ETHER) {
		snprintf(out, RENDER_VALUE_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", value[0],
			 value[1], value[2], value[3], value[4], value[5]);
		return true;
	}
	if (len > 4)
		return false;
	number = number_of(type, value, len);
	if (type == RENDER_PROTO)
		put_protocol(out, (uint8_t)number);
	else if (type == RENDER_INDEX && if_indextoname(number, device))
		put_device(out, device, IFNAMSIZ);
	else if (type == RENDER_MARK)
		snprintf(out, RENDER_VALUE_LEN, "0x%08x", number);
	else if (name_of(type, number))
		snprintf(out, RENDER_VALUE_LEN, "%s", name_of(type, number));
	else if (type == RENDER_CTSTATE || type == RENDER_TCPFLAGS || type == RENDER_NFPROTO ||
		 type == RENDER_ADDRTYPE)
		return false;
	else
		snprintf(out, RENDER_VALUE_LEN, type == RENDER_ETHERTYPE ? "0x%04x" : "%u",
			 number);
	return true;
}

bool render_bits(char out[RENDER_VALUE_LEN], enum render_type type, const uint8_t *value,
		 size_t len)
{
	uint32_t number, left;
	size_t used = 0;

	if ((type != RENDER_CTSTATE && type != RENDER_TCPFLAGS) || len != kinds[type].len)
		return false;
	left = number = number_of(type, value, len);
	out[0] = '\0';
	for (size_t i = 0; i < kinds[type].n_names; i++) {
		const struct named *bit = &kinds[type].names[i];

		if (!(number & bit->value))
			continue;
		used += (size_t)snprintf(out + used, RENDER_VALUE_LEN - used, "%s%s",
					 used ? "," : "", bit->name);
		left &= ~bit->value;
	}
	return number && !left;
}

int render_prefix(const uint8_t *mask, size_t len)
{
	int ones = 0;

	for (size_t bit = 0; bit < len * 8; bit++)
		if (mask[bit / 8] & 0x80 >> bit % 8) {
			if (ones < (int)bit)
				return -1;
			ones++;
		}
	return ones;
}

bool render_range(char out[RENDER_VALUE_LEN], enum render_type type, const uint8_t *lo,
		  const uint8_t *hi, size_t len)
{
	char first[RENDER_VALUE_LEN], last[RENDER_VALUE_LEN];
	uint8_t same[16];
	bool bounds = true; /* LO ends in zeros and HI in ones, where they differ */
	int bits;

	if (len > 16)
		return false;
	if (!memcmp(lo, hi, len))
		return render_value(out, type, lo, len);
	if (!render_value(first, type, lo, len) || !render_value(last, type, hi, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		same[i] = (uint8_t)~(lo[i] ^ hi[i]);
		bounds &= !(lo[i] & ~same[i]);
	}
	bits = render_prefix(same, len);
	if ((type == RENDER_IPV4 || type == RENDER_IPV6) && bounds && bits >= 0)
		snprintf(out, RENDER_VALUE_LEN, "%.100s/%d", first, bits);
	else if (type == RENDER_DEVICE)
		return false;
	else
		snprintf(out, RENDER_VALUE_LEN, "%.60s-%.60s", first, last);
	return true;
}
