package kernel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func TestAddImports(t *testing.T) {
	const imported = `; import assay "github.com/assay-notebooks/assay/kernelext"`
	for _, c := range []struct{ name, text, want string }{
		{"unfinished", "package main\n\nfunc main() {\n\tassay.\n", "package main" + imported + "\n\nfunc main() {\n\tassay.\n"},
		{"not used", "package main\n\nfunc main() {}\n", "package main\n\nfunc main() {}\n"},
		{"imported", "package main\n\nimport assay \"x\"\n\nfunc main() { assay. }\n", "package main\n\nimport assay \"x\"\n\nfunc main() { assay. }\n"},
		{"another package", "package other\n\nvar x = assay.Y\n", "package other\n\nvar x = assay.Y\n"},
		{"only a part of a name", "package main\nvar x = myassay.Y\n", "package main\nvar x = myassay.Y\n"},
		{"no Go", "assay.", "assay."},
		{"one line", "package main", "package main"},
	} {
		if got := addImports(c.text); got != c.want {
			t.Errorf("%s: addImports(%q) = %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

func TestRelay(t *testing.T) {
	packet := func(s string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(s), s) }
	const open = `{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///t/main.go","version":3,"text":"package main\nvar x = stats.Median\n"}}}`
	const change = `{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///t/main.go"},"contentChanges":[{"text":"package main\nvar x = stats.Median\n"}]}}`
	for _, c := range []struct{ name, message, want string }{
		{"open", open, `import stats \"github.com`},
		{"change", change, `import stats \"github.com`},
		{"another file", strings.Replace(open, "main.go", "other.go", 1), `"package main\nvar`},
		{"another method", strings.Replace(open, "didOpen", "didClose", 1), `"package main\nvar`},
		{"a part", strings.Replace(change, `"text"`, `"range":{},"text"`, 1), `"package main\nvar`},
		{"no JSON", "{", "{"},
	} {
		var out bytes.Buffer
		err := relay(&out, strings.NewReader(packet(c.message)+packet("{}")))
		if err == nil || err.Error() != "EOF" || !strings.Contains(out.String(), c.want) || !strings.HasSuffix(out.String(), packet("{}")) {
			t.Errorf("%s: relayed %q, %v; want %s", c.name, out.String(), err, c.want)
		}
	}
	for _, wrong := range []string{"Content-Length: -1\r\n\r\n", "Content-Length: 99999999999\r\n\r\n", "\r\n\r\n", "Content-Length: 5\r\n\r\n{}"} {
		if err := relay(new(bytes.Buffer), strings.NewReader(wrong)); err == nil {
			t.Errorf("relay(%q): no error", wrong)
		}
	}
}

// texts returns the texts of documents in a message, by where they are.
func texts(message []byte) map[string]string {
	var m struct {
		Params map[string]any `json:"params"`
	}
	found := map[string]string{}
	if json.Unmarshal(message, &m) != nil {
		return found
	}
	take := func(where string, v any) {
		place, _ := v.(map[string]any)
		if text, ok := place["text"].(string); ok {
			found[where] = text
		}
	}
	take("document", m.Params["textDocument"])
	changes, _ := m.Params["contentChanges"].([]any)
	for i, c := range changes {
		take(strconv.Itoa(i), c)
	}
	return found
}

// FuzzWithImports: imports are added once, and only to the first line of a
// text.
func FuzzWithImports(f *testing.F) {
	f.Add([]byte(`{"method":"textDocument/didOpen","params":{"textDocument":{"uri":"/main.go","text":"package main\nassay."}}}`))
	f.Add([]byte(`{"method":"textDocument/didChange","params":{"textDocument":{"uri":"/main.go"},"contentChanges":[{"text":"package main\nvar x = stats.Median"},3,null]}}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		once := withImports(message)
		before, after, again := texts(message), texts(once), texts(withImports(once))
		if len(before) != len(after) {
			t.Fatalf("%d texts became %d", len(before), len(after))
		}
		for where, text := range after {
			_, was, _ := strings.Cut(before[where], "\n")
			if _, is, _ := strings.Cut(text, "\n"); is != was {
				t.Errorf("%q became %q: more than the first line was changed", before[where], text)
			}
			if again[where] != text {
				t.Errorf("imports are added twice: %q, %q", text, again[where])
			}
		}
	})
}

// TestKnown: goimports and the relay import the same packages.
func TestKnown(t *testing.T) {
	for _, k := range known {
		if want := fmt.Sprintf("%q:", k.name); !bytes.Contains(goimportsMain, []byte(want)) || !bytes.Contains(goimportsMain, []byte(fmt.Sprintf("%q,", k.path))) {
			t.Errorf("goimports does not know %s as %s", k.path, k.name)
		}
	}
}
