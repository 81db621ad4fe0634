package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
)

// A StoreConfig says where a store is, in assay.yaml. It holds no key: the file
// is committed. Relative paths are from the workspace's root.
type StoreConfig struct {
	URL         string `yaml:"url" json:"url"`                                     // s3://BUCKET/PREFIX
	Endpoint    string `yaml:"endpoint" json:"endpoint"`                           // https://HOST:PORT
	Region      string `yaml:"region,omitempty" json:"region,omitempty"`           // "": the server's
	CA          string `yaml:"ca,omitempty" json:"ca,omitempty"`                   // PEM file of certificates to trust
	Credentials string `yaml:"credentials,omitempty" json:"credentials,omitempty"` // file; "": the environment, then the usual places of AWS
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

// check says what is wrong with a definition, as it can be seen in it.
func (c StoreConfig) check() error {
	if c.URL == "" || c.Endpoint == "" {
		return errors.New("want a url, s3://BUCKET/PREFIX, and an endpoint, https://HOST:PORT")
	}
	for _, s := range []string{c.URL, c.Endpoint} {
		u, err := url.Parse(s)
		switch {
		case err != nil: // its message repeats s, which may have a key in it
			return errors.New("url or endpoint: not a URL")
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
	if b, err := os.ReadFile(filepath.Join(root, workspaceDir, inUseFile)); err == nil && root != "" {
		use.Value, use.Origin = strings.TrimSpace(string(b)), workspaceDir+"/"+inUseFile
	}
	if v, ok := os.LookupEnv(storeVariable); ok {
		use.Value, use.Origin = v, storeVariable
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
			return nil, Usagef("%s: no store %q: %s defines %s", storeVariable, c.Store, ConfigFile, listed(sortedKeys(c.Stores)))
		case !defined: // by this state of assay.yaml, another may
			c.Store, use.Value = "", c.Store+" (not defined)"
			return []Setting{use}, nil
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
	key := assay.DigestOf([]byte(strings.TrimRight(c.Endpoint, "/") + "\n" + strings.TrimRight(c.URL, "/"))).Hex()[:16]
	return &place{name: name, config: c, key: key, dir: w.path(storesDir, key)}
}

func (p *place) waitlist() waitlist { return waitlist(filepath.Join(p.dir, "waiting")) }

// lastError returns why the last upload failed, or "".
func (p *place) lastError() (string, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "error"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(bytes.TrimSpace(b)), err
}

// storeName is what a store may be called.
var storeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

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
		return nil, Usagef("no store is in use: name one of %s, or set ASSAY_STORE", listed(sortedKeys(w.Config.Stores)))
	}
	if w.using != nil && w.using.name == name {
		return w.using, nil
	}
	c, ok := w.Config.Stores[name]
	if !ok {
		return nil, Usagef("no store %q: %s defines %s", name, ConfigFile, listed(sortedKeys(w.Config.Stores)))
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
		return nil, fmt.Errorf("store %s: %w: %s names it without a file of keys for it, and your own go only to a store that you choose: "+
			"name it (--store %[1]s), or \"assay store use %[1]s\"", p.name, errNotChosen, ConfigFile)
	}
	b, err := minio.Open(ctx, config)
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
	if opts.Create {
		config, err := c.config(w.Root)
		if err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
		if _, err := minio.Create(ctx, config, minio.CreateOptions{MakeBucket: true, ObjectLock: opts.ObjectLock}); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
	} else if _, err := p.open(ctx, w.Root); err != nil {
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
		return w.UseStore(ctx, name)
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
	return writeDurably(w.path(inUseFile), []byte(name+"\n"))
}

// RemoveStore takes a store's definition from assay.yaml, and what this
// workspace noted about it. The store itself stays as it is.
func (w *Workspace) RemoveStore(ctx context.Context, name string) error {
	c, ok := w.Config.Stores[name]
	if !ok {
		return Usagef("no store %q: %s defines %s", name, ConfigFile, listed(sortedKeys(w.Config.Stores)))
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

// define sets the definition of a store in assay.yaml, or removes it if c is
// nil. All else in the file, and its comments, stay.
func (w *Workspace) define(ctx context.Context, name string, c *StoreConfig) error {
	release, err := exclude(ctx, w.path("config.mutex"))
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	defer release()
	path := filepath.Join(w.Root, ConfigFile)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("settings: %w", err)
	}
	b, err := editStores(old, name, c)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeDurably(path, b)
}

// editStores edits the text of an assay.yaml.
func editStores(text []byte, name string, c *StoreConfig) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if doc.Kind == 0 { // empty, or comments alone
		comments := strings.TrimSpace(string(text))
		doc = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode, HeadComment: comments}}}
	}
	top := doc.Content[0]
	stores := entry(top, "stores")
	if stores == nil {
		stores = &yaml.Node{Kind: yaml.MappingNode}
		setEntry(top, "stores", stores)
	}
	if stores.Kind != yaml.MappingNode { // "stores:" without a value
		*stores = yaml.Node{Kind: yaml.MappingNode}
	}
	if c == nil {
		setEntry(stores, name, nil)
	} else {
		var definition yaml.Node
		if err := definition.Encode(c); err != nil {
			return nil, err
		}
		setEntry(stores, name, &definition)
	}
	if len(stores.Content) == 0 {
		setEntry(top, "stores", nil)
	}
	if len(top.Content) == 0 {
		return nil, nil
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// setEntry sets the value of a key of a mapping, or removes it for nil.
func setEntry(mapping *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value != key {
			continue
		}
		if value == nil {
			mapping.Content = append(mapping.Content[:i], mapping.Content[i+2:]...)
		} else {
			mapping.Content[i+1] = value
		}
		return
	}
	if value != nil {
		mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	}
}

// entry returns the value of a key of a mapping, or nil.
func entry(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// A StoreState is what is known of a store.
type StoreState struct {
	Name      string      `json:"name"`
	Config    StoreConfig `json:"config"`
	InUse     bool        `json:"in_use"`
	Reachable bool        `json:"reachable"`
	Error     string      `json:"error,omitempty"`   // why not, or why the last upload failed
	Waiting   int         `json:"waiting"`           // references known to wait for it
	Counted   bool        `json:"counted,omitempty"` // the next two were asked for
	Blobs     int         `json:"blobs,omitempty"`
	Bytes     int64       `json:"bytes,omitempty"`
}

// Stores returns the state of each store, by name, asking all at once and
// waiting a few seconds at most; counting blobs takes as long as listing them.
func (w *Workspace) Stores(ctx context.Context, count bool) ([]StoreState, error) {
	var all []StoreState
	for _, name := range sortedKeys(w.Config.Stores) {
		all = append(all, StoreState{Name: name, Config: w.Config.Stores[name], InUse: w.using != nil && w.using.name == name})
	}
	var asking errgroup.Group
	for i := range all {
		asking.Go(func() error { return w.state(ctx, &all[i], count) })
	}
	return all, asking.Wait()
}

// state fills in s. A store that does not answer is no error.
func (w *Workspace) state(ctx context.Context, s *StoreState, count bool) error {
	p := w.defined(s.Name)
	if p == w.using {
		if err := w.lookOnce(ctx); err != nil {
			return err
		}
	}
	values, err := p.waitlist().all()
	if err != nil {
		return err
	}
	s.Waiting = len(values)
	if s.Error, err = p.lastError(); err != nil {
		return err
	}
	patient, cancel := context.WithTimeoutCause(ctx, distantPatience, fmt.Errorf("no answer in %v", distantPatience))
	defer cancel()
	backend, err := p.open(patient, w.Root)
	if err != nil {
		s.Error = err.Error()
		return ctx.Err()
	}
	s.Reachable = true
	if !count {
		return nil
	}
	report, err := artifacts.New(backend).Check(ctx, artifacts.CheckOptions{})
	s.Counted, s.Blobs, s.Bytes = true, report.Blobs, report.Bytes
	return err
}
