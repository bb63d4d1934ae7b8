/* SPDX-License-Identifier: MIT */
/*
 * Operations: locks, events, conditions, semaphores, barriers, queues.
 *
 * Items of queues are small integers in the pointers.
 *
 * Python counterpart: ops_sync.py.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static void *
it(const struct machine *m, const struct line *line)
{
    return m->objects[line->args[0]].it;
}

/* --- making objects --------------------------------------------------------- */

static int
compare_items(const void *a, const void *b)
{
    return ((intptr_t) a > (intptr_t) b) - ((intptr_t) a < (intptr_t) b);
}

static const char *const kinds[] = {
    "lock",    "event", "condition", "semaphore", "bounded",
    "barrier", "queue", "priority",  "lifo"};

static void
object_init(struct object *object, const struct object_line *line)
{
    static const size_t sizes[] = {
        sizeof(asyncio_lock_t),      sizeof(asyncio_event_t),
        sizeof(asyncio_condition_t), sizeof(asyncio_semaphore_t),
        sizeof(asyncio_semaphore_t), sizeof(asyncio_barrier_t),
        sizeof(asyncio_queue_t),     sizeof(asyncio_queue_t),
        sizeof(asyncio_queue_t)};
    int kind = 0;

    while (strcmp(kinds[kind], line->kind) != 0)
        kind++;
    object->kind = (enum object_kind) kind;
    object->it = calloc(1, sizes[kind]);
    object->permits = 1;
    switch (object->kind) {
    case OBJECT_LOCK:
        asyncio_lock_init(object->it);
        break;
    case OBJECT_EVENT:
        asyncio_event_init(object->it);
        break;
    case OBJECT_CONDITION:
        asyncio_condition_init(object->it, NULL);
        break;
    case OBJECT_SEMAPHORE:
        object->permits = line->value;
        asyncio_semaphore_init(object->it, line->value);
        break;
    case OBJECT_BOUNDED:
        object->permits = line->value;
        asyncio_bounded_semaphore_init(object->it, line->value);
        break;
    case OBJECT_BARRIER:
        asyncio_barrier_init(object->it, line->value);
        break;
    case OBJECT_QUEUE:
        asyncio_queue_init(object->it, line->value);
        break;
    case OBJECT_PRIORITY:
        asyncio_priority_queue_init(object->it, line->value, compare_items);
        break;
    case OBJECT_LIFO:
        asyncio_lifo_queue_init(object->it, line->value);
        break;
    }
}

void
objects_init(struct machine *m)
{
    for (size_t i = 0; i < m->program->object_count; i++)
        object_init(&m->objects[i], &m->program->objects[i]);
}

static void
object_fini(struct object *object)
{
    switch (object->kind) {
    case OBJECT_LOCK:
        asyncio_lock_fini(object->it);
        break;
    case OBJECT_EVENT:
        asyncio_event_fini(object->it);
        break;
    case OBJECT_CONDITION:
        asyncio_condition_fini(object->it);
        break;
    case OBJECT_SEMAPHORE:
    case OBJECT_BOUNDED:
        asyncio_semaphore_fini(object->it);
        break;
    case OBJECT_BARRIER:
        asyncio_barrier_fini(object->it);
        break;
    case OBJECT_QUEUE:
    case OBJECT_PRIORITY:
    case OBJECT_LIFO:
        asyncio_queue_fini(object->it);
        break;
    }
}

void
objects_fini(struct machine *m)
{
    for (size_t i = 0; i < m->program->object_count; i++) {
        object_fini(&m->objects[i]);
        free(m->objects[i].it);
    }
}

/* --- lock, condition and semaphore: what can be acquired -------------------- */

static int
acquire_it(const struct object *object)
{
    switch (object->kind) {
    case OBJECT_LOCK:
        return asyncio_lock_acquire(object->it);
    case OBJECT_CONDITION:
        return asyncio_condition_acquire(object->it);
    default:
        return asyncio_semaphore_acquire(object->it);
    }
}

static int
acquire(struct machine *m, struct object *object)
{
    struct turn turn;
    int r;

    turn_begin(object, &turn);
    r = acquire_it(object);
    turn_end(m, object, &turn, r);
    if (r >= 0)
        permit_taken(m, object);
    return r;
}

static int
release_it(const struct object *object)
{
    switch (object->kind) {
    case OBJECT_LOCK:
        return asyncio_lock_release(object->it);
    case OBJECT_CONDITION:
        return asyncio_condition_release(object->it);
    case OBJECT_BOUNDED:
        return asyncio_bounded_semaphore_release(object->it);
    default:
        return asyncio_semaphore_release(object->it);
    }
}

static int
release(struct object *object)
{
    int r = release_it(object);

    object->permits += r >= 0;
    return r;
}

static bool
locked(const struct object *object)
{
    switch (object->kind) {
    case OBJECT_LOCK:
        return asyncio_lock_locked(object->it);
    case OBJECT_CONDITION:
        return asyncio_condition_locked(object->it);
    default:
        return asyncio_semaphore_locked(object->it);
    }
}

void
object_open(struct object *object)
{
    if ((object->kind == OBJECT_LOCK || object->kind == OBJECT_CONDITION)
        && locked(object))
        release(object);
}

OPERATION(acquire)
{
    int r = acquire(m, &m->objects[line->args[0]]);

    return r < 0 ? r : say(fr, "1");
}

OPERATION(release)
{
    (void) fr;
    return release(&m->objects[line->args[0]]);
}

OPERATION(locked)
{
    return say(fr, "%d", locked(&m->objects[line->args[0]]));
}

OPERATION(with)
{
    struct object *object = &m->objects[line->args[0]];
    int r = acquire(m, object);
    int r2;

    if (r < 0) {
        error_new(fr, r);
        return r;
    }
    trace(m, fr->who, line->tag, "entered");
    r = block(m, fr, line->body);
    r2 = release(object);
    if (r2 < 0) {
        error_new(fr, r2);
        return r2;
    }
    return r;
}

/* --- event ------------------------------------------------------------------ */

OPERATION(ewait)
{
    struct object *object = &m->objects[line->args[0]];
    int r;

    object->waiting++;
    r = asyncio_event_wait(object->it);
    object->waiting--;
    return r < 0 ? r : say(fr, "1");
}

OPERATION(eset)
{
    (void) fr;
    asyncio_event_set(it(m, line));
    return 0;
}

OPERATION(eclear)
{
    (void) fr;
    asyncio_event_clear(it(m, line));
    return 0;
}

OPERATION(eisset)
{
    return say(fr, "%d", asyncio_event_is_set(it(m, line)));
}

/* --- condition -------------------------------------------------------------- */

/* Waiting gives the lock back and takes it again, whatever happens. */
static bool
gives_back(struct object *object)
{
    bool held = locked(object);

    object->permits += held;
    return held;
}

static void
takes_again(struct machine *m, struct object *object, bool held)
{
    if (held)
        permit_taken(m, object);
}

OPERATION(cwait)
{
    struct object *object = &m->objects[line->args[0]];
    bool held = gives_back(object);
    int r = asyncio_condition_wait(object->it);

    takes_again(m, object, held);
    return r < 0 ? r : say(fr, "1");
}

struct predicate {
    const int *variable;
    int least;
};

static int
holds(void *arg)
{
    const struct predicate *self = arg;

    return *self->variable >= self->least;
}

OPERATION(cwaitfor)
{
    struct predicate predicate = {.variable = &m->variables[line->args[1]],
                                  .least = line->args[2]};
    struct object *object = &m->objects[line->args[0]];
    bool held = gives_back(object);
    int r = asyncio_condition_wait_for(object->it, holds, &predicate);

    takes_again(m, object, held);
    return r < 0 ? r : say(fr, "1");
}

OPERATION(notify)
{
    (void) fr;
    return asyncio_condition_notify(it(m, line), (size_t) line->args[1]);
}

OPERATION(notifyall)
{
    (void) fr;
    return asyncio_condition_notify_all(it(m, line));
}

/* --- barrier ---------------------------------------------------------------- */

OPERATION(bwait)
{
    int r = asyncio_barrier_wait(it(m, line));

    return r < 0 ? r : say(fr, "%d", r);
}

OPERATION(breset)
{
    (void) fr;
    return asyncio_barrier_reset(it(m, line));
}

OPERATION(babort)
{
    (void) fr;
    return asyncio_barrier_abort(it(m, line));
}

OPERATION(binfo)
{
    asyncio_barrier_t *barrier = it(m, line);

    return say(fr, "%d %d %d", (int) asyncio_barrier_n_waiting(barrier),
               (int) asyncio_barrier_parties(barrier),
               asyncio_barrier_broken(barrier));
}

/* --- queues ----------------------------------------------------------------- */

static int
say_item(struct frame *fr, int r, void *item)
{
    return r < 0 ? r : say(fr, "%d", (int) (intptr_t) item);
}

OPERATION(put)
{
    struct object *object = &m->objects[line->args[0]];
    int r;

    (void) fr;
    object->putting++;
    r = asyncio_queue_put(object->it, (void *) (intptr_t) line->args[1]);
    object->putting--;
    return r;
}

OPERATION(putnow)
{
    (void) fr;
    return asyncio_queue_put_nowait(it(m, line),
                                    (void *) (intptr_t) line->args[1]);
}

OPERATION(get)
{
    struct object *object = &m->objects[line->args[0]];
    void *item = NULL;
    int r;

    object->waiting++;
    r = asyncio_queue_get(object->it, &item);
    object->waiting--;
    return say_item(fr, r, item);
}

OPERATION(getnow)
{
    void *item = NULL;
    int r = asyncio_queue_get_nowait(it(m, line), &item);

    return say_item(fr, r, item);
}

OPERATION(taskdone)
{
    (void) fr;
    return asyncio_queue_task_done(it(m, line));
}

OPERATION(join)
{
    (void) fr;
    return asyncio_queue_join(it(m, line));
}

OPERATION(shutdown)
{
    (void) fr;
    asyncio_queue_shutdown(it(m, line), .immediate = line->args[1] != 0);
    return 0;
}

OPERATION(qinfo)
{
    asyncio_queue_t *queue = it(m, line);

    return say(fr, "%d %d %d", (int) asyncio_queue_qsize(queue),
               asyncio_queue_empty(queue), asyncio_queue_full(queue));
}

const struct operation operations_sync[] = {
    {"acquire", OPERATION_ASYNC, op_acquire, false},
    {"release", OPERATION_PLAIN, op_release, false},
    {"locked", OPERATION_PLAIN, op_locked, false},
    {"with", OPERATION_BLOCK, op_with, true},
    {"ewait", OPERATION_ASYNC, op_ewait, false},
    {"eset", OPERATION_PLAIN, op_eset, false},
    {"eclear", OPERATION_PLAIN, op_eclear, false},
    {"eisset", OPERATION_PLAIN, op_eisset, false},
    {"cwait", OPERATION_ASYNC, op_cwait, false},
    {"cwaitfor", OPERATION_ASYNC, op_cwaitfor, false},
    {"notify", OPERATION_PLAIN, op_notify, false},
    {"notifyall", OPERATION_PLAIN, op_notifyall, false},
    {"bwait", OPERATION_ASYNC, op_bwait, false},
    {"breset", OPERATION_ASYNC, op_breset, false},
    {"babort", OPERATION_ASYNC, op_babort, false},
    {"binfo", OPERATION_PLAIN, op_binfo, false},
    {"put", OPERATION_ASYNC, op_put, false},
    {"putnow", OPERATION_PLAIN, op_putnow, false},
    {"get", OPERATION_ASYNC, op_get, false},
    {"getnow", OPERATION_PLAIN, op_getnow, false},
    {"taskdone", OPERATION_PLAIN, op_taskdone, false},
    {"join", OPERATION_ASYNC, op_join, false},
    {"shutdown", OPERATION_PLAIN, op_shutdown, false},
    {"qinfo", OPERATION_PLAIN, op_qinfo, false},
    {NULL, OPERATION_PLAIN, NULL, false},
};
