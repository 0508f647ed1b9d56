/* The gradients of a convolution, and its transpose, in C: a program that refconv judges.
 *
 *     cc -std=c99 -O2 -Wall -Wextra -Werror -o gradients notes/c/gradients.c
 *     refconv check --command './gradients {case}' --of input-grad
 *
 * or --of weight-grad, bias-grad, transpose: case.txt says which. Compiled with -DFAULT it assigns
 * to a cell of x what windows that overlap must add up there, and refconv says so.
 *
 * All four are sums of the products that the convolution has, each of a cell of x (N, C, H, W), of
 * weight (F, Cg, KH, KW) and of y (N, F, OH, OW). Two of them are given, and the third asked for:
 *
 *     of            in the place of    x            weight       y
 *     input-grad                       actual.bin   weight.bin   grad_y.bin
 *     weight-grad                      x.bin        actual.bin   grad_y.bin
 *     transpose                        actual.bin   weight.bin   x.bin         and bias.bin (C)
 *     bias-grad                        actual.bin (F) is the sum of grad_y.bin, by channel
 *
 * So the x.bin of a transpose is (N, F, OH, OW): the letters in case.txt are the convolution's.
 * Exit status 77 says: this case is not for me.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED = 77 };

static const char *folder;

/* The value of a name in case.txt, or nothing. It is there until the next one is asked for. */
static const char *found(const char *name)
{
    static char key[32], word[64];
    char path[4096];
    snprintf(path, sizeof path, "%s/case.txt", folder);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%31s %63s", key, word) == 2)
        if (strcmp(key, name) == 0) {
            fclose(file);
            return word;
        }
    if (file)
        fclose(file);
    return "";
}

static int is(const char *name, const char *word) { return strcmp(found(name), word) == 0; }

/* A size or an option: one that is missing is a fault of the folder. */
static int number(const char *name)
{
    const char *word = found(name);
    if (!*word) {
        fprintf(stderr, "%s/case.txt: no %s\n", folder, name);
        exit(1);
    }
    return atoi(word);
}

/* A file of numbers, opened; or the end. */
static FILE *opened(const char *name, const char *end, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, end);
    FILE *file = fopen(path, mode);
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

/* So many zeros; one more is asked for, as calloc(0) may give nothing. */
static double *zeros(size_t count)
{
    double *data = calloc(count + 1, sizeof *data);
    if (!data) {
        perror("calloc");
        exit(1);
    }
    return data;
}

/* The types of numbers. A double holds each number exactly, and the sums of the integers, too. */
#define TYPES(KNOWN) \
    KNOWN(float32, float) KNOWN(float64, double) KNOWN(int8, int8_t) KNOWN(uint8, uint8_t) \
    KNOWN(int16, int16_t) KNOWN(uint16, uint16_t)
#define RESULTS(KNOWN) \
    KNOWN(float32, float) KNOWN(float64, double) KNOWN(int32, int32_t) KNOWN(int64, int64_t)

static void refuse(const char *name)
{
    fprintf(stderr, "%s of type %s\n", name, found(name));
    exit(REFUSED);
}

/* The numbers in name.bin, of the type that case.txt says. */
static double *numbers(const char *name, size_t count)
{
    double *data = zeros(count);
    FILE *file = opened(name, ".bin", "rb");
    size_t i = 0;
#define READ(NAME, TYPE) \
    if (is(name, #NAME)) { \
        TYPE one; \
        while (i < count && fread(&one, sizeof one, 1, file) == 1) \
            data[i++] = one; \
    } else
    TYPES(READ) refuse(name);
    fclose(file);
    if (i < count) {
        fprintf(stderr, "%s.bin: not %zu numbers\n", name, count);
        exit(1);
    }
    return data;
}

static void write(const double *data, size_t count)
{
    FILE *file = opened("actual", ".bin", "wb");
#define WRITE(NAME, TYPE) \
    if (is("actual", #NAME)) { \
        for (size_t i = 0; i < count; i++) { \
            const TYPE one = (TYPE)data[i]; \
            fwrite(&one, sizeof one, 1, file); \
        } \
    } else
    RESULTS(WRITE) refuse("actual");
    if (fclose(file) != 0) {
        perror("actual.bin");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 1;
    }
    folder = argv[1];
    const int by_x = is("of", "input-grad"), by_weight = is("of", "weight-grad");
    const int by_bias = is("of", "bias-grad"), transposes = is("of", "transpose");
    if (!by_x && !by_weight && !by_bias && !transposes) {
        fprintf(stderr, "only gradients and transposes\n");
        return REFUSED;
    }
    if (atof(found("pad_value")) != 0) {
        fprintf(stderr, "only pads of zeros\n");
        return REFUSED;
    }
    const int N = number("N"), C = number("C"), H = number("H"), W = number("W");
    const int F = number("F"), Cg = number("Cg"), KH = number("KH"), KW = number("KW");
    const int OH = number("OH"), OW = number("OW"), G = number("G");
    const int sh = number("sh"), sw = number("sw"), dh = number("dh"), dw = number("dw");
    const int pt = number("pt"), pl = number("pl");
    const size_t of_x = (size_t)N * C * H * W, of_weight = (size_t)F * Cg * KH * KW;
    const size_t of_y = (size_t)N * F * OH * OW;

    const double *y = numbers(transposes ? "x" : "grad_y", of_y);
    double *bias = zeros(F);
    double *x = by_weight ? numbers("x", of_x) : zeros(of_x);
    double *weight = by_x || transposes ? numbers("weight", of_weight) : zeros(of_weight);

    for (int n = 0; n < N; n++)
    for (int f = 0; f < F; f++)
    for (int oh = 0; oh < OH; oh++)
    for (int ow = 0; ow < OW; ow++) {
        const double cell = y[(((size_t)n * F + f) * OH + oh) * OW + ow];
        bias[f] += cell;
        for (int cg = 0; cg < Cg; cg++)
        for (int kh = 0; kh < KH; kh++)
        for (int kw = 0; kw < KW; kw++) {
            const int h = oh * sh + kh * dh - pt, w = ow * sw + kw * dw - pl;
            if (h < 0 || h >= H || w < 0 || w >= W)
                continue;
            const int c = f / (F / G) * Cg + cg;
            double *x_cell = &x[(((size_t)n * C + c) * H + h) * W + w];
            double *weight_cell = &weight[(((size_t)f * Cg + cg) * KH + kh) * KW + kw];
            if (by_weight)
                *weight_cell += cell * *x_cell;
            else
#ifdef FAULT
                *x_cell = cell * *weight_cell;
#else
                *x_cell += cell * *weight_cell;
#endif
        }
    }
    if (transposes && !is("bias", "none")) {
        const double *offset = numbers("bias", C);
        for (size_t i = 0; i < of_x; i++)
            x[i] += offset[i / ((size_t)H * W) % C];
    }

    if (by_bias)
        write(bias, F);
    else if (by_weight)
        write(weight, of_weight);
    else
        write(x, of_x);
    return 0;
}
