// What the shim's camera offers and what goes wrong with it, from the environment.
#pragma once
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_MODES 16
#define MAX_FAULTS 8

// unplug: gone from frame FIRST on, back after VALUE ms. stall: no frames for VALUE ms. hang: dequeuing never returns.
// error: flagged as damaged. garbage: bytes overwritten, not flagged. short: half the bytes. lose: never delivered.
// late: delivered VALUE ms after its time stamp. zero, same, future, past: wrong time stamps (by VALUE ms).
// unknown: the kind of time stamp is not told. rate: the camera gives VALUE Hz whatever is asked. busy, denied: at open.
struct fault { char name[16]; long first, last, value; };
struct mode { uint32_t fourcc; int width, height, rate_hz; uint8_t *data; size_t *offset, *length, longest; long frames; };

static struct {
    int loaded, modes, faults;
    struct mode mode[MAX_MODES];
    struct fault fault[MAX_FAULTS];
} script;

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int ordered(const char *what) {
    char path[4096];
    const char *folder = setting("V4L2SHIM_CONTROL", NULL);
    if (!folder) return 0;
    snprintf(path, sizeof path, "%s/%s", folder, what);
    return access(path, F_OK) == 0;
}

static const struct fault *fault_at(const char *name, long frame) {
    for (int i = 0; i < script.faults; i++) {
        const struct fault *f = &script.fault[i];
        if (!strcmp(f->name, name) && frame >= f->first && frame <= f->last) return f;
    }
    return NULL;
}

static void load_mode(struct mode *m, const char *path) {
    int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) || st.st_size < 5) { fprintf(stderr, "v4l2shim: no frames in %s\n", path); abort(); }
    m->data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    m->longest = (size_t)m->width * m->height * 2;
    for (size_t at = 0; at + 4 < (size_t)st.st_size;) {
        uint32_t length;
        memcpy(&length, m->data + at, 4);
        m->offset = realloc(m->offset, (m->frames + 1) * sizeof(size_t));
        m->length = realloc(m->length, (m->frames + 1) * sizeof(size_t));
        m->offset[m->frames] = at + 4;
        m->length[m->frames++] = length;
        if (length > m->longest) m->longest = length;
        at += 4 + length;
    }
}

static void load_script(void) {
    if (script.loaded) return;
    script.loaded = 1;
    char *list = strdup(setting("V4L2SHIM_MODES", "")), *rest = NULL;
    for (char *item = strtok_r(list, ";", &rest); item && script.modes < MAX_MODES; item = strtok_r(NULL, ";", &rest)) {
        struct mode *m = &script.mode[script.modes];
        char code[5], path[4096];
        if (sscanf(item, "%4[^:]:%dx%d@%d=%4095s", code, &m->width, &m->height, &m->rate_hz, path) != 5) abort();
        m->fourcc = v4l2_fourcc(code[0], code[1], code[2], code[3]);
        load_mode(m, path);
        script.modes++;
    }
    if (!script.modes) { fprintf(stderr, "v4l2shim: V4L2SHIM_MODES is not set\n"); abort(); }
    list = strdup(setting("V4L2SHIM_FAULT", ""));
    for (char *item = strtok_r(list, ",", &rest); item && script.faults < MAX_FAULTS; item = strtok_r(NULL, ",", &rest)) {
        struct fault *f = &script.fault[script.faults++];
        f->last = -1;
        sscanf(item, "%15[^@:]@%ld-%ld", f->name, &f->first, &f->last);
        if (f->last < f->first) f->last = f->first;
        if (!strchr(item, '@')) f->last = 1L << 40;
        if (strchr(item, ':')) f->value = atol(strchr(item, ':') + 1);
    }
}

