package runtimes

// notEnabled matches what wasmparser says of a module that takes a feature of
// WebAssembly that is not on. It is the Rust library that wasmtime, wasmer, wasmi
// and lucet's compiler check modules with.
const notEnabled = `(support is not enabled|must be enabled|proposal not enabled|feature required for |feature is not enabled|not supported without the |requires? the \S+ proposal)`
