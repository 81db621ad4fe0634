;; what its memory is to begin with does not fit
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 65535) "ab")
  (func (export "_start")))
