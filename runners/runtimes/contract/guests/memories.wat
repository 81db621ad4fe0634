;; what is in one memory is not in the other
(module
  (memory (export "memory") 1)
  (memory $other 1)
  (func (export "_start")
    (i32.store $other (i32.const 8) (i32.const 42))
    (if (i32.load (i32.const 8)) (then unreachable))
    (if (i32.ne (i32.load $other (i32.const 8)) (i32.const 42)) (then unreachable))))
