package agent_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
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

// The container of a run has one name, in its command and in what cleans up,
// and that of another run has another. What has no clean-up is left as it is.
func TestContainerName(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	echo := shell(`echo $0 >> ` + log)
	echo.Argv = append(echo.Argv, runners.ContainerName)
	var names []string
	for range 2 {
		complete(t, plan(1, 0, assay.Trial{Command: echo, Clean: []assay.Command{echo}}))
		names = append(names, strings.Fields(string(readFile(t, log)))[len(names):]...)
	}
	if len(names) != 4 || names[0] != names[1] || names[2] != names[3] || names[0] == names[2] || slices.Contains(names, runners.ContainerName) {
		t.Errorf("names of clean-up, command, and those of another run: %q", names)
	}
	complete(t, plan(1, 0, assay.Trial{Command: echo}))
	if got := strings.Fields(string(readFile(t, log))); got[len(got)-1] != runners.ContainerName {
		t.Errorf("without clean-up the argument is %q", got[len(got)-1])
	}
}
