// A V4L2 camera without a kernel driver, for tests: loaded with LD_PRELOAD, it answers open, ioctl, mmap and close of one
// device path. The ioctl numbers hold the sizes of the kernel's structures, so a wrong layout in the caller fails here.
//
// gcc -O2 -Wall -Wextra -shared -fPIC -o v4l2shim.so v4l2shim.c -ldl -lpthread        (tests/capture/shim.py does it)
//
// V4L2SHIM_DEV      device path, /dev/video0 by default
// V4L2SHIM_MODES    "MJPG:1280x720@30=FILE;YUYV:640x360@30=FILE"; FILE: frames one after the other, each with its length
//                   before it (32 bit, little endian), played in a loop
// V4L2SHIM_FAULT    "NAME@FIRST-LAST:VALUE", several joined by commas; see v4l2shim_script.h; frames count from STREAMON
// V4L2SHIM_CONTROL  folder; while the file "unplugged", "stalled" or "hung" lies in it, the camera is so
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "v4l2shim_modes.h"

#define MAX_BUFFERS 32
#define MAX_OPEN 8

static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static int (*real_ioctl)(int, unsigned long, ...);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

static void find_real(void) {
    if (real_mmap) return;
    real_openat = dlsym(RTLD_NEXT, "openat");
    real_close = dlsym(RTLD_NEXT, "close");
    real_ioctl = dlsym(RTLD_NEXT, "ioctl");
    real_mmap = dlsym(RTLD_NEXT, "mmap");
}

static struct {
    pthread_mutex_t lock;
    int fds[MAX_OPEN];
    pid_t pid;
    int owner, memory_fd, streaming, running, gone, buffers;
    double back_ms;
    uint8_t *memory;
    size_t buffer_bytes;
    struct v4l2_buffer buffer[MAX_BUFFERS];
    int queued[MAX_BUFFERS], queue_length, done[MAX_BUFFERS], done_length;
    pthread_t producer;
} cam = {.lock = PTHREAD_MUTEX_INITIALIZER, .owner = -1, .fds = {-1, -1, -1, -1, -1, -1, -1, -1}};

static void signal_owner(uint64_t count) { (void)!write(cam.owner, &count, 8); }

static void stamp(struct v4l2_buffer *b, long frame, double due_ms) {
    const struct fault *future = fault_at("future", frame), *past = fault_at("past", frame);
    double ms = due_ms + (future ? future->value : 0) - (past ? past->value : 0);
    static struct timeval last;
    b->timestamp.tv_sec = (long)(ms / 1e3);
    b->timestamp.tv_usec = (long)((ms - b->timestamp.tv_sec * 1e3) * 1e3);
    if (fault_at("same", frame)) b->timestamp = last;
    if (fault_at("zero", frame)) memset(&b->timestamp, 0, sizeof b->timestamp);
    last = b->timestamp;
}

static void deliver(long frame, double due_ms) {
    const struct mode *m = &script.mode[current_mode];
    if (!cam.queue_length || fault_at("lose", frame)) return;
    int i = cam.queued[0];
    memmove(cam.queued, cam.queued + 1, --cam.queue_length * sizeof(int));
    long k = frame % m->frames;
    struct v4l2_buffer *b = &cam.buffer[i];
    memcpy(cam.memory + i * cam.buffer_bytes, m->data + m->offset[k], m->length[k]);
    b->bytesused = m->length[k];
    if (fault_at("short", frame)) b->bytesused /= 2;
    if (fault_at("garbage", frame)) memset(cam.memory + i * cam.buffer_bytes, 0x5a, b->bytesused);
    stamp(b, frame, due_ms);  // when a sensor would have seen it, however late this thread woke up
    b->sequence = frame;
    b->field = V4L2_FIELD_NONE;
    b->flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_DONE | V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
    if (!fault_at("unknown", frame)) b->flags |= V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    if (fault_at("error", frame)) b->flags |= V4L2_BUF_FLAG_ERROR;
    cam.done[cam.done_length++] = i;
    signal_owner(1);
}

static void unplug(double ms) {
    cam.gone = 1;
    cam.back_ms = now_ms() + ms;
    cam.running = 0;
    signal_owner(1000);  // whoever waits wakes up and is told
}

static void *produce(void *unused) {
    (void)unused;
    double due = now_ms();
    for (long frame = 0; cam.running; frame++) {
        due += 1e3 / current_rate_hz;
        const struct fault *stall = fault_at("stall", frame), *late = fault_at("late", frame), *gone = fault_at("unplug", frame);
        if (stall) due += stall->value;
        double until = due + (late ? late->value : 0);
        for (double left = until - now_ms(); cam.running && left > 0; left = until - now_ms())
            usleep(left > 20 ? 20000 : (useconds_t)(left * 1e3) + 1);
        pthread_mutex_lock(&cam.lock);
        if (!cam.running) { pthread_mutex_unlock(&cam.lock); break; }
        if (gone || ordered("unplugged")) unplug(gone ? gone->value : 0);
        else if (!ordered("stalled")) deliver(frame, due);
        pthread_mutex_unlock(&cam.lock);
    }
    return NULL;
}

static void stop(void) {  // with the lock held
    if (!cam.streaming) return;
    cam.running = cam.streaming = 0;
    pthread_mutex_unlock(&cam.lock);
    pthread_join(cam.producer, NULL);
    pthread_mutex_lock(&cam.lock);
    uint64_t count;
    int flags = fcntl(cam.owner, F_GETFL);
    fcntl(cam.owner, F_SETFL, flags | O_NONBLOCK);
    while (read(cam.owner, &count, 8) == 8) {}
    fcntl(cam.owner, F_SETFL, flags);
    cam.done_length = cam.queue_length = 0;
}

static void release(void) {  // with the lock held
    stop();
    if (cam.memory) {
        munmap(cam.memory, cam.buffer_bytes * MAX_BUFFERS);
        real_close(cam.memory_fd);
    }
    cam.memory = NULL;
    cam.buffers = 0;
    cam.owner = -1;
}

static int open_camera(int flags) {
    load_script();
    if (!current_rate_hz) current_rate_hz = script.mode[0].rate_hz;
    if (cam.gone && now_ms() >= cam.back_ms) cam.gone = 0;
    if (cam.gone || ordered("unplugged")) FAIL(ENOENT);
    if (fault_at("denied", 0)) FAIL(EACCES);
    for (int i = 0; i < MAX_OPEN; i++) {
        if (cam.fds[i] >= 0) continue;
        int kept = ((flags & O_NONBLOCK) ? EFD_NONBLOCK : 0) | ((flags & O_CLOEXEC) ? EFD_CLOEXEC : 0);
        cam.pid = getpid();
        return cam.fds[i] = eventfd(0, EFD_SEMAPHORE | kept);
    }
    FAIL(EMFILE);
}

static int request_buffers(int fd, struct v4l2_requestbuffers *r) {
    if (r->memory != V4L2_MEMORY_MMAP) FAIL(EINVAL);
    if (cam.streaming || fault_at("busy", 0) || (cam.owner >= 0 && cam.owner != fd)) FAIL(EBUSY);
    release();
    r->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP;
    if (!r->count) return 0;
    if (r->count > MAX_BUFFERS) r->count = MAX_BUFFERS;
    cam.owner = fd;
    cam.buffers = r->count;
    cam.buffer_bytes = (script.mode[current_mode].longest + 4095) & ~4095UL;
    cam.memory_fd = memfd_create("v4l2shim", MFD_CLOEXEC);
    if (ftruncate(cam.memory_fd, cam.buffer_bytes * MAX_BUFFERS)) FAIL(ENOMEM);
    cam.memory = real_mmap(NULL, cam.buffer_bytes * MAX_BUFFERS, PROT_READ | PROT_WRITE, MAP_SHARED, cam.memory_fd, 0);
    for (int i = 0; i < cam.buffers; i++)
        cam.buffer[i] = (struct v4l2_buffer){.index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
            .length = cam.buffer_bytes, .m.offset = i * cam.buffer_bytes, .flags = V4L2_BUF_FLAG_MAPPED};
    return 0;
}

static int queue(int fd, struct v4l2_buffer *b) {
    if (fd != cam.owner || (int)b->index >= cam.buffers) FAIL(EINVAL);
    cam.queued[cam.queue_length++] = b->index;
    return 0;
}

static int start(int fd) {
    if (fd != cam.owner) FAIL(EINVAL);
    if (cam.streaming) return 0;
    cam.streaming = cam.running = 1;
    return pthread_create(&cam.producer, NULL, produce, NULL);
}

static int dequeue(int fd, struct v4l2_buffer *b) {  // without the lock: it may block
    uint64_t count;
    if (cam.gone) FAIL(ENODEV);
    if (fd != cam.owner || !cam.streaming) FAIL(EINVAL);
    if (read(fd, &count, 8) != 8) return -1;
    if (cam.gone) FAIL(ENODEV);
    pthread_mutex_lock(&cam.lock);
    if (!cam.done_length) { pthread_mutex_unlock(&cam.lock); FAIL(EAGAIN); }
    *b = cam.buffer[cam.done[0]];
    memmove(cam.done, cam.done + 1, --cam.done_length * sizeof(int));
    pthread_mutex_unlock(&cam.lock);
    while (fault_at("hang", b->sequence) || ordered("hung")) usleep(10000);
    return 0;
}

static int answer(int fd, uint32_t request, void *a) {  // with the lock held
    if (cam.gone) FAIL(ENODEV);
    switch (request) {
    case (uint32_t)VIDIOC_QUERYCAP: return describe(a);
    case (uint32_t)VIDIOC_ENUM_FMT: return list_formats(a);
    case (uint32_t)VIDIOC_ENUM_FRAMESIZES: return list_sizes(a);
    case (uint32_t)VIDIOC_ENUM_FRAMEINTERVALS: return list_rates(a);
    case (uint32_t)VIDIOC_S_FMT: if (cam.streaming || fault_at("busy", 0)) FAIL(EBUSY); /* fall through */
    case (uint32_t)VIDIOC_G_FMT: case (uint32_t)VIDIOC_TRY_FMT: {
        struct v4l2_format *f = a;
        if (f->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) FAIL(EINVAL);
        if (request == (uint32_t)VIDIOC_G_FMT) f->fmt.pix.pixelformat = 0;
        set_format(f, request == (uint32_t)VIDIOC_S_FMT);
        return 0;
    }
    case (uint32_t)VIDIOC_G_PARM: return set_rate(a, 0);
    case (uint32_t)VIDIOC_S_PARM: return set_rate(a, 1);
    case (uint32_t)VIDIOC_ENUMINPUT: {
        struct v4l2_input *i = a;
        if (i->index) FAIL(EINVAL);
        *i = (struct v4l2_input){.name = "Camera 1", .type = V4L2_INPUT_TYPE_CAMERA};
        return 0;
    }
    case (uint32_t)VIDIOC_G_INPUT: *(int *)a = 0; return 0;
    case (uint32_t)VIDIOC_S_INPUT: if (*(int *)a) FAIL(EINVAL); return 0;
    case (uint32_t)VIDIOC_REQBUFS: return request_buffers(fd, a);
    case (uint32_t)VIDIOC_QUERYBUF: {
        struct v4l2_buffer *b = a;
        if ((int)b->index >= cam.buffers) FAIL(EINVAL);
        *b = cam.buffer[b->index];
        return 0;
    }
    case (uint32_t)VIDIOC_QBUF: return queue(fd, a);
    case (uint32_t)VIDIOC_STREAMON: return start(fd);
    case (uint32_t)VIDIOC_STREAMOFF: stop(); return 0;
    default: FAIL(ENOTTY);
    }
}

static int *slot_of(int fd) {
    // A child between vfork and exec shares our memory and closes inherited files: it must not touch our state.
    for (int i = 0; fd >= 0 && i < MAX_OPEN; i++)
        if (cam.fds[i] == fd) return getpid() == cam.pid ? &cam.fds[i] : NULL;
    return NULL;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    find_real();
    if (!path || strcmp(path, setting("V4L2SHIM_DEV", "/dev/video0"))) return real_openat(folder, path, flags, mode);
    pthread_mutex_lock(&cam.lock);
    int fd = open_camera(flags), code = errno;
    pthread_mutex_unlock(&cam.lock);
    errno = code;
    return fd;
}

#define MODE_ARGUMENT(flags) mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int open(const char *path, int flags, ...) { MODE_ARGUMENT(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_ARGUMENT(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE_ARGUMENT(flags) return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE_ARGUMENT(flags) return opened(folder, path, flags, mode); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }

int close(int fd) {
    find_real();
    int *slot = slot_of(fd);
    if (slot) {
        pthread_mutex_lock(&cam.lock);
        if (fd == cam.owner) release();
        *slot = -1;
        pthread_mutex_unlock(&cam.lock);
    }
    return real_close(fd);
}

int ioctl(int fd, unsigned long request, ...) {
    find_real();
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (!slot_of(fd)) return real_ioctl(fd, request, argument);
    if ((uint32_t)request == (uint32_t)VIDIOC_DQBUF) return dequeue(fd, argument);
    pthread_mutex_lock(&cam.lock);
    int result = answer(fd, request, argument), code = errno;
    pthread_mutex_unlock(&cam.lock);
    errno = code;
    return result;
}

static void *map(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    find_real();
    if (!(flags & MAP_ANONYMOUS) && slot_of(fd)) fd = cam.memory_fd;
    return real_mmap(at, length, protection, flags, fd, offset);
}
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) { return map(at, length, protection, flags, fd, offset); }
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) { return map(at, length, protection, flags, fd, offset); }
