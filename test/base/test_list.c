/* SPDX-License-Identifier: MIT */
#include "behaviour.h"

#include "base/list.h"

struct entry {
    int n;
    struct aio__list node;
};

static struct aio__list list;
static struct entry entries[3] = {{.n = 0}, {.n = 1}, {.n = 2}};

static void
fill(void)
{
    aio__list_init(&list);
    for (int i = 0; i < 3; i++)
        aio__list_push_back(&list, &entries[i].node);
}

static int
number(struct aio__list *node)
{
    return aio__container_of(node, struct entry, node)->n;
}

PLAIN(an_empty_list_has_nothing_to_pop)
{
    aio__list_init(&list);
    ck_assert(aio__list_empty(&list));
    ck_assert_ptr_null(aio__list_pop_front(&list));
}

PLAIN(entries_leave_in_the_order_they_came)
{
    fill();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(number(aio__list_pop_front(&list)), i);
    ck_assert(aio__list_empty(&list));
}

PLAIN(an_entry_in_the_middle_can_leave)
{
    fill();
    aio__list_remove(&entries[1].node);
    ck_assert_int_eq(number(aio__list_pop_front(&list)), 0);
    ck_assert_int_eq(number(aio__list_pop_front(&list)), 2);
}

PLAIN(removing_twice_does_nothing)
{
    fill();
    aio__list_remove(&entries[0].node);
    aio__list_remove(&entries[0].node);
    ck_assert_int_eq(number(aio__list_pop_front(&list)), 1);
}

PLAIN(an_entry_may_leave_while_the_list_is_walked)
{
    int seen = 0;

    fill();
    aio__list_foreach(node, &list)
    {
        ck_assert_int_eq(number(node), seen++);
        aio__list_remove(node);
    }
    ck_assert_int_eq(seen, 3);
    ck_assert(aio__list_empty(&list));
}
