// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whose an XDP or tc program is, by the name that its author gave it. */
#include "bpf_owner.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* The kernel cuts a program's name to 15 bytes. */
static const struct {
	const char *program;
	const char *owner;
	const char *policy; /* what has to let the range in */
} owners[] = {
	{ "cil_*", "Cilium", "A CiliumNetworkPolicy, or for the node itself a "
	  "CiliumClusterwideNetworkPolicy with a nodeSelector," },
	{ "cali_tc_*", "Calico", "A network policy, or for the node itself a GlobalNetworkPolicy for "
	  "its host endpoint," },
	{ "calico_*", "Calico", "A network policy, or for the node itself a GlobalNetworkPolicy for its "
	  "host endpoint," },
};

const char *bpf_owner_advise(const char *program, const char *range, struct fix *fix)
{
	size_t used = strlen(fix->advice);

	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		if (fnmatch(owners[i].program, program, 0) != 0)
			continue;
		snprintf(fix->advice + used, sizeof(fix->advice) - used, "%s%s has to let in %s.",
			 used ? " " : "", owners[i].policy, range);
		if (strcmp(owners[i].owner, "Cilium") == 0) {
			command_clear(&fix->show);
			command_add(&fix->show, "cilium-dbg monitor --type drop");
		}
		return owners[i].owner;
	}
	return NULL;
}
