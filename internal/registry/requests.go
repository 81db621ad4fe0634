package registry

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// refuseRequest answers with an error of the OCI specification's form.
func refuseRequest(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}

// sameMachine refuses requests that name another host than this machine: a web
// page whose name was made to resolve to it sends them.
func sameMachine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) && !loopback(trimBrackets(r.Host)) {
			refuseRequest(w, http.StatusForbidden, "DENIED",
				"this registry is for its own machine and is not asked as localhost; behind a proxy, give it --htpasswd or --token-file")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// trimBrackets takes the brackets from an IPv6 address without a port.
func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

// patient ends requests whose client neither sends nor takes anything for as
// long as stall. While bytes flow a request may take as long as it does.
func patient(next http.Handler, stall time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patientWriter{ResponseWriter: w, control: http.NewResponseController(w), stall: stall}
		if r.Body != http.NoBody {
			body := &patientBody{r.Body, p.control, stall}
			body.extend() // for what the server reads of a body that no handler did
			r.Body = body
		}
		defer p.extend() // for what is flushed behind the handler
		next.ServeHTTP(p, r)
	})
}

type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
}

func (b *patientBody) extend() { b.control.SetReadDeadline(time.Now().Add(b.stall)) }

func (b *patientBody) Read(p []byte) (int, error) {
	b.extend()
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.control.SetReadDeadline(time.Time{}) // nothing is waited for while the answer is made
	}
	return n, err
}

type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

func (w *patientWriter) extend() { w.control.SetWriteDeadline(time.Now().Add(w.stall)) }

func (w *patientWriter) Write(b []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(b)
}

// ReadFrom keeps sendfile, which needs the file itself or one limit around it,
// and is done in pieces so that each has its own deadline.
func (w *patientWriter) ReadFrom(src io.Reader) (int64, error) {
	const piece = 4 << 20
	limit, ok := src.(*io.LimitedReader)
	if !ok {
		limit = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	var total int64
	for limit.N > 0 {
		w.extend()
		want := min(limit.N, piece)
		n, err := io.Copy(w.ResponseWriter, &io.LimitedReader{R: limit.R, N: want})
		total, limit.N = total+n, limit.N-n
		if err != nil || n < want {
			return total, err
		}
	}
	return total, nil
}

// logged writes a line for each request: time, client, method, path, status,
// bytes sent, seconds. Queries and headers are left out: they hold secrets.
func logged(next http.Handler, out io.Writer) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		l := &countingWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(l, r)
		client, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			client = r.RemoteAddr
		}
		if r.Method == http.MethodHead {
			l.sent = 0 // net/http leaves the body out
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, "%s %s %s %.512s %d, %d B sent, %.3f s\n",
			began.UTC().Format(time.RFC3339), client, r.Method, r.URL.EscapedPath(), l.status, l.sent, time.Since(began).Seconds())
	})
}

type countingWriter struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.sent += int64(n)
	return n, err
}

func (w *countingWriter) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, src)
	w.sent += n
	return n, err
}
