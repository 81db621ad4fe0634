;; adds to memory that threads may share
(module
  (memory (export "memory") 1 1 shared)
  (func (export "_start")
    (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 42)))
    (if (i32.ne (i32.atomic.load (i32.const 8)) (i32.const 42)) (then unreachable))))
