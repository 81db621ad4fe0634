package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

func TestRuns(t *testing.T) {
	for _, test := range []struct {
		name string
		b    []byte
		bits int
		n    int64
		want []uint32 // nil: an error
	}{
		{"run-length", []byte{3 << 1, 7}, 3, 3, []uint32{7, 7, 7}},
		{"bit-packed, padded", []byte{1<<1 | 1, 0b10_01_00_11, 0}, 2, 4, []uint32{3, 0, 1, 2}},
		{"both", []byte{2 << 1, 1, 1<<1 | 1, 0b101}, 1, 5, []uint32{1, 1, 1, 0, 1}},
		{"nothing, said in a run", []byte{1}, 0, 0, []uint32{}},
		{"no bits", []byte{4 << 1}, 0, 4, []uint32{0, 0, 0, 0}},
		{"32 bits", []byte{1 << 1, 1, 2, 3, 4}, 32, 1, []uint32{0x04030201}},
		{"a run of two thousand million", binary.AppendUvarint(nil, math.MaxUint32-1), 0, 10, nil},
		{"a run that is longer than the page", []byte{4 << 1, 0}, 1, 3, nil},
		{"runs that are longer together", []byte{3 << 1, 0, 1 << 1, 0}, 1, 3, nil},
		{"more eights than values", []byte{2<<1 | 1, 0, 0}, 1, 8, nil},
		{"too few values", []byte{2 << 1, 0}, 1, 3, nil},
		{"a run without its value", []byte{3 << 1}, 1, 3, nil},
		{"packed bytes that are not there", []byte{1<<1 | 1}, 1, 8, nil},
		{"a header that does not end", []byte{0x80}, 1, 8, nil},
		{"a header that overflows", bytes.Repeat([]byte{0xff}, 11), 1, 8, nil},
	} {
		got := []uint32{}
		err := runs(test.b, test.bits, test.n, func(value uint32, n int64) error {
			for range n {
				got = append(got, value)
			}
			return nil
		})
		if test.want == nil {
			if err == nil {
				t.Errorf("%s: %v, want an error", test.name, got)
			}
		} else if err != nil || string(le(got)) != string(le(test.want)) {
			t.Errorf("%s: %v, %v, want %v", test.name, got, err, test.want)
		}
	}
}

func le(values []uint32) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func TestStructureSize(t *testing.T) {
	deep := append(bytes.Repeat([]byte{0x1c}, 100), make([]byte, 101)...)
	for _, test := range []struct {
		name string
		b    []byte
		want int // -1: an error
	}{
		{"empty", []byte{0}, 1},
		{"with more behind it", []byte{0x15, 2, 0, 0xff}, 3},
		{"a truth value", []byte{0x11, 0}, 2},
		{"a string", []byte{0x18, 2, 'a', 'b', 0}, 5},
		{"a list of two numbers", []byte{0x19, 0x25, 2, 4, 0}, 5},
		{"no end", []byte{0x15, 2}, -1},
		{"a string that is longer than the rest", []byte{0x18, 9, 'a', 'b', 0}, -1},
		{"a list of two thousand million structs", []byte{0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0}, -1},
		{"more elements than allowed", append([]byte{0x19, 0xf3, 9}, make([]byte, 10)...), -1},
		{"a map", []byte{0x1b, 0, 0}, -1},
		{"a hundred structs in each other", deep, -1},
	} {
		got, err := structureSize(test.b, 8)
		if test.want < 0 && err == nil || test.want >= 0 && (err != nil || got != test.want) {
			t.Errorf("%s: %d, %v, want %d", test.name, got, err, test.want)
		}
	}
}

// encodePlainly returns a trace like Write makes, not compressed, so that its
// pages can be changed.
func encodePlainly(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	columns := columnsFor(meta.Params)
	w := parquet.NewGenericWriter[any](&b, parquet.NewSchema("trace", newRoot(columns)),
		parquet.DataPageStatistics(false),
		parquet.KeyValueMetadata(metaKey, `{"format":"assay.trace.v1","params":["size","flag"]}`))
	row := make(parquet.Row, len(columns))
	for _, s := range samples(n) {
		if err := fill(row, columns, &s); err != nil {
			t.Fatal(err)
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A location is where a page is in a file.
type location struct {
	column       string
	header, body int
	format.PageHeader
}

// pagesOf returns the pages that can be found in b.
func pagesOf(b []byte) (all []location) {
	if checkFooter(bytes.NewReader(b), int64(len(b))) != nil {
		return nil
	}
	file, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)),
		parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil
	}
	for _, group := range file.Metadata().RowGroups {
		for _, chunk := range group.Columns {
			start := chunk.MetaData.DataPageOffset
			if d := chunk.MetaData.DictionaryPageOffset; d != 0 {
				start = d
			}
			end := min(int64(len(b)), start+chunk.MetaData.TotalCompressedSize)
			for at := start; at >= 0 && at < end; {
				p := location{column: strings.Join(chunk.MetaData.PathInSchema, "."), header: int(at)}
				n, err := structureSize(b[at:end], 0)
				if err != nil || thrift.Unmarshal(new(thrift.CompactProtocol), b[at:at+int64(n)], &p.PageHeader) != nil {
					break
				}
				p.body = int(at) + n
				at = int64(p.body) + int64(p.CompressedPageSize)
				if p.CompressedPageSize < 0 || at > end {
					break
				}
				all = append(all, p)
			}
		}
	}
	return all
}

// repair returns b with right checksums in its pages, as far as they fit in the
// place of the old ones, so that a fuzzer gets at what is behind them.
func repair(b []byte) (repaired []byte) {
	repaired = bytes.Clone(b)
	defer func() { _ = recover() }() // of the decoder of the footer: Open has to contain that, we don't
	for _, p := range pagesOf(b) {
		p.PageHeader.CRC = int32(crc32.ChecksumIEEE(b[p.body : p.body+int(p.CompressedPageSize)]))
		header, err := thrift.Marshal(new(thrift.CompactProtocol), &p.PageHeader)
		if err == nil && len(header) == p.body-p.header {
			copy(repaired[p.header:], header)
		}
	}
	return repaired
}

// Pages whose checksum is right and whose content is not are refused before
// they reach the decoder, and cost no memory.
func TestForgedPages(t *testing.T) {
	whole := encodePlainly(t, 20)
	if _, err := Open(bytes.NewReader(repair(whole)), int64(len(whole))); err != nil {
		t.Fatalf("before any forgery: %v", err)
	}
	for _, test := range []struct {
		name, column string
		kind         format.PageType
		forge        func(body []byte)
		says         string
	}{
		{"a run of levels that is endless", "wall_ns", format.DataPageV2,
			func(b []byte) { copy(b, []byte{0xfe, 0xff}) }, "definition levels"},
		{"levels that say another number of nulls", "detail", format.DataPageV2,
			func(b []byte) { b[1] ^= 0x01 }, "definition levels"},
		{"an index behind the dictionary", "runtime", format.DataPageV2,
			func(b []byte) { b[3] = 0xff }, "index 3 into a dictionary of 3"},
		{"indices of 33 bits", "runtime", format.DataPageV2, func(b []byte) { b[0] = 33 }, "dictionary"},
		{"a text that is longer than its page", "runtime", format.DictionaryPage,
			func(b []byte) { binary.LittleEndian.PutUint32(b, math.MaxUint32) }, "a text of"},
		{"a text that leaves bytes over", "runtime", format.DictionaryPage, func(b []byte) { b[0]-- }, "a text of"},
	} {
		b := bytes.Clone(whole)
		found := false
		for _, p := range pagesOf(b) {
			if p.column == test.column && p.Type == test.kind && !found {
				found = true
				test.forge(b[p.body : p.body+int(p.CompressedPageSize)])
			}
		}
		if !found {
			t.Fatalf("%s: no such page", test.name)
		}
		b = repair(b)
		_, err := Open(bytes.NewReader(b), int64(len(b)))
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want ErrCorrupt, saying %q", test.name, err, test.says)
		}
	}
}

// A page that unpacks to more than it says stops at what it says.
func TestDecompressionBomb(t *testing.T) {
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := packer.EncodeAll(make([]byte, 1<<30), nil)
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage))
	if err != nil {
		t.Fatal(err)
	}
	defer unpacker.Close()
	c := &checker{unpacker: unpacker}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = c.unpack(bomb, true, 1000)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Errorf("%d bytes that unpack to 1 GiB are accepted as 1000", len(bomb))
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 4*maxPage {
		t.Errorf("refusing them allocates %d bytes, want at most %d", got, 4*maxPage)
	}
}

// Whatever the bytes are, opening and reading ends with samples or an error
// that we name.
func FuzzOpen(f *testing.F) {
	f.Add(content(f, "testdata/v1.parquet"), false)
	f.Add(encode(f, samples(5)), true)
	f.Add(encodePlainly(f, 5), true)
	f.Add(content(f, "testdata/v1-import.parquet"), true)
	f.Fuzz(func(t *testing.T, b []byte, repaired bool) {
		if repaired {
			b = repair(b)
		}
		tr, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFormat) {
				t.Errorf("Open gives error %v", err)
			}
			return
		}
		rows := int64(0)
		for _, err := range tr.Samples() {
			if tr.Meta().Import != "" {
				rows = tr.Rows() // it has no samples
				break
			}
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("Samples yields error %v", err)
				}
				return
			}
			rows++
		}
		if rows != tr.Rows() {
			t.Errorf("%d samples, Rows() = %d", rows, tr.Rows())
		}
		if _, err := tr.Project(tr.names()); err != nil {
			t.Errorf("Project gives error %v where Samples gives none", err)
		}
	})
}
