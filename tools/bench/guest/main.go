//go:build wasip1

// Command guest is the reactor that wazero is measured with: its export run
// takes some milliseconds of arithmetic and memory.
package main

import "hash/crc32"

var page [1 << 20]byte

//go:wasmexport run
func run() int32 {
	x := uint32(1)
	for i := range page {
		x = x*1664525 + 1013904223
		page[i] = byte(x >> 24)
	}
	return int32(crc32.ChecksumIEEE(page[:]))
}

func main() {}
