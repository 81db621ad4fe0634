package minio

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	miniogo "github.com/minio/minio-go/v7"

	"github.com/assay-notebooks/assay/artifacts"
)

// A lock is objects. Each that shares it has a lease, an object of its own; who
// wants it alone first takes the gate, then waits until there is no lease.
//
// Who shares puts its lease, then looks at the gate; who excludes takes the
// gate, then looks for leases. Whichever comes second sees the other. A waiting
// excluder holds the gate, so it is not starved.
//
// Holders renew their objects. When one is silent for too long, by the server's
// clock, another deletes its lease or takes its gate. The silent one may live:
// it cannot renew what is no more its own, and learns on unlock, by the same
// objects and by no clock, that others may have come in between.
//
// The gate is never deleted, but put to say that it is free: a deletion has no
// condition, and one that is sent late would take the gate of the next.
const (
	lockPrefix   = ".lock/"
	leasePrefix  = lockPrefix + "shared/"
	gateKey      = lockPrefix + "gate"
	freePrefix   = "free " // of the gate's value when nobody holds it
	maxGateValue = 100
)

// Lock implements artifacts.Locker. unlock fails with ErrLockLost if others
// took the lock over meanwhile.
func (b *Backend) Lock(ctx context.Context, exclusive bool) (unlock func() error, err error) {
	if exclusive {
		unlock, err = b.lockAlone(ctx)
	} else {
		unlock, err = b.lockShared(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", b.cfg.URL(), err)
	}
	return unlock, nil
}

func (b *Backend) lockShared(ctx context.Context) (func() error, error) {
	for {
		l := &lease{b: b, key: leasePrefix + rand.Text(), value: rand.Text()}
		err := b.retry(ctx, func() (err error) {
			l.confirmed = time.Now()
			l.version, err = b.putOnce(ctx, l.key, value(l.value), miniogo.PutObjectOptions{})
			return err
		})
		var g gate
		if err == nil {
			g, err = b.readGate(ctx)
		}
		if err == nil && !g.held {
			l.renewUntilStopped(ctx)
			return func() error { return l.unlockShared(ctx) }, nil
		}
		cleanup, cancel := l.cleanup(ctx)
		err = errors.Join(err, b.dropLock(cleanup, l.key))
		cancel()
		if err == nil {
			err = b.waitForGate(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (l *lease) unlockShared(ctx context.Context) error {
	l.stop()
	ctx, cancel := l.cleanup(ctx)
	defer cancel()
	_, err := l.b.stat(ctx, l.key)
	if errors.Is(err, fs.ErrNotExist) {
		return l.lostError()
	}
	return errors.Join(err, l.b.dropLock(ctx, l.key))
}

func (b *Backend) lockAlone(ctx context.Context) (func() error, error) {
	l, err := b.takeGate(ctx)
	if err != nil {
		return nil, err
	}
	l.renewUntilStopped(ctx)
	b.exclusive.Store(l)
	unlock := func() error { return l.unlockAlone(ctx) }
	for p := b.newPoll(); ; {
		alone, err := b.noLeases(ctx)
		if err == nil && !alone {
			err = p.wait(ctx)
		}
		switch {
		case err != nil:
			return nil, errors.Join(err, unlock())
		case alone:
			return unlock, nil
		}
	}
}

// takeGate waits for the gate and takes it.
func (b *Backend) takeGate(ctx context.Context) (*lease, error) {
	l := &lease{b: b, key: gateKey, value: rand.Text()}
	for p := b.newPoll(); ; {
		g, err := b.readGate(ctx)
		if err != nil {
			return nil, err
		}
		if !g.held {
			l.confirmed = time.Now()
			l.version, err = b.swap(ctx, gateKey, g.version, l.value)
			if err == nil {
				return l, nil
			}
			if !errors.Is(err, artifacts.ErrConflict) {
				return nil, err
			}
		}
		if err := p.wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (l *lease) unlockAlone(ctx context.Context) error {
	l.stop()
	l.b.exclusive.CompareAndSwap(l, nil)
	ctx, cancel := l.cleanup(ctx)
	defer cancel()
	if err := l.swap(ctx, freePrefix+rand.Text()); err != nil {
		return err
	}
	return l.b.deleteHidden(ctx, gateKey)
}

// noLeases reports whether nobody shares the lock, and deletes the leases of
// the silent.
func (b *Backend) noLeases(ctx context.Context) (bool, error) {
	var now time.Time
	none := true
	for o, err := range b.objects(withServerTime(ctx, &now), leasePrefix) {
		if err != nil {
			return false, err
		}
		if !b.silent(o.LastModified, now) {
			none = false
			continue
		}
		key, _ := b.key(o.Key)
		if err := b.dropLock(ctx, key); err != nil {
			return false, err
		}
	}
	return none, nil
}

// silent reports whether what was renewed at that time is no more: both are of
// the server's clock. Without a time it is not known.
func (b *Backend) silent(renewed, now time.Time) bool {
	return !now.IsZero() && now.Sub(renewed) > b.limits.lease
}

// A gate is what the object of the gate says, or that of a lease.
type gate struct {
	version artifacts.Version // "" if there is no object
	value   string
	held    bool
	silent  bool // its holder is
}

// look returns what the object says, the zero gate if there is none.
func (b *Backend) look(ctx context.Context, key string) (gate, error) {
	var now time.Time
	rc, info, err := b.get(withServerTime(ctx, &now), key)
	if errors.Is(err, fs.ErrNotExist) {
		return gate{}, nil
	}
	if err != nil {
		return gate{}, err
	}
	v, err := io.ReadAll(io.LimitReader(rc, maxGateValue))
	if err = errors.Join(err, rc.Close()); err != nil {
		return gate{}, err
	}
	free := strings.HasPrefix(string(v), freePrefix)
	return gate{info.Version, string(v), !free, !free && b.silent(info.ModTime, now)}, nil
}

// readGate returns the gate, and frees one whose holder is silent.
func (b *Backend) readGate(ctx context.Context) (gate, error) {
	g, err := b.look(ctx, gateKey)
	if err != nil || !g.silent {
		return g, err
	}
	free := gate{value: freePrefix + rand.Text()}
	free.version, err = b.swap(ctx, gateKey, g.version, free.value)
	if errors.Is(err, artifacts.ErrConflict) {
		return g, nil // renewed, or taken by another: held, for now
	}
	return free, err
}

// swap changes an object if it has the version from, "" for none, to a value
// that nobody else puts: after a lost answer, now or earlier, the object says
// whether it happened. Otherwise it is ErrConflict.
func (b *Backend) swap(ctx context.Context, key string, from artifacts.Version, to string) (artifacts.Version, error) {
	cond := artifacts.Condition{IfAbsent: from == "", IfVersion: from}
	for attempt := 1; ; attempt++ {
		v, err := b.put(ctx, key, value(to), cond)
		conflict := errors.Is(err, artifacts.ErrConflict)
		if !conflict && !errors.Is(err, ErrUnreachable) {
			return v, err
		}
		is, lookErr := b.look(ctx, key)
		switch {
		case lookErr != nil:
			return "", errors.Join(err, lookErr)
		case is.value == to:
			return is.version, nil
		case conflict || attempt >= b.limits.attempts:
			return "", err
		}
	}
}

// waitForGate waits until nobody holds the gate.
func (b *Backend) waitForGate(ctx context.Context) error {
	for p := b.newPoll(); ; {
		if err := p.wait(ctx); err != nil {
			return err
		}
		if g, err := b.readGate(ctx); err != nil || !g.held {
			return err
		}
	}
}

// A poll spaces looks at the lock.
type poll struct{ next, most time.Duration }

func (b *Backend) newPoll() *poll { return &poll{b.limits.poll / 50, b.limits.poll} }

func (p *poll) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(p.next):
		p.next = min(2*p.next, p.most)
		return nil
	}
}

// A lease is an object that its holder renews.
type lease struct {
	b          *Backend
	key, value string

	stop func() // ends the renewing and waits for it

	swaps   sync.Mutex        // held while the object is changed
	version artifacts.Version // after a renewal another, if the server encrypts

	mu        sync.Mutex
	confirmed time.Time // when it was surely ours
	lost      bool
}

// swap changes the object if it is still ours.
func (l *lease) swap(ctx context.Context, to string) error {
	l.swaps.Lock()
	defer l.swaps.Unlock()
	sent := time.Now() // when the answer comes, it may be ours no more
	v, err := l.b.swap(ctx, l.key, l.version, to)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.version, l.confirmed = v, sent
	case errors.Is(err, artifacts.ErrConflict):
		l.lost = true
		return l.lostError()
	}
	return err
}

// renew puts the object again.
func (l *lease) renew(ctx context.Context) error { return l.swap(ctx, l.value) }

// renewUntilStopped renews three times in the time after which a holder is
// taken for dead.
func (l *lease) renewUntilStopped(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(l.b.limits.lease / 3):
			}
			_ = l.renew(ctx) // tried again; unlock finds out what became of it
		}
	}()
	l.stop = func() { cancel(); <-done }
}

// sure fails if the lock may not be ours any more. It asks the server when the
// last renewal is old, also by a clock that went on while the machine slept.
func (l *lease) sure(ctx context.Context) error {
	l.mu.Lock()
	age := max(time.Since(l.confirmed), time.Now().Round(0).Sub(l.confirmed.Round(0)))
	lost := l.lost
	l.mu.Unlock()
	if lost {
		return l.lostError()
	}
	if age < l.b.limits.lease/2 {
		return nil
	}
	return l.renew(ctx)
}

func (l *lease) lostError() error {
	return fmt.Errorf("%w: nothing came from here for more than %v, so others took the lock; try again", ErrLockLost, l.b.limits.lease)
}

// dropLock deletes an object of a lock, which may be gone, with its versions.
func (b *Backend) dropLock(ctx context.Context, key string) error {
	if !b.versioned {
		return b.remove(ctx, key, "")
	}
	if err := b.deleteVersions(ctx, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// cleanup returns a context for letting go, which must be done after the end of
// the lock's own, too.
func (l *lease) cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
}
