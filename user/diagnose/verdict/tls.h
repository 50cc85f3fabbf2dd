/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verdicts about TLS share. */
#ifndef HCT_VERDICT_TLS_H
#define HCT_VERDICT_TLS_H

#include "diagnose/verdict/report.h"

/* ---- tls_data.c: behind the handshake ---- */

/* The handshake was what the check wanted, or what it asked inside was answered. */
enum match match_tls_pass(const struct facts *f);
/* The handshake was finished, and what was asked inside not answered. */
enum match match_tls_unanswered(const struct facts *f);
/* Adds to why what the service did behind the handshake, for app-closed and app-slow. */
void say_tls_unanswered(const struct facts *f, struct diagnosis *d);
void say_tls_pass(const struct facts *f, struct diagnosis *d);
void note_tls_pass(const struct facts *f, struct diagnosis *d);

/* ---- tls_alert.c: who ended the handshake, and what helps ---- */

/* The alert that ended it: not one that only warned, and no polite end.  False: none. */
bool tls_ending_alert(const struct facts *f, struct tls_alert *out);
void report_ending_alert(const struct facts *f, const struct tls_alert *alert, struct diagnosis *d);
/* The command that does the handshake as the check does. */
void show_handshake(const struct facts *f, struct diagnosis *d);

#endif
