// Command noop does nothing: what it costs is what starting costs.
package main

func main() {}
