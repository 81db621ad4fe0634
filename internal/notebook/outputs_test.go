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

// Of more text than a notebook can hold, the begin and the end of each stream
// stay, the same whatever the pieces in which it came, and a file has all of it.
func TestOverflow(t *testing.T) {
	var kept []map[string]string
	for _, lines := range []int{1, 700} {
		prefix := filepath.Join(t.TempDir(), "nb")
		o := newOutputs(prefix)
		o.begin(3)
		said := map[string]*strings.Builder{"stdout": {}, "stderr": {}}
		var all strings.Builder
		say := func(name string) {
			text := said[name].String()
			said[name].Reset()
			if text == "" {
				return
			}
			all.WriteString(text)
			b, err := json.Marshal(map[string]string{"name": name, "text": text})
			if err != nil {
				t.Fatal(err)
			}
			o.add(message(t, "stream", string(b)))
		}
		const n = 90_000
		for i := range n {
			name := []string{"stdout", "stderr"}[i%3%2]
			fmt.Fprintf(said[name], "line %d of some length, with an é\n", i)
			if i%lines == lines-1 || i == n-1 {
				say("stdout")
				say("stderr")
			}
		}
		outs, err := o.end()
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(prefix + ".cell3.txt")
		if err != nil || string(b) != all.String() {
			t.Errorf("%d lines at once: the file has %d bytes, %v; want all %d", lines, len(b), err, all.Len())
		}
		streams := map[string]string{}
		for _, o := range outs {
			streams[o.String("name")] += o.String("text")
			if strings.ContainsRune(o.String("text"), '\uFFFD') {
				t.Errorf("a character was cut in half: %.60q", o.String("text"))
			}
		}
		kept = append(kept, streams)
		for name, want := range map[string][]string{"stdout": {"line 0 ", "line 89999 "}, "stderr": {"line 1 ", "line 89998 ", "bytes are left out here; all of the text is in nb.cell3.txt"}} {
			for _, want := range want {
				if !strings.Contains(streams[name], want) {
					t.Errorf("%d lines at once: %s lacks %q", lines, name, want)
				}
			}
			if len(streams[name]) > headText+2*tailText {
				t.Errorf("%d lines at once: %d bytes of %s are kept", lines, len(streams[name]), name)
			}
		}
		if len(outs) > maxOutputs+4 {
			t.Errorf("%d lines at once: %d outputs", lines, len(outs))
		}
	}
	for name, text := range kept[0] {
		if kept[1][name] != text {
			t.Errorf("%s: what is kept depends on the pieces in which it came", name)
		}
	}
}

// What is cleared is as if it had not been, its file too.
func TestClearOverflow(t *testing.T) {
	dir := t.TempDir()
	o := newOutputs(filepath.Join(dir, "nb"))
	o.begin(1)
	b, err := json.Marshal(map[string]string{"name": "stdout", "text": strings.Repeat("x", headText+2*tailText)})
	if err != nil {
		t.Fatal(err)
	}
	o.add(message(t, "stream", string(b)))
	o.add(message(t, "clear_output", `{"wait":false}`))
	o.add(message(t, "stream", `{"name":"stdout","text":"a"}`))
	outs, err := o.end()
	if got := say(outs); got != "stdout=a" || err != nil {
		t.Errorf("%.100s, %v; want stdout=a", got, err)
	}
	if files, err := os.ReadDir(dir); len(files) != 0 || err != nil {
		t.Errorf("files %v, %v; want none", files, err)
	}
}

// An update counts as a display does.
func TestTooMuchInUpdates(t *testing.T) {
	o := newOutputs("")
	o.begin(1)
	const half = `{"data":{"text/plain":%q},"transient":{"display_id":%q}}`
	big := strings.Repeat("x", maxData/2)
	for _, id := range []string{"a", "b"} {
		o.add(message(t, "display_data", fmt.Sprintf(half, "small", id)))
	}
	for range 3 { // each replaces the one before
		o.add(message(t, "update_display_data", fmt.Sprintf(half, big, "a")))
	}
	o.add(message(t, "update_display_data", fmt.Sprintf(half, big, "b")))
	outs, err := o.end()
	if err != nil || len(outs) != 3 || text(outs[0].Object("data")["text/plain"]) != big || text(outs[1].Object("data")["text/plain"]) != "small" ||
		!strings.HasPrefix(outs[2].String("text"), "assay: 1 displays are left out") {
		t.Errorf("%.200s, %v; want the first updated, the second as it was, and a notice", say(outs), err)
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
