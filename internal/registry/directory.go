package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A directory is the registry's folder while a server has it: a tree of image
// layouts, one a repository.
type directory struct {
	path string
	file *os.File // the folder; what it is on is synced through it
	lock *os.File // nil if only read

	changing sync.Mutex // held while an index changes
	flusher  *flusher
}

// openDirectory takes the folder for one server, removes what a killed one left
// half written, and refuses a folder in which an index is damaged or missing:
// olareg would take that for an empty one and write it anew.
func openDirectory(path string, readOnly bool) (*directory, error) {
	if path == "" {
		return nil, refuse("no folder is named: give --dir")
	}
	d := &directory{path: path}
	d.flusher = newFlusher(d.sync)
	var err error
	if !readOnly {
		if err := os.MkdirAll(path, 0o777); err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
		// No repository's name begins with a dot.
		if d.lock, err = os.OpenFile(filepath.Join(path, ".lock"), os.O_RDWR|os.O_CREATE, 0o666); err != nil {
			return nil, fmt.Errorf("registry: %w; to serve a folder that cannot be written, say --read-only", err)
		}
		if err := unix.Flock(int(d.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			d.lock.Close()
			return nil, fmt.Errorf("registry: another server has %s (%w): stop it, or name another folder with --dir", path, err)
		}
	}
	if d.file, err = os.Open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("registry: %w", err), d.close())
	}
	if err := d.inspect(readOnly); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// inspect reports every damaged or missing index and, if the folder may be written,
// removes unfinished files.
func (d *directory) inspect(readOnly bool) error {
	var problems []error
	err := filepath.WalkDir(d.path, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == "blobs": // which no repository's name has in it
			if err := checkIndexed(path); err != nil {
				problems = append(problems, err)
			}
			return fs.SkipDir
		case e.IsDir() && e.Name() == "_uploads":
			if readOnly {
				return fs.SkipDir
			}
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		case e.Type().IsRegular() && strings.HasPrefix(e.Name(), "index.json.") && !readOnly:
			return os.Remove(path)
		case e.Type().IsRegular() && e.Name() == "index.json":
			if err := checkIndex(path); err != nil {
				problems = append(problems, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	if len(problems) > 0 {
		return fmt.Errorf("registry: %w; restore them from a backup, or move their folders away and push again", errors.Join(problems...))
	}
	return nil
}

// checkIndexed reports blobs without an index beside them. A server makes that
// first.
func checkIndexed(blobs string) error {
	_, err := os.Stat(filepath.Join(filepath.Dir(blobs), "index.json"))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	held, err := fs.Glob(os.DirFS(blobs), "*/*")
	if err != nil || len(held) == 0 {
		return err
	}
	return fmt.Errorf("%s has blobs, and no index.json is beside it", blobs)
}

func checkIndex(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var index struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	if index.SchemaVersion != 2 {
		return fmt.Errorf("%s is no image index: schemaVersion %d", path, index.SchemaVersion)
	}
	return nil
}

// durable has what is acknowledged on disk before it is acknowledged: when a
// manifest is, so are it, its index and all blobs that came before it. Manifests
// are taken one by one: olareg changes an index and lists of referrers by
// reading and writing them, and of several at once it loses some.
func (d *directory) durable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of := path.Base(path.Dir(path.Clean("/" + r.URL.Path)))
		if of != "manifests" || r.Method != http.MethodPut && r.Method != http.MethodDelete {
			next.ServeHTTP(w, r)
			return
		}
		b, err := io.ReadAll(io.LimitReader(r.Body, maxManifest+1)) // nobody waits for a slow client
		if err != nil {
			refuseRequest(w, http.StatusBadRequest, "MANIFEST_INVALID", "the manifest did not arrive: "+err.Error())
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		d.changing.Lock()
		release := sync.OnceFunc(d.changing.Unlock)
		defer release()
		flush := func() error { release(); return d.flusher.flush(r.Context()) }
		next.ServeHTTP(&durableWriter{ResponseWriter: w, sync: flush}, r)
	})
}

type durableWriter struct {
	http.ResponseWriter
	sync   func() error
	failed bool
}

func (w *durableWriter) WriteHeader(status int) {
	if status == http.StatusCreated {
		if err := w.sync(); err != nil {
			w.failed = true
			refuseRequest(w.ResponseWriter, http.StatusInternalServerError, "UNKNOWN", "the registry cannot write: "+err.Error())
			return
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *durableWriter) Write(b []byte) (int, error) {
	if w.failed {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (d *directory) close() error {
	var err error
	if d.file != nil {
		err = d.file.Close()
	}
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close()) // releases it
	}
	return err
}
