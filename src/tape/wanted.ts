/** Which items a reader wants: some, by number, or those that a predicate holds of. */
export type Wanted = ReadonlySet<number> | ((item: number) => boolean)

/** Whether an item is wanted. */
export function isWanted(wanted: Wanted): (item: number) => boolean {
  return typeof wanted === 'function' ? wanted : item => wanted.has(item)
}
