// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"math"
	"runtime"
	"sync"
	"time"
)

func yield(b *Bench) {
	var all sync.WaitGroup
	// One thread runs them all. It may leave this one while it still makes
	// them, so the count only begins when all are there.
	left := math.MaxInt
	all.Add(b.Arg)
	for i := 0; i < b.Arg; i++ {
		go func() {
			defer all.Done()
			runtime.Gosched()
			for left > 0 {
				left--
				if left == 0 {
					b.Stop()
				}
				runtime.Gosched()
			}
		}()
	}
	runtime.Gosched()
	left = b.N
	b.Start()
	all.Wait()
}

func future(b *Bench) {
	var slot chan struct{}
	done := make(chan struct{})
	go func() {
		for i := 0; i < b.N; i++ {
			f := make(chan struct{})
			slot = f
			<-f
		}
		close(done)
	}()
	b.Start()
	for i := 0; i < b.N; i++ {
		for slot == nil {
			runtime.Gosched()
		}
		f := slot
		slot = nil
		close(f)
		runtime.Gosched()
	}
	<-done
	b.Stop()
}

func create(b *Bench) {
	done := make(chan struct{})
	b.Start()
	for i := 0; i < b.N; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
	b.Stop()
}

func allAlive(n int) {
	var all sync.WaitGroup
	all.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			runtime.Gosched()
			all.Done()
		}()
	}
	all.Wait()
}

func alive(b *Bench) {
	if b.Arg != 0 {
		allAlive(b.N)
	}
	b.Start()
	allAlive(b.N)
	b.Stop()
}

func cancel(b *Bench) {
	cancels := make([]context.CancelFunc, 1000)
	for done := 0; done < b.N; done += len(cancels) {
		var all sync.WaitGroup
		all.Add(len(cancels))
		for i := range cancels {
			ctx, stop := context.WithCancel(context.Background())
			cancels[i] = stop
			go func() {
				<-ctx.Done()
				all.Done()
			}()
		}
		runtime.Gosched()
		b.Start()
		for _, stop := range cancels {
			stop()
		}
		all.Wait()
		b.Stop()
	}
}

func lock(b *Bench) {
	var mutex sync.Mutex
	var all sync.WaitGroup
	side := func() {
		for i := 0; i < b.N/2; i++ {
			mutex.Lock()
			runtime.Gosched()
			mutex.Unlock()
		}
		all.Done()
	}
	all.Add(2)
	b.Start()
	go side()
	go side()
	all.Wait()
	b.Stop()
}

func event(b *Bench) {
	var mutex sync.Mutex
	var all sync.WaitGroup
	changed := [2]*sync.Cond{sync.NewCond(&mutex), sync.NewCond(&mutex)}
	turn := 0
	side := func(mine int) {
		mutex.Lock()
		for i := 0; i < b.N/2; i++ {
			for turn != mine {
				changed[mine].Wait()
			}
			turn = 1 - mine
			changed[turn].Signal()
		}
		mutex.Unlock()
		all.Done()
	}
	all.Add(2)
	b.Start()
	go side(0)
	go side(1)
	all.Wait()
	b.Stop()
}

func queue(b *Bench) {
	there, back := make(chan int), make(chan int)
	go func() {
		for item := range there {
			back <- item
		}
	}()
	b.Start()
	for i := 0; i < b.N; i++ {
		there <- i
		<-back
	}
	b.Stop()
	close(there)
}

func gather(b *Bench) {
	b.Start()
	for done := 0; done < b.N; done += b.Arg {
		var all sync.WaitGroup
		all.Add(b.Arg)
		for i := 0; i < b.Arg; i++ {
			go all.Done()
		}
		all.Wait()
	}
	b.Stop()
}

func skynetNode(sum chan<- int, first, size int) {
	if size == 1 {
		sum <- first
		return
	}
	parts := make(chan int)
	for i := 0; i < 10; i++ {
		go skynetNode(parts, first+i*(size/10), size/10)
	}
	total := 0
	for i := 0; i < 10; i++ {
		total += <-parts
	}
	sum <- total
}

func skynet(b *Bench) {
	sum := make(chan int)
	b.Start()
	go skynetNode(sum, 0, 1000000)
	if <-sum != 499999500000 {
		panic("skynet: wrong sum")
	}
	b.Stop()
}

func timers(b *Bench) {
	var all sync.WaitGroup
	seed := uint32(42)
	b.Start()
	all.Add(b.Arg)
	for i := 0; i < b.Arg; i++ {
		delay := time.Duration(random(&seed)%1001) * time.Millisecond
		go func() {
			time.Sleep(delay)
			all.Done()
		}()
	}
	all.Wait()
	b.Stop()
}

func sleepers(b *Bench) {
	var asleep sync.WaitGroup
	runtime.GC()
	before := memoryNow()
	asleep.Add(b.Arg)
	for i := 0; i < b.Arg; i++ {
		go func() {
			asleep.Done()
			time.Sleep(time.Hour)
		}()
	}
	asleep.Wait()
	runtime.Gosched()
	b.memorySince(before, b.Arg)
}

var cases = []benchCase{
	{name: "yield/2", run: yield, arg: 2},
	{name: "yield/100", run: yield, arg: 100},
	{name: "yield/1000", run: yield, arg: 1000},
	{name: "yield/10000", run: yield, arg: 10000, n: 100000},
	{name: "yield/1000000", run: yield, arg: 1000000, n: 4000000, macro: true},
	{name: "future", run: future},
	{name: "create", run: create},
	{name: "alive/cold", run: alive, n: 100000, macro: true},
	{name: "alive/warm", run: alive, arg: 1, n: 100000, macro: true},
	{name: "cancel", run: cancel, n: 10000},
	{name: "lock", run: lock},
	{name: "event", run: event},
	{name: "queue", run: queue},
	{name: "gather/10", run: gather, arg: 10, n: 10000},
	{name: "gather/10000", run: gather, arg: 10000, n: 10000},
	{name: "skynet", run: skynet, n: 1, unit: "ms", macro: true},
	{name: "timers/100000", run: timers, arg: 100000, n: 1, unit: "s",
		macro: true, byCPU: true},
	{name: "timers/1000000", run: timers, arg: 1000000, n: 1, unit: "s",
		macro: true, byCPU: true},
	{name: "memory/10000", run: sleepers, arg: 10000, n: 1, macro: true},
	{name: "memory/100000", run: sleepers, arg: 100000, n: 1, macro: true},
	{name: "memory/1000000", run: sleepers, arg: 1000000, n: 1, macro: true},
	{name: "serve/echo", run: serveEcho},
	{name: "http/keepalive", run: get, arg: 20, n: 20000, unit: "us",
		macro: true, byCPU: true},
	{name: "http/new", run: get, arg: 1, n: 10000, unit: "us", macro: true,
		byCPU: true},
}
