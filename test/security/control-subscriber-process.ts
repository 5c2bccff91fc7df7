/**
 * The process of a control subscriber: publishes a numbered trade every ten milliseconds, and receives them.
 * It answers each message of its parent with a `ControlReport`.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { controlAddress, type ControlReport, controlSymbol } from './control-subscriber.ts'

interface Received {
  readonly T: string
  readonly S?: string
  readonly i?: unknown
  readonly msg?: string
}

class ControlSession {
  readonly #url: string
  readonly #authorization: string
  readonly #webSocket: WebSocket
  #published = 0
  #received = 0
  #fault: string | undefined
  #lastMs = 0
  #longestGapMs = 0

  constructor(url: string, token: string) {
    this.#url = url
    this.#authorization = `Bearer ${token}`
    this.#webSocket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, {
      perMessageDeflate: false,
      localAddress: controlAddress,
      headers: { authorization: this.#authorization },
    })
    this.#webSocket.on('message', (data: Buffer) => {
      for (const message of JSON.parse(data.toString('utf8')) as Received[]) this.#take(message)
    })
    this.#webSocket.on('error', error => this.#fail(`connection: ${error.message}`))
    this.#webSocket.on('close', code => this.#fail(`the connection was closed with ${code}`))
  }

  /**
   * Reports the deliveries since the last report, once everything that is published by now has come or is
   * overdue.
   */
  async report(): Promise<ControlReport> {
    const expected = this.#published
    for (let tries = 0; this.#received < expected && tries < 2000; tries += 1) await pause(5)
    if (this.#received < expected) this.#fail(`received ${this.#received} of ${expected}`)
    const fault = this.#fault === undefined ? {} : { fault: this.#fault }
    const report = { received: this.#received, longestGapMs: this.#longestGapMs, ...fault }
    this.#longestGapMs = 0
    return report
  }

  #fail(text: string): void {
    this.#fault ??= text
  }

  #take(message: Received): void {
    if (message.T === 't' && message.S === controlSymbol) this.#takeTrade(message.i)
    else if (message.T === 'error') this.#fail(JSON.stringify(message))
    else if (message.T === 'subscription') void this.#publish()
    else if (message.msg === 'authenticated') this.#webSocket.send('{"action":"subscribe","trades":["*"]}')
  }

  #takeTrade(number: unknown): void {
    const nowMs = performance.now()
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastMs)
    this.#lastMs = nowMs
    this.#received += 1
    if (number !== this.#received) this.#fail(`received ${String(number)} instead of ${this.#received}`)
  }

  async #publish(): Promise<void> {
    this.#lastMs = performance.now()
    process.send?.('ready')
    for (;;) {
      const beganMs = performance.now()
      this.#published += 1
      await this.#publishOne(this.#published).catch((error: unknown) =>
        this.#fail(`publishing: ${String(error)}`),
      )
      await pause(Math.max(0, beganMs + 10 - performance.now()))
    }
  }

  async #publishOne(number: number): Promise<void> {
    const trade = { T: 't', S: controlSymbol, i: number, p: 1, s: 1, t: new Date().toISOString() }
    const response = await fetch(`${this.#url}/v1/events`, {
      method: 'POST',
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      body: JSON.stringify(trade),
    })
    const answer = await response.text()
    if (response.status !== 200) this.#fail(`published ${number}: ${response.status} ${answer}`)
  }
}

const [url = '', token = ''] = process.argv.slice(2)
const session = new ControlSession(url, token)
process.on('message', () => {
  void session.report().then(report => process.send?.(report))
})
process.once('disconnect', () => process.exit(0))
