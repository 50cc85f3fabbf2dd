/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of the verdicts share: words, drop reasons, and what one asks of another. */
#ifndef HCT_REPORT_H
#define HCT_REPORT_H

#include "diagnose/rules.h"

/* Appends to TEXT of SIZE bytes; what does not fit is cut.  Never a command: see FIX_COMMAND. */
void say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Appends sentences of their own to the advice. */
void add_advice(struct diagnosis *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define WHY(d) (d)->why, sizeof((d)->why)
#define ADVICE(d) (d)->fix.advice, sizeof((d)->fix.advice)
#define NOTE(d) (d)->note, sizeof((d)->note)

/*
 * Appends to a command of D (base/shell.h): the one that helps when pasted, as it
 * is; and the one that shows the cause.
 */
#define FIX_COMMAND(d, ...) command_add(&(d)->fix.command, __VA_ARGS__)
#define SHOW_COMMAND(d, ...) command_add(&(d)->fix.show, __VA_ARGS__)

/* Sets layer, and device, function and reason from INCIDENT (may be NULL). */
void where_set(struct diagnosis *d, const char *layer, const struct probe_incident *incident);
/* "SYN", "SYN-ACK", "request", "answer", …: the packet that INCIDENT hit. */
const char *packet_words(const struct facts *f, const struct probe_incident *incident);
/* " on eth0", or "". */
const char *on_device(char out[IFNAMSIZ + 8], const char *device);
/* The command that shows which sockets take what the probe sends, where it ended. */
void show_listeners(const struct facts *f, struct diagnosis *d);
/* The command that shows what the threads of process PID, and of its children, wait for. */
void show_threads(uint32_t pid, struct diagnosis *d);
/* Appends "nginx (pid 812)", or "A process". */
void say_process(char *text, size_t size, const struct host_listener *l);

/* ---- drop_reason.c: what the kernel says of a drop (DROP may be NULL: no) ---- */

bool is_one_of(const char *word, const char *const *words, size_t n);
bool reason_in(const struct probe_incident *drop, const char *const *reasons, size_t n);
bool function_in(const struct probe_incident *drop, const char *const *functions, size_t n);
/* Kernels before 5.17 give no reason; later ones not everywhere. */
bool has_no_reason(const struct probe_incident *drop);
/* One of REASONS, or, where the kernel gives none, one of FUNCTIONS. */
bool dropped_for(const struct probe_incident *drop, const char *const reasons[], size_t n_reasons,
		 const char *const functions[], size_t n_functions);

/* ---- of one verdict, for others ---- */

/* unknown.c: no rule matched: what was seen last, and what could not be seen. */
void report_unknown(const struct facts *f, struct diagnosis *d);
/* A rule of VERDICT matched, but rests on the ABSENCE of events that can have been lost. */
void report_unproven(const struct facts *f, enum verdict_id verdict, uint32_t absence,
		     struct diagnosis *d);
/* forward.c */
enum match match_forward_drop(const struct facts *f);
/* Reports a request that NAT sent to 127.0.0.0/8, where the kernel drops it.  False: it is none. */
bool report_localnet(const struct facts *f, struct diagnosis *d);
/*
 * tproxy.c: reports a request that a rule of nftables was to hand to a proxy, where
 * nobody listens, so that it came to a port that nobody listens on.  False: it is none.
 */
bool report_tproxy_unmatched(const struct facts *f, struct diagnosis *d);
/* firewall.c */
void report_firewall_drop(const struct facts *f, struct diagnosis *d);
/* who_listens.c: who has sockets on the port that took nothing of this probe, and who took others. */
void say_who_listens(const struct facts *f, struct diagnosis *d);
/* listener_queue.c */
enum match match_accept_queue_overflow(const struct facts *f);

#endif
