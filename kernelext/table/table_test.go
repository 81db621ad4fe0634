package table

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files")

// sample has every kind, with and without nulls.
func sample() []Column {
	wall := Ints("wall_ns", "ns", "wall time, spawn to exit", []int64{1500000, 0, -1, math.MaxInt64})
	wall.Null = []bool{false, true, false, false}
	detail := Strings("detail", "", "", []string{"", "node not found", "", ""})
	detail.Null = []bool{true, false, true, true}
	return []Column{
		Strings("runtime", "", "what executed the workload", []string{"wazero", "native", "wazero", "wazero/interpreter"}),
		wall,
		Floats("load", "", "1-minute load average", []float64{0.25, math.NaN(), math.Inf(1), math.Copysign(0, -1)}),
		detail,
	}
}

func mustEncode(t testing.TB, columns ...Column) []byte {
	t.Helper()
	b, err := Encode(columns...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGolden(t *testing.T) {
	got := hex.Dump(mustEncode(t, sample()...))
	path := filepath.Join("testdata", "sample.hexdump")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("encoding changed: got\n%swant\n%s", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	many := make([]string, 70000)
	for i := range many {
		many[i] = strings.Repeat("x", i%7) + string(rune('a'+i%26)) + hex.EncodeToString([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	tests := map[string][]Column{
		"nothing":        nil,
		"no rows":        {Ints("a", "", "", nil), Strings("b", "", "", nil), Floats("c", "", "", nil)},
		"all kinds":      sample(),
		"all null":       {{Name: "a", Kind: String, Codes: []uint32{0, 0}, Null: []bool{true, true}}},
		"two-byte codes": {Strings("s", "", "", many[:300])},
		"4-byte codes":   {Strings("s", "", "", many)},
	}
	for name, columns := range tests {
		b := mustEncode(t, columns...)
		got, err := Decode(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again := mustEncode(t, got.Columns...); !bytes.Equal(again, b) {
			t.Errorf("%s: Encode(Decode(b)) differs from b", name)
		}
		for i := range columns {
			if g, w := values(&got.Columns[i]), values(&columns[i]); !reflect.DeepEqual(g, w) {
				t.Errorf("%s: column %s = %v, want %v", name, columns[i].Name, g, w)
			}
		}
	}
}

// values spells out a column; nil is null.
func values(c *Column) []any {
	var out []any
	for row := range c.Len() {
		switch {
		case c.IsNull(row):
			out = append(out, nil)
		case c.Kind == Int64:
			out = append(out, c.Ints[row])
		case c.Kind == Float64 && math.IsNaN(c.Floats[row]):
			out = append(out, "NaN")
		case c.Kind == Float64:
			out = append(out, math.Float64bits(c.Floats[row]))
		case c.Kind == String:
			out = append(out, c.Dict[c.Codes[row]])
		}
	}
	return out
}

// Two ways to say the same must give the same bytes.
func TestCanonical(t *testing.T) {
	tests := map[string][2]Column{
		"dictionary order, repeats and unused": {
			{Name: "s", Kind: String, Dict: []string{"unused", "b", "a", "b"}, Codes: []uint32{3, 2, 1}},
			{Name: "s", Kind: String, Dict: []string{"b", "a"}, Codes: []uint32{0, 1, 0}},
		},
		"NaN payload": {
			Floats("f", "", "", []float64{math.Float64frombits(0xfff8000000000123)}),
			Floats("f", "", "", []float64{math.NaN()}),
		},
		"values under null": {
			{Name: "i", Kind: Int64, Ints: []int64{7, 1}, Null: []bool{true, false}},
			{Name: "i", Kind: Int64, Ints: []int64{0, 1}, Null: []bool{true, false}},
		},
		"codes under null": {
			{Name: "s", Kind: String, Dict: []string{"a"}, Codes: []uint32{99, 0}, Null: []bool{true, false}},
			{Name: "s", Kind: String, Dict: []string{"z", "a"}, Codes: []uint32{0, 1}, Null: []bool{true, false}},
		},
		"marks that mark nothing": {
			{Name: "i", Kind: Int64, Ints: []int64{7}, Null: []bool{false}},
			{Name: "i", Kind: Int64, Ints: []int64{7}},
		},
	}
	for name, pair := range tests {
		if a, b := mustEncode(t, pair[0]), mustEncode(t, pair[1]); !bytes.Equal(a, b) {
			t.Errorf("%s: two encodings:\n%s%s", name, hex.Dump(a), hex.Dump(b))
		}
	}
	if a, b := mustEncode(t, Floats("f", "", "", []float64{0})), mustEncode(t,
		Floats("f", "", "", []float64{math.Copysign(0, -1)})); bytes.Equal(a, b) {
		t.Error("0 and -0 have one encoding; they are different values")
	}
}

func TestEncodeRefuses(t *testing.T) {
	tests := map[string][]Column{
		"rows":            {Ints("a", "", "", []int64{1}), Ints("b", "", "", []int64{1, 2})},
		"null marks":      {{Name: "a", Kind: Int64, Ints: []int64{1}, Null: []bool{true, true}}},
		"two columns":     {Ints("a", "", "", nil), Ints("a", "", "", nil)},
		"without a name":  {Ints("", "", "", nil)},
		"UTF-8":           {Strings("a", "", "", []string{"\xff"})},
		"kind(9)":         {{Name: "a", Kind: 9}},
		"code 3":          {{Name: "a", Kind: String, Dict: []string{"x"}, Codes: []uint32{3}}},
		"is not UTF-8":    {Ints("a", "\xff", "", nil)},
		"dictionary of 0": {{Name: "a", Kind: String, Codes: []uint32{0}}},
	}
	for want, columns := range tests {
		if _, err := Encode(columns...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Encode = %v, want an error with %q", err, want)
		}
	}
}

// Each wound is made by a change to a sound encoding.
func TestDecodeRefuses(t *testing.T) {
	strs := func(values ...string) []byte { return mustEncode(t, Strings("s", "", "", values)) }
	null := func() []byte {
		return mustEncode(t, Column{Name: "i", Kind: Int64, Ints: []int64{0, 1, 2}, Null: []bool{true, false, false}})
	}
	head := len(magic) + 12
	with := func(b []byte, at int, v byte) []byte {
		b = bytes.Clone(b)
		if at < 0 {
			at += len(b)
		}
		b[at] = v
		return b
	}
	tests := map[string]struct {
		b    []byte
		want string
	}{
		"empty":                {nil, "cut short"},
		"other version":        {with(strs("a"), 13, '2'), "begins with"},
		"rows of no columns":   {append([]byte(magic), 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0), "cut short"},
		"many rows":            {with(strs("a"), head-1, 0x7f), "cut short"},
		"many columns":         {with(strs("a"), len(magic)+3, 0x7f), "cut short"},
		"trailing byte":        {append(strs("a"), 0), "after the last column"},
		"kind":                 {with(strs("a"), head, 4), "kind(4)"},
		"flags":                {with(strs("a"), head+1, 2), "flags"},
		"code past dictionary": {with(strs("a", "b"), -1, 2), "code 2"},
		"not first appearance": {with(with(strs("a", "b"), -2, 1), -1, 0), "first appearance"},
		"unused entry":         {with(strs("a", "b"), -1, 0), "rows use 1"},
		"repeated entry":       {bytes.Replace(strs("a", "b"), []byte("\x00b"), []byte("\x00a"), 1), "twice"},
		"dictionary not UTF-8": {bytes.Replace(strs("a", "b"), []byte("\x00b"), []byte("\x00\xff"), 1), "UTF-8"},
		"NaN payload":          {with(mustEncode(t, Floats("f", "", "", []float64{math.NaN()})), -8, 1), "NaN"},
		"value under null":     {with(null(), -24, 1), "under a null"},
		"bitmap marks nothing": {with(null(), -25, 0), "marks nothing"},
		"bitmap past rows":     {with(null(), -25, 0x81), "past the last"},
		"no name":              {mustReplace(t, null(), "\x01\x00\x00\x00i", "\x00\x00\x00\x00"), "without a name"},
		"name twice": {mustReplace(t, mustEncode(t, Ints("a", "", "", nil), Ints("b", "", "", nil)), "\x00b", "\x00a"),
			"two columns"},
	}
	for name, test := range tests {
		_, err := Decode(test.b)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Decode = %v, want ErrFormat with %q", name, err, test.want)
		}
	}
	whole := mustEncode(t, sample()...)
	for n := range whole {
		if _, err := Decode(whole[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("first %d of %d bytes: Decode = %v, want ErrFormat", n, len(whole), err)
		}
	}
}

func mustReplace(t *testing.T, b []byte, from, to string) []byte {
	t.Helper()
	if !bytes.Contains(b, []byte(from)) {
		t.Fatalf("no %q in\n%s", from, hex.Dump(b))
	}
	return bytes.Replace(b, []byte(from), []byte(to), 1)
}

func TestColumn(t *testing.T) {
	tab, err := Decode(mustEncode(t, sample()...))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := tab.Column("wall_ns"); err != nil || c.Unit != "ns" {
		t.Errorf("Column(wall_ns) = %v, %v", c, err)
	}
	_, err = tab.Column("wall")
	if err == nil || !strings.Contains(err.Error(), `"detail" "load" "runtime" "wall_ns"`) {
		t.Errorf("Column(wall) = %v, want an error that names the columns", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(mustEncode(f, sample()...))
	f.Add(mustEncode(f))
	f.Add(mustEncode(f, Ints("a", "", "", nil), Strings("b", "", "", nil)))
	f.Add([]byte(magic + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tab, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("Decode = %v, want ErrFormat", err)
			}
			return
		}
		again, err := Encode(tab.Columns...)
		if err != nil {
			t.Fatalf("decoded table does not encode: %v", err)
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("accepted a second encoding of one content:\n%s%s", hex.Dump(b), hex.Dump(again))
		}
	})
}

// A count in the input must not be believed before its bytes are there.
func TestDecodeMemory(t *testing.T) {
	b := mustEncode(t, Strings("s", "", "", []string{"a"}))
	for at := len(magic); at < len(b)-4; at++ {
		wound := bytes.Clone(b)
		copy(wound[at:], "\xff\xff\xff\x7f")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Decode(wound) // most are refused, some are tables: none may be large
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("count at byte %d: %d bytes allocated for an input of %d", at, got, len(wound))
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	const rows = 1 << 20
	wall := make([]int64, rows)
	names := make([]string, rows)
	for i := range wall {
		wall[i] = int64(i) * 7919 % 1000003
		names[i] = []string{"wazero", "native", "v8", "wazero/interpreter"}[i%4]
	}
	data := mustEncode(b, Strings("runtime", "", "", names), Ints("wall_ns", "ns", "", wall))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
