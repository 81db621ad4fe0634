package artifacts_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
)

// FuzzRef reads references that someone else wrote.
func FuzzRef(f *testing.F) {
	good := assay.DigestOf([]byte("good")).String()
	for _, seed := range []string{
		good + "\n", good, good + "\r\n", good + "\n\n", " " + good + "\n", strings.ToUpper(good) + "\n", "",
		"\n", "sha256:\n", "sha512:" + good[7:] + "\n", good[:70] + "\n", good[:70] + "g\n",
		"sha256:" + strings.Repeat("0", 64) + "\n", good + "\n" + good + "\n", "\xff\xfe", strings.Repeat("a", 100_000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var b artifactstest.Memory
		s := artifacts.New(&b)
		if _, err := b.Put(t.Context(), "refs/runs/1", bytes.NewReader(value), artifacts.Condition{}); err != nil {
			t.Fatal(err)
		}
		d, err := s.Ref(t.Context(), "runs/1")
		if err == nil && (d.IsZero() || d.String()+"\n" != string(value)) {
			t.Errorf("reference %q = %v, want an error", value, d)
		}
		if err != nil && (!errors.Is(err, artifacts.ErrMalformed) || !d.IsZero()) {
			t.Errorf("reference %q = %v, %v, want ErrMalformed", value, d, err)
		}
		report, checkErr := s.Check(t.Context(), artifacts.CheckOptions{})
		want := artifacts.Dangling
		if err != nil {
			want = artifacts.Malformed
		}
		if checkErr != nil || len(report.Problems) != 1 || report.Problems[0].Kind != want {
			t.Errorf("check of reference %q = %v, %v, want it %s", value, report.Problems, checkErr, want)
		}
		gc, gcErr := s.GC(t.Context(), artifacts.GCOptions{DryRun: true})
		if malformed := err != nil; malformed != (gcErr == nil) || malformed != (len(gc.Malformed) == 1) {
			t.Errorf("gc with reference %q = %+v, %v, want an error unless it is malformed", value, gc, gcErr)
		}
	})
}
