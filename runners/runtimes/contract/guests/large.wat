(module ;; grows its memory by 512 MiB and touches it
  (memory (export "memory") 1)
  (func (export "_start") (local $p i32)
    (if (i32.eq (memory.grow (i32.const 8192)) (i32.const -1)) (then (unreachable)))
    (loop $again
      (i32.store8 (local.get $p) (i32.const 1))
      (local.set $p (i32.add (local.get $p) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $p) (i32.const 536870912))))))
