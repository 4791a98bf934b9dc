/* The BLAS functions that numpy's core calls, in place of OpenBLAS, of which scoring calls none.

   numpy cannot be imported without them: it checks itself with two dot products. They are right for all arguments,
   and slow: three loops, no blocks, no threads. The names are those of scipy-openblas64, whose integers have 64 bits
   and which numpy's wheels are linked with. Nothing here calls anything, the C library included.

   kernels.h holds the functions, for one type of number; it is read once for each. */

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

enum order { ROW_MAJOR = 101, COLUMN_MAJOR = 102 };
enum transpose { AS_IS = 111, TRANSPOSED = 112, CONJUGATED = 113 };
enum triangle { WHOLE = 0, UPPER = 121, LOWER = 122 };

typedef int64_t integer;

/* BLAS starts from the other end where an increment is negative. */
#define FIRST(pointer, n, increment) ((pointer) + ((increment) < 0 ? (1 - (n)) * (increment) : 0))

/* Sums of float32 are taken in float64: loops of one sum would lose more than OpenBLAS's blocks do. */

#define NUMBER float
#define SUM double
#define NAME(function) scipy_cblas_s##function##64_
#include "kernels.h"

#define NUMBER double
#define SUM double
#define NAME(function) scipy_cblas_d##function##64_
#include "kernels.h"

#define COMPLEX

#define NUMBER float _Complex
#define SUM double _Complex
#define NAME(function) scipy_cblas_c##function##64_
#include "kernels.h"

#define NUMBER double _Complex
#define SUM double _Complex
#define NAME(function) scipy_cblas_z##function##64_
#include "kernels.h"
