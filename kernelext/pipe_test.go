package kernelext

import (
	"bytes"
	stdgob "encoding/gob"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/kernelext/wire"
)

// gonbDisplay is what GoNB decodes into, and mimeType its name for a string.
type (
	mimeType    string
	gonbDisplay struct {
		Data      map[mimeType]any
		Metadata  map[string]any
		DisplayID string
	}
)

// TestPipe decodes with package gob what a pipe writes, between two values
// that package gob has written to the same stream.
func TestPipe(t *testing.T) {
	stdgob.Register(map[string]any{})
	stdgob.Register([]any{})
	displays := []wire.Display{
		{Data: map[string]string{"text/plain": "x"}},
		{ID: "bar", Data: map[string]string{"text/html": strings.Repeat("<p>é</p>", 4000), "image/png": "aGVsbG8="}, Metadata: map[string]any{
			"assay": map[string]any{
				"kind": "run", "n": 30.0, "yes": true, "no": false, "none": nil, "small": -1.5e-300, "empty": "",
				"list": []any{"a", 1.0, []any{2.0}, map[string]any{"deep": []any{nil, true}}},
			},
		}},
		{},
	}
	var stream bytes.Buffer
	theirs := stdgob.NewEncoder(&stream)
	their := gonbDisplay{Data: map[mimeType]any{"text/plain": "theirs"}, Metadata: map[string]any{"m": map[string]any{"k": []any{"v"}}}}
	encode := func() {
		if err := theirs.Encode(their); err != nil {
			t.Fatal(err)
		}
	}
	encode()
	p := pipe{defined: sliceType}
	stream.Write(definitions())
	want := []gonbDisplay{their}
	for _, d := range displays {
		stream.Write(encodeDisplay(d))
		stream.Write(p.nothing())
		encode()
		w := gonbDisplay{Metadata: d.Metadata, DisplayID: d.ID}
		for mime, text := range d.Data {
			if w.Data == nil {
				w.Data = map[mimeType]any{}
			}
			w.Data[mimeType(mime)] = text
		}
		want = append(want, w, their)
	}
	dec := stdgob.NewDecoder(&stream)
	for i, w := range want {
		var got gonbDisplay
		if err := dec.Decode(&got); err != nil {
			t.Fatalf("value %d: %v", i, err)
		}
		if !reflect.DeepEqual(got, w) {
			t.Errorf("value %d = %.300v, want %.300v", i, fmt.Sprint(got), fmt.Sprint(w))
		}
	}
}
