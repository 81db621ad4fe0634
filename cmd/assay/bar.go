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

// A bar shows how far a run or a copy is: one line that moves on a terminal, a
// plain line each tenth elsewhere.
type bar struct {
	out    io.Writer
	moves  bool
	line   *progressbar.ProgressBar
	tenth  int
	waited bool // it was said that it waits
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
	b.move(p.Done, p.Total, p.Current, "invocations")
}

// move shows how far it is on a terminal.
func (b *bar) move(done, total int, what, unit string) {
	if b.line == nil {
		b.line = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(unit),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionFullWidth(),
		)
	}
	b.line.ChangeMax(total)
	b.line.Describe(what)
	b.line.Set(done)
}

// transfer shows how far bytes are moved between the archive and a store.
func (b *bar) transfer(t lab.Transfer) {
	what := size(t.Bytes)
	if t.Measuring {
		what = "waiting: an experiment is being measured"
	}
	if b.moves {
		b.move(t.Done, t.Total, what, t.Unit)
		return
	}
	if tenth := 10 * t.Done / max(t.Total, 1); tenth != b.tenth || t.Measuring && !b.waited {
		b.tenth, b.waited = tenth, t.Measuring
		fmt.Fprintf(b.out, "%d of %d %s, %s\n", t.Done, t.Total, t.Unit, what)
	}
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/(1<<10), 0
	for f >= 1<<10 && unit < 4 {
		f, unit = f/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[unit])
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
