package artifactstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
)

// Memory is a plain Backend, with none of the abilities beyond it: the least
// that the contract suite accepts. The zero Memory is empty.
type Memory struct {
	mu     sync.Mutex
	values map[string]memoryValue
}

type memoryValue struct {
	b       []byte
	modTime time.Time
}

func (v memoryValue) info() artifacts.Info {
	info := artifacts.Info{Size: int64(len(v.b)), ModTime: v.modTime}
	if len(v.b) <= artifacts.MaxSwap {
		info.Version = artifacts.Version(fmt.Sprintf("%x", sha256.Sum256(v.b)))
	}
	return info
}

// Put implements artifacts.Backend.
func (m *Memory) Put(_ context.Context, key string, r io.Reader, cond artifacts.Condition) (artifacts.Version, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return "", err
	}
	if cond.IfAbsent && cond.IfVersion != "" {
		return "", fmt.Errorf("put %s: at most one condition", key)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.values[key]
	if exists && cond.IfAbsent || cond.IfVersion != "" && (!exists || old.info().Version != cond.IfVersion) {
		return "", fmt.Errorf("put %s: %w", key, artifacts.ErrConflict)
	}
	if m.values == nil {
		m.values = map[string]memoryValue{}
	}
	v := memoryValue{b, time.Now()}
	m.values[key] = v
	return v.info().Version, nil
}

// Get implements artifacts.Backend.
func (m *Memory) Get(_ context.Context, key string) (io.ReadCloser, artifacts.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[key]
	if !ok {
		return nil, artifacts.Info{}, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(v.b)), v.info(), nil
}

// Stat implements artifacts.Backend.
func (m *Memory) Stat(_ context.Context, key string) (artifacts.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[key]
	if !ok {
		return artifacts.Info{}, fs.ErrNotExist
	}
	return v.info(), nil
}

// List implements artifacts.Backend.
func (m *Memory) List(_ context.Context, prefix string) iter.Seq2[artifacts.Entry, error] {
	return func(yield func(artifacts.Entry, error) bool) {
		m.mu.Lock()
		values := maps.Clone(m.values)
		m.mu.Unlock()
		for key, v := range values {
			if prefix != "" && key != prefix && !strings.HasPrefix(key, prefix+"/") {
				continue
			}
			if !yield(artifacts.Entry{Key: key, Info: v.info()}, nil) {
				return
			}
		}
	}
}

// Delete implements artifacts.Backend.
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.values[key]; !ok {
		return fs.ErrNotExist
	}
	delete(m.values, key)
	return nil
}
