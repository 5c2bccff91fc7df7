import { messageOf, TickerError } from '../diagnostics/ticker-error.ts'
import { count, isMembers, text } from './message-schemas.ts'

/** The process at the other end did not answer: not in time, not as it should, or it is gone. */
export class WorkerChannelError extends TickerError {
  readonly code = 'TICKER_WORKER_LINE'
}

export interface WorkerChannelOptions {
  /** Hands a message to the channel between the two processes; must not throw. */
  readonly send: (message: object) => void
  /** Answers a question of the other end, whatever it holds; what is thrown is told as a fault. */
  readonly answer: (question: unknown) => unknown
  /** Takes what the other end tells, whatever it holds; must not throw. */
  readonly hear: (notice: unknown) => void
}

/** How a question is asked. */
export interface AskRule<Answer> {
  /** Reads the answer; `undefined` where it is none. */
  readonly parse: (value: unknown) => Answer | undefined
  readonly withinMs: number
  /** Takes an answer that comes after its time, when the question has failed. */
  readonly late?: (answer: Answer) => void
}

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Questions that may wait for an answer; what is asked beyond that fails at once. */
const mostPending = 20_000
const longestFault = 1000

/**
 * One end of what the primary and a worker say to each other: questions, each with an answer in time or an error, and notices. What
 * comes in is `unknown` until it was read; what is said is delivered in order.
 */
export class WorkerChannel {
  readonly #options: WorkerChannelOptions
  readonly #pending = new Map<number, Pending>()
  /** What is to be done with answers that come too late, by question. */
  readonly #late = new Map<number, (answer: unknown) => void>()
  /** What is said in this turn of the event loop. */
  #said: object[] = []
  #lastNumber = 0
  #isClosed = false

  constructor(options: WorkerChannelOptions) {
    this.#options = options
  }

  /** Asks; rejects with a `WorkerChannelError`. */
  async ask<Answer>(question: object, { parse, withinMs, late }: AskRule<Answer>): Promise<Answer> {
    if (this.#isClosed) throw new WorkerChannelError('the process at the other end is gone')
    if (this.#pending.size >= mostPending)
      throw new WorkerChannelError(`${mostPending} questions wait for an answer already`)
    const number = ++this.#lastNumber
    const answer = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settle(number)?.reject(new WorkerChannelError(`no answer within ${withinMs} ms`))
        if (late !== undefined) this.#keepLate(number, value => ifDefined(parse(value), late))
      }, withinMs)
      this.#pending.set(number, { resolve, reject, timer })
      this.#say({ line: 'ask', number, body: question })
    })
    const parsed = parse(answer)
    if (parsed === undefined) throw new WorkerChannelError('the answer is none')
    return parsed
  }

  /** Tells something that is not answered. */
  tell(notice: object): void {
    if (!this.#isClosed) this.#say({ line: 'tell', body: notice })
  }

  /** Takes a message of the channel; one that is not of this line's is passed over. */
  receive(message: unknown): void {
    if (!isMembers(message) || !Array.isArray(message['said'])) return
    for (const said of message['said']) this.#take(said)
  }

  #take(message: unknown): void {
    if (!isMembers(message)) return
    const { line, number, body } = message
    if (line === 'tell') this.#options.hear(body)
    else if (!count(number)) return
    else if (line === 'ask') void this.#answer(number, body)
    else if (line === 'answer') this.#answered(number, body)
    else if (line === 'fault') this.#failed(number, body)
  }

  #answered(number: number, body: unknown): void {
    this.#settle(number)?.resolve(body)
    this.#late.get(number)?.(body)
    this.#late.delete(number)
  }

  #failed(number: number, body: unknown): void {
    this.#settle(number)?.reject(faultOf(body))
    this.#late.delete(number)
  }

  #keepLate(number: number, late: (answer: unknown) => void): void {
    this.#late.set(number, late)
    const [oldest] = this.#late.keys()
    if (this.#late.size > mostPending && oldest !== undefined) this.#late.delete(oldest)
  }

  /** The other end is gone: nobody answers any more. */
  close(): void {
    this.#isClosed = true
    this.#late.clear()
    for (const number of this.#pending.keys()) {
      this.#settle(number)?.reject(new WorkerChannelError('the process at the other end is gone'))
    }
  }

  async #answer(number: number, question: unknown): Promise<void> {
    const { answer } = this.#options
    try {
      this.#say({ line: 'answer', number, body: await answer(question) })
    } catch (error) {
      this.#say({ line: 'fault', number, body: messageOf(error).slice(0, longestFault) })
    }
  }

  /** What is said in one turn of the event loop goes over together: each message costs both processes system calls. */
  #say(message: object): void {
    this.#said.push(message)
    if (this.#said.length > 1) return
    setImmediate(() => {
      const said = this.#said
      this.#said = []
      this.#options.send({ said })
    })
  }

  #settle(number: number): Pending | undefined {
    const pending = this.#pending.get(number)
    if (pending === undefined) return undefined
    this.#pending.delete(number)
    clearTimeout(pending.timer)
    return pending
  }
}

function ifDefined<Value>(value: Value | undefined, use: (value: Value) => void): void {
  if (value !== undefined) use(value)
}

function faultOf(body: unknown): WorkerChannelError {
  return new WorkerChannelError(text(body, longestFault) ? body : 'the other end could not answer')
}
