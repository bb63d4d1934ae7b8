/* SPDX-License-Identifier: MIT */
/*
 * Operations: context variables. Values are small integers in the pointers.
 *
 * Python counterpart: the end of ops_flow.py.
 */
#include "machine.h"

asyncio_context_var_t *context_vars[CONTEXT_VARS];

static int
value_of(int i)
{
    void *value = NULL;

    asyncio_context_var_get(context_vars[i], &value);
    return (int) (intptr_t) value;
}

int
context_value(void)
{
    return value_of(0);
}

OPERATION(cvget)
{
    (void) m;
    return say(fr, "%d", value_of(line->args[0]));
}

OPERATION(cvset)
{
    int k = line->args[2];

    (void) fr;
    if (m->token_set[k])
        asyncio_context_token_fini(&m->tokens[k]);
    m->token_set[k] = true;
    return asyncio_context_var_set(context_vars[line->args[0]],
                                   (void *) (intptr_t) line->args[1],
                                   .ret_token = &m->tokens[k]);
}

OPERATION(cvreset)
{
    asyncio_context_token_t *token = &m->tokens[line->args[0]];

    if (!m->token_set[line->args[0]])
        return say(fr, "none");
    return asyncio_context_var_reset(token->var, token);
}

static int
set_context(struct machine *m, int i, asyncio_context_t *context)
{
    asyncio_context_unref(m->contexts[i]);
    m->contexts[i] = context;
    return 0;
}

OPERATION(ctxcopy)
{
    (void) fr;
    return set_context(m, line->args[0], asyncio_copy_context());
}

OPERATION(ctxtask)
{
    struct entry *entry = slot_entry(m, line->args[1]);

    if (entry == NULL || entry->made != MADE_TASK)
        return say(fr, "none");
    return set_context(
        m, line->args[0],
        asyncio_context_ref(asyncio_task_get_context(entry->future)));
}

OPERATION(ctxrun)
{
    asyncio_context_t *context =
        asyncio_context_ref(context_of(m, line->args[0]));
    int r;

    if (context == NULL)
        return say(fr, "none");
    r = asyncio_context_run(context, callback, callback_of(m, line->args[1]));
    asyncio_context_unref(context);
    return r;
}

const struct operation operations_context[] = {
    {"cvget", OPERATION_PLAIN, op_cvget, false},
    {"cvset", OPERATION_PLAIN, op_cvset, false},
    {"cvreset", OPERATION_PLAIN, op_cvreset, false},
    {"ctxcopy", OPERATION_PLAIN, op_ctxcopy, false},
    {"ctxtask", OPERATION_PLAIN, op_ctxtask, false},
    {"ctxrun", OPERATION_PLAIN, op_ctxrun, false},
    {NULL, OPERATION_PLAIN, NULL, false},
};
