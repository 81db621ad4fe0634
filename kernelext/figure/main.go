package figure

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// Main is the main function of a sealed module. It reads a request and tables
// from stdin, draws, and writes the outputs to stdout, in the protocol of
// docs/figure.md. tables is how many draw takes, -1 for any number. On an error
// it writes the message to stderr and exits with status 1.
func Main(tables int, draw func(*Figure, ...Table) error) {
	if err := serve(os.Stdin, os.Stdout, tables, draw); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers one request. It writes nothing before all outputs are there.
func serve(in io.Reader, out io.Writer, want int, draw func(*Figure, ...Table) error) error {
	request, tables, err := readRequest(in)
	if err != nil {
		return err
	}
	outputs, err := Render(request, want, tables, draw)
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	for _, format := range slices.Sorted(maps.Keys(outputs)) {
		if err := add(w, "figure."+format, outputs[format]); err != nil {
			return fmt.Errorf("write outputs: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write outputs: %w", err)
	}
	return nil
}

const requestName = "request.json"

func tableName(i int) string { return fmt.Sprintf("tables/%d", i) }

// readRequest reads the request and the encoded tables.
func readRequest(in io.Reader) (Request, [][]byte, error) {
	var request Request
	var tables [][]byte
	r := tar.NewReader(in)
	for i := 0; ; i++ {
		head, err := r.Next()
		if errors.Is(err, io.EOF) && i > 0 {
			return request, tables, nil
		}
		if err != nil {
			return request, nil, fmt.Errorf("read request: %w", err)
		}
		want := requestName
		if i > 0 {
			want = tableName(i - 1)
		}
		if head.Name != want {
			return request, nil, fmt.Errorf("read request: entry %d is %q, want %q", i, head.Name, want)
		}
		b, err := read(r, head.Size)
		if err != nil {
			return request, nil, fmt.Errorf("read request: %s: %w", head.Name, err)
		}
		if i > 0 {
			tables = append(tables, b)
		} else if err := json.Unmarshal(b, &request); err != nil {
			return request, nil, fmt.Errorf("read request: %s: %w", head.Name, err)
		}
	}
}

const trusted = 64 << 20 // bytes of a size in a header that are allocated unseen

// read reads an entry; a size that lies costs no memory.
func read(r io.Reader, size int64) ([]byte, error) {
	if size > trusted {
		return io.ReadAll(r)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(r, b)
	return b, err
}

// add writes an entry of which nothing but name and content can vary.
func add(w *tar.Writer, name string, b []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(b)), Format: tar.FormatUSTAR}); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}
