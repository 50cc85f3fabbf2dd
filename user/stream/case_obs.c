// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An observation as a line of a case file. */
#include "case_obs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "case_text.h"
#include "render/format.h"
#include "names.h"
#include "points.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct field common_fields[] = {
	FIELD("reply", FIELD_BOOL, struct obs, reply),
	FIELD("no-tuple", FIELD_BOOL, struct obs, no_tuple),
	FIELD("netns", FIELD_U32, struct obs, netns),
	FIELD_TEXT("dev", struct obs, device),
	FIELD("tcp-seq", FIELD_U32, struct obs, packet.seq),
	FIELD("tcp-ack", FIELD_U32, struct obs, packet.ack),
	FIELD("len", FIELD_U32, struct obs, packet.payload_len),
	FIELD("turns", FIELD_U8, struct obs, turns),
	FIELD("exchange", FIELD_U32, struct obs, exchange),
	FIELD("skipped", FIELD_U32, struct obs, skipped),
	FIELD("answer-end", FIELD_U32, struct obs, answer_end),
	FIELD("tail", FIELD_U8, struct obs, tail),
	FIELD("tls", FIELD_U8, struct obs, tls),
	FIELD("carriage", FIELD_U8, struct obs, carriage),
	FIELD("vlan", FIELD_U16, struct obs, vlan),
	FIELD("fragments-have", FIELD_U16, struct obs, fragments_have),
	FIELD("fragments-total", FIELD_U16, struct obs, fragments_total),
	FIELD("icmp-error", FIELD_U8, struct obs, packet.is_icmp_error),
	FIELD("icmp-type", FIELD_U8, struct obs, packet.icmp_type),
	FIELD("icmp-code", FIELD_U8, struct obs, packet.icmp_code),
	FIELD("reason", FIELD_NAME, struct obs, reason),
	FIELD("function", FIELD_NAME, struct obs, function),
};

#define TLS_RECORD_FIELDS \
	FIELD("record1", FIELD_RECORD, struct obs, records[0]), \
	FIELD("record2", FIELD_RECORD, struct obs, records[1]), \
	FIELD("record3", FIELD_RECORD, struct obs, records[2]), \
	FIELD("record4", FIELD_RECORD, struct obs, records[3]), \
	FIELD("record5", FIELD_RECORD, struct obs, records[4]), \
	FIELD("record6", FIELD_RECORD, struct obs, records[5]), \
	FIELD("record7", FIELD_RECORD, struct obs, records[6]), \
	FIELD("record8", FIELD_RECORD, struct obs, records[7]),
_Static_assert(HCT_TLS_RECORDS == 8, "a field each");

static const struct field departure_fields[] = { TLS_RECORD_FIELDS };

static const struct field listener_fields[] = {
	FIELD("listener", FIELD_U32, struct obs, listener.found),
	FIELD("backlog", FIELD_U32, struct obs, listener.backlog),
	FIELD("backlog-max", FIELD_U32, struct obs, listener.backlog_max),
	FIELD("syn-queue", FIELD_U32, struct obs, listener.syn_queue),
	TLS_RECORD_FIELDS
};

static const struct field route_fields[] = {
	FIELD("err", FIELD_S32, struct obs, route.err),
	FIELD("table", FIELD_U32, struct obs, route.table),
	FIELD("oif", FIELD_U32, struct obs, route.oif),
	FIELD("gateway", FIELD_ADDR, struct obs, route.gateway),
	FIELD("several", FIELD_U8, struct obs, route.several),
	FIELD_TEXT("route-dev", struct obs, route_device),
};

static const struct field sock_fields[] = {
	FIELD("old", FIELD_STATE, struct obs, sock.old_state),
	FIELD("new", FIELD_STATE, struct obs, sock.new_state),
	FIELD("accepted", FIELD_U8, struct obs, sock.accepted),
	FIELD("in-process", FIELD_U8, struct obs, sock.in_process),
	FIELD("unread", FIELD_U32, struct obs, sock.unread),
};

static const struct field icmp_fields[] = {
	FIELD("type", FIELD_U8, struct obs, icmp.type),
	FIELD("code", FIELD_U8, struct obs, icmp.code),
};

static const struct field reset_fields[] = {
	FIELD("socket", FIELD_BOOL, struct obs, reset.has_socket),
};

static const struct field drop_fields[] = {
	FIELD("rung", FIELD_U8, struct obs, rung.valid),
	FIELD("rung-hook", FIELD_U8, struct obs, rung.hook),
	FIELD("rung-priority", FIELD_S32, struct obs, rung.priority),
	FIELD("next-hop", FIELD_ADDR, struct obs, next_hop),
};

static const struct field libwrap_fields[] = {
	FIELD("granted", FIELD_S32, struct obs, libwrap.granted),
	FIELD("fd", FIELD_S32, struct obs, libwrap.fd),
	FIELD_TEXT("daemon", struct obs, libwrap.daemon),
	FIELD_TEXT("client", struct obs, libwrap.client),
};

static const struct field upstream_fields[] = {
	FIELD("addr", FIELD_ADDR, struct obs, upstream.addr),
	FIELD("port", FIELD_U16, struct obs, upstream.port),
	FIELD("errno", FIELD_U16, struct obs, upstream.err),
	FIELD("parent", FIELD_U32, struct obs, upstream.parent),
	FIELD("took-us", FIELD_U32, struct obs, upstream.took_us),
};

static const struct field rule_fields[] = {
	FIELD("family", FIELD_NAME, struct obs, rule.family),
	FIELD("table", FIELD_NAME, struct obs, rule.table),
	FIELD("chain", FIELD_NAME, struct obs, rule.chain),
	FIELD("handle", FIELD_U64, struct obs, rule.handle),
	FIELD("verdict", FIELD_NAME, struct obs, rule.verdict),
};

static const struct field xdp_fields[] = {
	FIELD("action", FIELD_NAME, struct obs, xdp.action),
	FIELD("program", FIELD_U32, struct obs, xdp.program_id),
	FIELD_TEXT("program-name", struct obs, xdp.program),
};

/* What a point has besides. */
static const struct {
	const struct field *fields;
	size_t n;
} details[HCT_POINT_COUNT] = {
	[HCT_POINT_TC_INGRESS] = { listener_fields, N(listener_fields) },
	[HCT_POINT_TC_EGRESS] = { departure_fields, N(departure_fields) },
	[HCT_POINT_ROUTE] = { route_fields, N(route_fields) },
	[HCT_POINT_SOCKET_STATE] = { sock_fields, N(sock_fields) },
	[HCT_POINT_RESET_RECEIVED] = { sock_fields, N(sock_fields) },
	[HCT_POINT_APP_READ] = { sock_fields, N(sock_fields) },
	[HCT_POINT_ACCEPTED] = { sock_fields, N(sock_fields) },
	[HCT_POINT_XDP_VERDICT] = { xdp_fields, N(xdp_fields) },
	[HCT_POINT_ICMP_SENT] = { icmp_fields, N(icmp_fields) },
	[HCT_POINT_RESET_SENT] = { reset_fields, N(reset_fields) },
	[HCT_POINT_DROP] = { drop_fields, N(drop_fields) },
	[HCT_POINT_LIBWRAP] = { libwrap_fields, N(libwrap_fields) },
	[HCT_POINT_UPSTREAM] = { upstream_fields, N(upstream_fields) },
	[HCT_POINT_NFT_TRACE] = { rule_fields, N(rule_fields) },
};

static const struct {
	const char *name;
	uint8_t protocol;
} protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 },
};

static const struct {
	char letter;
	uint8_t flag;
} tcp_flags[] = {
	{ 'S', HCT_TCP_SYN }, { 'A', HCT_TCP_ACK }, { 'P', HCT_TCP_PSH },
	{ 'F', HCT_TCP_FIN }, { 'R', HCT_TCP_RST },
};

static void put_tuple(FILE *out, const struct hct_tuple *tuple)
{
	char text[ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < N(protocols); i++)
		if (protocols[i].protocol == tuple->protocol)
			fprintf(out, " proto=%s", protocols[i].name);
	fprintf(out, " lb=%s", format_endpoint(text, tuple->lb, ntohs(tuple->lb_port)));
	fprintf(out, " target=%s", format_endpoint(text, tuple->target, ntohs(tuple->target_port)));
}

static void put_other_endpoint(FILE *out, const struct hct_translation *t)
{
	char text[ENDPOINT_TEXT_LEN];

	fprintf(out, " other=%s", format_endpoint(text, t->addr, ntohs(t->port)));
}

static void put_stack(FILE *out, const struct obs *o)
{
	for (size_t i = 0; i < o->stack_len && i < HCT_STACK_MAX; i++) {
		const char *name = o->stack[i] ? o->stack[i] : "?";

		fputs(i ? "," : " stack=", out);
		text_put(out, name, strlen(name));
	}
}

void case_put_obs(FILE *out, const struct obs *o, uint64_t start_ns)
{
	fputs(" t=", out);
	text_put_time(out, (int64_t)(o->time_ns - start_ns));
	fprintf(out, " flow=%llu seq=%u point=%s", (unsigned long long)o->flow_id, o->flow_seq,
		point_name(o->point));
	put_tuple(out, &o->tuple);
	if (o->packet.tcp_flags) {
		fputs(" flags=", out);
		for (size_t i = 0; i < N(tcp_flags); i++)
			if (o->packet.tcp_flags & tcp_flags[i].flag)
				putc(tcp_flags[i].letter, out);
	}
	if (o->has_process) {
		fprintf(out, " pid=%u comm=", o->pid);
		text_put(out, o->comm, strnlen(o->comm, sizeof(o->comm)));
	}
	if (o->point == HCT_POINT_TRANSLATION)
		put_other_endpoint(out, &o->translation);
	fields_put(out, common_fields, N(common_fields), o);
	if (o->point < HCT_POINT_COUNT)
		fields_put(out, details[o->point].fields, details[o->point].n, o);
	put_stack(out, o);
	if (o->payload_len) {
		fputs(" payload=", out);
		text_put(out, o->payload, o->payload_len);
	}
}

static int get_time(const char *value, uint64_t start_ns, uint64_t *out)
{
	int64_t ns;

	if (text_get_time(value, &ns) || (ns < 0 && (uint64_t)-ns > start_ns) ||
	    (ns > 0 && (uint64_t)ns > INT64_MAX - start_ns))
		return -EINVAL;
	*out = start_ns + (uint64_t)ns;
	return 0;
}

static int get_protocol(const char *value, struct hct_tuple *tuple)
{
	for (size_t i = 0; i < N(protocols); i++) {
		if (strcmp(protocols[i].name, value) != 0)
			continue;
		tuple->protocol = protocols[i].protocol;
		return 0;
	}
	return -EINVAL;
}

static int get_endpoint(const char *value, uint8_t addr[16], uint16_t *port_be)
{
	uint16_t port;

	if (text_get_endpoint(value, addr, &port))
		return -EINVAL;
	*port_be = htons(port);
	return 0;
}

static int get_flags(const char *value, struct hct_packet *packet)
{
	for (; *value; value++) {
		size_t i = 0;

		while (i < N(tcp_flags) && tcp_flags[i].letter != *value)
			i++;
		if (i == N(tcp_flags))
			return -EINVAL;
		packet->tcp_flags |= tcp_flags[i].flag;
	}
	return 0;
}

static int get_stack(char *value, struct obs *o)
{
	char text[256];

	for (char *next; value; value = next) {
		next = strchr(value, ',');
		if (next)
			*next++ = '\0';
		if (o->stack_len == HCT_STACK_MAX || text_get_string(value, text, sizeof(text)))
			return -EINVAL;
		o->stack[o->stack_len++] = names_intern(text);
	}
	return 0;
}

static int get_payload(const char *value, struct obs *o, uint8_t payload[HCT_PAYLOAD_MAX])
{
	int len = text_get(value, payload, HCT_PAYLOAD_MAX);

	if (len < 0)
		return -EINVAL;
	o->payload = payload;
	o->payload_len = (size_t)len;
	return 0;
}

static int get_number(const char *value, uint32_t *out)
{
	uint64_t number;

	if (text_get_u64(value, UINT32_MAX, &number))
		return -EINVAL;
	*out = (uint32_t)number;
	return 0;
}

static int get_point(const char *value, struct obs *o)
{
	int point = point_by_name(value);

	if (point < 0)
		return -EINVAL;
	o->point = point;
	return 0;
}

static int get_word(struct obs *o, const char *key, char *value, uint64_t start_ns,
		    uint8_t payload[HCT_PAYLOAD_MAX])
{
	int err;

	if (strcmp(key, "t") == 0)
		return get_time(value, start_ns, &o->time_ns);
	if (strcmp(key, "flow") == 0)
		return text_get_u64(value, UINT64_MAX, &o->flow_id);
	if (strcmp(key, "seq") == 0)
		return get_number(value, &o->flow_seq);
	if (strcmp(key, "proto") == 0)
		return get_protocol(value, &o->tuple);
	if (strcmp(key, "lb") == 0)
		return get_endpoint(value, o->tuple.lb, &o->tuple.lb_port);
	if (strcmp(key, "target") == 0)
		return get_endpoint(value, o->tuple.target, &o->tuple.target_port);
	if (strcmp(key, "other") == 0 && o->point == HCT_POINT_TRANSLATION)
		return get_endpoint(value, o->translation.addr, &o->translation.port);
	if (strcmp(key, "flags") == 0)
		return get_flags(value, &o->packet);
	if (strcmp(key, "pid") == 0) {
		o->has_process = true;
		return get_number(value, &o->pid);
	}
	if (strcmp(key, "comm") == 0)
		return text_get_string(value, o->comm, sizeof(o->comm));
	if (strcmp(key, "stack") == 0)
		return get_stack(value, o);
	if (strcmp(key, "payload") == 0)
		return get_payload(value, o, payload);
	err = fields_get(common_fields, N(common_fields), o, key, value);
	if (err == -ENOENT)
		err = fields_get(details[o->point].fields, details[o->point].n, o, key, value);
	return err;
}

int case_get_obs(char *words, uint64_t start_ns, struct obs *o, uint8_t payload[HCT_PAYLOAD_MAX],
		 const char **bad)
{
	static const uint8_t none[16];
	bool has_time = false, has_point = false;
	char *word;

	memset(o, 0, sizeof(*o));
	while ((word = text_word(&words))) {
		char *value = text_value(word);

		*bad = word;
		if (!value)
			return -EINVAL;
		if (strcmp(word, "point") == 0) {
			/* it says what the other words mean, so it comes before them */
			if (has_point || get_point(value, o))
				return -EINVAL;
			has_point = true;
			continue;
		}
		if (get_word(o, word, value, start_ns, payload))
			return -EINVAL;
		has_time |= strcmp(word, "t") == 0;
	}
	*bad = !has_time ? "t" : "point";
	if (!has_time || !has_point)
		return -EINVAL;
	if (!obs_is_whole(o)) {
		*bad = o->point == HCT_POINT_XDP_VERDICT ? "action belongs to xdp-verdict" :
		       "family, table, chain and verdict belong to nft-trace";
		return -EINVAL;
	}
	if (o->point == HCT_POINT_ROUTE)
		o->route.has_gateway = memcmp(o->route.gateway, none, sizeof(none)) != 0;
	return 0;
}

const struct field *case_common_fields(size_t *n)
{
	*n = N(common_fields);
	return common_fields;
}

const struct field *case_point_fields(enum hct_point point, size_t *n)
{
	*n = details[point].n;
	return details[point].fields;
}
