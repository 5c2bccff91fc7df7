import { spreadsOf } from '../statistics.ts'
import { gatewayStages } from './gateway-stages.ts'
import type { ReadRound } from './read-path.ts'

/** The figures over all rounds: µs of CPU an event, and ratios that are made within each round. */
export type ReadPathSummary = ReturnType<typeof summaryOf>

export function summaryOf(rounds: readonly ReadRound[]) {
  return spreadsOf(rounds.map(figuresOf))
}

function figuresOf({ ours, aside, byFetch, byGroup, decoder }: ReadRound) {
  const { events } = ours
  const stages = gatewayStages.map(stage => ours[stage] / events)
  const [fetch = 0, decode = 0, validate = 0, encode = 0] = stages
  const parse = aside.parse / events
  const whole = stages.reduce((sum, us) => sum + us, 0)
  const fetchDecode = byFetch.decode / events
  const fetchWhole = (byFetch.decode + byFetch.parse) / events
  const groupWhole = (byGroup.decode + byGroup.parse) / events
  const decoderAlone = decoder.decode / events
  return {
    fetch,
    decode,
    validate,
    encode,
    whole,
    parse,
    unfamiliar: aside.unfamiliar / events,
    validateRatio: (validate * events) / aside.unfamiliar,
    fetchDecode,
    fetchParse: byFetch.parse / events,
    fetchWhole,
    groupDecode: byGroup.decode / events,
    groupParse: byGroup.parse / events,
    groupWhole,
    decoderAlone,
    decodeRatio: decode / decoderAlone,
    readRatio: (fetch + decode) / fetchDecode,
    parsedRatio: (fetch + decode + parse) / fetchWhole,
    checkedRatio: (fetch + decode + validate) / fetchWhole,
    wholeRatio: whole / fetchWhole,
    readGroupRatio: (fetch + decode) / (byGroup.decode / events),
    parsedGroupRatio: (fetch + decode + parse) / groupWhole,
    checkedGroupRatio: (fetch + decode + validate) / groupWhole,
    wholeGroupRatio: whole / groupWhole,
  }
}
