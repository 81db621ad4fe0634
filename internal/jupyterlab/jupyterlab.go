// Package jupyterlab starts a JupyterLab for a workspace and ends it again,
// with all that it started and nothing else. It finds or installs JupyterLab,
// and tells it where to keep its things: below the workspace's .assay folder,
// never in the user's home.
//
// It holds no notebook and speaks to no kernel: the browser does that.
package jupyterlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/lab"
)

// Options say what to open and how. The zero value opens the working directory
// on this machine only, with any JupyterLab 4.
type Options struct {
	Kernel     kernel.Options `json:"kernel"`
	Workspace  string         `json:"workspace"`   // of all kernels; "": the one that Open is in
	Open       string         `json:"open"`        // a folder, or a notebook: its folder is then the root
	IP         string         `json:"ip"`          // address to listen on; "": 127.0.0.1
	Exposed    bool           `json:"exposed"`     // IP may be one that other machines reach
	Port       int            `json:"port"`        // 0: a free one
	Locked     bool           `json:"locked"`      // our own JupyterLab, even if one is on PATH
	AllKernels bool           `json:"all_kernels"` // offer the other kernels of this machine too
	Browser    bool           `json:"browser"`     // open the page in the user's browser
}

// loopback is the address that only this machine reaches.
const loopback = "127.0.0.1"

// A place is what Options.Open names.
type place struct {
	root     string // the folder that the page shows
	notebook string // the name of the notebook in it that opens; may be ""
}

func findPlace(open string) (place, error) {
	if open == "" {
		open = "."
	}
	path, err := filepath.Abs(open)
	if err != nil {
		return place{}, err
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return place{}, failure.Usagef("%s does not exist: name a folder or a notebook; mkdir makes a folder", open)
	case err != nil:
		return place{}, fmt.Errorf("open %s: %w", open, err)
	case st.IsDir():
		return place{root: path}, nil
	case strings.HasSuffix(path, ".ipynb"):
		return place{filepath.Dir(path), filepath.Base(path)}, nil
	}
	return place{}, failure.Usagef("%s is neither a folder nor a notebook (.ipynb)", open)
}

// address checks the address to listen on and returns it as IP.
func (o Options) address() (string, error) {
	if o.Port < 0 || o.Port > 65535 {
		return "", failure.Usagef("port %d: want 1 to 65535, or none for a free one", o.Port)
	}
	if o.IP == "" || o.IP == "localhost" {
		return loopback, nil
	}
	ip := net.ParseIP(o.IP)
	if ip == nil {
		return "", failure.Usagef("%q is not an IP address: leave it out to listen on this machine only", o.IP)
	}
	if !ip.IsLoopback() && !o.Exposed {
		return "", failure.Usagef("other machines reach %s, and whoever has the page's token runs programs as you: "+
			"leave --ip out and use ssh -L, or add --expose if you want this", o.IP)
	}
	return ip.String(), nil
}

// workspaceOf opens the named workspace; without a name that which dir is in,
// or makes dir one.
func workspaceOf(ctx context.Context, name, dir string, say func(string)) (*lab.Workspace, error) {
	if name != "" {
		abs, err := filepath.Abs(name) // for kernels, whose working directory is another
		if err != nil {
			return nil, err
		}
		return lab.Open(ctx, abs)
	}
	root, err := lab.Find(dir)
	if err == nil {
		return lab.Open(ctx, root)
	}
	w, err := lab.Init(ctx, dir)
	if err != nil {
		return nil, err
	}
	say(fmt.Sprintf("%s was in no workspace: made it one (.assay)", dir))
	return w, nil
}
