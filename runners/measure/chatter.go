package measure

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"

	"github.com/assay-notebooks/assay"
)

// maxChatter is the longest line that chatter is looked for in.
const maxChatter = 4 << 10

// A chatter takes what a program itself writes to stdout out of a stream
// (assay.Command.Chatter). It holds back a line that is not yet whole.
type chatter struct {
	pattern *regexp.Regexp
	needle  []byte                   // what matches of pattern hold; empty: not known
	line    []byte                   // begun
	began   int64                    // Now when it was
	long    bool                     // in a line beyond maxChatter, which is passed on
	rest    func(p []byte, at int64) // is given what is left, and when it was read
}

// newChatter returns one that passes what is not chatter on to rest.
func newChatter(pattern string, rest func(p []byte, at int64)) (*chatter, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return &chatter{pattern: compiled, needle: literal(pattern), rest: rest}, nil
}

// literal returns the longest text that all matches of pattern hold, as far as
// is easily seen. Looking for that alone keeps up with a guest that writes fast.
func literal(pattern string) []byte {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || re.Op != syntax.OpConcat {
		return nil
	}
	var longest string
	for _, part := range re.Sub {
		if s := string(part.Rune); part.Op == syntax.OpLiteral && part.Flags&syntax.FoldCase == 0 && len(s) > len(longest) {
			longest = s
		}
	}
	return []byte(longest)
}

// plain returns how much of p, at the beginning of a line, is whole lines
// without chatter.
func (c *chatter) plain(p []byte) int {
	if len(c.needle) == 0 || len(c.line) > 0 || c.long {
		return 0
	}
	if at := bytes.Index(p, c.needle); at >= 0 {
		p = p[:at]
	}
	return bytes.LastIndexByte(p, '\n') + 1
}

func (c *chatter) write(p []byte, now int64) {
	for len(p) > 0 {
		if n := c.plain(p); n > 0 {
			c.rest(p[:n], now)
			p = p[n:]
			continue
		}
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

// ReadCount returns what stdout, of which tail is the end, says of how much a
// guest executed. The error says what was looked for, and not found.
func ReadCount(c assay.Counted, tail []byte) (int64, error) {
	re, err := regexp.Compile(c.Says)
	if err != nil {
		return 0, err
	}
	all := re.FindAllSubmatch(tail, -1)
	if len(all) == 0 || len(all[0]) != 2 {
		return 0, fmt.Errorf("the program was to tell %s, and said nothing that matches %q", c.Unit, c.Says)
	}
	return strconv.ParseInt(string(all[len(all)-1][1]), 10, 64)
}

// end passes on what is held back.
func (c *chatter) end() {
	if len(c.line) > 0 {
		c.rest(c.line, c.began)
	}
	c.line = c.line[:0]
}
