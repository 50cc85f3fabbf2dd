/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line: one table of options, parsed into struct settings. */
#ifndef HCT_OPTIONS_H
#define HCT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/run_identity.h"
#include "include/hct_points.h"

#define MAX_PREFIXES 16 /* HCT_MAX_PREFIXES; asserted in programs.c */
#define MAX_PORTS 16
#define MAX_INTERFACES 16
#define MAX_EXPECT 8

enum exit_status {
	EXIT_ALL_HEALTHY = 0,
	EXIT_SOME_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CANNOT_TRACE = 3,
	EXIT_NOTHING_ARRIVED = 4,
	EXIT_OUTPUT = 5, /* what was asked for could not be written */
};

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct prefix {
	uint8_t addr[16]; /* v4-mapped, host bits zero */
	uint8_t len; /* 0–128, of the v4-mapped form: 100.125.0.0/16 has 112 */
};

/* Where hctrace probe sends from. */
struct probe_from {
	struct prefix alone; /* that address, and nothing else */
	char device[16]; /* our end of the pair: part of no probe's way */
	char port[16]; /* where that way begins */
};

struct code_range {
	int first, last;
};

/* What a client of health checks goes by. */
enum client_judges {
	JUDGES_UNKNOWN, /* or that is configured there */
	JUDGES_STATUS, /* the status line alone: what is wrong behind it does not count */
	JUDGES_STATUS_PROBABLY, /* the same, by the form of its request */
	JUDGES_STATUS_LINE, /* the status, even where the head does not come to its end in time */
	JUDGES_WHOLE_ANSWER, /* an answer that ends before its own length is none */
};

/* How it checks a port without HTTP, as far as its manual tells. */
enum tcp_check {
	TCP_CHECK_ANY, /* by what is configured: a handshake, an answer, its own text */
	TCP_CHECK_CONNECTS, /* the handshake is all that it goes by */
};

/* How it ends such a check. */
enum check_end { ENDS_ANYHOW, ENDS_BY_RST, ENDS_BY_FIN };

/*
 * Where its settings are, in its own words, for advice that can be followed.  NULL: there is no
 * such setting.
 */
struct preset_words {
	const char *name; /* "HAProxy", behind which the words below stand */
	const char *method; /* to make a check GET; its path follows where METHOD_PATH */
	bool method_path;
	const char *host; /* the name that a check asks for */
	const char *codes; /* the expected codes */
	const char *tcp; /* to check by TCP while the HTTP check fails */
	const char *group, *acl; /* a cloud's own filters, which this host cannot see */
	const char *add; /* the console's way from there to a new rule */
	const char *where; /* the console's way to the health check's settings */
	const char *note; /* what else decides about an HTTP check */
};

/* A load balancer's habits. */
struct preset {
	const char *name;
	const char *from[5]; /* CIDRs, NULL-terminated */
	struct code_range expect[MAX_EXPECT]; /* ends at first == 0 */
	unsigned interval_s, timeout_s, retries;
	enum client_judges judges;
	enum tcp_check tcp;
	enum check_end ends;
	bool keeps; /* one connection for many checks */
	bool in_subnet; /* its nodes can have addresses of a subnet, given behind the name */
	struct preset_words words;
};

struct settings {
	const char *command; /* "live", "record", "check", "explain", "replay", "report", "bundle" */
	const struct preset *preset;
	bool preset_given; /* by --lb; the default can be another's, and is learned from the wire */
	struct prefix from[MAX_PREFIXES];
	size_t n_from;
	char from_text[256]; /* as shown: "100.125.0.0/16, …" */
	uint16_t ports[MAX_PORTS]; /* host byte order; none: all */
	size_t n_ports;
	unsigned protocols; /* HCT_PROTO_*; 0: all */
	bool expect_http; /* --protocol http or https: a check without a request is not complete */
	const char *interfaces[MAX_INTERFACES];
	size_t n_interfaces;
	const char *netns; /* name, /path, or pid; NULL: our own */
	uint64_t duration_ns; /* 0: until interrupted */
	uint64_t count; /* finished probes after which to stop; 0: no limit */
	uint64_t interval_ns, timeout_ns;
	unsigned retries;
	struct code_range expect[MAX_EXPECT];
	size_t n_expect;
	const char *path; /* the check's path; NULL: any */
	const char *check; /* probe: the kind of check, "tcp", "http", …; NULL: not said */
	const char *host; /* probe: the request's Host; NULL: the target */
	bool has_target;
	uint8_t target[16]; /* probe: address to check, v4-mapped */
	bool until_healthy; /* probe: go on until it passes */
	bool all_traffic; /* users' requests are reported like checks */
	const char *btf; /* file with the types of a kernel that has none itself; NULL: none given */
	uint32_t buffer; /* bytes of the kernel's ring of events: a power of two */
	bool json;
	bool passive;
	bool xdp;
	bool clsact; /* attach by clsact even where tcx exists */
	unsigned verbose;
	enum color_mode color;
	const char *format; /* of a report: a renderer's name; NULL: text, or json with --json */
	/* The file that a report goes to (NULL or "-": stdout), or a recording (NULL: there is none). */
	const char *output;
	uint64_t max_size; /* bytes of a recording, at least RECORD_SIZE_MIN; 0: no limit */
	bool redact; /* a bundle tells pseudonyms … */
	const char *redact_map; /* … which this file explains; NULL: none does */
	const char *save; /* write the stream as a test case to this file */
	const struct probe_from *probe_from; /* follow what comes from there, and nothing else; NULL */
	const struct run_identity *self; /* this run on this host; NULL in what was recorded */
	char **args; /* what follows the options: NULL-terminated */
};

/*
 * Parses ARGV into S, with the preset's defaults where nothing is given.
 * Returns -1 to go on, or an exit status: 0 after --help or --version, or
 * EXIT_USAGE after a message on stderr that says what to do.
 */
int options_parse(struct settings *s, int argc, char **argv);
void options_help(FILE *out);

/* "100.125.0.0/16", "2001:db8::/32", or an address alone.  0 or -EINVAL. */
int prefix_parse(struct prefix *out, const char *text);

#endif
