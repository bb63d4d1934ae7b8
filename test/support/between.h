/* SPDX-License-Identifier: MIT */
/*
 * What happens between the moment when a reader's task is woken and the one
 * when it runs: an act, done by the protocol of a second connection. Its bytes
 * are sent after the reader's, so in the same poll it is called after that.
 *
 *     static void closes(struct between *self) { ... }
 *
 *     between_set_up(&self, closes, 0);
 *     ck_assert_int_eq(between_run(&self), 5);     "hello" was read
 *     between_tear_down(&self);
 */
#ifndef TEST_SUPPORT_BETWEEN_H
#define TEST_SUPPORT_BETWEEN_H

#include "pair.h"
#include "recorder.h"

struct between {
    struct recorder recorder; /* first */
    int peer;
    void (*act)(struct between *self); /* once, unless it is set again */
    struct pair s;
    asyncio_task_t *task; /* that reads */
    char got[64];         /* by it */
    int seen;             /* for the act */
};

/* The limit is the reader's; 0 for the usual one. */
void between_set_up(struct between *self, void (*act)(struct between *self),
                    size_t limit);
void between_tear_down(struct between *self);

/* Start the task, which reads all it can get, and let it wait. */
void between_wait(struct between *self);

/* Its result; it is dropped. */
int between_result(struct between *self);

/* Both: "hello" comes, then the act. */
int between_run(struct between *self);

/* Read in this task; what comes replaces `got`. */
ptrdiff_t between_read(struct between *self);

#endif
