/* SPDX-License-Identifier: MIT */
#ifndef AIO_LOOP_LOOP_H
#define AIO_LOOP_LOOP_H

/*
 * The event loop's own data, and the queue of what is ready.
 *
 * One pass: run what was ready when it began, ask libuv for I/O (whose
 * callbacks run inline), fire the timers that are due. What any of these
 * schedule runs in the next pass; timers they arm count from the next pass.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "asyncio/events.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/timerheap.h"
#include "coro/coro.h"

struct aio__fiber;
struct aio__fiber_ops;
struct aio__executor;
struct aio__polls;
struct aio__signals;
struct aio__io;

struct aio__queue {
    struct aio__job *head;
    struct aio__job **tail; /* where the next one is linked */
};

/* What upper layers attach to a loop; `close` is called once, when it closes. */
struct aio__closer {
    struct aio__list link;
    void (*close)(struct aio__closer *closer);
};

struct asyncio_loop {
    /* Every pass and every switch: the hot part. */
    struct aio__queue now;      /* to run in this pass */
    struct aio__queue ready;    /* to run in the next one */
    struct aio__fiber *current; /* that runs; NULL: the loop's own stack */
    const struct aio__fiber_ops *fiber_ops; /* of the layer above; once used */
    struct aio__coro_pool pool; /* coroutines of the usual stack size */
    struct aio__coro main;      /* the loop's own stack, while it runs */
    struct aio__timerheap timers;
    uint32_t passes;            /* since libuv was last asked */
    uint32_t credit;            /* passes that may go on before a look around;
                                 * 0 when the loop is to stop */
    uint32_t told;              /* tasks that libuv's callbacks woke: poll.h */
    bool short_passes;          /* lately: they get a credit */
    double polled;              /* when libuv was last asked */
    bool virtual_clock;
    bool debug;
    bool stopping;
    bool once;       /* this pass is the last one, by run_once */
    bool ending;     /* a fiber is, and its stack is parked */
    int interrupted; /* an error code that leaves the loop at once */
    double began;    /* the clock when the pass began, if it has timers */
    double virtual_now;
    asyncio_context_t *context; /* of the callback that runs; NULL for none */

    /* Other threads. */
    pthread_mutex_t lock;              /* guards the next two */
    struct aio__queue inbox;           /* from call_soon_threadsafe */
    bool inbox_closed;
    _Atomic(bool) refuses;             /* calls of other threads: it ends */
    _Atomic(bool) inbox_full;          /* a hint, read without the lock */
    pthread_cond_t handle_done;        /* a threadsafe handle has run */
    _Atomic(bool) signalled;           /* by SIGINT, for on_signal */
    void (*on_signal)(asyncio_loop_t *loop, void *arg); /* NULL: nobody cares */
    void *on_signal_arg;

    /* libuv. */
    uv_loop_t *uv;
    uv_loop_t own_uv;  /* used unless the host gave one */
    uv_async_t wakeup; /* from other threads; not referenced */
    uv_timer_t timer;  /* the next deadline */
    uv_idle_t idle;    /* keeps the poll from blocking after that fired */
    int handles_open;  /* the three above, and those of other layers */

    /* Rarely used. */
    _Atomic(uint32_t) refs;
    uint32_t held;     /* by futures, which together have one reference */
    uint32_t ops;      /* requests under way: virtual time stands still */
    pthread_t thread;  /* that made the loop */
    unsigned forks;    /* of the process when the loop was made */
    bool running;
    bool closed;
    struct aio__list tasks;      /* unfinished, in order of creation */
    _Atomic(bool) tasks_busy;    /* the lock of that list: see task/roster.h */
    _Atomic(uint32_t) visits;    /* lists in other threads; plus 1 for `kept` */
    struct aio__list context_runs; /* under way in tasks */
    asyncio_future_t *entered;   /* the current task of a callback; or NULL */
    struct aio__list kept;       /* ended tasks that these may still name */
    struct aio__closer kept_closer;
    struct aio__coro_pool *pools; /* of other stack sizes */
    double slow_callback_duration;
    asyncio_exception_handler_t exception_handler;
    void *exception_handler_arg;
    void (*task_factory)(void);  /* asyncio_task_factory_t, for the task layer */
    struct aio__list closers;    /* called when the loop closes */
    struct aio__executor *executor; /* these three: of the io layer, once */
    struct aio__polls *polls;       /* used */
    struct aio__signals *signals;
    struct aio__io *io;          /* of the io layer; NULL until used */
    asyncio_loop_t *outer;       /* running loop before run_until_complete */
};

/* The loop that runs in this thread. */
extern aio__thread_local asyncio_loop_t *aio__running;

/* Forks of this process so far; a loop of the parent is of no use. */
extern unsigned aio__forks;

aio__inline void
aio__queue_init(struct aio__queue *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
}

aio__inline bool
aio__queue_empty(const struct aio__queue *queue)
{
    return queue->head == NULL;
}

aio__inline void
aio__queue_push(struct aio__queue *queue, struct aio__job *job)
{
    job->next = NULL;
    *queue->tail = job;
    queue->tail = &job->next;
}

/* For who knows the first. */
aio__inline void
aio__queue_pop_head(struct aio__queue *queue, const struct aio__job *head)
{
    queue->head = head->next;
    if (head->next == NULL)
        queue->tail = &queue->head;
}

/* The queue is not empty. */
aio__inline struct aio__job *
aio__queue_pop(struct aio__queue *queue)
{
    struct aio__job *job = queue->head;

    aio__queue_pop_head(queue, job);
    return job;
}

/* Append all of `from`, which is empty afterwards. */
aio__inline void
aio__queue_append(struct aio__queue *to, struct aio__queue *from)
{
    if (aio__queue_empty(from))
        return;
    *to->tail = from->head;
    to->tail = from->tail;
    aio__queue_init(from);
}

/* Take out a job that may be anywhere in the queue: a walk, for rare cases. */
static inline bool
aio__queue_remove(struct aio__queue *queue, struct aio__job *job)
{
    for (struct aio__job **at = &queue->head; *at != NULL; at = &(*at)->next) {
        if (*at != job)
            continue;
        *at = job->next;
        if (*at == NULL)
            queue->tail = at;
        return true;
    }
    return false;
}

/* Run it in the next pass. */
aio__inline void
aio__ready(asyncio_loop_t *loop, struct aio__job *job)
{
    aio__queue_push(&loop->ready, job);
}

/* Futures keep their loop's memory, at the price of an addition. */
aio__inline void
aio__loop_hold(asyncio_loop_t *loop)
{
    if (loop->held++ == 0)
        asyncio_loop_ref(loop);
}

aio__inline void
aio__loop_release(asyncio_loop_t *loop)
{
    if (--loop->held == 0)
        asyncio_loop_unref(loop);
}

/* Seconds of the loop's clock. */
double aio__loop_now(asyncio_loop_t *loop);

/* May the calling thread use this loop? 0 or an error that says why not. */
int aio__loop_unusable(asyncio_loop_t *loop);
aio__inline int
aio__loop_usable(asyncio_loop_t *loop)
{
    if (aio__likely(loop != NULL && !loop->closed && !loop->debug
                    && loop->forks == aio__forks))
        return 0;
    return aio__loop_unusable(loop);
}

/* What is ready makes up a pass; the one before is over. Its first job, which
 * the caller needs at once, is not read back from the queue. */
aio__inline struct aio__job *
aio__pass_begin(asyncio_loop_t *loop)
{
    struct aio__job *first = loop->ready.head;

    loop->now.head = first;
    loop->now.tail = loop->ready.tail;
    aio__queue_init(&loop->ready);
    return first;
}

/* After the ready part of a pass: begin the next one without asking libuv.
 * Its first job, or NULL when the loop's own stack has to take over. */
struct aio__job *aio__pass_look(asyncio_loop_t *loop);
aio__inline struct aio__job *
aio__pass_next(asyncio_loop_t *loop)
{
    if (aio__unlikely(
            loop->credit == 0 || aio__queue_empty(&loop->ready)
            || loop->timers.count != 0
            || atomic_load_explicit(&loop->inbox_full, memory_order_relaxed)))
        return aio__pass_look(loop);
    loop->credit--;
    return aio__pass_begin(loop);
}

/* From any thread: run a job in the loop's thread. It is not owned: whoever
 * posts it takes it back in a closer. 0, or ASYNCIO_ERR_LOOP_CLOSED. */
int aio__post(asyncio_loop_t *loop, struct aio__job *job);

/* In the loop's thread: a posted job will not run (if it has not yet). */
void aio__post_withdraw(asyncio_loop_t *loop, struct aio__job *job);

/* Leave the loop with this code as soon as what runs now gives way; what is
 * queued comes first in the next run. */
void aio__loop_interrupt(asyncio_loop_t *loop, int code);

/* Make what other threads sent ready. */
void aio__inbox_drain(asyncio_loop_t *loop);

/* Drop everything that is queued, when the loop closes. */
void aio__handles_drop(asyncio_loop_t *loop);

#endif
