package figure

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"
)

func TestProtocol(t *testing.T) {
	b := coldStarts(t, 6)
	var in, out bytes.Buffer
	if err := writeRequest(&in, Request{Formats: []string{"svg", "txt"}, Width: 84}, [][]byte{b, b}); err != nil {
		t.Fatal(err)
	}
	request := bytes.Clone(in.Bytes())
	draw := func(f *Figure, ts ...Table) error { return f.Bar(ts[1].Group("runtime"), ts[1].Float("wall_ns")) }
	if err := serve(&in, &out, 2, draw); err != nil {
		t.Fatal(err)
	}
	first := bytes.Clone(out.Bytes())
	got, err := readOutputs(&out)
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"svg", "txt"}) || len(got["svg"]) == 0 {
		t.Errorf("outputs %q", names)
	}
	out.Reset()
	if err := serve(bytes.NewReader(request), &out, 2, draw); err != nil || !bytes.Equal(out.Bytes(), first) {
		t.Errorf("serve again: %v, or other bytes", err)
	}
	for cut := 0; cut < len(request)-2048; cut += 509 { // the end of a tar may be cut without harm
		out.Reset()
		if err := serve(bytes.NewReader(request[:cut]), &out, 2, draw); err == nil || out.Len() > 0 {
			t.Errorf("request cut to %d bytes: error %v, %d bytes written", cut, err, out.Len())
		}
	}
	swapped := bytes.Replace(request, []byte("tables/1"), []byte("tables/7"), 1)
	if err := serve(bytes.NewReader(swapped), &out, 2, draw); err == nil {
		t.Error("a request with a table missing was answered")
	}
}

// writeRequest writes what Main reads, as a host does: the request and encoded tables.
func writeRequest(out io.Writer, r Request, tables [][]byte) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	w := tar.NewWriter(out)
	if err := add(w, requestName, b); err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	for i, t := range tables {
		if err := add(w, tableName(i), t); err != nil {
			return fmt.Errorf("write request: table %d: %w", i, err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return nil
}

// readOutputs reads what Main wrote: the outputs by format.
func readOutputs(in io.Reader) (map[string][]byte, error) {
	outputs := make(map[string][]byte)
	r := tar.NewReader(in)
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return outputs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read outputs: %w", err)
		}
		var format string
		if n, err := fmt.Sscanf(head.Name, "figure.%s", &format); n != 1 || err != nil {
			return nil, fmt.Errorf("read outputs: unexpected entry %q", head.Name)
		}
		if outputs[format], err = read(r, head.Size); err != nil {
			return nil, fmt.Errorf("read outputs: %s: %w", head.Name, err)
		}
	}
}
