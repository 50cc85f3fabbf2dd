/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What helps against an HTTP status that the check does not expect. */
#ifndef HCT_STATUS_HELP_H
#define HCT_STATUS_HELP_H

#include "cli/options.h"
#include "diagnose/http.h"
#include "diagnose/verdict.h"

struct status_answer {
	const struct settings *settings;
	const struct http_request *request; /* not valid: it could not be read */
	int status;
	const char *location; /* of a redirect; "" not known */
	const char *process; /* the name of the one that answered; "" not known */
	const char *range; /* where the check comes from, as a prefix */
};

/* Whether the STATUS says that the method of R is not taken, which GET would be. */
bool status_refuses_method(const struct http_request *r, int status);
/* Appends the advice to D: what to do first, where the client of this check has that setting. */
void status_advise(const struct status_answer *a, struct diagnosis *d);

#endif
