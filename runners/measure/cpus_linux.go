package measure

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
)

// CheckCPUs returns an error if one of the processors of a list such as "0-1,3"
// is not for this process to run on.
func CheckCPUs(list string) error {
	cpus, err := assay.ParseCPUs(list)
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

// setString lists the processors of a set.
func setString(set *unix.CPUSet) string {
	var numbers []string
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			numbers = append(numbers, strconv.Itoa(cpu))
		}
	}
	return strings.Join(numbers, ",")
}
