// A JSON document of 1500 records, read into a tree; of those that are active
// another document is made, and written. The answer is of its text.
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS = 1500, ROUNDS = 8, TEXT = 1 << 19, VALUES = 1 << 16 };

typedef enum { NIL, FALSE, TRUE, NUMBER, STRING, ARRAY, OBJECT } kind;

// A value is a node of the tree. A member of an object has a key.
typedef struct value {
    kind kind;
    int64_t number;
    const char *text, *key;
    struct value *first, *next; // its first element or member; the one after it
} value;

static char document[TEXT], result[TEXT], strings[TEXT];
static value values[VALUES];
static int used, kept; // of values, of strings

static void need(int ok) {
    if (!ok) {
        abort();
    }
}

// The text that is written.
typedef struct {
    char *at, *end;
} writer;

static void put(writer *w, const char *s) {
    size_t n = strlen(s);
    need(n < w->end - w->at);
    memcpy(w->at, s, n + 1);
    w->at += n;
}

static void put_number(writer *w, int64_t n) {
    char digits[24], *at = digits + sizeof digits;
    uint64_t left = n < 0 ? -(uint64_t)n : n;
    *--at = 0;
    do {
        *--at = '0' + left % 10;
        left /= 10;
    } while (left > 0);
    if (n < 0) {
        *--at = '-';
    }
    put(w, at);
}

static void put_string(writer *w, const char *s) {
    put(w, "\"");
    for (; *s != 0; s++) {
        char one[2] = {*s, 0}, escape[] = "\\u00..";
        if (*s == '"' || *s == '\\') {
            put(w, "\\");
        } else if ((uint8_t)*s < ' ') {
            escape[4] = "01"[*s / 16];
            escape[5] = "0123456789abcdef"[*s % 16];
        }
        put(w, *s == '\n' ? "\\n" : escape[4] != '.' ? escape : one);
    }
    put(w, "\"");
}

static void put_value(writer *w, const value *v) {
    switch (v->kind) {
    case NIL:
        put(w, "null");
        break;
    case FALSE:
        put(w, "false");
        break;
    case TRUE:
        put(w, "true");
        break;
    case NUMBER:
        put_number(w, v->number);
        break;
    case STRING:
        put_string(w, v->text);
        break;
    default:
        put(w, v->kind == ARRAY ? "[" : "{");
        for (const value *e = v->first; e != 0; e = e->next) {
            if (e != v->first) {
                put(w, ",");
            }
            if (v->kind == OBJECT) {
                put_string(w, e->key);
                put(w, ":");
            }
            put_value(w, e);
        }
        put(w, v->kind == ARRAY ? "]" : "}");
    }
}

static value *make(kind k) {
    need(used < VALUES);
    values[used] = (value){.kind = k};
    return &values[used++];
}

static void space(const char **s) {
    while (**s == ' ' || **s == '\n') {
        (*s)++;
    }
}

static int hex(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static const char *read_string(const char **s) {
    char *start = strings + kept;
    for ((*s)++; **s != '"'; (*s)++) {
        char c = **s;
        if (c == '\\') {
            c = *++*s;
            if (c == 'n') {
                c = '\n';
            } else if (c == 'u') { // of the first 128 characters
                c = hex((*s)[3]) * 16 + hex((*s)[4]);
                *s += 4;
            }
        }
        need(kept < TEXT - 1);
        strings[kept++] = c;
    }
    (*s)++;
    strings[kept++] = 0;
    return start;
}

static value *read(const char **s) {
    space(s);
    if (**s == '"') {
        value *v = make(STRING);
        v->text = read_string(s);
        return v;
    }
    if (**s == '[' || **s == '{') {
        value *v = make(**s == '[' ? ARRAY : OBJECT), **to = &v->first;
        for ((*s)++; space(s), **s != ']' && **s != '}';) {
            const char *key = 0;
            if (v->kind == OBJECT) {
                key = read_string(s);
                space(s);
                (*s)++; // the colon
            }
            *to = read(s);
            (*to)->key = key;
            to = &(*to)->next;
            space(s);
            *s += **s == ',';
        }
        (*s)++;
        return v;
    }
    if (**s == '-' || (**s >= '0' && **s <= '9')) {
        value *v = make(NUMBER);
        int minus = **s == '-';
        for (*s += minus; **s >= '0' && **s <= '9'; (*s)++) {
            v->number = 10 * v->number + **s - '0';
        }
        v->number = minus ? -v->number : v->number;
        return v;
    }
    kind k = **s == 't' ? TRUE : **s == 'f' ? FALSE : NIL;
    *s += k == FALSE ? 5 : 4;
    return make(k);
}

static value *member(value *object, const char *key) {
    value *v = object->first;
    while (v != 0 && strcmp(v->key, key) != 0) {
        v = v->next;
    }
    need(v != 0);
    return v;
}

// write_document writes what is read, as a program that pads it would.
static void write_document(writer *w) {
    static const char *const words[] = {"ash", "birch \\\"white\\\"", "cedar\\n", "elm\\u0009", "fir \\\\ larch", "oak"};
    uint32_t state = 2463534242;
    put(w, "[\n");
    for (int i = 0; i < RECORDS; i++) {
        uint32_t x = xorshift(&state);
        put(w, i > 0 ? ",\n  {\"id\": " : "  {\"id\": ");
        put_number(w, i);
        put(w, ", \"name\": \"");
        put(w, words[x % 6]);
        put(w, x >> 3 & 1 ? "\", \"active\": true, \"tags\": [" : "\", \"active\": false, \"tags\": [");
        for (int k = 0; k < (x >> 4) % 4; k++) {
            put(w, k > 0 ? ", \"" : "\"");
            put(w, words[(x >> (8 + 3 * k)) % 6]);
            put(w, "\"");
        }
        put(w, "], \"size\": {\"x\": ");
        put_number(w, (int64_t)(x >> 20) - 2048);
        put(w, ", \"y\": ");
        put_number(w, x >> 24);
        put(w, "}, \"note\": null}");
    }
    put(w, "\n]\n");
}

// chosen makes the other document: of each active record its number, name,
// area and tags, these from the last to the first.
static value *chosen(value *records) {
    value *out = make(ARRAY), **to = &out->first;
    for (value *r = records->first; r != 0; r = r->next) {
        if (member(r, "active")->kind != TRUE) {
            continue;
        }
        value *size = member(r, "size"), *o = make(OBJECT), *area = make(NUMBER), *tags = make(ARRAY);
        value *id = member(r, "id"), *name = member(r, "name");
        area->number = member(size, "x")->number * member(size, "y")->number;
        for (value *t = member(r, "tags")->first, *next; t != 0; t = next) {
            next = t->next;
            t->next = tags->first;
            tags->first = t;
        }
        area->key = "area";
        tags->key = "tags";
        o->first = id;
        id->next = name;
        name->next = area;
        area->next = tags;
        *to = o;
        to = &o->next;
    }
    return out;
}

uint32_t work(void) {
    writer d = {document, document + TEXT};
    write_document(&d);
    uint32_t sum = FOLD_START;
    for (int round = 0; round < ROUNDS; round++) {
        used = kept = 0;
        const char *s = document;
        writer w = {result, result + TEXT};
        put_value(&w, chosen(read(&s)));
        for (const char *at = result; at < w.at; at++) {
            sum = fold(sum, (uint8_t)*at, 1);
        }
    }
    return sum;
}
