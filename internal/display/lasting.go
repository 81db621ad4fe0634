package display

import (
	"html/template"
	"strings"
)

// How a run or an import came to be shown.
const (
	originMeasured = "measured now"
	originImported = "imported now"
	originSame     = "from the archive: these files"
	originGone     = "from the archive: the files are not where they were"
	originArchived = "from the archive"
)

// Lasting returns what a display of assay's says, text or HTML, without what is
// of the moment: whether a run was measured now or archived, an import made or found, and the badge of a
// figure. Two displays of one thing say the same then.
func Lasting(said string) string { return moment.Replace(said) }

var moment = func() *strings.Replacer {
	words := []string{originMeasured, originImported, originSame, originGone, originArchived} // what begins like another goes first
	for _, b := range []Badge{Sealed, Replayed, Stale} {
		words = append(words, b.symbol()+" "+string(b), b.symbol()+" <b>"+string(b)+"</b>", b.meaning(), template.HTMLEscapeString(b.meaning()))
	}
	var pairs []string
	for _, w := range words {
		pairs = append(pairs, w, "")
	}
	return strings.NewReplacer(pairs...)
}()
