// Does nothing: what it costs is what starting costs, of a program without a
// language's runtime.
int main(void) { return 0; }
