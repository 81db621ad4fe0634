package measure

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
)

// readyLoad is the highest load average for each processor that we call quiet.
const readyLoad = 0.2

// fastClocks are clock sources that are read without a system call.
var fastClocks = []string{"tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page"}

// Ready returns what about this machine, of which host is the fingerprint, is
// not as one wants it for measuring: a sentence each, with what one does about
// it. What the machine does not say is not in it.
func Ready(host assay.Host) []string { return unready(host, swapUsed()) }

func unready(host assay.Host, swap int64) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	quiet := readyLoad * float64(host.Cores)
	if load, err := strconv.ParseFloat(host.Load1, 64); err == nil && load > quiet {
		say("load %s on %d processors: stop other work and wait until it is below %.1f", host.Load1, host.Cores, quiet)
	}
	if host.Governor != "" && host.Governor != "performance" {
		say("the frequency governor is %s, which changes the frequency while one measures: cpupower frequency-set -g performance", host.Governor)
	}
	if host.Turbo == "on" {
		say("turbo is on, so the frequency depends on heat and on the other processors: write 1 to /sys/devices/system/cpu/intel_pstate/no_turbo, or 0 to /sys/devices/system/cpu/cpufreq/boost")
	}
	if host.SMT == "on" {
		say("SMT is on, so two processors share one core: write off to /sys/devices/system/cpu/smt/control")
	}
	if host.Virtual != "" {
		say("the machine is virtual (%s), and others may use its processors unseen: confirm what matters on hardware", host.Virtual)
	}
	if swap > 0 {
		say("%d MiB of swap are in use: swapoff -a, or more memory", max(swap>>20, 1))
	}
	if host.Clock != "" && !slices.Contains(fastClocks, host.Clock) {
		say("the clock source is %s, and reading it is a slow system call: write tsc to /sys/devices/system/clocksource/clocksource0/current_clocksource", host.Clock)
	}
	return wrong
}
