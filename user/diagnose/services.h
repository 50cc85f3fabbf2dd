/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is probed here, whichever node does it: address, port and protocol.
 * It knows which of them speak HTTP, and notices when their probes stop.
 */
#ifndef HCT_SERVICES_H
#define HCT_SERVICES_H

#include "cli/options.h"
#include "host/host.h"
#include "probe.h"
#include "served.h"

struct service {
	struct hct_tuple tuple; /* of the target; the load balancer's side is zero */
	uint64_t probes;
	uint64_t last_ns; /* start of the last probe, or of the run */
	uint64_t begun_ns; /* start of what came last, which may turn out to be no probe */
	bool under_way; /* and it is not over */
	uint64_t took_ns; /* how long the last probe took */
	uint64_t interval_ns; /* as learned from its probes, 0: not */
	bool expected; /* --port named it, or nothing in particular was: not probed yet */
	bool reported; /* its silence was */
	bool http; /* a request was HTTP */
	uint64_t others; /* requests that are no checks, since the last probe */
	bool waits; /* on the last probe's connection, which is open, an answer is still due */
	uint64_t asked_ns; /* when the host was asked who listens; 0: never */
	uint32_t pid; /* the answer, 0: nobody known */
	char comm[HCT_COMM_LEN];
	struct served served;
};

struct services;
/* SETTINGS are borrowed.  NULL: no memory. */
struct services *services_new(const struct settings *settings);
void services_free(struct services *s); /* accepts NULL */
/* From NOW_NS on, probes of the settings' ports are expected. */
void services_start(struct services *s, uint64_t now_ns);
/* Something to TUPLE started: a probe, or a user's request; FOLLOWED: services_over() will be told. */
void services_saw(struct services *s, const struct hct_tuple *tuple, uint64_t start_ns,
		  bool followed);
/* What started to TUPLE at START_NS is over, whatever it was. */
void services_over(struct services *s, const struct hct_tuple *tuple, uint64_t start_ns);
/*
 * N requests like P came, which are no checks.  P need have no more than a tuple
 * and a start.
 */
void services_asked(struct services *s, const struct probe *p, uint64_t n);
/* What requests that are no checks asked for, the last ones; "" nothing known.  Borrowed. */
const char *services_asked_for(const struct services *s);
/* P, which is over, was a probe of SERVICE (may be NULL). */
void services_probed(struct services *s, struct service *service, const struct probe *p);
/* Its probes come every INTERVAL_NS. */
void services_learn(struct services *s, struct service *service, uint64_t interval_ns);
struct service *services_find(struct services *s, const struct hct_tuple *tuple);
/* Gives P the process that serves it, where no event named one: asks HOST (SERVICE may be NULL). */
void services_find_process(struct service *service, const struct host *host, uint64_t now_ns,
			   struct probe *p);
/* How long a service may be silent: interval × retries, and half an interval for jitter. */
uint64_t services_window_ns(const struct settings *settings);
/* When the next service has been silent for too long; UINT64_MAX: none. */
uint64_t services_next(const struct services *s);
/* A service that was silent for too long at NOW_NS, each once per silence; NULL: none. */
/* Nor of one that is still expected, while other requests come there: then it may be among them. */
const struct service *services_silent(struct services *s, uint64_t now_ns);

#endif
