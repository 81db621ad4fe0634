package jupyterlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/scratch"
)

// A home is the folder in which a workspace's Jupyter keeps its things. All
// labs of the workspace share it, but each has a runtime folder of its own.
type home struct {
	dir     string
	runtime *scratch.Dir // connection files, the token, what the server says of itself
}

const runtimePrefix = "lab."

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
	err := h.sweep()
	if err == nil {
		h.runtime, err = scratch.New(filepath.Join(h.dir, "runtime"), runtimePrefix, nil)
	}
	if err != nil {
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

// sweep removes what killed labs left behind, and old logs.
func (h *home) sweep() error {
	problems := []error{scratch.Sweep(filepath.Join(h.dir, "runtime"), runtimePrefix)}
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
func (h *home) release() error { return h.runtime.Remove() }

// tokenFile is where the server reads its token: arguments and environments
// are shown by ps or inherited by cells.
func (h *home) tokenFile() string { return filepath.Join(h.runtime.Path, "token") }

// environ returns the environment of the server: ours without the keys of
// stores, with its Jupyter variables and no other's.
func (h *home) environ() []string {
	var env []string
	for _, kv := range assay.WithoutSecrets(os.Environ()) {
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
	return append(env, "JUPYTER_RUNTIME_DIR="+h.runtime.Path, "JUPYTER_TOKEN_FILE="+h.tokenFile())
}
