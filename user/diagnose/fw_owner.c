// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that write firewall rules: whose a rule is, by its chain or by what it says. */
#include "fw_owner.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* What iptables' rules and nft's say of their owner, wherever they stand. */
static const struct {
	const char *text;
	const char *set; /* the rest of this word is the unit; NULL none */
	enum fw_owner_id id;
	const char *name;
	const char *what;
} writers[] = {
	{ "*--match-set f2b-*", "--match-set f2b-", OWNER_FAIL2BAN, "fail2ban", "jail" },
	{ "*--match-set fail2ban-*", "--match-set fail2ban-", OWNER_FAIL2BAN, "fail2ban", "jail" },
	{ "*--match-set crowdsec*", NULL, OWNER_CROWDSEC, "CrowdSec", "" },
	{ "*--match-set sshguard*", NULL, OWNER_SSHGUARD, "sshguard", "" },
	{ "*--comment \"cali:*", NULL, OWNER_NETWORK_POLICY, "Calico", "" },
	{ "*--comment cali:*", NULL, OWNER_NETWORK_POLICY, "Calico", "" },
};

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
	{ NULL, "DENYOUT", OWNER_CSF, "ConfigServer Firewall", "" },
	{ NULL, "LOCALINPUT", OWNER_CSF, "ConfigServer Firewall", "" },
	{ NULL, "LOCALOUTPUT", OWNER_CSF, "ConfigServer Firewall", "" },
	{ NULL, "LOGDROPIN", OWNER_CSF, "ConfigServer Firewall", "" },
	{ NULL, "LOGDROPOUT", OWNER_CSF, "ConfigServer Firewall", "" },
	{ NULL, "INVDROP", OWNER_CSF, "ConfigServer Firewall", "" },
	{ NULL, "ts-*", OWNER_TAILSCALE, "Tailscale", "" },
	{ "netavark", NULL, OWNER_PODMAN, "podman", "" },
	{ NULL, "NETAVARK*", OWNER_PODMAN, "podman", "" },
	{ NULL, "CNI-*", OWNER_PODMAN, "CNI", "" },
	{ NULL, "FLANNEL-*", OWNER_FLANNEL, "flannel", "" },
	{ NULL, "AZURE-NPM*", OWNER_NETWORK_POLICY, "Azure NPM", "" },
	{ NULL, "PVEFW-*", OWNER_PROXMOX, "Proxmox VE", "" },
	{ NULL, "net-fw", OWNER_SHOREWALL, "Shorewall", "" },
	{ NULL, "net2fw", OWNER_SHOREWALL, "Shorewall", "" },
	{ NULL, "loc-fw", OWNER_SHOREWALL, "Shorewall", "" },
	{ NULL, "loc2fw", OWNER_SHOREWALL, "Shorewall", "" },
	{ NULL, "net_frwd", OWNER_SHOREWALL, "Shorewall", "" },
	{ NULL, "nixos-fw*", OWNER_NIXOS, "NixOS", "" },
	{ "fw4", NULL, OWNER_OPENWRT, "OpenWrt", "" },
	{ "lxd", NULL, OWNER_LXD, "LXD", "" },
	{ "incus", NULL, OWNER_LXD, "Incus", "" },
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

/* "sshd" of "-m set --match-set f2b-sshd6 src": of IPv6 the set has a 6 behind its name. */
static void set_jail(struct fw_owner *owner, const struct host_rule *rule, const char *set)
{
	const char *name = strstr(rule->text, set);
	size_t len;

	if (!name)
		return;
	name += strlen(set);
	len = strcspn(name, " ");
	owner->what = "jail";
	if (*set == '-' && strcmp(rule->family, "ip6") == 0 && len > 1 && name[len - 1] == '6')
		len--;
	take(owner->unit, sizeof(owner->unit), name, len);
}

/* These set the policy of the chain that they put themselves into; others leave it alone. */
static bool sets_policy(enum fw_owner_id id, const struct host_rule *rule)
{
	return id == OWNER_UFW || id == OWNER_CSF || id == OWNER_SHOREWALL || id == OWNER_PROXMOX ||
	       (id == OWNER_DOCKER && strcmp(rule->chain, "FORWARD") == 0);
}

/* Docker 28 lets what is for a container's address in by its bridge alone, in no chain of its own. */
static bool is_docker_direct(const struct host_rule *rule)
{
	return strcmp(rule->table, "raw") == 0 && strcmp(rule->chain, "PREROUTING") == 0 &&
	       (strstr(rule->text, "! -i docker0 -j DROP") ||
		fnmatch("*! -i br-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]* -j DROP",
			rule->text, 0) == 0);
}

/* Whose RULE is by what it says, in a chain of anybody. */
static bool by_text(const struct host_rule *rule, struct fw_owner *out)
{
	if (is_docker_direct(rule)) {
		*out = (struct fw_owner){ .id = OWNER_DOCKER, .name = "Docker", .what = "" };
		return true;
	}
	for (size_t i = 0; i < N(writers); i++) {
		if (fnmatch(writers[i].text, rule->text, 0) != 0)
			continue;
		out->id = writers[i].id;
		out->name = writers[i].name;
		out->what = writers[i].what;
		if (writers[i].set)
			set_jail(out, rule, writers[i].set);
		return true;
	}
	return false;
}

/* What is no plain word is not told: it could be another command. */
static bool with_plain_unit(struct fw_owner *owner)
{
	if (!is_plain(owner->unit)) {
		owner->what = "";
		owner->unit[0] = '\0';
	}
	return true;
}

bool fw_owner_of(const struct host_rule *rule, struct fw_owner *out)
{
	const char *chain = rule->policy && rule->last_jump[0] ? rule->last_jump : rule->chain;

	memset(out, 0, sizeof(*out));
	if (!rule->policy && by_text(rule, out))
		return with_plain_unit(out);
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
		if (strcmp(rule->table, "f2b-table") == 0)
			set_jail(out, rule, rule->text[0] && strstr(rule->text, "@addr6-") ?
						    "@addr6-set-" : "@addr-set-");
		return with_plain_unit(out);
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
