package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each file in testdata/wounds is v1.parquet, hurt the way its name says.
var wounds = []struct {
	name string
	hurt func(b []byte) []byte
	err  error
	says string
}{
	{"trace-truncated.parquet", func(b []byte) []byte { return b[:len(b)*2/3] }, ErrCorrupt, "cut short"},
	{"trace-truncated-front.parquet", func(b []byte) []byte { return b[100:] }, ErrFormat, "begins with"},
	{"trace-flipped-byte.parquet", func(b []byte) []byte { b[200] ^= 0x04; return b }, ErrCorrupt, ""},
	{"trace-flipped-page.parquet", flipLastPage, ErrCorrupt, "checksum"},
	{"trace-missing-column.parquet", missingColumn, ErrFormat, "column cpu_ns is missing"},
	{"trace-missing-bytes.parquet", func(b []byte) []byte { return append(b[:300:300], b[310:]...) }, ErrCorrupt, ""},
	{"trace-footer-too-long.parquet", footerTooLong, ErrCorrupt, "footer"},
	{"trace-other-format.parquet", otherFormat, ErrFormat, "assay.trace.v9"},
	{"trace-empty.parquet", func([]byte) []byte { return nil }, ErrFormat, "too few"},
}

func flipLastPage(b []byte) []byte {
	footer := int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	index := bytes.LastIndex(b[:len(b)-8-footer], []byte{0x28, 0xb5, 0x2f, 0xfd}) // where the last zstd frame begins
	b[index+9] ^= 0x01
	return b
}

func footerTooLong(b []byte) []byte {
	binary.LittleEndian.PutUint32(b[len(b)-8:], uint32(len(b)))
	return b
}

func otherFormat(b []byte) []byte {
	return bytes.Replace(b, []byte("assay.trace.v1"), []byte("assay.trace.v9"), 1)
}

func missingColumn(b []byte) []byte {
	return bytes.ReplaceAll(b, []byte("cpu_ns"), []byte("gpu_ns"))
}

func TestWounds(t *testing.T) {
	for _, wound := range wounds {
		path := filepath.Join("testdata/wounds", wound.name)
		if *update {
			if err := os.WriteFile(path, wound.hurt(content(t, "testdata/v1.parquet")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b := content(t, path)
		_, err := Open(bytes.NewReader(b), int64(len(b)))
		if !errors.Is(err, wound.err) || err == nil || !strings.Contains(err.Error(), wound.says) {
			t.Errorf("%s: error %v, want %v, saying %q", wound.name, err, wound.err, wound.says)
		}
	}
}

// Whatever byte of the samples is flipped, the trace does not open. A footer
// has no checksum: there a flip is found, or changes nothing that is a sample.
// Every third byte will do: the format has no period of three.
func TestEveryFlippedByte(t *testing.T) {
	whole := content(t, "testdata/v1.parquet")
	want := dump(t, open(t, whole))
	for i := 0; i < len(whole); i += 3 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x08
		tr, err := Open(bytes.NewReader(damaged), int64(len(damaged)))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFormat) {
				t.Errorf("byte %d: error %v", i, err)
			}
			continue
		}
		if got := dump(t, tr); got != want {
			t.Errorf("byte %d: the trace opens and has other samples", i)
		}
	}
}

// dump returns the samples as CSV without the line of names.
func dump(t *testing.T, tr *Trace) string {
	t.Helper()
	var b bytes.Buffer
	if err := CSV(&b, tr); err != nil {
		return err.Error()
	}
	_, rows, _ := strings.Cut(b.String(), "\n")
	return rows
}
