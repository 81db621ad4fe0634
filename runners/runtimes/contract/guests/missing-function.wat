(module ;; WASI, but a function that no version of it has
  (import "wasi_snapshot_preview1" "nothing" (func $nothing))
  (memory (export "memory") 1)
  (func (export "_start") (call $nothing)))
