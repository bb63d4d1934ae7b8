/* SPDX-License-Identifier: MIT */
/* Boost.Fiber with its own scheduler (round robin) and default stacks. */
#include "bench.h"

#include <boost/fiber/all.hpp>
#include <chrono>
#include <vector>

namespace fib = boost::fibers;
namespace this_fiber = boost::this_fiber;

static void
yield(struct bench *bench)
{
    std::vector<fib::fiber> fibers;
    int64_t left = static_cast<int64_t>(bench->n);

    for (long i = 0; i < bench->arg; i++)
        fibers.emplace_back([&] {
            this_fiber::yield();
            while (left > 0) {
                if (--left == 0)
                    bench_stop(bench);
                this_fiber::yield();
            }
        });
    this_fiber::yield();
    bench_start(bench);
    for (auto &fiber : fibers)
        fiber.join();
}

static void
future(struct bench *bench)
{
    fib::promise<void> *slot = nullptr;
    fib::fiber waiting([&] {
        for (uint64_t i = 0; i < bench->n; i++) {
            fib::promise<void> promise;
            slot = &promise;
            promise.get_future().wait();
        }
    });
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++) {
        while (slot == nullptr)
            this_fiber::yield();
        std::exchange(slot, nullptr)->set_value();
        this_fiber::yield();
    }
    waiting.join();
    bench_stop(bench);
}

static void
create(struct bench *bench)
{
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++)
        fib::fiber([] {}).join();
    bench_stop(bench);
}

static void
all_alive(uint64_t n)
{
    std::vector<fib::fiber> fibers;
    for (uint64_t i = 0; i < n; i++)
        fibers.emplace_back([] { this_fiber::yield(); });
    for (auto &fiber : fibers)
        fiber.join();
}

static void
alive(struct bench *bench)
{
    if (bench->arg)
        all_alive(bench->n);
    bench_start(bench);
    all_alive(bench->n);
    bench_stop(bench);
}

static void
lock(struct bench *bench)
{
    fib::mutex mutex;
    auto side = [&] {
        for (uint64_t i = 0; i < bench->n / 2; i++) {
            std::unique_lock<fib::mutex> held(mutex);
            this_fiber::yield();
        }
    };
    bench_start(bench);
    fib::fiber a(side), b(side);
    a.join();
    b.join();
    bench_stop(bench);
}

static void
event(struct bench *bench)
{
    fib::mutex mutex;
    fib::condition_variable changed[2];
    int turn = 0;
    auto side = [&](int mine) {
        std::unique_lock<fib::mutex> held(mutex);
        for (uint64_t i = 0; i < bench->n / 2; i++) {
            changed[mine].wait(held, [&] { return turn == mine; });
            turn = !mine;
            changed[!mine].notify_one();
        }
    };
    bench_start(bench);
    fib::fiber a(side, 0), b(side, 1);
    a.join();
    b.join();
    bench_stop(bench);
}

static void
queue(struct bench *bench)
{
    fib::unbuffered_channel<uint64_t> there, back;
    fib::fiber partner([&] {
        for (uint64_t item : there)
            back.push(item);
    });
    uint64_t item = 0;
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++) {
        there.push(i);
        back.pop(item);
    }
    bench_stop(bench);
    there.close();
    partner.join();
}

static void
gather(struct bench *bench)
{
    std::vector<fib::fiber> fibers;
    bench_start(bench);
    for (uint64_t done = 0; done < bench->n; done += bench->arg) {
        for (long i = 0; i < bench->arg; i++)
            fibers.emplace_back([] {});
        for (auto &fiber : fibers)
            fiber.join();
        fibers.clear();
    }
    bench_stop(bench);
}

static void
timers(struct bench *bench)
{
    std::vector<fib::fiber> fibers;
    uint32_t seed = 42;

    bench_start(bench);
    for (long i = 0; i < bench->arg; i++) {
        auto delay = std::chrono::milliseconds(bench_random(&seed) % 1001);
        fibers.emplace_back([delay] { this_fiber::sleep_for(delay); });
    }
    for (auto &fiber : fibers)
        fiber.join();
    bench_stop(bench);
}

static void
memory(struct bench *bench)
{
    bench_memory();
    auto before = bench_memory();
    long asleep = 0;
    for (long i = 0; i < bench->arg; i++)
        fib::fiber([&] {
            asleep++;
            this_fiber::sleep_for(std::chrono::hours(1));
        }).detach();
    while (asleep < bench->arg)
        this_fiber::yield();
    bench_memory_since(bench, before, bench->arg);
}

/* name, run, arg, n, n_quick, unit, peer, macro, by_cpu */
static const struct bench_case cases[] = {
    {"yield/2", yield, 2},
    {"yield/100", yield, 100},
    {"yield/1000", yield, 1000},
    {"yield/10000", yield, 10000, 100000},
    {"future", future},
    {"create", create},
    {"alive/cold", alive, 0, 100000, 10000, "ns", nullptr, true},
    {"alive/warm", alive, 1, 100000, 10000, "ns", nullptr, true},
    {"lock", lock},
    {"event", event},
    {"queue", queue},
    {"gather/10", gather, 10, 10000},
    {"gather/10000", gather, 10000, 10000},
    {"timers/100000", timers, 100000, 1, 0, "s", nullptr, true, true},
    {"timers/1000000", timers, 1000000, 1, 0, "s", nullptr, true, true},
    {"memory/10000", memory, 10000, 1, 0, nullptr, nullptr, true},
    {"memory/100000", memory, 100000, 1, 0, nullptr, nullptr, true},
    {"memory/1000000", memory, 1000000, 1, 0, nullptr, nullptr, true},
    {},
};

int
main(int argc, char **argv)
{
    return bench_main(argc, argv, "boost.fiber", cases);
}
