package stores

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay/internal/mutex"
)

// Uploads and measurements of a workspace exclude one another by two files.
// Whoever starts an agent holds the gate, shared, until the agent has announced
// itself, and waits meanwhile until nobody holds the other file. An uploader
// holds that one, shared, and gives up when it finds the gate held or an agent
// at work. Either the starter sees the uploader or the uploader sees the
// starter.
const (
	gateFile   = "measuring.gate"
	probeFile  = "measuring.probe" // held by an uploader while it tries the gate: two at once would take each other for starters
	uploadFile = "uploading.lock"
)

// errMeasuring is the cause with which an upload ends before something is
// measured.
var errMeasuring = errors.New("something is being measured")

const (
	gateInterval  = 100 * time.Millisecond // how often an upload looks at the gate
	quietInterval = 20 * time.Millisecond  // how often a start looks at uploads
	quietPatience = 2 * time.Second        // how long a start waits for uploads to give up
)

// Quiet keeps uploads away until release is called. An upload that does not
// heed it delays a measurement, but does not prevent it.
func (set *Set) Quiet(ctx context.Context) (release func(), err error) {
	gate, err := mutex.Lock(set.path(gateFile), unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	deadline := time.NewTimer(quietPatience)
	defer deadline.Stop()
	for {
		uploads, err := mutex.TryLock(set.path(uploadFile), unix.LOCK_EX)
		if err != nil {
			gate.Close()
			return nil, err
		}
		if uploads != nil {
			uploads.Close()
			return func() { gate.Close() }, nil
		}
		select {
		case <-ctx.Done():
			gate.Close()
			return nil, ctx.Err()
		case <-deadline.C:
			return func() { gate.Close() }, nil
		case <-time.After(quietInterval):
		}
	}
}

// upload calls do while nothing is being measured. It waits for that first, and
// calls waits then, now and again, whose error ends it. The context of do ends, with the cause
// errMeasuring, when something is about to be measured; the error matches
// errMeasuring then.
func (set *Set) upload(ctx context.Context, waits func() error, do func(context.Context) error) error {
	var hold *os.File
	for {
		var err error
		if hold, err = set.enterUpload(ctx); err != nil {
			return err
		}
		if hold != nil {
			break
		}
		if err := waits(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
	defer hold.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(gateInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if free, err := set.gateFree(); err == nil && !free {
					cancel(errMeasuring)
				}
			}
		}
	}()
	err := do(ctx)
	if errors.Is(context.Cause(ctx), errMeasuring) {
		err = errMeasuring
	}
	cancel(nil)
	<-done
	return err
}

// enterUpload returns the held upload file, or nil if something is being
// measured.
func (set *Set) enterUpload(ctx context.Context) (*os.File, error) {
	hold, err := mutex.TryLock(set.path(uploadFile), unix.LOCK_SH)
	if err != nil || hold == nil {
		return nil, err // nil, nil: a starter is looking just now
	}
	free, err := set.gateFree()
	if err == nil && free {
		free = set.Idle(ctx)
	}
	if err != nil || !free {
		hold.Close()
		return nil, err
	}
	return hold, nil
}

// gateFree reports whether nobody is about to start an agent.
func (set *Set) gateFree() (bool, error) {
	probe, err := mutex.Lock(set.path(probeFile), unix.LOCK_EX)
	if err != nil {
		return false, err
	}
	defer probe.Close()
	f, err := mutex.TryLock(set.path(gateFile), unix.LOCK_EX)
	if err != nil || f == nil {
		return false, err
	}
	return true, f.Close()
}
