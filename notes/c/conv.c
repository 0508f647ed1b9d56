/* A convolution in C that refconv judges: the worked example of a program as a target.
 *
 *     cc -std=c99 -O2 -Wall -Wextra -Werror -o conv notes/c/conv.c
 *     refconv check --command './conv {case}'
 *
 * Compiled with -DFAULT it swaps the pads' ends, and refconv says so.
 *
 * A case folder holds case.txt (two words a line: a name and its value) and, as nothing but their
 * numbers in C order, x.bin (N, C, H, W), weight.bin (F, Cg, KH, KW) and bias.bin (F). The program
 * writes actual.bin (N, F, OH, OW). Exit status 77 says: this case is not for me.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED = 77 };

static const char *folder;

/* The value of a name in case.txt; a name that is missing is a fault of the folder. */
static const char *value(const char *name)
{
    static char key[32], found[64];
    char path[4096];
    snprintf(path, sizeof path, "%s/case.txt", folder);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%31s %63s", key, found) == 2)
        if (strcmp(key, name) == 0) {
            fclose(file);
            return found;
        }
    fprintf(stderr, "%s: no %s\n", path, name);
    exit(1);
}

static int number(const char *name) { return atoi(value(name)); }

/* A file of numbers, opened; or the end. */
static FILE *opened(const char *name, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

/* That many floats of a file; one more is asked for, as malloc(0) may give nothing. */
static float *floats(const char *name, size_t count)
{
    float *data = malloc((count + 1) * sizeof *data);
    FILE *file = opened(name, "rb");
    if (!data || fread(data, sizeof *data, count, file) != count) {
        fprintf(stderr, "%s: not %zu floats\n", name, count);
        exit(1);
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 1;
    }
    folder = argv[1];
    if (strcmp(value("x"), "float32") != 0 || atof(value("pad_value")) != 0
        || number("pointwise") != 0) {
        fprintf(stderr, "only float32, only pads of zero, and only one stage\n");
        return REFUSED;
    }
    const int N = number("N"), C = number("C"), H = number("H"), W = number("W");
    const int F = number("F"), Cg = number("Cg"), KH = number("KH"), KW = number("KW");
    const int OH = number("OH"), OW = number("OW"), G = number("G");
    const int sh = number("sh"), sw = number("sw"), dh = number("dh"), dw = number("dw");
#ifdef FAULT
    const int pt = number("pb"), pl = number("pr");
#else
    const int pt = number("pt"), pl = number("pl");
#endif
    const int has_bias = strcmp(value("bias"), "none") != 0;
    float *x = floats("x.bin", (size_t)N * C * H * W);
    float *weight = floats("weight.bin", (size_t)F * Cg * KH * KW);
    float *bias = has_bias ? floats("bias.bin", F) : NULL;

    FILE *actual = opened("actual.bin", "wb");
    for (int n = 0; n < N; n++)
    for (int f = 0; f < F; f++)
    for (int oh = 0; oh < OH; oh++)
    for (int ow = 0; ow < OW; ow++) {
        const int g = f / (F / G);
        float sum = bias ? bias[f] : 0;
        for (int cg = 0; cg < Cg; cg++)
        for (int kh = 0; kh < KH; kh++)
        for (int kw = 0; kw < KW; kw++) {
            const int h = oh * sh + kh * dh - pt, w = ow * sw + kw * dw - pl;
            /* A padded zero is multiplied too: times an infinite weight it is NaN. */
            const int inside = h >= 0 && h < H && w >= 0 && w < W;
            const size_t c = (size_t)n * C + g * Cg + cg, k = (size_t)f * Cg + cg;
            sum += (inside ? x[(c * H + h) * W + w] : 0) * weight[(k * KH + kh) * KW + kw];
        }
        fwrite(&sum, sizeof sum, 1, actual);
    }
    if (fclose(actual) != 0) {
        perror("actual.bin");
        return 1;
    }
    free(x);
    free(weight);
    free(bias);
    return 0;
}
