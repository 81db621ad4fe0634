package kernel

import (
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

// words are what GoNB says on stderr: passed on, and the last of it kept.
type words struct {
	r, w *os.File
	done chan struct{} // closed when all is read; then:
	kept []byte
}

// keptWords bounds what is kept.
const keptWords = 64 << 10

// listen returns words that are passed on to out. w is for the process that
// says them: the caller closes its own copy. The caller closes the words.
func listen(out io.Writer) (*words, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s := &words{r: r, w: w, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		buf := make([]byte, 4<<10)
		for {
			n, err := r.Read(buf)
			s.kept = append(s.kept, buf[:n]...)
			s.kept = s.kept[max(0, len(s.kept)-keptWords):]
			_, _ = out.Write(buf[:n]) // nobody may read it
			if err != nil {
				return
			}
		}
	}()
	return s, nil
}

var (
	// A log's line of why a program ended, or the panic of one.
	fatal  = regexp.MustCompile(`(?m)^(F\d{4} [^\]\n]*\] |panic: |fatal error: )`)
	colour = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// frame is a line of a stack, and the name of the function before it.
	frame = regexp.MustCompile(`(?m)^(goroutine \d+ |\S+\n\t)`)
)

// last returns what was said last, as the end of a sentence, or "". It waits
// for what is on its way, but not for a process that keeps w open.
func (s *words) last() string {
	s.close()
	text := colour.ReplaceAllString(string(s.kept), "")
	if all := fatal.FindAllStringIndex(text, -1); all != nil {
		text = text[all[len(all)-1][0]:]
		text = strings.TrimPrefix(text, fatal.FindString(text))
		if at := frame.FindStringIndex(text); at != nil {
			text = text[:at[0]]
		}
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if text = strings.Join(lines[max(0, len(lines)-10):], "\n"); text == "" {
		return ""
	}
	return "; its last words are: " + text
}

// close ends the passing on.
func (s *words) close() {
	_ = s.r.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // it may be closed
	<-s.done
	s.r.Close()
}
