/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_CONTEXTVARS_H
#define ASYNCIO_CONTEXTVARS_H

/**
 * @file contextvars.h
 * Context variables: values that follow a task into what it starts.
 *
 * A task runs in a copy of its creator's context; a callback in a copy of the
 * context in which it was scheduled. Changes are never seen by the origin.
 */

#include "export.h"

ASYNCIO_BEGIN_DECLS

typedef struct asyncio_context_var asyncio_context_var_t;

/** What undoes one asyncio_context_var_set(); keep it in your memory. */
typedef struct asyncio_context_token {
    asyncio_context_var_t *var;
    asyncio_context_t *context; /* private: owned until reset or fini */
    struct aio__value *old;     /* private: the value before, owned */
    bool used;
} asyncio_context_token_t;

typedef struct asyncio_context_var_new_options {
    size_t size;
    void *default_value; /* what get returns where nothing was set */
    bool has_default;    /* needed when the default is NULL */
} asyncio_context_var_new_options_t;

/**
 * Make a context variable.
 *
 * @python   contextvars.ContextVar(name, default=...)
 * @param    name     static string
 * @param    options  keywords, or NULL
 * @return   the variable, or NULL without memory; give it back with
 *           asyncio_context_var_unref()
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_var_t *
asyncio_context_var_new(const char *name,
                        const asyncio_context_var_new_options_t *options);

/**
 * Drop a variable; contexts that hold a value of it keep it alive.
 *
 * @python   del
 * @param    var  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_var_t *
asyncio_context_var_unref(asyncio_context_var_t *var);

/**
 * The name of a variable.
 *
 * @python   ContextVar.name
 * @param    var  a variable
 * @return   the string it was made with
 * @suspends never
 */
ASYNCIO_EXPORT const char *
asyncio_context_var_name(const asyncio_context_var_t *var);

/**
 * The value in the current context, or the default.
 *
 * @python   ContextVar.get()
 * @param    var        a variable
 * @param    ret_value  gets the value, which the context owns
 * @return   0, or ASYNCIO_ERR_LOOKUP where there is neither
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_context_var_get(asyncio_context_var_t *var,
                                           void **ret_value);

typedef struct asyncio_context_var_set_options {
    size_t size;
    asyncio_drop_t drop;               /* of the value, once nobody holds it */
    asyncio_context_token_t *ret_token; /* gets what undoes it */
} asyncio_context_var_set_options_t;

/**
 * Set the value in the current context.
 *
 * @python   ContextVar.set(value)
 * @param    var      a variable
 * @param    value    the value; owned by the context when `.drop` is given
 * @param    options  keywords, or NULL
 * @return   0, or UV_ENOMEM (then nothing changed and `.drop` was not called)
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_context_var_set(asyncio_context_var_t *var, void *value,
                        const asyncio_context_var_set_options_t *options);

/**
 * Undo one set. A token that is not reset is given back with
 * asyncio_context_token_fini().
 *
 * @python   ContextVar.reset(token)
 * @param    var    a variable
 * @param    token  of the same variable and the same context
 * @return   0; ASYNCIO_ERR_RUNTIME when used before; ASYNCIO_ERR_VALUE when
 *           made by another variable or in another context; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_context_var_reset(asyncio_context_var_t *var,
                                             asyncio_context_token_t *token);

/**
 * Give a token back that will not be reset.
 *
 * @python   del token
 * @param    token  a token
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_context_token_fini(asyncio_context_token_t *token);

/**
 * Copy the current context.
 *
 * @python   contextvars.copy_context()
 * @return   the copy, or NULL without memory; give it back with
 *           asyncio_context_unref()
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_t *asyncio_copy_context(void);

/**
 * Make an empty context.
 *
 * @python   contextvars.Context()
 * @return   the context, or NULL without memory
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_t *asyncio_context_new(void);

/**
 * The current context itself: changes made in it are seen by its owner.
 *
 * @python   context= parameters
 * @return   borrowed; never NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_t *asyncio_context(void);

/**
 * Take a reference to a context.
 *
 * @python   (a reference)
 * @param    context  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_t *asyncio_context_ref(asyncio_context_t *context);

/**
 * Drop a reference.
 *
 * @python   del
 * @param    context  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_t *
asyncio_context_unref(asyncio_context_t *context);

/**
 * Call a function inside a context.
 *
 * @python   Context.run(callable, *args)
 * @param    context  entered for the call, by one caller at a time
 * @param    fn       the function
 * @param    arg      its argument
 * @return   what `fn` returns; ASYNCIO_ERR_RUNTIME when already entered
 * @suspends when `fn` does
 */
ASYNCIO_EXPORT int asyncio_context_run(asyncio_context_t *context,
                                       int (*fn)(void *arg), void *arg);

ASYNCIO_END_DECLS

#endif
