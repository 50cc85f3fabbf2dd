// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which names of tables and chains the firewall's own tools can be told. */
#include "names.h"

#include <string.h>

#include "host/host.h"

/* A name that fills the members that hold one may be the beginning of a longer one. */
static bool is_whole(const char *name)
{
	return *name && strlen(name) < sizeof(((struct host_rule *)0)->chain) - 1;
}

bool nft_can_name(const char *name)
{
	return is_whole(name) &&
	       ((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z')) &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "/\\_.-")] == '\0';
}

bool iptables_can_name(const char *name)
{
	if (!is_whole(name) || *name == '-' || *name == '!')
		return false;
	for (; *name; name++)
		if ((unsigned char)*name <= ' ' || *name == 0x7f)
			return false;
	return true;
}
