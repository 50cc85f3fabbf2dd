/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The load balancer's troubleshooting procedure, done at once: each step is a
 * function from what is known of the host to findings.
 */
#ifndef HCT_CHECK_H
#define HCT_CHECK_H

#include "cli/options.h"
#include "diagnose/verdict.h"
#include "firewall/firewall.h"
#include "host/addresses.h"
#include "host/daemons.h"
#include "host/host.h"

/*
 * From the harmless to the worst.  NOTE: advice, or what is no matter here.
 * UNREAD: it was asked for, and could not be looked at (exit status 3).
 */
enum check_result {
	CHECK_NOTE,
	CHECK_OK,
	CHECK_UNREAD,
	CHECK_WARN,
	CHECK_FAIL,
	CHECK_RESULTS
};

/* One line of the output and what belongs to it; every text may be "". */
struct finding {
	const char *step; /* "4" */
	enum check_result result;
	char what[320]; /* one sentence */
	char why[640]; /* what follows from it; "" when that is clear */
	struct fix fix; /* what helps; its SHOW is the command that shows what is said */
};

/* A program of another that is attached to a device. */
struct attached_program {
	char device[IFNAMSIZ];
	char where[16]; /* "XDP", "tc ingress", "tc egress" */
	uint32_t id;
	char name[32]; /* "" unknown */
};
#define CHECK_MAX_PROGRAMS 32

/* What this kernel lets hctrace see: a line of words. */
struct capability {
	enum check_result result; /* NOTE, OK, WARN; UNREAD: WHAT is the subject, ERR says why */
	int err;
	char what[320];
	char why[320];
	char advice[400];
};
#define CHECK_MAX_CAPABILITIES 24

/*
 * What is known of the host before the steps start; the rest they ask HOST.
 * A member whose _err is not 0 could not be read.
 */
struct check_facts {
	const struct settings *settings;
	const struct host *host;
	struct host_addresses addresses;
	int addresses_err;
	struct host_devices devices;
	int devices_err;
	struct fw_rules rules[2]; /* IPv4, IPv6 */
	int rules_err[2];
	struct attached_program program[CHECK_MAX_PROGRAMS];
	size_t n_programs;
	int programs_err;
	struct capability capability[CHECK_MAX_CAPABILITIES];
	size_t n_capabilities;
	double load; /* of the last minute */
	int load_err;
	long cpus;
	int proc_err; /* of /proc, where the settings are */
	int processes_err; /* of other users' processes, which may have the sockets */
	bool own_netns; /* not the first namespace, in which alone some settings can be changed, … */
	bool first_netns_is_seen; /* … but that of process 1 is */
	/* host/daemons.h; the tests have their own */
	int (*daemons)(uint32_t pid, struct wrapped_daemons *out);
};

/* A run: the steps say what they find through it. */
struct check {
	const struct check_facts *facts;
	const char *step; /* the one that is running */
	void (*report)(void *ctx, const struct finding *finding);
	void *ctx;
	unsigned count[CHECK_RESULTS];
};

struct check_step {
	const char *step; /* "3": the procedure's number; "-": none of its steps */
	const char *title;
	void (*run)(struct check *c);
};
extern const struct check_step check_steps[];
extern const size_t n_check_steps;

/* Runs all the steps; REPORT gets each finding as it is made, and may keep none of its pointers. */
void check_run(struct check *c);

/* ---- for the steps ---- */

/* A new finding, to be filled in and given to check_say(). */
struct finding check_finding(const struct check *c, enum check_result result);
void check_say(struct check *c, const struct finding *finding);
/* printf() behind what is in TEXT already; what does not fit is cut. */
void check_add(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define CHECK_PUT(field, ...) check_add(field, sizeof(field), __VA_ARGS__)
/* Appends to what helps in the finding OUT: a command that works as printed, words, what shows it. */
#define CHECK_FIX(out, ...) command_add(&(out)->fix.command, __VA_ARGS__)
#define CHECK_ADVISE(out, ...) CHECK_PUT((out)->fix.advice, __VA_ARGS__)
#define CHECK_SHOW(out, ...) command_add(&(out)->fix.show, __VA_ARGS__)

/*
 * Says that SUBJECT could not be looked at for ERR (-errno), and what helps
 * against that.  -E2BIG: there was more than fits.
 */
void check_unread(struct check *c, int err, const char *subject, ...)
	__attribute__((format(printf, 3, 4)));

/* What the load balancer could be checking: TCP or UDP ports. */
struct check_port {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port;
};
#define CHECK_MAX_PORTS 64
struct check_ports {
	size_t n;
	struct check_port p[CHECK_MAX_PORTS];
};
/* Those asked for; else those that listen and can be reached from outside.  0 or -errno. */
int check_ports(const struct check_facts *facts, struct check_ports *out);
/* The same; what could not be read is said. */
void check_ports_or_say(struct check *c, struct check_ports *out);
const char *check_protocol_name(uint8_t protocol);

bool check_wants(const struct check_facts *facts, unsigned protocol); /* HCT_PROTO_* */
/* Whether the load balancer has a network of that family. */
bool check_has_family(const struct check_facts *facts, bool ipv6);
bool prefix_is_ipv6(const struct prefix *prefix);
bool prefix_contains(const struct prefix *prefix, const uint8_t addr[16]);
/* An address of PREFIX as the load balancer may have: its first, or its last. */
void prefix_sample(const struct prefix *prefix, bool last, uint8_t out[16]);
bool check_device_wanted(const struct check_facts *facts, const char *device);
/* Whether checks may come by DEVICE: no network of containers is behind it, or --interface names it. */
bool check_comes_by(const struct check_facts *facts, const char *device);
bool check_is_loopback(const uint8_t addr[16]);

/* Sysctl NAME; false: there is no such, or it could not be read, which is said. */
bool check_sysctl(struct check *c, const char *name, int64_t *out);

/* Whether a NAT rule sends checks of PORT elsewhere. */
bool check_is_redirected(const struct check_facts *facts, uint8_t protocol, uint16_t port);

/* Whether a rule of kube-proxy's ends connections to PORT, as no endpoint of it is here. */
bool check_is_kube_port(const struct check_facts *facts, uint8_t protocol, uint16_t port);

/*
 * Adds to OUT, where the next hop HOP (NULL: an address of FROM) on DEVICE does not
 * answer, that a rule of this host drops its answer.  False: none surely does.
 */
bool check_put_own_rule(const struct check_facts *f, const uint8_t *hop,
			const struct prefix *from, const char *device, struct finding *out);
/* Says which rules will keep this host and the next hops to FROM from finding each other. */
void check_resolution(struct check *c, const struct prefix *from);

/* A network of containers or virtual machines, which was not asked for: no load balancer checks it. */
bool check_device_is_internal(const struct check_facts *facts, const char *device);
/* Adds to OUT how answers of A to FROM would leave by its own device, instead of OTHER. */
void check_put_own_table(struct check *c, const struct prefix *from, const uint8_t sample[16],
			 const struct host_address *a, const char *other, struct finding *out);

/* Whether L takes connections of a family that the load balancer uses. */
bool check_takes_family(const struct check_facts *facts, const struct host_listener *l);
/*
 * Where the sockets on PORT that could be reached are bound to devices, or outside of a VRF
 * by which checks come, says which checks they take (step_listen_device.c).  False: nothing was said.
 */
bool check_say_bound(struct check *c, const struct host_listeners *all, uint8_t protocol,
		     uint16_t port);

/* The command that shows the sockets on PORT; PROCESSES: and whose they are. */
void check_show_sockets(struct finding *out, uint8_t protocol, uint16_t port, bool processes);

/* The steps. */
void check_cloud_group(struct check *c);
void check_cloud_acl(struct check *c);
void check_cloud_settings(struct check *c);
void check_listen_addresses(struct check *c);
void check_listeners(struct check *c);
void check_firewall(struct check *c);
void check_filters(struct check *c);
void check_routes(struct check *c);
void check_load(struct check *c);
/* Of the process that has L: what keeps it from its work; says nothing where nothing does. */
void check_process(struct check *c, const struct host_listener *l);
void check_wrappers(struct check *c);
void check_icmp(struct check *c);
void check_capabilities(struct check *c);

#endif
