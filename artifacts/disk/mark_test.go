package disk_test

import (
	"testing"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

// TestMark waits for a mark, and sees it go with every kind of change.
func TestMark(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b, err := disk.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const unsettled = 200 * time.Millisecond
	b.Unsettled(unsettled)
	s := artifacts.New(b)
	mark := func() string {
		t.Helper()
		m, err := s.RefsMark(ctx, "runs")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	settled := func() string {
		t.Helper()
		for ctx.Err() == nil {
			if m := mark(); m != "" {
				return m
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatal("no mark")
		return ""
	}
	if m := mark(); m != "" {
		t.Errorf("mark of no references = %q, want none", m)
	}
	one, err := s.PutBytes(ctx, []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.PutBytes(ctx, []byte("two"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, change := range []struct {
		what string
		do   func() error
	}{
		{"set", func() error { return s.SetRef(ctx, "runs/a", one) }},
		{"set anew", func() error { return s.SetRef(ctx, "runs/a", two) }},
		{"delete", func() error { return s.DeleteRef(ctx, "runs/a") }},
	} {
		start := time.Now()
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		if m := mark(); m != "" && time.Since(start) < unsettled/2 { // the file system's clock is some milliseconds behind
			t.Errorf("%s: a mark right after it, %q: a change that follows could have the same", change.what, m)
		}
		m := settled()
		if before, ok := seen[m]; ok {
			t.Errorf("%s: the mark is %q, as after %s", change.what, m, before)
		}
		seen[m] = change.what
		if again := mark(); again != m {
			t.Errorf("%s: the mark went from %q to %q without a change", change.what, m, again)
		}
	}
}
