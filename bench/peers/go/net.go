// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
)

func echo(peer net.Conn) {
	defer peer.Close()
	buffer := make([]byte, 64*1024)
	for {
		n, err := peer.Read(buffer)
		if err != nil {
			return
		}
		if _, err := peer.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func serveEcho(*Bench) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		peer, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go echo(peer)
	}
}

// 1,000 goroutines share the requests; each is kept alive, or closes.
func get(b *Bench) {
	const atOnce = 1000
	port := os.Getenv("BENCH_HTTP_PORT")
	if port == "" {
		fmt.Fprintln(os.Stderr, "needs a web server: run it by bench/run.py")
		os.Exit(77)
	}
	client := http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: atOnce,
		DisableKeepAlives:   b.Arg == 1,
	}}
	var all sync.WaitGroup
	all.Add(atOnce)
	b.Start()
	for i := 0; i < atOnce; i++ {
		go func() {
			defer all.Done()
			for k := 0; k < b.N/atOnce; k++ {
				reply, err := client.Get("http://127.0.0.1:" + port + "/")
				if err != nil {
					panic(err)
				}
				io.Copy(io.Discard, reply.Body)
				reply.Body.Close()
			}
		}()
	}
	all.Wait()
	b.Stop()
}
