package settings

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/strictyaml"
)

// TestEditStores adds, changes and removes a store in settings as people write
// them: what is theirs stays.
func TestEditStores(t *testing.T) {
	c := &Store{URL: "s3://b/p", Endpoint: "https://host:9000"}
	const defined = "stores:\n  lab:\n    url: s3://b/p\n    endpoint: https://host:9000\n"
	for _, text := range []string{"# mine\n", "# mine\n\n# and mine\n", "# mine\nfigures: figs\n\n# end\n"} {
		added, err := editStores([]byte(text), "lab", c)
		if err != nil {
			t.Fatal(err)
		}
		removed, err := editStores(added, "lab", nil)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			if !strings.Contains(string(removed), line) {
				t.Errorf("%q, a store added and removed: %q", text, removed)
			}
		}
	}
	for _, text := range []string{"- a\n- b\n", "word\n"} {
		if got, err := editStores([]byte(text), "lab", c); err == nil {
			t.Errorf("editStores(%q) = %q, want an error", text, got)
		}
	}
	for _, test := range []struct {
		name, text string
		c          *Store
		want       string
	}{
		{"none yet", "", c, defined},
		{"comments alone", "# mine\n", c, "# mine\n" + defined},
		{"others", "figures: figs # here\n# between\nmeasure: no\n", c, "figures: figs # here\n# between\nmeasure: no\n" + defined},
		{"no value", "stores:\nfigures: figs\n", c, defined + "figures: figs\n"},
		{"another", "stores:\n  # ours\n  old: {url: 's3://o', endpoint: 'https://o'}\n", c,
			"stores:\n  # ours\n  old: {url: 's3://o', endpoint: 'https://o'}\n" + strings.TrimPrefix(defined, "stores:\n")},
		{"changed", strings.Replace(defined, "b/p", "other", 1), c, defined},
		{"removed", "figures: figs\n" + defined, nil, "figures: figs\n"},
		{"the only one removed", defined, nil, ""},
		{"removed, not there", "figures: figs\n", nil, "figures: figs\n"},
	} {
		got, err := editStores([]byte(test.text), "lab", test.c)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: editStores = %q, %v; want %q", test.name, got, err, test.want)
		}
		if err := strictyaml.Decode(got, &Config{}); err != nil && !errors.Is(err, strictyaml.ErrEmpty) {
			t.Errorf("%s: %q cannot be read: %v", test.name, got, err)
		}
	}
}

// TestStoreSettings reads definitions, and which store is in use, from all the
// places that say so.
func TestStoreSettings(t *testing.T) {
	const lab = "stores:\n  lab: {url: s3://bucket/p, endpoint: https://host:9000}\n"
	for _, test := range []struct {
		name, yaml, file string
		env              map[string]string
		use, where       string // "": none
		err              string
	}{
		{name: "defined, not used", yaml: lab},
		{name: "used here", yaml: lab, file: "lab\n", use: "lab", where: "s3://bucket/p at https://host:9000"},
		{name: "used here, not defined", file: "lab\n"},
		{name: "used here, at another address", yaml: lab, file: "lab 0123456789abcdef\n", err: "another address"},
		{name: "variable", yaml: lab, env: map[string]string{"ASSAY_STORE": "lab", "ASSAY_STORE_REGION": "eu"}, use: "lab", where: "s3://bucket/p at https://host:9000, region eu"},
		{name: "variable says none", yaml: lab, file: "lab\n", env: map[string]string{"ASSAY_STORE": ""}},
		{name: "variable, not defined", env: map[string]string{"ASSAY_STORE": "lab"}, err: `no store "lab"`},
		{name: "all by variables", env: map[string]string{"ASSAY_STORE": "s3://bucket", "ASSAY_STORE_ENDPOINT": "http://h"}, use: "s3://bucket", where: "s3://bucket at http://h"},
		{name: "no endpoint", env: map[string]string{"ASSAY_STORE": "s3://bucket"}, err: "an endpoint"},
		{name: "key in the file", yaml: "stores:\n  lab: {url: s3://bucket, endpoint: https://h, secret_key: hush}\n", err: "keys are not written"},
		{name: "key in the URL", yaml: "stores:\n  lab: {url: s3://bucket, endpoint: 'https://user:hush@h'}\n", err: "keys are not written"},
		{name: "key in what is no URL", yaml: "stores:\n  lab: {url: s3://bucket, endpoint: 'https://user:hu sh@h'}\n", err: "not a URL"},
		{name: "key to be recorded", yaml: "env: [AWS_SECRET_ACCESS_KEY]\n", err: "leave it out"},
		{name: "name", yaml: "stores:\n  ../x: {url: s3://bucket, endpoint: https://h}\n", err: "want a name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, Folder), 0o777); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{File: test.yaml, filepath.Join(Folder, InUseFile): test.file} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			c, _, err := Load(root)
			switch {
			case test.err == "" && err != nil:
				t.Fatal(err)
			case test.err != "" && (!errors.Is(err, failure.ErrUsage) || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hush")):
				t.Errorf("error %v, want a usage error with %q and without the key", err, test.err)
			case err == nil && (c.Store != test.use || test.use != "" && c.Stores[c.Store].String() != test.where):
				t.Errorf("in use: %q, %v; want %q, %v", c.Store, c.Stores[c.Store], test.use, test.where)
			}
		})
	}
}
