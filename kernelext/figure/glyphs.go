package figure

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/image/font/sfnt"
)

// has reports whether the typeface can draw r.
func (t typeface) has(r rune) bool {
	if r >= ' ' && r <= '~' {
		return true
	}
	if unicode.IsControl(r) {
		return false
	}
	var b sfnt.Buffer
	glyph, err := t.font().GlyphIndex(&b, r)
	return err == nil && glyph != 0
}

// drawable returns text as it is drawn: a character that the typeface lacks,
// such as 日, is its code, U+65E5, apart from what is beside it. White space is
// a space.
func (t typeface) drawable(text string) string {
	var b strings.Builder
	coded := false // what is before
	for i, r := range text {
		switch {
		case t.has(r):
			if coded && r != ' ' {
				b.WriteByte(' ')
			}
			b.WriteRune(r)
			coded = false
		case unicode.IsSpace(r):
			b.WriteByte(' ')
			coded = false
		default:
			if i > 0 && !strings.HasSuffix(b.String(), " ") {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%U", r)
			coded = true
		}
	}
	return b.String()
}
