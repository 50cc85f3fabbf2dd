// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The host's answers as lines of a case file. */
#include "case_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#include "case_text.h"
#include "firewall/rule_packet.h"
#include "render/format.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct field listeners_fields[] = {
	FIELD("truncated", FIELD_BOOL, struct answer, listeners.truncated),
};
static const struct field listener_fields[] = {
	FIELD("addr", FIELD_ADDR, struct host_listener, addr),
	FIELD("port", FIELD_U16, struct host_listener, port),
	FIELD("v6only", FIELD_BOOL, struct host_listener, v6only),
	FIELD("v4only", FIELD_BOOL, struct host_listener, v4only),
	FIELD_TEXT("device", struct host_listener, device),
	FIELD("other-netns", FIELD_BOOL, struct host_listener, other_netns),
	FIELD("netns", FIELD_U32, struct host_listener, netns),
	FIELD("pid", FIELD_U32, struct host_listener, pid),
	FIELD_TEXT("comm", struct host_listener, comm),
	FIELD("backlog", FIELD_U32, struct host_listener, backlog),
	FIELD("backlog-max", FIELD_U32, struct host_listener, backlog_max),
};
static const struct field route_fields[] = {
	FIELD("route-err", FIELD_S32, struct answer, route.err),
	FIELD_TEXT("dev", struct answer, route.device),
	FIELD("has-gateway", FIELD_BOOL, struct answer, route.has_gateway),
	FIELD("gateway", FIELD_ADDR, struct answer, route.gateway),
	FIELD_TEXT("neighbour", struct answer, route.neighbour),
	FIELD_TEXT("text", struct answer, route.text),
	FIELD("truncated", FIELD_BOOL, struct answer, route.truncated),
	FIELD("passes-over", FIELD_BOOL, struct answer, route.passes_over),
};
static const struct field hop_fields[] = {
	FIELD("has-gateway", FIELD_BOOL, struct host_hop, has_gateway),
	FIELD("gateway", FIELD_ADDR, struct host_hop, gateway),
	FIELD_TEXT("dev", struct host_hop, device),
	FIELD_TEXT("neighbour", struct host_hop, neighbour),
};
static const struct field gateway_fields[] = {
	FIELD("n", FIELD_U32, struct answer, gateway.n),
	FIELD("addr", FIELD_ADDR, struct answer, gateway.addr),
	FIELD("by-neighbour", FIELD_BOOL, struct answer, gateway.by_neighbour),
	FIELD("alive", FIELD_BOOL, struct answer, gateway.alive),
	FIELD("table", FIELD_U32, struct answer, gateway.table),
	FIELD("free-table", FIELD_U32, struct answer, gateway.free_table),
	FIELD("denials", FIELD_U32, struct answer, gateway.n_denials),
	FIELD_TEXT("type", struct answer, gateway.denial.type),
	FIELD("by-rule", FIELD_BOOL, struct answer, gateway.denial.by_rule),
	FIELD("priority", FIELD_U32, struct answer, gateway.denial.priority),
	FIELD("denial-table", FIELD_U32, struct answer, gateway.denial.table),
	FIELD("only-destination", FIELD_BOOL, struct answer, gateway.denial.only_destination),
	FIELD("prefix", FIELD_ADDR, struct answer, gateway.denial.prefix),
	FIELD("prefix-len", FIELD_U32, struct answer, gateway.denial.prefix_len),
	FIELD_TEXT("rule", struct answer, gateway.rule),
	FIELD("rule-priority", FIELD_U32, struct answer, gateway.rule_priority),
	FIELD("found-table", FIELD_U32, struct answer, gateway.found_table),
	FIELD("found-len", FIELD_U32, struct answer, gateway.found_len),
	FIELD("found-metric", FIELD_U32, struct answer, gateway.found_metric),
	FIELD("next-table", FIELD_U32, struct answer, gateway.next_table),
	FIELD("main-unread", FIELD_BOOL, struct answer, gateway.main_unread),
	FIELD("no-room", FIELD_BOOL, struct answer, gateway.no_room),
	FIELD("new-priority", FIELD_U32, struct answer, gateway.new_priority),
	FIELD_TEXT("maybe", struct answer, gateway.maybe),
	FIELD("maybe-priority", FIELD_U32, struct answer, gateway.maybe_priority),
	FIELD("maybe-denies", FIELD_BOOL, struct answer, gateway.maybe_denies),
	FIELD("unsure", FIELD_BOOL, struct answer, gateway.unsure),
	FIELD("suppressed", FIELD_BOOL, struct answer, gateway.suppressed),
};
static const struct field forward_route_fields[] = {
	FIELD("route-err", FIELD_S32, struct answer, forward_route.err),
	FIELD("local", FIELD_BOOL, struct answer, forward_route.local),
	FIELD("by-default", FIELD_BOOL, struct answer, forward_route.by_default),
	FIELD_TEXT("dev", struct answer, forward_route.device),
	FIELD("has-gateway", FIELD_BOOL, struct answer, forward_route.has_gateway),
	FIELD("gateway", FIELD_ADDR, struct answer, forward_route.gateway),
	FIELD("mark-table", FIELD_U32, struct answer, forward_route.mark_table),
	FIELD("local-table", FIELD_U32, struct answer, forward_route.local_table),
	FIELD("free-table", FIELD_U32, struct answer, forward_route.free_table),
};
static const struct field wrappers_fields[] = {
	FIELD("granted", FIELD_BOOL, struct answer, wrappers.granted),
	FIELD_TEXT("file", struct answer, wrappers.file),
	FIELD("line", FIELD_U32, struct answer, wrappers.line),
	FIELD_TEXT("text", struct answer, wrappers.text),
	FIELD("uncertain", FIELD_BOOL, struct answer, wrappers.uncertain),
};
static const struct field chains_fields[] = {
	FIELD("truncated", FIELD_BOOL, struct answer, chains.truncated),
};
static const struct field chain_fields[] = {
	FIELD_TEXT("backend", struct host_chain, backend),
	FIELD_TEXT("family", struct host_chain, family),
	FIELD_TEXT("table", struct host_chain, table),
	FIELD_TEXT("chain", struct host_chain, chain),
	FIELD("priority", FIELD_S32, struct host_chain, priority),
	FIELD_TEXT("policy", struct host_chain, policy),
	FIELD("drops-invalid", FIELD_BOOL, struct host_chain, drops_invalid),
	FIELD("drops-else", FIELD_BOOL, struct host_chain, drops_else),
};
static const struct field rules_fields[] = {
	FIELD("truncated", FIELD_BOOL, struct answer, rules.truncated),
	FIELD("incomplete", FIELD_BOOL, struct answer, rules.incomplete),
	FIELD_TEXT("why", struct answer, rules.why),
	FIELD("age-ns", FIELD_U64, struct answer, rules.age_ns),
};
static const char *const rule_kinds[RULE_KINDS] = {
	[RULE_UNKNOWN] = "unknown", [RULE_DROP] = "drop",	[RULE_REJECT] = "reject",
	[RULE_QUEUE] = "queue",	    [RULE_DNAT] = "dnat",	[RULE_SNAT] = "snat",
	[RULE_TPROXY] = "tproxy",   [RULE_REWRITE] = "rewrite", [RULE_PASS] = "pass",
};
static const struct field rule_fields[] = {
	FIELD_TEXT("backend", struct host_rule, backend),
	FIELD_TEXT("family", struct host_rule, family),
	FIELD_TEXT("table", struct host_rule, table),
	FIELD_TEXT("chain", struct host_rule, chain),
	FIELD_TEXT("base", struct host_rule, base),
	FIELD_TEXT("hook", struct host_rule, hook),
	FIELD("priority", FIELD_S32, struct host_rule, priority),
	FIELD_TEXT("dev", struct host_rule, device),
	FIELD_NAMES("kind", struct host_rule, kind, rule_kinds),
	FIELD("policy", FIELD_BOOL, struct host_rule, policy),
	FIELD("behind-goto", FIELD_BOOL, struct host_rule, behind_goto),
	FIELD_TEXT("last-jump", struct host_rule, last_jump),
	FIELD("number", FIELD_U32, struct host_rule, number),
	FIELD("handle", FIELD_U64, struct host_rule, handle),
	FIELD_TEXT("text", struct host_rule, text),
	FIELD_TEXT("comment", struct host_rule, comment),
	FIELD("check-port", FIELD_U16, struct host_rule, check_port),
	FIELD("surely", FIELD_BOOL, struct host_rule, surely),
	FIELD("invalid-only", FIELD_BOOL, struct host_rule, invalid_only),
	FIELD("counted", FIELD_BOOL, struct host_rule, counted),
	FIELD("hits", FIELD_U64, struct host_rule, hits),
};
static const struct field sysctl_fields[] = {
	FIELD("value", FIELD_S64, struct answer, sysctl.value),
};
static const struct field devices_fields[] = {
	FIELD("truncated", FIELD_BOOL, struct answer, devices.truncated),
};
static const struct field device_fields[] = {
	FIELD_TEXT("name", struct host_device, name),
	FIELD("up", FIELD_BOOL, struct host_device, up),
	FIELD("vrf", FIELD_BOOL, struct host_device, vrf),
	FIELD_TEXT("member-of", struct host_device, member_of),
	FIELD("xdp", FIELD_U32, struct host_device, xdp_prog_id),
	FIELD("rx-packets", FIELD_U64, struct host_device, rx_packets),
	FIELD("rx-dropped", FIELD_U64, struct host_device, rx_dropped),
};
static const struct field owner_fields[] = {
	FIELD("pid", FIELD_U32, struct answer, owner.pid),
	FIELD_TEXT("comm", struct answer, owner.comm),
};
static const struct field condition_fields[] = {
	FIELD_TEXT("comm", struct answer, condition.comm),
	FIELD_TEXT("state", struct answer, condition.state),
	FIELD_TEXT("waits-in", struct answer, condition.waits_in),
	FIELD("tracer", FIELD_U32, struct answer, condition.tracer),
	FIELD("children", FIELD_U32, struct answer, condition.children),
	FIELD("files-pid", FIELD_U32, struct answer, condition.files_pid),
	FIELD("files", FIELD_U32, struct answer, condition.files),
	FIELD("files-limit", FIELD_U32, struct answer, condition.files_limit),
	FIELD("files-hard", FIELD_U32, struct answer, condition.files_hard),
	FIELD_TEXT("cgroup", struct answer, condition.cgroup),
	FIELD_TEXT("frozen", struct answer, condition.frozen),
	FIELD("frozen-v1", FIELD_BOOL, struct answer, condition.frozen_v1),
	FIELD("frozen-levels", FIELD_U32, struct answer, condition.frozen_levels),
	FIELD("cpu-quota", FIELD_U64, struct answer, condition.cpu_quota_us),
	FIELD("cpu-period", FIELD_U64, struct answer, condition.cpu_period_us),
	FIELD("cpu-periods", FIELD_U64, struct answer, condition.cpu_periods),
	FIELD("cpu-throttled", FIELD_U64, struct answer, condition.cpu_throttled),
	FIELD("cpu-grown", FIELD_BOOL, struct answer, condition.cpu_grown),
	FIELD("memory", FIELD_U64, struct answer, condition.memory),
	FIELD("memory-max", FIELD_U64, struct answer, condition.memory_max),
	FIELD("oom-kills", FIELD_U64, struct answer, condition.oom_kills),
	FIELD("host-pressure", FIELD_BOOL, struct answer, condition.host_pressure),
	FIELD("cpu-pressure", FIELD_U32, struct answer, condition.cpu_pressure),
	FIELD("io-pressure", FIELD_U32, struct answer, condition.io_pressure),
	FIELD("memory-pressure", FIELD_U32, struct answer, condition.memory_pressure),
	FIELD("connecting", FIELD_BOOL, struct answer, condition.connecting),
	FIELD("connecting-addr", FIELD_ADDR, struct answer, condition.connecting_addr),
	FIELD("connecting-port", FIELD_U16, struct answer, condition.connecting_port),
	FIELD("proxies", FIELD_BOOL, struct answer, condition.proxies),
	FIELD("upstream", FIELD_ADDR, struct answer, condition.upstream),
	FIELD("upstream-port", FIELD_U16, struct answer, condition.upstream_port),
};
static const struct field stopped_fields[] = {
	FIELD("pid", FIELD_U32, struct host_stopped, pid),
};
static const struct field address_netns_fields[] = {
	FIELD("netns", FIELD_U32, struct answer, address_netns.netns),
};
static const struct field socket_unit_fields[] = {
	FIELD_TEXT("name", struct answer, socket_unit.name),
};
static const struct field netns_name_fields[] = {
	FIELD_TEXT("name", struct answer, netns_name.name),
};

#define LIST(count, array, max, fields)                                 \
	offsetof(struct answer, count), offsetof(struct answer, array), \
		sizeof(((struct answer *)0)->array[0]), max, fields, N(fields)

/* What each kind of answer consists of; those without items are one line. */
static const struct {
	const char *name;
	const struct field *fields;
	size_t n_fields;
	size_t base_offset; /* of the struct that the fields are of */
	size_t count_offset; /* of the size_t that counts the items */
	size_t items_offset, item_size, max_items;
	const struct field *item_fields;
	size_t n_item_fields;
} formats[ANSWER_COUNT] = {
	[ANSWER_LISTENERS] = { "listeners", listeners_fields, N(listeners_fields), 0,
			       LIST(listeners.n, listeners.l, HOST_MAX_LISTENERS,
				    listener_fields) },
	[ANSWER_ROUTE_BACK] = { "route-back", route_fields, N(route_fields), 0,
				LIST(route.n, route.hop, HOST_MAX_HOPS, hop_fields) },
	[ANSWER_GATEWAY] = { "gateway", gateway_fields, N(gateway_fields) },
	[ANSWER_FORWARD_ROUTE] = { "forward-route", forward_route_fields,
				   N(forward_route_fields) },
	[ANSWER_WRAPPERS] = { "wrappers", wrappers_fields, N(wrappers_fields) },
	[ANSWER_CHAINS] = { "chains", chains_fields, N(chains_fields), 0,
			    LIST(chains.n, chains.c, HOST_MAX_CHAINS, chain_fields) },
	[ANSWER_RULES] = { "rules", rules_fields, N(rules_fields), 0,
			   LIST(rules.n, rules.r, HOST_MAX_RULES, rule_fields) },
	[ANSWER_RULE] = { "rule", rule_fields, N(rule_fields), offsetof(struct answer, rule) },
	[ANSWER_SYSCTL] = { "sysctl", sysctl_fields, N(sysctl_fields) },
	[ANSWER_DEVICES] = { "devices", devices_fields, N(devices_fields), 0,
			     LIST(devices.n, devices.d, HOST_MAX_DEVICES, device_fields) },
	[ANSWER_OWNER] = { "owner", owner_fields, N(owner_fields) },
	[ANSWER_NETNS_NAME] = { "netns-name", netns_name_fields, N(netns_name_fields) },
	[ANSWER_CONDITION] = { "condition", condition_fields, N(condition_fields), 0,
			       LIST(condition.n_stopped, condition.stopped, HOST_MAX_STOPPED,
				    stopped_fields) },
	[ANSWER_ADDRESS_NETNS] = { "address-netns", address_netns_fields, N(address_netns_fields) },
	[ANSWER_SOCKET_UNIT] = { "socket-unit", socket_unit_fields, N(socket_unit_fields) },
};

static void question(struct answer *a, enum answer_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void question(struct answer *a, enum answer_kind kind, const char *format, ...)
{
	va_list args;

	memset(a, 0, sizeof(*a));
	a->kind = kind;
	va_start(args, format);
	vsnprintf(a->question, sizeof(a->question), format, args);
	va_end(args);
}

void question_listeners(struct answer *a, uint8_t protocol, uint16_t port)
{
	question(a, ANSWER_LISTENERS, "%s/%u", protocol == IPPROTO_UDP ? "udp" : "tcp", port);
}

void question_listeners_in(struct answer *a, uint32_t netns, uint8_t protocol, uint16_t port)
{
	question(a, ANSWER_LISTENERS, "%s/%u@%u", protocol == IPPROTO_UDP ? "udp" : "tcp", port,
		 netns);
}

void question_route_back(struct answer *a, const uint8_t target[16], const uint8_t lb[16])
{
	char from[ADDR_TEXT_LEN], to[ADDR_TEXT_LEN];

	question(a, ANSWER_ROUTE_BACK, "%s,%s", format_addr(from, target), format_addr(to, lb));
}

void question_gateway(struct answer *a, const uint8_t target[16], const uint8_t lb[16],
		      const char *device)
{
	char from[ADDR_TEXT_LEN], to[ADDR_TEXT_LEN];

	question(a, ANSWER_GATEWAY, "%s,%s,%s", format_addr(from, target), format_addr(to, lb),
		 device);
}

void question_forward_route(struct answer *a, const uint8_t lb[16], const uint8_t target[16],
			    const char *device, uint32_t mark)
{
	char from[ADDR_TEXT_LEN], to[ADDR_TEXT_LEN];

	question(a, ANSWER_FORWARD_ROUTE, "%s,%s,%s,%u", format_addr(from, lb),
		 format_addr(to, target), device, mark);
}

void question_wrappers(struct answer *a, uint32_t pid, const char *daemon, const uint8_t client[16])
{
	char text[ADDR_TEXT_LEN];

	question(a, ANSWER_WRAPPERS, "%u,%s,%s", pid, daemon, format_addr(text, client));
}

void question_chains(struct answer *a, bool ipv6, const char *hook)
{
	question(a, ANSWER_CHAINS, "%s,%s", ipv6 ? "ip6" : "ip", hook);
}

void question_rules(struct answer *a, const struct host_packet *packet)
{
	char lb[ADDR_TEXT_LEN], target[ENDPOINT_TEXT_LEN];
	struct host_packet p;

	rule_packet_kind(packet, &p);
	if (p.resolution) {
		question(a, ANSWER_RULES, "%s,%s,%s,%s,%s,%s", p.v6 ? "ip6" : "ip",
			 p.reply ? "to" : "from", format_addr(lb, p.tuple.lb),
			 p.resolution == RESOLVE_ANSWER ? "answer" : "question", p.in, p.out);
		return;
	}
	question(a, ANSWER_RULES, "%u,%s,%s%s,%s,%s,%d,%d,%s,%s,%u,%x,%u/%u%s,%s,%s", p.netns,
		 p.v6 ? "ip6" : "ip", p.reply ? "reply" : "request",
		 p.rewritten ? "-rewritten" : "", p.hook, p.backend, p.above, p.below,
		 format_addr(lb, p.tuple.lb),
		 format_endpoint(target, p.tuple.target, ntohs(p.tuple.target_port)),
		 p.tuple.protocol, p.packet.tcp_flags, p.packet.icmp_type, p.packet.icmp_code,
		 p.packet.is_icmp_error ? "-error" : "", p.in, p.out);
}

void question_rule(struct answer *a, uint32_t netns, const char *family, const char *table,
		   const char *chain, uint64_t handle)
{
	question(a, ANSWER_RULE, "%u,%s,%s,%s,%" PRIu64, netns, family, table, chain, handle);
}

void question_sysctl(struct answer *a, const char *name)
{
	question(a, ANSWER_SYSCTL, "%s", name);
}

void question_devices(struct answer *a)
{
	question(a, ANSWER_DEVICES, "all");
}

void question_owner(struct answer *a, const struct hct_tuple *tuple)
{
	char lb[ENDPOINT_TEXT_LEN], target[ENDPOINT_TEXT_LEN];

	question(a, ANSWER_OWNER, "%s,%s,%u", format_endpoint(lb, tuple->lb, ntohs(tuple->lb_port)),
		 format_endpoint(target, tuple->target, ntohs(tuple->target_port)),
		 tuple->protocol);
}

void question_netns_name(struct answer *a, uint32_t netns)
{
	question(a, ANSWER_NETNS_NAME, "%u", netns);
}

void question_condition(struct answer *a, uint32_t pid)
{
	question(a, ANSWER_CONDITION, "%u", pid);
}

void question_address_netns(struct answer *a, const uint8_t addr[16])
{
	char text[ADDR_TEXT_LEN];

	question(a, ANSWER_ADDRESS_NETNS, "%s", format_addr(text, addr));
}

void question_socket_unit(struct answer *a, uint16_t port)
{
	question(a, ANSWER_SOCKET_UNIT, "tcp/%u", port);
}

static size_t *count_of(struct answer *a)
{
	return (size_t *)((char *)a + formats[a->kind].count_offset);
}

static void *item_of(struct answer *a, size_t i)
{
	return (char *)a + formats[a->kind].items_offset + i * formats[a->kind].item_size;
}

void case_put_answer(FILE *out, const struct answer *a)
{
	struct answer *list = (struct answer *)a; /* only read */

	fprintf(out, "answer %s q=", formats[a->kind].name);
	text_put(out, a->question, strlen(a->question));
	if (a->err) {
		fprintf(out, " err=%d\n", a->err);
		return;
	}
	fields_put(out, formats[a->kind].fields, formats[a->kind].n_fields,
		   (const char *)a + formats[a->kind].base_offset);
	putc('\n', out);
	for (size_t i = 0; formats[a->kind].max_items && i < *count_of(list); i++) {
		fputs("item", out);
		fields_put(out, formats[a->kind].item_fields, formats[a->kind].n_item_fields,
			   item_of(list, i));
		putc('\n', out);
	}
}

static int get_kind(const char *name, struct answer *a)
{
	for (int i = 0; name && i < ANSWER_COUNT; i++) {
		if (strcmp(formats[i].name, name) != 0)
			continue;
		a->kind = i;
		return 0;
	}
	return -EINVAL;
}

static int get_error(const char *value, struct answer *a)
{
	int64_t err;

	if (text_get_s64(value, &err) || err > 0 || err < -4095)
		return -EINVAL;
	a->err = (int)err;
	return 0;
}

int case_get_answer(char *words, struct answer *a, const char **bad)
{
	char *word = text_word(&words);

	memset(a, 0, sizeof(*a));
	*bad = word ? word : "answer";
	if (get_kind(word, a))
		return -EINVAL;
	while ((word = text_word(&words))) {
		char *value = text_value(word);
		int err;

		*bad = word;
		if (!value)
			return -EINVAL;
		if (strcmp(word, "q") == 0)
			err = text_get_string(value, a->question, sizeof(a->question));
		else if (strcmp(word, "err") == 0)
			err = get_error(value, a);
		else
			err = fields_get(formats[a->kind].fields, formats[a->kind].n_fields,
					 (char *)a + formats[a->kind].base_offset, word, value);
		if (err)
			return -EINVAL;
	}
	return 0;
}

int case_get_item(char *words, struct answer *a, const char **bad)
{
	char *word;
	void *item;

	*bad = "item";
	if (!formats[a->kind].max_items || a->err || *count_of(a) >= formats[a->kind].max_items)
		return -EINVAL;
	item = item_of(a, *count_of(a));
	while ((word = text_word(&words))) {
		char *value = text_value(word);

		*bad = word;
		if (!value || fields_get(formats[a->kind].item_fields,
					 formats[a->kind].n_item_fields, item, word, value))
			return -EINVAL;
	}
	++*count_of(a);
	return 0;
}
