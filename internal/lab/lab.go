// Package lab is where the columns meet: it pins workloads, freezes
// experiments into plans, has agents run them, archives what they measured,
// and draws and replays figures. A command, a cell and a web page each call
// one function of it.
//
// It holds no clever part of its own. Measuring is in runners, bytes in
// artifacts, building in images, figure code in internal/seal; what is here is
// the order of the calls and the books that are kept about them.
package lab

import (
	"errors"
	"fmt"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/runners/install"
)

// What a caller branches on; the CLI has an exit status for each.
var (
	// ErrIncomplete reports a run that has not an outcome for everything planned.
	ErrIncomplete = errors.New("incomplete")
	// ErrMismatch reports a replay whose bytes are not the archived ones.
	ErrMismatch = errors.New("replay differs from the archive")
	// ErrUsage reports a request that cannot be carried out as written.
	ErrUsage = errors.New("usage")
)

// Usagef returns an error that matches ErrUsage and reads as the message alone.
func Usagef(format string, args ...any) error {
	return Classed(ErrUsage, fmt.Errorf(format, args...))
}

// Classed returns an error that reads as err and matches class as well.
func Classed(class, err error) error { return &classed{err, class} }

type classed struct{ err, class error }

func (e *classed) Error() string        { return e.err.Error() }
func (e *classed) Unwrap() error        { return e.err }
func (e *classed) Is(target error) bool { return target == e.class }

// Corrupt reports whether err is that archived bytes are not what they were.
func Corrupt(err error) bool {
	return errors.Is(err, artifacts.ErrCorrupt) || errors.Is(err, trace.ErrCorrupt) || errors.Is(err, journal.ErrCorrupt) || errors.Is(err, install.ErrDigest)
}
