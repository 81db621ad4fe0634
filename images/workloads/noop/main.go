// Command noop does nothing: what it costs is what starting costs. As many
// calls as ASSAY_CALLS says are a measure of the clock: how long nothing takes.
package main

import (
	"syscall"
	_ "unsafe" // for go:linkname
)

// nanotime is the monotonic clock. Package time would make the module a seventh
// larger, and its size is what noop costs.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64

func main() {
	text, _ := syscall.Getenv("ASSAY_CALLS")
	calls := 0
	for _, digit := range text {
		calls = 10*calls + int(digit-'0')
	}
	times := make([]int64, calls)
	for i := range times {
		start := nanotime()
		nothing()
		times[i] = nanotime() - start
	}
	for _, ns := range times {
		println("assay-call", ns) // to standard error
	}
}

//go:noinline
func nothing() {}
