/**
 * Pairs of first and last, both included; sorted, and no two share or touch each other. What of `all` is not in `some`;
 * `one` is the step from a value to the next.
 */
export function without<Value extends number | bigint>(
  all: ArrayLike<Value>,
  some: ArrayLike<Value>,
  one: Value,
): Value[] {
  const left: Value[] = []
  let at = 0
  for (let index = 0; index < all.length; index += 2) {
    let first = all[index] as Value
    const last = all[index + 1] as Value
    while (at < some.length && (some[at + 1] as Value) < first) at += 2
    // The last of them may reach into what comes next, so `at` stays with it.
    for (let next = at; next < some.length && (some[next] as Value) <= last; next += 2) {
      if ((some[next] as Value) > first) left.push(first, minus(some[next] as Value, one))
      first = plus(some[next + 1] as Value, one)
      at = next
    }
    if (first <= last) left.push(first, last)
  }
  return left
}

const plus = <Value extends number | bigint>(a: Value, b: Value): Value =>
  ((a as never) + (b as never)) as Value
const minus = <Value extends number | bigint>(a: Value, b: Value): Value =>
  ((a as never) - (b as never)) as Value
