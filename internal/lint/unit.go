package lint

// A dimension is what units can be converted within.
type dimension string

const (
	seconds   dimension = "s"
	perSecond dimension = "1/s"
	bytes     dimension = "bytes"
	byteRate  dimension = "bytes/s"
)

// units says how many of its dimension's units each unit is.
var units = map[string]struct {
	scale float64
	of    dimension
}{
	"ns": {1e-9, seconds}, "us": {1e-6, seconds}, "µs": {1e-6, seconds}, "ms": {1e-3, seconds}, "s": {1, seconds}, "min": {60, seconds},
	"1/s": {1, perSecond}, "1/min": {1. / 60, perSecond},
	"B": {1, bytes}, "bytes": {1, bytes}, "kB": {1e3, bytes}, "KiB": {1 << 10, bytes}, "MB": {1e6, bytes}, "MiB": {1 << 20, bytes},
	"B/s": {1, byteRate}, "bytes/s": {1, byteRate}, "kB/s": {1e3, byteRate}, "KiB/s": {1 << 10, byteRate}, "MB/s": {1e6, byteRate}, "MiB/s": {1 << 20, byteRate},
}
