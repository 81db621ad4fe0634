package lab

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay/artifacts"
)

// A StoreState is what is known of a store.
type StoreState struct {
	Name      string      `json:"name"`
	Config    StoreConfig `json:"config"`
	InUse     bool        `json:"in_use"`
	Reachable bool        `json:"reachable"`
	Error     string      `json:"error,omitempty"`    // why not, in full
	LastTry   string      `json:"last_try,omitempty"` // why the last upload failed, in one short line
	Waiting   int         `json:"waiting"`            // references known to wait for it
	Counted   bool        `json:"counted,omitempty"`  // the next two were asked for
	Blobs     int         `json:"blobs,omitempty"`
	Bytes     int64       `json:"bytes,omitempty"`
}

// Brief says in one short line why the store is not reachable.
func (s StoreState) Brief() string { return brief(strings.TrimPrefix(s.Error, "store "+s.Name+": ")) }

// Stores returns the state of each store, by name, asking all at once and
// waiting a few seconds at most; counting blobs takes as long as listing them.
func (w *Workspace) Stores(ctx context.Context, count bool) ([]StoreState, error) {
	var all []StoreState
	for _, name := range sortedKeys(w.Config.Stores) {
		all = append(all, StoreState{Name: name, Config: w.Config.Stores[name], InUse: w.using != nil && w.using.name == name})
	}
	var asking errgroup.Group
	for i := range all {
		asking.Go(func() error { return w.state(ctx, &all[i], count) })
	}
	return all, asking.Wait()
}

// state fills in s. A store that does not answer is no error.
func (w *Workspace) state(ctx context.Context, s *StoreState, count bool) error {
	p := w.defined(s.Name)
	if p == w.using {
		if err := w.lookOnce(ctx); err != nil {
			return err
		}
	}
	patient, cancel := context.WithTimeoutCause(ctx, distantPatience, fmt.Errorf("no answer in %v", distantPatience))
	defer cancel()
	backend, openErr := p.open(patient, w.Root)
	if p == w.using {
		if err := w.recognize(ctx, p, backend, openErr); err != nil {
			return err
		}
	}
	values, err := p.waitlist().all()
	if err != nil {
		return err
	}
	s.Waiting = len(values)
	if s.LastTry, err = p.lastError(); err != nil {
		return err
	}
	if openErr != nil {
		s.Error = openErr.Error()
		return ctx.Err()
	}
	s.Reachable = true
	if !count {
		return nil
	}
	report, err := artifacts.New(backend).Check(ctx, artifacts.CheckOptions{})
	s.Counted, s.Blobs, s.Bytes = true, report.Blobs, report.Bytes
	return err
}
