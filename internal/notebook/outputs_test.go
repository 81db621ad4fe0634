package notebook

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
)

func message(t *testing.T, kind, content string) protocol.Message {
	t.Helper()
	if !json.Valid([]byte(content)) {
		t.Fatalf("not JSON: %s", content)
	}
	return protocol.Message{Header: protocol.Header{Type: kind}, Content: json.RawMessage(content)}
}

// say shows outputs in one line.
func say(outs []nbformat.Output) string {
	var s []string
	for _, o := range outs {
		switch o.Kind() {
		case "stream":
			s = append(s, o.String("name")+"="+o.String("text"))
		case "error":
			s = append(s, "error="+o.String("evalue"))
		default:
			s = append(s, o.Kind()+"="+text(o.Object("data")["text/plain"]))
		}
	}
	return strings.Join(s, "|")
}

func TestOutputs(t *testing.T) {
	const out, err = `{"name":"stdout","text":"a"}`, `{"name":"stderr","text":"b"}`
	for name, c := range map[string]struct {
		messages [][2]string
		want     string
	}{
		"streams that go on are one output": {[][2]string{{"stream", out}, {"stream", out}, {"stream", err}, {"stream", out}}, "stdout=aa|stderr=b|stdout=a"},
		"a display between":                 {[][2]string{{"stream", out}, {"display_data", `{"data":{"text/plain":"d"}}`}, {"stream", out}}, "stdout=a|display_data=d|stdout=a"},
		"cleared at once":                   {[][2]string{{"stream", out}, {"clear_output", `{"wait":false}`}}, ""},
		"cleared by what comes":             {[][2]string{{"stream", out}, {"clear_output", `{"wait":true}`}, {"stream", err}}, "stderr=b"},
		"cleared by nothing":                {[][2]string{{"stream", out}, {"clear_output", `{"wait":true}`}}, "stdout=a"},
		"updated": {[][2]string{
			{"display_data", `{"data":{"text/plain":"0"},"transient":{"display_id":"i"}}`},
			{"execute_result", `{"data":{"text/plain":"r"},"execution_count":1}`},
			{"update_display_data", `{"data":{"text/plain":"1"},"transient":{"display_id":"i"}}`},
			{"update_display_data", `{"data":{"text/plain":"x"},"transient":{"display_id":"other"}}`},
		}, "display_data=1|execute_result=r"},
		"an error":     {[][2]string{{"stream", out}, {"error", `{"ename":"E","evalue":"v","traceback":["t"]}`}}, "stdout=a|error=v"},
		"other things": {[][2]string{{"comm_open", `{}`}, {"execute_input", `{"code":"x"}`}, {"display_data", `{"data":7}`}}, "display_data="},
	} {
		o := newOutputs("")
		o.begin(1)
		for _, m := range c.messages {
			o.add(message(t, m[0], m[1]))
		}
		outs, err := o.end()
		if got := say(outs); got != c.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
}

// A display is updated also by a later cell.
func TestUpdateOfEarlierCell(t *testing.T) {
	o := newOutputs("")
	o.begin(1)
	o.add(message(t, "display_data", `{"data":{"text/plain":"begins"},"transient":{"display_id":"i"}}`))
	first, err := o.end()
	if err != nil {
		t.Fatal(err)
	}
	o.begin(2)
	o.add(message(t, "update_display_data", `{"data":{"text/plain":"ends"},"metadata":{"m":1},"transient":{"display_id":"i"}}`))
	if second, err := o.end(); len(second) != 0 || err != nil {
		t.Errorf("second cell: %s, %v; want nothing", say(second), err)
	}
	if got := say(first); got != "display_data=ends" {
		t.Errorf("first cell: %s, want display_data=ends", got)
	}
}

// Of more text than a notebook can hold, the begin and the end stay, and a
// file has all of it.
func TestOverflow(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "nb")
	o := newOutputs(prefix)
	o.begin(3)
	var all strings.Builder
	for i := range 40_000 {
		name := []string{"stdout", "stderr"}[i%3%2]
		line := fmt.Sprintf("line %d of some length, with an é\n", i)
		all.WriteString(line)
		b, err := json.Marshal(map[string]string{"name": name, "text": line})
		if err != nil {
			t.Fatal(err)
		}
		o.add(message(t, "stream", string(b)))
	}
	outs, err := o.end()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(prefix + ".cell3.txt")
	if err != nil || string(b) != all.String() {
		t.Errorf("the file has %d bytes, %v; want all %d", len(b), err, all.Len())
	}
	kept := say(outs)
	for _, want := range []string{"line 0 ", "line 39999 ", "bytes are left out here; all of the text is in nb.cell3.txt"} {
		if !strings.Contains(kept, want) {
			t.Errorf("the outputs lack %q", want)
		}
	}
	if len(outs) > maxOutputs+4 || len(kept) > headText+2*tailText+maxOutputs*20 {
		t.Errorf("%d outputs with %d bytes are kept", len(outs), len(kept))
	}
	for _, o := range outs {
		if strings.ContainsRune(o.String("text"), '\uFFFD') {
			t.Errorf("a character was cut in half: %.60q", o.String("text"))
		}
	}
}

func TestTooManyDisplays(t *testing.T) {
	o := newOutputs("")
	o.begin(1)
	m := message(t, "display_data", `{"data":{"text/plain":"d"}}`)
	for range maxOutputs + 7 {
		o.add(m)
	}
	o.add(message(t, "error", `{"ename":"E","evalue":"why","traceback":[]}`))
	outs, err := o.end()
	if err != nil || len(outs) != maxOutputs+2 {
		t.Errorf("%d outputs, %v; want %d and why it failed and what is left out", len(outs), err, maxOutputs)
	}
	if last := outs[len(outs)-1].String("text"); !strings.HasPrefix(last, "assay: 7 displays are left out") {
		t.Errorf("last output %q", last)
	}
}

func TestPlain(t *testing.T) {
	html := nbformat.Output{"output_type": "display_data", "data": map[string]any{"text/html": "<style>\nx { y }\n</style>\n<div>declared &amp; not used</div>\n\n\n"}}
	trace := nbformat.Output{"output_type": "error", "evalue": "exit status 1", "traceback": []any{"\x1b[31mexit status 1\x1b[0m"}}
	stderr := nbformat.Output{"output_type": "stream", "name": "stderr", "text": "\x1b[1mwhy\x1b[0m\nexit status 1"}
	for want, outs := range map[string][]nbformat.Output{
		"declared & not used\nexit status 1\n": {html, trace},
		"why\nexit status 1\n":                 {html, stderr, trace},
	} {
		if got := plain(outs); got != want {
			t.Errorf("plain(%s) = %q, want %q", say(outs), got, want)
		}
	}
}
