package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/failure"
)

// Where a workspace keeps what it knows about stores.
const (
	storesDir   = "stores"
	inUseFile   = "store-in-use"
	currentFile = "current" // the key of the store for which all that waits is noted
)

// A place is a store and what this workspace keeps about it.
type place struct {
	name   string
	config StoreConfig
	key    string // of the folder: it changes with where the store is, not with its name
	dir    string
	chosen bool // by the user, who named it or uses it: not by assay.yaml alone
}

func (w *Workspace) place(name string, c StoreConfig) *place {
	return &place{name: name, config: c, key: c.key(), dir: w.path(storesDir, c.key())}
}

// key tells places apart by where they are.
func (c StoreConfig) key() string {
	return assay.DigestOf([]byte(strings.TrimRight(c.Endpoint, "/") + "\n" + strings.TrimRight(c.URL, "/"))).Hex()[:16]
}

// againFile is there when whoever archives in the background is to look again.
func (p *place) againFile() string { return filepath.Join(p.dir, "again") }

func (p *place) waitlist() waitlist { return waitlist(filepath.Join(p.dir, "waiting")) }

// madeFile says when the store was made that was last found there.
func (p *place) madeFile() string { return filepath.Join(p.dir, "made") }

// lastError returns why the last upload failed, in one short line, or "".
func (p *place) lastError() (string, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "error"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return brief(strings.TrimPrefix(string(bytes.TrimSpace(b)), "store "+p.name+": ")), err
}

// briefWidth is the most characters of a brief message.
const briefWidth = 100

// brief returns the beginning of a message, for where a line must do.
func brief(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	if r := []rune(line); len(r) > briefWidth {
		line = string(r[:briefWidth-1]) + "…"
	}
	return line
}

// named returns the store of a name, or, for "", the one in use, or else the
// only one there is. That one is not chosen.
func (w *Workspace) named(name string) (*place, error) {
	if name == "" && w.using != nil {
		return w.using, nil
	}
	chosen := name != ""
	if !chosen && len(w.Config.Stores) == 1 {
		name = sortedKeys(w.Config.Stores)[0]
	}
	if name == "" && len(w.Config.Stores) == 0 {
		return nil, Usagef(`%s defines no store: "assay store add NAME s3://BUCKET/PREFIX --endpoint URL" adds one`, ConfigFile)
	}
	if name == "" {
		return nil, Usagef("no store is in use: name one of %s, or set ASSAY_STORE", failure.Listed(sortedKeys(w.Config.Stores)))
	}
	if w.using != nil && w.using.name == name {
		return w.using, nil
	}
	c, ok := w.Config.Stores[name]
	if !ok {
		return nil, Usagef("no store %q: %s defines %s", name, ConfigFile, failure.Listed(sortedKeys(w.Config.Stores)))
	}
	p := w.place(name, c)
	p.chosen = chosen
	return p, nil
}

// defined returns a store that assay.yaml defines and nobody named.
func (w *Workspace) defined(name string) *place {
	if w.using != nil && w.using.name == name {
		return w.using
	}
	return w.place(name, w.Config.Stores[name])
}

// errNotChosen is that a store is not opened with the user's own keys, since
// the user has not chosen it.
var errNotChosen = errors.New("not asked")

// open opens the store, which must be there. Keys of the user's own, those of the
// environment and of the usual places of AWS, are for stores that the user chose:
// assay.yaml may be a stranger's, and so the server that it names.
func (p *place) open(ctx context.Context, root string) (*minio.Backend, error) {
	config, err := p.config.config(root)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", p.name, err)
	}
	if !p.chosen && (config.Credentials == "" || ofAWS(config.Credentials)) {
		return nil, fmt.Errorf("store %s: %w: your own keys go only to a store that you choose, and %s gives it none: "+
			"name it (--store %[1]s), or \"assay store use %[1]s\"", p.name, errNotChosen, ConfigFile)
	}
	b, err := minio.Open(ctx, config)
	if noStore(err) {
		return nil, fmt.Errorf("store %s: %w: \"%s --create\" makes it", p.name, err, p.config.add(p.name))
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", p.name, err)
	}
	return b, nil
}

// ofAWS reports whether a file is in the folder where the tools of AWS keep a
// user's keys, or is the one that they use in its place.
func ofAWS(file string) bool {
	real := func(path string) string {
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			return resolved
		}
		return path
	}
	file = real(file)
	if shared := os.Getenv("AWS_SHARED_CREDENTIALS_FILE"); shared != "" && file == real(shared) {
		return true
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(real(filepath.Join(home, ".aws")), file)
	return err == nil && filepath.IsLocal(rel)
}
