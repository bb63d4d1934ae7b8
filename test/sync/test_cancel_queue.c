/* SPDX-License-Identifier: MIT */
/*
 * Tasks at queues that are cancelled before every step: every item that was
 * put is got once or still there, and nobody waits for what has come.
 */
#include "play.h"

#include <string.h>

enum { PRODUCERS = 2, ITEMS = 2 };

struct at_queue {
    asyncio_queue_t queue;
    asyncio_event_t produced;
    int producers; /* that have not ended */
    int put;
    int got;
    int last[PRODUCERS]; /* of the items that each producer numbers */
};

static int
compare(const void *a, const void *b)
{
    return ((intptr_t) a > (intptr_t) b) - ((intptr_t) a < (intptr_t) b);
}

static void
begin(struct at_queue *self)
{
    self->producers = PRODUCERS;
    asyncio_event_init(&self->produced);
    for (int i = 0; i < PRODUCERS; i++)
        self->last[i] = -1;
}

static void
begin_queue(void *arg)
{
    struct at_queue *self = arg;

    begin(self);
    assert_r(asyncio_queue_init(&self->queue, 1), 0);
}

static void
begin_lifo(void *arg)
{
    struct at_queue *self = arg;

    begin(self);
    assert_r(asyncio_lifo_queue_init(&self->queue, 1), 0);
}

static void
begin_priority(void *arg)
{
    struct at_queue *self = arg;

    begin(self);
    assert_r(asyncio_priority_queue_init(&self->queue, 1, compare), 0);
}

static void
begin_unlimited(void *arg)
{
    struct at_queue *self = arg;

    begin(self);
    assert_r(asyncio_queue_init(&self->queue, 0), 0);
}

static void
end(void *arg)
{
    struct at_queue *self = arg;

    ck_assert_int_eq(self->got + (int) asyncio_queue_qsize(&self->queue),
                     self->put);
    assert_r(asyncio_queue_fini(&self->queue), 0);
    assert_r(asyncio_event_fini(&self->produced), 0);
}

static void
took(struct at_queue *self, void *item)
{
    int number = (int) (intptr_t) item;
    int producer = number / ITEMS;

    ck_assert_int_gt(number, self->last[producer]);
    self->last[producer] = number;
    self->got++;
}

/* The last one to end shuts the queue down. */
static int
produce(void *arg)
{
    struct part *part = arg;
    struct at_queue *self = part->state;
    int r = 0;

    for (int i = 0; i < ITEMS && r == 0; i++) {
        r = asyncio_queue_put(&self->queue,
                              (void *) (intptr_t) (part->number * ITEMS + i));
        self->put += r == 0;
    }
    if (--self->producers == 0) {
        asyncio_queue_shutdown(&self->queue);
        asyncio_event_set(&self->produced);
    }
    return r;
}

static int
consume(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;

    for (;;) {
        void *item;
        int r = asyncio_queue_get(&self->queue, &item);

        if (r == ASYNCIO_ERR_QUEUE_SHUT_DOWN)
            return 0;
        if (r < 0)
            return r;
        took(self, item);
        r = asyncio_sleep(0);
        if (r < 0)
            return r;
    }
}

PLAIN(a_queue_loses_no_item_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_queue,
        .end = end,
        .parts = {produce, produce, consume, consume}};

    cancel_everywhere(&play);
}

PLAIN(a_lifo_queue_loses_no_item_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_lifo,
        .end = end,
        .parts = {produce, produce, consume, consume}};

    cancel_everywhere(&play);
}

PLAIN(a_priority_queue_loses_no_item_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_priority,
        .end = end,
        .parts = {produce, produce, consume, consume}};

    cancel_everywhere(&play);
}

/* One item, and if it is late another try. */
static int
consume_one(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;
    void *item;
    int r = asyncio_queue_get(&self->queue, &item);

    if (r >= 0)
        took(self, item);
    return r;
}

/* Three items at once, of which it takes the first back. */
static int
produce_and_take_back(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;
    int cancelled = asyncio_sleep(1);
    void *item;

    for (int i = 0; i < 4; i++) {
        assert_r(asyncio_queue_put_nowait(&self->queue,
                                          (void *) (intptr_t) i),
                 0);
        self->put++;
    }
    assert_r(asyncio_queue_get_nowait(&self->queue, &item), 0);
    took(self, item);
    return cancelled;
}

PLAIN(items_reach_all_getters_but_the_one_that_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_unlimited,
        .end = end,
        .parts = {consume_one, consume_one, consume_one,
                  produce_and_take_back}};

    cancel_everywhere(&play);
}

static int
put_one(void *arg)
{
    struct part *part = arg;
    struct at_queue *self = part->state;
    int r = asyncio_queue_put(&self->queue,
                              (void *) (intptr_t) (part->number % 2));

    self->put += r >= 0;
    return r;
}

/* Room for all of them, whatever happens. */
static int
make_room(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;
    int cancelled = 0;

    for (int i = 0; i < 6; i++) {
        void *item;
        int r = asyncio_sleep(0);

        if (r < 0)
            cancelled = r;
        if (asyncio_queue_get_nowait(&self->queue, &item) == 0)
            self->got++;
    }
    return cancelled;
}

PLAIN(room_reaches_all_putters_but_the_one_that_is_cancelled,
      .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_queue,
        .end = end,
        .parts = {put_one, put_one, put_one, put_one, make_room}};

    cancel_everywhere(&play);
}

/* --- join and shutdown ------------------------------------------------------ */

static int
work(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;

    for (;;) {
        void *item;
        int r = asyncio_queue_get(&self->queue, &item);

        if (r < 0)
            return r == ASYNCIO_ERR_QUEUE_SHUT_DOWN ? 0 : r;
        self->got++;
        r = asyncio_sleep(1);
        assert_r(asyncio_queue_task_done(&self->queue), 0);
        if (r < 0)
            return r;
    }
}

static int
order_and_join(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;
    int r;

    for (int i = 0; i < 3; i++) {
        assert_r(asyncio_queue_put_nowait(&self->queue, NULL), 0);
        self->put++;
    }
    r = asyncio_queue_join(&self->queue);
    if (r >= 0)
        ck_assert_int_eq(self->got, self->put);
    asyncio_queue_shutdown(&self->queue);
    return r;
}

PLAIN(join_ends_when_the_work_is_done_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_unlimited,
        .end = end,
        .parts = {work, order_and_join, work}};

    cancel_everywhere(&play);
}

static int
shut_down_at_once(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;
    int r = asyncio_sleep(1);

    self->put -= (int) asyncio_queue_qsize(&self->queue);
    asyncio_queue_shutdown(&self->queue, .immediate = true);
    return r;
}

static int
join_only(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;

    return asyncio_queue_join(&self->queue);
}

PLAIN(a_shutdown_ends_all_that_wait_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_queue,
        .end = end,
        .parts = {put_one, put_one, put_one, join_only, shut_down_at_once}};

    cancel_everywhere(&play);
}

PLAIN(a_shutdown_ends_all_that_get_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_queue,
        .end = end,
        .parts = {consume, consume, shut_down_at_once, consume}};

    cancel_everywhere(&play);
}

/* --- a timeout around each wait --------------------------------------------- */

static int
consume_with_timeouts(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;

    for (int tries = 0; tries < 4; tries++) {
        asyncio_timeout_t timeout;
        void *item;
        int r;

        asyncio_timeout_enter(asyncio_timeout(&timeout, 0.5));
        r = asyncio_queue_get(&self->queue, &item);
        if (r == 0)
            took(self, item);
        r = asyncio_timeout_exit(&timeout, r);
        if (r < 0 && r != ASYNCIO_ERR_TIMEOUT)
            return r == ASYNCIO_ERR_QUEUE_SHUT_DOWN ? 0 : r;
    }
    return 0;
}

/* Its items come just when the others give up. */
static int
produce_late(void *arg)
{
    struct at_queue *self = ((struct part *) arg)->state;
    int r = 0;

    for (int i = 0; i < 3 && r == 0; i++) {
        r = asyncio_sleep(0.5);
        if (r == 0 && asyncio_queue_put_nowait(&self->queue,
                                               (void *) (intptr_t) i)
                == 0)
            self->put++;
    }
    return r;
}

PLAIN(an_item_that_comes_with_a_timeout_is_not_lost, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_queue),
        .begin = begin_unlimited,
        .end = end,
        .parts = {consume_with_timeouts, produce_late,
                  consume_with_timeouts}};

    cancel_everywhere(&play);
}
