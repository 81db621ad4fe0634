package display

import (
	"html/template"
	"strings"
)

// How a run came to be shown.
const (
	originMeasured = "measured now"
	originArchived = "from the archive"
)

// Lasting returns what a display of assay's says, text or HTML, without what is
// of the moment: whether a run was measured now or archived, and the badge of a
// figure. Two displays of one thing say the same then.
func Lasting(said string) string { return moment.Replace(said) }

var moment = func() *strings.Replacer {
	words := []string{originMeasured, originArchived}
	for _, b := range []Badge{Sealed, Replayed, Stale} {
		words = append(words, b.symbol()+" "+string(b), b.symbol()+" <b>"+string(b)+"</b>", b.meaning(), template.HTMLEscapeString(b.meaning()))
	}
	var pairs []string
	for _, w := range words {
		pairs = append(pairs, w, "")
	}
	return strings.NewReplacer(pairs...)
}()
