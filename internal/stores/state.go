package stores

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/settings"
)

// A State is what is known of a store.
type State struct {
	Name      string         `json:"name"`
	Config    settings.Store `json:"config"`
	InUse     bool           `json:"in_use"`
	Reachable bool           `json:"reachable"`
	Error     string         `json:"error,omitempty"`    // why not, in full
	LastTry   string         `json:"last_try,omitempty"` // why the last upload failed, in one short line
	Waiting   int            `json:"waiting"`            // references known to wait for it
	Counted   bool           `json:"counted,omitempty"`  // the next two were asked for
	Blobs     int            `json:"blobs,omitempty"`
	Bytes     int64          `json:"bytes,omitempty"`

	why string // in short: Error
}

// Brief says in one short line why the store is not reachable.
func (s State) Brief() string { return s.why }

// List returns the state of each store, by name, asking all at once and
// waiting a few seconds at most; counting blobs takes as long as listing them.
func (set *Set) List(ctx context.Context, count bool) ([]State, error) {
	var all []State
	for _, name := range slices.Sorted(maps.Keys(set.Defined)) {
		all = append(all, State{Name: name, Config: set.Defined[name], InUse: set.using != nil && set.using.Name == name})
	}
	var asking errgroup.Group
	for i := range all {
		asking.Go(func() error { return set.state(ctx, &all[i], count) })
	}
	return all, asking.Wait()
}

// state fills in s. A store that does not answer is no error.
func (set *Set) state(ctx context.Context, s *State, count bool) error {
	p := set.defined(s.Name)
	if p == set.using {
		if err := set.lookOnce(ctx); err != nil {
			return err
		}
	}
	patient, cancel := context.WithTimeoutCause(ctx, distantPatience, fmt.Errorf("no answer in %v", distantPatience))
	defer cancel()
	backend, openErr := p.Open(patient, set.Root)
	if p == set.using {
		if err := set.recognize(ctx, p, backend, openErr); err != nil {
			return err
		}
	}
	values, err := p.Waits().All()
	if err != nil {
		return err
	}
	s.Waiting = len(values)
	if s.LastTry, _, err = p.lastError(); err != nil {
		return err
	}
	if openErr != nil {
		s.Error = openErr.Error()
		s.why = p.brief(minio.Brief(openErr))
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
