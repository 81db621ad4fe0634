// Package settings is what a user may set once for a workspace, its stores
// included: it reads and edits assay.yaml, and says where each value came from. It
// opens no store and no archive.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/plainfile"
	"github.com/assay-notebooks/assay/internal/strictyaml"
)

// A Config is what a user may set once for a workspace. Precedence: flag, then
// ASSAY_* variable, then assay.yaml, then default. The cache holds programs that
// are executed: a workspace, which may be a stranger's, cannot say where it is.
type Config struct {
	Cache   string   `yaml:"-"`       // programs, compiled modules, laid-out sources: can be deleted at any time
	Figures string   `yaml:"figures"` // where figures are written, relative to the workspace
	Env     []string `yaml:"env"`     // variables of the measuring process that a run record keeps
	Measure string   `yaml:"measure"` // "yes", or "no": only runs that are archived
	Lock    string   `yaml:"lock"`    // "update", or "keep": pinning and drawing leave assay.lock and the figures folder as they are

	Stores map[string]Store `yaml:"stores"` // by name, beside the archive
	// Store names the one that is in use, "" for none, as this machine says and
	// not assay.yaml: that file may be a stranger's.
	Store string `yaml:"-"`
}

// KeepLock is the value of the setting lock with which a notebook is checked.
const KeepLock = "keep"

// A Setting is one value of a Config and where it came from.
type Setting struct {
	Key      string `json:"key"`
	Value    string `json:"value"`
	Origin   string `json:"origin"`
	Variable string `json:"variable,omitempty"` // that sets it
}

// configKeys lists every setting: its name in assay.yaml, and where it lives.
var configKeys = []struct {
	key, variable string
	field         func(*Config) any // *string or *[]string
}{
	{"cache", "ASSAY_CACHE", func(c *Config) any { return &c.Cache }},
	{"figures", "ASSAY_FIGURES", func(c *Config) any { return &c.Figures }},
	{"env", "ASSAY_ENV", func(c *Config) any { return &c.Env }},
	{"measure", "ASSAY_MEASURE", func(c *Config) any { return &c.Measure }},
	{"lock", "ASSAY_LOCK", func(c *Config) any { return &c.Lock }},
}

// File is the name of a workspace's settings.
const File = "assay.yaml"

const maxFile = 1 << 20 // bytes of it

// Folder is what a workspace has and does not commit.
const Folder = ".assay"

// InUseFile, in Folder, names the store in use.
const InUseFile = "store-in-use"

// Load returns the settings of the workspace at root ("": none), and the
// origin of each.
func Load(root string) (Config, []Setting, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	c := Config{
		Cache:   filepath.Join(cache, "assay"),
		Figures: "figures",
		Env:     []string{"GOMAXPROCS", "GODEBUG", "LANG", "LC_ALL", "TZ", "MALLOC_ARENA_MAX"},
		Measure: "yes",
		Lock:    "update",
	}
	written := map[string]bool{}
	if root != "" {
		path := filepath.Join(root, File)
		b, err := plainfile.Read(path, maxFile)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return c, nil, fmt.Errorf("settings: %w", err)
		default:
			err := strictyaml.Decode(b, &c)
			if err != nil && strings.Contains(err.Error(), "settings.Store") {
				err = fmt.Errorf("%w: a store has url, endpoint, region, ca and credentials; %s", err, keysElsewhere)
			}
			if err != nil && !errors.Is(err, strictyaml.ErrEmpty) {
				return c, nil, failure.Usagef("%s: %w", path, err)
			}
			var keys map[string]any
			if err := strictyaml.Decode(b, &keys); err != nil && !errors.Is(err, strictyaml.ErrEmpty) {
				return c, nil, failure.Usagef("%s: %w", path, err)
			}
			for k := range keys {
				written[k] = true
			}
		}
	}
	var settings []Setting
	for _, k := range configKeys {
		origin := "default"
		if written[k.key] {
			origin = File
		}
		v, inEnv := os.LookupEnv(k.variable)
		if inEnv {
			origin = k.variable
		}
		s := Setting{Key: k.key, Origin: origin, Variable: k.variable}
		switch p := k.field(&c).(type) {
		case *string:
			if inEnv {
				*p = v
			}
			s.Value = *p
		case *[]string:
			if inEnv {
				*p = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
			}
			slices.Sort(*p)
			s.Value = strings.Join(*p, ",")
		}
		settings = append(settings, s)
	}
	if !filepath.IsLocal(c.Figures) && written["figures"] && os.Getenv("ASSAY_FIGURES") == "" {
		return c, nil, failure.Usagef("%s: figures: %q is not a folder inside of the workspace; set ASSAY_FIGURES to write elsewhere", File, c.Figures)
	}
	for _, k := range c.Env {
		if assay.SecretVariable(k) {
			return c, nil, failure.Usagef("setting env (ASSAY_ENV): %s may hold a key of a store, and a run's record is archived: leave it out", k)
		}
	}
	if c.Measure != "yes" && c.Measure != "no" {
		return c, nil, failure.Usagef(`setting measure (ASSAY_MEASURE): %q: want yes or no`, c.Measure)
	}
	if c.Lock != "update" && c.Lock != KeepLock {
		return c, nil, failure.Usagef(`setting lock (ASSAY_LOCK): %q: want update or keep`, c.Lock)
	}
	if c.Cache, err = filepath.Abs(c.Cache); err != nil {
		return c, nil, fmt.Errorf("settings: cache: %w", err)
	}
	stores, err := loadStores(root, &c)
	return c, append(settings, stores...), err
}
