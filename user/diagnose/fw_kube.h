/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What rules of kube-proxy mean, in its iptables and its nftables mode. */
#ifndef HCT_FW_KUBE_H
#define HCT_FW_KUBE_H

#include "fw_owner.h"

/* As fw_owner_fix() and fw_owner_meaning(). */
bool kube_proxy_fix(const struct host_rule *rule, const struct fw_pass *pass, struct fix *fix);
const char *kube_proxy_meaning(const struct host_rule *rule, const struct fw_pass *pass, char *out,
			       size_t size);
/* In nftables mode the service is in the map's element, which only a walk with the packet finds. */
bool kube_proxy_lacks_service(const struct host_rule *rule);

#endif
