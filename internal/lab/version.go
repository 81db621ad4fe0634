package lab

// Version is what run records say of assay. The linker sets it.
var Version = "unknown"
