import type {
  Bar,
  CancelError,
  Correction,
  EventType,
  Luld,
  MarketEvent,
  Quote,
  Status,
  Trade,
} from '../../src/event/event.ts'
import type { Random } from './random.ts'
import type { TapeClock } from './tape-clock.ts'

const exchanges = ['V', 'N', 'Q', 'P', 'Z', 'K', 'D', 'A']
const conditions = [['@'], ['@'], ['@', 'I'], [' ', 'F'], ['@', 'T', 'I'], [' ']]

/** One symbol of a made-up tape: its price walks, its trade ids count up, its bars follow its trades. */
export class TapeSymbol {
  readonly name: string
  readonly #random: Random
  readonly #clock: TapeClock
  readonly #tape: string
  readonly #isCrypto: boolean
  /** In hundredths. */
  #price: number
  #nextId: number
  #last: Trade | undefined
  #high: number
  #low: number
  #volume = 0
  #trades = 0
  readonly #next: Readonly<Record<Exclude<EventType, 'n'>, () => MarketEvent>> = {
    t: () => this.#trade(),
    q: () => this.#quote(),
    b: () => this.#bar('b'),
    u: () => this.#bar('u'),
    d: () => this.#bar('d'),
    s: () => this.#status(),
    l: () => this.#luld(),
    c: () => this.#correction(),
    x: () => this.#cancelError(),
  }

  constructor(name: string, random: Random, clock: TapeClock) {
    this.name = name
    this.#random = random
    this.#clock = clock
    this.#isCrypto = name.includes('/')
    this.#tape = random.pick(['A', 'B', 'C'])
    this.#price = random.whole(200, 60_000)
    this.#high = this.#price
    this.#low = this.#price
    this.#nextId = 2 ** 45 + random.whole(0, 2 ** 32)
  }

  /** The next event of this type. */
  event(type: Exclude<EventType, 'n'>): MarketEvent {
    return this.#next[type]()
  }

  #trade(): Trade {
    this.#price = Math.max(100, this.#price + this.#random.whole(-3, 3))
    const size = this.#size()
    this.#high = Math.max(this.#high, this.#price)
    this.#low = Math.min(this.#low, this.#price)
    this.#volume += size
    this.#trades += 1
    this.#nextId += this.#random.whole(1, 40)
    const trade: Trade = {
      T: 't',
      S: this.name,
      ...this.#random.maybe(0.98, { i: this.#nextId }),
      ...this.#random.maybe(0.98, { x: this.#random.pick(exchanges) }),
      p: this.#decimal(this.#price),
      s: size,
      ...this.#random.maybe(0.95, { c: this.#random.pick(conditions) }),
      t: this.#clock.next(),
      ...this.#listing(),
      ...(this.#isCrypto ? { tks: this.#random.pick(['B', 'S']) } : {}),
    }
    this.#last = trade
    return trade
  }

  #quote(): Quote {
    const spread = this.#random.pick([1, 1, 1, 2, 3, 10])
    const isOneSided = this.#random.chance(0.01)
    return {
      T: 'q',
      S: this.name,
      ...this.#random.maybe(0.98, { bx: this.#random.pick(exchanges) }),
      bp: this.#decimal(this.#price - spread),
      bs: this.#size(),
      ...this.#random.maybe(0.98, { ax: this.#random.pick(exchanges) }),
      ap: isOneSided ? 0 : this.#decimal(this.#price + this.#random.whole(0, 2)),
      as: isOneSided ? 0 : this.#size(),
      ...this.#random.maybe(0.9, { c: ['R'] }),
      t: this.#clock.next(),
      ...this.#listing(),
    }
  }

  #bar(type: Bar['T']): Bar {
    return {
      T: type,
      S: this.name,
      o: this.#decimal(this.#random.whole(this.#low, this.#high)),
      h: this.#decimal(this.#high),
      l: this.#decimal(this.#low),
      c: this.#decimal(this.#price),
      v: this.#volume,
      ...this.#random.maybe(0.9, { n: this.#trades }),
      ...this.#random.maybe(0.9, { vw: this.#average() }),
      t: this.#clock.minute(),
    }
  }

  #status(): Status {
    const isHalt = this.#random.chance(0.5)
    return {
      T: 's',
      S: this.name,
      sc: isHalt ? 'H' : 'T',
      ...this.#random.maybe(0.9, { sm: isHalt ? 'Trading Halt' : 'Trading Resumption' }),
      ...this.#random.maybe(0.7, { rc: 'T12', rm: 'Trading Halted; For information requested by NASDAQ' }),
      t: this.#clock.next(),
      ...this.#listing(),
    }
  }

  #luld(): Luld {
    return {
      T: 'l',
      S: this.name,
      u: this.#decimal(Math.round(this.#price * 1.05)),
      d: this.#decimal(Math.round(this.#price * 0.95)),
      ...this.#random.maybe(0.9, { i: this.#random.pick(['A', 'B', 'C']) }),
      t: this.#clock.next(),
      ...this.#listing(),
    }
  }

  #correction(): Correction {
    const { i, x, p, s, c } = this.#last ?? this.#trade()
    return {
      T: 'c',
      S: this.name,
      ...(x === undefined ? {} : { x }),
      ...(i === undefined ? {} : { oi: i, ci: Number(i) + 1 }),
      op: p,
      os: s,
      ...(c === undefined ? {} : { oc: c, cc: ['@'] }),
      cp: this.#decimal(this.#price),
      cs: s,
      t: this.#clock.next(),
      ...this.#listing(),
    }
  }

  #cancelError(): CancelError {
    const { i, x, p, s } = this.#last ?? this.#trade()
    return {
      T: 'x',
      S: this.name,
      ...(i === undefined ? {} : { i }),
      ...(x === undefined ? {} : { x }),
      p,
      s,
      ...this.#random.maybe(0.9, { a: this.#random.pick(['C', 'E']) }),
      t: this.#clock.next(),
      ...this.#listing(),
    }
  }

  /** Prices have two digits; seldom four, and for crypto up to nine. */
  #decimal(hundredths: number): number {
    if (this.#isCrypto) return (hundredths * 1e7 + this.#random.whole(0, 9_999_999)) / 1e9
    return this.#random.chance(0.03) ? (hundredths * 100 + this.#random.whole(0, 99)) / 1e4 : hundredths / 100
  }

  /** Six digits; seldom what a sum of floating-point numbers leaves behind. */
  #average(): number {
    const digits = this.#random.whole(0, 9999)
    if (this.#random.chance(0.05)) return (this.#low + this.#high) / 200 + digits / 1e6
    return ((this.#low + this.#high) * 5000 + digits) / 1e6
  }

  #size(): number {
    if (this.#isCrypto) return this.#random.whole(1, 1e9) / 1e8
    return this.#random.chance(0.7) ? 100 * this.#random.whole(1, 40) : this.#random.whole(1, 99)
  }

  #listing(): { readonly z?: string } {
    return this.#isCrypto ? {} : this.#random.maybe(0.97, { z: this.#tape })
  }
}
