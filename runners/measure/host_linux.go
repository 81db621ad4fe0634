package measure

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
)

// Host returns the fingerprint of this machine, which experiments call name.
// What the machine does not say stays empty.
func Host(name string) assay.Host {
	h := assay.Host{
		Name:     name,
		OS:       runtime.GOOS,
		Arch:     runtime.GOARCH,
		Cores:    online(),
		Memory:   memory(),
		Governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
		Virtual:  virtual(),
		Load1:    Load1(),
		Clock:    line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
		Turbo:    turbo(),
		SMT:      line("/sys/devices/system/cpu/smt/control"),
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		h.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	for _, key := range []string{"model name", "Model", "CPU part"} { // arm64 has no model name
		if h.CPU = cpuinfo(key); h.CPU != "" {
			break
		}
	}
	return h
}

// turbo says whether processors may run faster than their nominal frequency.
func turbo() string {
	on := map[string]string{"0": "on", "1": "off"}[line("/sys/devices/system/cpu/intel_pstate/no_turbo")]
	if on == "" {
		on = map[string]string{"1": "on", "0": "off"}[line("/sys/devices/system/cpu/cpufreq/boost")]
	}
	return on
}

// Load1 returns the load average of the last minute, as the kernel writes it.
func Load1() string {
	load, _, _ := strings.Cut(line("/proc/loadavg"), " ")
	return load
}

// online counts the processors of the machine, not those we may use.
func online() int {
	cpus, err := assay.ParseCPUs(line("/sys/devices/system/cpu/online"))
	if err != nil {
		return runtime.NumCPU()
	}
	return len(cpus)
}

func memory() int64 {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return 0
	}
	return int64(s.Totalram) * int64(s.Unit)
}

// virtual names the hypervisor and the container, as far as they show.
func virtual() string {
	var seen []string
	vendor, product := line("/sys/class/dmi/id/sys_vendor"), line("/sys/class/dmi/id/product_name")
	switch hypervisor := line("/sys/hypervisor/type"); {
	case hypervisor != "":
		seen = append(seen, hypervisor)
	case strings.Contains(" "+cpuinfo("flags")+" ", " hypervisor "):
		seen = append(seen, strings.TrimSpace("hypervisor "+strings.TrimSpace(vendor+" "+product)))
	}
	for _, container := range []struct{ path, name string }{{"/.dockerenv", "docker"}, {"/run/.containerenv", "podman"}} {
		if _, err := os.Stat(container.path); err == nil {
			seen = append(seen, container.name)
		}
	}
	return strings.Join(seen, ", ")
}

// cpuinfo returns the first value of key in /proc/cpuinfo.
func cpuinfo(key string) string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// line returns the first line of a file, "" if it cannot be read.
func line(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(first)
}
