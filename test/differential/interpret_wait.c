/* SPDX-License-Identifier: MIT */
/*
 * Operations: waiting for several futures, shields, wait_for.
 *
 * Python counterpart: the second half of ops_tasks.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* The occupied ones of the slots a line names from some argument on. */
struct several {
    asyncio_future_t *futures[ARGS_MAX];
    int numbers[ARGS_MAX];
    size_t count;
    int rank;  /* the lowest */
    int depth; /* the highest */
};

static struct several
pick(const struct machine *m, const struct line *line, int from)
{
    struct several several = {.rank = TOP};

    for (int i = from; i < line->count; i++) {
        int num = m->slots[line->args[i]];

        if (num == 0)
            continue;
        several.futures[several.count] = m->entries[num].future;
        several.numbers[several.count++] = num;
        if (m->entries[num].rank < several.rank)
            several.rank = m->entries[num].rank;
        if (m->entries[num].depth > several.depth)
            several.depth = m->entries[num].depth;
    }
    return several;
}

/* --- gather ----------------------------------------------------------------- */

static int
gather(struct machine *m, struct frame *fr, struct several *several,
       bool return_exceptions)
{
    struct entry list = {.made = MADE_GATHER};
    int r = asyncio_gather(several->futures, several->count,
                           .return_exceptions = return_exceptions);

    if (r < 0)
        return r;
    /* A number that is nobody's stands for the list. */
    list.children = several->numbers;
    list.count = several->count;
    m->entries[0] = list;
    say_value(m, fr, 0);
    m->entries[0] = (struct entry){.future = NULL};
    return 0;
}

OPERATION(gather)
{
    struct several several = pick(m, line, 1);

    if (several.count > 0 && several.rank <= fr->num)
        return say(fr, "skip");
    return gather(m, fr, &several, line->args[0] != 0);
}

OPERATION(gatherc)
{
    struct several several = {.rank = TOP};
    int r;

    if (full(m))
        return say(fr, "full");
    /* In Python the coroutines exist, and have their numbers, before tasks. */
    for (int i = 1; i < line->count; i++)
        several.numbers[several.count++] = new_number(m);
    for (size_t i = 0; i < several.count; i++) {
        int num = several.numbers[i];
        asyncio_task_t *task = asyncio_create_task(
            asyncio_coro(body, .machine = m, .body = line->args[i + 1],
                         .num = num));

        asyncio_future_unref(m->entries[num].future);
        m->entries[num] =
            (struct entry){.future = task, .made = MADE_TASK, .rank = num};
        several.futures[i] = task;
    }
    r = gather(m, fr, &several, line->args[0] != 0);
    return r;
}

/* Describe the future in a slot as made of others. */
static void
made_of(struct machine *m, int num, const int *children, size_t count)
{
    struct entry *entry = &m->entries[num];

    entry->children = calloc(count + 1, sizeof *children);
    if (entry->children == NULL)
        abort();
    memcpy(entry->children, children, count * sizeof *children);
    entry->count = count;
}

OPERATION(gatherf)
{
    struct several several = pick(m, line, 2);

    /* A cancellation goes all the ways down, one by one. */
    if (several.depth == DEPTH)
        return say(fr, "deep");
    asyncio_future_t *future =
        asyncio_gather_future(several.futures, several.count,
                              .return_exceptions = line->args[1] != 0);
    int num = keep(m, line->args[0], future, MADE_GATHER, several.rank);

    m->entries[num].depth = several.depth + 1;
    made_of(m, num, several.numbers, several.count);
    return say(fr, "%d", num);
}

/* --- wait ------------------------------------------------------------------- */

/* How this library writes a timeout that may be none. */
static double
limit(int eighths)
{
    if (eighths == NO_TIME)
        return 0;
    return eighths <= 0 ? -1 : eighths / 8.0;
}

/* The numbers of those that are done, or not, each once. */
static void
list_done(char *buffer, size_t size, const struct several *several,
          const bool *done, bool which)
{
    size_t n = (size_t) snprintf(buffer, size, "[");
    bool first = true;

    for (size_t i = 0; i < several->count; i++) {
        bool seen = false;

        for (size_t j = 0; j < i; j++)
            seen = seen || several->numbers[j] == several->numbers[i];
        if (seen || done[i] != which)
            continue;
        n += (size_t) snprintf(buffer + n, size - n, first ? "%d" : ",%d",
                               several->numbers[i]);
        first = false;
    }
    snprintf(buffer + n, size - n, "]");
}

OPERATION(wait)
{
    static const asyncio_return_when_t modes[] = {
        ASYNCIO_FIRST_COMPLETED, ASYNCIO_FIRST_EXCEPTION,
        ASYNCIO_ALL_COMPLETED};
    struct several several = pick(m, line, 2);
    double timeout = limit(line->args[1]);
    char text[2][64];
    bool done[ARGS_MAX];
    int r = asyncio_wait(several.futures, several.count, .timeout = timeout,
                         .return_when = modes[line->args[0]]);

    if (r < 0)
        return r;
    for (size_t i = 0; i < several.count; i++)
        done[i] = asyncio_future_done(several.futures[i]);
    list_done(text[0], sizeof text[0], &several, done, true);
    list_done(text[1], sizeof text[1], &several, done, false);
    return say(fr, "%s %s", text[0], text[1]);
}

/* --- as_completed ----------------------------------------------------------- */

OPERATION(ascompleted)
{
    struct several several = pick(m, line, 2);
    asyncio_as_completed_t *it = asyncio_as_completed(
        several.futures, several.count, .timeout = limit(line->args[0]));
    asyncio_future_t *future;
    int n = 0, r = 0;

    while (n != line->args[1]
           && (r = asyncio_as_completed_next(it, &future)) > 0) {
        trace(m, fr->who, "ascompleted", "%d", number_of(m, future));
        n++;
    }
    asyncio_as_completed_unref(it);
    return r < 0 ? r : say(fr, "%d", n);
}

/* Await one waiter; errors are shown, a cancellation ends the loop. */
static int
await_waiter(struct machine *m, struct frame *fr, asyncio_coro_t waiter)
{
    asyncio_as_completed_waiter_t *frame = waiter.frame;
    int r = asyncio_await(waiter);
    char text[512];

    if (r == ASYNCIO_ERR_CANCELLED)
        return r;
    if (r < 0)
        error_text(text, sizeof text, r, asyncio_current_exception());
    else
        value_text(m, text, sizeof text, number_of(m, frame->future));
    trace(m, fr->who, "waiters", "%s", text);
    return 0;
}

OPERATION(waiters)
{
    struct several several = pick(m, line, 2);
    asyncio_as_completed_t *it = asyncio_as_completed(
        several.futures, several.count, .timeout = limit(line->args[0]));
    asyncio_coro_t waiter;
    int n = 0, r = 0;

    while (n != line->args[1]
           && (r = asyncio_as_completed_next_waiter(it, &waiter)) > 0) {
        r = await_waiter(m, fr, waiter);
        if (r < 0)
            break;
        n++;
    }
    asyncio_as_completed_unref(it);
    return r < 0 ? r : say(fr, "%d", n);
}

/* --- shield ----------------------------------------------------------------- */

OPERATION(shield)
{
    int num = m->slots[line->args[0]];
    int r;

    if (num == 0)
        return say(fr, "none");
    if (!may_await(fr, m, num))
        return say(fr, "skip");
    r = asyncio_shield(m->entries[num].future);
    return r < 0 ? r : say_value(m, fr, num);
}

OPERATION(shieldf)
{
    int inner = m->slots[line->args[1]];
    asyncio_future_t *future;
    int num;

    if (inner == 0)
        return say(fr, "none");
    future = asyncio_shield_future(m->entries[inner].future);
    if (future == m->entries[inner].future) {
        asyncio_future_unref(future);
        m->slots[line->args[0]] = inner;
        return say(fr, "%d", inner);
    }
    num = keep(m, line->args[0], future, MADE_SHIELD, TOP);
    made_of(m, num, &inner, 1);
    return say(fr, "%d", num);
}

OPERATION(shieldc)
{
    int r;

    if (full(m))
        return say(fr, "full");
    r = asyncio_shield(asyncio_coro(body, .machine = m, .body = line->args[0],
                                    .num = new_number(m)));
    return r < 0 ? r : say(fr, "%d", r);
}

/* --- wait_for --------------------------------------------------------------- */

OPERATION(waitfor)
{
    int num = m->slots[line->args[1]];
    int r;

    if (num == 0)
        return say(fr, "none");
    if (m->entries[num].rank <= fr->num)
        return say(fr, "skip");
    r = asyncio_wait_for(m->entries[num].future, seconds(line->args[0]));
    return r < 0 ? r : say_value(m, fr, num);
}

OPERATION(waitforc)
{
    int r;

    if (full(m))
        return say(fr, "full");
    r = asyncio_wait_for(asyncio_coro(body, .machine = m,
                                      .body = line->args[1],
                                      .num = new_number(m)),
                         seconds(line->args[0]));
    return r < 0 ? r : say(fr, "%d", r);
}

const struct operation operations_wait[] = {
    {"gather", OPERATION_ASYNC, op_gather, false},
    {"gatherc", OPERATION_ASYNC, op_gatherc, false},
    {"gatherf", OPERATION_PLAIN, op_gatherf, false},
    {"wait", OPERATION_ASYNC, op_wait, false},
    {"ascompleted", OPERATION_ASYNC, op_ascompleted, false},
    {"waiters", OPERATION_ASYNC, op_waiters, false},
    {"shield", OPERATION_ASYNC, op_shield, false},
    {"shieldf", OPERATION_PLAIN, op_shieldf, false},
    {"shieldc", OPERATION_ASYNC, op_shieldc, false},
    {"waitfor", OPERATION_ASYNC, op_waitfor, false},
    {"waitforc", OPERATION_ASYNC, op_waitforc, false},
    {NULL, OPERATION_PLAIN, NULL, false},
};
