package seal

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/canonical"
)

// A recollection is what go has answered before, below the cache directory:
// small JSON files named by the digest of everything that the answer depends
// on. It names large things; it does not hold them. To lose it costs time and
// nothing else, so nothing about it is an error.
type recollection struct{ dir string }

func recollectionIn(cache string) recollection { return recollection{filepath.Join(cache, "recall")} }

// recall reads the answer to question, and reports whether there is one.
func (r recollection) recall(question any, answer any) bool {
	path, err := r.path(question)
	if err != nil {
		return false
	}
	b, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(b, answer) == nil
}

// keep keeps the answer to question.
func (r recollection) keep(question any, answer any) {
	path, err := r.path(question)
	if err != nil {
		return
	}
	b, err := json.Marshal(answer)
	if err != nil || os.MkdirAll(r.dir, 0o700) != nil { // who writes there chooses what is drawn
		return
	}
	_ = renameio.WriteFile(path, b, 0o600)
}

func (r recollection) path(question any) (string, error) {
	d, err := canonical.Digest(question)
	return filepath.Join(r.dir, d.Hex()+".json"), err
}

// A recipe is everything that the bytes of a module depend on.
type recipe struct {
	What      string       `json:"what"`
	Go        string       `json:"go"`
	Goroot    string       `json:"goroot"`
	Flags     []string     `json:"flags"`
	Kernelext assay.Digest `json:"kernelext"`
	Main      assay.Digest `json:"main"` // the program
}

// A listing is everything that the files with the types of packages depend on.
type listing struct {
	What      string       `json:"what"`
	Go        string       `json:"go"`
	Goroot    string       `json:"goroot"`
	Gocache   string       `json:"gocache"`
	Flags     []string     `json:"flags"`
	Kernelext assay.Digest `json:"kernelext"`
	Packages  []string     `json:"packages"`
}
