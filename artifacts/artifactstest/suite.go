// Package artifactstest is the contract that every artifacts.Backend passes,
// and what its tests need: faults by call number, and a backend in memory.
package artifactstest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

// Storage is the place where a backend under test keeps its values. It outlives
// the backends that Open returns.
type Storage interface {
	// Open returns a backend, as a process that starts does. Its operations on
	// the storage pass through f.
	Open(f *Faults) (artifacts.Backend, error)
}

// A PowerCutter is a Storage that knows what has been made durable.
type PowerCutter interface {
	// PowerCut loses what has not. Directory entries may be lost, or survive
	// though the bytes they stand for do not.
	PowerCut(loseEntries bool)
}

// An Abandoner is a Storage in which Stage leaves nothing: bytes wait elsewhere
// for their key.
type Abandoner interface {
	// Abandon leaves in the storage what a writer leaves that dies after so
	// many bytes.
	Abandon(ctx context.Context, b artifacts.Backend, bytes string) error
}

// Run tests the contract of Backend, and of the optional interfaces that it
// implements, then a Store over it, then both under faults. Each test takes new,
// empty storage.
func Run(t *testing.T, storage func(t *testing.T) Storage) {
	tests := []struct {
		name string
		test func(*testing.T, pair)
	}{
		{"Keys", testKeys},
		{"PutGet", testPutGet},
		{"Missing", testMissing},
		{"IfAbsent", testIfAbsent},
		{"IfVersion", testIfVersion},
		{"Race", testRace},
		{"CompareAndSwap", testCompareAndSwap},
		{"FailingReader", testFailingReader},
		{"ReadersSeeWholeValues", testWholeValues},
		{"List", testList},
		{"KeyBelowKey", testKeyBelowKey},
		{"Stager", testStager},
		{"Uploader", testUploader},
		{"Remover", testRemover},
		{"Locker", testLocker},
		{"Cleaner", testCleaner},
		{"StorePut", testStorePut},
		{"StoreRepair", testStoreRepair},
		{"StoreBatch", testStoreBatch},
		{"StoreRefs", testStoreRefs},
		{"StoreCheck", testStoreCheck},
		{"StoreGC", testStoreGC},
		{"StoreGCMalformed", testStoreGCMalformed},
		{"StoreGCRaces", testStoreGCRaces},
		{"StoreExclusion", testStoreExclusion},
		{"StoreBehind", testStoreBehind},
		{"StoreCopy", testStoreCopy},
		{"StoreCopyBounds", testStoreCopyBounds},
		{"StoreCopyRaces", testStoreCopyRaces},
		{"StoreRepairFromCopies", testStoreRepairFromCopies},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := storage(t)
			tt.test(t, pair{open(t, s), open(t, s), s})
		})
	}
	t.Run("Faults", func(t *testing.T) { testFaults(t, storage, (*history).single) })
	t.Run("FaultsWithCopies", func(t *testing.T) { testFaults(t, storage, (*history).withCopies) })
}

// A pair is two backends on the same storage, as two processes have.
type pair struct {
	a, b    artifacts.Backend
	storage Storage
}

// abandon leaves an unfinished write; it reports false if the backend has none.
func (p pair) abandon(t *testing.T, value string) bool {
	t.Helper()
	var err error
	if a, ok := p.storage.(Abandoner); ok {
		err = a.Abandon(t.Context(), p.a, value)
	} else if stager, ok := p.a.(artifacts.Stager); ok {
		_, err = stager.Stage(t.Context(), strings.NewReader(value))
	} else {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// modTime returns that of a key as listings have it, which GC reads.
func (p pair) modTime(t *testing.T, key string) time.Time {
	t.Helper()
	for e, err := range p.b.List(t.Context(), key) {
		if err == nil && e.Key == key {
			return e.ModTime
		}
	}
	t.Fatalf("list %s: not found", key)
	return time.Time{}
}

func open(t *testing.T, s Storage) artifacts.Backend {
	t.Helper()
	b, err := s.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t *testing.T, b artifacts.Backend, key, value string, cond artifacts.Condition) artifacts.Version {
	t.Helper()
	v, err := b.Put(t.Context(), key, strings.NewReader(value), cond)
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return v
}

func get(ctx context.Context, b artifacts.Backend, key string) (string, artifacts.Info, error) {
	rc, info, err := b.Get(ctx, key)
	if err != nil {
		return "", info, err
	}
	value, err := io.ReadAll(rc)
	return string(value), info, errors.Join(err, rc.Close())
}

func wantValue(t *testing.T, b artifacts.Backend, key, want string) artifacts.Version {
	t.Helper()
	got, info, err := get(t.Context(), b, key)
	if err != nil || got != want {
		t.Fatalf("get %s = %.40q (%d bytes), %v, want %.40q (%d bytes)", key, got, len(got), err, want, len(want))
	}
	if info.Size != int64(len(want)) {
		t.Errorf("get %s: size %d, want %d", key, info.Size, len(want))
	}
	return info.Version
}

func testKeys(t *testing.T, p pair) {
	good := []string{"a/b", "c/d/e/f/g/h", "blobs/sha256/00", "refs/A.b_c-d%2f", "x/" + strings.Repeat("n", 255), "a/b."}
	for _, key := range good {
		put(t, p.a, key, key, artifacts.Condition{})
		wantValue(t, p.b, key, key)
	}
	bad := []string{"", "a", "/a/b", "a/b/", "a//b", "a/.", "a/..", "../a/b", "a/.b", ".a/b", "a/b c", "a/b\x00", "a/é",
		"a/b\\c", "x/" + strings.Repeat("n", 256), strings.Repeat("abc/", 300) + "a"}
	for _, key := range bad {
		if _, err := p.a.Put(t.Context(), key, strings.NewReader("x"), artifacts.Condition{}); err == nil {
			t.Errorf("put %.40q: no error", key)
		}
		if err := p.a.Delete(t.Context(), key); err == nil {
			t.Errorf("delete %.40q: no error", key)
		}
		if _, _, err := get(t.Context(), p.a, key); err == nil {
			t.Errorf("get %.40q: no error", key)
		}
	}
}

func testPutGet(t *testing.T, p pair) {
	for _, size := range []int{0, 1, 32 << 10, artifacts.MaxSwap, artifacts.MaxSwap + 1, 1 << 20} {
		key := "size/" + strconv.Itoa(size)
		value := strings.Repeat("v", size)
		made := put(t, p.a, key, value, artifacts.Condition{})
		read := wantValue(t, p.b, key, value)
		if size <= artifacts.MaxSwap && (made == "" || made != read) {
			t.Errorf("%d bytes: version %q from put, %q from get, want the same", size, made, read)
		}
		info, err := p.b.Stat(t.Context(), key)
		if err != nil || info.Size != int64(size) || info.ModTime.IsZero() {
			t.Errorf("stat %s = %+v, %v, want size %d and a time", key, info, err, size)
		}
		put(t, p.b, key, value+"2", artifacts.Condition{})
		if v := wantValue(t, p.a, key, value+"2"); v == read && v != "" {
			t.Errorf("%d bytes: version %q for two values", size, v)
		}
	}
}

func testMissing(t *testing.T, p pair) {
	put(t, p.a, "dir/key", "x", artifacts.Condition{})
	for _, key := range []string{"no/such", "dir/such", "dir/key/below"} {
		if _, _, err := p.a.Get(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s: %v, want fs.ErrNotExist", key, err)
		}
		if _, err := p.a.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat %s: %v, want fs.ErrNotExist", key, err)
		}
		if err := p.a.Delete(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("delete %s: %v, want fs.ErrNotExist", key, err)
		}
	}
	if err := p.b.Delete(t.Context(), "dir/key"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.a.Stat(t.Context(), "dir/key"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat after delete: %v, want fs.ErrNotExist", err)
	}
}

func testIfAbsent(t *testing.T, p pair) {
	put(t, p.a, "k/1", "first", artifacts.Condition{IfAbsent: true})
	_, err := p.b.Put(t.Context(), "k/1", strings.NewReader("second"), artifacts.Condition{IfAbsent: true})
	if !errors.Is(err, artifacts.ErrConflict) {
		t.Errorf("put if absent: %v, want ErrConflict", err)
	}
	wantValue(t, p.b, "k/1", "first")
}

func testIfVersion(t *testing.T, p pair) {
	v1 := put(t, p.a, "k/1", "first", artifacts.Condition{})
	v2 := put(t, p.b, "k/1", "second", artifacts.Condition{IfVersion: v1})
	for name, cond := range map[string]artifacts.Condition{
		"stale": {IfVersion: v1}, "never": {IfVersion: "no such version"}, "both": {IfAbsent: true, IfVersion: v2},
	} {
		_, err := p.a.Put(t.Context(), "k/1", strings.NewReader(name), cond)
		if err == nil || name != "both" && !errors.Is(err, artifacts.ErrConflict) {
			t.Errorf("put if %s: %v, want an error, ErrConflict unless both", name, err)
		}
	}
	wantValue(t, p.b, "k/1", "second")
	_, err := p.a.Put(t.Context(), "k/none", strings.NewReader("x"), artifacts.Condition{IfVersion: v2})
	if !errors.Is(err, artifacts.ErrConflict) {
		t.Errorf("put if version of a missing key: %v, want ErrConflict", err)
	}
}

// both runs f in n goroutines over the two backends in turn.
func both(p pair, n int, f func(b artifacts.Backend, i int)) {
	var wg sync.WaitGroup
	for i := range n {
		b := p.a
		if i%2 == 1 {
			b = p.b
		}
		wg.Go(func() { f(b, i) })
	}
	wg.Wait()
}

func testRace(t *testing.T, p pair) {
	var mu sync.Mutex
	var won []int
	both(p, 16, func(b artifacts.Backend, i int) {
		_, err := b.Put(t.Context(), "race/1", strings.NewReader(strconv.Itoa(i)), artifacts.Condition{IfAbsent: true})
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			won = append(won, i)
		} else if !errors.Is(err, artifacts.ErrConflict) {
			t.Errorf("put if absent: %v, want ErrConflict", err)
		}
	})
	if len(won) != 1 {
		t.Fatalf("%d of 16 writers won, want 1", len(won))
	}
	wantValue(t, p.a, "race/1", strconv.Itoa(won[0]))
}

func testCompareAndSwap(t *testing.T, p pair) {
	const workers, each = 6, 10
	put(t, p.a, "count/1", "0", artifacts.Condition{})
	both(p, workers, func(b artifacts.Backend, _ int) {
		for done := 0; done < each; {
			value, info, err := get(t.Context(), b, "count/1")
			if err != nil {
				t.Errorf("get: %v", err)
				return
			}
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Errorf("counter is %q: %v", value, err)
				return
			}
			_, err = b.Put(t.Context(), "count/1", strings.NewReader(strconv.Itoa(n+1)), artifacts.Condition{IfVersion: info.Version})
			switch {
			case err == nil:
				done++
			case !errors.Is(err, artifacts.ErrConflict):
				t.Errorf("put if version: %v, want ErrConflict", err)
				return
			}
		}
	})
	wantValue(t, p.b, "count/1", strconv.Itoa(workers*each))
}

// errReader is the error of a reader given to Put.
var errReader = errors.New("the reader broke")

func testFailingReader(t *testing.T, p pair) {
	put(t, p.a, "k/old", "old", artifacts.Condition{})
	for _, key := range []string{"k/old", "k/new"} {
		r := io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), brokenReader{})
		if _, err := p.a.Put(t.Context(), key, r, artifacts.Condition{}); !errors.Is(err, errReader) {
			t.Errorf("put %s: %v, want the reader's error", key, err)
		}
	}
	wantValue(t, p.b, "k/old", "old")
	if _, err := p.b.Stat(t.Context(), "k/new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat after a failed put: %v, want fs.ErrNotExist", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errReader }

func testWholeValues(t *testing.T, p pair) {
	value := func(c string) string { return strings.Repeat(c, 200_000) }
	put(t, p.a, "k/1", value("a"), artifacts.Condition{})
	both(p, 4, func(b artifacts.Backend, i int) {
		for n := range 15 {
			if i < 2 {
				if _, err := b.Put(t.Context(), "k/1", strings.NewReader(value(string(rune('b'+n)))), artifacts.Condition{}); err != nil {
					t.Errorf("put: %v", err)
				}
				continue
			}
			got, _, err := get(t.Context(), b, "k/1")
			if err != nil || len(got) != 200_000 || strings.Count(got, got[:1]) != len(got) {
				t.Errorf("get during puts: %d bytes, %v, want 200000 equal ones", len(got), err)
			}
		}
	})
}

func testList(t *testing.T, p pair) {
	keys := []string{"a/1", "a/2", "a/b/3", "ab/4", "c/5"}
	for _, key := range keys {
		put(t, p.a, key, key, artifacts.Condition{})
	}
	for _, tt := range []struct {
		prefix string
		want   []string
	}{
		{"", keys}, {"a", keys[:3]}, {"a/b", keys[2:3]}, {"a/1", keys[:1]}, {"ab", keys[3:4]}, {"none", nil}, {"a/1/x", nil},
	} {
		var got []string
		for e, err := range p.b.List(t.Context(), tt.prefix) {
			if err != nil {
				t.Fatalf("list %q: %v", tt.prefix, err)
			}
			if e.Size != int64(len(e.Key)) || e.ModTime.IsZero() {
				t.Errorf("list %q: %+v, want size %d and a time", tt.prefix, e, len(e.Key))
			}
			got = append(got, e.Key)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("list %q = %q, want %q", tt.prefix, got, tt.want)
		}
	}
	n := 0
	for range p.a.List(t.Context(), "") {
		n++
		break
	}
	if n != 1 {
		t.Errorf("list left after %d, want 1", n)
	}
}

// A key below another may be refused, but must not harm it.
func testKeyBelowKey(t *testing.T, p pair) {
	put(t, p.a, "k/a", "upper", artifacts.Condition{})
	_, errBelow := p.a.Put(t.Context(), "k/a/b", strings.NewReader("lower"), artifacts.Condition{})
	wantValue(t, p.b, "k/a", "upper")
	put(t, p.a, "k/c/d", "lower", artifacts.Condition{})
	for _, cond := range []artifacts.Condition{{}, {IfAbsent: true}} {
		_, errAbove := p.a.Put(t.Context(), "k/c", strings.NewReader("upper"), cond)
		if (errAbove == nil) != (errBelow == nil) {
			t.Errorf("put above a key: %v; below a key: %v; want both or neither", errAbove, errBelow)
		}
		if errAbove == nil {
			break
		}
	}
	wantValue(t, p.b, "k/c/d", "lower")
}

func testStager(t *testing.T, p pair) {
	a, ok := p.a.(artifacts.Stager)
	if !ok {
		t.Skip("not a Stager")
	}
	stage := func(value string) artifacts.Staged {
		t.Helper()
		staged, err := a.Stage(t.Context(), strings.NewReader(value))
		if err != nil {
			t.Fatal(err)
		}
		return staged
	}
	put(t, p.a, "k/old", "old", artifacts.Condition{})
	put(t, p.a, "k/same", "same", artifacts.Condition{})
	before := p.modTime(t, "k/same")
	placements := []artifacts.Placement{
		{Key: "k/old", Staged: stage("new")},
		{Key: "k/new", Staged: stage("")},
		{Key: "k/same", Staged: stage("same"), Keep: true},
		{Key: "k/gone", Staged: stage("back"), Keep: true},
	}
	for e, err := range p.b.List(t.Context(), "") {
		if err != nil || e.Key != "k/old" && e.Key != "k/same" {
			t.Errorf("list before commit: %s, %v", e.Key, err)
		}
	}
	tick()
	if err := a.Commit(t.Context(), placements); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"k/old": "new", "k/new": "", "k/same": "same", "k/gone": "back"} {
		wantValue(t, p.b, key, want)
	}
	if after := p.modTime(t, "k/same"); !after.After(before) {
		t.Errorf("kept key: modification time %v, want later than %v", after, before)
	}
	discarded := stage("never")
	for range 2 {
		if err := discarded.Discard(); err != nil {
			t.Errorf("discard: %v", err)
		}
	}
	for _, placed := range placements {
		if err := placed.Staged.Discard(); err != nil {
			t.Errorf("discard after commit: %v", err)
		}
	}
	wantValue(t, p.b, "k/old", "new")
	if l := leftovers(t, p.b); len(l) != 0 {
		t.Errorf("leftovers after discard: %v, want none", l)
	}
}

func testUploader(t *testing.T, p pair) {
	a, ok := p.a.(artifacts.Uploader)
	if !ok {
		t.Skip("not an Uploader")
	}
	for _, size := range []int{0, 10, artifacts.MaxSwap + 1, large} {
		value := random("upload", size)
		key, sum := "k/"+strconv.Itoa(size), assay.DigestOf(value)
		upload := func(value []byte) error {
			return a.Upload(t.Context(), key, bytes.NewReader(value), int64(len(value)), sum)
		}
		wrong := append(bytes.Clone(value), 'x')
		if err := upload(wrong); !errors.Is(err, artifacts.ErrCorrupt) {
			t.Errorf("upload of %d wrong bytes: %v, want ErrCorrupt", len(wrong), err)
		}
		if _, err := p.b.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat after that: %v, want fs.ErrNotExist", err)
		}
		put(t, p.b, key, string(wrong), artifacts.Condition{})
		if err := upload(value); err != nil {
			t.Fatalf("upload of %d bytes: %v", size, err)
		}
		wantValue(t, p.b, key, string(value))
		before, err := p.b.Stat(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		tick()
		if err := upload(value); err != nil {
			t.Errorf("upload of %d bytes again: %v", size, err)
		}
		after, err := p.b.Stat(t.Context(), key)
		if err != nil || after.ModTime.Before(before.ModTime) {
			t.Errorf("upload again: modification time %v, %v, want not before %v", after.ModTime, err, before.ModTime)
		}
		wantValue(t, p.b, key, string(value))
	}
}

// tick waits for the storage's clock to go on.
func tick() { time.Sleep(20 * time.Millisecond) }

func testRemover(t *testing.T, p pair) {
	a, ok := p.a.(artifacts.Remover)
	if !ok {
		t.Skip("not a Remover")
	}
	for _, key := range []string{"k/1", "k/2", "l/3", "l/4"} {
		put(t, p.a, key, key, artifacts.Condition{})
	}
	if err := a.Remove(t.Context(), []string{"k/1", "k/none", "l/3", "none/1"}); err != nil {
		t.Error(err)
	}
	for key, want := range map[string]bool{"k/1": false, "k/2": true, "l/3": false, "l/4": true} {
		if _, err := p.b.Stat(t.Context(), key); (err == nil) != want {
			t.Errorf("stat %s after the removal: %v, want it there: %v", key, err, want)
		}
	}
	if err := a.Remove(t.Context(), []string{"l/4", "../x"}); err == nil {
		t.Error("remove of a bad key: no error")
	}
	wantValue(t, p.b, "l/4", "l/4")
}

func testLocker(t *testing.T, p pair) {
	a, ok := p.a.(artifacts.Locker)
	if !ok {
		t.Skip("not a Locker")
	}
	b := p.b.(artifacts.Locker)
	lock := func(l artifacts.Locker, exclusive bool) func() error {
		t.Helper()
		unlock, err := l.Lock(t.Context(), exclusive)
		if err != nil {
			t.Fatal(err)
		}
		return unlock
	}
	release := func(unlock func() error) {
		t.Helper()
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(l artifacts.Locker, exclusive bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := l.Lock(ctx, exclusive); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("lock(exclusive %v) while held: %v, want to wait for the context", exclusive, err)
		}
	}
	shared1, shared2 := lock(a, false), lock(b, false)
	refused(a, true)
	release(shared1)
	refused(b, true)
	release(shared2)
	exclusive := lock(a, true)
	refused(b, false)
	refused(b, true)
	release(exclusive)

	// Writers that always overlap do not starve a collector.
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, l := range []artifacts.Locker{a, b, a, b} {
		wg.Go(func() {
			for ctx.Err() == nil {
				unlock, err := l.Lock(ctx, false)
				if err != nil {
					return
				}
				time.Sleep(3 * time.Millisecond)
				if err := unlock(); err != nil {
					t.Errorf("unlock: %v", err)
				}
			}
		})
	}
	for range 3 {
		release(lock(b, true))
	}
	cancel()
	wg.Wait()
}

func leftovers(t *testing.T, b artifacts.Backend) []artifacts.Leftover {
	t.Helper()
	cleaner, ok := b.(artifacts.Cleaner)
	if !ok {
		return nil
	}
	var all []artifacts.Leftover
	for l, err := range cleaner.Leftovers(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

func testCleaner(t *testing.T, p pair) {
	cleaner, ok := p.b.(artifacts.Cleaner)
	if !ok || !p.abandon(t, "abandoned") {
		t.Skip("not a Cleaner with unfinished writes")
	}
	put(t, p.a, "k/1", "value", artifacts.Condition{})
	found := leftovers(t, p.b)
	if len(found) != 1 || !found[0].Temporary || found[0].Size != int64(len("abandoned")) || found[0].ModTime.IsZero() {
		t.Fatalf("leftovers = %+v, want one temporary file of %d bytes", found, len("abandoned"))
	}
	if err := cleaner.Clean(t.Context(), found[0]); err != nil {
		t.Fatal(err)
	}
	if found := leftovers(t, p.a); len(found) != 0 {
		t.Errorf("leftovers after clean = %+v, want none", found)
	}
	if err := cleaner.Clean(t.Context(), artifacts.Leftover{Name: "k/1"}); err == nil {
		t.Errorf("clean of what is not temporary: no error")
	}
	wantValue(t, p.a, "k/1", "value")
}

// random returns n bytes that are the same for the same seed.
func random(seed string, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8(assay.DigestOf([]byte(seed))).Read(b)
	return b
}
