package trace

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

var importMeta = Meta{Import: "their-data", Of: "requests", Importer: "table", Revision: 1}

// imported returns columns of every kind, with and without nulls.
func imported(rows int) []*Values {
	system := &Values{Column: Column{Name: "system", Kind: String, Meaning: "what is compared", Role: assay.RoleSystem, Basis: assay.Known}}
	latency := &Values{Column: Column{Name: "latency_ms", Kind: Float, Unit: "ms", Role: assay.RoleLatency, Basis: assay.Inferred,
		Evidence: "rps x latency / concurrency is 1.00 in all rows"}}
	status := &Values{Column: Column{Name: "status", Kind: Int, Role: assay.RoleStatus, Basis: assay.Known}}
	good := &Values{Column: Column{Name: "good", Kind: Bool, Basis: assay.Unknown}}
	note := &Values{Column: Column{Name: "note", Kind: String, Basis: assay.Known}}
	for i := range rows {
		system.Strings = append(system.Strings, fmt.Sprint("system ", i/5%3))
		latency.Floats, latency.Null = append(latency.Floats, 0.25+float64(i%4)/3), append(latency.Null, i%4 == 0)
		status.Ints, status.Null = append(status.Ints, int64(i%4*100)), append(status.Null, i%4 == 0)
		good.Bools = append(good.Bools, i%4 == 2)
		note.Strings, note.Null = append(note.Strings, strings.Repeat("é", i%2*3)), append(note.Null, i%2 == 0)
	}
	return []*Values{system, latency, status, good, note}
}

func encodeColumns(t testing.TB, columns []*Values) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteColumns(&b, importMeta, columns); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestColumnsComeBack(t *testing.T) {
	for _, rows := range []int{0, 1, 7, valuesAtOnce + 1, rowsPerGroup, 3*rowsPerGroup + 5} {
		want := imported(rows)
		sameColumns(t, open(t, encodeColumns(t, want)), want)
	}
}

// sameColumns compares all that a trace of importMeta says and has.
func sameColumns(t *testing.T, tr *Trace, want []*Values) {
	t.Helper()
	said := tr.Meta()
	if said.Import != importMeta.Import || said.Of != importMeta.Of || said.Importer != importMeta.Importer || said.Revision != importMeta.Revision {
		t.Errorf("Meta() = %+v, want %+v", said, importMeta)
	}
	got, err := tr.Project(tr.names())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d columns come back of %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Column != want[i].Column || got[i].Len() != want[i].Len() {
			t.Fatalf("%+v of %d rows comes back as %+v of %d", want[i].Column, want[i].Len(), got[i].Column, got[i].Len())
		}
		for row := range got[i].Len() {
			if got[i].IsNull(row) != want[i].IsNull(row) || got[i].Text(row) != want[i].Text(row) {
				t.Fatalf("column %s, row %d is %q, want %q", got[i].Name, row, got[i].Text(row), want[i].Text(row))
			}
		}
	}
}

// The number of processors, which says how many row groups are encoded at
// once, does not change a byte.
func TestSameColumnsSameBytes(t *testing.T) {
	columns := imported(3*rowsPerGroup + 5)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := encodeColumns(t, columns)
	for _, processors := range []int{2, 3, 8} {
		runtime.GOMAXPROCS(processors)
		if got := encodeColumns(t, columns); !bytes.Equal(got, one) {
			t.Errorf("%d processors encode %v, one %v", processors, assay.DigestOf(got), assay.DigestOf(one))
		}
	}
}

// v1-import.parquet must open for ever, with these columns.
func TestGoldenImport(t *testing.T) {
	const path = "testdata/v1-import.parquet"
	want := imported(10)
	if *update {
		if err := os.WriteFile(path, encodeColumns(t, want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr := open(t, content(t, path))
	sameColumns(t, tr, want)
	sameExports(t, tr, "v1-import")
}

// An import has no samples, and says so.
func TestImportHasNoSamples(t *testing.T) {
	n := 0
	for _, err := range open(t, encodeColumns(t, imported(3))).Samples() {
		n++
		if err == nil || !strings.Contains(err.Error(), "their-data") {
			t.Errorf("Samples() yields error %v, want one that names the import", err)
		}
	}
	if n != 1 {
		t.Errorf("Samples() yields %d pairs, want an error alone", n)
	}
}

func TestWriteColumnsRefuses(t *testing.T) {
	change := func(f func(columns []*Values)) []*Values {
		columns := imported(3)
		f(columns)
		return columns
	}
	for _, test := range []struct {
		meta    Meta
		columns []*Values
		want    string
	}{
		{Meta{}, imported(1), "no import"},
		{importMeta, nil, "no columns"},
		{importMeta, change(func(c []*Values) { c[1].Name = "" }), "cannot name a column"},
		{importMeta, change(func(c []*Values) { c[1].Name = "system" }), `"system" is given twice`},
		{importMeta, change(func(c []*Values) { c[1].Kind = "complex" }), `no kind "complex"`},
		{importMeta, change(func(c []*Values) { c[2].Ints = c[2].Ints[1:] }), "in 3 rows"},
		{importMeta, change(func(c []*Values) { c[2].Null = c[2].Null[1:] }), "in 3 rows"},
		{importMeta, change(func(c []*Values) { c[2].Floats = []float64{1} }), "in 3 rows"},
		{importMeta, change(func(c []*Values) { c[4].Strings[1] = "caf\xe9" }), "row 1: a text of 4 bytes"},
		{importMeta, change(func(c []*Values) { c[0].Strings[2] = strings.Repeat("x", maxText+1) }), "row 2: a text of 65537 bytes"},
	} {
		err := WriteColumns(io.Discard, test.meta, test.columns)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("WriteColumns gives error %v, want one with %q", err, test.want)
		}
	}
}

// A run's trace that lost its name is not taken for an import's.
func TestImportIsSaid(t *testing.T) {
	b := bytes.Replace(encodeColumns(t, imported(3)), []byte(`"import":"their-data"`), []byte(`"impost":"their-data"`), 1)
	if _, err := Open(bytes.NewReader(b), int64(len(b))); err == nil || !strings.Contains(err.Error(), "column seq is missing") {
		t.Errorf("Open gives error %v, want one that asks for the columns of samples", err)
	}
}

// BenchmarkWriteColumns writes as many rows as a large archive of monitors has.
func BenchmarkWriteColumns(b *testing.B) {
	const rows = 700_000
	columns := imported(rows)
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := WriteColumns(&out, importMeta, columns); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(out.Len())/rows, "bytes/row")
}

// A value is spelled as in CSV.
func TestText(t *testing.T) {
	for _, test := range []struct {
		v    Values
		want string
	}{
		{Values{Column: Column{Kind: Int}, Ints: []int64{-8}}, "-8"},
		{Values{Column: Column{Kind: Float}, Floats: []float64{0.1}}, "0.1"},
		{Values{Column: Column{Kind: Float}, Floats: []float64{1e21}}, "1e+21"},
		{Values{Column: Column{Kind: Bool}, Bools: []bool{true}}, "true"},
		{Values{Column: Column{Kind: String}, Strings: []string{"a,b"}}, "a,b"},
		{Values{Column: Column{Kind: Int}, Ints: []int64{0}, Null: []bool{true}}, ""},
	} {
		if got := test.v.Text(0); got != test.want {
			t.Errorf("%+v is spelled %q, want %q", test.v, got, test.want)
		}
	}
}
