// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What rules of kube-proxy mean.  Most of what they drop is meant so, and no rule
 * that accepts it helps: without an endpoint nobody would answer.
 */
#include "fw_kube.h"

#include <stdio.h>
#include <string.h>

#include "firewall/kube_port.h"

enum kube_cause {
	KUBE_OTHER,
	KUBE_NO_ENDPOINT, /* on any node */
	KUBE_NO_LOCAL, /* on this node, and a policy keeps the traffic on it */
	KUBE_SOURCE, /* the service does not take that source */
	KUBE_MARKED, /* an earlier rule marked it for one of these reasons: 1.24 and before */
};

struct kube_drop {
	enum kube_cause cause;
	bool internal; /* the service's own address, for which another policy counts */
	char port[80]; /* "ingress/web:http"; "" not known */
	char space[64], name[64];
};

static bool is_plain(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.-") == strlen(word);
}

/* LEN bytes of "ingress/web:http", or with SEPARATOR '/' of "ingress/web/tcp/http". */
static void set_service(struct kube_drop *out, const char *service, size_t len, char separator)
{
	const char *slash = memchr(service, '/', len), *end;

	if (!slash || len >= sizeof(out->port))
		return;
	snprintf(out->port, sizeof(out->port), "%.*s", (int)len, service);
	snprintf(out->space, sizeof(out->space), "%.*s", (int)(slash - service), service);
	slash++;
	len -= (size_t)(slash - service);
	end = memchr(slash, separator, len);
	snprintf(out->name, sizeof(out->name), "%.*s", (int)(end ? end - slash : (long)len), slash);
	if (!is_plain(out->space) || !is_plain(out->name))
		out->port[0] = out->space[0] = out->name[0] = '\0';
}

static bool by_comment(const struct host_rule *rule, const char *words, enum kube_cause cause,
		       struct kube_drop *out)
{
	size_t len;
	const char *service = kube_service_of(rule->text, words, &len);

	if (!service)
		return false;
	out->cause = cause;
	set_service(out, service, len, ':');
	return true;
}

/* nftables mode: verdict maps whose elements have the service for a comment. */
static bool by_map(const struct host_rule *rule, struct kube_drop *out)
{
	static const char source[] = "firewall-";
	const char *name;

	if (strcmp(rule->chain, "reject-chain") == 0) {
		out->cause = KUBE_NO_ENDPOINT;
	} else if (strstr(rule->text, "vmap @no-endpoint-")) {
		out->cause = rule->kind == RULE_REJECT ? KUBE_NO_ENDPOINT : KUBE_NO_LOCAL;
		set_service(out, rule->comment, strlen(rule->comment), ':');
	} else if (strncmp(rule->chain, source, strlen(source)) == 0 &&
		   strcmp(rule->table, "kube-proxy") == 0) {
		out->cause = KUBE_SOURCE;
		name = strchr(rule->chain + strlen(source), '-'); /* behind a hash */
		if (name)
			set_service(out, name + 1, strlen(name + 1), '/');
	} else {
		return false;
	}
	return true;
}

static void read_rule(const struct host_rule *rule, struct kube_drop *out)
{
	memset(out, 0, sizeof(*out));
	out->internal = strcmp(rule->chain, "KUBE-SERVICES") == 0;
	if (by_comment(rule, " has no local endpoints", KUBE_NO_LOCAL, out) ||
	    by_comment(rule, " has no endpoints", KUBE_NO_ENDPOINT, out) ||
	    by_comment(rule, " traffic not accepted by ", KUBE_SOURCE, out) || by_map(rule, out))
		return;
	if (strstr(rule->text, "no local endpoints"))
		out->cause = KUBE_NO_LOCAL;
	else if (strstr(rule->text, "no endpoints"))
		out->cause = KUBE_NO_ENDPOINT;
	else if (strcmp(rule->chain, "KUBE-PROXY-FIREWALL") == 0 ||
		 strcmp(rule->chain, "firewall-check") == 0)
		out->cause = KUBE_SOURCE;
	else if (strstr(rule->text, "--mark 0x8000/0x8000"))
		out->cause = KUBE_MARKED;
}

bool kube_proxy_lacks_service(const struct host_rule *rule)
{
	return strstr(rule->text, "vmap @no-endpoint-") && !rule->comment[0];
}

static void advise(struct fix *fix, const char *text)
{
	size_t used = strlen(fix->advice);

	snprintf(fix->advice + used, sizeof(fix->advice) - used, "%s%s", used ? " " : "", text);
}

/* The service has no endpoints; the rule is right, and no command on this host helps. */
static void fix_no_endpoint(const struct kube_drop *drop, const struct fw_pass *pass,
			    struct fix *fix)
{
	char text[160];

	if (drop->name[0])
		command_add(&fix->show, "kubectl -n %s get endpoints %s", drop->space, drop->name);
	else
		command_add(&fix->show, "kubectl get endpoints -A");
	snprintf(text, sizeof(text),
		 "The service on port %u has no endpoints, as no pod of it is ready: start one, or "
		 "correct the service's selector.", pass->port);
	advise(fix, text);
}

static void fix_no_local(const struct kube_drop *drop, const struct host_rule *rule,
			 struct fix *fix)
{
	char text[240];

	if (drop->internal) {
		advise(fix, "Check the service at a node port or the load balancer's address, or run "
			    "an endpoint of it on this node.");
	} else if (rule->check_port) {
		snprintf(text, sizeof(text),
			 "Let the load balancer check the service's healthCheckNodePort %u (HTTP, "
			 "path /healthz), where kube-proxy tells whether this node has an endpoint; "
			 "or expect this node to be shown as down.", rule->check_port);
		advise(fix, text);
	} else {
		advise(fix, "Let the load balancer check the service's healthCheckNodePort (HTTP, "
			    "path /healthz), where kube-proxy tells whether this node has an "
			    "endpoint; or expect this node to be shown as down.");
	}
	if (drop->name[0] && !drop->internal && !rule->check_port)
		command_add(&fix->show, "kubectl -n %s get service %s -o %s", drop->space,
			    drop->name, "jsonpath={.spec.healthCheckNodePort}");
	else if (drop->name[0])
		command_add(&fix->show, "kubectl -n %s get endpoints %s -o wide", drop->space,
			    drop->name);
	else
		command_add(&fix->show, "kubectl get services -A -o wide");
}

static void fix_source(const struct kube_drop *drop, const struct fw_pass *pass, struct fix *fix)
{
	char text[256];

	if (drop->name[0]) {
		snprintf(text, sizeof(text),
			 "[{\"op\":\"add\",\"path\":\"/spec/loadBalancerSourceRanges/-\","
			 "\"value\":\"%s\"}]", pass->range);
		command_add(&fix->command, "kubectl -n %s patch service %s --type=json -p %s",
			    drop->space, drop->name, text);
		return;
	}
	snprintf(text, sizeof(text),
		 "Add %s to the service's spec.loadBalancerSourceRanges (kubectl edit service).",
		 pass->range);
	advise(fix, text);
}

bool kube_proxy_fix(const struct host_rule *rule, const struct fw_pass *pass, struct fix *fix)
{
	struct kube_drop drop;

	read_rule(rule, &drop);
	switch (drop.cause) {
	case KUBE_NO_ENDPOINT:
		fix_no_endpoint(&drop, pass, fix);
		return true;
	case KUBE_NO_LOCAL:
		fix_no_local(&drop, rule, fix);
		return true;
	case KUBE_SOURCE:
		fix_source(&drop, pass, fix);
		return true;
	case KUBE_MARKED:
		command_add(&fix->show, "iptables-save -t nat | grep KUBE-MARK-DROP");
		advise(fix, "Run an endpoint of the service on this node or let the load balancer "
			    "check its healthCheckNodePort; or add the load balancer to its "
			    "spec.loadBalancerSourceRanges.");
		return true;
	case KUBE_OTHER:
		break;
	}
	return false;
}

const char *kube_proxy_meaning(const struct host_rule *rule, const struct fw_pass *pass, char *out,
			       size_t size)
{
	char service[96];
	struct kube_drop drop;

	out[0] = '\0';
	read_rule(rule, &drop);
	if (drop.port[0])
		snprintf(service, sizeof(service), "%s", drop.port);
	else
		snprintf(service, sizeof(service), "the service on port %u", pass->port);
	switch (drop.cause) {
	case KUBE_NO_LOCAL:
		snprintf(out, size,
			 "It is meant so by %sTrafficPolicy: Local: no endpoint of %s runs on this "
			 "node.", drop.internal ? "internal" : "external", service);
		break;
	case KUBE_NO_ENDPOINT:
		snprintf(out, size, "It is meant so by kube-proxy: no endpoint of %s is ready on any "
				    "node.", service);
		break;
	case KUBE_SOURCE:
		snprintf(out, size, "It is meant so by loadBalancerSourceRanges: they do not have %s.",
			 pass->range);
		break;
	case KUBE_MARKED:
		snprintf(out, size, "It is meant so by kube-proxy, which marked it to be dropped: no "
				    "endpoint of the service runs on this node, or the service does "
				    "not take that source.");
		break;
	case KUBE_OTHER:
		break;
	}
	return out;
}
