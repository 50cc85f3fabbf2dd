/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Questions to a host that may be absent or answer only some: then -ENODATA. */
#ifndef HCT_ASK_H
#define HCT_ASK_H

#include "host/host.h"

int ask_listeners(const struct host *h, uint8_t protocol, uint16_t port,
		  struct host_listeners *out);
int ask_listeners_in(const struct host *h, uint32_t netns, uint8_t protocol, uint16_t port,
		     struct host_listeners *out);
int ask_route_back(const struct host *h, const uint8_t target[16], const uint8_t lb[16],
		   struct host_route *out);
int ask_gateway(const struct host *h, const uint8_t target[16], const uint8_t lb[16],
		const char *device, struct host_gateway *out);
int ask_forward_route(const struct host *h, const uint8_t lb[16], const uint8_t target[16],
		      const char *device, uint32_t mark, struct host_forward_route *out);
int ask_wrappers(const struct host *h, uint32_t pid, const char *daemon, const uint8_t client[16],
		 struct host_wrappers *out);
int ask_chains(const struct host *h, bool ipv6, const char *hook, struct host_chains *out);
int ask_rules(const struct host *h, const struct host_packet *packet, struct host_rules *out);
int ask_rule(const struct host *h, uint32_t netns, const char *family, const char *table,
	     const char *chain, uint64_t handle, struct host_rule *out);
int ask_sysctl(const struct host *h, const char *name, int64_t *out);
int ask_devices(const struct host *h, struct host_devices *out);
int ask_owner(const struct host *h, const struct hct_tuple *tuple, struct host_process *out);
int ask_netns_name(const struct host *h, uint32_t netns, char out[64]);
int ask_condition(const struct host *h, uint32_t pid, struct host_condition *out);
int ask_address_netns(const struct host *h, const uint8_t addr[16], uint32_t *out);
int ask_socket_unit(const struct host *h, uint16_t port, char out[64]);

#endif
