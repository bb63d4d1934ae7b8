/* SPDX-License-Identifier: MIT */
/*
 * Tasks at locks and queues that are cancelled at every suspension, and before
 * and after everything that may wake them. Nobody else may suffer: no wake-up
 * is lost, nothing that was handed over disappears, no two are let in.
 */
#include "play.h"

/* --- locks ------------------------------------------------------------------ */

struct at_lock {
    asyncio_lock_t lock;
    asyncio_semaphore_t semaphore;
    int inside;
    int most;
};

static void
at_lock_begin(void *arg)
{
    struct at_lock *self = arg;

    asyncio_lock_init(&self->lock);
    assert_r(asyncio_bounded_semaphore_init(&self->semaphore, 2), 0);
}

static void
at_lock_end(void *arg)
{
    struct at_lock *self = arg;

    ck_assert_int_eq(self->inside, 0);
    ck_assert(!asyncio_lock_locked(&self->lock));
    ck_assert_int_eq(self->semaphore.value, 2);
    assert_r(asyncio_lock_fini(&self->lock), 0);
    assert_r(asyncio_semaphore_fini(&self->semaphore), 0);
}

static int
lock_twice(void *arg)
{
    struct at_lock *self = ((struct part *) arg)->state;

    for (int i = 0; i < 2; i++) {
        int r = asyncio_lock_acquire(&self->lock);

        if (r < 0)
            return r;
        ck_assert_int_eq(self->inside++, 0);
        r = asyncio_sleep(i);
        self->inside--;
        assert_r(asyncio_lock_release(&self->lock), 0);
        if (r < 0)
            return r;
    }
    return 0;
}

PLAIN(a_lock_keeps_its_word_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_lock),
        .begin = at_lock_begin,
        .end = at_lock_end,
        .parts = {lock_twice, lock_twice, lock_twice}};

    cancel_everywhere(&play);
}

static int
lock_with_timeout(void *arg)
{
    struct at_lock *self = ((struct part *) arg)->state;
    asyncio_timeout_t timeout;
    int r;

    asyncio_timeout_enter(asyncio_timeout(&timeout, 0.5));
    r = lock_twice(&(struct part){.state = self});
    r = asyncio_timeout_exit(&timeout, r);
    return r == ASYNCIO_ERR_TIMEOUT ? 0 : r;
}

PLAIN(a_lock_keeps_its_word_when_waiting_for_it_times_out, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_lock),
        .begin = at_lock_begin,
        .end = at_lock_end,
        .parts = {lock_with_timeout, lock_twice, lock_with_timeout}};

    cancel_everywhere(&play);
}

static int
take_permit_twice(void *arg)
{
    struct at_lock *self = ((struct part *) arg)->state;

    for (int i = 0; i < 2; i++) {
        int r = asyncio_semaphore_acquire(&self->semaphore);

        if (r < 0)
            return r;
        ck_assert_int_lt(self->inside++, 2);
        r = asyncio_sleep(i == 0 ? 1 : 0);
        self->inside--;
        assert_r(asyncio_semaphore_release(&self->semaphore), 0);
        if (r < 0)
            return r;
    }
    return 0;
}

PLAIN(a_semaphore_loses_no_permit_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_lock),
        .begin = at_lock_begin,
        .end = at_lock_end,
        .parts = {take_permit_twice, take_permit_twice, take_permit_twice,
                  take_permit_twice}};

    cancel_everywhere(&play);
}

static int
take_both_permits(void *arg)
{
    struct at_lock *self = ((struct part *) arg)->state;
    int r;

    r = asyncio_lock_acquire(&self->lock);
    if (r < 0)
        return r;
    r = asyncio_semaphore_acquire(&self->semaphore);
    if (r >= 0) {
        r = asyncio_semaphore_acquire(&self->semaphore);
        if (r >= 0) {
            r = asyncio_sleep(0);
            assert_r(asyncio_semaphore_release(&self->semaphore), 0);
        }
        assert_r(asyncio_semaphore_release(&self->semaphore), 0);
    }
    assert_r(asyncio_lock_release(&self->lock), 0);
    return r;
}

PLAIN(permits_taken_under_a_lock_come_back_whoever_is_cancelled,
      .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_lock),
        .begin = at_lock_begin,
        .end = at_lock_end,
        .parts = {take_both_permits, take_permit_twice, take_both_permits}};

    cancel_everywhere(&play);
}

/* --- events ----------------------------------------------------------------- */

struct at_event {
    asyncio_event_t event;
    asyncio_event_t answer;
    int waiting;
};

static void
at_event_begin(void *arg)
{
    struct at_event *self = arg;

    asyncio_event_init(&self->event);
    asyncio_event_init(&self->answer);
}

static void
at_event_end(void *arg)
{
    struct at_event *self = arg;

    assert_r(asyncio_event_fini(&self->event), 0);
    assert_r(asyncio_event_fini(&self->answer), 0);
}

static int
wait_for_event(void *arg)
{
    struct at_event *self = ((struct part *) arg)->state;
    int r = asyncio_event_wait(&self->event);

    asyncio_event_set(&self->answer);
    return r;
}

/* Sets it whatever happens. */
static int
set_event(void *arg)
{
    struct at_event *self = ((struct part *) arg)->state;
    int r = asyncio_sleep(1);

    asyncio_event_set(&self->event);
    asyncio_event_clear(&self->event);
    asyncio_event_set(&self->event);
    return r < 0 ? r : asyncio_event_wait(&self->answer);
}

PLAIN(an_event_wakes_the_others_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_event),
        .begin = at_event_begin,
        .end = at_event_end,
        .parts = {wait_for_event, set_event, wait_for_event, wait_for_event}};

    cancel_everywhere(&play);
}

/* --- conditions ------------------------------------------------------------- */

struct at_condition {
    asyncio_condition_t condition;
    int tokens;
    int taken;
    int given;
    int leaving; /* who takes tokens and is not gone */
    bool inside;
};

static void
at_condition_begin(void *arg)
{
    struct at_condition *self = arg;

    asyncio_condition_init(&self->condition, NULL);
}

static void
at_condition_end(void *arg)
{
    struct at_condition *self = arg;

    ck_assert(!asyncio_condition_locked(&self->condition));
    ck_assert_int_eq(self->tokens + self->taken, self->given);
    assert_r(asyncio_condition_fini(&self->condition), 0);
}

/* Everything between waits happens alone. */
static void
step_inside(struct at_condition *self)
{
    ck_assert(asyncio_condition_locked(&self->condition));
    ck_assert(!self->inside);
}

static int
has_token(void *arg)
{
    struct at_condition *self = arg;

    return self->tokens > 0;
}

static int
take_token(void *arg)
{
    struct at_condition *self = ((struct part *) arg)->state;
    int r = asyncio_condition_acquire(&self->condition);

    if (r < 0)
        return r;
    r = asyncio_condition_wait_for(&self->condition, has_token, self);
    step_inside(self);
    if (r >= 0) {
        self->inside = true;
        self->tokens--;
        self->taken++;
        r = asyncio_sleep(0);
        self->inside = false;
    }
    assert_r(asyncio_condition_release(&self->condition), 0);
    return r < 0 ? r : 0;
}

/* Gives one token for each that takes one, whatever happens. */
static int
give_tokens(void *arg)
{
    struct at_condition *self = ((struct part *) arg)->state;
    int cancelled = 0;

    for (int i = 0; i < 3;) {
        int r = asyncio_condition_acquire(&self->condition);

        if (r < 0) {
            cancelled = r;
            continue;
        }
        step_inside(self);
        self->tokens++;
        self->given++;
        i++;
        assert_r(asyncio_condition_notify(&self->condition, 1), 0);
        r = asyncio_sleep(0);
        assert_r(asyncio_condition_release(&self->condition), 0);
        if (r < 0)
            cancelled = r;
    }
    return cancelled;
}

PLAIN(a_condition_passes_notifications_on_whoever_is_cancelled,
      .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_condition),
        .begin = at_condition_begin,
        .end = at_condition_end,
        .parts = {take_token, take_token, take_token, give_tokens}};

    cancel_everywhere(&play);
}

static int
give_all_tokens(void *arg)
{
    struct at_condition *self = ((struct part *) arg)->state;
    int cancelled = asyncio_sleep(1);
    int r;

    while ((r = asyncio_condition_acquire(&self->condition)) < 0)
        cancelled = r;
    step_inside(self);
    self->tokens += 3;
    self->given += 3;
    assert_r(asyncio_condition_notify_all(&self->condition), 0);
    assert_r(asyncio_condition_release(&self->condition), 0);
    return cancelled;
}

PLAIN(a_condition_wakes_all_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_condition),
        .begin = at_condition_begin,
        .end = at_condition_end,
        .parts = {take_token, give_all_tokens, take_token, take_token}};

    cancel_everywhere(&play);
}

/* One wait only, whose end by cancellation must pass the notification on. */
static int
wait_once(void *arg)
{
    struct at_condition *self = ((struct part *) arg)->state;
    int r = asyncio_condition_acquire(&self->condition);

    if (r < 0)
        return r;
    r = asyncio_condition_wait(&self->condition);
    step_inside(self);
    if (r >= 0) /* the next one, please */
        assert_r(asyncio_condition_notify(&self->condition, 1), 0);
    assert_r(asyncio_condition_release(&self->condition), 0);
    return r;
}

static int
notify_first(void *arg)
{
    struct at_condition *self = ((struct part *) arg)->state;
    int cancelled = asyncio_sleep(1);
    int r;

    while ((r = asyncio_condition_acquire(&self->condition)) < 0)
        cancelled = r;
    assert_r(asyncio_condition_notify(&self->condition, 1), 0);
    assert_r(asyncio_condition_release(&self->condition), 0);
    return cancelled;
}

PLAIN(one_notification_goes_through_all_whoever_is_cancelled,
      .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(struct at_condition),
        .begin = at_condition_begin,
        .end = at_condition_end,
        /* A notifier that is cancelled early may find nobody. */
        .may_block = true,
        .parts = {wait_once, wait_once, wait_once, notify_first}};

    cancel_everywhere(&play);
}
