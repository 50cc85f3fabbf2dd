// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A recording is untrusted: whatever its bytes, reader, engine and renderers
 * come to an end.  libFuzzer's entry.  An input is a recording, whose checksums
 * are mostly made right first, or nothing behind them would ever be reached; or
 * the records of one, which are packed first.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "diagnose/engine.h"
#include "record/format.h"
#include "record/piece.h"
#include "record/record_read.h"
#include "render/render.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_INPUT (1 << 20)

struct run {
	const struct renderer *renderer;
	void *render_ctx;
	struct engine *engine;
	struct record_reader *reader;
};

static void on_start(void *ctx, const struct stream_start *start)
{
	engine_sink.start(((struct run *)ctx)->engine, start);
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct run *r = ctx;

	if (r->renderer->obs)
		r->renderer->obs(r->render_ctx, o);
	engine_sink.obs(r->engine, o);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	engine_sink.lost(((struct run *)ctx)->engine, point, count, time_ns);
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	engine_sink.tick(((struct run *)ctx)->engine, now_ns);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct run *r = ctx;

	if (r->renderer->recording)
		r->renderer->recording(r->render_ctx, record_reader_info(r->reader));
	engine_sink.end(r->engine, now_ns);
}

static const struct stream_sink sink = { on_start, on_obs, on_lost, on_tick, on_end };

static void report(const char *path, const struct renderer *renderer)
{
	struct run r = { .renderer = renderer };
	FILE *out = fopen("/dev/null", "we");

	if (out && record_reader_open(&r.reader, &path, 1) == 0) {
		const struct settings *settings = record_reader_settings(r.reader);
		const struct host *host = record_reader_host(r.reader);

		r.render_ctx = renderer->open(out, settings);
		r.engine = engine_new(settings, host, &renderer->on, r.render_ctx);
		if (r.render_ctx && r.engine)
			record_reader_run(r.reader, &sink, &r, NULL);
	}
	engine_free(r.engine);
	if (r.render_ctx)
		renderer->close(r.render_ctx);
	record_reader_close(r.reader);
	if (out)
		fclose(out);
}

/* Writes checksums that are right, piece by piece, as far as the lengths lead. */
static void mend(uint8_t *data, size_t size)
{
	struct record_header header;
	struct piece_header piece;
	size_t at = RECORD_HEADER_LEN;

	if (size < RECORD_HEADER_LEN)
		return;
	record_header_get(data, &header);
	header.version = RECORD_VERSION;
	record_header_put(data, &header);
	while (size - at >= PIECE_HEADER_LEN) {
		uint8_t *p = data + at;

		piece_header_get(p, &piece); /* fills it where the magic is right */
		if (memcmp(p, piece_magic, sizeof(piece_magic)) != 0)
			return;
		piece.flags = p[4];
		piece.number = p[8] | (uint32_t)p[9] << 8;
		piece.len = p[12] | (uint32_t)p[13] << 8 | (uint32_t)p[14] << 16;
		piece.raw_len = p[16] | (uint32_t)p[17] << 8 | (uint32_t)p[18] << 16;
		if (piece.len > size - at - PIECE_HEADER_LEN)
			return;
		piece.crc = record_crc(p + PIECE_HEADER_LEN, piece.len);
		piece_header_put(p, &piece);
		at += PIECE_HEADER_LEN + piece.len;
	}
}

/* Makes a recording of the records at DATA; returns its size. */
static size_t pack(uint8_t *out, const uint8_t *data, size_t size)
{
	static const struct record_header header = { .version = RECORD_VERSION };
	struct piece_packer *packer = piece_packer_new();
	const uint8_t *piece;
	int len = packer && size && size <= PIECE_RAW_MAX
			  ? piece_pack(packer, true, 0, data, size, &piece) : 0;

	record_header_put(out, &header);
	if (len > 0)
		memcpy(out + RECORD_HEADER_LEN, piece, (size_t)len);
	piece_packer_free(packer);
	return RECORD_HEADER_LEN + (len > 0 ? (size_t)len : 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return freopen("/dev/null", "w", stdout) ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[MAX_INPUT];
	char path[32];
	int fd;

	if (size > sizeof(copy))
		return 0;
	if (size && data[0] == RECORD_CHUNK) {
		size = pack(copy, data, size);
	} else {
		memcpy(copy, data, size);
		/* one in four stays damaged */
		if (size && data[size - 1] % 4)
			mend(copy, size);
	}
	fd = memfd_create("recording", MFD_CLOEXEC);
	if (fd < 0 || write(fd, copy, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	report(path, &render_text);
	report(path, &render_json);
	close(fd);
	return 0;
}
