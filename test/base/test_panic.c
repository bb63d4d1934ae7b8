/* SPDX-License-Identifier: MIT */
#include "behaviour.h"

#include "base/panic.h"

static void
panic(void *arg)
{
    aio__panic("the answer is %d", *(int *) arg);
}

static void
assertion(void *arg)
{
    aio__assert(*(int *) arg == 41);
}

PLAIN(a_panic_says_why_and_aborts)
{
    int n = 42;
    assert_dies(panic, &n, SIGABRT, "the answer is 42");
}

PLAIN(an_assertion_names_what_does_not_hold)
{
    int n = 42;
    assert_dies(assertion, &n, SIGABRT, "*(int *) arg == 41");
}
