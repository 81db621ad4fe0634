package hosts

import (
	"fmt"
	"math"
	"strconv"

	"github.com/assay-notebooks/assay"
)

// noise says what about a host makes its numbers less certain.
func noise(h assay.Host) []Finding {
	f := []Finding{{Good, "processor", fmt.Sprintf("%s, %d cores, %d MiB, kernel %s", h.CPU, h.Cores, h.Memory>>20, h.Kernel)}}
	if busy := OtherWork(h); busy != "" {
		f = append(f, Finding{Noisy, "load", busy})
	} else {
		f = append(f, Finding{Good, "load", h.Load1})
	}
	switch h.Governor {
	case "performance":
		f = append(f, Finding{Good, "governor", h.Governor})
	case "":
		f = append(f, Finding{Noisy, "governor", "not told by the kernel: the clock rate may vary unseen"})
	default:
		f = append(f, Finding{Noisy, "governor", h.Governor + `: "cpupower frequency-set -g performance" holds the clock rate`})
	}
	switch h.Turbo {
	case "on":
		f = append(f, Finding{Noisy, "turbo", "on: the clock rate depends on heat and on what other cores do"})
	case "off":
		f = append(f, Finding{Good, "turbo", h.Turbo})
	}
	switch h.SMT {
	case "":
	case "on":
		f = append(f, Finding{Noisy, "SMT", "on: two processors share a core; name one of each pair as cpus in the protocol"})
	default:
		f = append(f, Finding{Good, "SMT", h.SMT})
	}
	if h.Virtual != "" {
		f = append(f, Finding{Noisy, "virtual machine", h.Virtual + ": neighbours may take processor time"})
	}
	return f
}

// OtherWork says that a host has other work, or does not tell; "" if it has
// little.
func OtherWork(h assay.Host) string {
	load, err := strconv.ParseFloat(h.Load1, 64)
	if err != nil || math.IsNaN(load) {
		return "not told by the kernel: the machine may have other work"
	}
	if load <= 0.5*float64(h.Cores) {
		return ""
	}
	return fmt.Sprintf("%s on %d cores, over the last minute: other work, or the run before", h.Load1, h.Cores)
}

// Unready says what about a host is not as one wants it for measuring.
func Unready(h assay.Host) []string {
	var all []string
	for _, f := range noise(h) {
		if f.Mark == Noisy {
			all = append(all, f.What+": "+f.Found)
		}
	}
	return all
}
