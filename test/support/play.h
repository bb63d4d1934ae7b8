/* SPDX-License-Identifier: MIT */
/*
 * Plays: a few tasks act on one state, again and again; each time one of them
 * is cancelled before another step, once all have begun. Between any two steps
 * of any tasks means at every suspension, before and after everything that
 * may wake it.
 *
 * Each cut is made in six ways: one cancellation, two at once, another one in
 * the next pass, a timeout, and a timeout together with a cancellation in
 * either order. Afterwards every task must have ended, and everything must be
 * as it was before the play.
 *
 *     static int
 *     reader(void *arg)
 *     {
 *         struct state *state = ((struct part *) arg)->state;
 *         ...
 *     }
 *
 *     PLAIN(a_reader_can_be_cancelled_anywhere)
 *     {
 *         static const struct play play = {
 *             .size = sizeof(struct state), .begin = begin, .end = end,
 *             .parts = {reader, writer}};
 *         cancel_everywhere(&play);
 *     }
 */
#ifndef TEST_SUPPORT_PLAY_H
#define TEST_SUPPORT_PLAY_H

#include "behaviour.h"

#include <asyncio.h>

enum { PARTS_MAX = 6 };

/* The frame of every part. */
struct part {
    void *state;
    int number; /* its index in the play */
};

struct play {
    size_t size;                 /* of the state; all zero at first */
    void (*begin)(void *state);  /* may be NULL */
    void (*end)(void *state);    /* all tasks have ended; may be NULL */
    int (*parts[PARTS_MAX])(void *part);
    bool may_block; /* cancelling one may leave others waiting for ever, which
                     * are cancelled then; else that is a lost wake-up */
};

/* All of it. The play has to end by itself when nobody is cancelled. */
void cancel_everywhere(const struct play *play);

#endif
