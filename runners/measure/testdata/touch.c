// touch KIND PAGES [FILE]: map so many pages, touch each, print how many
// mappings there are now, and exit. Kinds: private, freed (before the exit),
// shared (with a child that has touched them too and lives on), file, thread
// (private, and another thread than the first ends the process), orphan (the
// first thread leaves before another ends the process).
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int mappings(void) {
	int n = 0, c;
	FILE *maps = fopen("/proc/self/maps", "r");
	while ((c = getc(maps)) != EOF)
		n += c == '\n';
	return n;
}

static void end(void) {
	printf("%d\n", mappings());
	fflush(stdout);
	_exit(0);
}

// other ends the process when the first thread waits, or has left.
static void *other(void *first) {
	if (first)
		pthread_join(*(pthread_t *)first, 0);
	end();
	return 0;
}

int main(int argc, char **argv) {
	const char *kind = argv[1];
	size_t page = sysconf(_SC_PAGESIZE), size = strtoul(argv[2], 0, 10) * page;
	int shared = !strcmp(kind, "shared"), file = -1, ready[2];
	if (!strcmp(kind, "file") && (file = open(argv[3], O_RDONLY)) < 0)
		return 2;
	volatile char *p = 0;
	if (size && (p = mmap(0, size, file < 0 ? PROT_READ | PROT_WRITE : PROT_READ,
			(shared ? MAP_SHARED : MAP_PRIVATE) | (file < 0 ? MAP_ANONYMOUS : 0), file, 0)) == MAP_FAILED)
		return 3;
	if (size)
		madvise((void *)p, size, MADV_NOHUGEPAGE);
	pid_t child = -1;
	if (pipe(ready))
		return 4;
	if (shared)
		child = fork();
	for (size_t i = 0; i < size; i += page) {
		if (file < 0)
			p[i] = 1;
		else
			(void)p[i];
	}
	if (!child) {
		if (write(ready[1], "", 1) == 1)
			pause();
		return 5;
	}
	char byte;
	if (shared && read(ready[0], &byte, 1) != 1)
		return 6;
	if (!strcmp(kind, "freed") && size)
		munmap((void *)p, size);
	pthread_t thread;
	static pthread_t first;
	first = pthread_self();
	if (!strcmp(kind, "thread") && !pthread_create(&thread, 0, other, 0))
		pause();
	if (!strcmp(kind, "orphan") && !pthread_create(&thread, 0, other, &first))
		pthread_exit(0);
	end();
}
