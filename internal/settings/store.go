package settings

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/failure"
)

// A Store says where a store is, in assay.yaml. It holds no key: the file is
// committed. Relative paths are from the workspace's root.
type Store struct {
	URL         string `yaml:"url" json:"url"`                                     // s3://BUCKET/PREFIX
	Endpoint    string `yaml:"endpoint" json:"endpoint"`                           // https://HOST:PORT
	Region      string `yaml:"region,omitempty" json:"region,omitempty"`           // "": the server's
	CA          string `yaml:"ca,omitempty" json:"ca,omitempty"`                   // PEM file of certificates to trust
	Credentials string `yaml:"credentials,omitempty" json:"credentials,omitempty"` // file; "": the user's own keys
}

// String says where the store is, in one line.
func (c Store) String() string {
	s := c.URL + " at " + c.Endpoint
	for _, f := range []struct{ name, value string }{{"region", c.Region}, {"ca", c.CA}, {"credentials", c.Credentials}} {
		if f.value != "" {
			s += ", " + f.name + " " + f.value
		}
	}
	return s
}

// Command is the command that defines the store.
func (c Store) Command(name string) string {
	s := "assay store add " + name + " " + c.URL + " --endpoint " + c.Endpoint
	for _, f := range []struct{ flag, value string }{{"region", c.Region}, {"ca", c.CA}, {"credentials", c.Credentials}} {
		if f.value != "" {
			s += " --" + f.flag + " " + f.value
		}
	}
	return s
}

// Check says what is wrong with a definition, as it can be seen in it.
func (c Store) Check() error {
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

// Minio returns how to open the store from the workspace at root.
func (c Store) Minio(root string) (minio.Config, error) {
	bucket, prefix, err := minio.ParseURL(c.URL)
	return minio.Config{
		Endpoint: c.Endpoint, Bucket: bucket, Prefix: prefix, Region: c.Region,
		CAFile: fileFrom(root, c.CA), Credentials: fileFrom(root, c.Credentials),
	}, err
}

// Key tells places apart by where they are.
func (c Store) Key() string {
	return assay.DigestOf([]byte(strings.TrimRight(c.Endpoint, "/") + "\n" + strings.TrimRight(c.URL, "/"))).Hex()[:16]
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

// StoreVariable says which store is in use. Variables whose names begin with its
// take the place of what assay.yaml says of that one.
const StoreVariable = "ASSAY_STORE"

var storeVariables = []struct {
	name  string
	field func(*Store) *string
}{
	{StoreVariable + "_ENDPOINT", func(c *Store) *string { return &c.Endpoint }},
	{StoreVariable + "_REGION", func(c *Store) *string { return &c.Region }},
	{StoreVariable + "_CA", func(c *Store) *string { return &c.CA }},
	{StoreVariable + "_CREDENTIALS", func(c *Store) *string { return &c.Credentials }},
}

// ErrMoved reports that assay.yaml gives the store in use another address than
// it had when the user chose it: no command archives there unasked.
var ErrMoved = errors.New("at another address than when it was chosen here")

// loadStores checks the stores of c, and finds which one is in use: ASSAY_STORE
// gives a name or s3://BUCKET/PREFIX; else the file store-in-use in .assay.
func loadStores(root string, c *Config) ([]Setting, error) {
	origins := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Stores)) {
		if err := CheckStoreName(name); err != nil {
			return nil, failure.Usagef("%s: stores: %w", File, err)
		}
		if err := c.Stores[name].Check(); err != nil {
			return nil, failure.Usagef("%s: stores: %s: %w", File, name, err)
		}
		origins[name] = File
	}
	use := Setting{Key: "store", Origin: "default", Variable: StoreVariable}
	chosenKey := "" // of the place that was chosen, where it was chosen by name here
	if b, err := os.ReadFile(filepath.Join(root, Folder, InUseFile)); err == nil && root != "" {
		use.Value, chosenKey, _ = strings.Cut(strings.TrimSpace(string(b)), " ")
		use.Origin = Folder + "/" + InUseFile
	}
	if v, ok := os.LookupEnv(StoreVariable); ok {
		use.Value, use.Origin, chosenKey = v, StoreVariable, ""
	}
	c.Store = use.Value
	if c.Store != "" {
		store, defined := c.Stores[c.Store]
		if strings.Contains(c.Store, "://") {
			store, defined = Store{URL: c.Store}, true
			origins[c.Store] = StoreVariable
		}
		for _, v := range storeVariables {
			if value := os.Getenv(v.name); value != "" {
				*v.field(&store) = value
				origins[c.Store] += " " + v.name
			}
		}
		switch {
		case !defined && use.Origin == StoreVariable:
			return nil, failure.Usagef("%s: no store %q: %s defines %s", StoreVariable, c.Store, File, failure.Listed(slices.Sorted(maps.Keys(c.Stores))))
		case !defined: // by this state of assay.yaml, another may
			c.Store, use.Value = "", c.Store+" (not defined)"
			return []Setting{use}, nil
		case chosenKey != "" && store.Key() != chosenKey: // a pull may have brought a stranger's address
			name := c.Store
			c.Store = ""
			return nil, failure.Usagef("store %s is %w, now %s at %s: if you trust that, choose it again: \"assay store use %[1]s\"",
				name, ErrMoved, store.URL, store.Endpoint)
		}
		if err := store.Check(); err != nil {
			return nil, failure.Usagef("store %s (%s): %w", c.Store, origins[c.Store], err)
		}
		if c.Stores == nil {
			c.Stores = map[string]Store{}
		}
		c.Stores[c.Store] = store
	}
	settings := []Setting{use}
	for _, name := range slices.Sorted(maps.Keys(c.Stores)) {
		settings = append(settings, Setting{Key: "stores." + name, Value: c.Stores[name].String(), Origin: strings.TrimSpace(origins[name])})
	}
	return settings, nil
}

// Portable returns how a definition names the file at path, which is from the
// working directory: so that the definition means the same for a colleague.
func Portable(root, path string) (string, error) {
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

// CheckStoreName says what is wrong with what a store shall be called.
func CheckStoreName(name string) error {
	if !storeName.MatchString(name) {
		return fmt.Errorf("%q: want a name of at most 64 letters, digits, '.', '_' or '-', the first a letter or digit", name)
	}
	return nil
}

var storeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
