/* SPDX-License-Identifier: MIT */
/*
 * Threads of their own for the system's resolver.
 *
 * A name server that does not answer keeps a thread for ten seconds and more.
 * So look-ups have threads which nothing else uses: files and jobs never wait
 * for them. The threads belong to the process, are started when none is idle,
 * and end when they have had nothing to do for a while.
 *
 * A lookup belongs to the thread that works on it, and then to the inbox of
 * its loop, whose memory it holds. A task that is cancelled leaves at once;
 * the answer that comes later is dropped, also when the loop is closed by
 * then, which does not wait for anybody.
 *
 * Python counterpart: loop.getaddrinfo in the default executor.
 */
#include "io/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/counters.h"

enum {
    THREADS_MAX = 16,
    IDLE_SECONDS = 5,
    STACK_SIZE = 256 * 1024 /* bytes: the resolver keeps answers on it */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct aio__lookup *head;
    struct aio__lookup **tail;
    unsigned threads;
    unsigned idle;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .work = PTHREAD_COND_INITIALIZER,
          .tail = &pool.head};

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The child has none of the threads, and the look-ups are its parent's. */
static void
on_fork_child(void)
{
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.work, NULL);
    pool.head = NULL;
    pool.tail = &pool.head;
    pool.threads = 0;
    pool.idle = 0;
}

static void
first_use(void)
{
    pthread_atfork(NULL, NULL, on_fork_child);
}

struct aio__lookup *
aio__lookup_new(asyncio_loop_t *loop)
{
    struct aio__lookup *lookup = aio__calloc(1, sizeof *lookup);

    if (lookup != NULL)
        lookup->loop = asyncio_loop_ref(loop);
    return lookup;
}

void
aio__lookup_free(struct aio__lookup *lookup)
{
    if (lookup->list != NULL)
        freeaddrinfo(lookup->list);
    asyncio_loop_unref(lookup->loop);
    aio__free(lookup, sizeof *lookup);
}

/* While a task waits for it; virtual time stands still. */
static void
count_op(asyncio_loop_t *loop, int n)
{
    loop->ops += (uint32_t) n;
    aio__count(AIO__COUNT_OPS, n);
}

/* In the loop's thread: the answer is there. */
static void
on_answer(struct aio__job *job)
{
    struct aio__lookup *lookup =
        aio__container_of(job, struct aio__lookup, job);

    aio__list_remove(&lookup->closer.link);
    if (lookup->waiter == NULL) {
        aio__lookup_free(lookup);
        return;
    }
    count_op(lookup->loop, -1);
    aio__wake(lookup->waiter, 0);
}

/* The loop closes, after its task has left: drop the answer if it is there,
 * else the thread will. */
static void
close_with_loop(struct aio__closer *closer)
{
    struct aio__lookup *lookup =
        aio__container_of(closer, struct aio__lookup, closer);
    asyncio_loop_t *loop = lookup->loop;
    bool delivered;

    pthread_mutex_lock(&loop->lock);
    delivered = lookup->delivered;
    if (delivered)
        aio__queue_remove(&loop->inbox, &lookup->job);
    pthread_mutex_unlock(&loop->lock);
    if (!delivered)
        return;
    aio__queue_remove(&loop->now, &lookup->job);
    aio__queue_remove(&loop->ready, &lookup->job);
    aio__lookup_free(lookup);
}

/* In a thread of the pool. */
static void
look_up(struct aio__lookup *lookup)
{
    if (lookup->reverse)
        lookup->status = getnameinfo(
            (struct sockaddr *) &lookup->addr, lookup->addr_size,
            lookup->names.host, sizeof lookup->names.host,
            lookup->names.service, sizeof lookup->names.service,
            lookup->flags);
    else
        lookup->status =
            getaddrinfo(lookup->has_host ? lookup->host : NULL,
                        lookup->has_service ? lookup->service : NULL,
                        &lookup->hints, &lookup->list);
    lookup->error = errno;
}

/* Send it home. A loop that closed takes nothing any more. */
static void
deliver(struct aio__lookup *lookup)
{
    asyncio_loop_t *loop = lookup->loop;
    bool closed;

    pthread_mutex_lock(&loop->lock);
    closed = loop->inbox_closed;
    if (!closed) {
        lookup->delivered = true;
        aio__queue_push(&loop->inbox, &lookup->job);
        atomic_store(&loop->inbox_full, true);
        uv_async_send(&loop->wakeup);
    }
    pthread_mutex_unlock(&loop->lock);
    if (closed)
        aio__lookup_free(lookup);
}

/* The next one to do; NULL when there was none for a while. Locked. */
static struct aio__lookup *
take(void)
{
    struct aio__lookup *lookup;
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_SECONDS;
    pool.idle++;
    while (pool.head == NULL)
        if (pthread_cond_timedwait(&pool.work, &pool.lock, &until)
            == ETIMEDOUT)
            break;
    pool.idle--;
    lookup = pool.head;
    if (lookup == NULL)
        return NULL;
    pool.head = lookup->next;
    if (pool.head == NULL)
        pool.tail = &pool.head;
    return lookup;
}

static void *
thread_main(void *arg)
{
    struct aio__lookup *lookup;

    (void) arg;
    pthread_mutex_lock(&pool.lock);
    while ((lookup = take()) != NULL) {
        pthread_mutex_unlock(&pool.lock);
        look_up(lookup);
        deliver(lookup);
        pthread_mutex_lock(&pool.lock);
    }
    pool.threads--;
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* Locked. Signals are for the program's own threads. */
static int
start_thread(void)
{
    sigset_t all, former;
    pthread_attr_t attr;
    pthread_t thread;
    int r;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    r = pthread_create(&thread, &attr, thread_main, NULL);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    pthread_attr_destroy(&attr);
    if (r == 0)
        pool.threads++;
    return -r;
}

static int
submit(struct aio__lookup *lookup)
{
    unsigned waiting = 0;
    int r = 0;

    pthread_once(&once, first_use);
    pthread_mutex_lock(&pool.lock);
    for (struct aio__lookup *l = pool.head; l != NULL; l = l->next)
        waiting++;
    if (waiting >= pool.idle && pool.threads < THREADS_MAX)
        r = start_thread();
    if (r == 0 || pool.threads > 0) {
        lookup->next = NULL;
        *pool.tail = lookup;
        pool.tail = &lookup->next;
        pthread_cond_signal(&pool.work);
        r = 0;
    }
    pthread_mutex_unlock(&pool.lock);
    return r;
}

struct lookup_waiter {
    struct aio__waiter waiter;
    struct aio__lookup *lookup;
};

static bool
cancel_lookup(struct aio__waiter *waiter, asyncio_exception_t *message)
{
    struct lookup_waiter *waiting =
        aio__container_of(waiter, struct lookup_waiter, waiter);

    if (waiter->woken)
        return false;
    waiting->lookup->waiter = NULL;
    count_op(waiter->loop, -1);
    return aio__waiter_cancel(waiter, message);
}

int
aio__lookup_await(struct aio__lookup *lookup)
{
    struct lookup_waiter waiting;
    asyncio_loop_t *loop = lookup->loop;
    int r;

    aio__waiter_init(&waiting.waiter, loop, cancel_lookup);
    waiting.lookup = lookup;
    lookup->waiter = &waiting.waiter;
    lookup->job.run = on_answer;
    lookup->closer.close = close_with_loop;
    aio__list_push_back(&loop->closers, &lookup->closer.link);
    r = submit(lookup);
    if (r < 0) {
        aio__list_remove(&lookup->closer.link);
        aio__lookup_free(lookup);
        return asyncio_raise_at(r, NULL, 0,
                                "cannot start a thread for the resolver");
    }
    count_op(loop, 1);
    r = aio__wait(&waiting.waiter);
    if (r < 0 && waiting.waiter.woken
        && waiting.waiter.status != ASYNCIO_ERR_CANCELLED)
        aio__lookup_free(lookup); /* the answer came, then the cancellation */
    return r;
}
