package disk_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

// TestSystem runs the contract on real files, with faults at each operation.
// Only syncing is left out: it makes no difference to a process that goes on,
// and TestModel shows the difference to a machine that does not.
func TestSystem(t *testing.T) {
	t.Parallel()
	artifactstest.Run(t, func(t *testing.T) artifactstest.Storage { return directory(quickDir(t)) })
}

// quickDir returns a directory in memory, where there is such.
func quickDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "assay-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestModel runs the contract on a file system in memory that forgets what was
// not synced when its power is cut.
func TestModel(t *testing.T) {
	t.Parallel()
	artifactstest.Run(t, func(t *testing.T) artifactstest.Storage { return modelStorage{newModel()} })
}

type directory string

func (d directory) Open(f *artifactstest.Faults) (artifacts.Backend, error) {
	return create(faultyFiles{unsynced{disk.System{}}, f}, string(d))
}

// create returns no typed nil.
func create(files disk.Files, dir string) (artifacts.Backend, error) {
	b, err := disk.CreateFiles(files, dir)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// unsynced is the system's files, acknowledged before they are durable.
type unsynced struct{ disk.System }

func (unsynced) Sync(name string) error {
	_, err := os.Lstat(name)
	return err
}

func (unsynced) Volume(string) (disk.Volume, error) { return unsyncedVolume{}, nil }

type unsyncedVolume struct{}

func (unsyncedVolume) Sync() error  { return nil }
func (unsyncedVolume) Close() error { return nil }

// faultyFiles injects faults into every operation.
type faultyFiles struct {
	files disk.Files
	f     *artifactstest.Faults
}

func (ff faultyFiles) Create(name string) (disk.File, error) {
	return ff.open("create "+name, func() (disk.File, error) { return ff.files.Create(name) })
}

func (ff faultyFiles) Open(name string) (disk.File, error) {
	return ff.open("open "+name, func() (disk.File, error) { return ff.files.Open(name) })
}

func (ff faultyFiles) open(what string, open func() (disk.File, error)) (file disk.File, err error) {
	err = ff.f.Do(what, func() error { file, err = open(); return err })
	if err != nil {
		return nil, err
	}
	return faultyFile{file, ff.f}, nil
}

func (ff faultyFiles) Lstat(name string) (info fs.FileInfo, err error) {
	err = ff.f.Do("lstat "+name, func() error { info, err = ff.files.Lstat(name); return err })
	return info, err
}

func (ff faultyFiles) ReadDir(name string) (entries []fs.DirEntry, err error) {
	err = ff.f.Do("readdir "+name, func() error { entries, err = ff.files.ReadDir(name); return err })
	return entries, err
}

func (ff faultyFiles) Mkdir(name string) error {
	return ff.f.Do("mkdir "+name, func() error { return ff.files.Mkdir(name) })
}

func (ff faultyFiles) Link(from, to string) error {
	return ff.f.Do("link "+to, func() error { return ff.files.Link(from, to) })
}

func (ff faultyFiles) Rename(from, to string) error {
	return ff.f.Do("rename "+to, func() error { return ff.files.Rename(from, to) })
}

func (ff faultyFiles) Remove(name string) error {
	return ff.f.Do("remove "+name, func() error { return ff.files.Remove(name) })
}

func (ff faultyFiles) Touch(name string, at time.Time) error {
	return ff.f.Do("touch "+name, func() error { return ff.files.Touch(name, at) })
}

func (ff faultyFiles) Sync(name string) error {
	return ff.f.Do("sync "+name, func() error { return ff.files.Sync(name) })
}

func (ff faultyFiles) Volume(name string) (v disk.Volume, err error) {
	err = ff.f.Do("volume "+name, func() error { v, err = ff.files.Volume(name); return err })
	if err != nil {
		return nil, err
	}
	return faultyVolume{v, ff.f}, nil
}

type faultyVolume struct {
	disk.Volume
	f *artifactstest.Faults
}

func (v faultyVolume) Sync() error { return v.f.Do("sync volume", v.Volume.Sync) }

// TryLock gives a crashed process's lock back, as the kernel does.
func (ff faultyFiles) TryLock(name string, exclusive bool) (lock io.Closer, err error) {
	err = ff.f.Do("lock "+name, func() error { lock, err = ff.files.TryLock(name, exclusive); return err })
	if err != nil {
		return nil, err
	}
	return faultyLock{lock, ff.f}, nil
}

type faultyLock struct {
	lock io.Closer
	f    *artifactstest.Faults
}

func (l faultyLock) Close() error {
	return errors.Join(l.f.Do("unlock", func() error { return nil }), l.lock.Close())
}

type faultyFile struct {
	file disk.File
	f    *artifactstest.Faults
}

func (ff faultyFile) Read(p []byte) (n int, err error) {
	err = ff.f.Do("read", func() error { n, err = ff.file.Read(p); return err })
	return n, err
}

func (ff faultyFile) Write(p []byte) (int, error) { return ff.f.Write("write", p, ff.file.Write) }

func (ff faultyFile) Stat() (info fs.FileInfo, err error) {
	err = ff.f.Do("fstat", func() error { info, err = ff.file.Stat(); return err })
	return info, err
}

func (ff faultyFile) Close() error {
	return errors.Join(ff.f.Do("close", func() error { return nil }), ff.file.Close())
}

func newStore(t *testing.T, dir string) *artifacts.Store {
	t.Helper()
	b, err := disk.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return artifacts.New(b)
}

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := disk.Open(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "create one") {
		t.Errorf("open of nothing: %v, want fs.ErrNotExist and the remedy", err)
	}
	b, err := disk.Create(dir)
	if err != nil || b.Dir() != dir {
		t.Fatalf("create = %v, %v", b, err)
	}
	for _, open := range []func(string) (*disk.Backend, error){disk.Open, disk.Create} {
		if _, err := open(dir); err != nil {
			t.Errorf("open of a store: %v", err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "FORMAT")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("assay.store.v9\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string) (*disk.Backend, error){disk.Open, disk.Create} {
		if _, err := open(dir); err == nil || !strings.Contains(err.Error(), "assay.store.v9") {
			t.Errorf("open of a later format: %v, want an error that names it", err)
		}
	}
}

// The layout is a promise: others read it.
func TestLayout(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, dir)
	d, err := s.PutBytes(t.Context(), []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetRef(t.Context(), "runs/1", d); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"FORMAT":                  "assay.store.v1\n",
		"blobs/sha256/" + d.Hex(): "hello",
		"refs/runs/1":             "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n",
		".lock":                   "",
		".lock-gate":              "",
		".lock-write":             "",
	}
	got := map[string]string{}
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(name)
		got[filepath.ToSlash(rel)] = string(b)
		if info, statErr := e.Info(); statErr == nil && len(b) > 0 && info.Mode().Perm()&0o222 != 0 {
			t.Errorf("%s has mode %v, want it read-only", rel, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %q, want %q", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("files = %q, want %q", got, want)
	}
}

// A copy that left out hidden files, or one that lost its empty directories,
// is still a store.
func TestCopyWithoutHiddenFiles(t *testing.T) {
	dir := t.TempDir()
	newStore(t, dir)
	for _, name := range []string{".tmp", ".lock", ".lock-gate", ".lock-write", "refs", "blobs"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := newStore(t, dir)
	d, err := s.PutBytes(t.Context(), []byte("hello"))
	if err == nil {
		err = s.SetRef(t.Context(), "runs/1", d)
	}
	if err != nil {
		t.Error(err)
	}
	if report, err := s.Check(t.Context(), artifacts.CheckOptions{ReadData: true}); err != nil || len(report.Problems) != 0 {
		t.Errorf("check = %v, %v, want no problem", report.Problems, err)
	}
}

func TestSymbolicLink(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, dir)
	d, err := s.PutBytes(t.Context(), []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(dir, "blobs", "sha256", d.Hex())
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(blob, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, blob); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadAll(t.Context(), d, 100); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("read through a symbolic link: %v, want it refused", err)
	}
	if _, err := (disk.System{}).Open(blob); err == nil {
		t.Error("open of a symbolic link: no error")
	}
	report, err := s.Check(t.Context(), artifacts.CheckOptions{})
	if err != nil || len(report.Problems) != 1 || report.Problems[0].Kind != artifacts.Stray || report.Problems[0].Remedy == "" {
		t.Errorf("check = %v, %v, want the link as a stray", report.Problems, err)
	}
	// Putting the blob again replaces the link, not what it leads to.
	if _, err := s.PutBytes(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(blob); err != nil || !info.Mode().IsRegular() {
		t.Errorf("blob after put: %v, %v, want a regular file", info.Mode(), err)
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Error(err)
	}
}

// countingFiles counts the syncs of directories.
type countingFiles struct {
	disk.System
	dirs *int
}

func (c countingFiles) Sync(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		*c.dirs++
		return nil
	}
	return nil
}

func TestBatchSyncsDirectoryOnce(t *testing.T) {
	var dirs int
	b, err := disk.CreateFiles(countingFiles{dirs: &dirs}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := artifacts.New(b)
	if _, err := s.PutBytes(t.Context(), []byte("first")); err != nil {
		t.Fatal(err)
	}
	dirs = 0
	batch := s.Batch()
	for _, value := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		if _, _, err := batch.Put(t.Context(), strings.NewReader(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if dirs != 1 {
		t.Errorf("a batch of 26 blobs synced directories %d times, want once", dirs)
	}
	if _, err := s.Stat(t.Context(), assay.DigestOf([]byte("z"))); err != nil {
		t.Error(err)
	}
}
