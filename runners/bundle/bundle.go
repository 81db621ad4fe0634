// Package bundle makes of a container image what OCI runtimes run: a root file
// system and a config.json. Images are hostile input: nothing is written
// outside of the directory that is given, and sizes are bounded.
//
// It pulls nothing and starts nothing.
package bundle

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
)

// Options say what a container is given besides its image.
type Options struct {
	Args   []string `json:"args,omitempty"` // in place of the image's Cmd; none: that
	Env    []string `json:"env,omitempty"`  // KEY=VALUE, after the image's
	Dirs   []Dir    `json:"dirs,omitempty"`
	Memory int64    `json:"memory,omitempty"` // bytes that its control group may use; 0: no limit
}

// A Dir is a directory of the host that the container sees.
type Dir struct {
	Host     string `json:"host"`  // absolute, or relative to where Make is called
	Guest    string `json:"guest"` // absolute, or relative to the container's working directory
	ReadOnly bool   `json:"read_only,omitempty"`
}

// Make makes dir/name a bundle for the image whose manifest is the file
// manifest. The image's blobs are files beside that, named by the hexadecimal
// digits of their digests. The root file system is dir/rootfs, which all
// bundles in dir share and none can write to; one that is there is taken as it
// is. Nobody else may enter dir: an image's programs have the owners and the
// bits of setuid that it says, which are not for users of the host.
func Make(manifest, dir, name string, o Options) error {
	if !filepath.IsLocal(name) || name == rootfs {
		return fmt.Errorf("bundle: name %q", name)
	}
	img, err := open(manifest)
	if err != nil {
		return fmt.Errorf("image %s: %w", manifest, err)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, 0o700)); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	if err := img.layOut(dir); err != nil {
		return fmt.Errorf("image %s: %w", manifest, err)
	}
	spec, err := img.spec(dir, o)
	if err != nil {
		return fmt.Errorf("image %s: %w", manifest, err)
	}
	b, err := json.MarshalIndent(spec, "", "\t")
	if err != nil {
		return err
	}
	bundle := filepath.Join(dir, name)
	if err := os.MkdirAll(bundle, 0o755); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	return os.WriteFile(filepath.Join(bundle, "config.json"), append(b, '\n'), 0o644)
}

// rootfs is the directory of the root file system, and layers of a digest each
// what it is while it is made.
const rootfs = "rootfs"

// layOut makes dir/rootfs of the image's layers.
func (img image) layOut(dir string) error {
	whole := filepath.Join(dir, rootfs)
	if _, err := os.Stat(whole); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	part, err := os.MkdirTemp(dir, rootfs+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if err := os.Chmod(part, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(part)
	if err != nil {
		return err
	}
	defer root.Close()
	left := unpacked{bytes: maxBytes, entries: maxEntries}
	for _, l := range img.manifest.Layers {
		if err := img.unpack(root, l, &left); err != nil {
			return fmt.Errorf("layer %v: %w", l.Digest, err)
		}
	}
	for _, m := range mounts {
		if err := root.MkdirAll(strings.TrimPrefix(m.Destination, "/"), 0o755); err != nil {
			return err
		}
	}
	return os.Rename(part, whole)
}

// A spec is config.json of the OCI runtime specification, as far as it is
// written here.
type spec struct {
	Version  string   `json:"ociVersion"`
	Process  process  `json:"process"`
	Root     root     `json:"root"`
	Hostname string   `json:"hostname"`
	Mounts   []mount  `json:"mounts"`
	Linux    linuxOCI `json:"linux"`
}

type process struct {
	User            user         `json:"user"`
	Args            []string     `json:"args"`
	Env             []string     `json:"env"`
	Cwd             string       `json:"cwd"`
	Capabilities    capabilities `json:"capabilities"`
	NoNewPrivileges bool         `json:"noNewPrivileges"`
}

type user struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

type capabilities struct {
	Bounding  []string `json:"bounding"`
	Effective []string `json:"effective"`
	Permitted []string `json:"permitted"`
}

type root struct {
	Path     string `json:"path"`
	ReadOnly bool   `json:"readonly"`
}

type mount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type"`
	Source      string   `json:"source"`
	Options     []string `json:"options,omitempty"`
}

type linuxOCI struct {
	Namespaces    []namespace `json:"namespaces"`
	Resources     *resources  `json:"resources,omitempty"`
	MaskedPaths   []string    `json:"maskedPaths"`
	ReadonlyPaths []string    `json:"readonlyPaths"`
}

type namespace struct {
	Type string `json:"type"`
}

type resources struct {
	Memory struct {
		Limit int64 `json:"limit"`
	} `json:"memory"`
}

// What runc's own "runc spec" makes, without rlimits, which a process needs
// CAP_SYS_RESOURCE to raise, and without the control groups' file system, which
// crun cannot mount everywhere.
var (
	mounts = []mount{
		{"/proc", "proc", "proc", nil},
		{"/dev", "tmpfs", "tmpfs", []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{"/dev/pts", "devpts", "devpts", []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		{"/dev/shm", "tmpfs", "shm", []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{"/dev/mqueue", "mqueue", "mqueue", []string{"nosuid", "noexec", "nodev"}},
		{"/sys", "sysfs", "sysfs", []string{"nosuid", "noexec", "nodev", "ro"}},
		{"/tmp", "tmpfs", "tmpfs", []string{"nosuid", "nodev", "mode=1777"}},
	}
	namespaces = []namespace{{"pid"}, {"network"}, {"ipc"}, {"uts"}, {"mount"}}
	capable    = []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	masked     = []string{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"}
	readonly = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// spec says how the image is run with o.
func (img image) spec(dir string, o Options) (spec, error) {
	c := img.config.Config
	args := slices.Concat(c.Entrypoint, c.Cmd)
	if len(o.Args) > 0 {
		args = slices.Concat(c.Entrypoint, o.Args)
	}
	if len(args) == 0 {
		return spec{}, errors.New("it names no program: give the workload args")
	}
	who, err := parseUser(c.User)
	if err != nil {
		return spec{}, err
	}
	env := slices.Concat(c.Env, o.Env)
	if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, "PATH=") }) {
		env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, env...)
	}
	whole, err := filepath.Abs(filepath.Join(dir, rootfs))
	if err != nil {
		return spec{}, err
	}
	s := spec{
		Version: "1.0.2",
		Process: process{User: who, Args: args, Env: env, Cwd: cmp.Or(c.WorkingDir, "/"), NoNewPrivileges: true,
			Capabilities: capabilities{capable, capable, capable}},
		Root:     root{whole, true},
		Hostname: "assay",
		Mounts:   slices.Clone(mounts),
		Linux:    linuxOCI{Namespaces: namespaces, MaskedPaths: masked, ReadonlyPaths: readonly},
	}
	for _, d := range o.Dirs {
		host, err := filepath.Abs(d.Host)
		if err != nil {
			return spec{}, err
		}
		guest := d.Guest
		if !filepath.IsAbs(guest) {
			guest = filepath.Join(s.Process.Cwd, guest)
		}
		if guest == "/" { // nothing can be mounted over what runs
			guest = workDir
			s.Process.Cwd = workDir
		}
		m := mount{guest, "bind", host, []string{"rbind", "rw"}}
		if d.ReadOnly {
			m.Options[1] = "ro"
		}
		if err := mountPoint(whole, guest); err != nil {
			return spec{}, err
		}
		s.Mounts = append(s.Mounts, m)
	}
	if o.Memory > 0 {
		s.Linux.Resources = new(resources)
		s.Linux.Resources.Memory.Limit = o.Memory
	}
	return s, nil
}

// workDir is the working directory of a container that is given one and whose
// image says "/".
const workDir = "/work"

// mountPoint makes the directory that a container is to see at guest.
func mountPoint(rootfs, guest string) error {
	root, err := os.OpenRoot(rootfs)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.MkdirAll(strings.TrimPrefix(filepath.Clean(guest), "/"), 0o755)
}

// parseUser reads an image's User: "", or numbers with a colon between.
func parseUser(s string) (user, error) {
	if s == "" || s == "root" {
		return user{}, nil
	}
	id, group, both := strings.Cut(s, ":")
	if !both {
		group = "0"
	}
	uid, err := strconv.ParseUint(id, 10, 31)
	gid, err2 := strconv.ParseUint(group, 10, 31)
	if err != nil || err2 != nil {
		return user{}, fmt.Errorf("its user is %q: build it with a number there", s)
	}
	return user{int(uid), int(gid)}, nil
}

// blobPath returns where a blob of the image is.
func (img image) blobPath(d assay.Digest) string { return filepath.Join(img.dir, d.Hex()) }
