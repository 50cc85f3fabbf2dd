/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes pcapng files (draft-ietf-opsawg-pcapng), little endian, with time
 * stamps of nanoseconds.  Knows the format and nothing else.
 *
 * Texts are UTF-8; NULL or "" leaves the option out, and one that is longer
 * than an option can be (65,535 bytes) is cut.  Whether all could be written is
 * told by ferror() of the file; a block that found no memory is left out and
 * pcapng_failed() says so.
 */
#ifndef HCT_PCAPNG_WRITE_H
#define HCT_PCAPNG_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PCAPNG_LINK_RAW 101 /* LINKTYPE_RAW: an IPv4 or IPv6 header comes first */

struct pcapng;

/* OUT is borrowed.  NULL: no memory. */
struct pcapng *pcapng_new(FILE *out);
void pcapng_free(struct pcapng *w); /* accepts NULL */
bool pcapng_failed(const struct pcapng *w);

struct pcapng_section {
	const char *os;
	const char *application;
	const char *comment;
	/*
	 * Bytes that the block takes at least, so that it can be written again
	 * in the same place with a longer comment; 0: as many as it needs.
	 */
	size_t room;
};
/* Starts the file.  Returns the block's length. */
size_t pcapng_section(struct pcapng *w, const struct pcapng_section *section);

struct pcapng_interface {
	const char *name;
	const char *description;
	uint16_t link_type;
	uint32_t snap_length; /* libpcap wants the same one for all interfaces */
};
/* Interfaces are numbered from 0 in the order of their writing. */
void pcapng_interface(struct pcapng *w, const struct pcapng_interface *interface);

struct pcapng_packet {
	uint32_t interface;
	uint64_t time_ns; /* since 1970, UTC */
	const void *data;
	uint32_t len; /* bytes of it, as captured */
	uint32_t original_len; /* on the wire */
	uint64_t id; /* the same at every interface that the packet was met at; 0: none */
	const char *comments; /* strings one after another, each with its NUL */
	size_t comments_len; /* bytes of all of them */
};
void pcapng_packet(struct pcapng *w, const struct pcapng_packet *packet);

/*
 * A record that is no packet: a systemd journal export block, which Wireshark
 * (3.0) lists among the packets and others skip.  FIELDS are "NAME=value",
 * without newlines, in the form of COMMENTS above.
 */
void pcapng_journal(struct pcapng *w, uint64_t time_ns, const char *fields, size_t fields_len);

#endif
