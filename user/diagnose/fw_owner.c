// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that write firewall rules: whose a chain is, and their own commands. */
#include "fw_owner.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* The first row that fits counts; NULL: any.  With WHAT, what the '*' stands for is the unit. */
static const struct {
	const char *table;
	const char *chain;
	enum fw_owner_id id;
	const char *name;
	const char *what;
} owners[] = {
	{ "firewalld", "*_policy_*", OWNER_FIREWALLD, "firewalld", "policy" },
	{ "firewalld", "filter_IN_*", OWNER_FIREWALLD, "firewalld", "zone" },
	{ "firewalld", "filter_FWD_*", OWNER_FIREWALLD, "firewalld", "zone" },
	{ "firewalld", "filter_FWDI_*", OWNER_FIREWALLD, "firewalld", "zone" },
	{ "firewalld", "filter_FWDO_*", OWNER_FIREWALLD, "firewalld", "zone" },
	{ "firewalld", "mangle_PRE_*", OWNER_FIREWALLD, "firewalld", "zone" },
	{ "firewalld", NULL, OWNER_FIREWALLD, "firewalld", "" },
	{ NULL, "INPUT_ZONES*", OWNER_FIREWALLD, "firewalld", "" },
	{ NULL, "FORWARD_*_ZONES*", OWNER_FIREWALLD, "firewalld", "" },
	{ NULL, "IN_*", OWNER_FIREWALLD, "firewalld", "zone" },
	{ NULL, "FWDI_*", OWNER_FIREWALLD, "firewalld", "zone" },
	{ NULL, "FWDO_*", OWNER_FIREWALLD, "firewalld", "zone" },
	{ NULL, "ufw-*", OWNER_UFW, "ufw", "" },
	{ NULL, "ufw6-*", OWNER_UFW, "ufw", "" },
	{ NULL, "DOCKER", OWNER_DOCKER, "Docker", "" },
	{ NULL, "DOCKER-*", OWNER_DOCKER, "Docker", "" },
	{ "docker-bridges", NULL, OWNER_DOCKER, "Docker", "" },
	{ NULL, "KUBE-NWPLCY-*", OWNER_NETWORK_POLICY, "kube-router", "" },
	{ NULL, "KUBE-POD-FW-*", OWNER_NETWORK_POLICY, "kube-router", "" },
	{ NULL, "KUBE-ROUTER-*", OWNER_NETWORK_POLICY, "kube-router", "" },
	{ NULL, "cali-*", OWNER_NETWORK_POLICY, "Calico", "" },
	{ "calico", NULL, OWNER_NETWORK_POLICY, "Calico", "" },
	{ NULL, "CILIUM_*", OWNER_NETWORK_POLICY, "Cilium", "" },
	{ NULL, "ANTREA-*", OWNER_NETWORK_POLICY, "Antrea", "" },
	{ NULL, "WEAVE-NPC*", OWNER_NETWORK_POLICY, "Weave Net", "" },
	{ "kube-network-policies", NULL, OWNER_NETWORK_POLICY, "kube-network-policies", "" },
	{ NULL, "KUBE-*", OWNER_KUBE_PROXY, "kube-proxy", "" },
	{ "kube-proxy", NULL, OWNER_KUBE_PROXY, "kube-proxy", "" },
	{ NULL, "LIBVIRT_*", OWNER_LIBVIRT, "libvirt", "" },
	{ "libvirt_network", NULL, OWNER_LIBVIRT, "libvirt", "" },
	{ NULL, "f2b-chain", OWNER_FAIL2BAN, "fail2ban", "" },
	{ NULL, "f2b-*", OWNER_FAIL2BAN, "fail2ban", "jail" },
	{ NULL, "fail2ban-*", OWNER_FAIL2BAN, "fail2ban", "jail" },
	{ "f2b-table", NULL, OWNER_FAIL2BAN, "fail2ban", "" },
	{ NULL, "CROWDSEC*", OWNER_CROWDSEC, "CrowdSec", "" },
	{ "crowdsec*", NULL, OWNER_CROWDSEC, "CrowdSec", "" },
	{ "sshguard", NULL, OWNER_SSHGUARD, "sshguard", "" },
	{ NULL, "sshguard", OWNER_SSHGUARD, "sshguard", "" },
	{ NULL, "DENYIN", OWNER_CSF, "ConfigServer Firewall", "" },
	{ NULL, "LOCALINPUT", OWNER_CSF, "ConfigServer Firewall", "" },
};

static void take(char *out, size_t size, const char *from, size_t len)
{
	snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), from);
}

/* firewalld cuts a zone's chain up: filter_IN_public_deny. */
static void drop_part(char *zone)
{
	static const char *const parts[] = { "_pre", "_log", "_deny", "_allow", "_post" };
	size_t len = strlen(zone);

	for (size_t i = 0; i < N(parts); i++) {
		size_t part = strlen(parts[i]);

		if (len <= part || strcmp(zone + len - part, parts[i]) != 0)
			continue;
		zone[len - part] = '\0';
		return;
	}
}

static void set_unit(struct fw_owner *owner, const char *pattern, const char *chain)
{
	const char *policy = strstr(chain, "_policy_");

	if (strcmp(owner->what, "policy") == 0 && policy)
		take(owner->unit, sizeof(owner->unit), policy + 8, strlen(policy + 8));
	else
		take(owner->unit, sizeof(owner->unit), chain + strcspn(pattern, "*"),
		     strlen(chain + strcspn(pattern, "*")));
	if (owner->id == OWNER_FIREWALLD)
		drop_part(owner->unit);
}

/* What goes into a command as it is: else it could be another command. */
static bool is_plain(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.-") == strlen(word);
}

/* The jail of a rule in fail2ban's one nft chain: "ip saddr @addr-set-sshd reject". */
static void set_jail(struct fw_owner *owner, const char *text)
{
	const char *set = strstr(text, "@addr-set-");

	if (!set)
		set = strstr(text, "@addr6-set-");
	if (!set)
		return;
	set = strstr(set, "-set-") + 5;
	owner->what = "jail";
	take(owner->unit, sizeof(owner->unit), set, strcspn(set, " "));
}

/* These set the policy of the chain that they put themselves into; others leave it alone. */
static bool sets_policy(enum fw_owner_id id, const struct host_rule *rule)
{
	return id == OWNER_UFW || (id == OWNER_DOCKER && strcmp(rule->chain, "FORWARD") == 0);
}

bool fw_owner_of(const struct host_rule *rule, struct fw_owner *out)
{
	const char *chain = rule->policy && rule->last_jump[0] ? rule->last_jump : rule->chain;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < N(owners); i++) {
		if (owners[i].table && fnmatch(owners[i].table, rule->table, 0) != 0)
			continue;
		if (owners[i].chain && fnmatch(owners[i].chain, chain, 0) != 0)
			continue;
		if (chain == rule->last_jump && !sets_policy(owners[i].id, rule))
			return false;
		out->id = owners[i].id;
		out->name = owners[i].name;
		out->what = owners[i].what;
		if (owners[i].what[0])
			set_unit(out, owners[i].chain, chain);
		else if (out->id == OWNER_FAIL2BAN)
			set_jail(out, rule->text);
		if (!is_plain(out->unit)) {
			out->what = "";
			out->unit[0] = '\0';
		}
		return true;
	}
	return false;
}

const char *fw_owner_words(const struct fw_owner *owner, char *out, size_t size)
{
	if (owner->unit[0])
		snprintf(out, size, "%s, %s %s", owner->name, owner->what, owner->unit);
	else
		snprintf(out, size, "%s", owner->name);
	return out;
}

/* ---- commands ---- */

/* Rich rules with a priority below 0 come ahead of what a zone denies; they know no output. */
static bool fix_firewalld(const struct fw_owner *owner, const struct fw_pass *pass, char *out,
			  size_t size)
{
	char element[64], zone[80] = "";

	if (pass->reply || pass->forwarded || strcmp(owner->what, "policy") == 0)
		return false;
	if (pass->port)
		snprintf(element, sizeof(element), "port port=\"%u\" protocol=\"%s\"", pass->port,
			 pass->protocol);
	else
		snprintf(element, sizeof(element), "icmp-type name=\"echo-request\"");
	if (owner->unit[0])
		snprintf(zone, sizeof(zone), " --zone=%s", owner->unit);
	snprintf(out, size,
		 "firewall-cmd%s --add-rich-rule='rule priority=\"-100\" family=\"ipv%c\" source "
		 "address=\"%s\" %s accept'  # to keep it: firewall-cmd --runtime-to-permanent",
		 zone, pass->v6 ? '6' : '4', pass->range, element);
	return true;
}

/* Is RULE on exactly what PASS is?  ufw then changes it, and would put no other ahead of it. */
static bool is_ufw_rule_for(const struct host_rule *rule, const struct fw_pass *pass)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %s -p %s -m %s --%cport %u -j ", pass->reply ? "-d" : "-s",
		 pass->range, pass->protocol, pass->protocol, pass->reply ? 's' : 'd', pass->port);
	return strncmp(rule->text, text, strlen(text)) == 0;
}

/* ufw's own commands write its -user- chains, which come behind its -before- ones. */
static bool fix_ufw(const struct host_rule *rule, const struct fw_pass *pass, char *out,
		    size_t size)
{
	bool ahead = strstr(rule->chain, "-user-") && !is_ufw_rule_for(rule, pass);
	const char *first = ahead ? "prepend " : "";

	if (!pass->port || strstr(rule->chain, "-before-"))
		return false;
	if (pass->reply)
		snprintf(out, size, "ufw %s%sallow %sproto %s from any port %u to %s",
			 pass->forwarded ? "route " : "", first, pass->forwarded ? "" : "out ",
			 pass->protocol, pass->port, pass->range);
	else
		snprintf(out, size, "ufw %s%sallow proto %s from %s to any port %u",
			 pass->forwarded ? "route " : "", first, pass->protocol, pass->range,
			 pass->port);
	return true;
}

/* DOCKER-USER is the one chain that Docker leaves alone, and it comes first. */
static bool fix_docker(const struct host_rule *rule, const struct fw_pass *pass, char *out,
		       size_t size)
{
	if (strncmp(rule->backend, "iptables", 8) != 0 || strcmp(rule->chain, "DOCKER-USER") == 0 ||
	    strcmp(rule->table, "filter") != 0 || !pass->port)
		return false;
	snprintf(out, size, "ip%stables-%s -I DOCKER-USER %s %s -p %s --%cport %u -j ACCEPT",
		 pass->v6 ? "6" : "", strcmp(rule->backend, "iptables-nft") == 0 ? "nft" : "legacy",
		 pass->reply ? "-d" : "-s", pass->range, pass->protocol, pass->reply ? 's' : 'd',
		 pass->port);
	return true;
}

/* "default/web:http has no endpoints": the service's namespace and name, ahead of WORDS. */
static bool find_service(const char *text, const char *words, char space[64], char name[64])
{
	const char *end = strstr(text, words), *from = end, *slash;

	if (!end)
		return false;
	while (from > text && from[-1] != '"' && from[-1] != ' ')
		from--;
	slash = memchr(from, '/', (size_t)(end - from));
	if (!slash)
		return false;
	take(space, 64, from, (size_t)(slash - from));
	take(name, 64, slash + 1, strcspn(slash + 1, ": "));
	return is_plain(space) && is_plain(name);
}

static bool fix_kube_proxy(const struct host_rule *rule, const struct fw_pass *pass, char *out,
			   size_t size)
{
	char space[64], name[64];

	if (find_service(rule->text, " has no endpoints", space, name)) {
		snprintf(out, size,
			 "kubectl -n %s get endpoints %s  # none: no pod of the service is ready; "
			 "start one, or correct the service's selector",
			 space, name);
		return true;
	}
	if (strcmp(rule->chain, "reject-chain") == 0 ||
	    strstr(rule->text, "no endpoints")) {
		snprintf(out, size,
			 "kubectl get endpoints -A  # the service on port %u has none: no pod of it "
			 "is ready; start one, or correct the service's selector",
			 pass->port);
		return true;
	}
	if (find_service(rule->text, " traffic not accepted by ", space, name)) {
		snprintf(out, size,
			 "kubectl -n %s patch service %s --type=json -p '[{\"op\":\"add\",\"path\":"
			 "\"/spec/loadBalancerSourceRanges/-\",\"value\":\"%s\"}]'",
			 space, name, pass->range);
		return true;
	}
	if (strcmp(rule->chain, "KUBE-PROXY-FIREWALL") == 0 ||
	    strcmp(rule->chain, "firewall-check") == 0) {
		snprintf(out, size,
			 "Add %s to the service's spec.loadBalancerSourceRanges (kubectl edit "
			 "service).",
			 pass->range);
		return true;
	}
	return false;
}

bool fw_owner_fix(const struct fw_owner *owner, const struct host_rule *rule,
		  const struct fw_pass *pass, char *out, size_t size)
{
	switch (owner->id) {
	case OWNER_FIREWALLD:
		return fix_firewalld(owner, pass, out, size);
	case OWNER_UFW:
		return fix_ufw(rule, pass, out, size);
	case OWNER_DOCKER:
		return fix_docker(rule, pass, out, size);
	case OWNER_KUBE_PROXY:
		return fix_kube_proxy(rule, pass, out, size);
	case OWNER_NETWORK_POLICY:
		snprintf(out, size,
			 "Let a network policy allow %s %s %s port %u of the pod: kubectl get "
			 "networkpolicy -A shows those that there are (%s's own kinds, too).",
			 pass->reply ? "egress to" : "ingress from", pass->range, pass->protocol,
			 pass->port, owner->name);
		return true;
	case OWNER_FAIL2BAN:
		if (!owner->unit[0])
			snprintf(out, size,
				 "fail2ban-client unban %s  # and add %s to ignoreip in "
				 "/etc/fail2ban/jail.local",
				 pass->lb, pass->range);
		else
			snprintf(out, size,
				 "fail2ban-client set %s unbanip %s  # and to keep it: "
				 "fail2ban-client set %s addignoreip %s",
				 owner->unit, pass->lb, owner->unit, pass->range);
		return true;
	case OWNER_CROWDSEC:
		snprintf(out, size,
			 "cscli decisions delete --ip %s  # and put %s on a whitelist: "
			 "/etc/crowdsec/parsers/s02-enrich/",
			 pass->lb, pass->range);
		return true;
	case OWNER_SSHGUARD:
		snprintf(out, size,
			 "echo %s >>/etc/sshguard/whitelist && systemctl restart sshguard",
			 pass->range);
		return true;
	case OWNER_CSF:
		snprintf(out, size, "csf -a %s", pass->range);
		return true;
	case OWNER_LIBVIRT:
	case OWNER_NONE:
		break;
	}
	return false;
}

const char *fw_owner_remark(const struct fw_owner *owner, const struct host_rule *rule)
{
	switch (owner->id) {
	case OWNER_FIREWALLD:
		return "until firewalld is reloaded; to keep it, a firewalld policy";
	case OWNER_UFW:
		return "until ufw is reloaded; to keep it, /etc/ufw/before.rules (IPv6: "
		       "before6.rules)";
	case OWNER_DOCKER:
		return strcmp(rule->chain, "DOCKER-USER") == 0 ? "" :
				"or publish the port (docker run -p)";
	case OWNER_KUBE_PROXY:
		return "until kube-proxy writes its rules anew";
	case OWNER_LIBVIRT:
		return "until libvirt starts its network anew; to keep it, /etc/libvirt/hooks/network";
	default:
		return "";
	}
}
