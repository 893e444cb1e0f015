/** Symmetric positive definite matrices, row-major. */

/** The lower Cholesky factor of an n × n matrix, of which the lower triangle is read. */
export function cholesky(matrix: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let p = 0, a = i * n, b = j * n; p < j; p++) sum -= lower[a++] * lower[b++];
      lower[i * n + j] = i === j ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / lower[j * (n + 1)];
    }
  }
  return lower;
}

/** Solves L Lᵀ x = b in place of b. */
export function solve(lower: Float64Array, n: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i];
    for (let p = 0; p < i; p++) sum -= lower[i * n + p] * b[p];
    b[i] = sum / lower[i * (n + 1)];
  }
  for (let i = n - 1; i >= 0; i--) {
    b[i] /= lower[i * (n + 1)];
    for (let p = 0; p < i; p++) b[p] -= lower[i * n + p] * b[i];
  }
}

/** The inverse of L Lᵀ. */
export function inverseOf(lower: Float64Array, n: number): Float64Array {
  // Rows of `turned` are columns of L⁻¹, so that products run along rows.
  const turned = new Float64Array(n * n);
  for (let column = 0; column < n; column++) {
    const row = column * n;
    for (let i = column; i < n; i++) {
      let sum = i === column ? 1 : 0;
      for (let p = column, at = i * n + column; p < i; p++) sum -= lower[at++] * turned[row + p];
      turned[row + i] = sum / lower[i * (n + 1)];
    }
  }
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let p = i; p < n; p++) sum += turned[i * n + p] * turned[j * n + p];
      inverse[i * n + j] = inverse[j * n + i] = sum;
    }
  }
  return inverse;
}

/** The square part of a matrix at these rows and columns. */
export function principal(matrix: Float64Array, n: number, places: readonly number[]): Float64Array {
  const part = new Float64Array(places.length ** 2);
  let at = 0;
  for (const row of places) for (const column of places) part[at++] = matrix[row * n + column];
  return part;
}
