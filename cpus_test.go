package assay_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestParseCPUs(t *testing.T) {
	for in, want := range map[string][]int{
		"0": {0}, "7": {7}, "0-1": {0, 1}, "0-1,3": {0, 1, 3}, "0,1": {0, 1}, "1,2,8190-8191": {1, 2, 8190, 8191},
	} {
		if got, err := assay.ParseCPUs(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("ParseCPUs(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "a", "-1", "1-", "1-0", "1-1", "1,1", "3,1", "0-2,2", "01", "+1", " 1", "1,", "1-2-3", "8192", "0-99999999999999999999"} {
		if got, err := assay.ParseCPUs(in); err == nil {
			t.Errorf("ParseCPUs(%q) = %d, want an error", in, got)
		}
	}
}

// A list that is read has its processors in ascending order, and means the
// same with all of them written out.
func FuzzParseCPUs(f *testing.F) {
	for _, list := range []string{"0-1,3", "", "3-1", "0-8192", "-", "1,,2", "99999999999999999999"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		cpus, err := assay.ParseCPUs(list)
		if err != nil {
			if cpus != nil {
				t.Errorf("ParseCPUs(%q) = %d with error %v", list, cpus, err)
			}
			return
		}
		var numbers []string
		for i, cpu := range cpus {
			if cpu < 0 || cpu > assay.MaxCPU || i > 0 && cpu <= cpus[i-1] {
				t.Errorf("ParseCPUs(%q) has %d at %d", list, cpu, i)
			}
			numbers = append(numbers, strconv.Itoa(cpu))
		}
		if again, err := assay.ParseCPUs(strings.Join(numbers, ",")); err != nil || !slices.Equal(again, cpus) {
			t.Errorf("ParseCPUs(%q) = %d; written out %d, %v", list, cpus, again, err)
		}
	})
}
