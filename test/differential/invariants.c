/* SPDX-License-Identifier: MIT */
/*
 * What must hold in every program, whatever CPython does: nobody waits for
 * what is there, those who wait for a lock or a semaphore get it in their
 * order, and no more of them have it than it has permits. Anything else is a
 * line in the trace that CPython's does not have.
 *
 * Programs may release what others hold, so permits are counted, not owners.
 */
#include "machine.h"

static void
broken(struct machine *m, const char *what)
{
    trace(m, "!", "invariant", "%s", what);
}

void
turn_begin(struct object *object, struct turn *turn)
{
    struct turn **at = &object->turns;

    while (*at != NULL)
        at = &(*at)->next;
    *turn = (struct turn){.next = NULL};
    *at = turn;
}

void
turn_end(struct machine *m, struct object *object, struct turn *turn, int r)
{
    struct turn **at = &object->turns;

    for (; *at != turn; at = &(*at)->next)
        if (r >= 0)
            (*at)->overtaken = true;
    *at = turn->next;
    /* Who was cancelled may be passed by others before it finds out. */
    if (r >= 0 && turn->overtaken)
        broken(m, "order");
}

void
permit_taken(struct machine *m, struct object *object)
{
    if (--object->permits < 0)
        broken(m, "exclusion");
}

/* Nothing runs and nothing is due: those who wait, wait for something. */
void
check_waits(struct machine *m)
{
    for (size_t i = 0; i < m->program->object_count; i++) {
        struct object *object = &m->objects[i];
        asyncio_queue_t *queue = object->it;
        bool lost = false;

        switch (object->kind) {
        case OBJECT_EVENT:
            lost = object->waiting > 0 && asyncio_event_is_set(object->it);
            break;
        case OBJECT_BARRIER:
            break;
        case OBJECT_QUEUE:
        case OBJECT_PRIORITY:
        case OBJECT_LIFO:
            lost = (object->waiting > 0 && !asyncio_queue_empty(queue))
                || (object->putting > 0 && !asyncio_queue_full(queue));
            break;
        default:
            lost = object->turns != NULL && object->permits > 0;
            break;
        }
        if (lost)
            broken(m, "a wake-up was lost");
    }
}
