package lab

import "path/filepath"

// RegistryDir returns the folder in which the workspace at root keeps the
// registry that it serves. It is no part of the archive.
func RegistryDir(root string) string { return filepath.Join(root, workspaceDir, "registry") }
