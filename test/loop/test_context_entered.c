/* SPDX-License-Identifier: MIT */
/*
 * Contexts that are entered: which one it is, who is below it, and what
 * remembers it when it is gone.
 */
#include "scenes.h"

static asyncio_context_var_t *var;
static asyncio_context_token_t token;

static int
sets_with_token(void *arg)
{
    (void) arg;
    return asyncio_context_var_set(var, (void *) 1, .ret_token = &token);
}

static int
fails_to_reset(void *arg)
{
    (void) arg;
    assert_r(asyncio_context_var_reset(var, &token), ASYNCIO_ERR_VALUE);
    return 0;
}

/* Or a later one in the same memory would pass for it. */
BEHAVIOUR(a_token_outlives_the_context_it_is_of)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();

    var = asyncio_context_var_new("var");
    ck_assert_ptr_nonnull(var);
    assert_r(asyncio_loop_call_soon(loop, sets_with_token, NULL), 0);
    assert_r(asyncio_sleep(0), 0);
    for (int i = 0; i < 8; i++) {
        assert_r(asyncio_loop_call_soon(loop, fails_to_reset, NULL), 0);
        assert_r(asyncio_sleep(0), 0);
    }
    asyncio_context_token_fini(&token);
    asyncio_context_var_unref(var);
}

static int
asks_for_its_own(void *arg)
{
    asyncio_context_t *given = arg;

    ck_assert_ptr_eq(asyncio_context(), given);
    ck_assert_ptr_ne(asyncio_task_get_context(asyncio_current_task()), given);
    return 0;
}

BEHAVIOUR(a_task_keeps_its_context_while_it_is_inside_another)
{
    asyncio_context_t *own = asyncio_context();
    asyncio_context_t *copy = asyncio_copy_context();

    ck_assert_ptr_eq(asyncio_task_get_context(asyncio_current_task()), own);
    assert_r(asyncio_context_run(copy, asks_for_its_own, copy), 0);
    ck_assert_ptr_eq(asyncio_task_get_context(asyncio_current_task()), own);
    asyncio_context_unref(copy);
}

static int
does_nothing(void *arg)
{
    (void) arg;
    return 0;
}

static int
enters_the_one_below(void *arg)
{
    assert_r(asyncio_context_run(arg, does_nothing, NULL),
             ASYNCIO_ERR_RUNTIME);
    return 0;
}

struct enters_creators {
    asyncio_context_t *creators;
};

static int
enters_creators(void *arg)
{
    struct enters_creators *self = arg;

    return enters_the_one_below(self->creators);
}

BEHAVIOUR(what_is_below_the_current_context_is_entered)
{
    asyncio_context_t *own = asyncio_context();
    asyncio_context_t *copy = asyncio_copy_context();
    asyncio_task_t *eager;

    assert_r(asyncio_context_run(copy, enters_the_one_below, own), 0);
    eager = asyncio_create_task(asyncio_coro(enters_creators, .creators = own),
                                .eager_start = 1);
    assert_r(asyncio_await(eager), 0);
    asyncio_future_unref(eager);

    /* And free again afterwards. */
    eager = asyncio_create_task(asyncio_coro(does_nothing), .context = copy);
    assert_r(asyncio_await(eager), 0);
    asyncio_future_unref(eager);
    assert_r(asyncio_context_run(copy, does_nothing, NULL), 0);
    asyncio_context_unref(copy);
}
