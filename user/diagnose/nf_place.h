/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where in netfilter something happened, read off the kernel's call chain. */
#ifndef HCT_NF_PLACE_H
#define HCT_NF_PLACE_H

#include "probe.h"

enum nf_backend { NF_BACKEND_UNKNOWN, NF_BACKEND_NFT, NF_BACKEND_LEGACY, NF_BACKEND_EBTABLES };

struct nf_place {
	bool netfilter; /* it did happen in netfilter */
	bool possible; /* it may have: where it happened, other things happen, too */
	bool reject; /* a REJECT answered, rather than a DROP */
	enum nf_backend backend; /* unknown: the call chain does not tell */
	const char *hook; /* "PREROUTING", "INPUT", …, "INGRESS"; "" unknown */
	bool bridge; /* at a bridge, before or instead of IP's own hooks */
	bool queue; /* a program was to decide, by NFQUEUE: it said no, or none was there */
};

struct nf_place nf_place(const struct probe_incident *incident);
/* True when FUNCTION is in the incident's call chain, or is the dropping function. */
bool incident_called_from(const struct probe_incident *incident, const char *function);

#endif
