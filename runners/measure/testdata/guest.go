// Command guest behaves as its arguments say.
//
//	guest touch MIB    touch so much memory and exit
//	guest hold MIB     touch so much memory and wait
package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	mib, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	if mib > 0 {
		// Not from the Go heap, which would round up.
		b, err := syscall.Mmap(-1, 0, mib<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			panic(err)
		}
		for i := 0; i < len(b); i += 4 << 10 {
			b[i] = 1
		}
	}
	if os.Args[1] == "hold" {
		time.Sleep(time.Minute)
	}
}
