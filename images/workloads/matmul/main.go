// Command matmul multiplies matrices of 32-bit integers and prints the CRC-32
// of the product. Every operation is an integer operation modulo 2^32, written
// out here and not taken from a library that has assembly for some processors,
// so that native code and Wasm do the same work and give the same answer.
//
// Asked by ASSAY_CALLS, it does all of that so many times and reports how long
// each took. verify.py computes the expected answer independently.
package main

import (
	"os"
	"strconv"
	"time"
)

const (
	n      = 192 // rows and columns
	rounds = 2   // products taken, one after another
	seed   = 2463534242
)

type matrix [n][n]uint32

func main() {
	a, b, c := new(matrix), new(matrix), new(matrix)
	calls, _ := strconv.Atoi(os.Getenv("ASSAY_CALLS")) // none asked for: one, not reported
	times := make([]time.Duration, max(calls, 1))
	var sum uint32
	for i := range times {
		start := time.Now()
		got := work(a, b, c)
		times[i] = time.Since(start)
		if i > 0 && got != sum {
			os.Exit(1)
		}
		sum = got
	}
	line := make([]byte, 0, 9)
	for shift := 28; shift >= 0; shift -= 4 {
		line = append(line, "0123456789abcdef"[sum>>shift&0xf])
	}
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		os.Exit(1)
	}
	for _, t := range times[:calls] {
		os.Stderr.WriteString("assay-call " + strconv.FormatInt(t.Nanoseconds(), 10) + "\n")
	}
}

// work takes the products in the three matrices and returns the checksum of the
// last.
func work(a, b, c *matrix) uint32 {
	x := uint32(seed)
	x = fill(a, x)
	fill(b, x)
	for range rounds {
		multiply(c, a, b)
		a, c = c, a
	}
	return checksum(a)
}

// fill sets m to the next numbers of Marsaglia's 32-bit xorshift generator and
// returns its state.
func fill(m *matrix, x uint32) uint32 {
	for i := range m {
		for j := range m[i] {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			m[i][j] = x
		}
	}
	return x
}

// multiply sets c to the product of a and b, modulo 2^32.
func multiply(c, a, b *matrix) {
	for i := range c {
		row := &c[i]
		*row = [n]uint32{}
		for k := range a[i] {
			f := a[i][k]
			for j, v := range b[k] {
				row[j] += f * v
			}
		}
	}
}

// checksum is the CRC-32 (IEEE 802.3) of m by rows, little-endian.
func checksum(m *matrix) uint32 {
	const polynomial = 0xedb88320
	var table [256]uint32
	for i := range table {
		v := uint32(i)
		for range 8 {
			if v&1 == 1 {
				v = v>>1 ^ polynomial
			} else {
				v >>= 1
			}
		}
		table[i] = v
	}
	crc := ^uint32(0)
	for i := range m {
		for _, v := range m[i] {
			for range 4 {
				crc = table[byte(crc)^byte(v)] ^ crc>>8
				v >>= 8
			}
		}
	}
	return ^crc
}
