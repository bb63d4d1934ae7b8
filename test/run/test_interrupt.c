/* SPDX-License-Identifier: MIT */
/*
 * Signals of a run, the exit status of a program, and stack overflow.
 */
#include "scenes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

static void
use_default(void)
{
    signal(SIGINT, SIG_DFL);
}

/* Check's own handler would kill everything. */
__attribute__((constructor)) static void
default_sigint(void)
{
    pthread_atfork(NULL, NULL, use_default);
}

static int
interrupted(void *arg)
{
    int *mode = arg;
    int r;

    raise(SIGINT);
    r = *mode == 0 ? asyncio_sleep(60) : 0;
    if (*mode == 1)
        return 3; /* never waits again */
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    return r;
}

/* parity: test_runners.py RunnerTests test_interrupt_wait */
PLAIN(the_first_ctrl_c_cancels_main_and_comes_out, .times = 2)
{
    assert_r(asyncio_run(asyncio_coro_new(interrupted, &_i, sizeof _i)),
             ASYNCIO_ERR_INTERRUPTED);
}

static int
spins(void *arg)
{
    int r = 0;

    (void) arg;
    for (int i = 0; r == 0; i++) {
        if (i == 100)
            raise(SIGINT);
        r = asyncio_sleep(0);
    }
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    return r;
}

/* parity: test_runners.py RunnerTests test_interrupt_call_soon */
PLAIN(ctrl_c_reaches_a_main_that_never_lets_the_loop_wait)
{
    assert_r(asyncio_run(asyncio_coro(spins)), ASYNCIO_ERR_INTERRUPTED);
}

static int
survives(void *arg)
{
    int r;

    (void) arg;
    raise(SIGINT);
    r = asyncio_sleep(60);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    return 4;
}

PLAIN(a_main_that_swallows_ctrl_c_returns_its_value)
{
    assert_r(asyncio_run(asyncio_coro(survives)), 4);
}

static int
cancelled_twice(void *arg)
{
    int r;

    (void) arg;
    asyncio_task_cancel(asyncio_current_task());
    raise(SIGINT);
    r = asyncio_sleep(60);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    return r;
}

/* parity: test_runners.py RunnerTests test_interrupt_cancelled_task */
PLAIN(a_main_that_others_cancelled_too_is_cancelled)
{
    assert_r(asyncio_run(asyncio_coro(cancelled_twice)),
             ASYNCIO_ERR_CANCELLED);
}

static int
two_signals(void *arg)
{
    int r;

    (void) arg;
    raise(SIGINT);
    r = asyncio_sleep(60);
    raise(SIGINT);
    return r;
}

static void
run_two_signals(void *arg)
{
    (void) arg;
    asyncio_run(asyncio_coro(two_signals));
}

PLAIN(the_second_ctrl_c_kills)
{
    assert_dies(run_two_signals, NULL, SIGINT, "");
}

static void
on_signal(int number)
{
    (void) number;
    trace('h');
}

static int
raises_sigint(void *arg)
{
    (void) arg;
    raise(SIGINT);
    return asyncio_sleep(0.001);
}

PLAIN(a_handler_that_is_there_stays)
{
    signal(SIGINT, on_signal);
    assert_r(asyncio_run(asyncio_coro(raises_sigint)), 0);
    assert_trace("h");
    ck_assert(signal(SIGINT, SIG_DFL) == on_signal);
}

static int
writes_to_nobody(void *arg)
{
    int ends[2];
    ssize_t n;

    (void) arg;
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    n = write(ends[1], "x", 1);
    close(ends[1]);
    return n < 0 ? 5 : 6;
}

PLAIN(a_run_ignores_sigpipe_and_restores_all_signals)
{
    static const int numbers[] = {SIGINT, SIGPIPE, SIGSEGV};
    struct sigaction before[3], after;

    for (int i = 0; i < 3; i++)
        sigaction(numbers[i], NULL, &before[i]);
    assert_r(asyncio_run(asyncio_coro(writes_to_nobody)), 5);
    for (int i = 0; i < 3; i++) {
        sigaction(numbers[i], NULL, &after);
        ck_assert(after.sa_handler == before[i].sa_handler);
    }
}

static void *
run_in_thread(void *arg)
{
    struct sigaction now;

    if (asyncio_run(asyncio_coro(nap, .seconds = 0.001, .result = 3)) != 3)
        return NULL;
    sigaction(SIGINT, NULL, &now);
    return now.sa_handler == SIG_DFL ? arg : NULL;
}

/* Elsewhere a run does without.
 * parity: test_runners.py RunnerTests test_signal_install_not_supported_ok */
PLAIN(only_the_main_thread_listens_to_ctrl_c)
{
    static char yes;
    pthread_t thread;
    void *same = &yes;

    ck_assert_int_eq(pthread_create(&thread, NULL, run_in_thread, same),
                     0);
    pthread_join(thread, &same);
    ck_assert_ptr_eq(same, &yes);
}

static void *
run_often(void *arg)
{
    for (int i = 0; i < 50; i++)
        asyncio_run(asyncio_coro(nap, .seconds = 0.0001));
    return arg;
}

PLAIN(runs_in_several_threads_leave_the_signals_as_they_were)
{
    static const int numbers[] = {SIGPIPE, SIGSEGV};
    struct sigaction before[2], after;
    pthread_t threads[4];

    if (AIO__TSAN)
        return; /* it does not see libuv order the reuse of descriptors */
    for (int i = 0; i < 2; i++)
        sigaction(numbers[i], NULL, &before[i]);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_often, NULL),
                         0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        sigaction(numbers[i], NULL, &after);
        ck_assert(after.sa_handler == before[i].sa_handler);
    }
}

static void *
press_ctrl_c(void *arg)
{
    struct timespec time = {.tv_nsec = 20 * 1000 * 1000};

    nanosleep(&time, NULL);
    kill(getpid(), SIGINT);
    return arg;
}

static int
waits_for_ctrl_c(void *arg)
{
    pthread_t thread;
    int r;

    (void) arg;
    ck_assert_int_eq(pthread_create(&thread, NULL, press_ctrl_c, NULL), 0);
    r = asyncio_sleep(60);
    pthread_join(thread, NULL);
    return r;
}

PLAIN(ctrl_c_wakes_a_loop_that_waits)
{
    assert_r(asyncio_run(asyncio_coro(waits_for_ctrl_c)),
             ASYNCIO_ERR_INTERRUPTED);
}

/* The exit status of asyncio_main(), and what it wrote to stderr. */
static int
status_of(asyncio_coro_t coro, char *said, size_t size)
{
    int ends[2], status = 0;
    size_t used = 0;
    ssize_t n;

    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        _exit(asyncio_main(coro));
    }
    close(ends[1]);
    while (used < size - 1
           && (n = read(ends[0], said + used, size - 1 - used)) > 0)
        used += (size_t) n;
    said[used] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

PLAIN(main_returns_an_exit_status)
{
    static const int results[] = {0, 1, 77, 255};
    char said[1000];

    for (int i = 0; i < 4; i++) {
        int status = status_of(asyncio_coro(nap, .result = results[i]), said,
                               sizeof said);

        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), results[i]);
        ck_assert_str_eq(said, "");
    }
}

PLAIN(main_prints_an_error_and_returns_1)
{
    char said[1000];
    int status = status_of(asyncio_coro(nap, .result = ASYNCIO_ERR_VALUE),
                           said, sizeof said);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    ck_assert_ptr_nonnull(strstr(said, "ASYNCIO_ERR_VALUE: nap"));
    ck_assert_ptr_nonnull(strstr(said, "scenes.c:"));
}

PLAIN(main_ends_by_sigint_after_ctrl_c)
{
    char said[1000];
    int mode = 0;
    int status = status_of(
        asyncio_coro_new(interrupted, &mode, sizeof mode), said, sizeof said);

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
}

/* Uses more stack in every call, so no compiler makes a loop of it. */
static __attribute__((noinline)) int
overflow(int depth)
{
    volatile char waste[1024];

    waste[0] = (char) depth;
    return depth > 1000 * 1000 ? 0 : overflow(depth + 1) + waste[0];
}

static int
overflows(void *arg)
{
    (void) arg;
    return overflow(0);
}

struct with_neighbours {
    size_t stack_size;
};

static int
with_neighbours(void *arg)
{
    struct with_neighbours *self = arg;
    asyncio_task_t *tasks[3];

    tasks[0] = asyncio_create_task(asyncio_coro(forever),
                                   .stack_size = self->stack_size);
    tasks[1] = asyncio_create_task(asyncio_coro(overflows),
                                   .name = "the greedy one",
                                   .stack_size = self->stack_size);
    tasks[2] = asyncio_create_task(asyncio_coro(forever),
                                   .stack_size = self->stack_size);
    return asyncio_gather(tasks, 3);
}

static void
run_overflow(void *arg)
{
    asyncio_run(asyncio_coro(with_neighbours, .stack_size = *(size_t *) arg));
}

PLAIN(a_stack_overflow_names_the_task_and_dies_of_sigsegv, .times = 3)
{
    static const size_t sizes[] = {0, 32 * 1024, 1024 * 1024};

    if (AIO__ASAN || AIO__TSAN)
        return; /* they have handlers of their own */
    assert_dies(run_overflow, (void *) (uintptr_t) &sizes[_i], SIGSEGV,
                "stack overflow in the greedy one (overflows)");
}

PLAIN(a_stack_overflow_is_caught_by_mprotect_too)
{
    static const size_t size = 64 * 1024;

    if (AIO__ASAN || AIO__TSAN)
        return;
    setenv("ASYNCIO_GUARD", "mprotect", 1);
    assert_dies(run_overflow, (void *) (uintptr_t) &size, SIGSEGV,
                "stack overflow in the greedy one (overflows)");
}

static void
on_segv(int number, siginfo_t *info, void *context)
{
    static const char text[] = "the former handler\n";

    (void) info;
    (void) context;
    (void) !write(STDERR_FILENO, text, sizeof text - 1);
    signal(number, SIG_DFL);
}

static void
run_overflow_with_handler(void *arg)
{
    struct sigaction action = {.sa_sigaction = on_segv,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigaction(SIGSEGV, &action, NULL);
    run_overflow(arg);
}

PLAIN(the_overflow_reporter_hands_on_to_a_former_handler)
{
    static const size_t size = 64 * 1024;

    if (AIO__ASAN || AIO__TSAN)
        return;
    assert_dies(run_overflow_with_handler, (void *) (uintptr_t) &size,
                SIGSEGV, "the former handler");
}
