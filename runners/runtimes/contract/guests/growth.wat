(module ;; grows its memory by 60 MiB, and says whether it may
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "refused\n" "grown\n")
  (func (export "_start")
    (if (i32.eq (memory.grow (i32.const 960)) (i32.const -1))
      (then (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 8)))
      (else (i32.store (i32.const 0) (i32.const 24)) (i32.store (i32.const 4) (i32.const 6))))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
