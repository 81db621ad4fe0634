package kernel

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Complete stands between GoNB and gopls: it listens on the socket at address,
// and starts gopls for each connection, in whose sources it imports the
// packages that cells use by their names. GoNB gives gopls an unfinished cell
// without any import, where gopls would take "assay" for another package.
// It returns when ctx ends.
func Complete(ctx context.Context, gopls, address string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := l.AcceptUnix()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		conns.Go(func() {
			if err := complete(ctx, gopls, conn); err != nil && ctx.Err() == nil {
				fmt.Fprintf(os.Stderr, "assay kernel: gopls: %v\n", err)
			}
		})
	}
}

// complete serves one connection.
func complete(ctx context.Context, gopls string, conn *net.UnixConn) error {
	defer conn.Close()
	cmd := exec.CommandContext(ctx, gopls, "serve")
	cmd.Stdout = conn
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = relay(in, conn)
	in.Close()
	if errors.Is(err, io.EOF) {
		err = nil
	}
	// gopls was left by its client without a word, which it calls an error.
	_ = cmd.Wait()
	return err
}

// maxPacket bounds a message to gopls.
const maxPacket = 64 << 20

// relay copies messages of the language server protocol, with imports added,
// until r ends.
func relay(w io.Writer, r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		header, err := textproto.NewReader(in).ReadMIMEHeader()
		if err != nil {
			return err
		}
		size, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil || size < 0 || size > maxPacket {
			return fmt.Errorf("a message of %q bytes", header.Get("Content-Length"))
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		body = withImports(body)
		if _, err := fmt.Fprintf(w, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			return err
		}
	}
}

// withImports adds imports to the source that a message holds; others it
// returns as they are.
func withImports(message []byte) []byte {
	var m map[string]json.RawMessage
	var method string
	if json.Unmarshal(message, &m) != nil || json.Unmarshal(m["method"], &method) != nil {
		return message
	}
	var params map[string]any
	if method != "textDocument/didOpen" && method != "textDocument/didChange" || json.Unmarshal(m["params"], &params) != nil {
		return message
	}
	document, _ := params["textDocument"].(map[string]any)
	if uri, _ := document["uri"].(string); !strings.HasSuffix(uri, "/main.go") && !strings.HasSuffix(uri, "/main_test.go") {
		return message
	}
	places := []any{document}
	if method == "textDocument/didChange" {
		places, _ = params["contentChanges"].([]any)
	}
	for _, p := range places {
		place, _ := p.(map[string]any)
		text, ok := place["text"].(string)
		if _, part := place["range"]; ok && !part {
			place["text"] = addImports(text)
		}
	}
	changed, err := json.Marshal(params)
	if err != nil {
		return message
	}
	m["params"] = changed
	if changed, err = json.Marshal(m); err != nil {
		return message
	}
	return changed
}

// known are the packages that cells use without importing them.
var known = []struct{ name, path string }{
	{"assay", "github.com/assay-notebooks/assay/kernelext"},
	{"figure", "github.com/assay-notebooks/assay/kernelext/figure"},
	{"stats", "github.com/assay-notebooks/assay/kernelext/stats"},
	{"table", "github.com/assay-notebooks/assay/kernelext/table"},
}

var packageMain = regexp.MustCompile(`\Apackage main[ \t]*(\r?\n|\z)`)

// addImports adds the known packages that text selects from and does not
// import, in its first line, so that all others keep their numbers. text may
// be unfinished.
func addImports(text string) string {
	at := packageMain.FindStringSubmatchIndex(text)
	if at == nil {
		return text
	}
	f, err := parser.ParseFile(token.NewFileSet(), "main.go", text, parser.ImportsOnly)
	if f == nil || err != nil {
		return text
	}
	have := map[string]bool{}
	for _, imp := range f.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		have[name] = true
	}
	var added strings.Builder
	for _, k := range known {
		if !have[k.name] && regexp.MustCompile(`\b`+k.name+`\.`).MatchString(text) {
			fmt.Fprintf(&added, "; import %s %q", k.name, k.path)
		}
	}
	return text[:len("package main")] + added.String() + text[at[2]:]
}
