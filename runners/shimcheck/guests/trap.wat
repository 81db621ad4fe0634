(module ;; a command: traps
  (memory (export "memory") 1)
  (func (export "_start") unreachable))
