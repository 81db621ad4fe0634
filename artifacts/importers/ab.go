package importers

import (
	"context"
	"strings"

	"github.com/assay-notebooks/assay"
)

// ab reads what ApacheBench's -e and -g write.
var ab = Format{Name: "ab", Title: "ApacheBench: ab -e (percentiles, CSV) and ab -g (requests, TSV)", Revision: 2, read: readAB}

const (
	abPercentiles = "Percentage served,Time in ms"
	abRequests    = "starttime\tseconds\tctime\tdtime\tttime\twait"
)

func readAB(ctx context.Context, in *Input, out *Output) error {
	requests := out.trace("requests", "one row a request that was answered, from ab -g. ab sorts them by ttime: their order says nothing")
	answer := []*cell{
		requests.textCell(known("starttime", "", "", "when it began, on the clock and in the zone of the client")),
		requests.intCell(known("seconds", "s", assay.RoleStart, "when it began, since 1970")),
		requests.intCell(known("ctime", "ms", "", "time to connect")),
		requests.intCell(known("dtime", "ms", "", "from the connection to the end of the answer: ttime - ctime")),
		requests.intCell(known("ttime", "ms", assay.RoleLatency, "of the request with its connection; ab cuts it to whole milliseconds")),
		requests.intCell(known("wait", "ms", "", "from the request to the first byte of the answer")),
	}
	percentiles := out.trace("percentiles", "times by percentile, from ab -e")
	share := []*cell{
		percentiles.floatCell(known("percentile", "%", assay.RoleFactor, "share of the requests that took at most the latency; 0 is the shortest")),
		percentiles.floatCell(known("latency", "ms", assay.RoleLatency, "percentile of the times of requests with their connections")),
	}
	return in.each(ctx, out, "a table of ab -e, which begins with \""+abPercentiles+"\", or of ab -g, which begins with \"starttime\"", func(f *file) {
		switch first, _, _ := strings.Cut(f.text, "\n"); strings.TrimSuffix(first, "\r") {
		case abPercentiles:
			f.kind = "ab percentiles"
			f.table(percentiles, share, ",")
		case abRequests:
			f.kind = "ab requests"
			f.table(requests, answer, "\t")
		}
	})
}

// table reads the lines behind the first, whose fields a separator parts.
func (f *file) table(t *Trace, cells []*cell, separator string) {
	for n, line := range f.lines() {
		if n > 1 {
			f.row(t, n, cells, strings.Split(line, separator), line)
		}
	}
}
