package jupyterlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay/internal/kernel"
)

// A home is the folder in which a workspace's Jupyter keeps its things. All
// labs of the workspace share it, but each has a runtime folder of its own.
type home struct {
	dir     string
	runtime string   // connection files, the token, what the server says of itself
	owner   *os.File // locked as long as we use runtime
}

// keptLogs is how many logs of former labs are left in a home.
const keptLogs = 5

// makeHome makes the home in a workspace's root ready for one lab.
func makeHome(root string, o Options) (*home, error) {
	h := &home{dir: filepath.Join(root, ".assay", "jupyter")}
	if err := os.MkdirAll(filepath.Join(h.dir, "runtime"), 0o700); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	for path, content := range h.config(o) {
		if err := h.write(path, content); err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
	}
	if _, err := kernel.Install(o.Kernel, filepath.Join(h.dir, "data")); err != nil {
		return nil, err
	}
	if err := errors.Join(h.sweep(), h.own()); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	return h, nil
}

func (h *home) write(path string, content any) error {
	b, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return err
	}
	path = filepath.Join(h.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return renameio.WriteFile(path, append(b, '\n'), 0o600)
}

// config returns what is written for Jupyter, by file. What differs between
// two labs of one workspace is not in it: see arguments and environ.
func (h *home) config(o Options) map[string]any {
	type object = map[string]any
	kernels := object{"ensure_native_kernel": false, "allowed_kernelspecs": []string{kernel.Name}}
	if o.AllKernels {
		kernels = object{"ensure_native_kernel": true}
	}
	return map[string]any{
		"config/jupyter_server_config.json": object{
			"ServerApp":                object{"allow_root": true, "answer_yes": true},
			"PasswordIdentityProvider": object{"hashed_password": ""},
			"KernelSpecManager":        kernels,
			// It asks npm, which writes into the home, and finds none for Go cells.
			"LanguageServerManager": object{"autodetect": false},
			"MultiKernelManager":    object{"default_kernel_name": kernel.Name},
		},
		"config/jupyter_lab_config.json": object{
			// The page installs nothing into an environment that is named for what is in it.
			"LabApp": object{"extension_manager": "readonly", "check_for_updates_class": "jupyterlab.NeverCheckForUpdate", "news_url": nil},
		},
		"config/labconfig/default_setting_overrides.json": object{
			"@jupyterlab/apputils-extension:notification": object{"fetchNews": "false", "checkForUpdates": false},
			"@jupyterlab/completer-extension:manager":     object{"providerTimeout": 10_000}, // ms; gopls may take more than Lab's one second
		},
	}
}

// own makes the lab's runtime folder and marks it as in use: the file that
// does gets its name when it is locked, so that what has that name is in use
// or left behind.
func (h *home) own() error {
	runtime, err := os.MkdirTemp(filepath.Join(h.dir, "runtime"), "")
	if err != nil {
		return err
	}
	h.runtime = runtime
	if h.owner, err = os.Create(runtime + ".new"); err != nil {
		return err
	}
	return errors.Join(unix.Flock(int(h.owner.Fd()), unix.LOCK_EX), os.Rename(h.owner.Name(), h.ownerFile()))
}

func (h *home) ownerFile() string { return h.runtime + ownerSuffix }

// ownerSuffix ends the name of the file that is locked while the folder of
// that name is in use.
const ownerSuffix = ".owner"

// sweep removes what killed labs left behind, and old logs.
func (h *home) sweep() error {
	owners, err := filepath.Glob(filepath.Join(h.dir, "runtime", "*"+ownerSuffix))
	if err != nil {
		return err
	}
	var problems []error
	for _, path := range owners {
		f, err := os.Open(path)
		if err != nil {
			continue // its lab has ended meanwhile
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			problems = append(problems, os.RemoveAll(strings.TrimSuffix(path, ownerSuffix)))
			if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) { // its lab may just have removed it
				problems = append(problems, err)
			}
		}
		f.Close()
	}
	logs, err := filepath.Glob(filepath.Join(h.dir, "lab-*.log"))
	if err != nil {
		return err
	}
	slices.Sort(logs) // their names begin with the time
	for _, path := range logs[:max(0, len(logs)-keptLogs)] {
		problems = append(problems, os.Remove(path))
	}
	return errors.Join(problems...)
}

// release removes the runtime folder.
func (h *home) release() error {
	err := errors.Join(os.RemoveAll(h.runtime), os.Remove(h.ownerFile()))
	return errors.Join(err, h.owner.Close())
}

// tokenFile is where the server reads its token: arguments and environments
// are shown by ps or inherited by cells.
func (h *home) tokenFile() string { return filepath.Join(h.runtime, "token") }

// environ returns the environment of the server: ours, with its Jupyter
// variables and no other's.
func (h *home) environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name != "JUPYTER_PATH" && (strings.HasPrefix(name, "JUPYTER") || strings.HasPrefix(name, "JPY_") || name == "IPYTHONDIR") {
			continue
		}
		env = append(env, kv)
	}
	for name, path := range map[string]string{
		"JUPYTER_CONFIG_DIR":        "config",
		"JUPYTER_DATA_DIR":          "data",
		"JUPYTERLAB_SETTINGS_DIR":   "settings",
		"JUPYTERLAB_WORKSPACES_DIR": "layouts",
		"IPYTHONDIR":                "ipython",
	} {
		env = append(env, name+"="+filepath.Join(h.dir, path))
	}
	return append(env, "JUPYTER_RUNTIME_DIR="+h.runtime, "JUPYTER_TOKEN_FILE="+h.tokenFile())
}
