;; throws what nobody catches
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (memory (export "memory") 1)
  (tag $e)
  (func (export "_start") (throw $e)))
