import { JsonForm } from './json/json-form.ts'
import { TapeForm } from './tape/tape-form.ts'
import type { LiveEvents, WireForms } from './wire-form.ts'

/** Returns the forms of `ticker.v1` for one feed. `batch`: the batch that it is adding events to. */
export function createTickerV1Forms(batch: LiveEvents): WireForms {
  const json = new JsonForm()
  return [json, new TapeForm(batch, json)]
}
