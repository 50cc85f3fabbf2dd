// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What lets a probe pass in the words of the program that wrote the rule. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fw_kube.h"
#include "fw_owner.h"

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

/* A pod's policies meet what is forwarded; what is for the host itself has others. */
static void fix_network_policy(const struct fw_owner *owner, const struct fw_pass *pass,
			       struct fix *fix)
{
	bool calico = strcmp(owner->name, "Calico") == 0, cilium = strcmp(owner->name, "Cilium") == 0;
	const char *policy = "a network policy of the pod";

	if (!pass->forwarded && calico)
		policy = "a GlobalNetworkPolicy for this node's host endpoint";
	else if (!pass->forwarded && cilium)
		policy = "a CiliumClusterwideNetworkPolicy with a nodeSelector for this node";
	advise(fix, "Let %s allow %s %s, %s port %u; %s has kinds of its own, too. It writes its rules "
		    "again, so a rule by hand does not stay.",
	       policy, pass->reply ? "egress to" : "ingress from", pass->range, pass->protocol,
	       pass->port, owner->name);
	if (!pass->forwarded && calico)
		command_add(&fix->show, "kubectl get globalnetworkpolicies.crd.projectcalico.org");
	else if (!pass->forwarded && cilium)
		command_add(&fix->show, "kubectl get ciliumclusterwidenetworkpolicies");
	else
		command_add(&fix->show, "kubectl get networkpolicy -A");
}

/*
 * Who is banned: the load balancer's node, or where that is not known what the rule
 * itself names ("-s 100.125.10.5/32", "ip saddr 100.125.10.5").
 */
static const char *banned(const struct host_rule *rule, const struct fw_pass *pass, char out[64])
{
	static const char *const ahead[] = { "-s ", "ip saddr ", "ip6 saddr " };
	const char *at = NULL, *slash;
	size_t len;

	if (pass->lb)
		return pass->lb;
	for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]) && !at; i++) {
		at = strstr(rule->text, ahead[i]);
		at = at ? at + strlen(ahead[i]) : NULL;
	}
	len = at ? strspn(at, "0123456789abcdef.:") : 0;
	slash = at ? at + len : NULL;
	if (!len || len >= 64 || (*slash == '/' && strncmp(slash, "/32", 3) != 0 &&
				  strncmp(slash, "/128", 4) != 0))
		return NULL;
	snprintf(out, 64, "%.*s", (int)len, at);
	return out;
}

static void fix_fail2ban(const struct fw_owner *owner, const struct host_rule *rule,
			 const struct fw_pass *pass, struct fix *fix)
{
	char address[64];
	const char *lb = banned(rule, pass, address);

	if (!lb) {
		command_add(&fix->show, "fail2ban-client banned");
		advise(fix, "If an address of %s is among the banned ones, unban that one. To keep it "
			    "so, add %s to ignoreip in /etc/fail2ban/jail.local.", pass->range,
		       pass->range);
		return;
	}
	if (!owner->unit[0]) {
		command_add(&fix->command, "fail2ban-client unban %s", lb);
		advise(fix, "To keep it, add %s to ignoreip in /etc/fail2ban/jail.local.",
		       pass->range);
		return;
	}
	command_add(&fix->command,
		    "fail2ban-client set %s unbanip %s && fail2ban-client set %s addignoreip %s",
		    owner->unit, lb, owner->unit, pass->range);
	advise(fix, "The second command lasts until fail2ban restarts: add %s to ignoreip in "
		    "/etc/fail2ban/jail.local, too.", pass->range);
}

static void fix_crowdsec(const struct host_rule *rule, const struct fw_pass *pass, struct fix *fix)
{
	char address[64];
	const char *lb = banned(rule, pass, address);

	if (lb) {
		command_add(&fix->command, "cscli decisions delete --ip %s", lb);
		advise(fix, "To keep it, put %s on a whitelist in "
			    "/etc/crowdsec/parsers/s02-enrich/.", pass->range);
		return;
	}
	command_add(&fix->show, "cscli decisions list --contained --range %s", pass->range);
	advise(fix, "If an address of %s is among the decisions, delete that one. To keep it so, put "
		    "%s on a whitelist in /etc/crowdsec/parsers/s02-enrich/.", pass->range,
	       pass->range);
}

/* A line that lets in one port alone; csf -a would open all of them. */
static bool fix_csf(const struct fw_pass *pass, struct fix *fix)
{
	char line[160];

	if (!pass->port)
		return false;
	if (pass->reply)
		snprintf(line, sizeof(line), "%s|out|s=%u|d=%s", pass->protocol, pass->port,
			 pass->range);
	else
		snprintf(line, sizeof(line), "%s|in|d=%u|s=%s", pass->protocol, pass->port,
			 pass->range);
	command_add(&fix->command, "echo %s >>/etc/csf/csf.allow && csf -r", line);
	return true;
}

/* The daemon compares its rules with what it wants every ten seconds. */
static void fix_proxmox(const struct fw_pass *pass, struct fix *fix)
{
	char rule[160];

	if (pass->port)
		snprintf(rule, sizeof(rule), "%s ACCEPT -source %s -p %s -%s %u",
			 pass->reply ? "OUT" : "IN", pass->range, pass->protocol,
			 pass->reply ? "sport" : "dport", pass->port);
	else
		snprintf(rule, sizeof(rule), "IN ACCEPT -source %s -p icmp", pass->range);
	advise(fix, "Add to the [RULES] of /etc/pve/local/host.fw (of a guest: "
		    "/etc/pve/firewall/VMID.fw): %s. pve-firewall writes its rules again at once, so "
		    "a rule by hand does not stay.", rule);
	command_add(&fix->show, "pve-firewall compile");
}

static void fix_shorewall(const struct fw_pass *pass, struct fix *fix)
{
	const char *dir = pass->v6 ? "/etc/shorewall6" : "/etc/shorewall";
	const char *open = pass->v6 ? "[" : "", *close = pass->v6 ? "]" : "";

	if (pass->reply || !pass->port)
		advise(fix, "Let %s/rules accept %s %s, then run shorewall%s reload.", dir,
		       pass->reply ? "packets to" : "ping from", pass->range, pass->v6 ? "6" : "");
	else
		advise(fix, "Add to %s/rules: ACCEPT net:%s%s%s %s %s %u, then run shorewall%s "
			    "reload.", dir, open, pass->range, close,
		       pass->forwarded ? "all" : "$FW", pass->protocol, pass->port,
		       pass->v6 ? "6" : "");
	command_add(&fix->show, pass->v6 ? "shorewall6 show zones" : "shorewall show zones");
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
		return kube_proxy_fix(rule, pass, fix);
	case OWNER_NETWORK_POLICY:
		fix_network_policy(owner, pass, fix);
		return true;
	case OWNER_FAIL2BAN:
		fix_fail2ban(owner, rule, pass, fix);
		return true;
	case OWNER_CROWDSEC:
		fix_crowdsec(rule, pass, fix);
		return true;
	case OWNER_SSHGUARD:
		command_add(&fix->command,
			    "echo %s >>/etc/sshguard/whitelist && systemctl restart sshguard",
			    pass->range);
		return true;
	case OWNER_CSF:
		return fix_csf(pass, fix);
	case OWNER_PROXMOX:
		fix_proxmox(pass, fix);
		return true;
	case OWNER_SHOREWALL:
		fix_shorewall(pass, fix);
		return true;
	case OWNER_LIBVIRT:
	case OWNER_TAILSCALE:
	case OWNER_PODMAN:
	case OWNER_FLANNEL:
	case OWNER_NIXOS:
	case OWNER_OPENWRT:
	case OWNER_LXD:
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
	case OWNER_TAILSCALE:
		return "It lasts until tailscaled writes its rules again, as when it starts; 'tailscale "
		       "set --netfilter-mode=nodivert' leaves to you where its chains are called.";
	case OWNER_PODMAN:
		return "It lasts until a container's network is set up again.";
	case OWNER_FLANNEL:
		return "It lasts until flanneld writes its rules again.";
	case OWNER_NIXOS:
		return "It lasts until the firewall is started again; networking.firewall.extraCommands "
		       "keeps it.";
	case OWNER_OPENWRT:
		return "It lasts until the firewall is reloaded; a rule in /etc/config/firewall keeps "
		       "it.";
	case OWNER_LXD:
		return "It lasts until the network is set up again; set its ipv4.firewall or "
		       "ipv6.firewall to false, or give it a network ACL.";
	default:
		return "";
	}
}

const char *fw_owner_meaning(const struct fw_owner *owner, const struct host_rule *rule,
			     const struct fw_pass *pass, char *out, size_t size)
{
	out[0] = '\0';
	switch (owner->id) {
	case OWNER_KUBE_PROXY:
		return kube_proxy_meaning(rule, pass, out, size);
	case OWNER_FAIL2BAN:
	case OWNER_CROWDSEC:
	case OWNER_SSHGUARD:
		snprintf(out, size, "It is meant so: %s has banned that address.", owner->name);
		break;
	case OWNER_NETWORK_POLICY:
		snprintf(out, size, "It is meant so by %s: no policy allows it, or one denies it.", owner->name);
		break;
	case OWNER_DOCKER:
		if (strncmp(rule->chain, "DOCKER-ISOLATION-", 17) == 0)
			snprintf(out, size, "It is meant so by Docker, which keeps its networks "
					    "apart.");
		else if (strcmp(rule->chain, "DOCKER-USER") != 0)
			snprintf(out, size, "It is meant so by Docker, which lets in what is for a "
					    "published port and no more.");
		break;
	case OWNER_TAILSCALE:
		if (strstr(rule->text, "100.64.0.0/10"))
			snprintf(out, size, "It is meant so by Tailscale, which takes 100.64.0.0/10 "
					    "for its own and lets it in by its own device alone; "
					    "the load balancer's %s lies in it.", pass->range);
		break;
	default:
		break;
	}
	return out;
}
