package stores

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/settings"
)

// Where a workspace keeps what it knows about stores.
const (
	storesDir   = "stores"
	currentFile = "current" // the key of the store for which all that waits is noted
)

// A Place is a store and what this workspace keeps about it.
type Place struct {
	Name   string
	config settings.Store
	Key    string // of the folder: it changes with where the store is, not with its name
	dir    string
	chosen bool // by the user, who named it or uses it: not by assay.yaml alone
}

func (set *Set) place(name string, c settings.Store) *Place {
	return &Place{Name: name, config: c, Key: c.Key(), dir: set.path(storesDir, c.Key())}
}

// againFile is there when whoever archives in the background is to look again.
func (p *Place) againFile() string { return filepath.Join(p.dir, "again") }

// Waits returns what is noted as waiting for the store.
func (p *Place) Waits() Waitlist { return Waitlist(filepath.Join(p.dir, "waiting")) }

// madeFile says when the store was made that was last found there.
func (p *Place) madeFile() string { return filepath.Join(p.dir, "made") }

// noteOf is what is noted of an upload that failed: a line of why, one that says
// stopped if it does not go on by itself, and all of the error.
func noteOf(err error) []byte {
	how := ""
	if !passes(err) {
		how = stopped
	}
	why, _, _ := strings.Cut(minio.Brief(err), "\n")
	return fmt.Appendf(nil, "%s\n%s\n%v\n", why, how, err)
}

const stopped = "stopped"

// lastError returns why the last upload failed, in one short line, or "", and
// whether only another command tries again.
func (p *Place) lastError() (why string, stops bool, err error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "error"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	why, rest, _ := strings.Cut(string(b), "\n")
	how, _, _ := strings.Cut(rest, "\n")
	return p.brief(why), how == stopped, err
}

// brief is brief for where it is said which store it is of.
func (p *Place) brief(message string) string {
	message = strings.TrimPrefix(message, "store "+p.Name+": ")
	return brief(strings.TrimPrefix(message, "open store "+p.config.URL+": "))
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

// Named returns the store of a name, or, for "", the one in use, or else the
// only one there is. That one is not chosen.
func (set *Set) Named(name string) (*Place, error) {
	if name == "" && set.using != nil {
		return set.using, nil
	}
	chosen := name != ""
	if !chosen && len(set.Defined) == 1 {
		name = slices.Sorted(maps.Keys(set.Defined))[0]
	}
	if name == "" && len(set.Defined) == 0 {
		return nil, failure.Usagef(`%s defines no store: "assay store add NAME s3://BUCKET/PREFIX --endpoint URL" adds one`, settings.File)
	}
	if name == "" {
		return nil, failure.Usagef("no store is in use: name one of %s, or set ASSAY_STORE", failure.Listed(slices.Sorted(maps.Keys(set.Defined))))
	}
	if set.using != nil && set.using.Name == name {
		return set.using, nil
	}
	c, ok := set.Defined[name]
	if !ok {
		return nil, failure.Usagef("no store %q: %s defines %s", name, settings.File, failure.Listed(slices.Sorted(maps.Keys(set.Defined))))
	}
	p := set.place(name, c)
	p.chosen = chosen
	return p, nil
}

// defined returns a store that assay.yaml defines and nobody named.
func (set *Set) defined(name string) *Place {
	if set.using != nil && set.using.Name == name {
		return set.using
	}
	return set.place(name, set.Defined[name])
}

// errNotChosen is that a store is not opened with the user's own keys, since
// the user has not chosen it.
var errNotChosen = errors.New("not asked")

// Open opens the store, which must be there. Keys of the user's own, those of the
// environment and of the usual places of AWS, are for stores that the user chose:
// assay.yaml may be a stranger's, and so the server that it names.
func (p *Place) Open(ctx context.Context, root string) (*minio.Backend, error) {
	config, err := p.config.Minio(root)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", p.Name, err)
	}
	if !p.chosen && (config.Credentials == "" || ofAWS(config.Credentials)) {
		return nil, fmt.Errorf("store %s: %w: your own keys go only to a store that you choose, and %s gives it none: "+
			"name it (--store %[1]s), or \"assay store use %[1]s\"", p.Name, errNotChosen, settings.File)
	}
	b, err := minio.Open(ctx, config)
	if noStore(err) {
		return nil, fmt.Errorf("store %s: %w: \"%s --create\" makes it", p.Name, err, p.config.Command(p.Name))
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", p.Name, err)
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
