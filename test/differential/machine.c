/* SPDX-License-Identifier: MIT */
/*
 * Running bodies and callbacks, and the numbers of futures.
 *
 * Numbers are given in the order of the Python side: a task's when its
 * coroutine is made, another future's when it is put into a slot. All futures
 * with a number are kept until the program has ended.
 *
 * An error that leaves an operation is kept with its detail (error_new), and
 * raised again where the library has to see it: at the end of a scope or task
 * (error_back). What a handler met in between does not disturb it.
 */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

const struct operation *
operation_find(const char *name)
{
    static const struct operation *const tables[] = {
        operations_flow,  operations_task,    operations_wait,
        operations_scope, operations_context, operations_sync,
    };

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct operation *o = tables[i]; o->name != NULL; o++)
            if (strcmp(o->name, name) == 0)
                return o;
    return NULL;
}

/* --- numbers ---------------------------------------------------------------- */

int
new_number(struct machine *m)
{
    if (++m->last >= FUTURES)
        abort();
    return m->last;
}

int
number_of(const struct machine *m, const asyncio_future_t *future)
{
    for (int i = 1; i <= m->last; i++)
        if (m->entries[i].future == future)
            return i;
    return 0;
}

int
keep(struct machine *m, int slot, asyncio_future_t *future, enum made made,
     int rank)
{
    int num = new_number(m);

    m->entries[num] = (struct entry){.future = future, .made = made,
                                     .rank = rank};
    m->slots[slot] = num;
    return num;
}

struct entry *
slot_entry(struct machine *m, int slot)
{
    return m->slots[slot] != 0 ? &m->entries[m->slots[slot]] : NULL;
}

bool
may_await(const struct frame *fr, const struct machine *m, int num)
{
    return m->entries[num].rank > fr->num || num == fr->num;
}

bool
full(const struct machine *m)
{
    return m->last >= TASKS || m->closing;
}

bool
eager(const struct machine *m, int how)
{
    return how == 1 || (how == 0 && (m->program->flags & 1) != 0);
}

asyncio_context_t *
context_of(const struct machine *m, int i)
{
    return i >= 0 ? m->contexts[i] : NULL;
}

void *
scope_memory(struct machine *m, size_t size)
{
    void *memory = calloc(1, size);
    void **scopes = realloc(m->scopes, (m->scope_count + 1) * sizeof *scopes);

    if (memory == NULL || scopes == NULL)
        abort();
    m->scopes = scopes;
    m->scopes[m->scope_count++] = memory;
    return memory;
}

/* --- blocks ----------------------------------------------------------------- */

void
error_new(struct frame *fr, int code)
{
    const asyncio_exception_t *newest = asyncio_current_exception();

    if (asyncio_exception_code(newest) == code)
        newest = asyncio_exception_ref(newest);
    else
        newest = NULL;
    asyncio_exception_unref(fr->error->detail);
    fr->error->code = code;
    fr->error->detail = newest;
}

int
error_back(struct frame *fr)
{
    if (fr->error->detail != NULL)
        return asyncio_raise_exception(fr->error->detail);
    return asyncio_raise(fr->error->code, NULL);
}

static int
run_plain(struct machine *m, struct frame *fr, const struct line *line)
{
    int r;

    fr->text[0] = '\0';
    r = line->operation->run(m, fr, line);
    if (r < 0)
        error_text(fr->text, sizeof fr->text, r, asyncio_current_exception());
    trace(m, fr->who, line->tag, "%s", fr->text[0] != '\0' ? fr->text : "ok");
    return r;
}

static int
run_async(struct machine *m, struct frame *fr, const struct line *line)
{
    int r;

    fr->text[0] = '\0';
    r = line->operation->run(m, fr, line);
    if (r < 0) {
        /* A body called here has remembered its error itself. */
        if (!line->operation->calls)
            error_new(fr, r);
        error_text(fr->text, sizeof fr->text, r, fr->error->detail);
    }
    trace(m, fr->who, line->tag, "%s", fr->text[0] != '\0' ? fr->text : "ok");
    return r;
}

static int
run_block(struct machine *m, struct frame *fr, const struct line *line)
{
    int r = line->operation->run(m, fr, line);

    if (r < 0) {
        error_text(fr->text, sizeof fr->text, r, fr->error->detail);
        trace(m, fr->who, line->tag, "end %s", fr->text);
    } else {
        trace(m, fr->who, line->tag, "end");
    }
    return r;
}

int
block(struct machine *m, struct frame *fr, const struct line *lines)
{
    for (const struct line *line = lines; line != NULL; line = line->next) {
        int r = 0;

        if (m->lines > LINES || m->finished)
            return STOP;
        switch (line->operation->kind) {
        case OPERATION_PLAIN:
            run_plain(m, fr, line);
            break;
        case OPERATION_ASYNC:
            r = run_async(m, fr, line);
            break;
        case OPERATION_BLOCK:
            r = run_block(m, fr, line);
            if (r == STOP)
                return STOP;
            break;
        }
        if (r < 0)
            return r;
        if (strcmp(line->operation->name, "ret") == 0)
            return STOP;
    }
    return 0;
}

/* --- bodies and callbacks --------------------------------------------------- */

static int
run_body(const struct body *self, struct frame *fr)
{
    struct machine *m = self->machine;
    const struct line *lines =
        self->body < BODIES_MAX ? m->program->bodies[self->body] : NULL;
    char place[16];
    int r;

    snprintf(fr->who, sizeof fr->who, "T%d", self->num);
    snprintf(place, sizeof place, "%d", self->body);
    trace(m, fr->who, place, "start");
    r = block(m, fr, lines);
    if (r < 0) {
        error_text(fr->text, sizeof fr->text, r, fr->error->detail);
        trace(m, fr->who, place, "end %s", fr->text);
        return r;
    }
    trace(m, fr->who, place, "end %d", fr->ret);
    return fr->ret;
}

int
call_body(struct machine *m, struct frame *outer, int b, int num)
{
    struct body self = {.machine = m, .body = b, .num = num};
    struct frame fr = {.num = num, .error = outer->error};

    return run_body(&self, &fr);
}

/* Tasks that the library makes of a coroutine become known here. */
static void
become_known(const struct body *self)
{
    struct machine *m = self->machine;
    asyncio_task_t *task = asyncio_current_task();
    struct entry *entry = &m->entries[self->num];

    if (self->num == m->main_number)
        m->main = task;
    if (entry->future != NULL || asyncio_task_frame(task) != self)
        return;
    entry->future = asyncio_future_ref(task);
    entry->made = MADE_TASK;
    entry->rank = self->num;
}

int
body(void *arg)
{
    struct body *self = arg;
    struct error error = {.code = 0};
    struct frame fr = {.num = self->num, .error = &error};
    int r;

    become_known(self);
    r = run_body(self, &fr);
    if (r < 0)
        error_back(&fr);
    asyncio_exception_unref(error.detail);
    return r;
}

struct callback *
callback_of(struct machine *m, int number)
{
    m->callbacks[number] = (struct callback){.machine = m, .number = number};
    return &m->callbacks[number];
}

int
callback(void *arg)
{
    struct callback *self = arg;
    struct machine *m = self->machine;
    struct frame fr = {.who = "-"};
    char place[16];

    if (m->lines > LINES || m->finished)
        return 0;
    snprintf(place, sizeof place, "c%d", self->number);
    trace(m, "-", place, "start");
    for (const struct line *line = m->program->callbacks[self->number];
         line != NULL; line = line->next) {
        run_plain(m, &fr, line);
        if (fail_code(line) < 0)
            return asyncio_raise(fail_code(line), NULL);
    }
    return 0;
}

int
done_callback(asyncio_future_t *future, void *arg)
{
    (void) future;
    return callback(arg);
}
