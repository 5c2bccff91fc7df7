/** The first number of a record that is no change of an item: what follows is of this kind. */
export const recordKinds = {
  absolute: 0,
  base: 1,
  replaced: 2,
  json: 3,
  reset: 4,
  covers: 5,
} as const

/** The first number of a change is the item's number and this. */
export const firstItem = 8

/** `[`: the payload is the text of a frame of ticker.v1.json. */
export const jsonFrame = 0x5b

/** Events that cover nothing: those of conflated channels. */
export const bareFrame = 0x7e

/** The first byte of a frame whose ranges are as long as it has events, above the seven bits of its check. */
export const denseFrame = 0x80
/** One above the check of a frame, and of one in which the lengths of the ranges follow. */
export const endOfDenseCheck = 128
export const endOfSparseCheck = 64
