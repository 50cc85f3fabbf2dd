// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The process that serves a target, where no event of the probe named it. */
#include <netinet/in.h>
#include <string.h>

#include "rules.h"
#include "services.h"

#define PROCESS_AGE_NS UINT64_C(5000000000) /* how long an answer about who listens is good for */

void services_find_process(struct service *service, const struct host *host, uint64_t now_ns,
			   struct probe *p)
{
	struct host_listener l;

	if ((!p->has_process || p->process_accepted) && p->has_libwrap) {
		p->has_process = true;
		p->process_accepted = false;
		p->pid = p->libwrap_pid;
		memcpy(p->comm, p->libwrap_comm, sizeof(p->comm));
	}
	if (p->has_process || !service ||
	    (!p->synack_ns && !p->established_ns && !p->reply_ns && !p->queue_full))
		return;
	if (p->tuple.protocol != IPPROTO_TCP && p->tuple.protocol != IPPROTO_UDP)
		return;
	if (!service->asked_ns || now_ns - service->asked_ns >= PROCESS_AGE_NS) {
		service->asked_ns = now_ns;
		service->pid = 0;
		if (listener_of_probe(host, p, &l)) {
			service->pid = l.pid;
			memcpy(service->comm, l.comm, sizeof(service->comm));
		}
	}
	p->has_process = service->pid != 0;
	p->pid = service->pid;
	if (p->has_process)
		memcpy(p->comm, service->comm, sizeof(p->comm));
}
