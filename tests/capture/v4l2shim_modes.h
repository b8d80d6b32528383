// The modes of the shim's camera as the ioctls list and set them.
#pragma once
#include <errno.h>

#include "v4l2shim_script.h"

#define FAIL(code) do { errno = (code); return -1; } while (0)

static int current_mode, current_rate_hz;

static void set_format(struct v4l2_format *f, int keep) {  // the driver's freedom: the nearest mode is taken
    struct v4l2_pix_format *p = &f->fmt.pix;
    int best = current_mode;
    long nearest = 1L << 60;
    for (int i = 0; p->pixelformat && i < script.modes; i++) {
        const struct mode *m = &script.mode[i];
        long away = labs((long)m->width - p->width) + labs((long)m->height - p->height) + (m->fourcc != p->pixelformat) * 100000L;
        if (away < nearest) { nearest = away; best = i; }
    }
    const struct mode *m = &script.mode[best];
    int raw = m->fourcc == V4L2_PIX_FMT_YUYV;
    if (keep && best != current_mode) { current_mode = best; current_rate_hz = m->rate_hz; }
    *p = (struct v4l2_pix_format){.width = m->width, .height = m->height, .pixelformat = m->fourcc, .field = V4L2_FIELD_NONE,
        .bytesperline = raw ? m->width * 2 : 0, .sizeimage = m->longest, .colorspace = V4L2_COLORSPACE_SRGB};
}

static int set_rate(struct v4l2_streamparm *p, int keep) {
    if (p->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) FAIL(EINVAL);
    const struct v4l2_fract wish = p->parm.capture.timeperframe;
    const struct mode *now = &script.mode[current_mode];
    const struct fault *forced = fault_at("rate", 0);
    for (int i = 0; keep && wish.numerator && i < script.modes; i++) {
        const struct mode *m = &script.mode[i];
        if (m->fourcc == now->fourcc && m->width == now->width && m->height == now->height &&
            (long)m->rate_hz * wish.numerator == wish.denominator) { current_mode = i; current_rate_hz = m->rate_hz; }
    }
    if (forced) current_rate_hz = forced->value;
    memset(&p->parm, 0, sizeof p->parm);
    p->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    p->parm.capture.timeperframe = (struct v4l2_fract){1, current_rate_hz};
    return 0;
}

static int list_formats(struct v4l2_fmtdesc *f) {
    uint32_t seen = 0, index = f->index;
    if (f->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) FAIL(EINVAL);
    for (int i = 0; i < script.modes; i++) {
        int repeated = 0;
        for (int j = 0; j < i; j++) repeated |= script.mode[j].fourcc == script.mode[i].fourcc;
        if (repeated || seen++ != index) continue;
        f->pixelformat = script.mode[i].fourcc;
        f->flags = f->pixelformat == V4L2_PIX_FMT_YUYV ? 0 : V4L2_FMT_FLAG_COMPRESSED;
        strcpy((char *)f->description, "shim");
        return 0;
    }
    FAIL(EINVAL);
}

static int list_sizes(struct v4l2_frmsizeenum *s) {
    uint32_t seen = 0;
    for (int i = 0; i < script.modes; i++) {
        const struct mode *m = &script.mode[i];
        int repeated = 0;
        for (int j = 0; j < i; j++)
            repeated |= script.mode[j].fourcc == m->fourcc && script.mode[j].width == m->width && script.mode[j].height == m->height;
        if (m->fourcc != s->pixel_format || repeated || seen++ != s->index) continue;
        s->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        s->discrete = (struct v4l2_frmsize_discrete){m->width, m->height};
        return 0;
    }
    FAIL(EINVAL);
}

static int list_rates(struct v4l2_frmivalenum *v) {
    uint32_t seen = 0;
    for (int i = 0; i < script.modes; i++) {
        const struct mode *m = &script.mode[i];
        if (m->fourcc != v->pixel_format || m->width != (int)v->width || m->height != (int)v->height) continue;
        if (seen++ != v->index) continue;
        v->type = V4L2_FRMIVAL_TYPE_DISCRETE;
        v->discrete = (struct v4l2_fract){1, m->rate_hz};
        return 0;
    }
    FAIL(EINVAL);
}

static int describe(struct v4l2_capability *c) {
    *c = (struct v4l2_capability){.driver = "v4l2shim", .card = "Shim Camera", .bus_info = "platform:v4l2shim",
        .version = 0x060100, .device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_EXT_PIX_FORMAT};
    c->capabilities = c->device_caps | V4L2_CAP_DEVICE_CAPS;
    return 0;
}

