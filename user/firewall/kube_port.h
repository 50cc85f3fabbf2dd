/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where kube-proxy answers health checks of a service, by the rule that lets them in. */
#ifndef HCT_KUBE_PORT_H
#define HCT_KUBE_PORT_H

#include <stddef.h>

#include "firewall.h"
#include "host/host.h"

/*
 * The service that a rule of kube-proxy's is about: of "ingress/web:http has no
 * endpoints" "ingress/web:http".  LEN of it at the returned place; NULL: none.
 */
const char *kube_service_of(const char *text, const char *words, size_t *len);
/* Sets RULE's check_port where RULES have it: a healthCheckNodePort is of a whole service. */
void kube_note_check_port(const struct fw_rules *rules, struct host_rule *rule);

#endif
