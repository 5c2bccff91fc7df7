import { TapeReader } from '../src/wire/tape/decoding/tape-reader.ts'
import {
  type TapeFieldKind,
  type TapeLayout,
  bareFrame,
  denseFrame,
  firstItem,
  jsonFrame,
  recordKinds,
  tapeLayouts,
  timeBit,
} from '../src/wire/tape/tape-layout.ts'

const tradeType = 't'
const jsonTrade = '{"T":"t"'
const firstPrintable = 0x20
const textHead = 0x80
const longText = 0xff

/** Of the frame under way, whosever it is. */
const reader = new TapeReader()

/**
 * Counts the trades of one connection in the tape form. It follows the records (PROTOCOL.md §10) and makes nothing of them, so that
 * hundreds of connections fit on a core; it remembers the type of each item, and neither checks ranges nor values.
 */
export class TapeCounter {
  readonly #layouts = new Map<number, TapeLayout>()

  /** How many trades the connection's next payload holds. Throws where a change is of an item that was never told. */
  count(payload: Buffer): number {
    reader.begin(payload)
    const head = reader.byte()
    if (head === jsonFrame) return 0
    if (head < denseFrame && head !== bareFrame) while (reader.number() % 2 === 1);
    let trades = 0
    while (!reader.isAtEnd) trades += this.#record(reader.number(), payload)
    return trades
  }

  #record(head: number, payload: Buffer): number {
    if (head >= firstItem) {
      const layout = this.#layouts.get(head - firstItem)
      if (layout === undefined) throw new Error(`item ${head - firstItem} changes, and was never told`)
      return skipChange(layout)
    }
    switch (head) {
      case recordKinds.absolute:
        return this.#takeItem()
      case recordKinds.base:
        this.#takeItem()
        return 0
      case recordKinds.replaced:
        reader.number()
        return 0
      case recordKinds.json:
        return skipJson(payload)
      case recordKinds.reset:
        this.#layouts.clear()
        return 0
      case recordKinds.covers:
        for (let number = 0; number < 3; number++) reader.number()
        return 0
      default:
        throw new Error(`${head}: no kind of record`)
    }
  }

  #takeItem(): number {
    const item = reader.number()
    reader.number()
    const type = reader.byte()
    const layout = tapeLayouts.get(type)
    if (layout === undefined) throw new Error(`${type}: no type of event that changes`)
    this.#layouts.set(item, layout)
    skipText()
    return skipChange(layout)
  }
}

/** 1 for a trade. */
function skipChange(layout: TapeLayout): number {
  const { presenceBit, decimalsBit, clockBit, fields } = layout
  const bits = reader.number()
  if ((bits & presenceBit) !== 0) reader.number()
  if ((bits & decimalsBit) !== 0) reader.number()
  if ((bits & timeBit) !== 0) reader.number()
  else if ((bits & clockBit) !== 0) skipClock()
  for (const { bit, kind } of fields) {
    if ((bits & bit) !== 0) skipField(kind)
  }
  return layout.type === tradeType ? 1 : 0
}

function skipClock(): void {
  reader.byte()
  reader.number()
  reader.number()
}

function skipField(kind: TapeFieldKind): void {
  if (kind === 'text') skipText()
  else if (kind === 'texts') skipTexts()
  else if (kind === 'size') reader.sizeChange()
  else reader.signed()
}

function skipText(): void {
  const head = reader.byte()
  if (head < textHead) return
  const length = head === longText ? reader.number() : head - textHead
  reader.at += length
}

function skipTexts(): void {
  const head = reader.byte()
  if (head >= firstPrintable && head < textHead) return
  for (let left = head - textHead; left > 0; left--) skipText()
}

function skipJson(payload: Buffer): number {
  reader.number()
  const length = reader.number()
  const isTrade = payload.toString('latin1', reader.at, reader.at + jsonTrade.length) === jsonTrade
  reader.at += length
  return isTrade ? 1 : 0
}
