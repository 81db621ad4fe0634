package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/stores"
)

// A bar shows how far a run or a copy is: one line that moves on a terminal,
// elsewhere a plain line each tenth, and of a copy each ten seconds.
type bar struct {
	out     io.Writer
	moves   bool
	now     func() time.Time
	line    *progressbar.ProgressBar
	tenth   int
	waited  bool            // it was said that it waits
	unready bool            // it was said what is not ready
	begun   time.Time       // when a copy was first shown
	shown   time.Time       // when it was last
	last    stores.Transfer // as it was then
	step    string          // of an installation that was last said
}

// How often a copy is shown at most on a terminal, and at least elsewhere, as
// long as bytes move.
const (
	moveEach = 100 * time.Millisecond
	sayEach  = 10 * time.Second

	readingWait = time.Second // what takes no longer is not shown
)

func newBar(out io.Writer) *bar {
	f, ok := out.(*os.File)
	return &bar{out: out, moves: ok && term.IsTerminal(int(f.Fd())), now: time.Now, tenth: -1}
}

func (b *bar) show(p lab.Progress) {
	if p.Waits {
		if !b.waited {
			fmt.Fprintf(b.out, "waiting for other work to end: %s\n", strings.Join(p.Unready, "; "))
		}
		b.waited = true
		return
	}
	if !b.unready {
		b.unready = true
		for _, what := range p.Unready {
			fmt.Fprintf(b.out, "not ready: %s\n", what)
		}
	}
	if !b.moves {
		if tenth := 10 * p.Done / max(p.Total, 1); tenth != b.tenth {
			b.tenth = tenth
			fmt.Fprintf(b.out, "%s: %d of %d invocations%s%s\n", p.Run, p.Done, p.Total, remaining(p), last(p))
		}
		return
	}
	b.move(p.Done, p.Total, p.Current,
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("invocations"), progressbar.OptionSetPredictTime(true))
}

// move shows how far it is on a terminal.
func (b *bar) move(done, total int, what string, more ...progressbar.Option) {
	if b.line == nil {
		b.line = progressbar.NewOptions(total, append([]progressbar.Option{
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionFullWidth(),
		}, more...)...)
	}
	b.line.ChangeMax(total)
	b.line.Describe(what)
	b.line.Set(done)
}

// transfer shows how far bytes are moved between the archive and a store. What
// is left is known in blobs or references, which are of very different sizes: so
// no time is foretold.
func (b *bar) transfer(t stores.Transfer) {
	now := b.now()
	if b.begun.IsZero() {
		b.begun = now
	}
	what := size(t.Bytes)
	if t.Measuring {
		what = "waiting: an experiment is being measured (--now does not wait)"
	} else if t.Elsewhere {
		what = "waiting: the upload in the background ends what it has begun"
	} else if s := now.Sub(b.begun).Seconds(); s >= 1 && t.Bytes > 0 {
		what += ", " + size(int64(float64(t.Bytes)/s)) + "/s"
	}
	if b.moves {
		same := t
		same.Bytes = b.last.Bytes
		if same != b.last || now.Sub(b.shown) >= moveEach {
			b.shown, b.last = now, t
			b.move(t.Done, t.Total, t.Unit+", "+what, progressbar.OptionSetPredictTime(false))
		}
		return
	}
	if tenth := 10 * t.Done / max(t.Total, 1); tenth != b.tenth || (t.Measuring || t.Elsewhere) && !b.waited || t != b.last && now.Sub(b.shown) >= sayEach {
		b.tenth, b.waited, b.shown, b.last = tenth, t.Measuring || t.Elsewhere, now, t
		fmt.Fprintf(b.out, "%d of %d %s, %s\n", t.Done, t.Total, t.Unit, what)
	}
}

// reading shows how far a list of runs is that takes longer than a moment.
func (b *bar) reading(done, total int) {
	now := b.now()
	if b.begun.IsZero() {
		b.begun = now
	}
	switch {
	case now.Sub(b.begun) < readingWait:
	case b.moves && (done == total || now.Sub(b.shown) >= moveEach):
		b.shown = now
		b.move(done, total, "making the list of runs", progressbar.OptionSetPredictTime(true))
	case !b.moves && now.Sub(b.shown) >= sayEach:
		b.shown = now
		fmt.Fprintf(b.out, "making the list of runs: %d of %d are read\n", done, total)
	}
	if done == total {
		b.close()
		b.line, b.begun = nil, time.Time{}
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
