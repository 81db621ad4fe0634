// What a C library does, by the first argument: "abort" aborts; "read" copies
// the file in of the working directory to stdout; "write" writes the file out
// there and says whether it may; "env" says the variables A, B and C, in that
// order, for a runtime's is any. Else: answers with its arguments joined.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int copy(void) {
  FILE *in = fopen("in", "r");
  if (!in) return 1;
  for (int c; (c = getc(in)) != EOF;) putchar(c);
  return fclose(in);
}

static int make(void) {
  FILE *out = fopen("out", "w");
  if (!out || fputs("written\n", out) < 0 || fclose(out)) return puts("refused") < 0;
  return puts("written") < 0;
}

static int environment(void) {
  for (char name[] = "A"; *name <= 'C'; ++*name) {
    const char *value = getenv(name);
    fputs(name, stdout);
    putchar('=');
    if (puts(value ? value : "") < 0) return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  char *joined = calloc(1, 1 << 20);
  if (!joined) return 1;
  if (argc == 2 && !strcmp(argv[1], "abort")) abort();
  if (argc == 2 && !strcmp(argv[1], "read")) return copy();
  if (argc == 2 && !strcmp(argv[1], "write")) return make();
  if (argc == 2 && !strcmp(argv[1], "env")) return environment();
  for (int i = 1; i < argc; i++) strcat(strcat(joined, argv[i]), i + 1 < argc ? "+" : "\n");
  return fputs(joined, stdout) < 0;
}
