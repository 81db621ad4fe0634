package importers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A fact is a column of every trace, whose name says what it is.
func TestFacts(t *testing.T) {
	text := func(name string, role assay.Role) trace.Column {
		return trace.Column{Name: name, Kind: trace.String, Role: role}
	}
	for _, test := range []struct {
		fact assay.Fact
		want trace.Column
	}{
		{assay.Fact{Name: "load", Value: "8"}, trace.Column{Name: "load", Kind: trace.Int, Role: assay.RoleLoad}},
		{assay.Fact{Name: "rate", Value: "2e3"}, trace.Column{Name: "rate", Kind: trace.Float, Role: assay.RoleRate, Unit: "1/s"}},
		{assay.Fact{Name: "system", Value: "8"}, text("system", assay.RoleSystem)},
		{assay.Fact{Name: "replicate", Value: "2"}, text("replicate", assay.RoleReplicate)},
		{assay.Fact{Name: "workers", Value: "8"}, text("workers", assay.RoleFactor)},
		{assay.Fact{Name: "throughput", Value: "8"}, text("throughput", assay.RoleFactor)}, // that is for files to say
	} {
		in := input(examples("ab"), test.fact)
		out, err := ab.Read(t.Context(), in)
		if err != nil {
			t.Fatalf("%v: %v", test.fact, err)
		}
		for _, tr := range out.Traces {
			i := slices.IndexFunc(tr.Columns, func(v *trace.Values) bool { return v.Name == test.fact.Name })
			if i < 0 {
				t.Errorf("%v: trace %s has no such column", test.fact, tr.Name)
				continue
			}
			got := tr.Columns[i].Column
			if got.Basis != assay.Given || got.Meaning == "" {
				t.Errorf("%v: the column's basis is %q, its meaning %q", test.fact, got.Basis, got.Meaning)
			}
			got.Basis, got.Meaning = "", ""
			if got != test.want || tr.Columns[i].Len() != tr.rows {
				t.Errorf("%v: column %+v of %d rows in a trace of %d, want %+v", test.fact, got, tr.Columns[i].Len(), tr.rows, test.want)
			}
		}
	}
	if x := factValue(t, assay.Fact{Name: "load", Value: "8"}).Ints[0]; x != 8 {
		t.Errorf("load is %v, want 8", x)
	}
	if x := factValue(t, assay.Fact{Name: "rate", Value: "2e3"}).Floats[0]; x != 2000 {
		t.Errorf("rate is %v, want 2000", x)
	}
}

func factValue(t *testing.T, f assay.Fact) *trace.Values {
	t.Helper()
	v, err := factColumn(f, 1)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A fact that cannot be is known before a file is read, but for one that the
// files say, too.
func TestBadFacts(t *testing.T) {
	for _, test := range []struct {
		format      Format
		name, value string
		says        string
		read        bool // files are, before it is known
	}{
		{ab, "load", "many", "fact load=many: want the requests in flight at once", false},
		{ab, "load", "0", "whole number above 0", false},
		{ab, "load", "1.5", "whole number above 0", false},
		{ab, "rate", "fast", "fact rate=fast: want the requests a second", false},
		{ab, "rate", "-1", "number above 0", false},
		{ab, "rate", "Inf", "number above 0", false},
		{ab, "latency", "1", "the trace percentiles has a column of that name", true},
		{ab, "source", "1", "has a column of that name", true},
		{sledge, sledgeFact, "fast", "fact cpu_mhz=fast: want the processor's speed in MHz", false},
		{sledge, sledgeFact, "0", "above 0", false},
	} {
		in := input(examples(test.format.Name), assay.Fact{Name: test.name, Value: test.value})
		keep, kept := in.Keep, new(atomic.Bool)
		in.Keep = func(path string, b []byte) (assay.Digest, error) {
			kept.Store(true)
			return keep(path, b)
		}
		_, err := test.format.Read(t.Context(), in)
		if _, ok := errors.AsType[*FactError](err); !ok || !strings.Contains(err.Error(), test.says) || kept.Load() != test.read {
			t.Errorf("%s, %s: error %v, files read %v; want %q, %v", test.format.Name, fmt.Sprint(test.name, "=", test.value), err, kept.Load(), test.says, test.read)
		}
	}
}
