/* dot, axpy, gemv, gemm and syrk for numbers of type NUMBER, whose sums are of type SUM; see blas.c.
   https://www.netlib.org/blas/ has the arguments. Complex scalars come by their address, real ones as they are. */

#ifdef COMPLEX
#define SCALAR const void *
#define VALUE(scalar) (*(const NUMBER *)(scalar))
#define CONJUGATE(number) (__builtin_conj(number))
#else
#define SCALAR NUMBER
#define VALUE(scalar) (scalar)
#define CONJUGATE(number) (number)
#endif

/* The sum of x[i] * y[i], of x conjugated where asked. */
static SUM NAME(sum)(integer n, const NUMBER *x, integer x_step, const NUMBER *y, integer y_step, int conjugate)
{
    SUM sum = 0;
    for (integer i = 0; i < n; i++) {
        SUM factor = x[i * x_step];
        sum += (conjugate ? CONJUGATE(factor) : factor) * y[i * y_step];
    }
    return sum;
}

/* A matrix: its element (i, j) is at i * row + j * column. */
struct NAME(matrix) {
    const NUMBER *first;
    integer row, column;
    int conjugate;
};

static struct NAME(matrix) NAME(view)(const NUMBER *first, integer lead, enum order order, enum transpose transpose)
{
    int by_rows = (order == ROW_MAJOR) == (transpose == AS_IS);
    struct NAME(matrix) view = {first, by_rows ? lead : 1, by_rows ? 1 : lead, transpose == CONJUGATED};
    return view;
}

/* C = alpha * A * B + beta * C, or a triangle of it. C is not read where beta is 0: it may not have been written. */
static void NAME(product)(integer rows, integer columns, integer inner, NUMBER alpha, struct NAME(matrix) a,
                          struct NAME(matrix) b, NUMBER beta, NUMBER *c, integer row, integer column,
                          enum triangle triangle)
{
    for (integer i = 0; i < rows; i++) {
        integer start = triangle == UPPER ? i : 0, end = triangle == LOWER ? i + 1 : columns;
        for (integer j = start; j < end; j++) {
            NUMBER *target = c + i * row + j * column;
            SUM sum = 0;
            for (integer p = 0; p < inner; p++) {
                SUM left = a.first[i * a.row + p * a.column], right = b.first[p * b.row + j * b.column];
                sum += (a.conjugate ? CONJUGATE(left) : left) * (b.conjugate ? CONJUGATE(right) : right);
            }
            *target = beta == 0 ? alpha * sum : alpha * sum + (SUM)beta * *target;
        }
    }
}

#ifdef COMPLEX
EXPORT void NAME(dotu_sub)(integer n, const void *x, integer x_step, const void *y, integer y_step, void *out)
{
    *(NUMBER *)out = NAME(sum)(n, FIRST((const NUMBER *)x, n, x_step), x_step, FIRST((const NUMBER *)y, n, y_step),
                               y_step, 0);
}

EXPORT void NAME(dotc_sub)(integer n, const void *x, integer x_step, const void *y, integer y_step, void *out)
{
    *(NUMBER *)out = NAME(sum)(n, FIRST((const NUMBER *)x, n, x_step), x_step, FIRST((const NUMBER *)y, n, y_step),
                               y_step, 1);
}
#else
EXPORT NUMBER NAME(dot)(integer n, const NUMBER *x, integer x_step, const NUMBER *y, integer y_step)
{
    return NAME(sum)(n, FIRST(x, n, x_step), x_step, FIRST(y, n, y_step), y_step, 0);
}
#endif

EXPORT void NAME(axpy)(integer n, SCALAR alpha, const NUMBER *x, integer x_step, NUMBER *y, integer y_step)
{
    x = FIRST(x, n, x_step);
    y = FIRST(y, n, y_step);
    for (integer i = 0; i < n; i++)
        y[i * y_step] += VALUE(alpha) * x[i * x_step];
}

EXPORT void NAME(gemv)(enum order order, enum transpose transpose, integer rows, integer columns, SCALAR alpha,
                       const NUMBER *a, integer a_lead, const NUMBER *x, integer x_step, SCALAR beta, NUMBER *y,
                       integer y_step)
{
    integer outer = transpose == AS_IS ? rows : columns, inner = transpose == AS_IS ? columns : rows;
    struct NAME(matrix) vector = {FIRST(x, inner, x_step), x_step, 0, 0};
    NAME(product)(outer, 1, inner, VALUE(alpha), NAME(view)(a, a_lead, order, transpose), vector, VALUE(beta),
                  FIRST(y, outer, y_step), y_step, 0, WHOLE);
}

EXPORT void NAME(gemm)(enum order order, enum transpose transpose_a, enum transpose transpose_b, integer rows,
                       integer columns, integer inner, SCALAR alpha, const NUMBER *a, integer a_lead, const NUMBER *b,
                       integer b_lead, SCALAR beta, NUMBER *c, integer c_lead)
{
    NAME(product)(rows, columns, inner, VALUE(alpha), NAME(view)(a, a_lead, order, transpose_a),
                  NAME(view)(b, b_lead, order, transpose_b), VALUE(beta), c, order == ROW_MAJOR ? c_lead : 1,
                  order == ROW_MAJOR ? 1 : c_lead, WHOLE);
}

/* A times itself transposed, never conjugated. */
EXPORT void NAME(syrk)(enum order order, enum triangle triangle, enum transpose transpose, integer n, integer inner,
                       SCALAR alpha, const NUMBER *a, integer a_lead, SCALAR beta, NUMBER *c, integer c_lead)
{
    struct NAME(matrix) left = NAME(view)(a, a_lead, order, transpose);
    struct NAME(matrix) right = {left.first, left.column, left.row, 0};
    left.conjugate = 0;
    NAME(product)(n, n, inner, VALUE(alpha), left, right, VALUE(beta), c, order == ROW_MAJOR ? c_lead : 1,
                  order == ROW_MAJOR ? 1 : c_lead, triangle);
}

#undef NUMBER
#undef SUM
#undef NAME
#undef SCALAR
#undef VALUE
#undef CONJUGATE
