package assay

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxCPU is the highest number of a processor that a list may have: no kernel
// has a higher one.
const MaxCPU = 8191

// ParseCPUs returns the numbers of a list of processors such as "0-1,3", as
// experiments and the kernel write it: each once, in ascending order, without
// signs, spaces and leading zeros.
func ParseCPUs(list string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, ok1 := parseCPU(from)
		last, ok2 := parseCPU(to)
		switch {
		case !ok1 || !ok2 || ranged && last <= first:
			return nil, fmt.Errorf("processors %q: want numbers up to %d and ranges of them, such as 1 or 0-1,3", list, MaxCPU)
		case len(cpus) > 0 && first <= cpus[len(cpus)-1]:
			return nil, fmt.Errorf("processors %q: want each once, in ascending order", list)
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// parseCPU reads the number of a processor.
func parseCPU(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n <= MaxCPU && strconv.Itoa(n) == s
}
