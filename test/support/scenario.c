/* SPDX-License-Identifier: MIT */
/*
 * Scenarios: bodies in a task, whose allocations fail one after the other.
 *
 * A scenario first runs undisturbed and must succeed. Then, for n = 1, 2, ...,
 * it runs with its nth allocation failing alone, and with all from the nth on.
 * Which allocations it makes may depend on those that failed, so the end is
 * reached when a run did not come as far as its nth one.
 *
 * libuv calls abort() where it cannot grow its table of descriptors and in a
 * few other places, and nobody above it can help that. So the runs happen in a
 * process of their own. When abort() was called by libuv itself, its stack is
 * printed and another process goes on with the next n; any other death fails.
 */
#include "behaviour.h"

#include <asyncio/testing.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum {
    ALLOCATIONS_MAX = 100 * 1000,
    FRAMES_MAX = 40,
    EXIT_LIBUV_ABORTED = 77
};

/* How far the sweep came; shared with the process that does it. */
struct sweep {
    uint64_t nth; /* the allocation that fails; 0 in the first run */
    bool sticky;  /* all after it fail, too */
};

static struct sweep *sweep;

struct call {
    const struct behaviour *behaviour;
    int i;
};

static int
scenario_in_task(void *frame)
{
    struct call *self = frame;

    return self->behaviour->body.returns_error(self->i);
}

/* "allocation 3 alone failed: " */
static const char *
when(void)
{
    static char text[64];

    if (sweep->nth == 0)
        return "undisturbed: ";
    snprintf(text, sizeof text, "allocation %" PRIu64 " %s failed: ",
             sweep->nth, sweep->sticky ? "and all after it" : "alone");
    return text;
}

static void
check_result(const struct behaviour *b, int r, bool reached)
{
    if (r >= 0)
        return;
    if (reached && (r == UV_ENOMEM || r == b->options.nomem))
        return;
    _ck_assert_failed(b->test.file, b->test.line, b->test.name,
                      "%sthe result is %s (%d)", when(), asyncio_err_name(r),
                      r);
}

/* Whether the run came as far as the allocation that was to fail. */
static bool
run_once(const struct behaviour *b, int _i)
{
    struct call call = {b, _i};
    struct behaviour_state *before = behaviour_state_take();

    asyncio_testing_fail_alloc(sweep->nth, sweep->sticky);
    int r = asyncio_testing_run(
        asyncio_coro_new(scenario_in_task, &call, sizeof call));
    uint64_t count = asyncio_testing_alloc_count();
    asyncio_testing_fail_alloc(0, false);

    bool reached = sweep->nth > 0 && count >= sweep->nth;
    check_result(b, r, reached);
    behaviour_state_compare(before, b, when());
    return reached;
}

/* From where the sweep is to its end. */
static void
run_rest(const struct behaviour *b, int _i)
{
    if (sweep->nth == 0) {
        run_once(b, _i);
        sweep->nth = 1;
    }
    for (;;) {
        if (run_once(b, _i)) {
            ck_assert_uint_lt(sweep->nth++, ALLOCATIONS_MAX);
        } else if (!sweep->sticky) {
            sweep->nth = 1;
            sweep->sticky = true;
        } else {
            return;
        }
    }
}

/* abort() itself, or what a sanitizer has put before it. */
static bool
is_abort(const Dl_info *at)
{
    return at->dli_sname != NULL && strstr(at->dli_sname, "abort") != NULL
        && strncmp(at->dli_sname, "uv", 2) != 0;
}

/* The functions of libuv on the stack, innermost first; false when abort()
 * was not called by libuv. */
static bool
libuv_aborted(char *names, size_t size)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    bool after_abort = false;
    size_t n = 0;

    names[0] = '\0';
    for (int i = 0; i < count; i++) {
        Dl_info at;
        if (dladdr(frames[i], &at) == 0 || at.dli_fname == NULL)
            continue;
        if (is_abort(&at)) {
            after_abort = true;
        } else if (strstr(at.dli_fname, "libuv.so") != NULL) {
            if (n < size)
                n += (size_t) snprintf(names + n, size - n, " < %s",
                                       at.dli_sname ? at.dli_sname : "?");
        } else if (after_abort) {
            break;
        }
    }
    return n > 0;
}

static void
on_abort(int signum)
{
    char names[512];

    if (libuv_aborted(names, sizeof names)) {
        fprintf(stderr, "libuv aborts without memory: abort%s\n", names);
        _exit(EXIT_LIBUV_ABORTED);
    }
    signal(signum, SIG_DFL);
    raise(signum);
}

static void
child(const struct behaviour *b, int _i)
{
    void *frame;

    backtrace(&frame, 1); /* its first call allocates */
    signal(SIGABRT, on_abort);
    asyncio_testing_hook_libuv();
    behaviour_run(b, _i, run_rest);
    exit(EXIT_SUCCESS);
}

/* Whether the sweep is at its end, as the end of its process tells. */
static bool
finished(const struct behaviour *b, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LIBUV_ABORTED
        && sweep->nth > 0) {
        sweep->nth++;
        return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE)
        exit(EXIT_FAILURE); /* an assertion, which has told Check */
    _ck_assert_failed(b->test.file, b->test.line, b->test.name,
                      "%sthe process ended with status %#x", when(),
                      (unsigned) status);
    return true;
}

void
behaviour_run_scenario(const struct behaviour *b, int _i)
{
    const char *fork_mode = getenv("CK_FORK");
    int status;

    sweep = mmap(NULL, sizeof *sweep, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(sweep, MAP_FAILED);
    if (fork_mode != NULL && strcmp(fork_mode, "no") == 0) {
        behaviour_run(b, _i, run_rest);
        return;
    }
    do {
        fflush(NULL);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            child(b, _i);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    } while (!finished(b, status));
    _mark_point(b->test.file, b->test.line);
}
