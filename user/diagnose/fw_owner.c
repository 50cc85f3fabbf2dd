// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that write firewall rules: whose a chain is, and their own commands. */
#include "fw_owner.h"

#include <fnmatch.h>
#include <stdarg.h>
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

static void advise(struct fix *fix, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void advise(struct fix *fix, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fix->advice, sizeof(fix->advice), format, args);
	va_end(args);
}

/* Rich rules with a priority below 0 come ahead of what a zone denies; they know no output. */
static bool fix_firewalld(const struct fw_owner *owner, const struct fw_pass *pass,
			  struct fix *fix)
{
	char element[64], rule[256];

	if (pass->reply || pass->forwarded || strcmp(owner->what, "policy") == 0)
		return false;
	if (pass->port)
		snprintf(element, sizeof(element), "port port=\"%u\" protocol=\"%s\"", pass->port,
			 pass->protocol);
	else
		snprintf(element, sizeof(element), "icmp-type name=\"echo-request\"");
	snprintf(rule, sizeof(rule),
		 "rule priority=\"-100\" family=\"ipv%c\" source address=\"%s\" %s accept",
		 pass->v6 ? '6' : '4', pass->range, element);
	command_add(&fix->command, "firewall-cmd");
	if (owner->unit[0])
		command_add(&fix->command, " --zone=%s", owner->unit);
	command_add(&fix->command, " --add-rich-rule=%s", rule);
	advise(fix, "To keep it: firewall-cmd --runtime-to-permanent");
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
static bool fix_ufw(const struct host_rule *rule, const struct fw_pass *pass, struct fix *fix)
{
	bool ahead = strstr(rule->chain, "-user-") && !is_ufw_rule_for(rule, pass);

	if (!pass->port || strstr(rule->chain, "-before-"))
		return false;
	command_add(&fix->command, "ufw ");
	if (pass->forwarded)
		command_add(&fix->command, "route ");
	if (ahead)
		command_add(&fix->command, "prepend ");
	command_add(&fix->command, "allow ");
	if (pass->reply && !pass->forwarded)
		command_add(&fix->command, "out ");
	if (pass->reply)
		command_add(&fix->command, "proto %s from any port %u to %s", pass->protocol,
			    pass->port, pass->range);
	else
		command_add(&fix->command, "proto %s from %s to any port %u", pass->protocol,
			    pass->range, pass->port);
	return true;
}

/* DOCKER-USER is the one chain that Docker leaves alone, and it comes first. */
static bool fix_docker(const struct host_rule *rule, const struct fw_pass *pass, struct fix *fix)
{
	bool nft = strcmp(rule->backend, "iptables-nft") == 0;

	if (strncmp(rule->backend, "iptables", 8) != 0 || strcmp(rule->chain, "DOCKER-USER") == 0 ||
	    strcmp(rule->table, "filter") != 0 || !pass->port)
		return false;
	command_add(&fix->command, "%s -I DOCKER-USER %s %s -p %s %s %u -j ACCEPT",
		    pass->v6 ? (nft ? "ip6tables-nft" : "ip6tables-legacy") :
			       (nft ? "iptables-nft" : "iptables-legacy"),
		    pass->reply ? "-d" : "-s", pass->range, pass->protocol,
		    pass->reply ? "--sport" : "--dport", pass->port);
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

/* A service without endpoints is no fault of a rule: no command of this host mends that. */
static void show_endpoints(const char *space, const char *name, const struct fw_pass *pass,
			   struct fix *fix)
{
	if (name)
		command_add(&fix->show, "kubectl -n %s get endpoints %s", space, name);
	else
		command_add(&fix->show, "kubectl get endpoints -A");
	advise(fix,
	       "The service on port %u has no endpoints, as no pod of it is ready: start one, or "
	       "correct the service's selector.",
	       pass->port);
}

static bool fix_kube_proxy(const struct host_rule *rule, const struct fw_pass *pass,
			   struct fix *fix)
{
	char space[64], name[64], patch[160];

	if (find_service(rule->text, " has no endpoints", space, name)) {
		show_endpoints(space, name, pass, fix);
		return true;
	}
	if (strcmp(rule->chain, "reject-chain") == 0 ||
	    strstr(rule->text, "no endpoints")) {
		show_endpoints(NULL, NULL, pass, fix);
		return true;
	}
	if (find_service(rule->text, " traffic not accepted by ", space, name)) {
		snprintf(patch, sizeof(patch),
			 "[{\"op\":\"add\",\"path\":\"/spec/loadBalancerSourceRanges/-\","
			 "\"value\":\"%s\"}]",
			 pass->range);
		command_add(&fix->command, "kubectl -n %s patch service %s --type=json -p %s",
			    space, name, patch);
		return true;
	}
	if (strcmp(rule->chain, "KUBE-PROXY-FIREWALL") == 0 ||
	    strcmp(rule->chain, "firewall-check") == 0) {
		advise(fix,
		       "Add %s to the service's spec.loadBalancerSourceRanges (kubectl edit "
		       "service).",
		       pass->range);
		return true;
	}
	return false;
}

static void fix_network_policy(const struct fw_owner *owner, const struct fw_pass *pass,
			       struct fix *fix)
{
	advise(fix, "Let a network policy of the pod allow %s %s, %s port %u; %s has kinds of its own, "
		    "too.",
	       pass->reply ? "egress to" : "ingress from", pass->range, pass->protocol, pass->port,
	       owner->name);
	command_add(&fix->show, "kubectl get networkpolicy -A");
}

static void fix_fail2ban(const struct fw_owner *owner, const struct fw_pass *pass, struct fix *fix)
{
	if (!owner->unit[0]) {
		command_add(&fix->command, "fail2ban-client unban %s", pass->lb);
		advise(fix, "To keep it, add %s to ignoreip in /etc/fail2ban/jail.local.",
		       pass->range);
		return;
	}
	command_add(&fix->command,
		    "fail2ban-client set %s unbanip %s && fail2ban-client set %s addignoreip %s",
		    owner->unit, pass->lb, owner->unit, pass->range);
	advise(fix, "The second command lasts until fail2ban restarts: add %s to ignoreip in "
		    "/etc/fail2ban/jail.local, too.", pass->range);
}

bool fw_owner_fix(const struct fw_owner *owner, const struct host_rule *rule,
		  const struct fw_pass *pass, struct fix *fix)
{
	switch (owner->id) {
	case OWNER_FIREWALLD:
		return fix_firewalld(owner, pass, fix);
	case OWNER_UFW:
		return fix_ufw(rule, pass, fix);
	case OWNER_DOCKER:
		return fix_docker(rule, pass, fix);
	case OWNER_KUBE_PROXY:
		return fix_kube_proxy(rule, pass, fix);
	case OWNER_NETWORK_POLICY:
		fix_network_policy(owner, pass, fix);
		return true;
	case OWNER_FAIL2BAN:
		fix_fail2ban(owner, pass, fix);
		return true;
	case OWNER_CROWDSEC:
		command_add(&fix->command, "cscli decisions delete --ip %s", pass->lb);
		advise(fix, "To keep it, put %s on a whitelist in "
			    "/etc/crowdsec/parsers/s02-enrich/.", pass->range);
		return true;
	case OWNER_SSHGUARD:
		command_add(&fix->command,
			    "echo %s >>/etc/sshguard/whitelist && systemctl restart sshguard",
			    pass->range);
		return true;
	case OWNER_CSF:
		command_add(&fix->command, "csf -a %s", pass->range);
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
		return "It lasts until firewalld is reloaded; a firewalld policy keeps it.";
	case OWNER_UFW:
		return "It lasts until ufw is reloaded; /etc/ufw/before.rules (IPv6: "
		       "before6.rules) keeps it.";
	case OWNER_DOCKER:
		return strcmp(rule->chain, "DOCKER-USER") == 0 ? "" :
				"Or publish the port with docker run -p.";
	case OWNER_KUBE_PROXY:
		return "It lasts until kube-proxy writes its rules again.";
	case OWNER_LIBVIRT:
		return "It lasts until libvirt starts its network again; "
		       "/etc/libvirt/hooks/network keeps it.";
	default:
		return "";
	}
}
