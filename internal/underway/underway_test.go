package underway

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
)

func TestBlob(t *testing.T) {
	content := make([]byte, 5*each/2)
	var sum int64
	calls := 0
	b := Blob{Tell: func(more int64) { sum, calls = sum+more, calls+1 }}
	for range 2 { // it is sent twice
		if n, err := io.Copy(io.Discard, b.Reader(iotest.HalfReader(bytes.NewReader(content)))); err != nil || n != int64(len(content)) {
			t.Fatalf("copied %d bytes, %v", n, err)
		}
		if calls != 2 || sum < 2*each || sum > int64(len(content)) || sum != b.Told() {
			t.Errorf("told %d bytes in %d calls, want nearly %d in 2; Told says %d", sum, calls, len(content), b.Told())
		}
	}
	b.Undo()
	b.Undo()
	if sum != 0 || b.Told() != 0 || calls != 3 {
		t.Errorf("after Undo %d bytes are told in %d calls, want 0 in 3", sum, calls)
	}
}
