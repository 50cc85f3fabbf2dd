// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules of a firewall that filter by the reverse path, as the kernel's rp_filter does. */
#include "reverse_path_rule.h"

#include <string.h>

#include "fw_owner.h"

static bool has(const char *text, const char *words)
{
	return strstr(text, words) != NULL;
}

/* nft prints "oif missing", older versions and other renderers "oif 0"; "oifname" is alike. */
static bool is_nft_form(const char *text)
{
	const char *fib = strstr(text, "fib saddr"), *oif = fib ? strstr(fib, " oif") : NULL;

	if (!oif || !memchr(fib, 's', (size_t)(oif - fib)))
		return false;
	oif += strncmp(oif, " oifname", 8) == 0 ? 8 : 4;
	return strncmp(oif, " missing", 8) == 0 || strncmp(oif, " 0", 2) == 0 ||
	       strncmp(oif, " \"\"", 3) == 0;
}

bool is_reverse_path_rule(const struct host_rule *rule)
{
	if (rule->policy || (rule->kind != RULE_DROP && rule->kind != RULE_REJECT))
		return false;
	if (is_nft_form(rule->text) ||
	    (has(rule->text, "-m rpfilter") && has(rule->text, "--invert")))
		return true;
	/* NixOS: the chain lets pass what came in right, and drops the rest */
	return strcmp(rule->chain, "nixos-fw-rpfilter") == 0;
}

bool is_loose_reverse_path_rule(const struct host_rule *rule)
{
	const char *fib = strstr(rule->text, "fib saddr");

	if (has(rule->text, "-m rpfilter"))
		return has(rule->text, "--loose");
	return fib && !has(fib, ". iif");
}

const char *reverse_path_owner_advice(const struct host_rule *rule)
{
	struct fw_owner owner;

	if (strcmp(rule->chain, "nixos-fw-rpfilter") == 0)
		return "Or set networking.firewall.checkReversePath = \"loose\" in the configuration "
		       "of NixOS, which lets in all that this host has any route to.";
	if (!fw_owner_of(rule, &owner))
		return "";
	if (owner.id == OWNER_FIREWALLD)
		return "Or set IPv6_rpfilter=no, or from firewalld 2.1 on IPv6_rpfilter=loose, in "
		       "/etc/firewalld/firewalld.conf and restart firewalld, which then filters no "
		       "source so. A rich rule does not help: that chain comes ahead of the zones.";
	return "";
}
