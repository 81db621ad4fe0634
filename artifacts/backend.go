package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
)

// ErrConflict reports a Condition that did not hold. Nothing was written.
var ErrConflict = errors.New("changed by someone else")

// ErrUnavailable reports that a whole storage cannot be used now: it cannot be
// reached, or refuses this user. What needs it stops at once; an error of one
// value alone does not match it.
var ErrUnavailable = errors.New("storage is unavailable")

// A Backend keeps values under keys. It is deliberately ignorant of digests
// and references: hashing, verifying and naming happen once, in Store, not once
// per backend.
//
// Keys are those that CheckKey accepts. A missing key is an error matching
// fs.ErrNotExist. All methods are safe for concurrent use, by several
// goroutines and by several processes. What else a backend can do it says by
// implementing Stager, Uploader, Filer, Remover, Locker or Cleaner.
type Backend interface {
	// Put stores the bytes of r under key, entirely and durably or not at all:
	// no reader ever sees a part, and when Put has returned without an error
	// they outlive a crash and a power cut. When cond does not hold it fails
	// with ErrConflict. It returns the version it made, "" for a value larger
	// than MaxSwap.
	Put(ctx context.Context, key string, r io.Reader, cond Condition) (Version, error)

	// Get returns the value of key, which the caller closes, and what is known
	// about it.
	Get(ctx context.Context, key string) (io.ReadCloser, Info, error)

	// Stat is Get without the value; it need not know the version.
	Stat(ctx context.Context, key string) (Info, error)

	// List yields prefix, if it is a key, and every key below it; all keys for
	// "". The order is not promised. What is put or deleted meanwhile may or
	// may not be seen. It also yields names that CheckKey refuses, if the
	// storage holds such. An error does not end the listing.
	List(ctx context.Context, prefix string) iter.Seq2[Entry, error]

	// Delete removes key.
	Delete(ctx context.Context, key string) error
}

// MaxSwap is the size, in bytes, up to which values have a Version. Larger
// ones can be put unconditionally or with IfAbsent. It is enough for what is
// swapped, references, and little enough for blobs not to pay for it.
const MaxSwap = 4 << 10

// A Version identifies one value of a key: equal versions mean equal bytes. It
// is opaque; on S3 it is the ETag.
type Version string

// A Condition is what must hold for a Put to happen. The zero Condition always
// holds. At most one field is set.
type Condition struct {
	IfAbsent  bool    // the key must be missing (S3: If-None-Match: *)
	IfVersion Version // the key must have this version (S3: If-Match)
}

// Info is what a Backend knows about a value.
type Info struct {
	Size    int64
	ModTime time.Time // when it was put or last refreshed
	Version Version   // from Get; "" if larger than MaxSwap
}

// An Entry is a key in a listing.
type Entry struct {
	Key string
	Info
}

// A Stager is a Backend that takes bytes before it is told their key, and
// makes many values durable for little more than the price of one.
type Stager interface {
	// Stage copies r into the storage, where no reader sees it. It need not be
	// durable. The caller passes the result to Commit or discards it.
	Stage(ctx context.Context, r io.Reader) (Staged, error)

	// Commit moves every placement to its key, replacing what is there. When it
	// has returned without an error, all of them are durable. After an error,
	// each key holds its old value or its new one. It consumes the staged bytes
	// in either case.
	Commit(ctx context.Context, placements []Placement) error
}

// Staged is bytes that have no key yet.
type Staged interface {
	// Discard gives up the bytes. After Commit it does nothing.
	Discard() error
}

// A Placement says where staged bytes go.
type Placement struct {
	Key    string
	Staged Staged
	// Keep says that the key was seen to hold these very bytes. If it still
	// exists, only its ModTime is set to now.
	Keep bool
}

// An Uploader is a Backend that takes a value faster, or checks it better, when
// it can read it in pieces and knows its SHA-256: one across a network.
type Uploader interface {
	// Upload stores size bytes of r under key, verified by the storage against
	// their SHA-256, which must be sum; else it fails with ErrCorrupt and
	// stores nothing. r may be read in parts, in parallel, and again. What key
	// held is replaced or, if it holds these bytes as far as the storage knows,
	// only refreshed. It is as durable as Put.
	Upload(ctx context.Context, key string, r io.ReaderAt, size int64, sum assay.Digest) error
}

// A Filer is a Backend that keeps each value in a file.
type Filer interface {
	// File opens the file of a key for reading. The caller closes it.
	File(ctx context.Context, key string) (*os.File, error)
}

// A Remover is a Backend that deletes many values for little more than the price
// of one.
type Remover interface {
	// Remove deletes the keys, as durably as Delete; one that is missing is no
	// error. After an error, each may be there or not.
	Remove(ctx context.Context, keys []string) error
}

// A Locker is a Backend on which processes can exclude one another.
type Locker interface {
	// Lock waits for the lock, at most until ctx ends, and returns what
	// releases it. An exclusive holder is alone; others share. The lock of a
	// process that died is released. A waiting exclusive Lock is not starved by
	// shared ones. A holder does not take it again. Where a lock can be lost,
	// as a lease is by who sleeps too long, its holder's Delete fails from then
	// on, and so does unlock.
	Lock(ctx context.Context, exclusive bool) (unlock func() error, err error)
}

// A Cleaner is a Backend that can hold something else than values.
type Cleaner interface {
	// Leftovers yields everything that is not a value.
	Leftovers(ctx context.Context) iter.Seq2[Leftover, error]

	// Clean removes a leftover that is Temporary.
	Clean(ctx context.Context, l Leftover) error
}

// A Leftover is something in the storage that is no value of any key.
type Leftover struct {
	Name      string // for people, and for Clean
	What      string // "symbolic link", "temporary file"
	Size      int64
	ModTime   time.Time
	Temporary bool // an unfinished write, of a writer that is at work or died
}

// CheckKey reports whether key is one a Backend must accept: at most 1024
// bytes, two or more elements separated by slashes, each of 1 to 255 letters,
// digits and ".", "_", "-", "%", and not beginning with a dot.
func CheckKey(key string) error {
	if !strings.Contains(key, "/") {
		return fmt.Errorf("key %q: want two or more elements separated by slashes", key)
	}
	return checkPath("key", key)
}

// checkPath checks the elements of a key or a reference name.
func checkPath(what, path string) error {
	if len(path) > 1024 {
		return fmt.Errorf("%s %.40q...: longer than 1024 bytes", what, path)
	}
	for elem := range strings.SplitSeq(path, "/") {
		switch {
		case elem == "":
			return fmt.Errorf("%s %q: empty element", what, path)
		case len(elem) > 255:
			return fmt.Errorf("%s %.40q...: element longer than 255 bytes", what, path)
		case elem[0] == '.':
			return fmt.Errorf("%s %q: element begins with a dot", what, path)
		}
		if i := strings.IndexFunc(elem, notInName); i >= 0 {
			return fmt.Errorf("%s %q: %q is not a letter, digit, or one of . _ - %% (assay.Filename escapes it)",
				what, path, elem[i:i+1])
		}
	}
	return nil
}

func notInName(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '.' || c == '_' || c == '-' || c == '%')
}
