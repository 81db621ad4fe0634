package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Each file in testdata/wounds is v1.journal, hurt the way its name says.
var wounds = []struct {
	name    string
	hurt    func(b []byte) []byte
	samples int // that are read
	torn    int64
	err     error // of Read
}{
	{"journal-torn-tail", func(b []byte) []byte { return b[:len(b)-10] }, 6, 29, nil},
	{"journal-flipped-middle", func(b []byte) []byte { return flip(b, firstInvocation(b)+100) }, 0, 0, ErrCorrupt},
	{"journal-flipped-length", func(b []byte) []byte { return flip(b, firstInvocation(b)+9) }, 0, 0, ErrCorrupt},
	{"journal-flipped-last", func(b []byte) []byte { return flip(b, len(b)-3) }, 6, 39, nil},
	{"journal-flipped-header", func(b []byte) []byte { return flip(b, 20) }, 0, 0, ErrCorrupt},
	{"journal-missing-frame", cutFirstInvocation, 0, 0, ErrCorrupt},
	{"journal-zeros-behind", func(b []byte) []byte { return append(b, make([]byte, 64)...) }, 6, 64, nil},
	{"journal-version-9", func(b []byte) []byte { b[len(magic)] = 9; return b }, 0, 0, ErrFormat},
	{"journal-header-only-half", func(b []byte) []byte { return b[:20] }, 0, 0, ErrFormat},
	{"journal-empty", func([]byte) []byte { return nil }, 0, 0, ErrFormat},
}

func flip(b []byte, at int) []byte {
	b[at] ^= 0x40
	return b
}

func firstInvocation(b []byte) int { return bytes.Index(b, []byte("frmI")) }

func cutFirstInvocation(b []byte) []byte {
	from := firstInvocation(b)
	to := from + 1 + bytes.Index(b[from+1:], []byte("frmI"))
	return append(b[:from], b[to:]...)
}

func TestWounds(t *testing.T) {
	for _, wound := range wounds {
		path := filepath.Join("testdata/wounds", wound.name)
		if *update {
			if err := os.WriteFile(path, wound.hurt(content(t, "testdata/v1.journal")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		j, err := Read(path)
		if !errors.Is(err, wound.err) || wound.err == nil && err != nil {
			t.Errorf("%s: Read gives error %v, want %v", wound.name, err, wound.err)
		}
		if len(j.Samples) != wound.samples || j.Torn != wound.torn {
			t.Errorf("%s: %d samples, %d bytes torn, want %d and %d",
				wound.name, len(j.Samples), j.Torn, wound.samples, wound.torn)
		}
	}
}
