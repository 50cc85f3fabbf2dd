// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What --redact makes of a run: observations and answers. */
#include "redact.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redact_http.h"
#include "render/format.h"
#include "stream/names.h"

#define FIRST_SEGMENT_BITS 12 /* flows whose first segments are remembered at once: 4,096 */

/* The observation that captured the beginning of a request or of an answer. */
struct first_segment {
	uint64_t flow_id;
	uint32_t exchange; /* each request of a kept connection has its own, and its answer */
	uint32_t flow_seq;
};

struct redact {
	struct pseudo_names *names;
	struct pseudo_addr *addrs;
	char path[64]; /* of the settings */
	struct first_segment first[2][1 << FIRST_SEGMENT_BITS]; /* of requests, of answers */
};

struct redact *redact_new(const struct settings *settings)
{
	struct redact *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->names = pseudo_names_new();
	r->addrs = pseudo_addr_new(settings);
	if (!r->names || !r->addrs) {
		redact_free(r);
		return NULL;
	}
	return r;
}

void redact_host_name(struct redact *r, const char *name)
{
	if (!name[0] || strcmp(name, "localhost") == 0)
		return;
	pseudo_name(r->names, NAME_HOST, name, strlen(name));
	if (strchr(name, '.'))
		pseudo_name(r->names, NAME_HOST, name, strcspn(name, "."));
}

void redact_free(struct redact *r)
{
	if (!r)
		return;
	pseudo_names_free(r->names);
	pseudo_addr_free(r->addrs);
	free(r);
}

struct pseudo_names *redact_names(struct redact *r)
{
	return r->names;
}

struct pseudo_addr *redact_addrs(struct redact *r)
{
	return r->addrs;
}

/* ---- members of structs ---- */

static void redact_name(struct redact *r, enum name_class class, char *name, size_t size)
{
	size_t len = strnlen(name, size);
	const char *pseudo;

	if (!len)
		return;
	pseudo = pseudo_name(r->names, class, name, len);
	memset(name, 0, size);
	memcpy(name, pseudo, strnlen(pseudo, size - 1));
}

/* A text that was cut where its room ended: its last word may be half a name. */
static void drop_cut_word(char *text, size_t size)
{
	char *space;

	if (strnlen(text, size) < size - 1)
		return;
	text[size - 1] = '\0';
	space = strrchr(text, ' ');
	*(space ? space : text) = '\0';
}

static void redact_member(struct redact *r, enum redact_text_kind kind, char *text, size_t size)
{
	char *redacted;

	drop_cut_word(text, size);
	redacted = redact_text(r, kind, text);
	memset(text, 0, size);
	if (redacted)
		memcpy(text, redacted, strnlen(redacted, size - 1));
	free(redacted);
}
#define MEMBER(kind, member) redact_member(r, kind, member, sizeof(member))

/* An address or, if it is none, the name of a host. */
static void redact_client(struct redact *r, char *text, size_t size)
{
	char *shown = *text ? redact_address_word(r, text) : NULL;

	if (!shown) {
		redact_name(r, NAME_HOST, text, size);
		return;
	}
	memset(text, 0, size);
	memcpy(text, shown, strnlen(shown, size - 1));
	free(shown);
}

static void redact_tuple(struct redact *r, struct hct_tuple *tuple)
{
	pseudo_addr(r->addrs, tuple->lb);
	pseudo_addr(r->addrs, tuple->target);
}

/* ---- the stream ---- */

void redact_settings(struct redact *r, const struct settings *in, struct settings *out)
{
	*out = *in;
	if (!in->path)
		return;
	redact_http_path(r, in->path, strlen(in->path), r->path, sizeof(r->path));
	out->path = r->path;
}

static const char *redact_interned(struct redact *r, enum redact_text_kind kind, const char *text)
{
	char *redacted = text ? redact_text(r, kind, text) : NULL;
	const char *name = redacted ? names_intern(redacted) : NULL;

	free(redacted);
	return name;
}

const struct point_status *redact_points(struct redact *r, const struct point_status *in, size_t *n,
					 struct point_status out[REDACT_POINTS])
{
	if (*n > REDACT_POINTS)
		*n = REDACT_POINTS;
	for (size_t i = 0; i < *n; i++) {
		out[i] = in[i];
		out[i].detail = redact_interned(r, REDACT_PLAIN, in[i].detail);
	}
	return out;
}

void redact_start(struct redact *r, const struct stream_start *in, struct stream_start *out,
		  struct point_status points[REDACT_POINTS])
{
	*out = *in;
	out->points = redact_points(r, in->points, &out->n_points, points);
	if (in->host)
		redact_host_name(r, in->host);
	if (in->host && in->host[0])
		out->host = names_intern(pseudo_name(r->names, NAME_HOST, in->host, strlen(in->host)));
	if (in->netns_name && in->netns_name[0])
		out->netns_name = names_intern(
			pseudo_name(r->names, NAME_NETNS, in->netns_name, strlen(in->netns_name)));
}

/*
 * Is what IN captured the beginning of its flow's request or answer?  Of a message
 * in several segments the later ones cannot be read by themselves, so nothing of
 * them is passed on.  A run comes by twice: the same observation is the first again.
 */
static bool is_first_segment(struct redact *r, const struct obs *in)
{
	struct first_segment *first = &r->first[in->reply][in->flow_id * UINT64_C(0x9e3779b97f4a7c15) >>
							    (64 - FIRST_SEGMENT_BITS)];

	if (first->flow_id == in->flow_id && first->exchange == in->exchange)
		return first->flow_seq == in->flow_seq;
	first->flow_id = in->flow_id;
	first->exchange = in->exchange;
	first->flow_seq = in->flow_seq;
	return true;
}

void redact_obs(struct redact *r, const struct obs *in, struct obs *out,
		uint8_t payload[HCT_PAYLOAD_MAX])
{
	*out = *in;
	redact_tuple(r, &out->tuple);
	if (in->has_process)
		redact_name(r, NAME_PROCESS, out->comm, sizeof(out->comm));
	pseudo_name_keep(r->names, in->device);
	pseudo_name_keep(r->names, in->route_device);
	switch (in->point) {
	case HCT_POINT_ROUTE:
		if (in->route.has_gateway)
			pseudo_addr(r->addrs, out->route.gateway);
		break;
	case HCT_POINT_DROP:
		if (memcmp(in->next_hop, (uint8_t[16]){ 0 }, 16) != 0)
			pseudo_addr(r->addrs, out->next_hop);
		break;
	case HCT_POINT_TRANSLATION:
		pseudo_addr(r->addrs, out->translation.addr);
		break;
	case HCT_POINT_LIBWRAP:
		redact_name(r, NAME_PROCESS, out->libwrap.daemon, sizeof(out->libwrap.daemon));
		redact_client(r, out->libwrap.client, sizeof(out->libwrap.client));
		break;
	case HCT_POINT_UPSTREAM:
		pseudo_addr(r->addrs, out->upstream.addr);
		break;
	case HCT_POINT_XDP_VERDICT:
		redact_name(r, NAME_PROCESS, out->xdp.program, sizeof(out->xdp.program));
		break;
	case HCT_POINT_NFT_TRACE:
		pseudo_name_keep(r->names, in->rule.table ? in->rule.table : "");
		pseudo_name_keep(r->names, in->rule.chain ? in->rule.chain : "");
		break;
	default:
		break;
	}
	out->payload_len = 0;
	if (in->payload && is_first_segment(r, in))
		out->payload_len = redact_payload(r, in->reply, in->payload, in->payload_len, payload);
	out->payload = out->payload_len ? payload : NULL;
}

/* ---- answers, and what was asked ---- */

/* "PID,DAEMON,CLIENT" */
static void wrappers_question(struct redact *r, char *question, size_t size)
{
	char *daemon = strchr(question, ','), *client = strrchr(question, ',');
	char name[256], addr[256];

	if (!daemon || daemon == client) {
		question[0] = '\0';
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(client - daemon - 1), daemon + 1);
	snprintf(addr, sizeof(addr), "%s", client + 1);
	redact_name(r, NAME_PROCESS, name, sizeof(name));
	redact_client(r, addr, sizeof(addr));
	*daemon = '\0';
	/* what does not fit was no question of ours */
	if (snprintf(daemon, size - (size_t)(daemon - question), ",%.100s,%.50s", name, addr) < 0)
		question[0] = '\0';
}

static void redact_question(struct redact *r, struct answer *a)
{
	switch (a->kind) {
	case ANSWER_WRAPPERS:
		wrappers_question(r, a->question, sizeof(a->question));
		break;
	case ANSWER_ROUTE_BACK:
	case ANSWER_GATEWAY:
	case ANSWER_FORWARD_ROUTE:
	case ANSWER_OWNER:
	case ANSWER_RULES:
	case ANSWER_ADDRESS_NETNS:
		/* addresses, numbers, hooks and devices */
		redact_member(r, REDACT_ADDRESSES, a->question, sizeof(a->question));
		break;
	default:
		/* protocols, ports, hooks, tables and chains, names of sysctls */
		break;
	}
}

static void keep_rule(struct redact *r, const struct host_rule *rule)
{
	pseudo_name_keep(r->names, rule->table);
	pseudo_name_keep(r->names, rule->chain);
	pseudo_name_keep(r->names, rule->base);
	pseudo_name_keep(r->names, rule->last_jump);
	pseudo_name_keep(r->names, rule->device);
}

static void redact_rule(struct redact *r, struct host_rule *rule)
{
	keep_rule(r, rule);
	MEMBER(REDACT_RULES, rule->text);
	MEMBER(REDACT_RULES, rule->comment);
}

static void redact_listeners(struct redact *r, struct host_listeners *l)
{
	for (size_t i = 0; i < l->n; i++) {
		pseudo_addr(r->addrs, l->l[i].addr);
		pseudo_name_keep(r->names, l->l[i].device);
		redact_name(r, NAME_PROCESS, l->l[i].comm, sizeof(l->l[i].comm));
	}
}

static void redact_wrappers(struct redact *r, struct host_wrappers *w)
{
	bool usual = !w->file[0] || strcmp(w->file, "/etc/hosts.deny") == 0 ||
		     strcmp(w->file, "/etc/hosts.allow") == 0;

	if (!usual) {
		bool deny = strstr(w->file, "hosts.deny");

		/* the diagnosis goes by the last part of its name */
		redact_name(r, NAME_TEXT, w->file, sizeof(w->file));
		strncat(w->file, deny ? "/hosts.deny" : "/hosts.allow",
			sizeof(w->file) - strlen(w->file) - 1);
	}
	MEMBER(REDACT_WRAPPERS, w->text);
}

static void redact_gateway(struct redact *r, struct host_gateway *g)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
	struct host_denial *denial = &g->denial;

	if (g->n == 1)
		pseudo_addr(r->addrs, g->addr);
	if (g->n_denials && denial->prefix_len)
		pseudo_prefix(r->addrs, denial->prefix,
			      denial->prefix_len + (memcmp(denial->prefix, v4, 12) == 0 ? 96 : 0));
	MEMBER(REDACT_PLAIN, g->rule);
	MEMBER(REDACT_PLAIN, g->maybe);
}

/* A cgroup's name can be that of a user, a project or a container. */
static void redact_condition(struct redact *r, struct host_condition *c)
{
	redact_name(r, NAME_PROCESS, c->comm, sizeof(c->comm));
	redact_name(r, NAME_TEXT, c->cgroup, sizeof(c->cgroup));
	redact_name(r, NAME_TEXT, c->frozen, sizeof(c->frozen));
	if (c->connecting)
		pseudo_addr(r->addrs, c->connecting_addr);
	if (c->proxies)
		pseudo_addr(r->addrs, c->upstream);
}

void redact_answer(struct redact *r, const struct answer *in, struct answer *out)
{
	*out = *in;
	redact_question(r, out);
	if (in->err)
		return;
	switch (in->kind) {
	case ANSWER_LISTENERS:
		redact_listeners(r, &out->listeners);
		break;
	case ANSWER_ROUTE_BACK:
		pseudo_name_keep(r->names, in->route.device);
		if (in->route.has_gateway)
			pseudo_addr(r->addrs, out->route.gateway);
		for (size_t i = 0; i < in->route.n; i++) {
			pseudo_name_keep(r->names, in->route.hop[i].device);
			if (in->route.hop[i].has_gateway)
				pseudo_addr(r->addrs, out->route.hop[i].gateway);
		}
		MEMBER(REDACT_PLAIN, out->route.text);
		break;
	case ANSWER_GATEWAY:
		redact_gateway(r, &out->gateway);
		break;
	case ANSWER_FORWARD_ROUTE:
		pseudo_name_keep(r->names, in->forward_route.device);
		if (in->forward_route.has_gateway)
			pseudo_addr(r->addrs, out->forward_route.gateway);
		break;
	case ANSWER_WRAPPERS:
		redact_wrappers(r, &out->wrappers);
		break;
	case ANSWER_CHAINS:
		for (size_t i = 0; i < in->chains.n; i++) {
			pseudo_name_keep(r->names, in->chains.c[i].table);
			pseudo_name_keep(r->names, in->chains.c[i].chain);
		}
		break;
	case ANSWER_RULES:
		for (size_t i = 0; i < in->rules.n; i++)
			redact_rule(r, &out->rules.r[i]);
		MEMBER(REDACT_RULES, out->rules.why);
		break;
	case ANSWER_RULE:
		redact_rule(r, &out->rule);
		break;
	case ANSWER_DEVICES:
		for (size_t i = 0; i < in->devices.n; i++)
			pseudo_name_keep(r->names, in->devices.d[i].name); /* a VRF is one of them */
		break;
	case ANSWER_OWNER:
		redact_name(r, NAME_PROCESS, out->owner.comm, sizeof(out->owner.comm));
		break;
	case ANSWER_NETNS_NAME:
		redact_name(r, NAME_NETNS, out->netns_name.name, sizeof(out->netns_name.name));
		break;
	case ANSWER_CONDITION:
		redact_condition(r, &out->condition);
		break;
	case ANSWER_SOCKET_UNIT:
		redact_name(r, NAME_PROCESS, out->socket_unit.name, sizeof(out->socket_unit.name));
		break;
	case ANSWER_ADDRESS_NETNS:
	case ANSWER_SYSCTL:
	case ANSWER_COUNT:
		break;
	}
}
