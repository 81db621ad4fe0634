package display

import (
	"fmt"
	"strings"
	"time"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Progress shows how far a run is: a bar with done/total, rate, time left and
// the trial last finished. In its last state, final, it is one plain line, which
// says of a run that was not finished how to go on.
func Progress(name string, p lab.Progress, final bool) wire.Display {
	v := progressView{Name: clean(name), Done: p.Done, Total: p.Total, Final: final, Of: fmt.Sprintf("%d of %d invocations", p.Done, p.Total)}
	switch {
	case p.Waits:
		v.Final = true // there is no bar yet
		v.Of, v.Facts = "waiting for other work on the host to end", clean(strings.Join(p.Unready, "; "))
	case final && p.Done < p.Total:
		v.Facts = "kept; run this cell again to go on"
	case final:
		v.Of += " in " + span(p.Elapsed)
		v.Facts = rate(p)
	default:
		v.Bar = bar(p.Done, p.Total)
		v.Facts = joined(percent(p.Done, p.Total), rate(p), left(p), span(p.Elapsed)+" so far")
		v.Current = clean(p.Current)
	}
	return bundle(KindProgress, v, v.text(), map[string]any{"name": name, "run": p.Run})
}

type progressView struct {
	Name        string
	Done, Total int
	Final       bool
	Bar         string // for where there is no progress element
	Of          string
	Facts       string
	Current     string
}

func (v progressView) text() string {
	parts := []string{v.Name + ":"}
	if v.Bar != "" {
		parts = append(parts, v.Bar)
	}
	text := joined(strings.Join(append(parts, v.Of), " "), v.Facts)
	return text + prefixed("; last: ", v.Current)
}

func bar(done, total int) string {
	const width = 20
	full := 0
	if total > 0 {
		full = min(max(width*done/total, 0), width)
	}
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

func percent(done, total int) string {
	if total <= 0 {
		return ""
	}
	return fmt.Sprintf("%d%%", 100*done/total)
}

// rate is how many invocations a second finish: of those that were seen to.
func rate(p lab.Progress) string {
	if p.Fresh == 0 || p.Elapsed < 100*time.Millisecond {
		return ""
	}
	perSecond := float64(p.Fresh) / p.Elapsed.Seconds()
	return fixed(perSecond, significant(perSecond, 2)) + "/s"
}

func left(p lab.Progress) string {
	if p.Fresh == 0 || p.Elapsed < 500*time.Millisecond || p.Done >= p.Total {
		return ""
	}
	each := p.Elapsed / time.Duration(p.Fresh)
	return "about " + span(each*time.Duration(p.Total-p.Done)) + " left"
}

// span writes a duration for people: "0.4 s", "12 s", "3 min 5 s", "2 h 7 min".
func span(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	switch {
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	default:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	}
}
