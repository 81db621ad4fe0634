// Without a file of assembly the compiler refuses nanotime, which has no body.
