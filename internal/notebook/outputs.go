package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
)

// What a cell may put into the notebook. Of each stream, the first headText
// bytes and the last tailText stay, and all text goes into a file.
const (
	headText   = 1 << 20
	tailText   = 64 << 10
	maxOutputs = 10_000
	maxData    = 64 << 20
)

// outputs is what the cells of a notebook have put out. It is used by one
// goroutine at a time.
type outputs struct {
	overflow string
	display  map[string][]*output // by display ID, in all cells

	cell    int // the one that is being executed
	list    []*output
	clear   bool // when the next output comes
	data    int  // bytes of displays in list
	dropped int  // displays and updates that were not kept
	streams map[string]*stream
	file    *os.File
	err     error // of the file

	progress string // as it was shown last
}

// An output is one of a cell; text grows while a stream goes on.
type output struct {
	nbformat.Output
	cell int
	size int // of a display
	text bytes.Buffer
}

// A stream is what is kept of one.
type stream struct {
	last *output // that it was added to
	head int     // bytes
	full bool    // all else goes to the tail
	tail tail
	lost int // bytes that were given to the tail
}

func newOutputs(overflow string) *outputs {
	return &outputs{overflow: overflow, display: map[string][]*output{}}
}

// begin begins with cell n, which has no output yet.
func (o *outputs) begin(n int) {
	*o = outputs{overflow: o.overflow, display: o.display, cell: n, streams: map[string]*stream{}}
}

// add takes a message of iopub.
func (o *outputs) add(m protocol.Message) {
	content, err := object(m.Content)
	if err != nil {
		return // Parse has seen that it is an object
	}
	metadata, _ := content["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	data, _ := content["data"].(map[string]any)
	if data == nil {
		data = map[string]any{}
	}
	if out := (nbformat.Output{"metadata": metadata}); factsOf(out)["kind"] == string(display.KindProgress) {
		o.progress = text(data["text/plain"])
	}
	transient, _ := content["transient"].(map[string]any)
	id, _ := transient["display_id"].(string)
	switch m.Header.Type {
	case "stream":
		name, _ := content["name"].(string)
		text, _ := content["text"].(string)
		o.clearNow()
		o.stream(name, text)
	case "display_data":
		o.show(nbformat.Output{"output_type": "display_data", "data": data, "metadata": metadata}, id, len(m.Content))
	case "execute_result":
		o.show(nbformat.Output{"output_type": "execute_result", "data": data, "metadata": metadata, "execution_count": content["execution_count"]}, id, len(m.Content))
	case "update_display_data":
		o.update(id, data, metadata, len(m.Content))
	case "error":
		o.failed(content["ename"], content["evalue"], content["traceback"])
	case "clear_output":
		o.clear = true
		if wait, _ := content["wait"].(bool); !wait {
			o.clearNow()
		}
	}
}

func object(b []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var m map[string]any
	err := dec.Decode(&m)
	return m, err
}

// clearNow takes out all outputs of the cell, if that was asked for.
func (o *outputs) clearNow() {
	if !o.clear {
		return
	}
	for id, shown := range o.display {
		o.display[id] = slices.DeleteFunc(shown, func(out *output) bool { return out.cell == o.cell })
	}
	err := o.err
	if o.file != nil {
		err = errors.Join(err, o.file.Close(), os.Remove(o.file.Name()))
	}
	o.begin(o.cell)
	o.err = err
}

func (o *outputs) show(out nbformat.Output, id string, size int) {
	o.clearNow()
	if len(o.list) >= maxOutputs || o.data+size > maxData {
		o.dropped++
		return
	}
	o.data += size
	shown := &output{Output: out, cell: o.cell, size: size}
	o.list = append(o.list, shown)
	if id != "" {
		o.display[id] = append(o.display[id], shown)
	}
}

// update replaces the displays of that ID, also those of earlier cells.
func (o *outputs) update(id string, data, metadata map[string]any, size int) {
	for _, shown := range o.display[id] {
		if o.data+size-shown.size > maxData {
			o.dropped++
			continue
		}
		o.data += size - shown.size
		shown.size = size
		shown.Output["data"], shown.Output["metadata"] = maps.Clone(data), maps.Clone(metadata)
	}
}

// failed adds an error output. It is always kept: it says why.
func (o *outputs) failed(name, value, traceback any) {
	o.clearNow()
	if _, ok := traceback.([]any); !ok {
		traceback = []any{}
	}
	o.list = append(o.list, &output{Output: nbformat.Output{"output_type": "error", "ename": text(name), "evalue": text(value), "traceback": traceback}})
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// stream adds text to a stream. What goes on where the last output ended is
// one output with it. How much of a stream is kept does not depend on the
// pieces in which it comes.
func (o *outputs) stream(name, text string) {
	s := o.streams[name]
	if s == nil {
		s = &stream{tail: tail{max: tailText}}
		o.streams[name] = s
	}
	var last *output
	if n := len(o.list); n > 0 {
		last = o.list[n-1]
	}
	begins := last == nil || last != s.last
	if o.file == nil && o.err == nil && (s.head+len(text) > headText || begins && len(o.list) >= maxOutputs) {
		o.open()
	}
	if o.file != nil {
		o.spill(text)
	}
	head := text
	if room := headText - s.head; len(head) > room {
		for room > 0 && !utf8.RuneStart(head[room]) {
			room--
		}
		head = head[:room]
	}
	if s.full {
		head = ""
	}
	if head != "" {
		if begins && (s.last == nil || len(o.list) < maxOutputs) { // else it goes on where it was
			s.last = &output{Output: nbformat.Output{"output_type": "stream", "name": name}}
			o.list = append(o.list, s.last)
		}
		s.last.text.WriteString(head)
		s.head += len(head)
	}
	if rest := text[len(head):]; rest != "" {
		s.full = true
		_, _ = s.tail.Write([]byte(rest)) // it cannot fail
		s.lost += len(rest)
	}
}

// overflowPath names the file that takes all of the text of cell n.
func overflowPath(prefix string, n int) string { return fmt.Sprintf("%s.cell%d.txt", prefix, n) }

// open makes the file and writes what there is of text.
func (o *outputs) open() {
	o.file, o.err = os.Create(overflowPath(o.overflow, o.cell))
	for _, out := range o.list {
		o.spill(out.text.String())
	}
}

func (o *outputs) spill(s string) {
	if o.err == nil {
		_, o.err = o.file.WriteString(s)
	}
}

// leftOut says how much text is not in the notebook, and where it is.
const leftOut = "\nassay: %d bytes are left out here; all of the text is in %s\n"

// end returns the outputs of the cell.
func (o *outputs) end() ([]nbformat.Output, error) {
	list := []nbformat.Output{}
	for _, out := range o.list {
		if out.Kind() == "stream" {
			out.Output["text"] = out.text.String()
		}
		if factsOf(out.Output) == nil {
			out.Output = placeless(out.Output).(nbformat.Output)
		}
		list = append(list, out.Output)
	}
	notice := func(format string, args ...any) {
		list = append(list, nbformat.Output{"output_type": "stream", "name": "stderr", "text": fmt.Sprintf(format, args...)})
	}
	left := 0
	var ends []nbformat.Output
	for _, name := range []string{"stdout", "stderr"} {
		if s := o.streams[name]; s != nil && s.lost > 0 {
			end := s.tail.String()
			for len(end) > 0 && !utf8.RuneStart(end[0]) {
				end = end[1:]
			}
			left += s.lost - len(end)
			ends = append(ends, nbformat.Output{"output_type": "stream", "name": name, "text": unplaced(end)})
		}
	}
	err := o.err
	if o.file != nil {
		err = errors.Join(err, o.file.Close())
		if left > 0 {
			notice(leftOut, left, filepath.Base(o.file.Name()))
		} else {
			err = errors.Join(err, os.Remove(o.file.Name()))
		}
	}
	list = append(list, ends...)
	if o.dropped > 0 {
		notice("assay: %d displays are left out: a cell may have %d outputs and %d MiB of them\n", o.dropped, maxOutputs, maxData>>20)
	}
	if err != nil {
		err = fmt.Errorf("keep all output of cell %d: %w", o.cell, err)
	}
	return list, err
}

// kernelPlace is where a kernel keeps the program of the cells, and what it
// calls it: other in each kernel.
var kernelPlace = regexp.MustCompile(`(?:/[^\s"'<>]*)?/gonb_[0-9a-f]{8}/|(?:/[^\s"'<>]*/)?gonb_[0-9a-f]{8}`)

// unplaced takes the place of the kernel's program out of text: an execution
// that gives the same shall read the same, and say nothing of the machine.
func unplaced(s string) string {
	return kernelPlace.ReplaceAllStringFunc(s, func(found string) string {
		if strings.HasSuffix(found, "/") {
			return ""
		}
		return "gonb"
	})
}

// placeless is unplaced for all text in a value of a notebook.
func placeless(v any) any {
	switch v := v.(type) {
	case string:
		return unplaced(v)
	case []any:
		for i := range v {
			v[i] = placeless(v[i])
		}
	case nbformat.Output:
		for key := range v {
			v[key] = placeless(v[key])
		}
	case map[string]any:
		for key := range v {
			v[key] = placeless(v[key])
		}
	}
	return v
}

// plain returns outputs as a terminal shows them.
func plain(outs []nbformat.Output) string {
	// Errors of a program are also text; those of the compiler are HTML alone.
	said := slices.ContainsFunc(outs, func(o nbformat.Output) bool { return o.String("name") == "stderr" })
	var b strings.Builder
	for _, o := range outs {
		var s string
		switch o.Kind() {
		case "stream":
			s = o.String("text")
		case "error":
			lines, _ := o["traceback"].([]any)
			for _, line := range lines {
				s += text(line) + "\n"
			}
			if len(lines) == 0 {
				s = o.String("evalue")
			}
			if strings.HasSuffix(strings.TrimSpace(uncoloured(b.String())), strings.TrimSpace(uncoloured(s))) {
				continue // the kernel has said it already
			}
		default:
			data := o.Object("data")
			if s = text(data["text/plain"]); s == "" && !said {
				s = textOf(text(data["text/html"]))
			}
		}
		if b.WriteString(s); s != "" && !strings.HasSuffix(s, "\n") {
			b.WriteByte('\n')
		}
	}
	return uncoloured(b.String())
}

var (
	style = regexp.MustCompile(`(?s)<style>.*?</style>`)
	tag   = regexp.MustCompile(`<[^<>]*>`)
	blank = regexp.MustCompile(`\n\s*\n`)
)

// maxPlain bounds the HTML that is shown as text.
const maxPlain = 64 << 10

// textOf returns the text in HTML.
func textOf(s string) string {
	if len(s) > maxPlain {
		return "(HTML)\n"
	}
	s = html.UnescapeString(tag.ReplaceAllString(style.ReplaceAllString(s, ""), ""))
	return strings.TrimLeft(blank.ReplaceAllString(s, "\n"), "\n")
}

// uncoloured leaves out what colours a terminal, and all else that only a
// terminal understands.
func uncoloured(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == 0x1b && i+1 < len(s) && s[i+1] == '[':
			for i += 2; i < len(s) && (s[i] < '@' || s[i] > '~'); {
				i++
			}
		case c < ' ' && c != '\n' && c != '\t', c == 0x7f:
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
