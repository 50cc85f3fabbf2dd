// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The bottle's thread, and the namespace that lives as long as it does. */
#include "bottle.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "bottle_link.h"

#define MAX_NAMES 16 /* tries for a name that no device has */

enum state { STARTING, IDLE, BUSY, ENDING };

struct bottle {
	uint8_t addr[16];
	uint8_t mac[6];
	unsigned ifindex;
	char device[IF_NAMESIZE];
	int stop_fd;
	bool has_thread;
	pthread_t thread;
	/* Below LOCK. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum state state;
	int err; /* of leaving the namespace */
	int netns; /* the bottle's own */
	void (*fn)(void *ctx);
	void *ctx;
};

static void set_state(struct bottle *b, enum state state)
{
	pthread_mutex_lock(&b->lock);
	b->state = state;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void *live_in_bottle(void *ctx)
{
	struct bottle *b = ctx;

	if (unshare(CLONE_NEWNET))
		b->err = -errno;
	else
		b->netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (!b->err && b->netns < 0)
		b->err = -errno;
	set_state(b, IDLE);
	pthread_mutex_lock(&b->lock);
	while (b->state != ENDING) {
		if (b->state == BUSY) {
			pthread_mutex_unlock(&b->lock);
			b->fn(b->ctx);
			pthread_mutex_lock(&b->lock);
			if (b->state == BUSY)
				b->state = IDLE;
			pthread_cond_broadcast(&b->changed);
			continue;
		}
		pthread_cond_wait(&b->changed, &b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* Returns when the thread is in its namespace.  Signals stay with the thread that reads them. */
static int start_thread(struct bottle *b)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&b->thread, NULL, live_in_bottle, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	b->has_thread = true;
	pthread_mutex_lock(&b->lock);
	while (b->state == STARTING)
		pthread_cond_wait(&b->changed, &b->lock);
	pthread_mutex_unlock(&b->lock);
	return b->err;
}

void bottle_start(struct bottle *b, void (*fn)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&b->lock);
	while (b->state == BUSY) /* it has said that it is done, and is about to be */
		pthread_cond_wait(&b->changed, &b->lock);
	b->fn = fn;
	b->ctx = ctx;
	b->state = BUSY;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void wait_idle(struct bottle *b)
{
	pthread_mutex_lock(&b->lock);
	while (b->state == BUSY)
		pthread_cond_wait(&b->changed, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

static void set_up_inside(void *ctx)
{
	struct bottle *b = ctx;

	b->err = bottle_link_inside(b->addr);
}

/* The pair: our end under a name that is free, the other one in the bottle. */
static int make_pair(struct bottle *b)
{
	int err = -EEXIST;

	for (unsigned i = 0; err == -EEXIST && i < MAX_NAMES; i++) {
		snprintf(b->device, sizeof(b->device), "hctb%u%.1s", (unsigned)getpid(),
			 i ? &"abcdefghijklmno"[i - 1] : "");
		err = bottle_link_make(b->device, b->netns, b->mac);
	}
	if (err)
		return err;
	b->ifindex = if_nametoindex(b->device);
	if (!b->ifindex)
		return -errno;
	bottle_start(b, set_up_inside, b);
	wait_idle(b);
	return b->err ? b->err : bottle_link_outside(b->ifindex);
}

static void set_mac(struct bottle *b, const uint8_t mac[6])
{
	if (mac) {
		memcpy(b->mac, mac, sizeof(b->mac));
		return;
	}
	if (getrandom(b->mac, sizeof(b->mac), 0) != sizeof(b->mac))
		memcpy(b->mac, &(pid_t){ getpid() }, sizeof(pid_t));
	b->mac[0] = (b->mac[0] & 0xfe) | 0x02; /* one host's, locally administered */
}

int bottle_open(struct bottle **out, const uint8_t addr[16], const uint8_t mac[6])
{
	struct bottle *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	memcpy(b->addr, addr, sizeof(b->addr));
	set_mac(b, mac);
	b->netns = -1;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = b->stop_fd < 0 ? -errno : start_thread(b);
	if (!err)
		err = make_pair(b);
	if (err) {
		bottle_close(b);
		return err;
	}
	*out = b;
	return 0;
}

void bottle_stop(struct bottle *b)
{
	if (b->stop_fd >= 0 && write(b->stop_fd, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0)
		fprintf(stderr, "hctrace: cannot end the probe: %s\n", strerror(errno));
	if (b->has_thread)
		wait_idle(b);
}

void bottle_close(struct bottle *b)
{
	if (!b)
		return;
	bottle_stop(b);
	if (b->has_thread) {
		set_state(b, ENDING);
		pthread_join(b->thread, NULL);
	}
	/* the namespace would go by itself, but a moment later */
	if (b->ifindex)
		bottle_link_remove(b->ifindex);
	if (b->netns >= 0)
		close(b->netns);
	if (b->stop_fd >= 0)
		close(b->stop_fd);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

unsigned bottle_ifindex(const struct bottle *b)
{
	return b->ifindex;
}

const char *bottle_device(const struct bottle *b)
{
	return b->device;
}

const uint8_t *bottle_mac(const struct bottle *b)
{
	return b->mac;
}

int bottle_stop_fd(const struct bottle *b)
{
	return b->stop_fd;
}
