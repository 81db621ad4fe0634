package lint

// A dimension is what units can be converted within.
type dimension string

const (
	seconds   dimension = "s"
	perSecond dimension = "1/s"
	octets    dimension = "bytes"
	byteRate  dimension = "bytes/s"
)

// units says how many of its dimension's units each unit is.
var units = map[string]struct {
	scale float64
	of    dimension
}{
	"ns": {1e-9, seconds}, "us": {1e-6, seconds}, "µs": {1e-6, seconds}, "ms": {1e-3, seconds}, "s": {1, seconds}, "min": {60, seconds},
	"1/s": {1, perSecond}, "1/min": {1. / 60, perSecond},
	"B": {1, octets}, "bytes": {1, octets}, "kB": {1e3, octets}, "KiB": {1 << 10, octets}, "MB": {1e6, octets}, "MiB": {1 << 20, octets},
	"B/s": {1, byteRate}, "bytes/s": {1, byteRate}, "kB/s": {1e3, byteRate}, "KiB/s": {1 << 10, byteRate}, "MB/s": {1e6, byteRate}, "MiB/s": {1 << 20, byteRate},
}
