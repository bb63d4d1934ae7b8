// SPDX-License-Identifier: MIT

// The harness in Go: the same options and lines as harness/bench.c, without
// the statistics, which the driver computes for everyone.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Bench is one run of a case: do N operations between Start and Stop.
type Bench struct {
	N, Arg    int
	wall, cpu float64
	wallStart time.Time
	cpuStart  float64
	metrics   []metric
}

type metric struct {
	name, unit string
	value      float64
}

type benchCase struct {
	name  string
	run   func(*Bench)
	arg   int
	n     int
	unit  string
	macro bool
	byCPU bool
}

func cpuNow() float64 {
	var t syscall.Timespec
	const processCPU = 2
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, processCPU,
		uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Sec)*1e9 + float64(t.Nsec)
}

func (b *Bench) Start() {
	b.cpuStart = cpuNow()
	b.wallStart = time.Now()
}

func (b *Bench) Stop() {
	b.wall += float64(time.Since(b.wallStart))
	b.cpu += cpuNow() - b.cpuStart
}

type memory struct{ rss, pageTables, maps float64 }

func memoryNow() memory {
	var m memory
	file, _ := os.Open("/proc/self/status")
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fmt.Sscanf(lines.Text(), "VmRSS: %f", &m.rss)
		fmt.Sscanf(lines.Text(), "VmPTE: %f", &m.pageTables)
	}
	maps, _ := os.ReadFile("/proc/self/maps")
	m.maps = float64(strings.Count(string(maps), "\n"))
	return m
}

func (b *Bench) memorySince(before memory, tasks int) {
	now, n := memoryNow(), float64(tasks)
	b.metrics = []metric{
		{"rss", "B", (now.rss - before.rss) * 1024 / n},
		{"page tables", "B", (now.pageTables - before.pageTables) * 1024 / n},
		{"mappings", "", now.maps - before.maps},
	}
}

// The same sequence as bench_random() in C.
func random(state *uint32) uint32 {
	*state ^= *state << 13
	*state ^= *state >> 17
	*state ^= *state << 5
	return *state
}

func runOnce(c benchCase, n int) *Bench {
	b := &Bench{N: n, Arg: c.arg}
	c.run(b)
	return b
}

func chooseN(c benchCase, want float64) int {
	if c.n != 0 {
		return c.n
	}
	for n := 64; ; n *= 2 {
		if b := runOnce(c, n); b.wall >= want {
			return n
		}
	}
}

func print(c benchCase, metric, unit string, n int, values, cpu []float64) {
	by := "wall"
	if c.byCPU && cpu != nil {
		by = "cpu"
	}
	line, _ := json.Marshal(map[string]any{
		"v": 1, "case": c.name, "metric": metric, "peer": "go", "unit": unit,
		"by": by, "macro": c.macro, "n": n, "values": values, "cpu": cpu,
		"meta": map[string]any{"compiler": runtime.Version()},
	})
	fmt.Println(string(line))
}

func run(c benchCase, samples int, want float64) {
	unit, scale := c.unit, map[string]float64{
		"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
	if unit == "" {
		unit = "ns"
	}
	if samples == 0 && c.macro {
		samples = 1
	} else if samples == 0 {
		samples = 30
	}
	n := chooseN(c, want)
	if !c.macro {
		runOnce(c, n)
	}
	var wall, cpu []float64
	var b *Bench
	metrics := map[string][]float64{}
	for i := 0; i < samples; i++ {
		b = runOnce(c, n)
		wall = append(wall, b.wall/scale[unit]/float64(n))
		cpu = append(cpu, b.cpu/scale[unit]/float64(n))
		for _, m := range b.metrics {
			metrics[m.name] = append(metrics[m.name], m.value)
		}
	}
	if b.wall > 0 {
		print(c, "time", unit, n, wall, cpu)
	}
	for _, m := range b.metrics {
		print(c, m.name, m.unit, n, metrics[m.name], nil)
	}
}

type names []string

func (n *names) String() string     { return strings.Join(*n, ",") }
func (n *names) Set(s string) error { *n = append(*n, s); return nil }

func main() {
	var wanted names
	list := flag.Bool("list", false, "print the names of the cases")
	flag.Var(&wanted, "case", "run this one")
	flag.String("peer", "", "ignored: there is one")
	samples := flag.Int("samples", 0, "samples a case")
	quick := flag.Bool("quick", false, "a trial run")
	flag.Bool("json", true, "always")
	flag.Parse()

	// One thread runs goroutines, as everywhere in this suite.
	runtime.GOMAXPROCS(1)
	want := 10e6
	if *quick {
		want = 2e6
	}
	for _, c := range cases {
		server := strings.HasPrefix(c.name, "serve/")
		if *list {
			kind := "micro"
			if server {
				kind = "server"
			} else if c.macro {
				kind = "macro"
			}
			fmt.Printf("%s\tgo\t%s\n", c.name, kind)
			continue
		}
		asked := len(wanted) == 0 && !server
		for _, name := range wanted {
			asked = asked || name == c.name
		}
		if asked && server {
			runOnce(c, 0)
		} else if asked {
			run(c, *samples, want)
		}
	}
}
