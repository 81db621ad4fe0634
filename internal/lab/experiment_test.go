package lab

import (
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestParseLimits(t *testing.T) {
	l, err := parseLimits(assay.SpecLimits{Timeout: "1m30s", Memory: "512MiB", Output: "10"})
	if err != nil || l.Timeout.Seconds() != 90 || l.Memory != 512<<20 || l.Output != 10 {
		t.Errorf("parseLimits = %+v, %v", l, err)
	}
	if l, err := parseLimits(assay.SpecLimits{}); err != nil || l.Timeout != assay.DefaultTimeout || l.Output != assay.DefaultOutput || l.Memory != 0 {
		t.Errorf("no limits = %+v, %v; want the defaults", l, err)
	}
	for _, in := range []assay.SpecLimits{
		{Timeout: "5"}, {Timeout: "-1s"}, {Timeout: "0s"}, {Memory: "5MB"}, {Memory: "-5"}, {Memory: "0"}, {Memory: "1e3"},
		{Output: "GiB"}, {Output: "99999999999GiB"}, {Output: "1.5MiB"}, {Memory: "MiB5"},
	} {
		if l, err := parseLimits(in); err == nil {
			t.Errorf("parseLimits(%+v) = %+v, want error", in, l)
		}
	}
}
