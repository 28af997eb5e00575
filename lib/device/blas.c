/*
 * Loads OpenBLAS at run time. It is not linked: from the moment that it is in a process it reads
 * the environment, starts threads and takes memory of its own, and a process that does not ask for
 * `approx` shall have none of that.
 */
#include "lib/device/device.h"

#ifdef INF_HAVE_BLAS

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libopenblas.so.0"

infer_status inf_blas_open(inf_sgemm_fn **sgemm, infer_error *err)
{
    void (*set_threads)(int threads) = NULL;
    /* never unloaded: its threads may outlive a plan */
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return inf_fail(err, INFER_E_UNSUPPORTED, "approx needs OpenBLAS: %s", dlerror());
    void *product = dlsym(library, "cblas_sgemm");
    void *threads = dlsym(library, "openblas_set_num_threads");
    memcpy(sgemm, &product, sizeof product);
    memcpy(&set_threads, &threads, sizeof threads);
    if (product && set_threads)
        set_threads(1); /* ours call it, each for itself */
    dlclose(library);
    return product && threads
               ? INFER_OK
               : inf_fail(err, INFER_E_UNSUPPORTED, "approx needs OpenBLAS: %s lacks %s", LIBRARY,
                          product ? "openblas_set_num_threads" : "cblas_sgemm");
}

#else

infer_status inf_blas_open(inf_sgemm_fn **sgemm, infer_error *err)
{
    *sgemm = NULL;
    return inf_fail(err, INFER_E_UNSUPPORTED, "approx needs OpenBLAS, which this build is without");
}

#endif
