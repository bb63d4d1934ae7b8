/* SPDX-License-Identifier: MIT */
/*
 * Operations: tasks and futures.
 *
 * Python counterpart: the first half of ops_tasks.py.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"

static const int errors[] = {ERR_A, ERR_B, ERR_C};

static bool
is_task(const struct entry *entry)
{
    return entry != NULL && entry->made == MADE_TASK;
}

/* --- tasks ------------------------------------------------------------------ */

/* Put a new task into a slot under the number its coroutine got before. */
static int
new_task(struct machine *m, struct frame *fr, asyncio_task_t *task, int num,
         int slot)
{
    asyncio_future_unref(m->entries[num].future);
    m->entries[num] =
        (struct entry){.future = task, .made = MADE_TASK, .rank = num};
    m->slots[slot] = num;
    return say(fr, "T%d", num);
}

OPERATION(task)
{
    int slot = line->args[0], how = line->args[2];
    bool now = eager(m, how);
    asyncio_context_t *context = now ? NULL : context_of(m, line->args[3]);
    asyncio_task_t *task;
    char name[16];
    int num;

    if (full(m))
        return say(fr, "full");
    num = new_number(m);
    snprintf(name, sizeof name, "T%d", num);
    if (how == 2)
        task = asyncio_task_new(
            m->loop,
            asyncio_coro(body, .machine = m, .body = line->args[1], .num = num),
            .name = name, .context = context);
    else
        task = asyncio_loop_create_task(
            m->loop,
            asyncio_coro(body, .machine = m, .body = line->args[1], .num = num),
            .name = name, .context = context, .eager_start = how);
    return new_task(m, fr, task, num, slot);
}

OPERATION(gtask)
{
    asyncio_task_group_t *group = m->groups[line->args[0]];
    bool now = eager(m, line->args[3]);
    asyncio_context_t *context = now ? NULL : context_of(m, line->args[4]);
    asyncio_task_t *task;
    char name[16];
    int num;

    if (group == NULL)
        return say(fr, "none");
    if (full(m))
        return say(fr, "full");
    num = new_number(m);
    snprintf(name, sizeof name, "T%d", num);
    task = asyncio_task_group_create_task(
        group,
        asyncio_coro(body, .machine = m, .body = line->args[2], .num = num),
        .name = name, .context = context, .eager_start = line->args[3]);
    if (asyncio_task_frame(task) == NULL)
        return asyncio_future_result(task); /* refused */
    return new_task(m, fr, asyncio_future_ref(task), num, line->args[1]);
}

OPERATION(await)
{
    struct entry *entry = slot_entry(m, line->args[0]);
    int num = m->slots[line->args[0]];
    int r;

    if (entry == NULL)
        return say(fr, "none");
    if (!may_await(fr, m, num))
        return say(fr, "skip");
    r = asyncio_await_future(entry->future);
    return r < 0 ? r : say_value(m, fr, num);
}

/* The message of a cancellation; NULL for number 0. */
static const char *
message(int n)
{
    static const char *const messages[] = {NULL, "m1", "m2", "m3"};

    return messages[n];
}

OPERATION(cancel)
{
    struct entry *entry = slot_entry(m, line->args[0]);

    if (entry == NULL)
        return say(fr, "none");
    return say(fr, "%d",
               asyncio_future_cancel(entry->future,
                                     .message = message(line->args[1])));
}

OPERATION(cancelme)
{
    (void) m;
    return say(fr, "%d",
               asyncio_task_cancel(asyncio_current_task(),
                                   .message = message(line->args[0])));
}

OPERATION(uncancelme)
{
    (void) m, (void) line;
    return say(fr, "%u", asyncio_task_uncancel(asyncio_current_task()));
}

OPERATION(cancelling)
{
    (void) m, (void) line;
    return say(fr, "%u", asyncio_task_cancelling(asyncio_current_task()));
}

OPERATION(uncancel)
{
    struct entry *entry = slot_entry(m, line->args[0]);

    if (!is_task(entry) || asyncio_future_done(entry->future))
        return say(fr, "none");
    return say(fr, "%u", asyncio_task_uncancel(entry->future));
}

OPERATION(info)
{
    struct entry *entry = slot_entry(m, line->args[0]);
    int num = m->slots[line->args[0]];
    bool done, cancelled;

    if (entry == NULL)
        return say(fr, "none");
    done = asyncio_future_done(entry->future);
    cancelled = asyncio_future_cancelled(entry->future);
    if (!is_task(entry) || done)
        return say(fr, "%d %d %d", num, done, cancelled);
    return say(fr, "%d %d %d %u", num, done, cancelled,
               asyncio_task_cancelling(entry->future));
}

OPERATION(result)
{
    struct entry *entry = slot_entry(m, line->args[0]);
    int r;

    if (entry == NULL)
        return say(fr, "none");
    r = asyncio_future_result(entry->future);
    return r < 0 ? r : say_value(m, fr, m->slots[line->args[0]]);
}

OPERATION(exception)
{
    struct entry *entry = slot_entry(m, line->args[0]);
    const asyncio_exception_t *detail;

    if (entry == NULL)
        return say(fr, "none");
    detail = asyncio_future_exception(entry->future);
    if (detail == NULL)
        return say(fr, "0");
    error_text(fr->text, sizeof fr->text, asyncio_exception_code(detail),
               detail);
    return 0;
}

OPERATION(rename)
{
    struct entry *entry = slot_entry(m, line->args[0]);
    char name[16];

    if (!is_task(entry))
        return say(fr, "none");
    snprintf(name, sizeof name, "n%d", line->args[1]);
    asyncio_task_set_name(entry->future, name);
    return say(fr, "%s", asyncio_task_get_name(entry->future));
}

/* The number of a task, which its frame knows. */
static int
task_number(asyncio_task_t *task)
{
    const struct body *self = asyncio_task_frame(task);

    return self != NULL ? self->num : TOP;
}

OPERATION(current)
{
    asyncio_task_t *task = asyncio_current_task();

    (void) m, (void) line;
    return task == NULL ? say(fr, "none") : say(fr, "%d", task_number(task));
}

OPERATION(alltasks)
{
    asyncio_task_t **tasks;
    size_t count, n = 0;
    int r = asyncio_all_tasks(m->loop, &tasks, &count);

    (void) line;
    if (r < 0)
        return r;
    say(fr, "[");
    for (size_t i = 0; i < count; i++) {
        n += strlen(fr->text + n);
        snprintf(fr->text + n, sizeof fr->text - n, i > 0 ? ",%d" : "%d",
                 task_number(tasks[i]));
    }
    n += strlen(fr->text + n);
    snprintf(fr->text + n, sizeof fr->text - n, "]");
    asyncio_all_tasks_free(tasks, count);
    return 0;
}

/* --- futures ---------------------------------------------------------------- */

OPERATION(future)
{
    if (m->closing)
        return say(fr, "late"); /* nobody would finish it */
    return say(fr, "%d", keep(m, line->args[0],
                              asyncio_loop_create_future(m->loop), MADE_PLAIN,
                              TOP));
}

/* gather() and shield() finish their futures themselves. */
static bool
may_set(const struct entry *entry)
{
    return entry != NULL
           && (entry->made == MADE_PLAIN || entry->made == MADE_TASK);
}

OPERATION(setresult)
{
    struct entry *entry = slot_entry(m, line->args[0]);

    if (!may_set(entry))
        return say(fr, "none");
    return asyncio_future_set_result(entry->future, NULL,
                                     .status = line->args[1]);
}

OPERATION(setexc)
{
    struct entry *entry = slot_entry(m, line->args[0]);

    if (!may_set(entry))
        return say(fr, "none");
    return asyncio_future_set_exception(entry->future, errors[line->args[1]]);
}

OPERATION(addcb)
{
    struct entry *entry = slot_entry(m, line->args[0]);

    if (entry == NULL)
        return say(fr, "none");
    return asyncio_future_add_done_callback(
        entry->future, done_callback, callback_of(m, line->args[1]),
        .context = context_of(m, line->args[2]));
}

OPERATION(rmcb)
{
    struct entry *entry = slot_entry(m, line->args[0]);
    size_t n;

    if (entry == NULL)
        return say(fr, "none");
    n = asyncio_future_remove_done_callback(entry->future, done_callback,
                                            callback_of(m, line->args[1]));
    return say(fr, "%zu", n);
}

const struct operation operations_task[] = {
    {"task", OPERATION_PLAIN, op_task, false},
    {"gtask", OPERATION_PLAIN, op_gtask, false},
    {"await", OPERATION_ASYNC, op_await, false},
    {"cancel", OPERATION_PLAIN, op_cancel, false},
    {"cancelme", OPERATION_ASYNC, op_cancelme, false},
    {"uncancelme", OPERATION_ASYNC, op_uncancelme, false},
    {"cancelling", OPERATION_ASYNC, op_cancelling, false},
    {"uncancel", OPERATION_PLAIN, op_uncancel, false},
    {"info", OPERATION_PLAIN, op_info, false},
    {"result", OPERATION_PLAIN, op_result, false},
    {"exception", OPERATION_PLAIN, op_exception, false},
    {"rename", OPERATION_PLAIN, op_rename, false},
    {"current", OPERATION_PLAIN, op_current, false},
    {"alltasks", OPERATION_PLAIN, op_alltasks, false},
    {"future", OPERATION_PLAIN, op_future, false},
    {"setresult", OPERATION_PLAIN, op_setresult, false},
    {"setexc", OPERATION_PLAIN, op_setexc, false},
    {"addcb", OPERATION_PLAIN, op_addcb, false},
    {"rmcb", OPERATION_PLAIN, op_rmcb, false},
    {NULL, OPERATION_PLAIN, NULL, false},
};
