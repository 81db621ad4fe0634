// Command assay-agent is put on a host to run a plan there: it starts the
// commands, measures them and writes the journal.
//
//	assay-agent run [--words] DIR    run what is missing of DIR/plan.json
//	assay-agent bundle MANIFEST DIR NAME OPTIONS
//	                                 make a bundle of a container image, for a plan
//	assay-agent archive MANIFEST FILE REF [ARG...]
//	                                 make one file of a container image, for a plan
//	assay-agent version              print its version
//
// It is small because it shares the machine with what it measures. SIGTERM and
// SIGINT end it after killing the running command; a second run goes on from
// there. Exit status: 0 complete, 1 error, 2 usage, 3 another agent is at work
// in DIR, 130 interrupted. With --words it says why it ended on descriptor 3 too,
// for a starter that waits there until the agent has announced itself.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/internal/agent"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/bundle"
	"github.com/assay-notebooks/assay/runners/measure"
)

const usage = "usage: assay-agent run [--words] DIR | assay-agent version"

func main() {
	args := os.Args[1:]
	var words *os.File
	if len(args) == 3 && args[0] == "run" && args[1] == runners.AgentWords {
		syscall.CloseOnExec(3)
		words, args = os.NewFile(3, "words"), []string{"run", args[2]}
	}
	switch {
	case len(args) == 1 && args[0] == "launch": // started by the agent itself
		exit(measure.Launch(), nil)
	case len(args) == 2 && args[0] == "run":
		runtime.GOMAXPROCS(1) // threads that look for work would do so beside the command
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		exit(agent.Run(ctx, args[1]), words)
	case len(args) == 5 && args[0] == runners.AgentBundle:
		exit(makeBundle(args[1], args[2], args[3], args[4]), nil)
	case len(args) >= 4 && args[0] == runners.AgentArchive:
		exit(bundle.Archive(args[1], args[2], args[3], args[4:]), nil)
	case len(args) == 1 && args[0] == "version":
		version := "unknown"
		if info, ok := debug.ReadBuildInfo(); ok {
			version = info.Main.Version
		}
		fmt.Println("assay-agent", version)
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
}

func makeBundle(manifest, dir, name, options string) error {
	var o bundle.Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return fmt.Errorf("options of a bundle: %w", err)
	}
	return bundle.Make(manifest, dir, name, o)
}

// exit says err on stderr and, unless it is nil, on words.
func exit(err error, words *os.File) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "assay-agent:", err)
	if words != nil {
		fmt.Fprintln(words, err) // to nobody, if the starter has left
	}
	switch {
	case errors.Is(err, context.Canceled):
		os.Exit(130)
	case errors.Is(err, journal.ErrLocked):
		os.Exit(runners.AgentBusy)
	default:
		os.Exit(1)
	}
}
