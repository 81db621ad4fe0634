;; its start function traps
(module (memory (export "memory") 1) (start $start) (func $start unreachable) (func (export "_start")))
