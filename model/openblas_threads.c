/* Keeps our private OpenBLAS from starting threads.
 *
 * When it is loaded, OpenBLAS starts as many threads as openblas_num_threads_env() says, which
 * reads the host's environment.  The extension parallelises over batches itself (parallel.h), and
 * loading it must leave no idle threads behind, so the Makefile links that one function to this. */

int __wrap_openblas_num_threads_env(void);

int __wrap_openblas_num_threads_env(void) {
  return 1;
}
