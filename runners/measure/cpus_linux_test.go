package measure

import (
	"fmt"
	"slices"
	"testing"
)

func TestCPULists(t *testing.T) {
	for list, want := range map[string][]int{"0": {0}, "1,3": {1, 3}, "0-2,5": {0, 1, 2, 5}, "1023": {1023}} {
		if got, err := parseCPUs(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("parseCPUs(%q) = %v, %v; want %v", list, got, err, want)
		}
	}
}

func FuzzCPULists(f *testing.F) {
	for _, list := range []string{"0-1,3", "", "3-1", "0-1024", "-", "1,,2", "99999999999999999999"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		cpus, err := parseCPUs(list)
		if (err == nil) != (len(cpus) > 0) {
			t.Errorf("parseCPUs(%q) = %d processors, %v", list, len(cpus), err)
		}
		for _, cpu := range cpus {
			if again, err := parseCPUs(fmt.Sprint(cpu)); err != nil || !slices.Equal(again, []int{cpu}) {
				t.Errorf("parseCPUs(%q) has %d, which is read as %v, %v", list, cpu, again, err)
			}
		}
	})
}
