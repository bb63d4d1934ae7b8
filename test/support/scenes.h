/* SPDX-License-Identifier: MIT */
/*
 * What many tests act out: coroutines that sleep, fail, wait and swallow, a
 * trace of who ran, and an exception handler that remembers. All of it is of
 * one process, and every behaviour has one of its own.
 */
#ifndef TEST_SUPPORT_SCENES_H
#define TEST_SUPPORT_SCENES_H

#include "behaviour.h"

#include <asyncio.h>
#include <asyncio/testing.h>
#include <stdint.h>
#include <uv.h>

/* Letters in the order in which things happened. */
void trace(char letter);
const char *traced(void);
#define assert_trace(text) ck_assert_str_eq(traced(), (text))

/* A callback that traces the letter its argument points to. */
int trace_arg(void *letter);
/* A string as such an argument. */
#define LETTER(string) ((void *) (uintptr_t) (string))

/* Call that in the next pass. */
int call_trace(const char *letter);

/* The loop's time in milliseconds, rounded. */
int now_ms(void);

/* async def nap(): await sleep(seconds); return result */
struct nap {
    double seconds;
    int result;  /* an error code, too */
    char letter; /* traced at the end, not when cancelled; 0: none */
};
int nap(void *arg);

/* Waits for ever. */
int forever(void *arg);

/* return await future */
struct await_it {
    asyncio_future_t *future;
};
int await_it(void *arg);

/* Sleeps; a cancellation is answered with a clean-up that takes `cleanup`
 * seconds, and then `answer`: 0 goes on as if nothing had been. */
struct stubborn {
    double seconds;
    double cleanup;
    int answer;
    int *seen; /* cancellations so far; may be NULL */
};
int stubborn(void *arg);

/* What the loop's exception handler was told. */
struct reports {
    int count;
    int code;
    char message[128];
    char detail[128];
    const asyncio_future_t *future;
    const asyncio_task_t *task;
    const asyncio_handle_t *handle;
    const asyncio_site_t *site;
};
extern struct reports reports;
int report_handler(asyncio_loop_t *loop,
                   const asyncio_exception_context_t *context, void *arg);
/* Let reports of the running loop come here. */
void catch_reports(void);

/* The message of the newest error, "" for none. */
const char *newest_message(void);

/* A loop with a virtual clock, for what happens outside of a task. */
asyncio_loop_t *virtual_loop(void);
/* Close it and drop it. */
void end_loop(asyncio_loop_t *loop);

/* Let the others run for that many passes. */
void passes(int n);

/* Counts how often a drop function was called. */
extern int drops;
void count_drop(void *value);

#endif
