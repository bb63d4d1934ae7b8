/* SPDX-License-Identifier: MIT */
/*
 * Running a play with a cut before every step.
 *
 * The loop runs one pass at a time. Between two passes its ready queue holds
 * the steps of the next one; a job put in at any place of it makes the cut
 * exactly there.
 */
#include "play.h"

#include <asyncio/testing.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"

enum { PASSES_MAX = 10 * 1000, DEADLOCKS_MAX = 20 };

enum way {
    ONCE,
    TWICE,         /* at once */
    AGAIN,         /* in the next pass */
    EXPIRE,        /* a timeout around the part */
    CANCEL_EXPIRE, /* cancelled, and in the next pass the timeout */
    EXPIRE_CANCEL, /* the timeout, and in the next pass cancelled */
    WAYS
};

static const char *const ways[WAYS] = {
    "once",    "twice at once",           "in two passes",
    "expires", "cancelled, then expires", "expires, then is cancelled"};

struct actor {
    struct part part;
    int (*fn)(void *part);
    asyncio_task_t *task;
    asyncio_timeout_t timeout;
    bool inside; /* the timeout */
};

struct stage {
    asyncio_loop_t *loop;
    struct actor actors[PARTS_MAX];
    size_t count;
    struct actor *victim; /* NULL: nobody */
    enum way way;
    long step;            /* before which the cut is made */
    struct aio__job cut;
    struct aio__job second; /* in the next pass */
};

/* What runs, for the message of whatever fails inside. */
static struct stage *on_stage;

static void
on_failure(int status, void *arg)
{
    (void) arg;
    if (status != 0 && on_stage != NULL && on_stage->victim != NULL)
        fprintf(stderr, "# part %d, before step %ld: %s\n",
                on_stage->victim->part.number, on_stage->step,
                ways[on_stage->way]);
}

static int
act(void *frame)
{
    struct actor *self = *(struct actor **) frame;
    int r;

    asyncio_timeout_enter(asyncio_timeout(&self->timeout, ASYNCIO_NO_TIMEOUT));
    self->inside = true;
    r = self->fn(&self->part);
    self->inside = false;
    return asyncio_timeout_exit(&self->timeout, r);
}

static void
expire(struct stage *stage)
{
    if (stage->victim->inside)
        asyncio_timeout_reschedule(&stage->victim->timeout,
                                   asyncio_loop_time(stage->loop));
}

static void
on_cut(struct aio__job *job)
{
    struct stage *stage = aio__container_of(job, struct stage, cut);
    enum way way = stage->way;

    if (way == EXPIRE || way == EXPIRE_CANCEL)
        expire(stage);
    else
        asyncio_task_cancel(stage->victim->task, .message = "cut");
    if (way == TWICE)
        asyncio_task_cancel(stage->victim->task, .message = "cut");
    if (way == CANCEL_EXPIRE)
        expire(stage);
    if (way == AGAIN || way == EXPIRE_CANCEL)
        aio__ready(stage->loop, &stage->second);
}

static void
on_second(struct aio__job *job)
{
    struct stage *stage = aio__container_of(job, struct stage, second);

    asyncio_task_cancel(stage->victim->task, .message = "second");
}

static struct stage *
enter(const struct play *play, asyncio_loop_t *loop, struct actor **frames)
{
    struct stage *stage = calloc(1, sizeof *stage);

    stage->loop = loop;
    stage->cut.run = on_cut;
    stage->second.run = on_second;
    void *state = calloc(1, play->size + 1);
    if (play->begin != NULL)
        play->begin(state);
    for (int i = 0; i < PARTS_MAX && play->parts[i] != NULL; i++) {
        struct actor *actor = &stage->actors[stage->count++];

        actor->part = (struct part){.state = state, .number = i};
        actor->fn = play->parts[i];
        frames[i] = actor;
        actor->task = asyncio_loop_create_task(
            stage->loop, asyncio_coro_new(act, &frames[i], sizeof frames[i]));
    }
    return stage;
}

static void
leave(const struct play *play, struct stage *stage)
{
    void *state = stage->actors[0].part.state;

    if (play->end != NULL)
        play->end(state);
    for (size_t i = 0; i < stage->count; i++) {
        (void) asyncio_task_exception(stage->actors[i].task);
        asyncio_task_unref(stage->actors[i].task);
    }
    ck_assert_int_eq(asyncio_testing_counters().tasks, 0);
    free(state);
    free(stage);
}

static bool
all_ended(const struct stage *stage)
{
    for (size_t i = 0; i < stage->count; i++)
        if (!asyncio_task_done(stage->actors[i].task))
            return false;
    return true;
}

static void
cancel_all(const struct stage *stage)
{
    for (size_t i = 0; i < stage->count; i++)
        asyncio_task_cancel(stage->actors[i].task, .message = "blocked");
}

/* Put the job before the nth entry of the queue, or behind the last; false
 * when there are fewer, of which `n` loses the number. */
static bool
insert(struct aio__queue *queue, struct aio__job *job, long *n)
{
    struct aio__job **at = &queue->head;

    for (; *n > 0 && *at != NULL; --*n)
        at = &(*at)->next;
    if (*n > 0) {
        --*n;
        return false;
    }
    job->next = *at;
    *at = job;
    if (job->next == NULL)
        queue->tail = &job->next;
    return true;
}

static void
deadlock(const struct play *play, const struct stage *stage, int *times)
{
    ck_assert_msg(play->may_block || *times > 0,
                  "a wake-up was lost: tasks wait for ever");
    ck_assert_msg(stage->victim != NULL, "it does not end by itself");
    ck_assert_int_lt(++*times, DEADLOCKS_MAX);
    cancel_all(stage);
}

/* False when the play ended before the cut. */
static bool
perform(const struct play *play, asyncio_loop_t *loop, size_t victim,
        enum way way, long step)
{
    struct actor *frames[PARTS_MAX];
    struct stage *stage = enter(play, loop, frames);
    int deadlocks = 0, passes = 0;
    bool cut = false;

    on_stage = stage;
    if (victim < stage->count)
        stage->victim = &stage->actors[victim];
    stage->way = way;
    stage->step = step;
    while (!all_ended(stage)) {
        int r;

        if (stage->victim != NULL && !cut && passes > 0)
            cut = insert(&stage->loop->ready, &stage->cut, &step);
        r = asyncio_loop_run_once(stage->loop,
                                  aio__queue_empty(&stage->loop->ready));
        if (r == ASYNCIO_ERR_DEADLOCK)
            deadlock(play, stage, &deadlocks);
        else
            assert_r(r, 0);
        ck_assert_int_lt(++passes, PASSES_MAX);
    }
    /* What is still scheduled: callbacks, the second cut. */
    for (int i = 0; i < 3; i++)
        assert_r(asyncio_loop_run_once(stage->loop, false), 0);
    leave(play, stage);
    on_stage = NULL;
    return cut;
}

void
cancel_everywhere(const struct play *play)
{
    static bool registered;
    asyncio_loop_t *loop;

    if (!registered)
        on_exit(on_failure, NULL);
    registered = true;
    /* One for all: making a loop takes longer than a play. */
    assert_r(asyncio_testing_loop_factory(&loop), 0);
    perform(play, loop, SIZE_MAX, ONCE, 0);
    for (size_t i = 0; i < PARTS_MAX && play->parts[i] != NULL; i++)
        for (enum way way = ONCE; way < WAYS; way++)
            for (long step = 0; perform(play, loop, i, way, step); step++)
                ;
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}
