/* SPDX-License-Identifier: MIT */
/*
 * Context variables.
 *
 * A map is an immutable array of (variable, value), sorted by the variable's
 * address and shared by all copies of a context. Values sit in counted boxes,
 * because several maps hold the same one. Maps and boxes are counted
 * atomically: a callback may be scheduled from another thread and take its
 * context along.
 *
 * Python counterpart: contextvars.
 */
#include "loop/context.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "loop/exception.h"
#include "loop/fiber.h"

struct asyncio_context_var {
    _Atomic(uint32_t) refs;
    const char *name;
    void *default_value;
    bool has_default;
};

struct aio__value {
    _Atomic(uint32_t) refs;
    void *value;
    asyncio_drop_t drop;
};

struct entry {
    asyncio_context_var_t *var; /* a reference */
    struct aio__value *value;   /* a reference */
};

struct aio__map {
    _Atomic(uint32_t) refs;
    uint32_t count;
    struct entry entries[];
};

/* Of a thread, outside everything that has its own. */
static aio__thread_local asyncio_context_t thread_context;
/* Entered by asyncio_context_run(); NULL: none. */
static aio__thread_local asyncio_context_t *entered;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void
value_unref(struct aio__value *value)
{
    if (value == NULL || atomic_fetch_sub(&value->refs, 1) != 1)
        return;
    if (value->drop != NULL)
        value->drop(value->value);
    aio__free(value, sizeof *value);
}

static struct aio__value *
value_ref(struct aio__value *value)
{
    if (value != NULL)
        atomic_fetch_add(&value->refs, 1);
    return value;
}

static size_t
map_size(uint32_t count)
{
    return sizeof(struct aio__map) + count * sizeof(struct entry);
}

struct aio__map *
aio__map_ref(struct aio__map *map)
{
    atomic_fetch_add(&map->refs, 1);
    return map;
}

void
aio__map_unref(struct aio__map *map)
{
    if (atomic_fetch_sub(&map->refs, 1) != 1)
        return;
    for (uint32_t i = 0; i < map->count; i++) {
        asyncio_context_var_unref(map->entries[i].var);
        value_unref(map->entries[i].value);
    }
    aio__free(map, map_size(map->count));
}

static struct aio__value *
map_find(const struct aio__map *map, const asyncio_context_var_t *var)
{
    for (uint32_t i = 0; map != NULL && i < map->count; i++)
        if (map->entries[i].var == var)
            return map->entries[i].value;
    return NULL;
}

/* A new map with `var` set to `value` (a reference), or without it for NULL. */
static struct aio__map *
map_with(const struct aio__map *old, asyncio_context_var_t *var,
         struct aio__value *value)
{
    uint32_t count = old != NULL ? old->count : 0;
    struct aio__map *map = aio__alloc(map_size(count + 1));

    if (map == NULL)
        return NULL;
    atomic_init(&map->refs, 1);
    map->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct entry entry = old->entries[i];

        if (entry.var == var)
            continue;
        atomic_fetch_add(&entry.var->refs, 1);
        value_ref(entry.value);
        map->entries[map->count++] = entry;
    }
    if (value != NULL) {
        atomic_fetch_add(&var->refs, 1);
        map->entries[map->count++] = (struct entry){var, value};
    }
    /* The count is the size: give back what was not needed. */
    if (map->count != count + 1) {
        struct aio__map *less =
            aio__realloc(map, map_size(count + 1), map_size(map->count));

        if (less == NULL) {
            uint32_t kept = map->count;

            for (uint32_t i = 0; i < kept; i++) {
                if (map->entries[i].value != value)
                    value_unref(map->entries[i].value);
                asyncio_context_var_unref(map->entries[i].var);
            }
            aio__free(map, map_size(count + 1));
        }
        map = less;
    }
    return map;
}

/* A function of a task inside another context, on the task's stack. */
struct context_run {
    struct aio__list link; /* of the loop's, the outer ones first */
    struct aio__fiber *fiber;
    asyncio_context_t *outer;
};

static void
on_thread_end(void *context)
{
    aio__context_fini(context);
}

static void
make_key(void)
{
    pthread_key_create(&key, on_thread_end);
}

asyncio_context_t *
aio__context_current(void)
{
    asyncio_loop_t *loop = aio__running;

    if (loop != NULL) {
        if (loop->current != NULL)
            return loop->current->context;
        if (loop->context != NULL)
            return loop->context;
    }
    return entered != NULL ? entered : &thread_context;
}

/* Where it is noted: in a task the context travels with it. */
static asyncio_context_t **
place(void)
{
    asyncio_loop_t *loop = aio__running;

    if (loop == NULL)
        return &entered;
    return loop->current != NULL ? &loop->current->context : &loop->context;
}

asyncio_context_t *
aio__context_enter(asyncio_context_t *context)
{
    asyncio_context_t **at = place();
    asyncio_context_t *outer = *at;

    *at = context;
    return outer;
}

asyncio_context_t *
asyncio_context(void)
{
    return aio__context_current();
}

static void
context_free(asyncio_context_t *context)
{
    aio__context_fini(context);
    aio__free(context, sizeof *context);
}

static asyncio_context_t *
context_of(struct aio__map *map)
{
    asyncio_context_t *context = aio__alloc(sizeof *context);

    if (context != NULL)
        aio__context_init(context, map, context_free);
    return context;
}

asyncio_context_t *
asyncio_copy_context(void)
{
    return context_of(aio__context_current()->map);
}

asyncio_context_t *
asyncio_context_new(void)
{
    return context_of(NULL);
}

asyncio_context_t *
asyncio_context_ref(asyncio_context_t *context)
{
    if (context != NULL && context != &thread_context)
        atomic_fetch_add(&context->refs, 1);
    return context;
}

asyncio_context_t *
asyncio_context_unref(asyncio_context_t *context)
{
    if (context != NULL && context != &thread_context)
        aio__context_drop(context);
    return NULL;
}

asyncio_context_t *
aio__context_of_fiber(asyncio_loop_t *loop, const struct aio__fiber *fiber)
{
    aio__list_foreach(link, &loop->context_runs) {
        struct context_run *run =
            aio__container_of(link, struct context_run, link);

        if (run->fiber == fiber)
            return run->outer;
    }
    return fiber->context;
}

/* Note it as long as it lasts; outside of tasks nobody asks. */
static void
note_run(struct context_run *run)
{
    asyncio_loop_t *loop = aio__running;

    aio__list_init(&run->link);
    run->fiber = loop != NULL ? loop->current : NULL;
    if (run->fiber != NULL)
        aio__list_push_back(&loop->context_runs, &run->link);
}

int
asyncio_context_run(asyncio_context_t *context, int (*fn)(void *arg), void *arg)
{
    struct context_run run = {.outer = aio__context_current()};
    bool held;
    int r;

    if (context == NULL || fn == NULL)
        return UV_EINVAL;
    if (context == run.outer || atomic_exchange(&context->entered, true))
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "cannot enter context: already entered");
    note_run(&run);
    held = aio__context_hold(run.outer);
    aio__context_enter(context);
    r = fn(arg);
    aio__context_enter(run.outer);
    atomic_store(&run.outer->entered, held);
    aio__list_remove(&run.link);
    atomic_store(&context->entered, false);
    return r;
}

asyncio_context_var_t *
asyncio_context_var_new(const char *name,
                        const asyncio_context_var_new_options_t *options)
{
    asyncio_context_var_t *var = aio__alloc(sizeof *var);

    if (var == NULL)
        return NULL;
    atomic_init(&var->refs, 1);
    var->name = name;
    var->default_value = aio__option(options, default_value, NULL);
    var->has_default = var->default_value != NULL
        || aio__option(options, has_default, false);
    return var;
}

asyncio_context_var_t *
asyncio_context_var_unref(asyncio_context_var_t *var)
{
    if (var != NULL && atomic_fetch_sub(&var->refs, 1) == 1)
        aio__free(var, sizeof *var);
    return NULL;
}

const char *
asyncio_context_var_name(const asyncio_context_var_t *var)
{
    return var->name;
}

int
asyncio_context_var_get(asyncio_context_var_t *var, void **ret_value)
{
    struct aio__value *value = map_find(aio__context_current()->map, var);

    if (value != NULL)
        *ret_value = value->value;
    else if (var->has_default)
        *ret_value = var->default_value;
    else
        return asyncio_raise_at(ASYNCIO_ERR_LOOKUP, NULL, 0,
                                "context variable %s has no value", var->name);
    return 0;
}

/* Takes the reference to `value`, when it succeeds. */
static int
set(asyncio_context_t *context, asyncio_context_var_t *var,
    struct aio__value *value)
{
    struct aio__map *map = map_with(context->map, var, value);

    if (map == NULL)
        return UV_ENOMEM;
    if (context == &thread_context) {
        pthread_once(&once, make_key);
        pthread_setspecific(key, context);
    }
    if (context->map != NULL)
        aio__map_unref(context->map);
    context->map = map;
    return 0;
}

int
asyncio_context_var_set(asyncio_context_var_t *var, void *value,
                        const asyncio_context_var_set_options_t *options)
{
    asyncio_context_t *context = aio__context_current();
    asyncio_context_token_t *token = aio__option(options, ret_token, NULL);
    struct aio__value *old = map_find(context->map, var);
    struct aio__value *box = aio__alloc(sizeof *box);
    int r;

    if (box == NULL)
        return UV_ENOMEM;
    atomic_init(&box->refs, 1);
    box->value = value;
    box->drop = aio__option(options, drop, NULL);
    if (token != NULL)
        value_ref(old);
    r = set(context, var, box);
    if (r < 0) {
        aio__free(box, sizeof *box);
        if (token != NULL)
            value_unref(old);
        return r;
    }
    if (token != NULL)
        *token = (asyncio_context_token_t){
            .var = var, .context = asyncio_context_ref(context), .old = old};
    return 0;
}

int
asyncio_context_var_reset(asyncio_context_var_t *var,
                          asyncio_context_token_t *token)
{
    int r;

    if (token->used)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "token has already been used once");
    if (token->var != var)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "token was created by a different variable");
    if (token->context != aio__context_current())
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "token was created in a different context");
    r = set(token->context, var, token->old);
    if (r < 0)
        return r;
    token->old = NULL;
    asyncio_context_token_fini(token);
    return 0;
}

void
asyncio_context_token_fini(asyncio_context_token_t *token)
{
    value_unref(token->old);
    token->old = NULL;
    token->context = asyncio_context_unref(token->context);
    token->used = true;
}
