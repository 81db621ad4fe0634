package measure

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckCPUs returns an error if one of the processors of a list such as "0-1,3"
// is not for this process to run on.
func CheckCPUs(list string) error {
	cpus, err := parseCPUs(list)
	if err != nil {
		return err
	}
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return fmt.Errorf("processors %s: %w", list, err)
	}
	for _, cpu := range cpus {
		if !may.IsSet(cpu) {
			return fmt.Errorf("processors %s: %d is not one that this process may run on (%s, online here: %s): change cpus in the protocol, or the affinity of what starts the run",
				list, cpu, setString(&may), line("/sys/devices/system/cpu/online"))
		}
	}
	return nil
}

// maxCPUs bounds the numbers of processors: as many as a unix.CPUSet has.
const maxCPUs = 1024

// parseCPUs returns the numbers of a list such as "0-1,3", in its order.
func parseCPUs(list string) ([]int, error) {
	var cpus []int
	for r := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(r, "-")
		a, err := strconv.ParseUint(first, 10, 32)
		b := a
		if err == nil && isRange {
			b, err = strconv.ParseUint(last, 10, 32)
		}
		if err != nil || b < a || b >= maxCPUs {
			return nil, fmt.Errorf("processors %q: want numbers below %d and ranges such as 0-1,3", list, maxCPUs)
		}
		for ; a <= b; a++ {
			cpus = append(cpus, int(a))
		}
	}
	return cpus, nil
}

// setString lists the processors of a set.
func setString(set *unix.CPUSet) string {
	var numbers []string
	for cpu := range maxCPUs {
		if set.IsSet(cpu) {
			numbers = append(numbers, strconv.Itoa(cpu))
		}
	}
	return strings.Join(numbers, ",")
}
