/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The application and its answers, in words. */
#ifndef HCT_APPLICATION_H
#define HCT_APPLICATION_H

#include "diagnose/verdict/report.h"

/* The check wanted an answer: a request came, or one had to. */
bool wants_answer(const struct facts *f);
/* "nginx (pid 812)": from the events, else who listens there. */
char *process_words(const struct facts *f, char out[48]);
/* "the application" with a capital letter. */
const char *capitalised(char *text);
/* "GET /health" or "the request". */
const char *request_words(const struct facts *f, char out[96]);
/* The command that asks the service what the check asked it. */
void show_request(const struct facts *f, struct diagnosis *d);
/* An HTTP answer was begun, and does not come to its end. */
bool is_unfinished(const struct facts *f);
/* Adds to why how much of it was sent: "6 of 500 body bytes". */
void say_extent(const struct facts *f, struct diagnosis *d);
/* application.c */
enum match match_app_not_accepting(const struct facts *f);
void where_application(const struct facts *f, struct diagnosis *d);
/* Adds to why what the first bytes of something that is no HTTP response look like. */
void say_looks(const struct facts *f, struct diagnosis *d);

/* ---- application_upstream.c ---- */

/*
 * Adds to why, and to the advice, that the process is a proxy which could not connect to
 * what is behind it.  False: it is not known to be so.
 */
bool say_upstream(const struct facts *f, struct diagnosis *d);
/* The same behind an answer whose STATUS says so (502, 503, 504). */
bool say_upstream_of_status(const struct facts *f, int status, struct diagnosis *d);
/* The same as a note, beside a check that passed because it only connects. */
void note_upstream(const struct facts *f, struct diagnosis *d);

/* ---- application_state.c ---- */

/*
 * Adds to why what keeps the process from its work, as the host has it now: stopped, frozen,
 * out of descriptors, throttled, and the command or the advice that helps.  False: nothing
 * does, and that is told as before; what the host lacks (CPU, memory) may be noted.
 */
bool say_state(const struct facts *f, struct diagnosis *d);
/* Adds to why that the port is held by systemd for a service.  False: it is not. */
bool say_socket_unit(const struct facts *f, struct diagnosis *d);

#endif
