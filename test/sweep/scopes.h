/* SPDX-License-Identifier: MIT */
/* The scenarios of scopes.c, and their part of the table. */
#ifndef TEST_SWEEP_SCOPES_H
#define TEST_SWEEP_SCOPES_H

int timeout_in_time(void);
int timeout_expires(void);
int timeout_at_once(void);
int timeouts_nested(void);
int timeout_moved(void);
int timeout_swallowed(void);
int group_plain(void);
int group_waits(void);
int group_child_fails(void);
int group_child_fails_in_body(void);
int group_body_fails(void);
int group_eager(void);
int group_cancelled(void);
int group_cancelled_late(void);
int groups_nested(void);
int group_in_timeout(void);
int timeout_in_group(void);
int callbacks_soon(void);
int callbacks_timed(void);
int callbacks_dropped(void);
int callback_fails(void);
int done_callbacks(void);
int errors_with_detail(void);
int cancelled_by_timer(void);
int context_values(void);
int context_given(void);
int call_from_a_thread(void);
int run_in_a_thread(void);
int eager_factory(void);
int debug_mode(void);
int cancels_itself(void);
int leaves_tasks_running(void);

/* clang-format off */
#define SCOPE_SCENES \
    {"timeout_in_time", timeout_in_time, false}, \
    {"timeout_expires", timeout_expires, false}, \
    {"timeout_at_once", timeout_at_once, false}, \
    {"timeouts_nested", timeouts_nested, false}, \
    {"timeout_moved", timeout_moved, false}, \
    {"timeout_swallowed", timeout_swallowed, true}, \
    {"group_plain", group_plain, false}, \
    {"group_waits", group_waits, false}, \
    {"group_child_fails", group_child_fails, false}, \
    {"group_child_fails_in_body", group_child_fails_in_body, false}, \
    {"group_body_fails", group_body_fails, false}, \
    {"group_eager", group_eager, false}, \
    {"group_cancelled", group_cancelled, false}, \
    {"group_cancelled_late", group_cancelled_late, false}, \
    {"groups_nested", groups_nested, false}, \
    {"group_in_timeout", group_in_timeout, false}, \
    {"timeout_in_group", timeout_in_group, false}, \
    {"callbacks_soon", callbacks_soon, false}, \
    {"callbacks_timed", callbacks_timed, false}, \
    {"callbacks_dropped", callbacks_dropped, false}, \
    {"callback_fails", callback_fails, false}, \
    {"done_callbacks", done_callbacks, false}, \
    {"errors_with_detail", errors_with_detail, false}, \
    {"cancelled_by_timer", cancelled_by_timer, false}, \
    {"context_values", context_values, false}, \
    {"context_given", context_given, false}, \
    {"call_from_a_thread", call_from_a_thread, false}, \
    {"run_in_a_thread", run_in_a_thread, false}, \
    {"eager_factory", eager_factory, false}, \
    {"debug_mode", debug_mode, false}, \
    {"cancels_itself", cancels_itself, false}, \
    {"leaves_tasks_running", leaves_tasks_running, false}
/* clang-format on */

#endif
