package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/assay-notebooks/assay/internal/lab"
)

// A bar shows how far a run is: one line that moves on a terminal, a plain
// line each tenth elsewhere.
type bar struct {
	out   io.Writer
	moves bool
	line  *progressbar.ProgressBar
	tenth int
}

func newBar(out io.Writer) *bar {
	f, ok := out.(*os.File)
	return &bar{out: out, moves: ok && term.IsTerminal(int(f.Fd())), tenth: -1}
}

func (b *bar) show(p lab.Progress) {
	if !b.moves {
		if tenth := 10 * p.Done / max(p.Total, 1); tenth != b.tenth {
			b.tenth = tenth
			fmt.Fprintf(b.out, "%s: %d of %d invocations%s%s\n", p.Run, p.Done, p.Total, remaining(p), last(p))
		}
		return
	}
	if b.line == nil {
		b.line = progressbar.NewOptions(p.Total,
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("invocations"),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionFullWidth(),
		)
	}
	b.line.Describe(p.Current)
	b.line.Set(p.Done)
}

// close leaves the terminal clean.
func (b *bar) close() {
	if b.line != nil {
		b.line.Exit()
		fmt.Fprintln(b.out)
	}
}

// remaining says how long the rest will take at the rate seen so far.
func remaining(p lab.Progress) string {
	if p.Fresh == 0 || p.Done == p.Total {
		return ""
	}
	left := time.Duration(float64(p.Elapsed) / float64(p.Fresh) * float64(p.Total-p.Done))
	return fmt.Sprintf(", about %v left", left.Round(time.Second))
}

// last names the trial last finished, if there is one.
func last(p lab.Progress) string {
	if p.Current == "" {
		return ""
	}
	return "; " + p.Current
}
