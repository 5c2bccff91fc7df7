/**
 * The name that `text` was most likely meant to be: the one that takes the fewest letters inserted, left out, changed or
 * swapped with the next. `undefined` where even that one takes more than a third of its length.
 */
export function nearestName(text: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const name of names) {
    // A difference in length is a distance at least, and bounds the work on long texts.
    if (Math.abs(name.length - text.length) * 3 > name.length) continue
    const count = distance(text, name)
    if (count * 3 <= name.length && count < fewest) {
      nearest = name
      fewest = count
    }
  }
  return nearest
}

/** Optimal string alignment distance, with three rows. */
function distance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const change = from[row - 1] === to[column - 1] ? 0 : 1
      let count = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + change)
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (row > 1 && column > 1 && isSwap) count = Math.min(count, at(beforeLast, column - 2) + 1)
      current.push(count)
    }
    beforeLast = last
    last = current
  }
  return at(last, to.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
