/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that write firewall rules: whose a chain is, by its name, and how the
 * probe is let through with that program's own command.  A rule put by hand into
 * such a chain is lost when the program writes it anew.
 */
#ifndef HCT_FW_OWNER_H
#define HCT_FW_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "verdict.h"

enum fw_owner_id {
	OWNER_NONE,
	OWNER_FIREWALLD,
	OWNER_UFW,
	OWNER_DOCKER,
	OWNER_KUBE_PROXY,
	OWNER_NETWORK_POLICY,
	OWNER_LIBVIRT,
	OWNER_FAIL2BAN,
	OWNER_CROWDSEC,
	OWNER_SSHGUARD,
	OWNER_CSF,
	OWNER_TAILSCALE,
	OWNER_PODMAN,
	OWNER_FLANNEL,
	OWNER_PROXMOX,
	OWNER_SHOREWALL,
	OWNER_NIXOS,
	OWNER_OPENWRT,
	OWNER_LXD,
};

struct fw_owner {
	enum fw_owner_id id;
	const char *name; /* "firewalld", "kube-router", … */
	const char *what; /* what UNIT is: "zone", "jail"; "" none */
	char unit[64];
};

/* The packets that are to pass. */
struct fw_pass {
	const char *range; /* of the load balancer */
	const char *lb; /* its node; NULL: which, is not known */
	const char *protocol; /* "tcp", "udp", "icmp" */
	uint16_t port; /* the service's; 0 with ICMP */
	bool v6;
	bool reply; /* from the service to the load balancer */
	bool forwarded; /* they pass through this host */
};

/* False: nobody is known to own the rule's chain. */
bool fw_owner_of(const struct host_rule *rule, struct fw_owner *out);
/* "firewalld, zone public" */
const char *fw_owner_words(const struct fw_owner *owner, char *out, size_t size);
/*
 * Adds to FIX how PASS is let through with the owner's own tools: a command, advice,
 * or both.  False, and FIX untouched: with the command of the rule's backend, to
 * which fw_owner_remark() belongs.
 */
bool fw_owner_fix(const struct fw_owner *owner, const struct host_rule *rule,
		  const struct fw_pass *pass, struct fix *fix);
/* That the rule is meant so, and by what, a sentence; "" where that is not known. */
const char *fw_owner_meaning(const struct fw_owner *owner, const struct host_rule *rule,
			     const struct fw_pass *pass, char *out, size_t size);
/* What to mind when something is put ahead of RULE by hand, a sentence; "" nothing. */
const char *fw_owner_remark(const struct fw_owner *owner, const struct host_rule *rule);

#endif
