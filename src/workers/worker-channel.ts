import * as v from 'valibot'
import { messageOf, TickerError } from '../diagnostics/ticker-error.ts'

/** The process at the other end gave no answer in time, gave a malformed one, or is gone. */
export class WorkerChannelError extends TickerError {
  readonly code = 'TICKER_WORKER_LINE'
}

/** The handlers of the other process's messages, which are `unknown` until they are checked. */
export interface WorkerChannelHandlers {
  /** Returns the answer to a question. The other end is told what it throws. */
  readonly onQuestion: (question: unknown) => unknown
  /** Must not throw. */
  readonly onNotice: (notice: unknown) => void
}

export interface WorkerChannelOptions extends WorkerChannelHandlers {
  /** Sends a message to the other process; must not throw. */
  readonly send: (message: object) => void
}

/** How to ask a question. */
export interface AskOptions<Answer> {
  readonly answer: v.GenericSchema<unknown, Answer>
  readonly withinMs: number
  /** Called with an answer that arrives after `withinMs`, when the question has failed already. */
  readonly onLateAnswer?: (answer: Answer) => void
}

interface PendingQuestion {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Further questions fail at once. */
const maxPending = 20_000
const longestFault = 1000

const number = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const body = v.optional(v.unknown())
const batch = v.object({ messages: v.array(v.unknown()) })
const message = v.variant('kind', [
  v.object({ kind: v.literal('question'), number, body }),
  v.object({ kind: v.literal('answer'), number, body }),
  v.object({ kind: v.literal('fault'), number, body: v.pipe(v.string(), v.maxLength(longestFault)) }),
  v.object({ kind: v.literal('notice'), body }),
])
type Message = v.InferOutput<typeof message>

/**
 * One end of the channel between the primary and a worker. Questions get an answer in time or fail; notices
 * get no answer. Messages arrive in the order in which they were sent.
 */
export class WorkerChannel {
  readonly #options: WorkerChannelOptions
  readonly #pending = new Map<number, PendingQuestion>()
  /** By question: called with an answer that arrives too late. */
  readonly #late = new Map<number, (answer: unknown) => void>()
  /** Messages of this turn of the event loop. */
  #outgoing: Message[] = []
  #lastNumber = 0
  #isClosed = false

  constructor(options: WorkerChannelOptions) {
    this.#options = options
  }

  /** Asks a question. Rejects with a `WorkerChannelError`. */
  async ask<Answer>(question: object, options: AskOptions<Answer>): Promise<Answer> {
    const { answer: schema, withinMs, onLateAnswer } = options
    if (this.#isClosed) throw goneError()
    if (this.#pending.size >= maxPending) {
      throw new WorkerChannelError(`${maxPending} questions are waiting for an answer already`)
    }
    const questionNumber = ++this.#lastNumber
    const answer = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settle(questionNumber)?.reject(new WorkerChannelError(`no answer within ${withinMs} ms`))
        if (onLateAnswer === undefined) return
        this.#keepLate(questionNumber, value => {
          const late = v.safeParse(schema, value)
          if (late.success) onLateAnswer(late.output)
        })
      }, withinMs)
      this.#pending.set(questionNumber, { resolve, reject, timer })
      this.#send({ kind: 'question', number: questionNumber, body: question })
    })
    const result = v.safeParse(schema, answer)
    if (result.success) return result.output
    throw new WorkerChannelError('the answer is malformed')
  }

  /** Sends a notice. */
  tell(notice: object): void {
    if (!this.#isClosed) this.#send({ kind: 'notice', body: notice })
  }

  /** Handles a message of the other process; ignores one that is not of this channel. */
  receive(received: unknown): void {
    if (!v.is(batch, received)) return
    for (const each of received.messages) if (v.is(message, each)) this.#handle(each)
  }

  /** The other process is gone: every question fails. */
  close(): void {
    this.#isClosed = true
    this.#late.clear()
    for (const questionNumber of this.#pending.keys()) this.#settle(questionNumber)?.reject(goneError())
  }

  #handle(received: Message): void {
    switch (received.kind) {
      case 'notice':
        return this.#options.onNotice(received.body)
      case 'question':
        return void this.#answer(received.number, received.body)
      case 'answer':
        this.#settle(received.number)?.resolve(received.body)
        this.#late.get(received.number)?.(received.body)
        this.#late.delete(received.number)
        return
      case 'fault':
        this.#settle(received.number)?.reject(new WorkerChannelError(received.body))
        this.#late.delete(received.number)
    }
  }

  #keepLate(questionNumber: number, late: (answer: unknown) => void): void {
    this.#late.set(questionNumber, late)
    const [oldest] = this.#late.keys()
    if (this.#late.size > maxPending && oldest !== undefined) this.#late.delete(oldest)
  }

  async #answer(questionNumber: number, question: unknown): Promise<void> {
    const { onQuestion } = this.#options
    try {
      this.#send({ kind: 'answer', number: questionNumber, body: await onQuestion(question) })
    } catch (error) {
      const fault = messageOf(error).slice(0, longestFault)
      this.#send({ kind: 'fault', number: questionNumber, body: fault })
    }
  }

  /**
   * Sends the messages of one turn of the event loop together: each send costs both processes system calls.
   */
  #send(outgoing: Message): void {
    this.#outgoing.push(outgoing)
    if (this.#outgoing.length > 1) return
    setImmediate(() => {
      const messages = this.#outgoing
      this.#outgoing = []
      this.#options.send({ messages })
    })
  }

  #settle(questionNumber: number): PendingQuestion | undefined {
    const pending = this.#pending.get(questionNumber)
    if (pending === undefined) return undefined
    this.#pending.delete(questionNumber)
    clearTimeout(pending.timer)
    return pending
  }
}

function goneError(): WorkerChannelError {
  return new WorkerChannelError('the process at the other end is gone')
}
