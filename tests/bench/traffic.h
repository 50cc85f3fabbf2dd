/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the traffic generators of the benchmark share. */
#ifndef HCT_TRAFFIC_H
#define HCT_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

/* Prints "NAME: WHAT: strerror(errno)" and ends the process. */
_Noreturn void traffic_die(const char *what);

/* Moves the process into the network namespace NAME of ip-netns(8). */
void traffic_enter(const char *name);
/* Keeps the process on the CPU-th processor that it may use, where there are two or more. */
void traffic_pin(unsigned cpu);

double traffic_now(void); /* seconds of CLOCK_MONOTONIC */

/* The IPv4 address of TEXT in network byte order; dies when it is none. */
uint32_t traffic_ipv4(const char *text);
/* The number that TEXT is; dies when it is none. */
unsigned long traffic_number(const char *text);

/*
 * Starts SERVE(ctx) in a child, in namespace NETNS, which ends with this process, and waits until
 * that calls traffic_ready(); its pid.
 */
int traffic_serve(const char *netns, void (*serve)(void *ctx), void *ctx);
void traffic_ready(void);
/* Ends such a child and waits for it: its processor time is this process's children's. */
void traffic_end(int pid);

#endif
