package figure

import (
	"fmt"
	"slices"
	"strings"
)

// The columns of samples that say how code was executed.
const (
	modeColumn    = "mode"
	cacheColumn   = "cache"           // where compiled code came from; none where the runtime compiles nothing
	threadsColumn = "compile_threads" // none where none does, or it is not known
)

// nativeMode is that of code which neither the runtime nor its user's machine compiled.
const nativeMode = "native"

// A modeLook is how Bar draws the categories of a mode.
type modeLook struct {
	mode string
	look look
}

// modeLooks are in the order of a legend.
var modeLooks = []modeLook{
	{nativeMode, look{color: palette[6], marker: disc, hatch: sparse}},
	{"interpreter", look{color: palette[3], marker: square, hatch: rising}},
	{"jit", look{color: palette[5], marker: triangle, hatch: upright}},
	{"aot", look{color: palette[0], marker: diamond, hatch: crossed}},
	{"precompiled", look{color: palette[2], marker: ring, hatch: flat}},
}

// A way is how the code of some categories was executed.
type way struct {
	mode  int    // index into modeLooks
	text  string // "aot, cache off, 2 threads"
	names []string
}

// Modes says below the drawing how the code of each category of g was executed,
// by the columns mode, cache and compile_threads, and has Bar draw those of one
// mode in one colour and shape. Code that is compiled, and by no runtime, is of
// the mode native. Only rows that are measurements count.
func (f *Figure) Modes(g Group) { f.ways, f.waysErr = waysOf(g) }

// waysOf returns the ways in the order of modeLooks, and those of one mode in
// the order of the categories.
func waysOf(g Group) ([]way, error) {
	if g.err != nil {
		return nil, g.err
	}
	var columns [3][]string
	for i, name := range []string{modeColumn, cacheColumn, threadsColumn} {
		var err error
		if columns[i], err = g.of.Strings(name); err != nil {
			return nil, err
		}
	}
	of := make([]way, len(g.names))
	outcome, _ := measured(g.of)
	for i, mode := range columns[0] {
		if outcome(i) != "" {
			continue
		}
		cache, threads := columns[1][i], columns[2][i]
		if mode == "aot" && cache == "" {
			mode = nativeMode
		}
		w := way{text: mode, mode: slices.IndexFunc(modeLooks, func(l modeLook) bool { return l.mode == mode })}
		if w.mode < 0 {
			return nil, fmt.Errorf("%q is no mode", mode)
		}
		if cache != "" {
			w.text += ", cache " + cache
		}
		switch threads {
		case "":
		case "1":
			w.text += ", 1 thread"
		default:
			w.text += ", " + threads + " threads"
		}
		at := &of[g.code[i]]
		if at.text != "" && at.text != w.text {
			return nil, fmt.Errorf("%q is executed in two ways: %s, and %s; group by what tells them apart too", g.names[g.code[i]], at.text, w.text)
		}
		*at = w
	}
	var ways []way
	for i, name := range g.names {
		if of[i].text == "" {
			continue // no measurement
		}
		at := slices.IndexFunc(ways, func(w way) bool { return w.text == of[i].text })
		if at < 0 {
			at, ways = len(ways), append(ways, of[i])
		}
		ways[at].names = append(ways[at].names, name)
	}
	slices.SortStableFunc(ways, func(a, b way) int { return a.mode - b.mode })
	return ways, nil
}

// waysNote returns "Mode: interpreter (wasm3, wamr); jit, cache off (v8).",
// without names where all are alike; "" for no ways.
func waysNote(ways []way) string {
	var parts []string
	for _, w := range ways {
		if len(ways) == 1 {
			return "Mode: " + w.text + "."
		}
		parts = append(parts, w.text+" ("+strings.Join(w.names, ", ")+")")
	}
	if parts == nil {
		return ""
	}
	return "Mode: " + strings.Join(parts, "; ") + "."
}

// looksOf returns the look of each category: by its mode, where the figure says
// modes, and else its own.
func (f *Figure) looksOf(categories []cell) []look {
	var looks []look
	for i, c := range categories {
		l := lookOf(i)
		for _, w := range f.ways {
			if slices.Contains(w.names, c.category) {
				l = modeLooks[w.mode].look
			}
		}
		looks = append(looks, l)
	}
	return looks
}

// modeKeys returns the legend of the ways, a key for each mode.
func modeKeys(ways []way, how keyKind) []key {
	var keys []key
	for i, w := range ways {
		if i == 0 || ways[i-1].mode != w.mode {
			keys = append(keys, key{look: modeLooks[w.mode].look, name: modeLooks[w.mode].mode, how: how})
		}
	}
	return keys
}
