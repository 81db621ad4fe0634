package disk_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

// A model is a file system that promises as little as POSIX and Linux do: bytes
// are durable after a sync of their file or of the volume, names after a sync of
// their directory, and nothing else is. Bytes that the disk would not take are
// told of once by a sync of their file, and once by one of an open volume.
type model struct {
	mu     sync.Mutex
	root   *node
	locks  map[string]int // holders; -1: exclusive
	bad    string         // what files begin with that the disk does not take
	losses int            // files that were lost
}

// A node is a file or a directory, as seen and as on the disk.
type node struct {
	dir     bool
	data    []byte
	entries map[string]*node
	modTime time.Time

	syncedData    []byte
	syncedEntries map[string]*node
	lost          bool // the disk did not take the data
	told          bool // a sync of the file has said so
}

func newModel() *model { return &model{root: newDir(), locks: map[string]int{}} }

func newDir() *node {
	return &node{dir: true, entries: map[string]*node{}, syncedEntries: map[string]*node{}, modTime: time.Now()}
}

// A modelStorage is a model as artifactstest.Storage and PowerCutter.
type modelStorage struct{ m *model }

func (s modelStorage) Open(f *artifactstest.Faults) (artifacts.Backend, error) {
	return create(faultyFiles{s.m, f}, "/store")
}

func (s modelStorage) PowerCut(loseEntries bool) {
	s.m.locks = map[string]int{}
	s.m.root.powerCut(loseEntries)
}

func (n *node) powerCut(loseEntries bool) {
	n.data = bytes.Clone(n.syncedData)
	if n.dir && loseEntries {
		n.entries = maps.Clone(n.syncedEntries)
	}
	for _, child := range n.entries {
		child.powerCut(loseEntries)
	}
}

// find returns the directory that holds name, and the node, nil if missing.
func (m *model) find(op, name string) (dir, n *node, base string, err error) {
	n = m.root
	for elem := range strings.SplitSeq(strings.Trim(path.Clean(name), "/"), "/") {
		if elem == "" {
			return nil, n, "", nil
		}
		if n == nil {
			return nil, nil, "", &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
		}
		if !n.dir {
			return nil, nil, "", &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
		}
		dir, base = n, elem
		n = n.entries[elem]
	}
	return dir, n, base, nil
}

// existing is find for what must exist.
func (m *model) existing(op, name string) (dir, n *node, base string, err error) {
	dir, n, base, err = m.find(op, name)
	if err == nil && n == nil {
		err = &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
	}
	return dir, n, base, err
}

// add makes a new entry.
func (m *model) add(op, name string, made *node) error {
	dir, n, base, err := m.find(op, name)
	if err != nil {
		return err
	}
	if n != nil {
		return &fs.PathError{Op: op, Path: name, Err: syscall.EEXIST}
	}
	dir.entries[base] = made
	return nil
}

func (m *model) Create(name string) (disk.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := &node{modTime: time.Now()}
	if err := m.add("create", name, n); err != nil {
		return nil, err
	}
	return &modelFile{m: m, n: n, name: name}, nil
}

func (m *model) Open(name string) (disk.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, n, _, err := m.existing("open", name)
	if err != nil {
		return nil, err
	}
	return &modelFile{m: m, n: n, name: name}, nil
}

func (m *model) Lstat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, n, _, err := m.existing("lstat", name)
	if err != nil {
		return nil, err
	}
	return n.info(name), nil
}

func (m *model) ReadDir(name string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, n, _, err := m.existing("open", name)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	var entries []fs.DirEntry
	for _, base := range slices.Sorted(maps.Keys(n.entries)) {
		entries = append(entries, fs.FileInfoToDirEntry(n.entries[base].info(base)))
	}
	return entries, nil
}

func (m *model) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.add("mkdir", name, newDir())
}

func (m *model) Link(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, n, _, err := m.existing("link", from)
	if err != nil {
		return err
	}
	return m.add("link", to, n)
}

func (m *model) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	fromDir, n, fromBase, err := m.existing("rename", from)
	if err != nil {
		return err
	}
	toDir, old, toBase, err := m.find("rename", to)
	if err != nil {
		return err
	}
	if old != nil && old.dir {
		return &fs.PathError{Op: "rename", Path: to, Err: syscall.EISDIR}
	}
	delete(fromDir.entries, fromBase)
	toDir.entries[toBase] = n
	return nil
}

func (m *model) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, _, base, err := m.existing("remove", name)
	if err != nil {
		return err
	}
	delete(dir.entries, base)
	return nil
}

func (m *model) Touch(name string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, n, _, err := m.existing("touch", name)
	if err != nil {
		return err
	}
	n.modTime = at
	return nil
}

func (m *model) Sync(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, n, _, err := m.existing("sync", name)
	if err != nil {
		return err
	}
	m.write(n)
	if n.lost && !n.told {
		n.told = true
		return &fs.PathError{Op: "sync", Path: name, Err: syscall.EIO}
	}
	n.syncedEntries = maps.Clone(n.entries)
	return nil
}

// write has the disk take a file's bytes.
func (m *model) write(n *node) {
	switch {
	case n.lost:
	case m.bad != "" && bytes.HasPrefix(n.data, []byte(m.bad)):
		n.lost = true
		m.losses++
	default:
		n.syncedData = bytes.Clone(n.data)
	}
}

func (m *model) Volume(string) (disk.Volume, error) { return &modelVolume{m: m}, nil }

type modelVolume struct {
	m    *model
	told int // how many losses
}

func (v *modelVolume) Sync() error {
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	v.m.writeAll(v.m.root)
	if v.told == v.m.losses {
		return nil
	}
	v.told = v.m.losses
	return syscall.EIO
}

func (m *model) writeAll(n *node) {
	m.write(n)
	for _, child := range n.entries {
		m.writeAll(child)
	}
}

func (*modelVolume) Close() error { return nil }

func (m *model) TryLock(name string, exclusive bool) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.add("lock", name, &node{}); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	holders := m.locks[name]
	switch {
	case holders < 0, exclusive && holders > 0:
		return nil, disk.ErrLocked
	case exclusive:
		m.locks[name] = -1
	default:
		m.locks[name]++
	}
	return &modelLock{m: m, name: name}, nil
}

type modelLock struct {
	m    *model
	name string
}

func (l *modelLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.locks[l.name] > 0 {
		l.m.locks[l.name]--
	} else {
		l.m.locks[l.name] = 0
	}
	return nil
}

type modelFile struct {
	m    *model
	n    *node
	name string
	at   int
}

func (f *modelFile) Read(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.at >= len(f.n.data) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[f.at:])
	f.at += n
	return n, nil
}

func (f *modelFile) Write(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.n.data = append(f.n.data, p...)
	f.n.modTime = time.Now()
	return len(p), nil
}

func (f *modelFile) Stat() (fs.FileInfo, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.n.info(f.name), nil
}

func (f *modelFile) Close() error { return nil }

// info describes a node as it is now.
func (n *node) info(name string) fs.FileInfo {
	return nodeInfo{path.Base(name), n.dir, int64(len(n.data)), n.modTime}
}

type nodeInfo struct {
	name    string
	dir     bool
	size    int64
	modTime time.Time
}

func (i nodeInfo) Name() string       { return i.name }
func (i nodeInfo) Size() int64        { return i.size }
func (i nodeInfo) ModTime() time.Time { return i.modTime }
func (i nodeInfo) IsDir() bool        { return i.dir }
func (i nodeInfo) Sys() any           { return nil }
func (i nodeInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o777
	}
	return 0o444
}
