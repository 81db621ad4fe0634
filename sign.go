package assay

// A Sign reads one way in which a runtime's process ends. A trial lists them;
// the first that matches names the outcome. Every field that is set must
// match. Without a match the status itself decides.
type Sign struct {
	Outcome Outcome  `json:"outcome"`
	Exit    []int    `json:"exit,omitempty"`   // any of these statuses
	Signal  []string `json:"signal,omitempty"` // died by any of these; "*": by any signal
	Stdout  string   `json:"stdout,omitempty"` // regular expression (RE2) found in the last 16 KiB
	Stderr  string   `json:"stderr,omitempty"` // likewise, or in the first 4 KiB
}
