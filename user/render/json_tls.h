/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A probe's TLS, in JSON. */
#ifndef HCT_JSON_TLS_H
#define HCT_JSON_TLS_H

#include "diagnose/probe.h"
#include "json_write.h"

/* The member "tls" of the open object, where records of P were told. */
void json_tls(struct json_writer *w, const struct probe *p);

#endif
