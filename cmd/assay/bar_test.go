package main

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/stores"
)

// TestReading shows a list that takes long, and not one that does not.
func TestReading(t *testing.T) {
	var out strings.Builder
	b := newBar(&out)
	clock := time.Unix(0, 0)
	b.now = func() time.Time { return clock }
	for n := range 10 {
		b.reading(n+1, 10)
		clock = clock.Add(50 * time.Millisecond)
	}
	for n := range 13 {
		b.reading(n+1, 13)
		clock = clock.Add(time.Second)
	}
	const want = "making the list of runs: 2 of 13 are read\nmaking the list of runs: 12 of 13 are read\n"
	if out.String() != want {
		t.Errorf("shown is\n%swant\n%s", &out, want)
	}
}

// TestTransfer shows that one large blob does not leave a copy silent.
func TestTransfer(t *testing.T) {
	var out strings.Builder
	b := newBar(&out)
	clock := time.Unix(0, 0)
	b.now = func() time.Time { return clock }
	for second := range 26 {
		b.transfer(stores.Transfer{Done: 0, Total: 2, Unit: "blobs", Bytes: int64(second) << 20})
		clock = clock.Add(time.Second)
	}
	b.transfer(stores.Transfer{Done: 1, Total: 2, Unit: "blobs", Bytes: 26 << 20})
	b.close()
	const want = "0 of 2 blobs, 0 B\n" +
		"0 of 2 blobs, 10.0 MiB, 1.0 MiB/s\n" +
		"0 of 2 blobs, 20.0 MiB, 1.0 MiB/s\n" +
		"1 of 2 blobs, 26.0 MiB, 1.0 MiB/s\n"
	if out.String() != want {
		t.Errorf("shown is\n%swant\n%s", &out, want)
	}
}
