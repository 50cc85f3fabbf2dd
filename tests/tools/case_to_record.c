// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * case_to_record CASE RECORDING [TIMES [MS]]: the same run as a recording.
 *
 * Every line is taken over as it is, so the recording says neither more nor
 * less.  With TIMES its events come so often, each time MS (default: as long
 * as the run took) later and as other flows; answers only the first time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/record_write.h"
#include "stream/case_obs.h"
#include "stream/case_text.h"
#include "stream/names.h"

static const char *arg(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? at + strlen(key) : "";
}

static int64_t time_of(const char *line)
{
	char value[32] = "";
	int64_t ns = 0;

	sscanf(arg(line, " t="), "%31[0-9.-]", value);
	return text_get_time(value, &ns) ? 0 : ns;
}

/* Later, and with numbers that differ from probe to probe as they do on a wire. */
static void vary(struct obs *o, uint64_t later_ns)
{
	uint32_t random = (uint32_t)(later_ns * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	/* the first event of a flow is at its id; up to 4 us after the others */
	o->time_ns += later_ns + (o->flow_seq ? (random * (o->flow_seq + 1) >> 20) : 0);
	if (o->flow_id)
		o->flow_id += later_ns;
	o->tuple.lb_port = (uint16_t)(o->tuple.lb_port + random);
	if (o->packet.seq)
		o->packet.seq += o->reply ? random * 3 : random;
	if (o->packet.ack)
		o->packet.ack += o->reply ? random : random * 3;
}

static int put_obs(struct record_writer *w, const char *line, uint64_t start_ns, uint64_t later_ns)
{
	uint8_t payload[HCT_PAYLOAD_MAX];
	char *copy = strdup(line + 3);
	const char *bad = "";
	struct obs o;
	int err = copy ? case_get_obs(copy, start_ns, &o, payload, &bad) : -ENOMEM;

	free(copy);
	if (err)
		return err;
	if (later_ns)
		vary(&o, later_ns);
	record_writer_sink.obs(w, &o);
	return 0;
}

static void put_end(struct record_writer *w, int64_t ns)
{
	char line[64];

	snprintf(line, sizeof(line), "end t=%" PRId64 ".%09" PRId64, ns / 1000000000,
		 ns % 1000000000);
	record_writer_line(w, line);
}

/* Every record of the case, LATER_NS later; only the events where AGAIN, the end only where LAST. */
static int copy_case(struct record_writer *w, FILE *in, uint64_t later_ns, bool again, bool last,
		     int64_t *end_ns)
{
	static uint64_t start_ns;
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	rewind(in);
	while (!err && getline(&line, &room, in) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (strncmp(line, "start ", 6) == 0)
			start_ns = (uint64_t)time_of(line);
		if (strncmp(line, "end ", 4) == 0)
			*end_ns = time_of(line);
		if (strncmp(line, "obs ", 4) == 0) {
			err = put_obs(w, line, start_ns, later_ns);
		} else if (strncmp(line, "tick ", 5) == 0) {
			record_writer_sink.tick(w, start_ns + (uint64_t)time_of(line) + later_ns);
		} else if (strncmp(line, "end ", 4) == 0) {
			if (last)
				put_end(w, *end_ns + (int64_t)later_ns);
		} else if (!again && strncmp(line, "options", 7) != 0) {
			record_writer_line(w, line);
		}
	}
	free(line);
	return err;
}

/* As they are; a recording always has some. */
static void write_options(struct record_writer *w, FILE *in)
{
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (!found && getline(&line, &room, in) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		found = strncmp(line, "options", 7) == 0;
	}
	record_writer_line(w, found ? line : "options");
	free(line);
}

int main(int argc, char **argv)
{
	struct record_writer *writer = NULL;
	uint64_t every_ms = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	uint64_t times = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	FILE *in = argc > 2 ? fopen(argv[1], "re") : NULL;
	int64_t end_ns = 0;
	int err = 0;

	if (!in) {
		fprintf(stderr, "Usage: case_to_record CASE RECORDING [TIMES [MS]]\n");
		return 2;
	}
	writer = record_writer_open(argv[2], NULL, 0, &err);
	if (!writer) {
		fprintf(stderr, "%s: %s\n", argv[2], strerror(-err));
		return 2;
	}
	write_options(writer, in);
	for (uint64_t i = 0; i < times && !err; i++)
		err = copy_case(writer, in, i * (every_ms ? every_ms * 1000000 : (uint64_t)end_ns), i > 0, i + 1 == times,
				&end_ns);
	if (err)
		fprintf(stderr, "%s: has an event that cannot be read\n", argv[1]);
	if (record_writer_close(writer))
		err = -EIO;
	fclose(in);
	names_free();
	return err ? 1 : 0;
}
