package trace

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/assay-notebooks/assay"
)

var update = flag.Bool("update", false, "write the files in testdata again")

// The golden traces were written by version 1 and must open for ever, with
// these samples. Their bytes are not compared: encoders differ between
// processors, and a trace is never encoded again. v1.parquet was written before
// there was the column call, and v1-calls.parquet before there were those of
// phases and counts: no -update makes them again.
func TestGolden(t *testing.T) {
	golden(t, "testdata/v1.parquet", samples(20), 21)
}

func TestGoldenCalls(t *testing.T) {
	golden(t, "testdata/v1-calls.parquet", calls(4, 3), 22)
}

func TestGoldenPhases(t *testing.T) {
	const path = "testdata/v1-phases.parquet"
	want := phases(6)
	if *update {
		if err := os.WriteFile(path, encode(t, want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, path, want, 40)
	sameExports(t, open(t, content(t, path)), "v1-phases")
}

func golden(t *testing.T, path string, want []assay.Sample, columns int) {
	t.Helper()
	tr := open(t, content(t, path))
	if got := tr.Meta(); got.Run != meta.Run || got.Plan != meta.Plan || len(got.Columns) != columns {
		t.Errorf("%s has the metadata %+v", path, got)
	}
	i := 0
	for got, err := range tr.Samples() {
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%s: sample %d is %+v, want %+v", path, i, got, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%s has %d samples, want %d", path, i, len(want))
	}
}

// What CSV and JSON write of the golden trace is the same everywhere.
func TestExport(t *testing.T) {
	tr := open(t, content(t, "testdata/v1.parquet"))
	sameExports(t, tr, "v1")
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameExports compares what CSV and JSON write of a trace with the golden files
// of that name.
func sameExports(t *testing.T, tr *Trace, golden string) {
	t.Helper()
	var asCSV, asJSON bytes.Buffer
	if err := CSV(&asCSV, tr); err != nil {
		t.Fatal(err)
	}
	if err := JSON(&asJSON, tr); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{golden + ".csv": asCSV.Bytes(), golden + ".jsonl": asJSON.Bytes()} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := content(t, path); !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}
