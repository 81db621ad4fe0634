package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/assay-notebooks/assay/runners/grouped"
)

// command makes a command whose end takes along all that it started.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := grouped.Command(ctx, 2*time.Second, name, args...)
	cmd.Env = os.Environ()
	return cmd
}

// run runs cmd and returns what it writes to standard output, up to a bound.
// Each line that it writes to standard error, and what ends in a carriage
// return, is given to line; its last lines are in the error.
func run(cmd *exec.Cmd, line func(string)) (string, error) {
	var out bytes.Buffer
	said := &lines{line: line}
	cmd.Stdout, cmd.Stderr = &limited{&out, maxOutput}, said
	err := cmd.Run()
	said.flush()
	if err != nil {
		what := filepath.Base(cmd.Path)
		if len(cmd.Args) > 1 {
			what += " " + cmd.Args[1]
		}
		err = fmt.Errorf("%s: %w: %s", what, err, strings.Join(said.last, "\n"))
	}
	return out.String(), err
}

// Bounds of what is kept of a command's output.
const (
	maxOutput = 8 << 20
	maxLine   = 4 << 10
	lastLines = 12
)

// lines cuts what is written to it into lines and keeps the last.
type lines struct {
	line func(string)
	part []byte
	last []string
}

func (l *lines) Write(b []byte) (int, error) {
	for _, c := range b {
		if c == '\n' || c == '\r' {
			l.flush()
		} else if len(l.part) < maxLine {
			l.part = append(l.part, c)
		}
	}
	return len(b), nil
}

func (l *lines) flush() {
	s := strings.TrimSpace(string(l.part))
	l.part = l.part[:0]
	if s == "" {
		return
	}
	if l.line != nil {
		l.line(s)
	}
	if progressLine.MatchString(s) {
		return
	}
	if l.last = append(l.last, s); len(l.last) > lastLines {
		l.last = l.last[1:]
	}
}

// limited writes the first n bytes and drops the rest.
type limited struct {
	to io.Writer
	n  int
}

func (l *limited) Write(b []byte) (int, error) {
	keep := b[:min(len(b), l.n)]
	l.n -= len(keep)
	_, err := l.to.Write(keep)
	return len(b), err
}

// need returns the path of a program. The error says what to do without it.
func need(name, remedy string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("%s not found: %s", name, remedy)
	}
	return path, err
}
