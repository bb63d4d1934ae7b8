/* SPDX-License-Identifier: MIT */
/*
 * Operations: timeouts and task groups.
 *
 * Their memory is kept until the program has ended, because other tasks and
 * callbacks name them after their blocks have.
 *
 * Python counterpart: the end of ops_tasks.py.
 */
#include "machine.h"

/* --- timeouts --------------------------------------------------------------- */

static int
in_timeout(struct machine *m, struct frame *fr, const struct line *line,
           asyncio_timeout_t *timeout)
{
    int r, r2;

    m->timeouts[line->args[0]] = timeout;
    asyncio_timeout_enter(timeout);
    r = block(m, fr, line->body);
    if (r < 0)
        error_back(fr);
    r2 = asyncio_timeout_exit(timeout, r);
    if (r2 < 0)
        error_new(fr, r2);
    trace(m, fr->who, line->tag, "expired %d",
          asyncio_timeout_expired(timeout));
    return r2;
}

OPERATION(timeout)
{
    asyncio_timeout_t *timeout = scope_memory(m, sizeof *timeout);

    return in_timeout(m, fr, line,
                      asyncio_timeout(timeout, seconds(line->args[1])));
}

OPERATION(timeoutat)
{
    asyncio_timeout_t *timeout = scope_memory(m, sizeof *timeout);

    return in_timeout(m, fr, line,
                      asyncio_timeout_at(timeout, seconds(line->args[1])));
}

OPERATION(prepare)
{
    asyncio_timeout_t *timeout = scope_memory(m, sizeof *timeout);

    m->timeouts[line->args[0]] =
        asyncio_timeout(timeout, seconds(line->args[1]));
    (void) fr;
    return 0;
}

OPERATION(reschedule)
{
    asyncio_timeout_t *timeout = m->timeouts[line->args[0]];
    double when = seconds(line->args[1]);

    if (timeout == NULL)
        return say(fr, "none");
    if (line->args[1] != NO_TIME)
        when += asyncio_loop_time(m->loop);
    return asyncio_timeout_reschedule(timeout, when);
}

OPERATION(expired)
{
    const asyncio_timeout_t *timeout = m->timeouts[line->args[0]];

    if (timeout == NULL)
        return say(fr, "none");
    return say(fr, "%d", asyncio_timeout_expired(timeout));
}

OPERATION(deadline)
{
    const asyncio_timeout_t *timeout = m->timeouts[line->args[0]];
    double when;

    if (timeout == NULL)
        return say(fr, "none");
    when = asyncio_timeout_when(timeout);
    if (when >= ASYNCIO_NO_TIMEOUT)
        return say(fr, "never");
    return say(fr, "%d", eighths(when));
}

/* --- task groups ------------------------------------------------------------ */

OPERATION(gprepare)
{
    asyncio_task_group_t *group = scope_memory(m, sizeof *group);

    m->groups[line->args[0]] = asyncio_task_group_init(group);
    (void) fr;
    return 0;
}

OPERATION(group)
{
    asyncio_task_group_t *group = scope_memory(m, sizeof *group);
    int r, r2;

    m->groups[line->args[0]] = asyncio_task_group_init(group);
    asyncio_task_group_enter(group);
    r = block(m, fr, line->body);
    if (r < 0)
        error_back(fr);
    else
        trace(m, fr->who, line->tag, "body done");
    r2 = asyncio_task_group_exit(group, r);
    if (r2 < 0)
        error_new(fr, r2);
    return r2;
}

const struct operation operations_scope[] = {
    {"timeout", OPERATION_BLOCK, op_timeout, true},
    {"timeoutat", OPERATION_BLOCK, op_timeoutat, true},
    {"prepare", OPERATION_PLAIN, op_prepare, false},
    {"reschedule", OPERATION_PLAIN, op_reschedule, false},
    {"expired", OPERATION_PLAIN, op_expired, false},
    {"deadline", OPERATION_PLAIN, op_deadline, false},
    {"gprepare", OPERATION_PLAIN, op_gprepare, false},
    {"group", OPERATION_BLOCK, op_group, true},
    {NULL, OPERATION_PLAIN, NULL, false},
};
