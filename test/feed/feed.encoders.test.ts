import { expect, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import { Selection } from '../../src/feed/selection.ts'
import { JsonForm } from '../../src/wire/json/json-form.ts'
import type { EventEncoder, WireForm } from '../../src/wire/wire-form.ts'
import { createTestFeed } from '../support/defaults.ts'

const trade = (S: string): MarketEvent => ({ T: 't', S, p: 1, s: 1, t: '2026-01-02T14:30:00Z' })
const everything = new Selection(new Map([['trades', '*']]))
const some = new Selection(new Map([['trades', new Set(['B'])]]))

/** A form that notes what its encoder is asked. */
class NotingForm extends JsonForm implements WireForm {
  readonly calls: string[] = []
  readonly encoder: EventEncoder = {
    encode: (event, { partition }, index) =>
      this.calls.push(`encode ${event.T === 'n' ? '' : event.S} of ${partition} at ${index}`),
    reset: () => this.calls.push('reset'),
    forget: item => this.calls.push(`forget ${item}`),
    clear: () => this.calls.push('clear'),
  }

  take(): string[] {
    return this.calls.splice(0)
  }
}

test('an encoder gets the events that come in while its form has audiences, and no others', () => {
  const [noting, other] = [new NotingForm({ name: 'noting' }), new JsonForm()]
  const feed = createTestFeed({ createForms: () => [other, noting] })
  const add = (symbol: string): void => {
    feed.add(trade(symbol), { partition: 3, offset: 0, writtenMs: 0 })
    feed.flush()
  }
  const join = (form: WireForm, selection: Selection) => {
    const subscriber = { deliver: () => undefined }
    const audience = feed.fanOut.join(subscriber, selection, form)
    return () => feed.fanOut.leave(subscriber, audience)
  }
  const leaveOther = join(other, everything)
  add('A')
  expect(noting.take()).toEqual(['reset'])

  const [leaveFirst, leaveSecond] = [join(noting, everything), join(noting, some)]
  add('B')
  expect(noting.take()).toEqual(['encode B of 3 at 0', 'reset'])
  leaveFirst()
  add('C')
  expect(noting.take()).toEqual(['encode C of 3 at 0', 'reset'])

  leaveSecond()
  expect(noting.take()).toEqual(['clear'])
  add('D')
  expect(noting.take()).toEqual(['reset'])
  leaveOther()
})

test('an encoder forgets an item whose number another one gets, even without an audience', () => {
  const noting = new NotingForm({ name: 'noting' })
  const feed = createTestFeed({ maxItems: 1, createForms: () => [noting] })
  for (const symbol of ['A', 'B']) feed.add(trade(symbol), { partition: 0, offset: 0, writtenMs: 0 })
  expect(noting.take().filter(call => call !== 'reset')).toEqual(['forget 0'])
})
