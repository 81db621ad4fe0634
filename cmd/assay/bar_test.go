package main

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/lab"
)

// TestTransfer shows that one large blob does not leave a copy silent.
func TestTransfer(t *testing.T) {
	var out strings.Builder
	b := newBar(&out)
	clock := time.Unix(0, 0)
	b.now = func() time.Time { return clock }
	for second := range 26 {
		b.transfer(lab.Transfer{Done: 0, Total: 2, Unit: "blobs", Bytes: int64(second) << 20})
		clock = clock.Add(time.Second)
	}
	b.transfer(lab.Transfer{Done: 1, Total: 2, Unit: "blobs", Bytes: 26 << 20})
	b.close()
	const want = "0 of 2 blobs, 0 B\n" +
		"0 of 2 blobs, 10.0 MiB, 1.0 MiB/s\n" +
		"0 of 2 blobs, 20.0 MiB, 1.0 MiB/s\n" +
		"1 of 2 blobs, 26.0 MiB, 1.0 MiB/s\n"
	if out.String() != want {
		t.Errorf("shown is\n%swant\n%s", &out, want)
	}
}
