package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/failure"
)

// A StoreConfig says where a store is, in assay.yaml. It holds no key: the file
// is committed. Relative paths are from the workspace's root.
type StoreConfig struct {
	URL         string `yaml:"url" json:"url"`                                     // s3://BUCKET/PREFIX
	Endpoint    string `yaml:"endpoint" json:"endpoint"`                           // https://HOST:PORT
	Region      string `yaml:"region,omitempty" json:"region,omitempty"`           // "": the server's
	CA          string `yaml:"ca,omitempty" json:"ca,omitempty"`                   // PEM file of certificates to trust
	Credentials string `yaml:"credentials,omitempty" json:"credentials,omitempty"` // file; "": the user's own keys
}

// String says where the store is, in one line.
func (c StoreConfig) String() string {
	s := c.URL + " at " + c.Endpoint
	for _, f := range []struct{ name, value string }{{"region", c.Region}, {"ca", c.CA}, {"credentials", c.Credentials}} {
		if f.value != "" {
			s += ", " + f.name + " " + f.value
		}
	}
	return s
}

// add is the command that defines the store.
func (c StoreConfig) add(name string) string {
	s := "assay store add " + name + " " + c.URL + " --endpoint " + c.Endpoint
	for _, f := range []struct{ flag, value string }{{"region", c.Region}, {"ca", c.CA}, {"credentials", c.Credentials}} {
		if f.value != "" {
			s += " --" + f.flag + " " + f.value
		}
	}
	return s
}

// check says what is wrong with a definition, as it can be seen in it.
func (c StoreConfig) check() error {
	if c.URL == "" || c.Endpoint == "" {
		return errors.New("want a url, s3://BUCKET/PREFIX, and an endpoint, https://HOST:PORT")
	}
	for _, s := range []string{c.URL, c.Endpoint} {
		u, err := url.Parse(s)
		switch {
		case err != nil: // its message repeats s, which may have a key in it
			return errors.New("url or endpoint: not a URL: want s3://BUCKET/PREFIX, and https://HOST:PORT")
		case u.User != nil || u.RawQuery != "":
			return fmt.Errorf("url or endpoint: has a user, a password or a query in it: %s", keysElsewhere)
		}
	}
	if _, _, err := minio.ParseURL(c.URL); err != nil {
		return err
	}
	u, _ := url.Parse(c.Endpoint)
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("endpoint %q: want https://HOST:PORT (or http, where nobody else listens)", c.Endpoint)
	}
	return nil
}

const keysElsewhere = "keys are not written where they are committed or listed: name a file with credentials, " +
	"or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

// config returns how to open the store from the workspace at root.
func (c StoreConfig) config(root string) (minio.Config, error) {
	bucket, prefix, err := minio.ParseURL(c.URL)
	return minio.Config{
		Endpoint: c.Endpoint, Bucket: bucket, Prefix: prefix, Region: c.Region,
		CAFile: fileFrom(root, c.CA), Credentials: fileFrom(root, c.Credentials),
	}, err
}

// fileFrom returns the path of a file that a definition names.
func fileFrom(root, path string) string {
	switch {
	case path == "" || filepath.IsAbs(path):
		return path
	case strings.HasPrefix(path, "~/"):
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, path[2:])
		}
	}
	return filepath.Join(root, path)
}

// The variables that say which store is in use, and that take the place of what
// assay.yaml says of it.
const storeVariable = "ASSAY_STORE"

var storeVariables = []struct {
	name  string
	field func(*StoreConfig) *string
}{
	{storeVariable + "_ENDPOINT", func(c *StoreConfig) *string { return &c.Endpoint }},
	{storeVariable + "_REGION", func(c *StoreConfig) *string { return &c.Region }},
	{storeVariable + "_CA", func(c *StoreConfig) *string { return &c.CA }},
	{storeVariable + "_CREDENTIALS", func(c *StoreConfig) *string { return &c.Credentials }},
}

// ErrMoved reports that assay.yaml gives the store in use another address than
// it had when the user chose it: no command archives there unasked.
var ErrMoved = errors.New("at another address than when it was chosen here")

// loadStores checks the stores of c, and finds which one is in use: ASSAY_STORE
// gives a name or s3://BUCKET/PREFIX; else the file store-in-use in .assay.
func loadStores(root string, c *Config) ([]Setting, error) {
	origins := map[string]string{}
	for _, name := range sortedKeys(c.Stores) {
		if !storeName.MatchString(name) {
			return nil, Usagef("%s: stores: %q: want a name of at most 64 letters, digits, '.', '_' or '-', the first a letter or digit", ConfigFile, name)
		}
		if err := c.Stores[name].check(); err != nil {
			return nil, Usagef("%s: stores: %s: %w", ConfigFile, name, err)
		}
		origins[name] = ConfigFile
	}
	use := Setting{Key: "store", Origin: "default", Variable: storeVariable}
	chosenKey := "" // of the place that was chosen, where it was chosen by name here
	if b, err := os.ReadFile(filepath.Join(root, workspaceDir, inUseFile)); err == nil && root != "" {
		use.Value, chosenKey, _ = strings.Cut(strings.TrimSpace(string(b)), " ")
		use.Origin = workspaceDir + "/" + inUseFile
	}
	if v, ok := os.LookupEnv(storeVariable); ok {
		use.Value, use.Origin, chosenKey = v, storeVariable, ""
	}
	c.Store = use.Value
	if c.Store != "" {
		store, defined := c.Stores[c.Store]
		if strings.Contains(c.Store, "://") {
			store, defined = StoreConfig{URL: c.Store}, true
			origins[c.Store] = storeVariable
		}
		for _, v := range storeVariables {
			if value := os.Getenv(v.name); value != "" {
				*v.field(&store) = value
				origins[c.Store] += " " + v.name
			}
		}
		switch {
		case !defined && use.Origin == storeVariable:
			return nil, Usagef("%s: no store %q: %s defines %s", storeVariable, c.Store, ConfigFile, failure.Listed(sortedKeys(c.Stores)))
		case !defined: // by this state of assay.yaml, another may
			c.Store, use.Value = "", c.Store+" (not defined)"
			return []Setting{use}, nil
		case chosenKey != "" && store.key() != chosenKey: // a pull may have brought a stranger's address
			name := c.Store
			c.Store = ""
			return nil, Usagef("store %s is %w, now %s at %s: if you trust that, choose it again: \"assay store use %[1]s\"",
				name, ErrMoved, store.URL, store.Endpoint)
		}
		if err := store.check(); err != nil {
			return nil, Usagef("store %s (%s): %w", c.Store, origins[c.Store], err)
		}
		if c.Stores == nil {
			c.Stores = map[string]StoreConfig{}
		}
		c.Stores[c.Store] = store
	}
	settings := []Setting{use}
	for _, name := range sortedKeys(c.Stores) {
		settings = append(settings, Setting{Key: "stores." + name, Value: c.Stores[name].String(), Origin: strings.TrimSpace(origins[name])})
	}
	return settings, nil
}

// portable returns how a definition names the file at path, which is from the
// working directory: so that the definition means the same for a colleague.
func portable(root, path string) (string, error) {
	if path == "" || strings.HasPrefix(path, "~/") {
		return path, nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
		return rel, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path, nil
	}
	if rel, err := filepath.Rel(home, path); err == nil && filepath.IsLocal(rel) {
		return "~/" + rel, nil
	}
	return path, nil
}

// storeName is what a store may be called.
var storeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// AddStoreOptions say what AddStore makes.
type AddStoreOptions struct {
	Create     bool // make the bucket, if need be, and the store in it
	ObjectLock bool // of a bucket that is made: it can keep what is published from being deleted
}

// AddStore opens a store and then defines it in assay.yaml. The files that c
// names are from the working directory. The first store that is defined is the
// one in use, if none is.
func (w *Workspace) AddStore(ctx context.Context, name string, c StoreConfig, opts AddStoreOptions) error {
	if !storeName.MatchString(name) {
		return Usagef("store %q: want a name of at most 64 letters, digits, '.', '_' or '-', the first a letter or digit", name)
	}
	if err := c.check(); err != nil {
		return Usagef("store %s: %w", name, err)
	}
	for _, file := range []*string{&c.CA, &c.Credentials} {
		var err error
		if *file, err = portable(w.Root, *file); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
	}
	if old, ok := w.Config.Stores[name]; ok && old != c {
		return Usagef(`store %s is defined already, as %v: "assay store rm %[1]s" first, or choose another name`, name, old)
	}
	p := w.place(name, c)
	p.chosen = true
	var backend *minio.Backend
	var err error
	if opts.Create {
		config, err := c.config(w.Root)
		if err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
		if backend, err = minio.Create(ctx, config, minio.CreateOptions{MakeBucket: true, ObjectLock: opts.ObjectLock}); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
	} else if backend, err = p.open(ctx, w.Root); err != nil {
		return err
	}
	if err := w.define(ctx, name, &c); err != nil {
		return err
	}
	first := len(w.Config.Stores) == 0
	if w.Config.Stores == nil {
		w.Config.Stores = map[string]StoreConfig{}
	}
	w.Config.Stores[name] = c
	if first && w.using == nil {
		if err := w.UseStore(ctx, name); err != nil {
			return err
		}
	}
	if w.using != nil && w.using.key == p.key {
		if err := w.recognize(ctx, w.using, backend, nil); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
	}
	return nil
}

// UseStore makes the workspace archive to a store, or to none if name is "".
// It says so on this machine only, in .assay. What the archive has waits for
// the store from now on.
func (w *Workspace) UseStore(ctx context.Context, name string) error {
	if os.Getenv(storeVariable) != "" && (w.using == nil || w.using.name != name) {
		return Usagef("%s is set to %q and says which store is in use: unset it", storeVariable, os.Getenv(storeVariable))
	}
	if name == "" {
		w.using = nil
		w.behind()
		if err := os.Remove(w.path(inUseFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	p, err := w.named(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(w.path(storesDir), 0o777); err != nil {
		return err
	}
	w.using = p
	w.behind()
	if err := w.lookOnce(ctx); err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return durable.Write(w.path(inUseFile), []byte(name+" "+p.key+"\n"))
}

// RemoveStore takes a store's definition from assay.yaml, and what this
// workspace noted about it. The store itself stays as it is.
func (w *Workspace) RemoveStore(ctx context.Context, name string) error {
	c, ok := w.Config.Stores[name]
	if !ok {
		return Usagef("no store %q: %s defines %s", name, ConfigFile, failure.Listed(sortedKeys(w.Config.Stores)))
	}
	if w.using != nil && w.using.name == name {
		if err := w.UseStore(ctx, ""); err != nil {
			return err
		}
	}
	if err := w.define(ctx, name, nil); err != nil {
		return err
	}
	delete(w.Config.Stores, name)
	for other, at := range w.Config.Stores {
		if w.place(other, at).key == w.place(name, c).key {
			return nil // it has another name, too
		}
	}
	if b, err := os.ReadFile(w.path(storesDir, currentFile)); err == nil && string(b) == w.place(name, c).key {
		if err := os.Remove(w.path(storesDir, currentFile)); err != nil {
			return err
		}
	}
	return os.RemoveAll(w.place(name, c).dir)
}
