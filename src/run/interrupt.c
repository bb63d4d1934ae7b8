/* SPDX-License-Identifier: MIT */
/*
 * What a run does with signals, and undoes at its end.
 *
 * SIGINT, if it has the default action and this is the main thread: the first
 * one cancels the main task, the second one kills. SIGPIPE is ignored if it
 * would kill. A fault in the guard of the running task's stack is an
 * overflow: it is reported by name, and then the former handler has its turn.
 *
 * Python counterpart: Runner._on_sigint.
 */
#include "run/interrupt.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "task/task.h"

enum {
    ALT_STACK = 64 * 1024
};

/* Of the main thread's run, for the signal handler. */
static asyncio_loop_t *volatile interrupted_loop;
static volatile sig_atomic_t interrupts;

/* The dispositions of the whole process, while any thread has a run. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned runs;
static struct sigaction former_pipe;
static struct sigaction former_segv;

static void
on_sigint(int number)
{
    asyncio_loop_t *loop = interrupted_loop;

    if (loop == NULL || interrupts++ > 0) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    /* Only what a signal handler may do; the loop's thread does the rest. */
    atomic_store(&loop->signalled, true);
    atomic_store(&loop->inbox_full, true);
    uv_async_send(&loop->wakeup);
}

static void
cancel_main(asyncio_loop_t *loop, void *arg)
{
    struct aio__interrupt *interrupt = arg;

    (void) loop;
    interrupt->count++;
    if (!asyncio_future_cancel(interrupt->task, NULL))
        interrupt->late = true;
}

static void
say(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));

    (void) n;
}

static void
report_overflow(struct aio__task *task, size_t size)
{
    char text[160];

    say("libasyncio: stack overflow in ");
    if (task->name != NULL) {
        say(task->name);
    } else {
        snprintf(text, sizeof text, "Task-%u", task->number);
        say(text);
    }
    if (task->site != NULL) {
        snprintf(text, sizeof text, " (%.64s)", task->site->name);
        say(text);
    }
    snprintf(text, sizeof text,
             ": its stack has %zu KiB; give it more with .stack_size\n",
             size / 1024);
    say(text);
}

static void
on_segv(int number, siginfo_t *info, void *context)
{
    asyncio_loop_t *loop = aio__running;
    const char *address = info->si_addr;

    (void) context;
    if (loop != NULL && loop->current != NULL && loop->current->coro != NULL) {
        const struct aio__coro *coro = loop->current->coro;
        const struct aio__stacks *stacks = &coro->pool->stacks;

        if (address < coro->low && address >= coro->low - stacks->guard)
            report_overflow(aio__task_of(loop->current),
                            stacks->size - stacks->guard);
    }
    /* The instruction faults again, under the former handler. */
    sigaction(number, &former_segv, NULL);
}

/* Each thread needs a stack of its own to report the end of another. */
static void
install_stack(struct aio__interrupt *interrupt)
{
    stack_t stack = {.ss_size = ALT_STACK};

    if (sigaltstack(NULL, &interrupt->old_stack) < 0
        || (interrupt->old_stack.ss_flags & SS_DISABLE) == 0)
        return;
    stack.ss_sp = aio__alloc(ALT_STACK);
    if (stack.ss_sp == NULL)
        return; /* an overflow then dies without a word */
    if (sigaltstack(&stack, NULL) < 0)
        aio__free(stack.ss_sp, ALT_STACK);
    else
        interrupt->stack = stack.ss_sp;
}

static void
restore_stack(struct aio__interrupt *interrupt)
{
    if (interrupt->stack == NULL)
        return;
    sigaltstack(&interrupt->old_stack, NULL);
    aio__free(interrupt->stack, ALT_STACK);
}

/* The first run of the process changes them, the last one changes them back,
 * unless the program has done so meanwhile. */
static void
install_shared(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction report = {.sa_sigaction = on_segv,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    pthread_mutex_lock(&lock);
    if (runs++ == 0) {
        if (sigaction(SIGPIPE, NULL, &former_pipe) == 0
            && former_pipe.sa_handler == SIG_DFL)
            sigaction(SIGPIPE, &ignore, NULL);
        sigemptyset(&report.sa_mask);
        sigaction(SIGSEGV, &report, &former_segv);
    }
    pthread_mutex_unlock(&lock);
}

static void
restore_shared(void)
{
    struct sigaction now;

    pthread_mutex_lock(&lock);
    if (--runs == 0) {
        if (former_pipe.sa_handler == SIG_DFL
            && sigaction(SIGPIPE, NULL, &now) == 0
            && now.sa_handler == SIG_IGN)
            sigaction(SIGPIPE, &former_pipe, NULL);
        if (sigaction(SIGSEGV, NULL, &now) == 0
            && now.sa_sigaction == on_segv)
            sigaction(SIGSEGV, &former_segv, NULL);
    }
    pthread_mutex_unlock(&lock);
}

static void
install_sigint(struct aio__interrupt *interrupt)
{
    struct sigaction action = {.sa_handler = on_sigint};

    if (getpid() != (pid_t) syscall(SYS_gettid)
        || sigaction(SIGINT, NULL, &interrupt->old_int) < 0
        || interrupt->old_int.sa_handler != SIG_DFL)
        return;
    interrupts = 0;
    interrupted_loop = interrupt->loop;
    interrupt->loop->on_signal = cancel_main;
    interrupt->loop->on_signal_arg = interrupt;
    sigemptyset(&action.sa_mask);
    interrupt->installed = sigaction(SIGINT, &action, NULL) == 0;
}

void
aio__interrupt_install(struct aio__interrupt *interrupt, asyncio_loop_t *loop,
                       asyncio_task_t *task)
{
    memset(interrupt, 0, sizeof *interrupt);
    interrupt->loop = loop;
    interrupt->task = task;
    install_stack(interrupt);
    install_shared();
    install_sigint(interrupt);
}

void
aio__interrupt_restore(struct aio__interrupt *interrupt)
{
    struct sigaction now;

    if (interrupt->installed) {
        /* Unless the program has a handler of its own by now. */
        if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_sigint)
            sigaction(SIGINT, &interrupt->old_int, NULL);
        interrupted_loop = NULL;
        interrupt->loop->on_signal = NULL;
        if (atomic_exchange(&interrupt->loop->signalled, false))
            interrupt->late = true;
    }
    restore_shared();
    restore_stack(interrupt);
}
