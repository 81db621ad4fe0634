package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/assay-notebooks/assay/internal/notebook"
)

// Steps show how far a notebook is: a line that is written over on a terminal,
// a line a cell elsewhere, and one now and then while a cell works.
type steps struct {
	out   io.Writer
	tty   *os.File // nil: none
	done  int
	quiet time.Duration // of the cell, before more is said of it
}

func newSteps(cmd *cobra.Command) *steps {
	s := &steps{out: cmd.ErrOrStderr()}
	if f, ok := s.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.tty = f
	}
	return s
}

// What is shown of a cell: its first line, cut, and how often how far it is.
const (
	lineWidth   = 60
	patientTime = 10 * time.Second
)

func (s *steps) show(step notebook.Step) {
	which := fmt.Sprintf("[%d/%d] cell %d: ", step.K, step.N, step.Cell)
	text := which + cut(step.Line, lineWidth)
	switch step.State {
	case notebook.Begins:
		s.quiet = patientTime
		s.over(text)
	case notebook.Works:
		if s.tty == nil && step.Elapsed >= s.quiet {
			s.quiet = step.Elapsed + patientTime
			fmt.Fprintln(s.out, which+step.Says)
		}
		s.over(which + step.Says)
	default:
		s.done++
		s.over("")
		how := ""
		switch step.State {
		case notebook.Failed:
			how = "failed, "
		case notebook.Raised:
			how = "failed, as it may, "
		}
		fmt.Fprintf(s.out, "%s (%s%v)\n", text, how, step.Elapsed.Round(10*time.Millisecond))
	}
}

// over writes over the line of a terminal.
func (s *steps) over(text string) {
	if s.tty == nil {
		return
	}
	if width, _, err := term.GetSize(int(s.tty.Fd())); err == nil && width > 1 {
		text = cut(text, width-2)
	}
	fmt.Fprint(s.out, "\r\x1b[K"+text)
}

// cut cuts text to a width.
func cut(text string, width int) string {
	if r := []rune(text); len(r) > width {
		return string(r[:width]) + "…"
	}
	return text
}
