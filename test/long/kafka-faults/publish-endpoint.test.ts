import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Topics } from '../../../src/log/topics.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { type KafkaBroker, startKafka } from '../../support/kafka.ts'
import { createTopics, kafkaVariables } from '../../support/topics.ts'
import { type BodyFormName, bodyForms, PublishClient } from './publish-client.ts'
import {
  countOutcomes,
  faultlessPosts,
  judgePosts,
  type Posted,
  type Poster,
  startHastyPoster,
  startPatientPoster,
} from './publish-posters.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { report } from './scenario.ts'
import { Subscriber } from './subscriber.ts'
import { compare, readTruth, type TrueRecord } from './truth.ts'

/** For so long an event is tried (docs/kafka.md). */
const appendMs = 30_000
/**
 * In which the gateway finds a broker that is back: its longest pause between attempts is 4 s, and machines
 * are busy.
 */
const findingMs = 8000
/** What a broker takes to answer after its start, about. */
const startMs = 5000
const numbersOfPoster = 1_000_000
const symbolsOfPoster = 8
/** Events of a request, and the pause after it. */
const sizes = [
  { size: 1, pauseMs: 20 },
  { size: 100, pauseMs: 250 },
]

let broker: KafkaBroker
let topics: Topics
let gateway: TestGateway
let subscriber: Subscriber
let posters: { readonly patient: readonly Poster[]; readonly hasty: Poster }

beforeAll(async () => {
  broker = await startKafka()
})
beforeEach(async () => {
  topics = await createTopics(broker.brokers)
  gateway = await startTestGateway(kafkaVariables(broker.brokers, topics))
  subscriber = await Subscriber.open(gateway)
  posters = await startPosters()
  await arrivals(1000)
})
afterEach(async () => {
  await Promise.allSettled([...posters.patient, posters.hasty].map(poster => poster.stop()))
  await subscriber.close()
  await gateway.stop()
})
afterAll(() => broker.stop())

const ends = {
  SIGTERM: () => broker.shutDown(),
  SIGKILL: () => broker.kill(),
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('the broker, ended by %s', signal => {
  test.each([20, 40])('for about %i s: what was said of each event holds', async outageS => {
    await ends[signal]()
    const endedAt = performance.now()
    await pause(outageS * 1000 - startMs)
    await broker.restart()
    const backAt = performance.now()
    await arrivals(1000)
    const { patient, hasty } = await answers()
    const posted = [...patient, ...hasty]
    const truth = await readTruth(broker.brokers, topics.trades)
    const received = await findings(truth)
    report(`POST /v1/events, ${signal} for about ${outageS} s`, {
      'down s': ((backAt - endedAt) / 1000).toFixed(1),
      'first event after ms': subscriber.firstAfterMs(backAt),
      ...countOutcomes(posted),
      'uncertain of which are there': countThere(posted, truth),
      'youngest given up at the return s': youngestAgeS(posted, { endedAt, backAt }),
    })
    expect(judgePosts(posted, truth, patient)).toEqual(faultlessPosts)
    expect(received).toEqual({ lost: 0, twice: 0, invented: 0, disordered: 0 })
    // A poster that waits and tries again has everything published, or learns that it is unknown.
    expect(patient.filter(({ outcome }) => outcome === 'unsent').length).toBe(0)
    expect(posted.filter(each => isInTime(each, backAt) && typeof each.outcome === 'string').length).toBe(0)
  })
})

/** Whether the broker was back before the event's time was over. */
function isInTime({ postedAtMs }: Posted, backAt: number): boolean {
  return postedAtMs > backAt - (appendMs - findingMs)
}

/** One that waits for each form of body and size of request, and one in haste. */
async function startPosters() {
  const forms = Object.keys(bodyForms) as BodyFormName[]
  const kinds = forms.flatMap(form => sizes.map(size => ({ form, ...size })))
  const patient = await Promise.all(
    kinds.map(async ({ form, size, pauseMs }, index) =>
      startPatientPoster({ ...(await posterOptions(form, index)), size, pauseMs }),
    ),
  )
  const hastyOptions = await posterOptions('JSON', kinds.length)
  return { patient, hasty: startHastyPoster({ ...hastyOptions, size: 4, pauseMs: 100 }) }
}

async function posterOptions(form: BodyFormName, index: number) {
  return {
    client: await PublishClient.create(gateway, form),
    symbols: Array.from({ length: symbolsOfPoster }, (_, number) => `P${index}N${number}`),
    first: index * numbersOfPoster,
  }
}

async function arrivals(count: number): Promise<void> {
  const { numbers } = subscriber
  const end = numbers.length + count
  await waitUntil(() => numbers.length >= end, `${count} more trades`)
}

async function answers() {
  const [hasty, ...patient] = await Promise.all(
    [posters.hasty, ...posters.patient].map(poster => poster.stop()),
  )
  return { hasty: hasty ?? [], patient: patient.flat() }
}

/** What the subscriber has of what is in Kafka, once it has all of it, or no longer gets any. */
async function findings(truth: readonly TrueRecord[]) {
  const { numbers } = subscriber
  await waitUntil(() => numbers.length >= truth.length, 'the last trades').catch(() => undefined)
  return compare(numbers, truth)
}

/** How many of those that nobody knows of are there. */
function countThere(posted: readonly Posted[], truth: readonly TrueRecord[]): number {
  const there = new Set(truth.map(({ number }) => number))
  return posted.filter(({ number, outcome }) => outcome === 'unconfirmed' && there.has(number)).length
}

/** For how long the youngest event that was given up in the outage had waited when the broker was back. */
function youngestAgeS(
  posted: readonly Posted[],
  { endedAt, backAt }: { readonly endedAt: number; readonly backAt: number },
): string {
  const times = posted
    .filter(({ outcome, postedAtMs }) => typeof outcome === 'string' && postedAtMs > endedAt - appendMs)
    .map(({ postedAtMs }) => postedAtMs)
  return times.length === 0 ? 'none' : ((backAt - Math.max(...times)) / 1000).toFixed(1)
}
