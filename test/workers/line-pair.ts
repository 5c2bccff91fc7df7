import { Line, type LineOptions } from '../../src/workers/line.ts'

type Side = Partial<Omit<LineOptions, 'send'>>

/** Two ends of a line within one process; what is said is copied, as between processes, and comes a turn later, or when `open` has resolved. */
export function linePair(
  left: Side,
  right: Side,
  open: Promise<void> = Promise.resolve(),
): readonly [Line, Line] {
  const silent = { answer: () => undefined, hear: () => undefined }
  const carry = (message: object, to: () => Line): void => {
    const copy: unknown = structuredClone(message)
    void open.then(() => to().receive(copy))
  }
  const first: Line = new Line({ ...silent, ...left, send: message => carry(message, () => second) })
  const second: Line = new Line({ ...silent, ...right, send: message => carry(message, () => first) })
  return [first, second]
}
