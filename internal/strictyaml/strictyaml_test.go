package strictyaml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/strictyaml"
)

type file struct {
	Name  string   `yaml:"name"`
	Count int      `yaml:"count"`
	List  []string `yaml:"list"`

	Map map[string]string `yaml:"map"`
}

func TestDecode(t *testing.T) {
	var f file
	if err := strictyaml.Decode([]byte("# comment\nname: x\ncount: 3\nlist: [a, \"1\"]\n"), &f); err != nil || f.Name != "x" || f.Count != 3 || len(f.List) != 2 {
		t.Errorf("Decode = %+v, %v", f, err)
	}
	for in, want := range map[string]string{
		"name: x\nnmae: y":            "line 2: field nmae not found",
		"count: 1.9":                  "line 1: 1.9: want a whole number",
		"count: many\nlist: 3":        "line 1: cannot unmarshal !!str `many` into int; line 2: ",
		"count: 99999999999999999999": "line 1: 99999999999999999999 is too large",
		"list: [a,\n null]":           "line 2: null stands for nothing",
		"list:\n-\n- a":               "line 2: null stands for nothing",
		"name: &n ~\nlist: [*n]":      "line 2: null stands for nothing",
		"map: {a: null}":              "line 1: null stands for nothing",
		"name: x\n---\nname: y":       "second YAML document",
		"name: x\nname: y":            "already defined at line 1",
		"\tname: x":                   "cannot start any token",
		"- a":                         "cannot unmarshal !!seq",
		"a: &a [*a]":                  "line 1",
	} {
		if err := strictyaml.Decode([]byte(in), new(file)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Decode(%q) = %v, want one line with %q", in, err, want)
		}
	}
	for _, in := range []string{"", "# nothing\n"} {
		if err := strictyaml.Decode([]byte(in), new(file)); !errors.Is(err, strictyaml.ErrEmpty) {
			t.Errorf("Decode(%q) = %v, want ErrEmpty", in, err)
		}
	}
}

// FuzzDecode: no file makes the reader panic, or gives an error of no or of
// several lines.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: x\ncount: 3\nlist: [a, \"1\"]\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("name: A\nlist: !00\n0000: #000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := strictyaml.Decode(b, new(file)); err != nil && (err.Error() == "" || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %q, want one line", err)
		}
	})
}
