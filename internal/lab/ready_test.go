package lab

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
)

// loaded is a host whose load falls, a value each time it is looked at, to the
// last.
func loaded(loads ...string) func(context.Context) (assay.Host, error) {
	return func(context.Context) (assay.Host, error) {
		load := loads[0]
		loads = loads[min(1, len(loads)-1):]
		return assay.Host{Cores: 2, Load1: load, Governor: "performance"}, nil
	}
}

func TestAwaitReady(t *testing.T) {
	var said []string
	watcher := func(p Progress) {
		if !p.Waits {
			t.Errorf("%+v: want that it waits", p)
		}
		said = append(said, p.Unready...)
	}
	host, err := awaitReady(t.Context(), loaded("3.10", "0.90"), "start", time.Hour, watcher)
	if err != nil || host.Load1 != "0.90" || !slices.Equal(said, []string{"load: 3.10 on 2 cores, over the last minute: other work, or the run before"}) {
		t.Errorf("a load that falls: %+v, %v, said %q; want the host when it has fallen, and once that it has not", host, err, said)
	}
	_, err = awaitReady(t.Context(), loaded("3.10"), "start", time.Nanosecond, nil)
	if !errors.Is(err, failure.ErrIncomplete) || !strings.HasPrefix(err.Error(), "start: the host is not ready after 1ns: load 3.10 on 2 cores") {
		t.Errorf("a load that stays: %v; want that it is not ready, matching failure.ErrIncomplete", err)
	}
	_, err = awaitReady(t.Context(), loaded("?"), "start", time.Nanosecond, nil)
	if !errors.Is(err, failure.ErrIncomplete) || !strings.Contains(err.Error(), "load not told by the kernel") {
		t.Errorf("a load that cannot be read: %v; want that it is not ready, matching failure.ErrIncomplete", err)
	}
	why := errors.New("left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := awaitReady(ctx, loaded("3.10"), "start", time.Hour, nil); err != why {
		t.Errorf("a context that has ended: %v, want its cause", err)
	}
}
