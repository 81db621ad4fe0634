package measure

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// groupPrefix begins the name of each control group of ours; the process that
// made it follows, in which namespace that is, and when it started:
// NAMESPACE-PID-TICKS-NUMBER.
const groupPrefix = "assay-"

// leaf is the group in each of ours that the command begins in. What it starts
// in a group beside that, as runc does in version 2, is measured too.
const leaf = "command"

// Groups makes control groups below the one that this process is in.
type Groups struct {
	cpu, memory gauge    // what the groups are read by
	parents     []string // of the groups, one a hierarchy
	name        string   // of the next group, but for its number
	made        int
	left        []string // directories of ours that could not be removed yet
}

// A gauge is a number in a file of every group of a hierarchy.
type gauge struct {
	parent string // of the groups; "": there is no such hierarchy
	file   string
	key    string // of the line that has it; "": the file has nothing else
	unit   int64
}

// FindGroups returns where control groups can be made, having removed those
// that processes made here which are gone. The errors say why processor time,
// and peak memory, of groups cannot be read; if both cannot, groups is nil.
func FindGroups() (groups *Groups, cpu, memory error) {
	own, err := ownGroups()
	if err != nil {
		return nil, err, err
	}
	return findGroups(own)
}

// findGroups does it where this process has the groups of own: see ownGroups.
func findGroups(own map[string]string) (groups *Groups, cpu, memory error) {
	ticks, err := StartTicks(os.Getpid())
	if err != nil {
		return nil, err, err
	}
	namespace, err := pidNamespace()
	if err != nil {
		return nil, err, err
	}
	g := &Groups{name: fmt.Sprintf("%s%d-%d-%d-", groupPrefix, namespace, os.Getpid(), ticks)}
	var enabling error // the controller of memory
	g.cpu, g.memory = gauge{own["cpuacct"], "cpuacct.usage", "", 1}, gauge{own["memory"], "memory.max_usage_in_bytes", "", 1}
	if g.cpu.parent == "" {
		g.cpu = gauge{own[""], "cpu.stat", "usage_usec", 1000}
	}
	if g.memory.parent == "" {
		g.memory = gauge{own[""], "memory.peak", "", 1}
		if g.memory.parent != "" {
			enabling = enable(own[""], "memory")
		}
	}
	for _, p := range []string{g.cpu.parent, g.memory.parent} {
		if p != "" && (len(g.parents) == 0 || g.parents[0] != p) {
			g.parents = append(g.parents, p)
		}
	}
	for _, p := range g.parents {
		sweep(p, namespace)
	}
	try, err := g.New()
	if err != nil {
		err = fmt.Errorf("%w: run as root, or where control groups are delegated: systemd-run --user --scope -p Delegate=yes", err)
		return nil, err, err
	}
	_, cpu = try.read(g.cpu)
	if _, memory = try.read(g.memory); memory != nil && enabling != nil {
		memory = fmt.Errorf("%w; %w", memory, enabling)
	}
	if err := try.Close(); err != nil {
		return nil, err, err
	}
	if cpu != nil && memory != nil {
		g = nil
	}
	return g, cpu, memory
}

// enable has a controller of version 2 in the groups below dir.
func enable(dir, controller string) error {
	err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0)
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("the kernel enables %s only below a group without processes, and this one is in %s: where it has version 2 alone, only what runs in the root group is measured", controller, dir)
	}
	return err
}

// ownGroups returns the directory of this process's group by controller; that
// of version 2 is under "".
func ownGroups() (map[string]string, error) {
	own := make(map[string]string) // path in its hierarchy
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	for l := range strings.Lines(string(b)) { // "4:memory:/path", "0::/path"
		if parts := strings.SplitN(strings.TrimSpace(l), ":", 3); len(parts) == 3 {
			for controller := range strings.SplitSeq(parts[1], ",") {
				own[controller] = parts[2]
			}
		}
	}
	b, err = os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	dirs := make(map[string]string)
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		fields := strings.Fields(s.Text()) // id parent device root mountpoint options ... - type source options
		dash := 6
		for dash < len(fields) && fields[dash] != "-" {
			dash++
		}
		if dash+3 >= len(fields) {
			continue
		}
		root, point := fields[3], fields[4]
		controllers := []string{""}
		switch fields[dash+1] {
		case "cgroup":
			controllers = strings.Split(fields[dash+3], ",")
		case "cgroup2":
		default:
			continue
		}
		for _, c := range controllers {
			path, ok := own[c]
			if below, err := filepath.Rel(root, path); ok && err == nil && filepath.IsLocal(below) {
				dirs[c] = filepath.Join(point, below)
			}
		}
	}
	return dirs, nil
}

// pidNamespace returns the number of the namespace in which this process has
// its id.
func pidNamespace() (uint64, error) {
	var s unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &s); err != nil {
		return 0, fmt.Errorf("/proc/self/ns/pid: %w", err)
	}
	return s.Ino, nil
}

// sweep removes the groups of processes of a namespace, ours, that are gone. Of
// others it cannot know.
func sweep(parent string, namespace uint64) {
	left, _ := filepath.Glob(filepath.Join(parent, groupPrefix+"*"))
	for _, dir := range left {
		var pid, number int
		var in, ticks uint64
		name := strings.TrimPrefix(filepath.Base(dir), groupPrefix)
		if n, _ := fmt.Sscanf(name, "%d-%d-%d-%d", &in, &pid, &ticks, &number); n != 4 || in != namespace {
			continue
		}
		if now, err := StartTicks(pid); err != nil || now != ticks {
			removeGroup(dir) // another agent may be doing the same
		}
	}
}

// A Group is the control groups of one invocation, one a hierarchy.
type Group struct {
	of   *Groups
	name string
}

// New makes a group, having removed what earlier ones left. The caller must
// Close it.
func (g *Groups) New() (*Group, error) {
	g.left = slices.DeleteFunc(g.left, func(dir string) bool { return removeTree(dir) == nil })
	g.made++
	group := &Group{of: g, name: g.name + strconv.Itoa(g.made)}
	for _, dir := range group.Dirs() {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("control group: %w", err), group.Close())
		}
	}
	return group, nil
}

// Dirs returns what Options.Group takes.
func (g *Group) Dirs() []string {
	var dirs []string
	for _, p := range g.of.parents {
		dirs = append(dirs, filepath.Join(p, g.name, leaf))
	}
	return dirs
}

// Read returns the processor time in nanoseconds of everything that was in the
// group so far, and its highest memory in bytes; nil where FindGroups said that
// they cannot be read.
func (g *Group) Read() (cpu, memory *int64) {
	if v, err := g.read(g.of.cpu); err == nil {
		cpu = &v
	}
	if v, err := g.read(g.of.memory); err == nil {
		memory = &v
	}
	return cpu, memory
}

func (g *Group) read(of gauge) (int64, error) {
	if of.parent == "" {
		return 0, fmt.Errorf("%s: no control groups are mounted here", of.file)
	}
	path := filepath.Join(of.parent, g.name, of.file)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("control groups here have no %s: it needs Linux 5.19, and version 2 with that controller delegated", of.file)
	} else if err != nil {
		return 0, err
	}
	v, ok := field(b, of.key)
	if !ok {
		return 0, fmt.Errorf("%s: no number %s", path, of.key)
	}
	return v * of.unit, nil
}

// Close kills what is in the group and removes it. Where what was killed takes
// its time to be gone, that is no error: the group is removed when a later one
// is made, or by who finds groups when this process is gone.
func (g *Group) Close() error {
	var errs []error
	for _, p := range g.of.parents {
		dir := filepath.Join(p, g.name)
		if err := removeGroup(dir); errors.Is(err, unix.EBUSY) {
			g.of.left = append(g.of.left, dir)
		} else {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// removeGroup removes a group and those in it, killing their processes. Those
// take a while to be gone, and until then the group cannot be removed.
func removeGroup(dir string) error {
	deadline := time.Now().Add(drainGrace)
	for {
		err := removeTree(dir)
		if err == nil || !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	killIn(dir)
	err = unix.Rmdir(dir)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove control group %s: %w", dir, err)
	}
	return nil
}

// killIn kills the processes of one group.
func killIn(dir string) {
	for _, pid := range processesIn(dir) {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// processesIn returns the processes of one group. There are none in one that is
// gone, or of threads only.
func processesIn(dir string) (pids []int) {
	b, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for text := range strings.FieldsSeq(string(b)) {
		if pid, err := strconv.Atoi(text); err == nil && pid > 1 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killAll kills what is in groups that this process has left, and beside them.
// What is started there meanwhile is left to removeGroup.
func killAll(groups []string) { walkGroups(groups, killIn) }

// walkGroups does it with groups, what is beside them and what is below.
func walkGroups(groups []string, do func(dir string)) {
	for _, dir := range groups {
		filepath.WalkDir(filepath.Dir(dir), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				do(path)
			}
			return nil
		})
	}
}

// enter moves this process into groups, and what it starts begins there.
func enter(groups []string) error {
	for _, dir := range groups {
		if err := moveTo(dir); err != nil {
			return err
		}
	}
	return nil
}

// leave moves this process back to where those groups were made.
func leave(groups []string) error {
	for _, dir := range groups {
		if err := moveTo(filepath.Dir(filepath.Dir(dir))); err != nil {
			return err
		}
	}
	return nil
}

// abandon leaves groups and removes them, with all that is in them.
func abandon(groups []string) error {
	err := leave(groups)
	for _, dir := range groups {
		err = errors.Join(err, removeGroup(filepath.Dir(dir)))
	}
	return err
}

func moveTo(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0); err != nil {
		return fmt.Errorf("enter control group: %w", err)
	}
	return nil
}
