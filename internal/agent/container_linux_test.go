package agent_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
)

// What a runtime keeps of a container is gone before the next invocation, and
// what one that was killed left is removed: before the first, too, for an agent
// may have been killed.
func TestStateAndClean(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	killed := plan(2, 0, assay.Trial{
		Command: shell(`mkdir keeps/container && echo run >> ` + log + `; sleep 60`),
		State:   "keeps",
		Clean:   []assay.Command{shell(`echo clean >> ` + log + `; exit 1`)},
	})
	killed.Limits.Timeout = 2 * time.Second
	ended := plan(2, 0, assay.Trial{
		Command: shell(`mkdir keeps/container && echo ended >> ` + log),
		State:   "keeps",
		Clean:   []assay.Command{shell(`echo clean >> ` + log)},
	})
	for _, tt := range []struct {
		p    assay.Plan
		want assay.Outcome
	}{{killed, assay.Timeout}, {ended, assay.OK}} {
		_, rows := complete(t, tt.p)
		for _, s := range rows {
			if s.Outcome != tt.want {
				t.Errorf("block %d is %s: %s, want %s", s.Block, s.Outcome, s.Detail, tt.want)
			}
		}
	}
	want := "clean\nrun\nclean\nrun\nclean\n" + "clean\nended\nended\n"
	if got := string(readFile(t, log)); got != want {
		t.Errorf("order:\n%swant:\n%s", got, want)
	}
}
