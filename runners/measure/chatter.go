package measure

import (
	"bytes"
	"regexp"
)

// maxChatter is the longest line that chatter is looked for in.
const maxChatter = 4 << 10

// A chatter takes what a program itself writes to stdout out of a stream
// (assay.Command.Chatter). It holds back a line that is not yet whole.
type chatter struct {
	pattern *regexp.Regexp
	line    []byte                   // begun
	began   int64                    // Now when it was
	long    bool                     // in a line beyond maxChatter, which is passed on
	rest    func(p []byte, at int64) // is given what is left, and when it was read
}

func (c *chatter) write(p []byte, now int64) {
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		whole := n > 0
		if !whole {
			n = len(p)
		}
		part := p[:n]
		p = p[n:]
		if len(c.line) == 0 {
			c.began = now
		}
		if c.long || len(c.line)+len(part) > maxChatter {
			c.end()
			c.rest(part, now)
			c.long = !whole
			continue
		}
		c.line = append(c.line, part...)
		if !whole {
			continue
		}
		if at := c.pattern.FindIndex(c.line); at != nil {
			c.line = append(c.line[:at[0]], c.line[at[1]:]...)
		}
		c.end()
	}
}

// end passes on what is held back.
func (c *chatter) end() {
	if len(c.line) > 0 {
		c.rest(c.line, c.began)
	}
	c.line = c.line[:0]
}
